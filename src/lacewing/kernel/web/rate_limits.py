"""Moving-window rate limits, in this process or shared over all through Redis (SEC-2)."""

import asyncio
import time
from typing import Final

import msgspec
import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from lacewing.kernel.metrics import RATE_LIMITED, REDIS_ERRORS, REDIS_LOST

WINDOW_SECONDS: Final = 60
REDIS_CONNECTIONS: Final = 50
REDIS_TIMEOUT_SECONDS: Final = 5.0
"""Long enough that a burst is never taken for a lost Redis: it would count in process then."""
USED_FOR: Final = "rate-limits"
REDIS_PROBE_SECONDS: Final = 1.0
"""Between two looks whether a Redis that was lost is there again; no request waits for one."""

RATE_LIMITED.labels("all")
REDIS_LOST.labels(USED_FOR).set(0)

_log = structlog.get_logger(__name__)


class Verdict(msgspec.Struct, frozen=True):
    """Whether this try is within its limit, and what the ``RateLimit-*`` headers tell."""

    is_allowed: bool
    limit: int
    remaining: int
    reset_seconds: int


class RateLimiter:
    """Counts tries by name and key. When Redis is lost, counts in process: never waves through."""

    def __init__(self, redis_url: str | None = None) -> None:
        self._local = MovingWindowRateLimiter(MemoryStorage())
        self._pool: BlockingConnectionPool | None = None
        self._shared: MovingWindowRateLimiter | None = None
        self._probing: asyncio.Task[None] | None = None
        if redis_url is not None:
            self._pool = BlockingConnectionPool.from_url(
                redis_url,
                max_connections=REDIS_CONNECTIONS,
                timeout=None,  # who waits for a connection waits for Redis, which has a timeout
                socket_timeout=REDIS_TIMEOUT_SECONDS,
                socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
            )
            storage: Storage = RedisStorage(
                f"async+{redis_url}",
                implementation="redispy",
                connection_pool=self._pool,  # type: ignore[arg-type]  # passed on to redis-py
                key_prefix="lacewing-limits",
            )
            self._shared = MovingWindowRateLimiter(storage)

    @property
    def is_shared(self) -> bool:
        """Whether tries are counted over all processes now."""
        return self._shared is not None and self._probing is None

    async def hit(self, name: str, per_minute: int, key: str) -> Verdict:
        """Count one try against ``per_minute``."""
        verdict = await self._count(name, per_minute, key)
        if not verdict.is_allowed:
            RATE_LIMITED.labels(name).inc()
        return verdict

    async def _count(self, name: str, per_minute: int, key: str) -> Verdict:
        if self._shared is not None and self._probing is None:
            try:
                return await _hit(self._shared, name, per_minute, key)
            except (RedisError, OSError) as error:
                self._lose_redis(error)
        return await _hit(self._local, name, per_minute, key)

    def _lose_redis(self, error: Exception) -> None:
        REDIS_ERRORS.labels(USED_FOR).inc()
        if self._probing is None:
            REDIS_LOST.labels(USED_FOR).set(1)
            _log.warning("rate_limits_without_redis", error=type(error).__name__)
            self._probing = asyncio.create_task(self._probe())

    async def _probe(self) -> None:
        """Ask until Redis answers."""
        assert self._pool is not None
        redis = Redis(connection_pool=self._pool)
        while True:
            await asyncio.sleep(REDIS_PROBE_SECONDS)
            try:
                await redis.ping()
            except (RedisError, OSError):
                continue
            break
        self._probing = None
        REDIS_LOST.labels(USED_FOR).set(0)
        _log.warning("rate_limits_with_redis")

    async def close(self) -> None:
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait({self._probing})
        if self._pool is not None:
            await self._pool.aclose()


async def _hit(limiter: MovingWindowRateLimiter, name: str, per_minute: int, key: str) -> Verdict:
    item = RateLimitItemPerMinute(per_minute)
    is_allowed = await limiter.hit(item, name, key)
    stats = await limiter.get_window_stats(item, name, key)
    reset = max(1, min(WINDOW_SECONDS, round(stats.reset_time - time.time())))
    return Verdict(is_allowed, per_minute, max(0, stats.remaining), reset)
