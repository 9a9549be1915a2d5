"""What a job is to those who run it."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from lacewing.kernel.clock import Clock
from lacewing.kernel.db import Database, transaction
from lacewing.kernel.errors import Conflict
from lacewing.kernel.events.bells import Bell
from lacewing.kernel.jobs import store
from lacewing.kernel.jobs.store import LeasedJob
from lacewing.kernel.work import Origin, Work

ATTEMPTS_MAX: Final = 8
"""With the pauses of ``runner.pause_before`` these take about an hour."""


class JobEnded(Conflict):
    """Its domain was told that it was given up, and would not want it any more."""

    code = "job-ended"
    title = "This job can't begin anew."


class LeaseLost(Conflict):
    """The worker was silent for so long that the job was given to another one."""

    code = "lease-lost"
    title = "This job is no longer this worker's to finish."


class LaneChanged(Exception):  # ruff: ignore[error-suffix-on-exception-name]  no error: the job only waits elsewhere
    """The job waits in a lane that is no longer its own; it goes on in the one it belongs to."""


class Lease:
    """One attempt at one job, as its kind's ``run`` is handed it."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        job: LeasedJob,
        lease_id: UUID,
        bell: Bell,
        pause: timedelta | None = None,
    ) -> None:
        self.database: Final = database
        self.clock: Final = clock
        self.job = job
        self.id: Final = lease_id
        self._bell = bell
        self.pause = pause
        """How long the next attempt waits if this one fails; ``None`` when it is the last one. A
        job may lengthen it."""
        self.lane = job.lane
        """Where the job waits from now on, if this attempt is not its last."""
        self.is_finished = False
        self.is_lost = False
        """Whether another worker has the job by now."""

    @property
    def payload(self) -> dict[str, Any]:
        return self.job.payload

    def require_lane(self, lane: str) -> None:
        """Go on only in that lane; otherwise the job is put into it, with this attempt not counted.

        Raises:
            LaneChanged: it was leased from another one.
        """
        self.lane = lane
        if self.job.lane != lane:
            raise LaneChanged

    @asynccontextmanager
    async def work(self) -> AsyncGenerator[Work, None]:
        """A transaction on the way; it is committed when the block ends well."""
        async with transaction(self.database) as session:
            origin = Origin(user_agent="lacewing worker", request_id=self.job.request_id)
            work = Work(session=session, now=self.clock(), origin=origin)
            yield work
        if work.has_told:
            self._bell.ring()

    @asynccontextmanager
    async def finishing(self) -> AsyncGenerator[Work, None]:
        """The job's last transaction: what it writes is kept once, however often the job ran.

        Raises:
            LeaseLost: another worker has the job by now; nothing is written.
        """
        async with self.work() as work:
            if not await store.finish(work.session, self.job.id, self.id):
                raise LeaseLost
            yield work
        self.is_finished = True


class JobKind(msgspec.Struct, frozen=True):
    """How jobs of one name are run."""

    name: str
    run: Callable[[Lease], Awaitable[None]]
    """May be carried out more than once; what must be kept once, it writes in ``finishing``."""
    give_up: Callable[[Work, dict[str, Any], str], Awaitable[None]] | None = None
    """Told of the payload and the reason, when the job goes to the dead letters."""
    attempts_max: int = ATTEMPTS_MAX
    pauses: tuple[timedelta, ...] | None = None
    """How long to wait after each failed attempt but the last, where ``runner.pause_before`` is not
    what the kind needs."""
    instead_of_retry: str | None = None
    """What to do when one was given up, where its domain has ended the matter with it."""
    lane_limits: Mapping[str, int] = {}
    """How many jobs run at a time of which the lane has a part of that name, where it is not
    ``runner.RUNNING_IN_LANE_MAX``."""
