"""Live messages over a WebSocket (LIVE-1)."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, cast

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from lacewing.accounts.public import find_actor_of_session
from lacewing.kernel.actor import Actor
from lacewing.kernel.errors import Forbidden, Refusal, Unauthenticated, invalid_field
from lacewing.kernel.web.problems import refusal_response
from lacewing.kernel.web.route import check_query
from lacewing.kernel.web.sockets import is_of_origin, work_of
from lacewing.kernel.work import Work
from lacewing.notifications.component import Notifications
from lacewing.notifications.errors import ForeignOrigin, InvalidTicket
from lacewing.notifications.http.parameters import ID_MAX
from lacewing.notifications.live.connection import CLOSE_SECONDS, SESSION_ENDED, Connection
from lacewing.notifications.metrics import REFUSED
from lacewing.notifications.permissions import Permission
from lacewing.notifications.service.tickets import use_ticket

SUBPROTOCOL: Final = "lacewing"
TICKET_PREFIX: Final = "ticket."
BEARER: Final = "bearer"
LAST_EVENT_ID: Final = "last_event_id"
_ID: Final = re.compile(r"[0-9]{1,19}")

_log = structlog.get_logger(__name__)
router = APIRouter()


@router.websocket("/ws/notifications")
async def notify(websocket: WebSocket) -> None:
    """Tell a client what happens, until it goes or may hear no more."""
    parts = cast("Notifications", websocket.app.state.notifications)
    try:
        last_event_id = _last_event_id(websocket)
        if not is_of_origin(websocket, parts.allowed_origins):
            raise ForeignOrigin
        actor, subprotocol = await _enter(websocket)
        connection = await parts.hub.admitted(actor, last_event_id)
    except Refusal as refusal:
        REFUSED.labels(refusal.code).inc()
        _log.info("socket_refused", reason=refusal.code)
        request_id = websocket.scope["lacewing.request_id"]
        response = refusal_response(refusal, websocket.scope["path"], request_id)
        await websocket.send_denial_response(response)
        return
    try:
        await websocket.accept(subprotocol, [(b"last-event-id", b"%d" % connection.position)])
        _log.info("socket_opened", user_id=str(actor.id))
        await _tell(websocket, connection)
    except WebSocketDisconnect:
        pass
    finally:
        connection.leave()
        _log.info("socket_closed", user_id=str(actor.id))


def _last_event_id(websocket: WebSocket) -> int | None:
    """Which message the client has had last.

    Raises:
        Invalid: it is no such number, or there are other parameters.
    """
    check_query(websocket.scope["query_string"], frozenset({LAST_EVENT_ID}))
    value = websocket.query_params.get(LAST_EVENT_ID)
    if value is None:
        return None
    if not _ID.fullmatch(value) or int(value) > ID_MAX:
        raise invalid_field("query", LAST_EVENT_ID, "must be the id of a message", "int_parsing")
    return int(value)


async def _enter(websocket: WebSocket) -> tuple[Actor, str | None]:
    """Who opens the socket, and the subprotocol that they are answered.

    Raises:
        Unauthenticated: nobody can be made out.
        Forbidden: whose token it is may not hear.
    """
    offered: Sequence[str] = websocket.scope["subprotocols"]
    async with work_of(websocket) as (work, runtime):
        match offered:
            case [str(name), ticket] if name == SUBPROTOCOL and ticket.startswith(TICKET_PREFIX):
                actor = await _bearer_of_ticket(work, ticket.removeprefix(TICKET_PREFIX))
            case [str(name), token] if name == BEARER:
                actor = await runtime.authenticate(work, token)
            case _:
                scheme, _, token = websocket.headers.get("authorization", "").partition(" ")
                if scheme.lower() != BEARER or not token:
                    raise Unauthenticated(
                        "Send a ticket or a token as subprotocols, or an `Authorization` header."
                    )
                actor = await runtime.authenticate(work, token.strip())
        if Permission.NOTIFICATIONS_VIEW not in runtime.permissions.granted(actor):
            raise Forbidden("This token may not hear notifications.")
    answered = next((name for name in offered if name in {SUBPROTOCOL, BEARER}), None)
    return actor, answered


async def _bearer_of_ticket(work: Work, ticket: str) -> Actor:
    session_id = await use_ticket(work, ticket)
    actor = await find_actor_of_session(work.session, session_id)
    if actor is None:
        raise InvalidTicket
    return actor


async def _tell(websocket: WebSocket, connection: Connection) -> None:
    """Send what there is, until one side has enough."""
    sending = asyncio.create_task(_send_all(websocket, connection))
    listening = asyncio.create_task(_listen(websocket))
    ending = asyncio.create_task(connection.ended.wait())
    tasks = {sending, listening, ending}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if connection.ending is not None and not listening.done():
            if connection.ending is SESSION_ENDED:
                sending.cancel()
            # Whoever is too slow may be too slow for this too, and is cut then.
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
                    await websocket.close(connection.ending.code, connection.ending.reason)
        if sending.done() and not sending.cancelled():
            sending.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send_all(websocket: WebSocket, connection: Connection) -> None:
    async for frame in connection.frames():
        await websocket.send_text(frame.text)


async def _listen(websocket: WebSocket) -> None:
    """Clients have nothing to say; that they close is heard here."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass
