from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from lacewing.settings import Settings
from tests.accounts.acts import audited, log_in, nothing_changes
from tests.support.house import PASSWORD, House, open_house


@pytest.fixture
async def strict(make_settings: Callable[..., Settings]) -> AsyncIterator[House]:
    """A house with the limits of production, and Maria in it."""
    settings = make_settings(
        LACEWING_LOGIN_LIMIT_PER_MINUTE=5, LACEWING_RATE_LIMIT_PER_MINUTE=1_000
    )
    async with open_house(settings) as opened:
        await opened.member("maria")
        yield opened


async def _log_in_from(house: House, ip: str, name: str, path: str = "login") -> httpx.Response:
    body = {"username": name, "password": PASSWORD}
    async with house.client(ip=ip) as api:
        if path == "token":
            return await api.post("/api/auth/token", data=body)
        return await api.post("/api/auth/login", json=body)


def _is_limited(answer: httpx.Response) -> bool:
    return answer.status_code == 429 and 1 <= int(answer.headers["retry-after"]) <= 60


async def test_an_account_has_five_tries_a_minute_from_wherever(strict: House) -> None:
    """AUTH-16: the sixth is 429 with ``Retry-After``, by whichever name, path and address."""
    names = ["maria", "MARIA", "maria@example.com", "Maria@Example.com", "maria"]
    for number, name in enumerate(names):
        answer = await _log_in_from(strict, f"10.0.0.{number}", name)
        assert answer.status_code == 200, answer.text

    async with nothing_changes(strict):
        by_name = await _log_in_from(strict, "10.0.1.1", "maria")
        by_email = await _log_in_from(strict, "10.0.1.2", "maria@example.com")
        by_form = await _log_in_from(strict, "10.0.1.3", "maria", "token")

    assert all(_is_limited(answer) for answer in (by_name, by_email, by_form))


async def test_an_unknown_account_is_limited_as_a_known_one(strict: House) -> None:
    """AUTH-16: the limit doesn't tell who is here."""
    answers = [await _log_in_from(strict, f"10.0.0.{number}", "nobody") for number in range(6)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]


async def test_one_limited_account_leaves_the_others_alone(strict: House) -> None:
    """AUTH-16: the limit is the account's own."""
    await strict.member("noor")
    for number in range(6):
        await _log_in_from(strict, f"10.0.0.{number}", "maria")

    assert (await _log_in_from(strict, "10.0.1.1", "noor")).status_code == 200


async def test_an_address_has_five_tries_a_minute_for_whomever(strict: House) -> None:
    """AUTH-16: over both paths together."""
    for number in range(5):
        path = ("login", "token")[number % 2]
        answer = await _log_in_from(strict, "10.0.0.1", f"nobody{number}", path)
        assert answer.status_code == 401

    refused = await _log_in_from(strict, "10.0.0.1", "maria")
    by_slash = await strict.client(ip="10.0.0.1").post(
        "/api/auth/login/", json={"username": "maria", "password": PASSWORD}
    )
    elsewhere = await _log_in_from(strict, "10.0.0.2", "maria")

    assert _is_limited(refused)
    assert _is_limited(by_slash)
    assert elsewhere.status_code == 200


async def test_a_limited_try_is_no_failure_of_the_account(strict: House) -> None:
    """AUTH-16: what was never tried does not lock."""
    for number in range(20):
        async with strict.client(ip=f"10.0.0.{number}") as api:
            await api.post("/api/auth/login", json={"username": "maria", "password": "x"})

    assert len(await audited(strict, "auth.login")) == 5
    assert await audited(strict, "auth.account_locked") == []


async def test_with_zero_there_is_no_limit(house: House) -> None:
    """NAME-3: ``LACEWING_LOGIN_LIMIT_PER_MINUTE=0`` turns it off."""
    await house.member("maria")

    answers = [await log_in(house, "maria") for _ in range(7)]

    assert [answer.status_code for answer in answers] == [200] * 7
