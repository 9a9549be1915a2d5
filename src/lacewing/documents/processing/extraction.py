"""What is found in a document. Known to the processes that are locked in, so it imports little."""

from collections.abc import Callable
from typing import Any

import msgspec

from lacewing.documents.rules import Failure

Tell = Callable[[str, float], None]
"""Told of the step, and how much of it is done, from 0 to 1."""


class Heading(msgspec.Struct, frozen=True):
    title: str
    level: int
    """From 1, the outermost."""
    page: int | None
    """From 1."""


class Link(msgspec.Struct, frozen=True):
    url: str
    page: int | None


class Extraction(msgspec.Struct, frozen=True):
    """What was found."""

    pages: list[str]
    """The text of each page, without form feeds."""
    metadata: dict[str, str] = {}
    outline: list[Heading] = []
    links: list[Link] = []
    counts: dict[str, int] = {}
    data: dict[str, Any] = {}
    """What else a processor has to tell, as JSON values."""


class ProcessingFailed(Exception):  # noqa: N818  it reads as what it says
    """The document itself is to blame: to try again would give the same."""

    def __init__(self, failure: Failure, message: str, step: str) -> None:
        self.failure = failure
        self.message = message
        self.step = step
        super().__init__(message)
