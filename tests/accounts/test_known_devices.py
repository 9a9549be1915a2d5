from collections.abc import Callable

import httpx
import pytest

from lacewing.accounts.rules import DEVICE_LIFETIME, FAILURES_MAX
from lacewing.kernel.db import transaction
from lacewing.settings import Settings
from lacewing.wiring import PERIODIC_TASKS
from tests.accounts.acts import FRESH, audited, fail_to_log_in, log_in, without_id
from tests.support.house import PASSWORD, House, Member, open_house

COOKIE = "lacewing-device"


@pytest.fixture
async def laptop(house: House, maria: Member) -> httpx.AsyncClient:
    """A device that Maria has logged in from."""
    device = house.client()
    assert (await log_in(house, maria.username, device=device)).status_code == 200
    return device


async def test_nobody_locks_a_colleague_out_of_their_own_device(
    house: House, laptop: httpx.AsyncClient
) -> None:
    """AUTH-16: a device seen before gets in; from elsewhere the account stays locked."""
    await fail_to_log_in(house, "maria", FAILURES_MAX)

    own = await log_in(house, "maria", device=laptop)
    other = await log_in(house, "maria")

    assert (own.status_code, other.status_code) == (200, 401)


async def test_a_known_device_still_needs_the_password(
    house: House, laptop: httpx.AsyncClient
) -> None:
    """AUTH-16: it is no second way in; and what it answers tells nothing."""
    of_known = await log_in(house, "maria", "Wrong-Horse-8", laptop)
    of_unknown = await log_in(house, "maria", "Wrong-Horse-8")

    assert of_known.status_code == 401
    assert without_id(of_known) == without_id(of_unknown)


async def test_failures_from_a_known_device_count_against_it_alone(
    house: House, laptop: httpx.AsyncClient
) -> None:
    """AUTH-16: at the limit it is a stranger again; the account is not locked by it."""
    await fail_to_log_in(house, "maria", FAILURES_MAX - 1, laptop)
    still = await log_in(house, "maria", device=laptop)
    await fail_to_log_in(house, "maria", 1, laptop)
    elsewhere = await log_in(house, "maria")
    await fail_to_log_in(house, "maria", FAILURES_MAX)

    forgotten = await log_in(house, "maria", device=laptop)

    assert (still.status_code, elsewhere.status_code, forgotten.status_code) == (200, 200, 401)
    assert [entry[0] for entry in await audited(house, "auth.device_forgotten")]


async def test_a_device_is_known_to_its_own_user_alone(
    house: House, laptop: httpx.AsyncClient, noor: Member
) -> None:
    """AUTH-16: the cookie of one account opens nothing of another that is locked."""
    await fail_to_log_in(house, noor.username, FAILURES_MAX)

    answer = await log_in(house, noor.username, device=laptop)

    assert answer.status_code == 401


async def test_logging_in_from_a_known_device_helps_no_guesser(
    house: House, laptop: httpx.AsyncClient
) -> None:
    """AUTH-16: it neither unlocks the account for others nor gives them new tries."""
    await fail_to_log_in(house, "maria", FAILURES_MAX - 1)
    await log_in(house, "maria", device=laptop)
    await fail_to_log_in(house, "maria", 1)

    assert (await log_in(house, "maria")).status_code == 401


async def test_a_new_password_makes_all_devices_strangers(
    house: House, laptop: httpx.AsyncClient, maria: Member
) -> None:
    """AUTH-16, AUTH-8: whoever knew the old one has no head start."""
    body = {"current_password": PASSWORD, "new_password": FRESH}
    assert (await maria.api.post("/api/auth/password", json=body)).status_code == 200
    await fail_to_log_in(house, "maria", FAILURES_MAX)

    answer = await log_in(house, "maria", FRESH, laptop)

    assert answer.status_code == 401


async def test_a_device_is_not_known_for_ever(house: House, laptop: httpx.AsyncClient) -> None:
    """AUTH-16: to the second; a job then removes what nobody needs."""
    cookie = laptop.cookies[COOKIE]
    house.clock.advance(seconds=DEVICE_LIFETIME.total_seconds())
    await fail_to_log_in(house, "maria", FAILURES_MAX)
    late = house.client({"Cookie": f"{COOKIE}={cookie}"})

    answer = await log_in(house, "maria", device=late)
    [job] = [job for job in PERIODIC_TASKS if job.name == "expired-devices"]
    house.clock.advance(seconds=1)
    async with transaction(house.database) as session:
        removed = await job.run(session, house.clock())

    assert answer.status_code == 401
    assert removed == 1


@pytest.mark.parametrize("cookie", ["", "x", "é", "' OR 1=1 --", "x" * 4_000, "%00", '"a;b"'])
async def test_a_forged_cookie_is_a_strangers(house: House, maria: Member, cookie: str) -> None:
    """AUTH-16: whatever it holds; the login itself goes well."""
    await fail_to_log_in(house, maria.username, FAILURES_MAX)
    body = {"username": maria.username, "password": PASSWORD}
    headers = {b"Cookie": f"{COOKIE}={cookie}".encode()}

    answer = await house.client().post("/api/auth/login", json=body, headers=headers)

    assert answer.status_code == 401


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    house: House, maria: Member
) -> None:
    """AUTH-16: ``HttpOnly`` and ``SameSite=Strict``; over HTTPS ``Secure`` and for this host."""
    plain = await log_in(house, maria.username)
    safe = await house.client().post(
        "https://lacewing.test/api/auth/login", json={"username": "maria", "password": PASSWORD}
    )

    flags = {part.strip() for part in plain.headers["set-cookie"].split(";")[1:]}
    assert flags == {"HttpOnly", "Max-Age=15552000", "Path=/", "SameSite=strict"}
    assert safe.headers["set-cookie"].startswith(f"__Host-{COOKIE}=")
    assert "Secure" in safe.headers["set-cookie"]


async def test_the_tries_of_a_known_device_can_not_be_used_up_from_elsewhere(
    make_settings: Callable[..., Settings],
) -> None:
    """AUTH-16, SEC-2: the limit of an account counts a known device for itself."""
    async with open_house(make_settings(LACEWING_LOGIN_LIMIT_PER_MINUTE=5)) as house:
        await house.member("maria")
        laptop = house.client(ip="192.0.2.1")
        assert (await log_in(house, "maria", device=laptop)).status_code == 200
        attackers = [house.client(ip=f"192.0.2.{at}") for at in range(10, 20)]

        guesses = [await log_in(house, "maria", "Wrong-Horse-8", each) for each in attackers]
        own = await log_in(house, "maria", device=laptop)

    assert 429 in {each.status_code for each in guesses}
    assert own.status_code == 200
