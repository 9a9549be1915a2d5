from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select
from standardwebhooks.webhooks import WebhookVerificationError

from lacewing.kernel.actor import Role
from lacewing.kernel.db.exchange import export_lines
from lacewing.kernel.db.offline import use_connection
from lacewing.settings import Settings
from lacewing.webhooks.signing import PREFIX
from lacewing.webhooks.tables import webhook_secrets
from tests.kernel.logs import Log, captured_log
from tests.support.house import House, Member, open_house
from tests.tracker.acts import Json, new_project
from tests.webhooks.acts import (
    deliveries,
    happen,
    new_webhook,
    rotate,
    send_due,
    the_delivery,
    verify,
)
from tests.webhooks.receiver import Receiver


@pytest.fixture
def log() -> Iterator[Log]:
    """The logs at their most talkative."""
    with captured_log(level="debug") as written:
        yield written


async def test_a_secret_stands_nowhere_in_the_clear(
    log: Log, house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK, SEC-8: sealed in the database, bound to its row; not in logs, not in exports."""
    webhook = await new_webhook(mona, project, receiver.url("/path-of-a-secret"))
    rotated = await rotate(mona, webhook)
    await happen(house, mona, project)

    sealed = [text for (text,) in await house.rows(select(webhook_secrets.c.sealed))]
    exported = b"\n".join(await _export(house))

    assert len(sealed) == 2
    for secret in (webhook["secret"], rotated):
        plain = secret.removeprefix(PREFIX)
        assert not any(plain in text for text in sealed)
        assert plain not in log.getvalue()
        assert plain.encode() not in exported
    assert "path-of-a-secret" not in log.getvalue()
    assert not any(text.encode() in exported for text in sealed)
    assert b'"webhooks"' in exported


async def _export(house: House) -> list[bytes]:
    return await use_connection(
        house.settings.database,
        house.settings.general.data_dir,
        lambda connection: list(export_lines(connection, "here")),
    )


async def test_each_webhook_has_a_secret_of_its_own(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: of 32 random bytes; one does not verify another's messages."""
    one = await new_webhook(mona, project, receiver.url("/one"))
    two = await new_webhook(mona, project, receiver.url("/two"))

    await happen(house, mona, project)

    (to_one,) = receiver.at("/one")
    verify(to_one, one["secret"], house.clock)
    with pytest.raises(WebhookVerificationError):
        verify(to_one, two["secret"], house.clock)


async def test_a_message_that_was_tampered_with_is_not_believed(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: neither its body, nor its id, nor its time."""
    webhook = await new_webhook(mona, project, receiver.url())
    await happen(house, mona, project)
    (received,) = receiver.received
    later = str(int(received.headers["webhook-timestamp"]) + 1)
    received.body, body = received.body + b" ", received.body

    with pytest.raises(WebhookVerificationError):
        verify(received, webhook["secret"], house.clock)
    received.body = body
    for name, value in (("webhook-id", "other"), ("webhook-timestamp", later)):
        received.headers[name], right = value, received.headers[name]
        with pytest.raises(WebhookVerificationError):
            verify(received, webhook["secret"], house.clock)
        received.headers[name] = right
    verify(received, webhook["secret"], house.clock)


async def test_after_a_rotation_both_secrets_sign_for_a_day(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: so that a receiver can change over without missing a message."""
    webhook = await new_webhook(mona, project, receiver.url())
    old, new = webhook["secret"], await rotate(mona, webhook)

    await happen(house, mona, project)
    house.clock.advance(hours=24, seconds=-1)
    await happen(house, mona, project)
    house.clock.advance(seconds=1)
    await happen(house, mona, project)
    at_once, at_the_end, after = receiver.received

    house.clock.advance(days=-1)
    for secret in (old, new):
        verify(at_once, secret, house.clock)
    house.clock.advance(days=1)
    for secret in (old, new):
        verify(at_the_end, secret, house.clock)
    assert at_once.headers["webhook-signature"].count("v1,") == 2
    verify(after, new, house.clock)
    with pytest.raises(WebhookVerificationError):
        verify(after, old, house.clock)


async def test_a_second_rotation_ends_the_first_secret_at_once(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: the way out when a secret has leaked."""
    webhook = await new_webhook(mona, project, receiver.url())
    second, third = await rotate(mona, webhook), await rotate(mona, webhook)

    await happen(house, mona, project)

    (received,) = receiver.received
    for secret in (second, third):
        verify(received, secret, house.clock)
    with pytest.raises(WebhookVerificationError):
        verify(received, webhook["secret"], house.clock)


async def test_a_server_with_another_key_sends_nothing_until_the_secret_is_new(
    make_settings: Callable[..., Settings], receiver: Receiver
) -> None:
    """WEBHOOK: what can't be opened can't sign; the log says what to do."""
    async with open_house(make_settings()) as house:
        mona = await house.member("mona", Role.MANAGER)
        project = await new_project(mona, "Web")
        webhook = await new_webhook(mona, project, receiver.url())
        await send_due(house)
    other_key = make_settings(LACEWING_SECRET_KEY="another-secret-of-this-installation-42")
    async with open_house(other_key) as house:
        nora = await house.member("nora", Role.ADMIN)
        await happen(house, nora, project)
        (locked,) = await deliveries(nora, webhook)
        secret = await rotate(nora, webhook)
        house.clock.advance(seconds=6)
        await send_due(house)
        delivery = await the_delivery(nora, webhook)
        (received,) = receiver.received
        verify(received, secret, house.clock)

    assert (locked["status"], locked["error"]) == (
        "pending",
        "This server has no secret to sign with: rotate it.",
    )
    assert delivery["status"] == "delivered"
