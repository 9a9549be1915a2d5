from typing import Any

from sqlalchemy import select

from lacewing.accounts.tables import users
from tests.accounts.acts import FRESH, WRONG
from tests.support.house import PASSWORD, House, Member

MALFORMED = "Malformed-Horse-7\x00"

BODIES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/api/auth/register", {"email": "nina@example.com", "password": PASSWORD}),
    ("POST", "/api/auth/register", {"email": "nina@example.com", "password": PASSWORD}),
    ("POST", "/api/auth/signup", {"email": "nora@example.com", "password": MALFORMED}),
    ("POST", "/api/auth/signup", {"email": PASSWORD, "password": WRONG * 30}),
    ("POST", "/api/auth/login", {"username": "maria", "password": PASSWORD}),
    ("POST", "/api/auth/login", {"username": "maria", "password": WRONG}),
    ("POST", "/api/auth/login", {"username": [PASSWORD], "password": [WRONG]}),
    ("POST", "/api/auth/login", {"username": "maria", "password": MALFORMED}),
    ("POST", "/api/auth/login", {"username": "maria", PASSWORD: WRONG, "password": WRONG}),
    ("PATCH", "/api/auth/me", {"full_name": "Maria Example", "password": PASSWORD}),
    ("POST", "/api/auth/password", {"current_password": WRONG, "new_password": FRESH}),
    ("POST", "/api/auth/password", {"current_password": PASSWORD, "new_password": MALFORMED}),
    ("POST", "/api/auth/refresh", {"refresh_token": PASSWORD}),
    ("POST", "/api/users/{user_id}/unlock", {}),
    ("PATCH", "/api/users/{user_id}", {"role": "manager", "password_hash": PASSWORD}),
    ("PATCH", "/api/users/{user_id}", {"role": "manager"}),
    ("POST", "/api/auth/password", {"current_password": PASSWORD, "new_password": FRESH}),
]
PATHS = [
    "/api/auth/me",
    "/api/auth/verify",
    "/api/users",
    "/api/users?page=1",
    "/api/users/{user_id}",
    "/api/audit",
]


def _names_in(value: object) -> set[str]:
    """All names of members, at whatever depth."""
    if isinstance(value, dict):
        return set(value).union(*map(_names_in, value.values()))
    if isinstance(value, list):
        return set().union(*map(_names_in, value))
    return set()


async def test_no_answer_holds_a_password_or_its_hash(
    house: House, adam: Member, maria: Member
) -> None:
    """AUTH, SEC-8: not when it is right, not when it is wrong, not in the wrong field."""
    form = {"grant_type": "password", "username": "maria", "password": PASSWORD}
    answers = [
        await house.anonymous.post("/api/auth/token", data=form),
        await house.anonymous.post("/api/auth/token", data=form | {"password": WRONG}),
        await house.anonymous.post("/api/auth/token", data=form | {"username": ""}),
    ]
    for member in (maria, adam):
        for path in PATHS:
            url = path.format(user_id=maria.id)
            answers.append(await member.api.get(url))
    for method, path, body in BODIES:
        url = path.format(user_id=maria.id)
        answers.append(await adam.api.request(method, url, json=body))

    hashes = [row[0] for row in await house.rows(select(users.c.password_hash))]
    said = " ".join(answer.text + str(answer.headers) for answer in answers)
    names = set().union(*(_names_in(answer.json()) for answer in answers))
    assert not any("password" in name for name in names)
    assert "$argon2" not in said
    assert not any(secret in said for secret in (WRONG, FRESH, "Malformed-Horse", *hashes))
