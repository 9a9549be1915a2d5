"""HTTPS: the connection goes to a number, the certificate must be the name's."""

from pathlib import Path

import pytest

from tests.support.house import House, Member
from tests.tracker.acts import Json
from tests.webhooks.acts import Names, happen, let_names_be, new_webhook, the_delivery, verify
from tests.webhooks.certificates import Authority
from tests.webhooks.receiver import LOOPBACK, receiving


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.certificate))
    return made


async def test_a_receiver_that_proves_its_name_is_told(
    house: House, mona: Member, project: Json, authority: Authority
) -> None:
    """WEBHOOK, SSRF: called by its checked address, under its name."""
    let_names_be(house, Names(hooks_test=[LOOPBACK]))
    async with receiving(tls=authority.context_for("hooks.test")) as receiver:
        url = receiver.url("/", "hooks.test", "https")
        webhook = await new_webhook(mona, project, url)

        await happen(house, mona, project)

        (received,) = receiver.received
    assert (await the_delivery(mona, webhook))["status"] == "delivered"
    verify(received, webhook["secret"], house.clock)


async def test_a_receiver_with_the_certificate_of_another_name_is_told_nothing(
    house: House, mona: Member, project: Json, authority: Authority
) -> None:
    """WEBHOOK: whoever answers at the address."""
    let_names_be(house, Names(hooks_test=[LOOPBACK]))
    async with receiving(tls=authority.context_for("other.test")) as receiver:
        webhook = await new_webhook(mona, project, receiver.url("/", "hooks.test", "https"))

        await happen(house, mona, project)

        assert receiver.received == []
    delivery = await the_delivery(mona, webhook)
    assert delivery["status"] == "pending"
    assert "certificate" in delivery["error"]


async def test_two_names_at_one_address_are_each_asked_for_their_certificate(
    house: House, mona: Member, project: Json, authority: Authority
) -> None:
    """WEBHOOK: no connection to one is used for the other."""
    let_names_be(house, Names(hooks_test=[LOOPBACK], other_test=[LOOPBACK]))
    async with receiving(tls=authority.context_for("hooks.test")) as receiver:
        trusted = await new_webhook(mona, project, receiver.url("/", "hooks.test", "https"))
        await happen(house, mona, project)
        other = await new_webhook(mona, project, receiver.url("/", "other.test", "https"))
        await happen(house, mona, project)

        assert len(receiver.received) == 2
    assert (await the_delivery(mona, other))["status"] == "pending"
    assert (await mona.api.get(f"/api/webhooks/{trusted['id']}")).json()["failing_since"] is None
