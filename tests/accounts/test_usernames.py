import asyncio

import pytest

from lacewing.accounts.rules import EMAIL_LENGTH_MAX, FULL_NAME_LENGTH_MAX, USERNAME_LENGTH_MAX
from tests.accounts.acts import nothing_changes, register
from tests.support.house import House

HOSTILE_USERNAMES = [
    "",
    " ",
    "a b",
    "a/b",
    "a@b",
    "<script>",
    "'; DROP TABLE users; --",
    "-a",
    ".a",
    "_a",
    "naïve",
    "\u0430dmin",
    "a\u200bb",
    "a\nb",
    "a\x00b",
    "\u202eadmin",
    "me",
    "None",
    "NULL",
    "system",
    "0199f0c4-6a5e-7c3d-9d0e-0a1b2c3d4e5f",
    "0199F0C46A5E7C3D9D0E0A1B2C3D4E5F",
    "x" * 900_000,
    7,
    ["nina"],
    {"a": 1},
]
HOSTILE_EMAILS = [
    "",
    "nina",
    "@example.com",
    "nina@",
    "a@b@example.com",
    "nina@example.com\r\nBcc: all@example.com",
    "nina@example.com\x00",
    "Nina <nina@example.com>",
    "nina@exa mple.com",
    "nina..x@example.com",
    "nina@[127.0.0.1]",
    "x" * 900_000,
    "x" * 900_000 + "@example.com",
    '"' + "x " * 400_000 + '"@example.com',
    7,
    None,
]


@pytest.mark.parametrize(
    ("email", "username"),
    [
        ("nina@example.com", "nina"),
        ("nina.van-d_berg@example.com", "nina.van-d_berg"),
        ("nina+bugs@example.com", "nina-bugs"),
        ("_nina@example.com", "nina"),
        ("me@example.com", "me-1"),
        ("0199f0c46a5e7c3d9d0e0a1b2c3d4e5f@example.com", "0199f0c46a5e7c3d9d0e0a1b2c3d4e5f-1"),
        ("'''@example.com", "user"),
        ("x" * 64 + "@example.com", "x" * 40),
    ],
)
async def test_a_username_is_made_from_the_email(house: House, email: str, username: str) -> None:
    """AUTH-1: ``username`` may be left out."""
    answer = await register(house, email=email)

    assert answer.status_code == 201, answer.text
    assert answer.json()["username"] == username


async def test_people_with_the_same_email_name_all_get_in_at_once(house: House) -> None:
    """AUTH-1: whoever chose no username is never told that it is taken."""
    long_name = "n" * 60

    answers = await asyncio.gather(
        *(register(house, email=f"{long_name}@team{n}.example.com") for n in range(25))
    )

    names = [answer.json()["username"] for answer in answers]
    assert [answer.status_code for answer in answers] == [201] * 25
    assert len(set(names)) == 25
    assert all(len(name) <= USERNAME_LENGTH_MAX for name in names)


async def test_a_username_may_have_fifty_characters_and_no_more(house: House) -> None:
    """AUTH: at most 50 characters, at the limit and one beyond."""
    fits = await register(house, username="x" * USERNAME_LENGTH_MAX)
    async with nothing_changes(house):
        too_long = await register(house, username="y" * 51, email="other@example.com")

    assert fits.status_code == 201
    assert too_long.status_code == 422
    assert "at most 50" in too_long.json()["errors"][0]["msg"]


async def test_an_email_and_a_full_name_have_their_limits_too(house: House) -> None:
    """AUTH-1, SEC-6: over-long strings are a 422; the longest are kept whole."""
    longest = "e" * 64 + "@" + ".".join(["d" * 62] * 2) + "." + "d" * 59 + ".com"
    name = "N" * FULL_NAME_LENGTH_MAX

    fits = await register(house, email=longest, full_name=name)
    async with nothing_changes(house):
        long_email = await register(house, email=longest.replace("@", "@d"))
        long_name = await register(house, full_name=name + "N")

    assert len(longest) == EMAIL_LENGTH_MAX
    assert fits.status_code == 201, fits.text
    assert (fits.json()["email"], fits.json()["full_name"]) == (longest, name)
    assert (long_email.status_code, long_name.status_code) == (422, 422)


@pytest.mark.parametrize("username", HOSTILE_USERNAMES, ids=lambda name: ascii(name)[:30])
async def test_a_hostile_username_is_refused(shared_house: House, username: object) -> None:
    """AUTH-1, SEC-6: 422 that names the field, and nobody is added."""
    async with nothing_changes(shared_house):
        answer = await register(shared_house, username=username)

    assert answer.status_code == 422
    assert {error["loc"][1] for error in answer.json()["errors"]} == {"username"}


@pytest.mark.parametrize("email", HOSTILE_EMAILS, ids=lambda email: ascii(email)[:30])
async def test_what_is_no_email_is_refused(shared_house: House, email: object) -> None:
    """AUTH-1, SEC-6: 422 that names the field, and nobody is added."""
    async with nothing_changes(shared_house):
        answer = await register(shared_house, email=email)

    assert answer.status_code == 422
    assert {error["loc"][1] for error in answer.json()["errors"]} == {"email"}
