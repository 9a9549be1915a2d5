"""Looking names up, in threads of their own: a slow name server must not hold up anything else."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Final

from lacewing.webhooks.addresses import Address

THREADS: Final = 16

Resolve = Callable[[str, int], Awaitable[list[Address]]]
"""All addresses of a host; raises ``OSError`` when it has none."""


class Resolver:
    """Asks the system, as every program does."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="resolve")

    async def __call__(self, host: str, port: int) -> list[Address]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _look_up, host, port)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return list(dict.fromkeys(ip_address(place[0]) for *_, place in found))
