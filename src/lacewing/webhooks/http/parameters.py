"""Parameters that several routes of this domain take."""

from typing import Annotated, cast

from fastapi import Depends, Request

from lacewing.kernel.web.security import requires
from lacewing.kernel.work import Work
from lacewing.webhooks.component import Webhooks
from lacewing.webhooks.permissions import Permission


async def _webhooks(request: Request) -> Webhooks:
    return cast("Webhooks", request.app.state.webhooks)


TheWebhooks = Annotated[Webhooks, Depends(_webhooks, scope="function")]
WebhookViewer = Annotated[Work, requires(Permission.WEBHOOK_VIEW)]
WebhookEditor = Annotated[Work, requires(Permission.WEBHOOK_EDIT)]
