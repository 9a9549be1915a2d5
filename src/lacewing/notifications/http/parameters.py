"""Parameters that several routes of this domain take."""

from typing import Annotated, Final, cast

from fastapi import Depends, Path, Request

from lacewing.kernel.web.security import requires
from lacewing.kernel.work import Work
from lacewing.notifications.component import Notifications
from lacewing.notifications.permissions import Permission

ID_MAX: Final = 2**63 - 1


async def _notifications(request: Request) -> Notifications:
    return cast("Notifications", request.app.state.notifications)


TheNotifications = Annotated[Notifications, Depends(_notifications, scope="function")]
NotificationId = Annotated[
    int, Path(ge=1, le=ID_MAX, description="The `id` of the notification, or of its live message.")
]
NotificationViewer = Annotated[Work, requires(Permission.NOTIFICATIONS_VIEW)]
NotificationEditor = Annotated[Work, requires(Permission.NOTIFICATIONS_EDIT)]
TicketTaker = Annotated[Work, requires(Permission.NOTIFICATIONS_TICKET)]
