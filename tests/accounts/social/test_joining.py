from uuid import UUID

import pytest

from tests.accounts.acts import (
    WRONG,
    change_user,
    fail_to_log_in,
    log_in,
    refresh,
    register,
    status_with,
    stored,
)
from tests.accounts.social.acts import (
    enter,
    kind_of,
    link,
    linked,
    nobody_enters,
    profile,
    set_password,
)
from tests.support.house import House, Member
from tests.support.rogue_provider import RogueProvider

EXISTS = (409, "account-exists")


async def test_an_identity_is_its_subject_whatever_its_email_becomes(
    house: House, acme: RogueProvider, maria: Member
) -> None:
    """AUTH-12: another email, an unverified one, one of somebody else: the same account."""
    first = await profile(house, await enter(house, acme))

    emails = [("other@example.com", True), ("evil@example.com", False), (maria.email, True)]
    later = [
        await profile(house, await enter(house, acme, email=email, email_verified=is_verified))
        for email, is_verified in emails
    ]

    assert {user["id"] for user in later} == {first["id"]}
    assert {user["email"] for user in later} == {"kim@example.com"}


async def test_the_same_subject_of_another_provider_is_somebody_else(
    house: House, acme: RogueProvider, globex: RogueProvider
) -> None:
    """AUTH-12: a subject means nothing without its issuer."""
    one = await profile(house, await enter(house, acme, "1"))
    other = await profile(
        house, await enter(house, globex, "1", at="globex", email="one@example.org")
    )

    assert one["id"] != other["id"]


@pytest.mark.parametrize(
    "spelling", ["maria@example.com", "Maria@Example.COM", "MARIA@example.com"]
)
async def test_an_email_that_somebody_typed_in_is_joined_by_nobody(
    house: House, acme: RogueProvider, maria: Member, spelling: str
) -> None:
    """AUTH-12: who registered with it need not own it, nor who owns it have registered."""
    async with nobody_enters(house):
        answer = await enter(house, acme, "maria", email=spelling)

    assert kind_of(answer) == EXISTS
    assert maria.email not in answer.text
    assert await status_with(house, maria.access_token) == 200
    assert (await log_in(house, "maria")).status_code == 200


async def test_whoever_registers_with_a_strangers_email_waits_in_vain(
    house: House, acme: RogueProvider
) -> None:
    """AUTH-12: no account is kept open for the day that its true owner comes (pre-hijacking)."""
    await register(house, email="kim@example.com", username="attacker")

    answer = await enter(house, acme)

    assert kind_of(answer) == EXISTS
    assert await linked(house) == []


async def test_an_email_that_two_providers_vouch_for_joins(
    house: House, acme: RogueProvider, globex: RogueProvider
) -> None:
    """AUTH-12: the account has two ways in then."""
    first = await profile(house, await enter(house, acme))

    second = await profile(
        house, await enter(house, globex, "k-1", at="globex", email="KIM@example.com")
    )

    assert second["id"] == first["id"]
    assert {row[1:] for row in await linked(house)} == {
        ("acme", acme.issuer, "kim"),
        ("globex", globex.issuer, "k-1"),
    }


async def test_joining_puts_everybody_else_out(
    house: House, acme: RogueProvider, globex: RogueProvider
) -> None:
    """AUTH-12: password, sessions, access tokens and known devices; they may be somebody else's."""
    pair = (await enter(house, acme)).json()
    user_id = (await profile(house, await enter(house, acme)))["id"]
    await set_password(house, user_id)
    device = house.client()
    known = (await log_in(house, "kim", device=device)).json()
    api = house.client({"Authorization": f"Bearer {pair['access_token']}"})
    made = await api.post(
        "/api/auth/personal-access-tokens", json={"name": "Nightly", "scopes": ["read"]}
    )

    joined = await enter(house, globex, "k-1", at="globex", email="kim@example.com")

    assert (await profile(house, joined))["id"] == user_id
    assert await stored(house, UUID(user_id), "password_hash") is None
    for token in (pair["access_token"], known["access_token"], made.json()["token"]):
        assert await status_with(house, token) == 401
    assert (await refresh(house, pair["refresh_token"])).status_code == 401
    assert (await log_in(house, "kim", device=device)).status_code == 401


async def test_an_email_that_was_changed_is_proven_no_more(
    house: House, acme: RogueProvider, globex: RogueProvider
) -> None:
    """AUTH-12: nobody takes a stranger's email and waits; nor is one proven that was given up."""
    pair = (await enter(house, acme, "attacker")).json()
    api = house.client({"Authorization": f"Bearer {pair['access_token']}"})
    changed = await api.patch("/api/auth/me", json={"email": "victim@example.com"})

    answer = await enter(house, globex, "victim", at="globex")
    async with nobody_enters(house):
        again = await enter(house, globex, "victim", at="globex")
    freed = await enter(house, globex, "new", at="globex", email="attacker@example.com")

    assert changed.status_code == 200
    assert {kind_of(answer), kind_of(again)} == {EXISTS}
    assert await status_with(house, pair["access_token"]) == 200
    assert (await profile(house, freed))["username"] != "attacker"


async def test_whoever_was_deactivated_stays_out(
    house: House, acme: RogueProvider, globex: RogueProvider, adam: Member
) -> None:
    """AUTH-12: neither by the identity nor by another one that proves the same email."""
    user = await profile(house, await enter(house, acme))
    await adam.api.patch(f"/api/users/{user['id']}", json={"is_active": False})

    async with nobody_enters(house):
        by_old = await enter(house, acme)
        by_new = await enter(house, globex, "kim", at="globex")

    assert {kind_of(by_old), kind_of(by_new)} == {(401, "identity-not-proven")}


async def test_a_locked_password_locks_no_provider(
    house: House, acme: RogueProvider, maria: Member
) -> None:
    """AUTH-12, AUTH-16: nobody locks a colleague out by typing wrong passwords."""
    await link(maria, acme)
    await fail_to_log_in(house, "maria", 10)

    answer = await enter(house, acme)

    assert (await profile(house, answer))["id"] == str(maria.id)
    assert (await log_in(house, "maria", WRONG)).status_code == 401


async def test_changing_ones_user_by_an_admin_keeps_the_identity(
    house: House, acme: RogueProvider, adam: Member, maria: Member
) -> None:
    """AUTH-12: deactivated and back again, the same way in."""
    await link(maria, acme)
    await change_user(adam, maria, is_active=False)
    await change_user(adam, maria, is_active=True)

    assert (await profile(house, await enter(house, acme)))["id"] == str(maria.id)


async def test_another_subject_of_the_same_issuer_does_not_join_by_the_email(
    house: House, acme: RogueProvider
) -> None:
    """AUTH-12: an address that was given to somebody else does not give them the account too."""
    await enter(house, acme, "kim")

    async with nobody_enters(house):
        answer = await enter(house, acme, "kim-the-second", email="kim@example.com")

    assert kind_of(answer) == (409, "account-exists")
