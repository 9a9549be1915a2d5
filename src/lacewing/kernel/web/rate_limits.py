"""Moving-window rate limits, in this process or shared over all through Redis (SEC-2)."""

import time
from typing import Final

import msgspec
import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import RedisError, TimeoutError as RedisTimeoutError

WINDOW_SECONDS: Final = 60
REDIS_CONNECTIONS: Final = 50
REDIS_TIMEOUT_SECONDS: Final = 5.0
"""Long enough that a burst is never taken for a lost Redis: it would count in process then."""
REDIS_PAUSE_SECONDS: Final = 1.0
"""How long a Redis that hangs is not asked again: each try would cost its whole timeout."""

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
        self._is_lost = False
        self._asked_again_at = 0.0
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

    async def hit(self, name: str, per_minute: int, key: str) -> Verdict:
        """Count one try against ``per_minute``."""
        if self._shared is not None and time.monotonic() >= self._asked_again_at:
            try:
                verdict = await _hit(self._shared, name, per_minute, key)
            except (RedisError, OSError, TimeoutError) as error:
                self._lose_redis(error)
            else:
                self._is_lost = False
                return verdict
        return await _hit(self._local, name, per_minute, key)

    def _lose_redis(self, error: Exception) -> None:
        if isinstance(error, RedisTimeoutError | TimeoutError):
            self._asked_again_at = time.monotonic() + REDIS_PAUSE_SECONDS
        if not self._is_lost:
            self._is_lost = True
            _log.warning("rate_limits_without_redis", error=type(error).__name__)

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()


async def _hit(limiter: MovingWindowRateLimiter, name: str, per_minute: int, key: str) -> Verdict:
    item = RateLimitItemPerMinute(per_minute)
    is_allowed = await limiter.hit(item, name, key)
    stats = await limiter.get_window_stats(item, name, key)
    reset = max(1, min(WINDOW_SECONDS, round(stats.reset_time - time.time())))
    return Verdict(is_allowed, per_minute, max(0, stats.remaining), reset)
