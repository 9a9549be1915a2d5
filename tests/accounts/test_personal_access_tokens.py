from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select

from lacewing.accounts.rules import TOKEN_DAYS_MAX, TOKEN_PROJECTS_MAX, TOKENS_MAX
from lacewing.accounts.tables import personal_access_tokens
from lacewing.kernel.actor import Role
from lacewing.kernel.db import transaction
from tests.accounts.acts import audited, change_user
from tests.support.house import House, Member

PATH = "/api/auth/personal-access-tokens"


async def made(member: Member, **wanted: Any) -> dict[str, Any]:
    body = {"name": "Nightly build", "scopes": ["write"], **wanted}
    answer = await member.api.post(PATH, json=body)
    assert answer.status_code == 201, answer.text
    token: dict[str, Any] = answer.json()
    return token


def bearer(house: House, token: str) -> httpx.AsyncClient:
    return house.client({"Authorization": f"Bearer {token}"})


async def test_a_token_acts_as_its_owner(house: House, mona: Member) -> None:
    """Made with a name, scopes and an end; it stands in one answer and nowhere else."""
    token = await made(mona)

    project = await bearer(house, token["token"]).post("/api/projects", json={"name": "Web"})

    assert project.json()["created_by"]["username"] == "mona"
    assert token["token"].startswith("lw_")
    assert token["token"].endswith(token["hint"])
    listed = (await mona.api.get(PATH)).json()["data"]
    assert listed == [{name: value for name, value in token.items() if name != "token"}]
    kept = str(await house.rows(select(personal_access_tokens)))
    assert token["token"] not in kept
    assert token["token"][3:-6] not in kept


async def test_a_token_for_reading_changes_nothing(house: House, mona: Member) -> None:
    """The scope is named in the refusal; and ``write`` holds ``read`` too."""
    token = await made(mona, scopes=["read"])
    api = bearer(house, token["token"])

    read = await api.get("/api/projects")
    refused = await api.post("/api/projects", json={"name": "Web"})

    assert (read.status_code, refused.status_code) == (200, 403)
    assert (refused.json()["type"], refused.json()["scope"]) == ("insufficient-scope", "write")
    assert (await mona.api.get("/api/projects")).json()["data"] == []
    assert (await made(mona))["scopes"] == ["read", "write"]


async def test_a_token_never_touches_what_lets_people_in(house: House, adam: Member) -> None:
    """Passwords, sessions, tokens and identities are for who has logged in, whatever the scopes."""
    token = await made(adam, scopes=["read", "write"])
    api = bearer(house, token["token"])

    answers = [
        await api.request(method, path, json=body)
        for method, path, body in (
            ("GET", PATH, None),
            ("POST", PATH, {"name": "More", "scopes": ["read"]}),
            ("DELETE", f"{PATH}/{token['id']}", None),
            ("GET", "/api/auth/sessions", None),
            ("POST", "/api/auth/logout-all", None),
            ("POST", "/api/auth/password", {"current_password": "a", "new_password": "Aa1!aaaa"}),
        )
    ]

    assert {each.status_code for each in answers} == {403}
    assert {each.json()["type"] for each in answers} == {"insufficient-scope"}


async def test_a_token_may_never_more_than_its_owner(
    house: House, mona: Member, adam: Member
) -> None:
    """AUTH-17: by the role of this very moment; and nothing once the owner is not active."""
    token = await made(mona)
    api = bearer(house, token["token"])

    await change_user(adam, mona, role="developer")
    as_developer = await api.post("/api/projects", json={"name": "Web"})
    await change_user(adam, mona, is_active=False)
    as_nobody = await api.get("/api/projects")

    assert (as_developer.status_code, as_nobody.status_code) == (403, 401)
    assert as_developer.json()["type"] == "forbidden"


async def test_a_token_ends_when_it_is_revoked(house: House, maria: Member, noor: Member) -> None:
    """At once; somebody else's is not there; both are audited."""
    token = await made(maria)
    api = bearer(house, token["token"])
    assert (await api.get("/api/issues")).status_code == 200

    of_other = await noor.api.delete(f"{PATH}/{token['id']}")
    revoked = await maria.api.delete(f"{PATH}/{token['id']}")
    again = await maria.api.delete(f"{PATH}/{token['id']}")

    assert (of_other.status_code, revoked.status_code, again.status_code) == (404, 204, 404)
    assert (await api.get("/api/issues")).status_code == 401
    assert (await maria.api.get(PATH)).json()["data"] == []
    assert [entry[0] for entry in await audited(house, "auth.token_create", "auth.token_revoke")]


async def test_a_token_ends_on_its_day(house: House, maria: Member) -> None:
    """To the second, also for one that was just used."""
    token = await made(maria, expires_in_days=1)
    api = bearer(house, token["token"])

    house.clock.advance(days=1, seconds=-1)
    last = await api.get("/api/issues")
    house.clock.advance(seconds=1)
    late = await api.get("/api/issues")

    assert (last.status_code, late.status_code) == (200, 401)


async def test_the_last_use_of_a_token_is_told(house: House, maria: Member) -> None:
    """So that its owner sees which ones nothing needs any more."""
    token = await made(maria)
    assert token["last_used_at"] is None

    house.clock.advance(minutes=3)
    await bearer(house, token["token"]).get("/api/issues")
    async with transaction(house.database) as session:
        await house.accounts.last_uses.write(session, house.clock())
    told = (await maria.api.get(f"{PATH}/{token['id']}")).json()["last_used_at"]

    assert told == house.clock.now.isoformat().replace("+00:00", "Z")


async def test_who_a_token_belongs_to_is_told_to_other_services(
    house: House, maria: Member
) -> None:
    """AUTH-10: with its scopes and its end; it has no session."""
    token = await made(maria, scopes=["read"])

    told = (await bearer(house, token["token"]).get("/api/auth/verify")).json()

    assert told["username"] == "maria"
    assert (told["session_id"], told["scopes"]) == (None, ["read"])
    assert told["expires_at"] == token["expires_at"]


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token.removesuffix(token[-1]),
        lambda token: token + "a",
        lambda token: token[:10] + ("a" if token[10] != "a" else "b") + token[11:],
        lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"),
        lambda token: token.upper(),
        lambda _: "lw_",
        lambda _: "lw_" + "é" * 49,
        lambda _: "lw_" + "a" * 100_000,
        lambda _: "lw_' OR 1=1 --",
    ],
)
async def test_a_forged_token_is_refused(house: House, maria: Member, change: Any) -> None:
    """AUTH-15: 401 as for any other token that is not good, never a 500."""
    forged = change((await made(maria))["token"])

    headers = {b"Authorization": f"Bearer {forged}".encode()}
    answer = await house.anonymous.get("/api/issues", headers=headers)

    assert answer.status_code == 401
    assert answer.json()["type"] == "invalid-token"


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["admin"]}, "scopes"),
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"expires_in_days": 0}, "expires_in_days"),
        ({"expires_in_days": TOKEN_DAYS_MAX + 1}, "expires_in_days"),
        ({"project_ids": []}, "project_ids"),
        ({"project_ids": [str(uuid4())] * (TOKEN_PROJECTS_MAX + 1)}, "project_ids"),
        ({"owner": "adam"}, "owner"),
    ],
)
async def test_a_token_that_can_not_be_is_refused(
    maria: Member, wanted: dict[str, Any], field: str
) -> None:
    """422, naming the field."""
    answer = await maria.api.post(PATH, json={"name": "Build", "scopes": ["read"], **wanted})

    assert answer.status_code == 422
    assert field in answer.json()["errors"][0]["loc"]


async def test_nobody_has_more_tokens_than_the_limit(maria: Member) -> None:
    """The last one goes, one more is a conflict, and a revoked one makes room."""
    first = await made(maria)
    for _ in range(TOKENS_MAX - 1):
        await made(maria, expires_in_days=TOKEN_DAYS_MAX)

    beyond = await maria.api.post(PATH, json={"name": "One more", "scopes": ["read"]})
    await maria.api.delete(f"{PATH}/{first['id']}")

    assert (beyond.status_code, beyond.json()["type"]) == (409, "too-many-tokens")
    assert (await made(maria))["id"]


async def test_what_a_token_may_is_told(house: House, adam: Member) -> None:
    """A client need not guess: each permission, and whether this very token has it."""
    token = await made(adam, scopes=["read"])

    told = (await bearer(house, token["token"]).get("/api/permissions")).json()
    of_session = (await adam.api.get("/api/permissions")).json()

    allowed = {each["name"] for each in told["permissions"] if each["allowed"]}
    assert (told["role"], told["scopes"], told["project_ids"]) == (Role.ADMIN, ["read"], None)
    assert {"issue-view", "audit-view"} <= allowed
    assert not {"issue-edit", "credentials-manage"} & allowed
    assert all(each["allowed"] for each in of_session["permissions"])
