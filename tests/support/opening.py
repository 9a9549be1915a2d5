"""Opening an SQLite database again and again, in a process of its own."""

import asyncio
from pathlib import Path

from lacewing.kernel.db.sqlite import SqliteDatabase


def open_often(path: str, times: int) -> None:
    asyncio.run(_open_often(Path(path), times))


async def _open_often(path: Path, times: int) -> None:
    for _ in range(times):
        database = SqliteDatabase(path)
        await database.ping()
        await database.close()
