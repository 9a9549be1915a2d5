import asyncio
from collections import Counter

import pytest

from tests.catalogue.acts import PATH, delete, events, nothing_changes, path_of
from tests.support.house import House, Member
from tests.tracker.acts import Json, read


async def test_of_two_editors_one_is_told_that_the_other_was_first(
    house: House, maria: Member, adam: Member, desk: Json
) -> None:
    """API-9, CAT-1: ten at the same moment with the same tag: one goes through."""
    tag = (await maria.api.get(path_of(desk))).headers["ETag"]
    headers = {"If-Match": tag}
    house.clock.advance(seconds=1)

    answers = await asyncio.gather(
        *(
            member.api.patch(path_of(desk), json={"price": f"{number}.00"}, headers=headers)
            for member in (maria, adam)
            for number in range(1, 6)
        )
    )

    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 9}
    [taken] = [answer for answer in answers if answer.is_success]
    assert await read(adam, path_of(desk)) == taken.json()
    assert len(await events(house)) == 2


async def test_a_product_is_deleted_once(house: House, maria: Member, desk: Json) -> None:
    """CAT-1: by ten at once, while others change it: one event, and no change after it."""
    changing = [maria.api.patch(path_of(desk), json={"rating": n / 2}) for n in range(10)]
    deleting = [delete(maria, desk) for _ in range(10)]

    answers = await asyncio.gather(
        *(each for pair in zip(changing, deleting, strict=True) for each in pair)
    )

    assert Counter(answer.status_code for answer in answers[1::2]) == {204: 1, 404: 9}
    told = [name for name, _ in await events(house)]
    assert told.count("product.deleted") == 1
    assert told[-1] == "product.deleted"


async def test_the_same_key_adds_a_product_once(house: House, maria: Member) -> None:
    """API-8: sent again, or five times at the same moment."""
    wanted = {"name": "Desk", "category": "furniture", "price": 9.99}
    headers = {"Idempotency-Key": "desk-1"}

    answers = await asyncio.gather(
        *(maria.api.post(PATH, json=wanted, headers=headers) for _ in range(5))
    )
    again = await maria.api.post(PATH, json=wanted, headers=headers)
    async with nothing_changes(house):
        other = await maria.api.post(PATH, json={**wanted, "price": 9}, headers=headers)

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len((await read(maria, PATH))["data"]) == 1
    assert other.status_code == 422


@pytest.mark.parametrize(
    ("scopes", "held", "may"),
    [(["read"], False, {"GET"}), (["write"], False, {"GET", "POST"}), (["write"], True, set())],
)
async def test_a_token_may_do_what_it_is_for(
    house: House, mona: Member, *, scopes: list[str], held: bool, may: set[str]
) -> None:
    """CAT-1, PERM-1: one that is held to projects has nothing of the catalogue."""
    project = (await mona.api.post("/api/projects", json={"name": "Web shop"})).json()
    wanted: Json = {"name": "Build", "scopes": scopes}
    wanted |= {"project_ids": [project["id"]]} if held else {}
    made = (await mona.api.post("/api/auth/personal-access-tokens", json=wanted)).json()
    api = house.client({"Authorization": f"Bearer {made['token']}"})
    product = {"name": "Desk", "category": "furniture", "price": 1}

    async with api:
        found = {
            "GET": (await api.get(PATH)).status_code,
            "POST": (await api.post(PATH, json=product)).status_code,
        }

    assert {method for method, status in found.items() if status < 300} == may
    assert {status for status in found.values() if status >= 300} <= {403}
