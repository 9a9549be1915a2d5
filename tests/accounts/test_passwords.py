from uuid import UUID

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type

from tests.accounts.acts import log_in, nothing_changes, register, stored
from tests.support.house import PASSWORD, House

SHORT = "must have at least 8 characters"
LONG = "must have at most 128 characters"
UPPER = "must contain an upper case letter"
LOWER = "must contain a lower case letter"
DIGIT = "must contain a digit"
SPECIAL = "must contain a special character"

FAULTS = [
    ("Ab1-xyz", [SHORT]),
    ("Ab1-" + "x" * 125, [LONG]),
    ("abcdef1-", [UPPER]),
    ("ABCDEF1-", [LOWER]),
    ("Abcdefg-", [DIGIT]),
    ("Abcdefg1", [SPECIAL]),
    ("", [SHORT, UPPER, LOWER, DIGIT, SPECIAL]),
    ("aaaaaaaa", [UPPER, DIGIT, SPECIAL]),
    ("A1-" + "x" * 900_000, [LONG]),
]


@pytest.mark.parametrize(("password", "faults"), FAULTS, ids=lambda each: str(each)[:20])
async def test_each_broken_rule_is_named(
    shared_house: House, password: str, faults: list[str]
) -> None:
    """AUTH-14: the check says which rule failed; nobody is added."""
    async with nothing_changes(shared_house):
        answer = await register(shared_house, password=password)

    (error,) = answer.json()["errors"]
    assert answer.status_code == 422
    assert error["loc"] == ["body", "password"]
    assert error["msg"] == "; ".join(faults)


@pytest.mark.parametrize("password", ["Abcde-1x", "Ab1-" + "x" * 124, "Ünï 1ßßß", "Пароль-77"])
async def test_a_password_by_the_rules_is_taken(house: House, password: str) -> None:
    """AUTH-14: 8 and 128 characters are enough and not too many, in any script."""
    registered = await register(house, username="nina", password=password)

    assert registered.status_code == 201
    assert (await log_in(house, "nina", password)).status_code == 200
    assert (await log_in(house, "nina", password + "x")).status_code == 401


@pytest.mark.parametrize("password", ["Abcde-1\x00", 7, None, ["Abcde-1x"]])
async def test_what_is_no_text_is_no_password(shared_house: House, password: object) -> None:
    """AUTH-14, SEC-6: 422, and nobody is added."""
    async with nothing_changes(shared_house):
        answer = await register(shared_house, password=password)

    assert answer.status_code == 422


async def test_the_database_keeps_an_argon2id_hash(house: House) -> None:
    """AUTH: Argon2id with the parameters of the design, each with its own salt."""
    nina = (await register(house, username="nina")).json()["id"]
    nora = (await register(house, username="nora", email="nora@example.com")).json()["id"]

    kept = await stored(house, UUID(nina), "password_hash")
    other = await stored(house, UUID(nora), "password_hash")

    parameters = extract_parameters(kept)
    assert parameters.type is Type.ID
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19_456, 2, 1)
    assert PASSWORD not in kept
    assert kept != other
