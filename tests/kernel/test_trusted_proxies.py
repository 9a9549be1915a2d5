from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy import select

from lacewing.kernel.audit.tables import audit_log
from lacewing.settings import Settings
from tests.support.house import House, open_house

PROXY = "10.0.0.1"
LOGIN = {"username": "nobody", "password": "x"}


@pytest.fixture
async def behind_proxies(make_settings: Callable[..., Settings]) -> AsyncIterator[House]:
    settings = make_settings(LACEWING_TRUSTED_PROXIES="10.0.0.0/8, fd00::/8")
    async with open_house(settings) as opened:
        yield opened


async def _seen_address(house: House, peer: str, forwarded: list[str]) -> str | None:
    """The address that the audit log has of a failed login."""
    client = house.client(ip=peer)
    headers = [("X-Forwarded-For", value) for value in forwarded]
    answer = await client.post("/api/auth/login", json=LOGIN, headers=headers)
    await client.aclose()
    assert answer.status_code == 401
    rows = await house.rows(select(audit_log.c.ip).order_by(audit_log.c.id.desc()).limit(1))
    address: str | None = rows[0][0]
    return address


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        (PROXY, ["203.0.113.9"], "203.0.113.9"),
        (PROXY, ["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        (PROXY, ["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
        (PROXY, ["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
        (PROXY, ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        (PROXY, ["nonsense"], PROXY),
        (PROXY, ["1.1.1.1, nonsense, 10.0.0.2"], "10.0.0.2"),
        (PROXY, ["1.1.1.1, "], PROXY),
        (PROXY, [], PROXY),
        (PROXY, ["2001:db8::1"], "2001:db8::1"),
        ("fd00::1", ["203.0.113.9"], "203.0.113.9"),
        ("203.0.113.1", ["1.1.1.1"], "203.0.113.1"),
        ("203.0.113.1", ["10.0.0.1"], "203.0.113.1"),
    ],
)
async def test_the_clients_address_is_the_last_that_no_trusted_proxy_wrote(
    behind_proxies: House, peer: str, forwarded: list[str], address: str
) -> None:
    """SEC-2: taken only from proxies that the settings trust; what stands left may be invented."""
    assert await _seen_address(behind_proxies, peer, forwarded) == address


async def test_without_trusted_proxies_nothing_forwarded_is_believed(house: House) -> None:
    """SEC-2: the default trusts nobody."""
    assert await _seen_address(house, PROXY, ["1.1.1.1"]) == PROXY


@pytest.mark.parametrize(
    ("peer", "protocol", "is_https"),
    [
        (PROXY, "https", True),
        (PROXY, "http", False),
        (PROXY, "gopher", False),
        (PROXY, "https, http", False),
        ("203.0.113.1", "https", False),
    ],
)
async def test_https_is_believed_where_a_trusted_proxy_says_so(
    behind_proxies: House, peer: str, protocol: str, *, is_https: bool
) -> None:
    """SEC-3: ``Strict-Transport-Security`` behind a proxy that speaks HTTPS."""
    client = behind_proxies.client({"X-Forwarded-Proto": protocol}, ip=peer)

    answer = await client.get("/health/live")

    assert ("strict-transport-security" in answer.headers) is is_https


async def test_a_client_can_not_escape_its_limit_by_inventing_addresses(
    make_settings: Callable[..., Settings],
) -> None:
    """SEC-2: the limit follows the address that is proven."""
    async with open_house(make_settings(LACEWING_RATE_LIMIT_PER_MINUTE=3)) as house:
        client = house.client(ip="203.0.113.1")
        statuses = [
            (await client.get("/api/auth/me", headers={"X-Forwarded-For": f"1.1.1.{number}"}))
            .status_code
            for number in range(5)
        ]  # fmt: skip

    assert statuses == [401, 401, 401, 429, 429]
