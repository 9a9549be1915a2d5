"""The hub: reads who is told of what once for all clients of this process, and passes it on."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import structlog

from lacewing.accounts.public import find_ended, find_people
from lacewing.kernel.actor import Actor
from lacewing.kernel.clock import Clock
from lacewing.kernel.db import Database, Session
from lacewing.kernel.errors import Unavailable
from lacewing.kernel.events import store as events_store
from lacewing.kernel.events.bells import Bells
from lacewing.kernel.tasks import end_tasks
from lacewing.notifications.errors import TooManySockets
from lacewing.notifications.live.connection import (
    GOING_AWAY,
    SESSION_ENDED,
    Connection,
)
from lacewing.notifications.live.frames import Frame, frame_of, reload_at
from lacewing.notifications.live.places import RENEW_SECONDS, Places
from lacewing.notifications.metrics import DELAY_SECONDS, OPEN, SOCKET
from lacewing.notifications.rules import SOCKETS_OF_USER_MAX, Reason, about
from lacewing.notifications.service.fanout import TELLING
from lacewing.notifications.service.subjects import Describers, find_subjects, may_hear
from lacewing.notifications.store import notifications as store
from lacewing.notifications.store.notifications import Recipient, Told

LOOK_SECONDS: Final = 1.0
"""How long a message waits when no bell was heard, and how often sessions are looked at."""
EVENTS_AT_ONCE: Final = 10
"""Events passed on in one go: a bound for how long the event loop is held."""
MISSED_AT_ONCE: Final = 100
FAILURE_PAUSE_SECONDS: Final = 5.0

_log = structlog.get_logger(__name__)


class Hub:
    """All who listen in this process."""

    def __init__(
        self,
        database: Database,
        bells: Bells,
        describers: Describers,
        clock: Clock,
        redis_url: str | None = None,
    ) -> None:
        self._database = database
        self._bells = bells
        self._describers = describers
        self._clock = clock
        self._open: dict[UUID, set[Connection]] = defaultdict(set)
        self._live: dict[UUID, set[Connection]] = defaultdict(set)
        self._places = Places(redis_url, clock)
        self.head = 0
        self._is_ending = False

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """While the block lasts, messages are passed on; at its end all connections end."""
        self.head = await events_store.find_cursor(self._session(), TELLING.name) or 0
        ear = self._bells.consumed.listen()
        # Apart from each other: no fault in what is told keeps a logout from being heard.
        running = {
            asyncio.create_task(self._repeat(self._pass_on, ear.wait)),
            asyncio.create_task(self._repeat(self._look_at_sessions, asyncio.sleep)),
            asyncio.create_task(self._keep_places()),
        }
        try:
            yield
        finally:
            await end_tasks(running)
            ear.close()
            self.end_all()
            await self._places.close()

    def connect(self, actor: Actor, last_event_id: int | None, kind: str = SOCKET) -> Connection:
        """A new listener, who must ``leave``.

        Raises:
            TooManySockets: the user has as many here as one may.
        """
        if len(self._open[actor.id]) >= SOCKETS_OF_USER_MAX:
            raise TooManySockets
        connection = Connection(self, actor, last_event_id, kind)
        self._open[actor.id].add(connection)
        OPEN.labels(kind).inc()
        if self._is_ending:
            connection.end(GOING_AWAY)
        return connection

    async def admitted(
        self, actor: Actor, last_event_id: int | None, kind: str = SOCKET
    ) -> Connection:
        """As ``connect``, counted with those in other processes.

        Raises:
            TooManySockets: the user has as many as one may.
        """
        connection = self.connect(actor, last_event_id, kind)
        try:
            has_place = await self._places.take(connection.place)
        except asyncio.CancelledError:
            self.leave(connection)
            raise
        if not has_place:
            self.leave(connection)
            raise TooManySockets
        return connection

    def join(self, connection: Connection) -> None:
        """See ``Source``."""
        self._live[connection.user_id].add(connection)

    def leave(self, connection: Connection) -> None:
        """See ``Source``."""
        if connection in self._open.get(connection.user_id, ()):
            self._places.give_back(connection.place)
            OPEN.labels(connection.kind).dec()
        for members in (self._open, self._live):
            members[connection.user_id].discard(connection)
            if not members[connection.user_id]:
                del members[connection.user_id]

    def end_all(self) -> None:
        """Those who are here, and at once those who still come; twice is no error."""
        if self._is_ending:
            return
        self._is_ending = True
        for connection in self._connections():
            connection.end(GOING_AWAY)

    async def is_kept_after(self, position: int) -> bool:
        """See ``Source``."""
        session = self._session()
        first = await events_store.first_sequence(session)
        reached = self.head
        if position > reached:
            # Another process may have passed on what this one has not looked for yet.
            reached = await events_store.find_cursor(session, TELLING.name) or 0
        return first - 1 <= position <= reached

    async def read_missed(self, actor: Actor, after: int, until: int) -> tuple[list[Frame], int]:
        """See ``Source``."""
        told = await store.list_since(self._session(), actor.id, after, until, MISSED_AT_ONCE)
        reached = told[-1].event.sequence if len(told) == MISSED_AT_ONCE else until
        return await self._frames_or_reload(actor, told), reached

    async def _frames_of(self, actor: Actor, told: Sequence[Told]) -> list[Frame]:
        events = [each.event for each in told]
        subjects = await find_subjects(self._session(), self._describers, events)
        frames = []
        for each in told:
            found = about(each.event)
            subject = None if found is None else subjects.get(found)
            if may_hear(subject, actor.id):
                frames.append(frame_of(each, subject))
        return frames

    async def _frames_or_reload(self, actor: Actor, told: Sequence[Told]) -> list[Frame]:
        """Their messages; in the place of one that can't be told, that all must be read anew."""
        try:
            return await self._frames_of(actor, told)
        except Unavailable:
            raise
        except Exception:  # ruff: ignore[blind-except]  a bug in one message must not end all others
            if len(told) > 1:
                alone = [await self._frames_or_reload(actor, [each]) for each in told]
                return [frame for frames in alone for frame in frames]
            position = told[0].event.sequence
            _log.exception("event_not_told", event_number=position)
            return [reload_at(position)]

    def _session(self) -> Session:
        return self._database.session()

    def _connections(self) -> list[Connection]:
        return [each for members in self._open.values() for each in members]

    @staticmethod
    async def _repeat(
        look: Callable[[], Awaitable[None]], wait: Callable[[float], Awaitable[None]]
    ) -> None:
        """Look again and again, whatever comes of it."""
        while True:
            try:
                await look()
            except Unavailable as error:
                _log.warning("live_waits", reason=error.detail)
                await asyncio.sleep(FAILURE_PAUSE_SECONDS)
            except Exception:  # ruff: ignore[blind-except]  a bug in one look must not end all others
                _log.exception("live_failed")
                await asyncio.sleep(FAILURE_PAUSE_SECONDS)
            await wait(LOOK_SECONDS)

    async def _keep_places(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await self._places.renew([each.place for each in self._connections()])

    async def _look_at_sessions(self) -> None:
        await self._end_of_ended_sessions(self._connections())

    async def _pass_on(self) -> None:
        """Give those who listen what has been told since the last time."""
        until = await events_store.find_cursor(self._session(), TELLING.name) or 0
        while self.head < until:
            if self._live:
                await self._pass_on_all(min(until, self.head + EVENTS_AT_ONCE))
            else:
                self.head = until

    async def _pass_on_all(self, until: int) -> None:
        """These together; where one of them can't be told, each alone, and all read anew for it."""
        try:
            await self._pass_on_to(until)
        except Unavailable:
            raise
        except Exception:  # ruff: ignore[blind-except]  a bug in one message must not end all others
            if until > self.head + 1:
                while self.head < until:
                    await self._pass_on_all(self.head + 1)
                return
            _log.exception("event_not_told", event_number=until)
            # To everybody: who hears of it may be what can't be told.
            for connection in [each for members in self._live.values() for each in members]:
                connection.put(reload_at(until))
            self.head = until

    async def _pass_on_to(self, until: int) -> None:
        session = self._session()
        events = {
            event.sequence: event
            for event in await events_store.list_events(session, self.head, until - self.head)
        }
        subjects = await find_subjects(session, self._describers, events.values())
        actor_ids = {event.actor_id for event in events.values() if event.actor_id is not None}
        people = await find_people(session, sorted(actor_ids))
        recipients: list[Recipient] = []
        asked: set[UUID] = set()
        # Whoever joins while this is read, is asked for too; then nothing is awaited any more.
        while late := self._live.keys() - asked:
            recipients += await store.list_recipients(session, self.head, until, late)
            asked |= late
            told = {recipient.user_id for recipient in recipients}
            await self._end_of_ended_sessions(
                [each for user_id in told & late for each in self._live.get(user_id, ())]
            )
        frames: dict[tuple[int, Reason], Frame] = {}
        told_to: list[tuple[UUID, Frame]] = []
        for recipient in recipients:
            event = events[recipient.sequence]
            found = about(event)
            subject = None if found is None else subjects.get(found)
            if not may_hear(subject, recipient.user_id):
                continue
            key = (recipient.sequence, recipient.reason)
            if key not in frames:
                actor = None if event.actor_id is None else people.get(event.actor_id)
                frames[key] = frame_of(Told(event, recipient.reason, None, actor), subject)
            told_to.append((recipient.user_id, frames[key]))
        for event in events.values():
            DELAY_SECONDS.observe(max(0.0, (self._clock() - event.at).total_seconds()))
        # Only now: a fault in one message would tell those before it again the next time.
        for user_id, frame in told_to:
            for connection in self._live.get(user_id, ()):
                connection.put(frame)
        self.head = until

    async def _end_of_ended_sessions(self, connections: Sequence[Connection]) -> None:
        """Permission is asked again: whose session or token has ended, hears nothing more."""
        actors = [each.actor for each in connections]
        session_ids = {actor.session_id for actor in actors if actor.session_id is not None}
        token_ids = {actor.token_id for actor in actors if actor.token_id is not None}
        ended = await find_ended(self._session(), session_ids, token_ids, self._clock())
        for connection in connections:
            if {connection.actor.session_id, connection.actor.token_id} & ended:
                connection.end(SESSION_ENDED)
