from typing import Annotated

from fastapi import Query, Response

from lacewing.kernel.web.answers import answer
from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.route import make_router
from lacewing.kernel.web.security import requires
from lacewing.kernel.work import Work
from lacewing.pipeline import service
from lacewing.pipeline.errors import EventsGone
from lacewing.pipeline.permissions import Permission
from lacewing.pipeline.schemas import Feed, FeedQuery

router = make_router("events")

EventsViewer = Annotated[Work, requires(Permission.EVENTS_VIEW)]


@router.get(
    "/api/events/feed", **documented("Read the event log by number", Feed, errors=(EventsGone,))
)
async def read_feed(work: EventsViewer, query: Annotated[FeedQuery, Query()]) -> Response:
    return answer(await service.read_feed(work, query))
