from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select, update

from lacewing.accounts.public import Person, person_columns, users_as
from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import any_of
from lacewing.kernel.db.paging import Order, keyset_page
from lacewing.kernel.db.types import Timestamp
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.tracker.public import ProjectRef, project_columns, projects_as
from lacewing.webhooks.rules import OffReason
from lacewing.webhooks.schemas import WebhookView
from lacewing.webhooks.tables import webhooks


class Listener(msgspec.Struct, frozen=True):
    """A webhook as events look for it."""

    id: UUID
    project_id: UUID
    url: str
    event_types: list[str]


_creator = users_as("creator")
_project = projects_as("project")
_ALL: Final = (
    select(
        webhooks.c.id,
        *project_columns(_project),
        webhooks.c.url,
        webhooks.c.event_types,
        webhooks.c.description,
        webhooks.c.is_active,
        webhooks.c.off_reason,
        webhooks.c.failing_since,
        *person_columns(_creator),
        webhooks.c.created_at,
        webhooks.c.updated_at,
    )
    .join_from(webhooks, _project, _project.c.id == webhooks.c.project_id)
    .join(_creator, _creator.c.id == webhooks.c.created_by)
)
_BY_ID: Final = webhooks.c.id == bindparam("webhook_id")
_ONE = _ALL.where(_BY_ID)
_ONE_LOCKED = _ONE.with_for_update(of=webhooks)
_OF_PROJECT = webhooks.c.project_id == bindparam("project_id")
_LIST = _ALL.where(_OF_PROJECT)
_COUNT = select(func.count()).select_from(webhooks).where(_OF_PROJECT)
_LISTENERS = (
    select(webhooks.c.id, webhooks.c.project_id, webhooks.c.url, webhooks.c.event_types)
    .where(any_of(webhooks.c.project_id, "project_ids"), webhooks.c.is_active)
    .order_by(webhooks.c.id)
    # Nobody deletes them until what they are told is written.
    .with_for_update(read=True, key_share=True)
)
_INSERT = insert(webhooks)
_UPDATE = update(webhooks).where(_BY_ID)
_DELETE = delete(webhooks).where(_BY_ID)
_IS_THERE: Final = webhooks.c.url == bindparam("tried_url")
_NOTE_FAILURE = (
    update(webhooks)
    .where(_BY_ID, _IS_THERE, webhooks.c.failing_since.is_(None))
    .values(failing_since=bindparam("now", type_=Timestamp()))
)
_NOTE_SUCCESS = (
    update(webhooks)
    .where(_BY_ID, _IS_THERE, webhooks.c.failing_since.is_not(None))
    .values(failing_since=None)
)
_OLDEST_FIRST: Final = Order(webhooks.c.created_at, webhooks.c.id)


def _webhook(
    webhook_id: UUID,
    project_id: UUID,
    project_key: str,
    project_name: str,
    url: str,
    event_types: list[str],
    description: str,
    is_active: bool,  # ruff: ignore[boolean-type-hint-positional-argument]  a column
    off_reason: str | None,
    failing_since: datetime | None,
    creator_id: UUID,
    creator_username: str,
    creator_full_name: str | None,
    created_at: datetime,
    updated_at: datetime,
) -> WebhookView:
    return WebhookView(
        webhook_id,
        ProjectRef(project_id, project_key, project_name),
        url,
        event_types,
        description,
        is_active,
        None if off_reason is None else OffReason(off_reason),
        failing_since,
        Person(creator_id, creator_username, creator_full_name),
        created_at,
        updated_at,
    )


async def insert_webhook(session: Session, row: dict[str, Any]) -> None:
    await session.execute(_INSERT, row)


async def find_webhook(session: Session, webhook_id: UUID) -> WebhookView | None:
    return await session.one(_webhook, _ONE, {"webhook_id": webhook_id})


async def lock_webhook(session: Session, webhook_id: UUID) -> WebhookView | None:
    """The webhook, which nobody else changes until the transaction ends."""
    return await session.one(_webhook, _ONE_LOCKED, {"webhook_id": webhook_id})


async def list_webhooks(
    session: Session, project_id: UUID, page: PageRequest
) -> Slice[WebhookView]:
    """One page of those of a project, the oldest first."""
    values = {"project_id": project_id}
    return await keyset_page(session, _webhook, _LIST, _OLDEST_FIRST, page, values)


async def count_webhooks(session: Session, project_id: UUID) -> int:
    count: int = await session.scalar(_COUNT, {"project_id": project_id})
    return count


async def list_listeners(session: Session, project_ids: Sequence[UUID]) -> list[Listener]:
    """Webhooks of these projects that are on; none of them goes until the transaction ends."""
    return await session.all(Listener, _LISTENERS, {"project_ids": list(project_ids)})


async def update_webhook(session: Session, webhook_id: UUID, **changes: Any) -> None:
    await session.execute(_UPDATE, {**changes, "webhook_id": webhook_id})


async def delete_webhook(session: Session, webhook_id: UUID) -> None:
    """Remove it with its secrets; its deliveries are to be cleared."""
    await session.execute(_DELETE, {"webhook_id": webhook_id})


async def note_failure(session: Session, webhook_id: UUID, tried_url: str, now: datetime) -> None:
    """Remember since when every try has failed; what came of another URL means nothing to it."""
    values = {"webhook_id": webhook_id, "tried_url": tried_url, "now": now}
    await session.execute(_NOTE_FAILURE, values)


async def note_success(session: Session, webhook_id: UUID, tried_url: str) -> None:
    await session.execute(_NOTE_SUCCESS, {"webhook_id": webhook_id, "tried_url": tried_url})
