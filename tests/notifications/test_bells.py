"""Bells through a Redis that says what no Redis says."""

import asyncio

from lacewing.kernel.events.bells import Bells
from lacewing.kernel.events.redis_bells import heard_everywhere
from tests.kernel.logs import captured_log
from tests.support.waiting import until

GREETING = b"+OK\r\n"
NONSENSE = b"*3\r\n$7\r\nmessage\r\n$5\r\nother\r\n$0\r\n\r\n"
"""A message that nobody has subscribed to."""


class Babbler:
    """Greets as Redis does, answers all else with nonsense, and counts who has come."""

    def __init__(self) -> None:
        self.asked = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        while asked := await reader.read(65_536):
            writer.write(GREETING * asked.count(b"SETINFO") or NONSENSE)
        writer.close()


async def test_a_fault_is_told_and_ends_no_bell() -> None:
    """LIVE-4: it is asked again; until then everybody looks once a second."""
    babbler = Babbler()
    with captured_log() as log:
        async with await asyncio.start_server(babbler.answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]

            async def is_asked_again() -> bool:
                return babbler.asked > 2

            async with heard_everywhere(Bells(), f"redis://127.0.0.1:{port}/0"):
                await until(is_asked_again)

    assert "bells_failed" in {line["event"] for line in log.lines}
