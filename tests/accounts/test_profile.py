import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.accounts.acts import audited, log_in, nothing_changes, stored
from tests.support.house import House, Member


async def test_ones_own_profile(maria: Member) -> None:
    """AUTH-7: all that is known of oneself, but the password."""
    answer = await maria.api.get("/api/auth/me")

    profile = answer.json()
    assert profile.pop("created_at").endswith("Z")
    assert profile == {
        "id": str(maria.id),
        "username": "maria",
        "email": "maria@example.com",
        "full_name": None,
        "role": "developer",
        "is_active": True,
        "last_login": None,
    }
    assert answer.headers["etag"].startswith('"')


async def test_one_changes_ones_own_name_and_email(house: House, maria: Member) -> None:
    """AUTH-7: the new email is the one to log in with; audited without the personal data."""
    changes = {"full_name": "Maria Example", "email": "Maria.New@Example.com"}

    answer = await maria.api.patch("/api/auth/me", json=changes)

    profile = answer.json()
    assert answer.status_code == 200
    assert (profile["full_name"], profile["email"]) == ("Maria Example", "Maria.New@example.com")
    assert profile == (await maria.api.get("/api/auth/me")).json()
    assert (await log_in(house, "maria.new@example.com")).status_code == 200
    assert (await log_in(house, "maria@example.com")).status_code == 401
    assert await audited(house, "auth.profile_change") == [
        ("auth.profile_change", "success", maria.id, f"user:{maria.id}")
    ]


async def test_only_what_is_sent_changes(house: House, maria: Member) -> None:
    """AUTH-7: nothing at all for an empty body; null takes the full name away."""
    await maria.api.patch("/api/auth/me", json={"full_name": "Maria Example"})

    async with nothing_changes(house):
        empty = await maria.api.patch("/api/auth/me", json={})
        same = await maria.api.patch("/api/auth/me", json={"full_name": "Maria Example"})
    cleared = await maria.api.patch("/api/auth/me", json={"full_name": None})

    assert (empty.status_code, same.status_code) == (200, 200)
    assert (cleared.json()["full_name"], cleared.json()["email"]) == (None, "maria@example.com")


@pytest.mark.parametrize("email", ["noor@example.com", "NOOR@EXAMPLE.COM"])
async def test_an_email_that_is_taken_stays_with_its_owner(
    house: House, maria: Member, noor: Member, email: str
) -> None:
    """AUTH-7: unique without regard to case: 409, and the name is not changed either."""
    async with nothing_changes(house):
        answer = await maria.api.patch("/api/auth/me", json={"email": email, "full_name": "M"})

    assert (answer.status_code, answer.json()["type"]) == (409, "email-taken")
    assert await stored(house, noor.id, "email") == "noor@example.com"


async def test_the_case_of_ones_own_email_may_change(maria: Member) -> None:
    """AUTH-7: one's own email is not taken by oneself."""
    answer = await maria.api.patch("/api/auth/me", json={"email": "MARIA@example.com"})

    assert (answer.status_code, answer.json()["email"]) == (200, "MARIA@example.com")


async def test_of_two_who_want_an_email_at_once_one_gets_it(maria: Member, noor: Member) -> None:
    """AUTH-7: uniqueness holds under concurrency."""
    body = {"email": "wanted@example.com"}

    answers = await asyncio.gather(
        *(member.api.patch("/api/auth/me", json=body) for member in (maria, noor))
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_an_older_tag_does_not_overwrite(house: House, maria: Member) -> None:
    """API-9, AUTH-7: 412 with the state as it is and the fields that differ; else a new tag."""
    seen = {"If-Match": (await maria.api.get("/api/auth/me")).headers["etag"]}
    first = await maria.api.patch("/api/auth/me", json={"full_name": "First"}, headers=seen)

    async with nothing_changes(house):
        late = await maria.api.patch("/api/auth/me", json={"full_name": "Late"}, headers=seen)
    fresh = {"If-Match": first.headers["etag"]}
    second = await maria.api.patch("/api/auth/me", json={"full_name": "Second"}, headers=fresh)

    assert (first.status_code, late.status_code, second.status_code) == (200, 412, 200)
    assert late.json()["differing_fields"] == ["full_name"]
    assert late.json()["current"]["full_name"] == "First"


async def test_an_unchanged_profile_is_not_sent_again(maria: Member) -> None:
    """API-9: 304 for the tag that one has."""
    tag = (await maria.api.get("/api/auth/me")).headers["etag"]

    known = await maria.api.get("/api/auth/me", headers={"If-None-Match": tag})
    await maria.api.patch("/api/auth/me", json={"full_name": "Maria"})
    changed = await maria.api.get("/api/auth/me", headers={"If-None-Match": tag})

    assert (known.status_code, known.content, changed.status_code) == (304, b"", 200)


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "admin"},
        {"is_active": False},
        {"username": "root"},
        {"password": "Fresh-Horse-9"},
        {"id": "0199f0c4-6a5e-7c3d-9d0e-0a1b2c3d4e5f"},
        {"email": None},
        {"email": ""},
        {"email": "nobody"},
        {"full_name": ""},
        {"full_name": " "},
        {"full_name": "a\nb"},
        {"full_name": "a\x00b"},
        {"full_name": "x" * 201},
        [],
    ],
)
async def test_nobody_raises_or_breaks_themselves(
    house: House, maria: Member, changes: dict[str, Any]
) -> None:
    """AUTH-7, AUTH-18: own name and email alone; another field or value is a 422."""
    async with nothing_changes(house):
        answer = await maria.api.patch("/api/auth/me", json=changes)

    assert answer.status_code == 422
    assert await stored(house, maria.id, "role") == "developer"


async def test_verify_tells_other_services_whose_token_it_is(house: House, maria: Member) -> None:
    """AUTH-10: good, whose, until when; 401 once the session has ended."""
    until = house.clock.now.replace(microsecond=0, tzinfo=None) + timedelta(minutes=15)

    good = await maria.api.get("/api/auth/verify")
    await maria.api.post("/api/auth/logout")
    dead = await maria.api.get("/api/auth/verify")
    none = await house.anonymous.get("/api/auth/verify")

    told = good.json()
    assert told.pop("session_id")
    assert told == {
        "active": True,
        "user_id": str(maria.id),
        "username": "maria",
        "role": "developer",
        "scopes": None,
        "project_ids": None,
        "expires_at": f"{until.isoformat()}Z",
    }
    assert (dead.status_code, none.status_code) == (401, 401)
