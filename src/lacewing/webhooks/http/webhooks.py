from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from lacewing.kernel.pagination import Page
from lacewing.kernel.schemas import PagedQuery
from lacewing.kernel.web.answers import (
    IfMatch,
    answer,
    answer_changed,
    answer_page,
    answer_thing,
    no_content,
    read_page,
)
from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.route import make_router
from lacewing.tracker.public import NotYourProject, ProjectArchived, ProjectNotFound
from lacewing.webhooks import errors
from lacewing.webhooks.http.parameters import TheWebhooks, WebhookEditor, WebhookViewer
from lacewing.webhooks.schemas import (
    NewWebhook,
    NewWebhookView,
    RotatedSecretView,
    WebhookChange,
    WebhookView,
)
from lacewing.webhooks.service import webhooks

router = make_router("webhooks")


@router.get(
    "/api/projects/{project_id}/webhooks",
    **documented(
        "List the webhooks of a project",
        Page[WebhookView],
        errors=(ProjectNotFound, NotYourProject),
    ),
)
async def list_webhooks(
    request: Request,
    work: WebhookViewer,
    project_id: UUID,
    query: Annotated[PagedQuery, Query()],
) -> Response:
    found = await webhooks.list_webhooks(work, project_id, read_page(request, query))
    return answer_page(request, query, found)


@router.post(
    "/api/projects/{project_id}/webhooks",
    **documented(
        "Add a webhook to a project",
        NewWebhookView,
        201,
        (ProjectNotFound, NotYourProject, ProjectArchived, errors.TooManyWebhooks),
        secret=True,
        description="What happens in the project is posted to `url`, signed as "
        "standardwebhooks.com has it. This answer is the only place where the secret stands.",
    ),
)
async def create_webhook(
    work: WebhookEditor, the: TheWebhooks, project_id: UUID, body: NewWebhook
) -> Response:
    webhook = await webhooks.create_webhook(work, the, project_id, body)
    return answer(webhook, 201, {"Location": f"/api/webhooks/{webhook.id}"})


@router.get(
    "/api/webhooks/{webhook_id}",
    **documented(
        "Read a webhook",
        WebhookView,
        errors=(errors.WebhookNotFound, NotYourProject),
    ),
)
async def read_webhook(request: Request, work: WebhookViewer, webhook_id: UUID) -> Response:
    return answer_thing(request, await webhooks.get_webhook(work, webhook_id))


@router.patch(
    "/api/webhooks/{webhook_id}",
    **documented(
        "Change a webhook, or switch it on or off",
        WebhookView,
        errors=(errors.WebhookNotFound, NotYourProject),
        description="Switched off, it gives up what is under way; that can be sent once more.",
    ),
)
async def change_webhook(
    work: WebhookEditor,
    the: TheWebhooks,
    webhook_id: UUID,
    body: WebhookChange,
    precondition: IfMatch,
) -> Response:
    changes = body.model_dump(exclude_unset=True)
    changed = await webhooks.change_webhook(work, the, webhook_id, changes, precondition)
    return answer_changed(changed)


@router.delete(
    "/api/webhooks/{webhook_id}",
    **documented(
        "Delete a webhook, with what waits to be sent to it",
        None,
        204,
        (errors.WebhookNotFound, NotYourProject),
    ),
)
async def delete_webhook(work: WebhookEditor, webhook_id: UUID, precondition: IfMatch) -> Response:
    await webhooks.delete_webhook(work, webhook_id, precondition)
    return no_content()


@router.post(
    "/api/webhooks/{webhook_id}/rotate-secret",
    **documented(
        "Give a webhook a new secret",
        RotatedSecretView,
        errors=(errors.WebhookNotFound, NotYourProject),
        secret=True,
        description="The secret before it signs too for a day; any older one is dead at once.",
    ),
)
async def rotate_secret(work: WebhookEditor, the: TheWebhooks, webhook_id: UUID) -> Response:
    return answer(await webhooks.rotate_secret(work, the, webhook_id))
