"""What a processor is: the place where OCR or a language model plugs in."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import msgspec

from lacewing.documents.processing.extraction import Extraction
from lacewing.documents.rules import Kind


class Source(msgspec.Struct, frozen=True):
    """The file to be processed."""

    path: Path
    """Nobody may change what stands there."""
    kind: Kind
    filename: str
    """For display only."""


Report = Callable[[str, float], Awaitable[None]]
"""Told of the step and how much of it is done, from 0 to 1; may be called often."""


class Processor(Protocol):
    """Makes an ``Extraction`` of a file. Made once, called for many documents at a time.

    It may be called again for a document that it has done already (a worker died after it); what it
    answers is kept once. A task that is cancelled must leave nothing running.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str:
        """Changes with what it would find."""

    async def process(self, source: Source, report: Report) -> Extraction:
        """Look into the file.

        Raises:
            ProcessingFailed: it can't be processed, now or later. Whatever else it raises is tried
                again.
        """

    async def close(self) -> None: ...
