"""Bells: ring in this process when there is something new, so that nobody waits for the next look.

A ring is a hint and carries nothing: what it is about stands in the database, and whoever misses
one looks a little later anyway.
"""

import asyncio
from collections.abc import Callable


class Bell:
    """Wakes all who listen."""

    def __init__(self) -> None:
        self._ears: set[asyncio.Event] = set()
        self.pass_on: Callable[[], None] | None = None
        """Tells other processes too, where there are some."""

    def ring(self) -> None:
        """Wake those who listen, here and elsewhere."""
        self.ring_here()
        if self.pass_on is not None:
            self.pass_on()

    def ring_here(self) -> None:
        for ear in self._ears:
            ear.set()

    def listen(self) -> "Ear":
        """An ear that hears every ring from now on."""
        heard = asyncio.Event()
        self._ears.add(heard)
        return Ear(heard, lambda: self._ears.discard(heard))


class Ear:
    """Hears a bell; several rings between two waits are one."""

    def __init__(self, heard: asyncio.Event, close: Callable[[], None]) -> None:
        self._heard = heard
        self.close = close

    async def wait(self, seconds: float) -> None:
        """Return at the next ring, at once if there was one meanwhile, or after ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await self._heard.wait()
        except TimeoutError:
            return
        self._heard.clear()

    def wake(self) -> None:
        """End the wait of this one alone."""
        self._heard.set()


class Bells:
    """Those of the event log."""

    def __init__(self) -> None:
        self.written = Bell()
        """A transaction that told events has committed."""
        self.numbered = Bell()
        """Events have got their numbers."""
        self.consumed = Bell()
        """A consumer has dealt with some."""

    def named(self) -> dict[str, Bell]:
        """Each by its name."""
        return {"written": self.written, "numbered": self.numbered, "consumed": self.consumed}
