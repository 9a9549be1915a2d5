"""Live messages as Server-Sent Events, for those who can't use a WebSocket."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated, Final

from fastapi import Header, Response

from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.route import make_router
from lacewing.kernel.web.streams import LiveStream
from lacewing.notifications.errors import TooManySockets
from lacewing.notifications.http.parameters import ID_MAX, NotificationViewer, TheNotifications
from lacewing.notifications.live.connection import CLOSE_SECONDS, Connection
from lacewing.notifications.live.frames import Frame
from lacewing.notifications.metrics import STREAM

PING_SECONDS: Final = 20.0

router = make_router("notifications")


@router.get(
    "/api/notifications/stream",
    **documented(
        "Hear live messages as Server-Sent Events",
        None,
        errors=(TooManySockets,),
        files={200: "The messages, each with its id as the id of its event"},
        description="The same messages as in `/ws/notifications`. The stream ends with the "
        "session, for a reader who is too slow, and when the server stops.",
    ),
)
async def stream_notifications(
    work: NotificationViewer,
    parts: TheNotifications,
    last_event_id: Annotated[
        int | None,
        Header(
            alias="Last-Event-ID",
            ge=0,
            le=ID_MAX,
            description="The id of the last message that you have: all since come first.",
        ),
    ] = None,
) -> Response:
    connection = await parts.hub.admitted(work.actor, last_event_id, STREAM)
    return LiveStream(
        _bytes_of(connection), connection.ended, connection.leave, CLOSE_SECONDS, PING_SECONDS
    )


async def _bytes_of(connection: Connection) -> AsyncGenerator[bytes]:
    frames = connection.frames()
    waiting: asyncio.Future[Frame] | None = None
    try:
        yield _ping_of(connection)  # the head of the answer leaves at once
        while True:
            waiting = waiting or asyncio.ensure_future(anext(frames))
            done, _ = await asyncio.wait({waiting}, timeout=PING_SECONDS)
            if not done:
                yield _ping_of(connection)
                continue
            try:
                frame = waiting.result()
            except StopAsyncIteration:
                return
            waiting = None
            yield _event_of(frame)
    finally:
        if waiting is not None:
            waiting.cancel()
            await asyncio.wait({waiting})
        await frames.aclose()


def _ping_of(connection: Connection) -> bytes:
    """No event, and yet its id is kept for ``Last-Event-ID``: nothing has happened up to there."""
    return f": ping\nid: {connection.position}\n\n".encode()


def _event_of(frame: Frame) -> bytes:
    """As the HTML standard has it, section 9.2.6; JSON holds no line break."""
    name = "" if frame.id is None else f"id: {frame.id}\n"
    return f"{name}data: {frame.text}\n\n".encode()
