"""What only Lacewing is asked: a page deep down, words of three kinds, memory at rest."""

import asyncio
import statistics
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec

from bench.data import COMMON, MIDDLING, RARE, World
from lacewing.kernel.pagination import CursorCodec
from lacewing.main import make_accounts
from lacewing.settings import load_settings

TRIES = 200
SEARCH_TRIES = 20
PAGE = 50


def measure_depth(world: World, url: str, depth: int) -> dict[str, float]:
    """Milliseconds of a page of 50: the first one, and one at ``depth`` rows, by cursor.

    The cursor is made as the server makes it, from the row at that depth: walking there through
    all pages gives the same bytes, and takes 18,000 requests.
    """
    cursor = asyncio.run(_cursor_at(world, depth))
    with httpx.Client(base_url=url, headers=_bearer(world)) as client:
        first, deep = _in_turn(
            lambda: _get(client, "/api/issues", {"limit": PAGE}),
            lambda: _get(client, "/api/issues", {"limit": PAGE, "cursor": cursor}),
        )
    return {"page_1_ms": first, f"depth_{depth}_ms": deep, "ratio": deep / first}


def measure_search(world: World, url: str) -> dict[str, float]:
    """Milliseconds of a search for a word in 20 issues, in 1 %, in half of all."""
    with httpx.Client(base_url=url, headers=_bearer(world), timeout=30) as client:
        return {
            f"{name} ({word})": _median(
                [
                    _timed(lambda word=word: _get(client, "/api/issues", {"search": word}))  # type: ignore[misc]
                    for _ in range(SEARCH_TRIES)
                ]
            )
            for name, word in (("rare", RARE), ("middling", MIDDLING), ("common", COMMON))
        }


def _bearer(world: World) -> dict[str, str]:
    return {"Authorization": f"Bearer {world.token()}"}


def _get(client: httpx.Client, path: str, parameters: dict[str, Any]) -> None:
    answer = client.get(path, params=parameters)
    answer.raise_for_status()
    assert answer.json()["data"], (path, parameters)


def _timed(call: Callable[[], None]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def _in_turn(one: Callable[[], None], other: Callable[[], None]) -> tuple[float, float]:
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(TRIES):
        times[0].append(_timed(one))
        times[1].append(_timed(other))
    return _median(times[0]), _median(times[1])


def _median(times: list[float]) -> float:
    return round(statistics.median(times), 3)


async def _cursor_at(world: World, depth: int) -> str:
    connection = await asyncpg.connect(world.database_url)
    row = await connection.fetchrow(
        "SELECT created_at, id FROM issues ORDER BY created_at DESC, id DESC OFFSET $1 LIMIT 1",
        depth - 1,
    )
    await connection.close()
    assert row is not None
    key: tuple[datetime, UUID] = (row["created_at"], UUID(str(row["id"])))
    accounts = make_accounts(load_settings(world.environment()))
    accounts.passwords.close()
    binding = msgspec.json.encode(["/api/issues", {}])
    return CursorCodec(accounts.keys.secret).encode(list(key), binding)
