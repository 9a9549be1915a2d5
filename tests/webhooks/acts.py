"""What people do with webhooks in these tests, and how their messages come to be sent."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, tzinfo
from ipaddress import ip_address
from typing import Any, Final

import httpx
import pytest
import standardwebhooks.webhooks
from sqlalchemy import Select, func, or_, select
from standardwebhooks import Webhook

from lacewing.kernel.audit.tables import audit_log
from lacewing.kernel.events.tables import event_cursors, outbox
from lacewing.kernel.jobs.embedded import EmbeddedCarrier
from lacewing.kernel.jobs.runner import Runner
from lacewing.kernel.jobs.tables import jobs
from lacewing.webhooks.addresses import Address
from lacewing.webhooks.rules import CLEAR, DELIVER
from lacewing.webhooks.tables import webhook_deliveries, webhook_secrets, webhooks
from lacewing.wiring import sending_job_kinds
from tests.support.house import House, Member, TestClock
from tests.tracker.acts import Json, new_issue, new_project, read
from tests.webhooks.receiver import Received

DEADLINE_SECONDS: Final = 30
LOOK_SECONDS: Final = 0.005
ISSUES: Final = ["issue.created"]

_STATE: Final = {
    "webhooks": select(webhooks).order_by(webhooks.c.id),
    "secrets": select(webhook_secrets).order_by(webhook_secrets.c.id),
    "deliveries": select(webhook_deliveries).order_by(webhook_deliveries.c.id),
    "jobs": select(jobs.c.id).where(jobs.c.kind == DELIVER).order_by(jobs.c.id),
    "events": select(outbox.c.id, outbox.c.name).order_by(outbox.c.id),
    # That somebody was refused is kept too, and is no change.
    "audit": select(audit_log.c.id)
    .where(audit_log.c.action != "access.denied")
    .order_by(audit_log.c.id),
}


@asynccontextmanager
async def nothing_changes(house: House) -> AsyncGenerator[None, None]:
    """What happens in the block leaves no trace, and tells nobody anything."""
    await until_noted(house)
    before = {name: await house.rows(statement) for name, statement in _STATE.items()}
    yield  # ruff: ignore[fallible-context-manager]  a test that failed already compares nothing
    await until_noted(house)
    after = {name: await house.rows(statement) for name, statement in _STATE.items()}
    assert after == before


async def try_webhook(member: Member, project: Json, url: str, **fields: Any) -> httpx.Response:
    wanted = {"url": url, "event_types": ISSUES, **fields}
    return await member.api.post(f"/api/projects/{project['id']}/webhooks", json=wanted)


async def new_webhook(member: Member, project: Json, url: str, **fields: Any) -> Json:
    """A webhook for new issues, unless ``fields`` say otherwise; with its secret."""
    return _made(await try_webhook(member, project, url, **fields), 201)


def _made(answer: httpx.Response, status: int) -> Json:
    assert answer.status_code == status, answer.text
    made: Json = answer.json()
    return made


def path_of(webhook: Json, what: str = "") -> str:
    return f"/api/webhooks/{webhook['id']}{what}"


async def get(member: Member, webhook: Json) -> Json:
    return await read(member, path_of(webhook))


async def change(member: Member, webhook: Json, **fields: Any) -> Json:
    return _made(await member.api.patch(path_of(webhook), json=fields), 200)


async def rotate(member: Member, webhook: Json) -> str:
    """The new secret."""
    answer = await member.api.post(path_of(webhook, "/rotate-secret"))
    secret: str = _made(answer, 200)["secret"]
    return secret


async def replay(member: Member, delivery: Json) -> Json:
    answer = await member.api.post(f"/api/webhooks/deliveries/{delivery['id']}/replay")
    return _made(answer, 202)


async def deliveries(member: Member, webhook: Json, **params: Any) -> list[Json]:
    """The newest of them."""
    found: list[Json] = (await read(member, path_of(webhook, "/deliveries"), **params))["data"]
    return found


async def the_delivery(member: Member, webhook: Json) -> Json:
    (delivery,) = await deliveries(member, webhook)
    return delivery


async def until_listening(house: House) -> None:
    """Return when the house has begun to care about events: what was before is not for webhooks."""
    begun = select(event_cursors.c.sequence).where(event_cursors.c.consumer == "webhooks")

    async def has_begun() -> bool:
        return bool(await house.rows(begun))

    await until(has_begun)


async def until_noted(house: House) -> None:
    """Return when every event so far has become deliveries."""
    behind = select(func.count()).where(
        or_(
            outbox.c.sequence.is_(None),
            outbox.c.sequence
            > select(event_cursors.c.sequence)
            .where(event_cursors.c.consumer == "webhooks")
            .scalar_subquery(),
        )
    )
    await until(lambda: _is_none(house, behind))


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Return when it is; fail when it does not become so."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await is_so():  # noqa: ASYNC110  it is found by asking the database
            await asyncio.sleep(LOOK_SECONDS)


async def _is_none(house: House, count: Select[Any]) -> bool:
    return await house.rows(count) == [(0,)]


async def send_due(house: House, concurrency: int = 8) -> None:
    """Note what has happened, and try whatever is due now, once."""
    await until_noted(house)
    busy = select(func.count()).where(
        or_(jobs.c.kind == DELIVER, jobs.c.kind == CLEAR),
        or_(jobs.c.lease_id.is_not(None), jobs.c.due_at <= house.clock()),
    )
    async with sending(house, concurrency):
        await until(lambda: _is_none(house, busy))


@asynccontextmanager
async def sending(house: House, concurrency: int = 8) -> AsyncGenerator[None, None]:
    """A worker sends while the block lasts."""
    runner = Runner(house.database, sending_job_kinds(house.app.state.webhooks), house.clock)
    stopping = asyncio.Event()
    carrying = asyncio.create_task(EmbeddedCarrier(runner, concurrency).run(stopping))
    try:
        yield
    finally:
        stopping.set()
        await carrying


async def happen(house: House, member: Member, project: Json, title: str = "Slow") -> Json:
    """An issue is created, and whatever is due is tried; the issue."""
    issue = await new_issue(member, project, title)
    await send_due(house)
    return issue


async def new_projects(member: Member, count: int) -> list[Json]:
    return [await new_project(member, f"Project {number}") for number in range(count)]


def verify(received: Received, secret: str, clock: TestClock) -> Json:
    """The payload, if the reference library believes it at the time of the test."""

    class TestTime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return clock().astimezone(tz)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(standardwebhooks.webhooks, "datetime", TestTime)
        payload: Json = Webhook(secret).verify(received.body, received.headers)
    return payload


class Names:
    """A name server: each name has a list of answers, of which the last one stays."""

    def __init__(self, **answers: Sequence[str]) -> None:
        self.answers = {name.replace("_", "."): list(each) for name, each in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, _port: int) -> list[Address]:
        self.asked.append(host)
        if host not in self.answers:
            raise OSError("no such name")
        left = self.answers[host]
        answer = left.pop(0) if len(left) > 1 else left[0]
        return [ip_address(each) for each in answer.split()]


def let_names_be(house: House, names: Names) -> None:
    """DNS is the outside: here it says what the test wants."""
    house.app.state.webhooks.resolve = names
