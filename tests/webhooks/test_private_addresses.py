"""Nothing reaches an address that the settings do not allow, whatever names and receivers say."""

from collections.abc import AsyncIterator

import pytest

from tests.support.house import House, Member
from tests.tracker.acts import Json
from tests.webhooks.acts import (
    Names,
    happen,
    let_names_be,
    new_webhook,
    send_due,
    the_delivery,
    verify,
)
from tests.webhooks.receiver import LOOPBACK, Receiver, answering, receiving

PRIVATE = "127.0.0.2"
"""This machine too, but not in the network that the settings allow."""


@pytest.fixture
async def trap() -> AsyncIterator[Receiver]:
    """Listens where nobody may call."""
    async with receiving(PRIVATE) as listening:
        yield listening


@pytest.mark.parametrize(
    "answer",
    [PRIVATE, f"::ffff:{PRIVATE}", f"{LOOPBACK} {PRIVATE}", f"{PRIVATE} {LOOPBACK}", "::1"],
)
async def test_a_name_that_leads_to_a_private_address_is_not_called(
    house: House, mona: Member, project: Json, trap: Receiver, receiver: Receiver, answer: str
) -> None:
    """WEBHOOK, SSRF: one such address among others condemns them all; it is not told which."""
    let_names_be(house, Names(hooks_test=[answer]))
    webhook = await new_webhook(mona, project, trap.url("/", "hooks.test"))

    await happen(house, mona, project)

    delivery = await the_delivery(mona, webhook)
    assert delivery["error"] == "The URL leads to no address that may be called."
    assert (delivery["status"], delivery["attempts"]) == ("pending", 1)
    assert (trap.connections, receiver.connections) == (0, 0)


async def test_a_name_that_changes_to_a_private_address_is_not_called_there(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK, SSRF: rebinding; it is asked for once a try, and called at what was answered."""
    names = Names(hooks_test=[LOOPBACK, PRIVATE, LOOPBACK])
    let_names_be(house, names)
    receiver.respond = answering(500)
    webhook = await new_webhook(mona, project, receiver.url("/", "hooks.test"))

    async with receiving(PRIVATE, port=receiver.port) as inside:
        await happen(house, mona, project)
        house.clock.advance(seconds=6)
        await send_due(house)
        receiver.respond = answering(204)
        house.clock.advance(minutes=6)
        await send_due(house)

    delivery = await the_delivery(mona, webhook)
    assert delivery["status"] == "delivered"
    assert [each["error"] for each in delivery["tries"]] == [
        "The receiver answered 500.",
        "The URL leads to no address that may be called.",
        None,
    ]
    assert names.asked == ["hooks.test"] * 3
    assert (receiver.connections, inside.connections) == (2, 0)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_a_private_address_is_not_followed(
    house: House, mona: Member, project: Json, trap: Receiver, receiver: Receiver, status: int
) -> None:
    """WEBHOOK, SSRF: no redirect is."""
    receiver.respond = answering(status, Location=trap.url("/inside", PRIVATE))
    webhook = await new_webhook(mona, project, receiver.url())

    await happen(house, mona, project)

    delivery = await the_delivery(mona, webhook)
    assert (delivery["status"], delivery["last_status_code"]) == ("pending", status)
    assert "not followed" in delivery["error"]
    assert trap.connections == 0


async def test_the_address_that_was_checked_is_called_under_the_name(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK, SSRF: no second look at the name; the receiver sees what it is called."""
    names = Names(hooks_test=[LOOPBACK])
    let_names_be(house, names)
    webhook = await new_webhook(mona, project, receiver.url("/a%20b?c=%2F", "Hooks.Test"))

    await happen(house, mona, project)

    (received,) = receiver.received
    assert received.headers["host"] == f"hooks.test:{receiver.port}"
    assert received.path == "/a%20b?c=%2F"
    assert names.asked == ["hooks.test"]
    assert verify(received, webhook["secret"], house.clock)["type"] == "issue.created"


async def test_the_next_address_is_called_where_nobody_listens_at_the_first(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: as browsers do, for a host that has IPv6 and IPv4, say."""
    let_names_be(house, Names(hooks_test=[f"::ffff:{LOOPBACK} {LOOPBACK}"]))
    webhook = await new_webhook(mona, project, receiver.url("/", "hooks.test"))

    await happen(house, mona, project)

    assert (await the_delivery(mona, webhook))["status"] == "delivered"


async def test_a_name_that_nobody_knows_is_tried_again(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: name servers fail too."""
    let_names_be(house, Names())
    webhook = await new_webhook(mona, project, receiver.url("/", "hooks.test"))

    await happen(house, mona, project)

    delivery = await the_delivery(mona, webhook)
    assert (delivery["status"], delivery["error"]) == (
        "pending",
        "The URL leads to no address that may be called.",
    )


async def test_proxies_of_the_environment_are_not_used(
    house: House,
    mona: Member,
    project: Json,
    receiver: Receiver,
    trap: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """WEBHOOK, SSRF: a proxy would look names up by itself."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, trap.url("/", PRIVATE))
    monkeypatch.setenv("no_proxy", "")
    webhook = await new_webhook(mona, project, receiver.url())

    await happen(house, mona, project)

    assert (await the_delivery(mona, webhook))["status"] == "delivered"
    assert trap.connections == 0
