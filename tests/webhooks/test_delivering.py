from datetime import datetime, timedelta
from email.utils import format_datetime
from uuid import UUID

import pytest
from sqlalchemy import select

from lacewing.kernel.actor import Role
from lacewing.kernel.db import transaction
from lacewing.kernel.events.tables import outbox
from lacewing.kernel.jobs.tables import jobs
from lacewing.webhooks.rules import DELIVER, EXCERPT_LENGTH_MAX
from lacewing.webhooks.store import webhooks as webhooks_store
from tests.support.house import House, Member
from tests.tracker.acts import Json, change as change_issue, new_comment, new_issue, new_project
from tests.webhooks import receiver as behaviours
from tests.webhooks.acts import (
    Names,
    change,
    deliveries,
    get,
    happen,
    let_names_be,
    new_projects,
    new_webhook,
    send_due,
    sending,
    the_delivery,
    until,
    until_noted,
    verify,
)
from tests.webhooks.receiver import LOOPBACK, Behaviour, Receiver, answering, hang


async def test_what_happens_in_a_project_is_told_thinly_and_signed(
    house: House, mona: Member, maria: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: ids and links, by the specification; the reference library believes it."""
    webhook = await new_webhook(mona, project, receiver.url("/hook"))

    issue = await happen(house, maria, project)

    (received,) = receiver.received
    (event,) = await house.rows(
        select(outbox.c.id, outbox.c.at).where(outbox.c.name == "issue.created")
    )
    payload = verify(received, webhook["secret"], house.clock)
    assert received.path == "/hook"
    assert received.headers["content-type"] == "application/json"
    assert received.message_id == str(event[0])
    assert received.headers["webhook-timestamp"] == str(int(house.clock().timestamp()))
    assert payload.keys() == {"type", "timestamp", "data"}
    assert payload["type"] == "issue.created"
    assert datetime.fromisoformat(payload["timestamp"]) == event[1]
    assert payload["data"] == {
        "issue_id": issue["id"],
        "project_id": project["id"],
        "actor_id": str(maria.id),
        "links": {
            "issue": f"https://tracker.example.com/api/issues/{issue['id']}",
            "project": f"https://tracker.example.com/api/projects/{project['id']}",
        },
        "assignee_id": None,
        "mentioned": [],
    }


async def test_each_webhook_hears_of_its_own_project_and_its_own_events(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: one message an event; those switched off, deleted or elsewhere hear nothing."""
    await new_webhook(mona, project, receiver.url("/all"), event_types=["*"])
    await new_webhook(mona, project, receiver.url("/some"), event_types=["comment.created"])
    await new_webhook(mona, project, receiver.url("/off"), event_types=["*"], is_active=False)
    gone = await new_webhook(mona, project, receiver.url("/gone"), event_types=["*"])
    await mona.api.delete(f"/api/webhooks/{gone['id']}")
    other = await new_project(mona, "Other")
    await until_noted(house)
    await new_webhook(mona, other, receiver.url("/other"), event_types=["*"])

    issue = await new_issue(mona, project)
    await new_comment(mona, issue)
    await change_issue(mona, issue, status="in_progress", title="Slower")
    await send_due(house)

    heard = {
        path: sorted(each.payload["type"] for each in receiver.at(path))
        for path in ("/all", "/some", "/off", "/gone", "/other")
    }
    assert [each for each in heard["/all"] if not each.startswith("project.")] == [
        "comment.created",
        "issue.changed",
        "issue.created",
        "issue.status_changed",
    ]
    assert heard["/some"] == ["comment.created"]
    assert heard["/off"] == heard["/gone"] == heard["/other"] == []


FAILURES: dict[str, tuple[Behaviour, int | None, str]] = {
    "an error": (answering(500, b"out of order"), 500, "answered 500"),
    "a refusal": (answering(404), 404, "answered 404"),
    "not modified": (answering(304), 304, "redirects are not followed"),
    "hanging": (behaviours.hang, None, "No answer within 0.3 seconds"),
    "hanging up": (behaviours.hang_up, None, "No answer"),
    "nonsense": (behaviours.talk_nonsense, None, "No answer"),
    "an endless error": (behaviours.without_end(503), 503, "answered 503"),
}


@pytest.mark.parametrize("how", FAILURES)
async def test_a_receiver_that_fails_is_tried_again_later(
    hasty_house: House, receiver: Receiver, how: str
) -> None:
    """WEBHOOK: what went wrong stands in the log, and the same message comes once more."""
    house = hasty_house
    receiver.respond, status_code, error = FAILURES[how]
    mona, project = await _mona(house)
    webhook = await new_webhook(mona, project, receiver.url())

    await happen(house, mona, project)
    failed = await the_delivery(mona, webhook)
    failing = await get(mona, webhook)
    receiver.respond = answering(200, b"thanks")
    house.clock.advance(seconds=6)
    await send_due(house)
    delivered = await the_delivery(mona, webhook)

    assert (failed["status"], failed["attempts"], failed["finished_at"]) == ("pending", 1, None)
    assert failed["last_status_code"] == status_code
    assert error in failed["error"]
    assert failing["failing_since"] is not None
    assert (delivered["status"], delivered["attempts"]) == ("delivered", 2)
    assert (delivered["last_status_code"], delivered["response_excerpt"]) == (200, "thanks")
    assert (delivered["error"], delivered["next_attempt_at"]) == (None, None)
    assert [each["status_code"] for each in delivered["tries"]] == [status_code, 200]
    first, last = receiver.received[0], receiver.received[-1]
    assert (first.message_id, first.body) == (last.message_id, last.body)
    assert last.headers["webhook-timestamp"] > first.headers["webhook-timestamp"]
    verify(last, webhook["secret"], house.clock)
    assert (await get(mona, webhook))["failing_since"] is None


async def _mona(house: House) -> tuple[Member, Json]:
    member = await house.member("mona", Role.MANAGER)
    return member, await new_project(member, "Web shop")


@pytest.mark.parametrize(
    "respond",
    [
        answering(200),
        answering(299, b"\x00\xff\x1b[31mred"),
        behaviours.without_end(200),
        behaviours.break_off,
        behaviours.stall,
    ],
    ids=["plain", "binary", "endless", "broken off", "stalled"],
)
async def test_the_status_decides_whatever_becomes_of_the_rest_of_the_answer(
    hasty_house: House, receiver: Receiver, respond: Behaviour
) -> None:
    """WEBHOOK: 2xx is a success; of the body a little is read and kept."""
    house = hasty_house
    receiver.respond = respond
    mona, project = await _mona(house)
    webhook = await new_webhook(mona, project, receiver.url())

    await happen(house, mona, project)

    delivery = await the_delivery(mona, webhook)
    assert (delivery["status"], delivery["attempts"]) == ("delivered", 1)
    assert len(delivery["response_excerpt"]) <= EXCERPT_LENGTH_MAX
    assert "\x00" not in delivery["response_excerpt"]
    assert "\x1b" not in delivery["response_excerpt"]


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        ("120", timedelta(seconds=120)),
        ("1", timedelta(seconds=5)),
        ("999999999999", timedelta(hours=24)),
        ("-5", timedelta(seconds=5)),
        ("soon", timedelta(seconds=5)),
        ("in an hour", timedelta(hours=1)),
    ],
)
async def test_a_receiver_may_ask_for_more_time(
    house: House, mona: Member, project: Json, receiver: Receiver, asked: str, waited: timedelta
) -> None:
    """WEBHOOK: ``Retry-After`` lengthens the pause, to a day at the most; it never shortens it."""
    in_an_hour = (house.clock() + timedelta(hours=1)).replace(microsecond=0)
    header = format_datetime(in_an_hour) if asked == "in an hour" else asked
    receiver.respond = answering(503, Retry_After=header)
    webhook = await new_webhook(mona, project, receiver.url())

    await happen(house, mona, project)

    delivery = await the_delivery(mona, webhook)
    due_in = datetime.fromisoformat(delivery["next_attempt_at"]) - house.clock()
    assert waited - timedelta(seconds=1) <= due_in <= waited * 1.1


@pytest.mark.parametrize(
    "header",
    [
        "Wed, 21 Oct 2026 07:28:00 +99999999999999999999",
        "Wed, 21 Oct 99999999999999 07:28:00 GMT",
        "Mon, 01 Jan 0001 00:00:00 +1400",
        "-5",
        "soon",
    ],
)
async def test_a_pause_that_nobody_understands_is_none(
    house: House, mona: Member, project: Json, receiver: Receiver, header: str
) -> None:
    """WEBHOOK: the try is told of all the same."""
    receiver.respond = answering(503, Retry_After=header)
    webhook = await new_webhook(mona, project, receiver.url())

    await happen(house, mona, project)

    delivery = await the_delivery(mona, webhook)
    assert (delivery["status"], delivery["last_status_code"]) == ("pending", 503)
    assert [each["status_code"] for each in delivery["tries"]] == [503]


async def test_a_url_that_can_not_be_called_any_more_is_a_failed_try(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: kept by an older version, say; the log of deliveries tells it."""
    webhook = await new_webhook(mona, project, receiver.url())
    await new_issue(mona, project)
    await until_noted(house)
    async with transaction(house.database) as session:
        await webhooks_store.update_webhook(session, UUID(webhook["id"]), url="gopher://old")

    await send_due(house)

    delivery = await the_delivery(mona, webhook)
    assert (delivery["status"], delivery["attempts"]) == ("pending", 1)
    assert delivery["error"] == "This server failed at it; its own log says why."


async def test_a_url_that_can_not_be_called_any_more_stops_nobody_else(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: events go on becoming deliveries."""
    broken = await new_webhook(mona, project, receiver.url("/broken"))
    webhook = await new_webhook(mona, project, receiver.url())
    async with transaction(house.database) as session:
        await webhooks_store.update_webhook(session, UUID(broken["id"]), url="gopher://old")

    await happen(house, mona, project)

    assert (await the_delivery(mona, webhook))["status"] == "delivered"
    assert await deliveries(mona, broken) == []


async def test_what_fails_again_leaves_half_of_the_slots_to_what_is_new(
    house: House, mona: Member, receiver: Receiver
) -> None:
    """WEBHOOK: five hosts that hang, of several projects, would otherwise take every slot."""
    slots = house.settings.webhooks.webhook_concurrency
    hosts = [f"host{number}.test" for number in range(5)]
    names = {host.replace(".", "_"): [LOOPBACK] for host in [*hosts, "quick.test"]}
    let_names_be(house, Names(**names))
    receiver.respond = answering(500)
    projects = await new_projects(mona, 4)
    for number in range(20):
        url = receiver.url(f"/{number}", hosts[number % 5])
        await new_webhook(mona, projects[number % 3], url)
    for project in projects:
        await happen(house, mona, project)
    quick = await new_webhook(mona, projects[3], receiver.url("/quick", "quick.test"))
    receiver.respond, receiver.of_path["/quick"] = hang, answering(204)
    house.clock.advance(seconds=6)

    async def the_new_is_told() -> bool:
        told = await deliveries(mona, quick, status="delivered")
        return receiver.held == slots // 2 and len(told) == 1

    async with sending(house, concurrency=slots):
        await until(lambda: _holds(receiver, slots // 2))
        await new_issue(mona, projects[3], "New")
        await until(the_new_is_told)
        held = receiver.held
        receiver.released.set()

    assert held == slots // 2


async def _holds(receiver: Receiver, how_many: int) -> bool:
    return receiver.held == how_many


async def test_a_delivery_waits_behind_the_host_that_it_goes_to(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: with another URL it leaves those behind that wait for the old host."""
    let_names_be(house, Names(old_test=[LOOPBACK], new_test=[LOOPBACK]))
    webhook = await new_webhook(mona, project, receiver.url("/", "old.test"))
    await new_issue(mona, project)
    await until_noted(house)
    await change(mona, webhook, url=receiver.url("/", "new.test"))
    receiver.respond = answering(500)

    await send_due(house)
    lanes = await house.rows(select(jobs.c.lane).where(jobs.c.kind == DELIVER))

    assert [each.headers["host"].split(":")[0] for each in receiver.received] == ["new.test"]
    assert lanes == [(f"project:{project['id']} host:new.test retry",)]
    assert (await the_delivery(mona, webhook))["attempts"] == 1


async def test_a_slow_receiver_holds_up_nobody(
    house: House, mona: Member, project: Json, receiver: Receiver
) -> None:
    """WEBHOOK: four tries at one host at a time; meanwhile others are told, and people work."""
    let_names_be(house, Names(slow_test=[LOOPBACK], quick_test=[LOOPBACK]))
    receiver.of_path["/slow"] = behaviours.hang
    await new_webhook(mona, project, receiver.url("/slow", "slow.test"))
    quick = await new_webhook(mona, project, receiver.url("/quick", "quick.test"))
    for number in range(10):
        await new_issue(mona, project, f"Issue {number}")
    await until_noted(house)

    async def quick_is_told() -> bool:
        told = await deliveries(mona, quick, status="delivered", limit=100)
        return receiver.held == 4 and len(told) == 10

    async def slow_is_told() -> bool:
        return len(receiver.at("/slow")) == 11

    async with sending(house, concurrency=6):
        await until(quick_is_told)
        await new_issue(mona, project, "Nobody waits")
        held = (receiver.held, len(receiver.at("/slow")))
        receiver.released.set()
        await until(slow_is_told)

    assert held == (4, 4)
