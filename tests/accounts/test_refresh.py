import asyncio
import hashlib
import json
from base64 import urlsafe_b64decode
from collections.abc import Callable

import httpx
import pytest
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from sqlalchemy import select

from lacewing.accounts.tables import refresh_tokens
from lacewing.settings import Settings
from tests.accounts.acts import audited, log_in, nothing_changes, refresh, status_with
from tests.support.house import House, Member, open_house


def _token_id(house: House, answer: httpx.Response) -> str:
    token: str = answer.json()["refresh_token"]
    return house.accounts.tokens.read_refresh_token(token, house.clock.now).jti


async def _reuse(house: House, token: str) -> httpx.Response:
    answer = await refresh(house, token)
    assert answer.status_code == 401
    return answer


async def test_a_refresh_token_gives_a_new_pair_and_is_used_up(house: House, maria: Member) -> None:
    """AUTH-4: rotation; the new pair works, and the session is the same."""
    answer = await refresh(house, maria.refresh_token)

    pair = answer.json()
    assert answer.status_code == 200
    assert pair["refresh_token"] != maria.refresh_token
    assert await status_with(house, pair["access_token"]) == 200
    assert await status_with(house, maria.access_token) == 200
    assert (await refresh(house, pair["refresh_token"])).status_code == 200


async def test_fifty_at_once_get_one_live_token_and_a_session_that_lives(
    house: House, maria: Member
) -> None:
    """AUTH-4: two tabs are common; all get the same successor (the same ``jti``)."""
    answers = await asyncio.gather(*(refresh(house, maria.refresh_token) for _ in range(50)))

    live = select(refresh_tokens.c.generation).where(refresh_tokens.c.consumed_at.is_(None))
    assert [answer.status_code for answer in answers] == [200] * 50
    assert len({_token_id(house, answer) for answer in answers}) == 1
    assert [tuple(row) for row in await house.rows(live)] == [(2,)]
    for answer in answers:
        assert await status_with(house, answer.json()["access_token"]) == 200
    assert (await refresh(house, answers[49].json()["refresh_token"])).status_code == 200


async def test_a_lost_answer_is_given_again_for_ten_seconds(house: House, maria: Member) -> None:
    """AUTH-4: the same successor, at the limit."""
    first = await refresh(house, maria.refresh_token)
    house.clock.advance(seconds=10)

    again = await refresh(house, maria.refresh_token)

    assert again.status_code == 200
    assert _token_id(house, again) == _token_id(house, first)
    assert await audited(house, "auth.refresh_reuse") == []


async def test_after_ten_seconds_a_used_token_revokes_the_session(
    house: House, maria: Member
) -> None:
    """AUTH-4: one beyond; reuse is audited, committed, and both tokens are dead."""
    pair = (await refresh(house, maria.refresh_token)).json()
    house.clock.advance(seconds=10, microseconds=1)

    refused = await _reuse(house, maria.refresh_token)

    assert refused.json()["type"] == "refresh-token-reused"
    assert await status_with(house, pair["access_token"]) == 401
    assert (await _reuse(house, pair["refresh_token"])).json()["type"] == "invalid-token"
    (entry,) = await audited(house, "auth.refresh_reuse")
    assert entry[:3] == ("auth.refresh_reuse", "denied", maria.id)


async def test_once_the_successor_was_used_a_replay_revokes_the_session(
    house: House, maria: Member
) -> None:
    """AUTH-4: also within the ten seconds."""
    second = (await refresh(house, maria.refresh_token)).json()
    third = (await refresh(house, second["refresh_token"])).json()

    await _reuse(house, maria.refresh_token)

    assert await status_with(house, third["access_token"]) == 401
    assert (await refresh(house, third["refresh_token"])).status_code == 401


async def test_reuse_ends_the_one_session_alone(house: House, maria: Member) -> None:
    """AUTH-4: the family of the stolen token, not the user's other device."""
    other = (await log_in(house, "maria")).json()
    await refresh(house, maria.refresh_token)
    house.clock.advance(minutes=1)

    await _reuse(house, maria.refresh_token)

    assert await status_with(house, other["access_token"]) == 200
    assert (await refresh(house, other["refresh_token"])).status_code == 200


async def test_replays_at_once_revoke_the_session_once(house: House, maria: Member) -> None:
    """AUTH-4: all are refused; whatever the order, nothing is minted."""
    await refresh(house, maria.refresh_token)
    house.clock.advance(minutes=1)

    answers = await asyncio.gather(*(refresh(house, maria.refresh_token) for _ in range(20)))

    assert {answer.status_code for answer in answers} == {401}
    assert len(await audited(house, "auth.refresh_reuse")) == 1
    assert len(await house.rows(select(refresh_tokens.c.generation))) == 2


async def test_a_refresh_token_is_good_for_seven_days(house: House, maria: Member) -> None:
    """AUTH-15: a second before they are over it works, and its successor has seven days more."""
    house.clock.advance(days=7, seconds=-1)
    pair = (await refresh(house, maria.refresh_token)).json()

    house.clock.advance(days=7)
    async with nothing_changes(house):
        refused = await refresh(house, pair["refresh_token"])

    assert refused.status_code == 401


async def test_the_bearer_can_not_read_a_refresh_token(house: House, maria: Member) -> None:
    """AUTH-15: a JWE; nothing of who or which session stands in the clear."""
    token = maria.refresh_token

    header = token.partition(".")[0]

    assert token.count(".") == 4
    assert json.loads(urlsafe_b64decode(header + "==")) == {
        "alg": "dir",
        "enc": "A256GCM",
        "cty": "JWT",
        "kid": house.accounts.keys.encrypting(house.clock()).id,
    }
    with pytest.raises(JoseError):
        jwe.decrypt_compact(token, OctKey.generate_key(256))


async def test_the_database_keeps_only_a_hash(house: House, maria: Member) -> None:
    """AUTH-15: neither the token nor its id, of whatever generation."""
    answer = await refresh(house, maria.refresh_token)
    ids = {_token_id(house, answer)}
    ids.add(house.accounts.tokens.read_refresh_token(maria.refresh_token, house.clock.now).jti)

    rows = await house.rows(select(refresh_tokens))

    kept = " ".join(str(value) for row in rows for value in row)
    assert {hashlib.sha256(each.encode()).hexdigest() for each in ids} == {
        row[2] for row in await house.rows(select(refresh_tokens))
    }
    assert not any(secret in kept for secret in {*ids, maria.refresh_token})


async def test_a_refresh_works_on_another_process(
    house: House, maria: Member, make_settings: Callable[..., Settings]
) -> None:
    """AUTH-4: the session is in the database, so a restart logs nobody out."""
    async with open_house(make_settings(), house.clock) as other:
        answer = await refresh(other, maria.refresh_token)

        assert answer.status_code == 200
        assert await status_with(house, answer.json()["access_token"]) == 200


@pytest.mark.parametrize("body", [{}, {"refresh_token": None}, {"refresh_token": 7}, []])
async def test_what_is_no_refresh_is_a_422(shared_house: House, body: object) -> None:
    """AUTH-4, API-4: nothing is used up."""
    async with nothing_changes(shared_house):
        answer = await shared_house.anonymous.post("/api/auth/refresh", json=body)

    assert answer.status_code == 422
