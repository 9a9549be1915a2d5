from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from lacewing.kernel.pagination import Page
from lacewing.kernel.web.answers import answer, answer_page, read_page
from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.route import make_router
from lacewing.tracker.public import NotYourProject
from lacewing.webhooks import errors
from lacewing.webhooks.http.parameters import WebhookEditor, WebhookViewer
from lacewing.webhooks.schemas import DeliveryQuery, DeliveryView, Replayed, ReplayWindow
from lacewing.webhooks.service import deliveries

router = make_router("webhooks")


@router.get(
    "/api/webhooks/{webhook_id}/deliveries",
    **documented(
        "List what was sent to a webhook, newest first",
        Page[DeliveryView],
        errors=(errors.WebhookNotFound, NotYourProject),
    ),
)
async def list_deliveries(
    request: Request,
    work: WebhookViewer,
    webhook_id: UUID,
    query: Annotated[DeliveryQuery, Query()],
) -> Response:
    page = read_page(request, query)
    found = await deliveries.list_deliveries(work, webhook_id, query, page)
    return answer_page(request, query, found)


@router.post(
    "/api/webhooks/{webhook_id}/test",
    **documented(
        "Send a test message, once",
        DeliveryView,
        202,
        (errors.WebhookNotFound, NotYourProject, errors.WebhookOff),
    ),
)
async def send_test(work: WebhookEditor, webhook_id: UUID) -> Response:
    return answer(await deliveries.send_test(work, webhook_id), 202)


@router.post(
    "/api/webhooks/deliveries/{delivery_id}/replay",
    **documented(
        "Send a delivery once more",
        DeliveryView,
        202,
        (
            errors.DeliveryNotFound,
            NotYourProject,
            errors.WebhookOff,
            errors.DeliveryPending,
        ),
    ),
)
async def replay_delivery(work: WebhookEditor, delivery_id: UUID) -> Response:
    return answer(await deliveries.replay_delivery(work, delivery_id), 202)


@router.post(
    "/api/webhooks/{webhook_id}/replay",
    **documented(
        "Send once more what happened in some time",
        Replayed,
        202,
        (
            errors.WebhookNotFound,
            NotYourProject,
            errors.WebhookOff,
            errors.TooManyToReplay,
        ),
        description="All deliveries of events of that time that are not under way, delivered or "
        "failed; at most 1,000.",
    ),
)
async def replay_window(work: WebhookEditor, webhook_id: UUID, body: ReplayWindow) -> Response:
    return answer(await deliveries.replay_window(work, webhook_id, body), 202)
