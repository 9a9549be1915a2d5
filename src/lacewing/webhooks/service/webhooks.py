from typing import Any
from uuid import UUID

import msgspec

from lacewing.kernel import audit
from lacewing.kernel.errors import invalid_field
from lacewing.kernel.events import emit, names_with
from lacewing.kernel.ids import new_id
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.kernel.preconditions import Precondition
from lacewing.kernel.work import Work
from lacewing.tracker.public import ProjectArchived, get_own_project, lock_own_project
from lacewing.webhooks import errors, events
from lacewing.webhooks.component import Webhooks
from lacewing.webhooks.rules import ALL_EVENTS, OLD_SECRET_SIGNS, WEBHOOKS_MAX, parse_url
from lacewing.webhooks.schemas import NewWebhook, NewWebhookView, RotatedSecretView, WebhookView
from lacewing.webhooks.service.clearing import clear_webhook
from lacewing.webhooks.service.secrets import add_secret
from lacewing.webhooks.store import secrets, webhooks as store


async def list_webhooks(work: Work, project_id: UUID, page: PageRequest) -> Slice[WebhookView]:
    """One page of the project's webhooks, the oldest first.

    Raises:
        ProjectNotFound, NotYourProject: it is not the actor's to edit.
    """
    await get_own_project(work, project_id)
    return await store.list_webhooks(work.session, project_id, page)


async def get_webhook(work: Work, webhook_id: UUID) -> WebhookView:
    """The webhook with this id.

    Raises:
        WebhookNotFound: there is none.
        NotYourProject: its project is not the actor's to edit.
    """
    return await _own(work, await store.find_webhook(work.session, webhook_id))


async def lock_webhook(work: Work, webhook_id: UUID) -> WebhookView:
    """As ``get_webhook``; nobody else changes it until the transaction ends."""
    return await _own(work, await store.lock_webhook(work.session, webhook_id))


async def _own(work: Work, found: WebhookView | None) -> WebhookView:
    if found is None or not work.actor.reaches(found.project.id):
        raise errors.WebhookNotFound
    await get_own_project(work, found.project.id)
    return found


async def create_webhook(
    work: Work, webhooks: Webhooks, project_id: UUID, wanted: NewWebhook
) -> NewWebhookView:
    """A new webhook; its secret is told here, and never again.

    Raises:
        ProjectNotFound, NotYourProject: the project is not the actor's to edit.
        ProjectArchived: nothing will happen in it.
        TooManyWebhooks: it has as many as it may.
        Invalid: the URL may not be called, or there is no such event.
    """
    project = await lock_own_project(work, project_id)
    if project.is_archived:
        raise ProjectArchived
    if await store.count_webhooks(work.session, project_id) >= WEBHOOKS_MAX:
        raise errors.TooManyWebhooks
    values = wanted.model_dump()
    _check(webhooks, values)
    webhook_id = new_id()
    row = {
        **values,
        "id": webhook_id,
        "project_id": project_id,
        "created_by": work.actor.id,
        "created_at": work.now,
        "updated_at": work.now,
    }
    await store.insert_webhook(work.session, row)
    secret = await add_secret(work, webhooks.cipher, webhook_id)
    await emit(work, events.WebhookCreated(webhook_id=webhook_id))
    await audit.record(
        work,
        "webhook.create",
        f"webhook:{webhook_id}",
        details={"project_id": str(project_id), "host": parse_url(wanted.url).host},
    )
    view = await get_webhook(work, webhook_id)
    return NewWebhookView(**msgspec.structs.asdict(view), secret=secret)


def _check(webhooks: Webhooks, values: dict[str, Any]) -> None:
    if "url" in values:
        refusal = webhooks.policy.refusal_of_url(parse_url(values["url"]))
        if refusal is not None:
            raise invalid_field("body", "url", refusal, "webhook_url")
    known = {ALL_EVENTS} | names_with("project_id")
    if unknown := sorted(set(values.get("event_types", ())) - known):
        raise invalid_field(
            "body", "event_types", f"no such event: {', '.join(unknown)}", "unknown_event"
        )


async def change_webhook(
    work: Work,
    webhooks: Webhooks,
    webhook_id: UUID,
    changes: dict[str, Any],
    precondition: Precondition,
) -> WebhookView:
    """Change a webhook, or switch it on or off; off, all that is under way is given up.

    Raises:
        WebhookNotFound, NotYourProject: it is not the actor's.
        Invalid: the URL may not be called, or there is no such event.
        PreconditionFailed: it has changed since the client read it.
    """
    webhook = await lock_webhook(work, webhook_id)
    precondition.check(webhook)
    different = {name: value for name, value in changes.items() if getattr(webhook, name) != value}
    if not different:
        return webhook
    _check(webhooks, different)
    columns: dict[str, Any] = {**different, "updated_at": work.now}
    # Whatever was wrong before, it begins anew.
    if "url" in different:
        columns["failing_since"] = None
    if "is_active" in different:
        columns |= {"off_reason": None, "failing_since": None}
    await store.update_webhook(work.session, webhook_id, **columns)
    if different.get("is_active") is False:
        await clear_webhook(work, webhook_id)
    fields = sorted(different)
    await emit(work, events.WebhookChanged(webhook_id=webhook_id, fields=fields))
    await audit.record(
        work, "webhook.change", f"webhook:{webhook_id}", details={"fields": " ".join(fields)}
    )
    return await get_webhook(work, webhook_id)


async def delete_webhook(work: Work, webhook_id: UUID, precondition: Precondition) -> None:
    """Delete a webhook; what waited to be sent to it never will be.

    Raises:
        WebhookNotFound, NotYourProject: it is not the actor's.
        PreconditionFailed: it has changed since the client read it.
    """
    webhook = await lock_webhook(work, webhook_id)
    precondition.check(webhook)
    await store.delete_webhook(work.session, webhook_id)
    await clear_webhook(work, webhook_id)
    await emit(work, events.WebhookDeleted(webhook_id=webhook_id))
    await audit.record(work, "webhook.delete", f"webhook:{webhook_id}")


async def rotate_secret(work: Work, webhooks: Webhooks, webhook_id: UUID) -> RotatedSecretView:
    """A new secret; the one before it signs beside it for a day, any before that no more.

    Raises:
        WebhookNotFound, NotYourProject: it is not the actor's.
    """
    await lock_webhook(work, webhook_id)
    until = work.now + OLD_SECRET_SIGNS
    await secrets.let_run_out(work.session, webhook_id, until)
    secret = await add_secret(work, webhooks.cipher, webhook_id)
    await emit(work, events.WebhookSecretRotated(webhook_id=webhook_id))
    await audit.record(work, "webhook.rotate_secret", f"webhook:{webhook_id}")
    return RotatedSecretView(secret, until)
