"""What a child is told, and what it tells: four bytes of length (little-endian), then JSON.

Whoever reads a frame trusts nothing of it but that it is JSON of a known shape. Servers import this
and not ``child``: what reads documents takes 40 MB.
"""

from typing import Final

import msgspec

from lacewing.documents.processing.extraction import Extraction
from lacewing.documents.rules import Failure, Kind

LENGTH_BYTES: Final = 4


class Order(msgspec.Struct, frozen=True):
    """What the child is to do, and within which limits."""

    kind: Kind
    seconds: int
    memory_bytes: int


class Frame(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that a child tells; one of the fields is set."""

    pid: int | None = None
    missing: list[str] | None = None
    """What of the sandbox the kernel has not."""
    progress: tuple[str, float] | None = None
    extraction: Extraction | None = None
    failure: tuple[Failure, str, str] | None = None
    """The kind, the message and the step."""
