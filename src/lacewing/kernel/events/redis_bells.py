"""Bells that are heard in all processes, through Redis."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from lacewing.kernel.events.bells import Bells
from lacewing.kernel.metrics import REDIS_ERRORS, REDIS_LOST
from lacewing.kernel.tasks import end_tasks

CHANNEL_PREFIX: Final = "lacewing:bell:"
USED_FOR: Final = "bells"
TIMEOUT_SECONDS: Final = 5.0
HEALTH_SECONDS: Final = 5
PAUSE_SECONDS: Final = 1.0
"""Before a Redis that was lost is asked again."""

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def heard_everywhere(bells: Bells, redis_url: str | None) -> AsyncGenerator[None, None]:
    """While the block lasts, the bells ring in all processes, where there is a Redis for it."""
    if redis_url is None:
        yield
        return
    passing = RedisBells(bells, redis_url)
    tasks = [asyncio.create_task(passing.publish()), asyncio.create_task(passing.hear())]
    try:
        yield
    finally:
        await end_tasks(tasks)
        await passing.close()


class RedisBells:
    """Passes rings on to other processes, and theirs to this one.

    A ring that is lost with Redis costs only the time until the next look at the database.
    """

    def __init__(self, bells: Bells, url: str) -> None:
        self._bells = {CHANNEL_PREFIX + name: bell for name, bell in bells.named().items()}
        self._redis = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            # Who only listens would never notice that the other end has gone without a word.
            health_check_interval=HEALTH_SECONDS,
        )
        self._wanted: set[str] = set()
        self._any_wanted = asyncio.Event()
        self._is_lost = False
        for channel, bell in self._bells.items():
            bell.pass_on = lambda channel=channel: self._pass_on(channel)

    def _pass_on(self, channel: str) -> None:
        self._wanted.add(channel)
        self._any_wanted.set()

    async def close(self) -> None:
        """Let go of Redis."""
        await self._redis.aclose()

    async def publish(self) -> None:
        """Pass on what rings here, until it is cancelled."""
        while True:
            await self._any_wanted.wait()
            self._any_wanted.clear()
            # Rings that come while these are under way are one ring afterwards.
            wanted, self._wanted = self._wanted, set()
            try:
                for channel in wanted:
                    await self._redis.publish(channel, b"")
            except Exception as error:  # ruff: ignore[blind-except]  see ``_lose``
                self._lose(error)
                await asyncio.sleep(PAUSE_SECONDS)

    async def hear(self) -> None:
        """Ring here for what rings elsewhere, until it is cancelled."""
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(*self._bells)
                    self._find()
                    await self._hear_all(pubsub)
            except Exception as error:  # ruff: ignore[blind-except]  see ``_lose``
                self._lose(error)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _hear_all(self, pubsub: PubSub) -> None:
        while True:
            message = await pubsub.get_message(timeout=TIMEOUT_SECONDS)
            if message is not None:
                self._bells[message["channel"].decode()].ring_here()

    def _find(self) -> None:
        """What rang while nobody heard: look now."""
        for bell in self._bells.values():
            bell.ring_here()
        self._is_lost = False
        REDIS_LOST.labels(USED_FOR).set(0)

    def _lose(self, error: Exception) -> None:
        """Say so, once for a Redis that is gone; all else may be a bug, and ends no bell either."""
        REDIS_ERRORS.labels(USED_FOR).inc()
        if not isinstance(error, RedisError | OSError):
            _log.error("bells_failed", exc_info=error)
        elif not self._is_lost:
            self._is_lost = True
            REDIS_LOST.labels(USED_FOR).set(1)
            _log.warning("bells_without_redis", error=type(error).__name__)
