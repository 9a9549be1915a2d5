"""How many sockets and streams one user has, counted over all processes (LIVE-3)."""

import asyncio
from collections.abc import Collection
from typing import Final
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from lacewing.kernel.clock import Clock
from lacewing.kernel.metrics import REDIS_ERRORS
from lacewing.notifications.rules import SOCKETS_OF_USER_MAX

LEASE_SECONDS: Final = 60.0
"""How long the place of a process that died is taken."""
RENEW_SECONDS: Final = 15.0
TIMEOUT_SECONDS: Final = 1.0
KEY_PREFIX: Final = "lacewing:sockets:"
USED_FOR: Final = "sockets"

Place = tuple[UUID, str]
"""A user, and the name of one connection of theirs."""

_log = structlog.get_logger(__name__)


class Places:
    """Leases in a sorted set a user, by their ends.

    Without a Redis there is one process, which counts its own. While Redis is away each process
    counts for itself, too: nobody is shut out by that.
    """

    def __init__(self, redis_url: str | None, clock: Clock) -> None:
        self._clock = clock
        self._redis: Redis | None = None
        if redis_url is not None:
            self._redis = Redis.from_url(
                redis_url,
                socket_timeout=TIMEOUT_SECONDS,
                socket_connect_timeout=TIMEOUT_SECONDS,
            )
        self._giving_back: set[asyncio.Task[None]] = set()
        self._is_lost = False

    async def take(self, place: Place) -> bool:
        """Whether the user had a place left; then it is this one's."""
        if self._redis is None:
            return True
        try:
            taken = await _take(self._redis, place, self._now())
            if taken > SOCKETS_OF_USER_MAX:
                await self._redis.zrem(_key(place[0]), place[1])
        except (RedisError, OSError) as error:
            self._lose(error)
            return True
        self._is_lost = False
        return taken <= SOCKETS_OF_USER_MAX

    def give_back(self, place: Place) -> None:
        """Let another one have it, soon."""
        if self._redis is not None:
            task = asyncio.ensure_future(self._give_back(self._redis, place))
            self._giving_back.add(task)
            task.add_done_callback(self._giving_back.discard)

    async def _give_back(self, redis: Redis, place: Place) -> None:
        try:
            await redis.zrem(_key(place[0]), place[1])
        except (RedisError, OSError) as error:
            self._lose(error)

    async def renew(self, places: Collection[Place]) -> None:
        """Keep these for another while."""
        if self._redis is None or not places:
            return
        until = self._now() + LEASE_SECONDS
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for user_id, name in places:
                    pipe.zadd(_key(user_id), {name: until})
                    pipe.expire(_key(user_id), int(LEASE_SECONDS))
                await pipe.execute()
        except (RedisError, OSError) as error:
            self._lose(error)

    async def close(self) -> None:
        """After all places were given back."""
        if self._giving_back:
            await asyncio.wait(self._giving_back)
        if self._redis is not None:
            await self._redis.aclose()

    def _now(self) -> float:
        return self._clock().timestamp()

    def _lose(self, error: Exception) -> None:
        # No state, as bells and rate limits have: it is asked only when somebody comes.
        REDIS_ERRORS.labels(USED_FOR).inc()
        if not self._is_lost:
            self._is_lost = True
            _log.warning("sockets_counted_here", error=type(error).__name__)


async def _take(redis: Redis, place: Place, now: float) -> int:
    """How many places the user has with it."""
    key = _key(place[0])
    async with redis.pipeline() as pipe:
        pipe.zremrangebyscore(key, "-inf", now)
        pipe.zadd(key, {place[1]: now + LEASE_SECONDS})
        pipe.zcard(key)
        pipe.expire(key, int(LEASE_SECONDS))
        _, _, taken, _ = await pipe.execute()
    return int(taken)


def _key(user_id: UUID) -> str:
    return KEY_PREFIX + user_id.hex
