"""Emails and full names under keys (SEC-7): in answers as ever, in the database never."""

import base64
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import Text, bindparam, select, type_coerce, update

from lacewing.accounts.service import personal_data
from lacewing.accounts.store import users as users_store
from lacewing.accounts.store.personal_data import BATCH
from lacewing.accounts.tables import users
from lacewing.kernel.actor import Role
from lacewing.kernel.db import transaction
from lacewing.kernel.db.encryption import PersonalDataLocked
from lacewing.kernel.idempotency.tables import idempotency_keys
from lacewing.kernel.ids import new_id
from lacewing.settings import InvalidSettings, Settings
from tests.accounts.acts import log_in, register
from tests.support.house import House, open_house

MakeSettings = Callable[..., Settings]

RAW = select(
    users.c.id,
    type_coerce(users.c.email, Text),
    type_coerce(users.c.full_name, Text),
    users.c.email_key,
).order_by(users.c.created_at, users.c.id)


def new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


OLD, NEW, OLD_HASH, NEW_HASH = (new_key() for _ in range(4))


@asynccontextmanager
async def opened_with(make_settings: MakeSettings, *keys: str) -> AsyncGenerator[House, None]:
    """A house on the test's database; ``keys`` are those of encryption, then those of the hash."""
    variables = {}
    if keys:
        encryption, index = keys
        variables = {
            "LACEWING_PII_ENCRYPTION_KEY": encryption,
            "LACEWING_PII_HASH_KEY": index,
        }
    async with open_house(make_settings(**variables)) as opened:
        yield opened


@pytest.fixture
async def sealing(make_settings: MakeSettings) -> AsyncIterator[House]:
    async with opened_with(make_settings, OLD, OLD_HASH) as opened:
        yield opened


async def bring_up_to_date(house: House) -> list[tuple[int, int]]:
    steps = personal_data.bring_up_to_date(house.database)
    return [(step.seen, step.changed) async for step in steps]


async def raw_text(house: House) -> str:
    """Everything of users and kept answers, as it stands."""
    kept = await house.rows(select(idempotency_keys.c.body))
    return str(await house.rows(RAW)) + str(kept)


async def test_what_is_stored_is_sealed_and_what_is_answered_is_not(sealing: House) -> None:
    """SEC-7: the answer that an ``Idempotency-Key`` keeps is sealed too, and replayed open."""
    body = {"email": "Nina@example.com", "password": "Correct-Horse-7", "full_name": "Nina Nilsson"}
    headers = {"Idempotency-Key": "one"}

    first = await sealing.anonymous.post("/api/auth/register", json=body, headers=headers)
    again = await sealing.anonymous.post("/api/auth/register", json=body, headers=headers)

    assert again.json() == first.json()
    assert (first.json()["email"], first.json()["full_name"]) == (
        "Nina@example.com",
        "Nina Nilsson",
    )
    stored = (await raw_text(sealing)).lower()
    assert "nina@" not in stored
    assert "nilsson" not in stored


async def test_an_email_is_found_and_kept_unique_by_its_hash(sealing: House) -> None:
    """SEC-7: login by email in any case; nobody else gets it, by registering or by changing."""
    await register(sealing, email="nina@example.com")
    noor = await sealing.member("noor")

    by_email = await sealing.anonymous.post(
        "/api/auth/login", json={"email": "NINA@example.com", "password": "Correct-Horse-7"}
    )
    taken = await register(sealing, email="Nina@Example.com", username="other")
    changed = await noor.api.patch("/api/auth/me", json={"email": "nina@example.com"})

    assert by_email.status_code == 200
    assert (taken.status_code, changed.status_code) == (409, 409)
    assert {taken.json()["type"], changed.json()["type"]} == {"email-taken"}


async def test_full_names_are_shown_wherever_people_are(sealing: House) -> None:
    """SEC-7: beside issues and comments, in the actor's own answers, and once changed."""
    mona = await sealing.member("mona", Role.MANAGER)
    await mona.api.patch("/api/auth/me", json={"full_name": "Mona Example"})

    project = (await mona.api.post("/api/projects", json={"name": "Web"})).json()
    path = f"/api/projects/{project['id']}/issues"
    made = (await mona.api.post(path, json={"title": "Slow", "assignee_id": "mona"})).json()
    listed = (await mona.api.get(path)).json()["data"]

    shown = [project["created_by"], made["reporter"], made["assignee"], listed[0]["reporter"]]
    assert {person["full_name"] for person in shown} == {"Mona Example"}
    assert "Mona" not in await raw_text(sealing)


async def test_a_sealed_value_does_not_open_in_another_row(sealing: House) -> None:
    """SEC-7: nor in another column; what was moved is told, not shown."""
    maria, noor = await sealing.member("maria"), await sealing.member("noor")
    sealed = {row[0]: row[1] for row in await sealing.rows(RAW)}
    set_raw = update(users).where(users.c.id == bindparam("user_id"))

    async with transaction(sealing.database) as session:
        await session.execute(set_raw, {"user_id": noor.id, "email": sealed[maria.id]})
    of_row = await noor.api.get("/api/auth/me")
    async with transaction(sealing.database) as session:
        values = {"user_id": noor.id, "email": sealed[noor.id], "full_name": sealed[noor.id]}
        await session.execute(set_raw, values)
    of_column = await noor.api.get("/api/auth/me")

    assert (of_row.status_code, of_column.status_code) == (503, 503)
    assert of_row.json()["type"] == "personal-data-locked"
    assert "maria" not in of_row.text + of_column.text


async def test_what_stands_in_the_clear_is_sealed_on_a_running_server(
    make_settings: MakeSettings,
) -> None:
    """SEC-7: everybody can log in before, in the middle and after; run again, it does nothing."""
    async with opened_with(make_settings) as plain:
        await register(plain, email="nina@example.com", full_name="Nina Nilsson")
        await _add_users(plain, 2 * BATCH)

    async with opened_with(make_settings, OLD, OLD_HASH) as house:
        before = await log_in(house, "nina@example.com")
        taken = await register(house, email="NINA@example.com", username="other")
        stopped = personal_data.bring_up_to_date(house.database)
        first = await anext(stopped)
        await stopped.aclose()
        middle = await log_in(house, "nina@example.com")
        rest = await bring_up_to_date(house)
        after = await log_in(house, "nina@example.com")
        again = await bring_up_to_date(house)
        stored = await raw_text(house)

    assert {before.status_code, middle.status_code, after.status_code} == {200}
    assert taken.json()["type"] == "email-taken"
    assert (first.seen, first.changed) == (BATCH, BATCH)
    assert sum(changed for _, changed in rest) == BATCH + 1
    assert sum(changed for _, changed in again) == 0
    assert "@" not in stored
    assert "Nilsson" not in stored


async def test_keys_are_rotated_on_a_running_server(make_settings: MakeSettings) -> None:
    """SEC-7: both keys open; after the rotation the new one alone does."""
    async with opened_with(make_settings, OLD, OLD_HASH) as house:
        await register(house, email="nina@example.com", full_name="Nina Nilsson")

    async with opened_with(make_settings, f"{NEW},{OLD}", f"{NEW_HASH},{OLD_HASH}") as house:
        by_old = await log_in(house, "nina@example.com")
        taken = await register(house, email="nina@example.com", username="other")
        waiting = await personal_data.find_status(house.database)
        await bring_up_to_date(house)
        done = await personal_data.find_status(house.database)

    async with opened_with(make_settings, NEW, NEW_HASH) as house:
        by_new = await log_in(house, "nina@example.com")
        headers = {"Authorization": f"Bearer {by_new.json()['access_token']}"}
        me = await house.anonymous.get("/api/auth/me", headers=headers)

    assert (by_old.status_code, taken.status_code, by_new.status_code) == (200, 409, 200)
    assert (waiting.under_earlier_keys, done.under_earlier_keys, done.sealed) == (1, 0, 1)
    assert me.json()["full_name"] == "Nina Nilsson"


async def test_a_server_without_the_key_does_not_start(make_settings: MakeSettings) -> None:
    """SEC-7: rather than showing sealed text for names."""
    async with opened_with(make_settings, OLD, OLD_HASH) as house:
        await register(house, email="nina@example.com")

    with pytest.raises(PersonalDataLocked, match="LACEWING_PII_ENCRYPTION_KEY"):
        async with opened_with(make_settings):
            pass


async def test_a_server_with_other_keys_does_not_start(make_settings: MakeSettings) -> None:
    """SEC-7: it would not find the emails that there are, and register them twice."""
    async with opened_with(make_settings, OLD, OLD_HASH) as house:
        await register(house, email="nina@example.com")

    for keys in ((NEW, NEW_HASH), (OLD, NEW_HASH), (NEW, OLD_HASH)):
        with pytest.raises(PersonalDataLocked):
            async with opened_with(make_settings, *keys):
                pass


async def test_answers_kept_for_replay_are_sealed_and_rotated_too(
    make_settings: MakeSettings,
) -> None:
    """SEC-7: what an ``Idempotency-Key`` kept in the clear is sealed, and replays afterwards."""
    body = {"email": "nina@example.com", "password": "Correct-Horse-7"}
    headers = {"Idempotency-Key": "one"}
    async with opened_with(make_settings) as house:
        first = await house.anonymous.post("/api/auth/register", json=body, headers=headers)

    async with opened_with(make_settings, f"{NEW},{OLD}", f"{NEW_HASH},{OLD_HASH}") as house:
        await bring_up_to_date(house)
        stored = await raw_text(house)
    async with opened_with(make_settings, NEW, NEW_HASH) as house:
        again = await house.anonymous.post("/api/auth/register", json=body, headers=headers)

    assert "nina@" not in stored
    assert again.json() == first.json()


async def test_users_are_searched_by_username_where_names_are_sealed(sealing: House) -> None:
    """SEC-7: parts of what is sealed can't be searched; usernames can."""
    await register(sealing, email="nina@example.com", username="nina", full_name="Zoe Zander")
    maria = await sealing.member("maria")

    by_name = (await maria.api.get("/api/users", params={"search": "nin"})).json()["data"]
    by_full_name = (await maria.api.get("/api/users", params={"search": "zoe"})).json()["data"]

    assert [each["full_name"] for each in by_name] == ["Zoe Zander"]
    assert by_full_name == []


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"PII_ENCRYPTION_KEY": "short", "PII_HASH_KEY": OLD_HASH}, "PII_ENCRYPTION_KEY"),
        ({"PII_ENCRYPTION_KEY": OLD}, "PII_HASH_KEY"),
        ({"PII_HASH_KEY": OLD_HASH}, "PII_ENCRYPTION_KEY"),
        ({"PII_ENCRYPTION_KEY": f"{OLD},x", "PII_HASH_KEY": OLD_HASH}, "PII_ENCRYPTION_KEY"),
        ({"PII_ENCRYPTION_KEY": OLD[:-4], "PII_HASH_KEY": OLD_HASH}, "PII_ENCRYPTION_KEY"),
    ],
)
def test_keys_that_can_not_be_are_named(
    make_settings: MakeSettings, variables: dict[str, Any], named: str
) -> None:
    """SEC-7, SEC-11: also read without the prefix; the key itself is never told."""
    with pytest.raises(InvalidSettings, match=f"LACEWING_{named}") as caught:
        make_settings(**variables)

    assert OLD not in str(caught.value)


async def _add_users(house: House, count: int) -> None:
    async with transaction(house.database) as session:
        for at in range(count):
            await users_store.insert_user(
                session,
                user_id=new_id(),
                username=f"user{at}",
                email=f"user{at}@example.com",
                full_name=f"User {at}",
                password_hash=None,
                role=Role.DEVELOPER,
                is_active=True,
                now=house.clock(),
            )
