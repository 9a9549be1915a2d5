"""``python -m bench.live``: a thousand sockets on one process, their cost and their times.

The clients run in a process of their own on the same machine. Each post is a message to every
socket; its time is taken from just before the post was written to its arrival. The best round
counts: whatever else the machine does can only make it slower.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx
from tests.notifications.test_slow_readers import handshake_of, unread
from tests.support.listeners import Heard, headers_of, listening, percentile, write_post
from tests.support.members import tokens_of_new_users
from tests.support.processes import Server, environment_of, serving
from tests.support.servers import CannotStart
from tests.support.uploading import memory_kib

USERS = 50
SOCKETS_EACH = 20
POSTS = 50
POSTS_A_SECOND = 4
ROUNDS = 3
WARM_POSTS = 20
ROW = "{:<44} {:>9} {:>9}"


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="lacewing-live-") as folder:
        asyncio.run(_measure(Path(folder)))
    return 0


async def _measure(folder: Path) -> None:
    environment = environment_of(f"sqlite:///{folder}/lacewing.sqlite3", folder)
    with serving(environment) as server:
        author, slow, *tokens = await tokens_of_new_users(
            environment, ["author", "slow", *(f"listener-{number}" for number in range(USERS))]
        )
        async with httpx.AsyncClient(
            base_url=server.url, headers=headers_of(author), timeout=60
        ) as api:
            for _ in range(WARM_POSTS):
                await write_post(api)
            await _measure_memory(server, tokens)
            print(ROW.format(f"{POSTS_A_SECOND} posts a second", "p50 ms", "p99 ms"))
            few = await _rounds(server, api, tokens, sockets_each=1)
            _print_times(f"{USERS} sockets", few)
            many = await _rounds(server, api, tokens, SOCKETS_EACH)
            _print_times(f"{USERS * SOCKETS_EACH} sockets", many)
            with ExitStack() as stack:
                for _ in range(SOCKETS_EACH):
                    stack.enter_context(unread(server, handshake_of(slow)))
                few = await _rounds(server, api, tokens, sockets_each=1)
            _print_times(f"{USERS} sockets, beside {SOCKETS_EACH} that do not read", few)


async def _measure_memory(server: Server, tokens: Sequence[str]) -> None:
    idle = memory_kib(server.process.pid, "VmRSS")
    with listening(server.url, tokens, SOCKETS_EACH, posts=1):
        busy = memory_kib(server.process.pid, "VmRSS")
    sockets = USERS * SOCKETS_EACH
    more = busy - idle
    print(f"memory at rest: {idle / 1024:.0f} MiB")
    print(f"{sockets} idle sockets: {more / 1024:.0f} MiB more, {more / sockets:.0f} KiB each")


async def _rounds(
    server: Server, api: httpx.AsyncClient, tokens: Sequence[str], sockets_each: int
) -> list[list[Heard]]:
    found = []
    for _ in range(ROUNDS):
        with listening(server.url, tokens, sockets_each, POSTS) as listeners:
            begun = time.monotonic()
            for number in range(POSTS):
                await asyncio.sleep(begun + number / POSTS_A_SECOND - time.monotonic())
                await write_post(api)
            found.append(await listeners.heard())
    return found


def _print_times(what: str, rounds: Sequence[Sequence[Heard]]) -> None:
    seconds = [[each for client in heard for each in client.seconds] for heard in rounds]
    best = min(seconds, key=lambda each: percentile(each, 0.99))
    times = (f"{1_000 * percentile(best, part):.0f}" for part in (0.5, 0.99))
    print(ROW.format(what, *times), flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (CannotStart, subprocess.SubprocessError) as error:
        sys.exit(str(error))
