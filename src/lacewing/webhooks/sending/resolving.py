"""Looking names up, in threads of their own: a slow name server must not hold up anything else."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Final

from lacewing.webhooks.addresses import Address

THREADS: Final = 64
"""More than there are slots: a thread stays with a silent name server when the try is over."""

LookUp = Callable[[str, int], list[Address]]
"""The same, in a thread of its own."""
Resolve = Callable[[str, int], Awaitable[list[Address]]]
"""All addresses of a host; raises ``OSError`` when it has none."""


class Resolver:
    """Asks the system, as every program does; one name in one thread, whoever waits for it."""

    def __init__(self, look_up: "LookUp | None" = None) -> None:
        self._look_up = look_up or _look_up
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="resolve")
        self._asked: dict[tuple[str, int], asyncio.Future[list[Address]]] = {}

    async def __call__(self, host: str, port: int) -> list[Address]:
        asked = self._asked.get((host, port))
        if asked is None:
            loop = asyncio.get_running_loop()
            asked = loop.run_in_executor(self._threads, self._look_up, host, port)
            self._asked[host, port] = asked
            asked.add_done_callback(lambda done: self._forget(host, port, done))
        # Who has waited long enough leaves the thread to those who come next.
        return await asyncio.shield(asked)

    def _forget(self, host: str, port: int, done: "asyncio.Future[list[Address]]") -> None:
        del self._asked[host, port]
        if not done.cancelled():
            done.exception()  # nobody may wait for it any more

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return list(dict.fromkeys(ip_address(place[0]) for *_, place in found))
