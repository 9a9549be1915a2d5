"""Names are looked up in threads, of which a silent name server must not take all."""

import asyncio
import threading
from ipaddress import ip_address

from lacewing.webhooks.addresses import Address, Policy
from lacewing.webhooks.rules import parse_url
from lacewing.webhooks.sending.resolving import THREADS, Resolver
from lacewing.webhooks.sending.sender import Sender


class SilentNameServer:
    """Answers for one name nothing, until it is let go."""

    def __init__(self) -> None:
        self.answering = threading.Event()
        self.asked: list[str] = []

    def __call__(self, host: str, _port: int) -> list[Address]:
        self.asked.append(host)
        if host == "silent.test":
            self.answering.wait()
        return [ip_address("192.0.2.1")]


async def test_a_silent_name_server_takes_one_thread_for_one_name() -> None:
    """WEBHOOK: however often the name is tried, the threads are there for others."""
    server = SilentNameServer()
    resolver = Resolver(server)
    try:
        waiting = [asyncio.create_task(resolver("silent.test", 443)) for _ in range(THREADS + 1)]
        async with asyncio.timeout(20):
            other = await resolver("other.test", 443)
        for task in waiting[1:]:
            task.cancel()
        await asyncio.wait(waiting[1:])
        server.answering.set()
        found = await waiting[0]
    finally:
        server.answering.set()
        resolver.close()

    assert other == found == [ip_address("192.0.2.1")]
    assert sorted(server.asked) == ["other.test", "silent.test"]


async def test_a_name_server_has_a_time_of_its_own() -> None:
    """WEBHOOK: the time of a receiver begins when its address is known."""

    async def never(_host: str, _port: int) -> list[Address]:
        await asyncio.Event().wait()
        return []

    sender = Sender(Policy(), never, 0.05)
    outcome = await sender.send(parse_url("https://silent.test/"), {}, b"")
    await sender.close()

    assert outcome.failure == "The URL leads to no address that may be called."
