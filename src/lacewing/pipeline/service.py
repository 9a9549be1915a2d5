from lacewing.kernel.events import RecordedEvent, store
from lacewing.kernel.work import Work
from lacewing.pipeline.errors import EventsGone
from lacewing.pipeline.schemas import SOURCE, Feed, FeedEvent, FeedQuery, Metadata


async def read_feed(work: Work, query: FeedQuery) -> Feed:
    """The events after a number, in order; whoever reads on by ``next_after`` misses none.

    Raises:
        EventsGone: some of them are no longer kept.
    """
    first = await store.first_sequence(work.session)
    after = first - 1 if query.after is None else query.after
    if after < first - 1:
        raise EventsGone(f"The first event that is kept has the number {first}.", first=first)
    # Asked before the events are read: what comes meanwhile is for the next call.
    last = await store.last_sequence(work.session)
    events = await store.list_events(work.session, after, query.limit + 1, query.type)
    has_more = len(events) > query.limit
    events = events[: query.limit]
    reached = events[-1].sequence if events else after
    return Feed(
        data=[_shown(event) for event in events],
        next_after=reached if has_more else max(reached, last),
        has_more=has_more,
    )


def _shown(event: RecordedEvent) -> FeedEvent:
    return FeedEvent(
        sequence=event.sequence,
        event_id=event.id,
        event_type=event.name,
        timestamp=event.at,
        user_id=event.actor_id,
        data=event.data,
        metadata=Metadata(SOURCE, event.version),
    )
