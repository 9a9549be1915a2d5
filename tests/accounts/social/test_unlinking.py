import asyncio
from collections import Counter
from typing import Any

import httpx

from tests.accounts.acts import audited, nothing_changes
from tests.accounts.social.acts import (
    enter,
    kind_of,
    link,
    profile,
    set_password,
)
from tests.support.house import House, Member
from tests.support.rogue_provider import RogueProvider

PATH = "/api/auth/identities"


async def listed(api: httpx.AsyncClient) -> list[dict[str, Any]]:
    answer = await api.get(PATH)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def as_bearer(house: House, entered: httpx.Response) -> httpx.AsyncClient:
    return house.client({"Authorization": f"Bearer {entered.json()['access_token']}"})


async def test_linked_identities_are_listed(
    house: House, acme: RogueProvider, globex: RogueProvider, maria: Member, noor: Member
) -> None:
    """AUTH-12: newest first, one's own alone, with when each was used last; in pages."""
    await link(maria, acme)
    house.clock.advance(minutes=5)
    await link(maria, globex, at="globex")
    await link(noor, acme, "noor")
    house.clock.advance(minutes=5)
    await enter(house, acme)
    house.clock.advance(minutes=1)
    member = house.client()
    entered = await enter(house, acme, browser=member)
    api = as_bearer(house, entered)

    newest, oldest = await listed(api)
    page = (await api.get(PATH, params={"limit": 1})).json()
    rest = (await api.get(PATH, params={"limit": 1, "cursor": page["next_cursor"]})).json()

    assert set(newest) == {"id", "provider", "created_at", "last_used_at"}
    assert (newest["provider"], oldest["provider"]) == ("globex", "acme")
    assert newest["last_used_at"] == newest["created_at"]
    assert oldest["last_used_at"] == house.clock.now.isoformat().replace("+00:00", "Z")
    assert (page["data"], page["has_more"]) == ([newest], True)
    assert (rest["data"], rest["has_more"]) == ([oldest], False)
    assert [each["provider"] for each in await listed(noor.api)] == ["acme"]


async def test_what_was_unlinked_opens_the_account_no_more(
    house: House, acme: RogueProvider, maria: Member
) -> None:
    """AUTH-12: it is a stranger's from then on, and may be linked by anybody who shows it."""
    await link(maria, acme)
    [identity] = await listed(maria.api)

    gone = await maria.api.delete(f"{PATH}/{identity['id']}")
    again = await maria.api.delete(f"{PATH}/{identity['id']}")
    entered = await profile(house, await enter(house, acme))

    assert (gone.status_code, gone.content) == (204, b"")
    assert kind_of(again) == (404, "identity-not-found")
    assert entered["id"] != str(maria.id)
    entries = await audited(house, "auth.identity_unlink")
    assert [entry[1:] for entry in entries] == [("success", maria.id, f"identity:{identity['id']}")]


async def test_nobody_unlinks_somebody_elses(
    house: House, acme: RogueProvider, maria: Member, noor: Member, adam: Member
) -> None:
    """AUTH-12: it is not even there for them; an administrator's neither."""
    await link(maria, acme)
    [identity] = await listed(maria.api)

    async with nothing_changes(house):
        refused = [await who.api.delete(f"{PATH}/{identity['id']}") for who in (noor, adam)]

    assert {kind_of(answer) for answer in refused} == {(404, "identity-not-found")}
    assert await listed(maria.api) == [identity]


async def test_the_last_way_in_can_not_be_unlinked(
    house: House, acme: RogueProvider, globex: RogueProvider
) -> None:
    """AUTH-12: another identity or a password makes it one of two."""
    entered = await enter(house, acme)
    user = await profile(house, entered)
    api = as_bearer(house, entered)
    [acmes] = await listed(api)

    refused = await api.delete(f"{PATH}/{acmes['id']}")
    start = await api.post("/api/auth/globex/link")
    await api.get(globex.authorize(start.json()["authorization_url"], "k-1"))
    one_of_two = await api.delete(f"{PATH}/{acmes['id']}")
    [globexes] = await listed(api)
    refused_again = await api.delete(f"{PATH}/{globexes['id']}")
    await set_password(house, user["id"])
    beside_a_password = await api.delete(f"{PATH}/{globexes['id']}")

    assert {kind_of(refused), kind_of(refused_again)} == {(409, "last-way-in")}
    assert (one_of_two.status_code, beside_a_password.status_code) == (204, 204)
    assert await listed(api) == []


async def test_of_two_last_ways_in_unlinked_at_the_same_time_one_stays(
    house: House, acme: RogueProvider, globex: RogueProvider
) -> None:
    """AUTH-12: nobody locks themselves out by two clicks."""
    entered = await enter(house, acme)
    api = as_bearer(house, entered)
    start = await api.post("/api/auth/globex/link")
    await api.get(globex.authorize(start.json()["authorization_url"], "k-1"))
    identities = await listed(api)

    answers = await asyncio.gather(*(api.delete(f"{PATH}/{each['id']}") for each in identities))

    assert len(identities) == 2
    assert Counter(answer.status_code for answer in answers) == {204: 1, 409: 1}
    assert len(await listed(api)) == 1


async def test_an_unlinked_identity_does_not_join_again_by_its_email(
    house: House, acme: RogueProvider
) -> None:
    """AUTH-12: whoever unlinks an identity that is no longer theirs is rid of it."""
    entered = await enter(house, acme, "kim")
    user = await profile(house, entered)
    await set_password(house, user["id"])
    api = as_bearer(house, entered)
    [identity] = await listed(api)
    assert (await api.delete(f"{PATH}/{identity['id']}")).status_code == 204

    again = await enter(house, acme, "kim")

    assert kind_of(again) == (409, "account-exists")
    assert (await api.get("/api/auth/me")).status_code == 200
