"""What a ready server needs, each part asked whether it answers."""

from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from lacewing.kernel.db import Database
from lacewing.kernel.errors import Unavailable
from lacewing.kernel.web.health import Check

PING_SECONDS: Final = 2.0


def readiness_checks(database: Database, redis_url: str | None) -> dict[str, Check]:
    """A check for each server that the settings name."""

    async def check_redis() -> None:
        assert redis_url is not None
        client = Redis.from_url(
            redis_url, socket_timeout=PING_SECONDS, socket_connect_timeout=PING_SECONDS
        )
        try:
            await client.ping()
        except (RedisError, OSError) as error:
            raise Unavailable("Redis does not answer.") from error
        finally:
            await client.aclose()

    checks: dict[str, Check] = {"database": database.ping}
    if redis_url is not None:
        checks["redis"] = check_redis
    return checks
