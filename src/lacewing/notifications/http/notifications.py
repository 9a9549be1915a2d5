from typing import Annotated

import msgspec
from fastapi import Query, Request, Response

from lacewing.kernel.pagination import Page
from lacewing.kernel.web.answers import (
    IfMatch,
    answer,
    answer_changed,
    answer_page,
    answer_thing,
    read_page,
)
from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.route import make_router
from lacewing.notifications.errors import NotificationNotFound
from lacewing.notifications.http.parameters import (
    NotificationEditor,
    NotificationId,
    NotificationViewer,
    TheNotifications,
    TicketTaker,
)
from lacewing.notifications.schemas import (
    Marked,
    NotificationQuery,
    NotificationView,
    PreferenceChange,
    Preferences,
    Ticket,
)
from lacewing.notifications.service import inbox, preferences, tickets

router = make_router("notifications")


@router.get(
    "/api/notifications",
    **documented("List what happened while you were away", Page[NotificationView]),
)
async def list_notifications(
    request: Request,
    work: NotificationViewer,
    parts: TheNotifications,
    query: Annotated[NotificationQuery, Query()],
) -> Response:
    page = read_page(request, query)
    found = await inbox.list_notifications(work, parts.describers, page, is_unread=query.unread)
    return answer_page(request, query, found)


@router.post(
    "/api/notifications/read-all", **documented("Mark all your notifications as read", Marked)
)
async def mark_all_read(work: NotificationEditor) -> Response:
    return answer(await inbox.mark_all_read(work))


@router.post(
    "/api/notifications/ticket",
    **documented(
        "Get a ticket for a socket",
        Ticket,
        description="It is good for one handshake within 30 s, as subprotocols "
        "`lacewing, ticket.<t>` of `/ws/notifications`. Its `last_event_id` is good for that "
        "socket until the first message: so nothing is missed that happens before it is open.",
        secret=True,
    ),
)
async def make_ticket(work: TicketTaker, parts: TheNotifications) -> Response:
    ticket = await tickets.make_ticket(work)
    return answer(msgspec.structs.replace(ticket, last_event_id=parts.hub.head))


@router.get(
    "/api/notifications/preferences",
    **documented("Read what you want to hear of", Preferences, also={304: None}),
)
async def read_preferences(request: Request, work: NotificationViewer) -> Response:
    return answer_thing(request, await preferences.get_preferences(work))


@router.patch(
    "/api/notifications/preferences",
    **documented("Change what you want to hear of", Preferences),
)
async def change_preferences(
    work: NotificationEditor, body: PreferenceChange, precondition: IfMatch
) -> Response:
    return answer_changed(await preferences.change_preferences(work, body, precondition))


@router.post(
    "/api/notifications/{notification_id}/read",
    **documented("Mark a notification as read", NotificationView, errors=(NotificationNotFound,)),
)
async def mark_read(
    work: NotificationEditor, parts: TheNotifications, notification_id: NotificationId
) -> Response:
    return answer(await inbox.mark_read(work, parts.describers, notification_id))
