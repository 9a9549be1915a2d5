"""Processors of somebody else, as small as can be; named in LACEWING_DOCUMENT_PROCESSOR."""

from typing import Any, ClassVar, Final

import msgspec

from lacewing.documents.processing.extraction import Extraction, ProcessingFailed
from lacewing.documents.processing.processor import Report, Source
from lacewing.documents.processing.text import ExtractText
from lacewing.documents.rules import Failure
from lacewing.documents.settings import DocumentsSettings

LONG: Final = 6


class CountWords:
    """The built-in one, and a count of the long words."""

    name: Final = "count-words"
    version: Final = "2026.7"

    def __init__(self, settings: DocumentsSettings) -> None:
        self._text = ExtractText(settings)
        self.is_closed = False

    async def process(self, source: Source, report: Report) -> Extraction:
        found = await self._text.process(source, report)
        words = " ".join(found.pages).split()
        data: dict[str, Any] = {
            "long": sorted(word for word in words if len(word) > LONG),
            "file": {"name": source.filename, "kind": source.kind.value, "is_there": True},
            "none": None,
        }
        return msgspec.structs.replace(found, data=data)

    async def close(self) -> None:
        await self._text.close()
        self.is_closed = True


class Moody:
    """One that does what the test wants of it."""

    name: Final = "moody"
    version: Final = "1"
    raises: ClassVar[Exception | None] = None

    def __init__(self, _settings: DocumentsSettings) -> None:
        """It needs nothing."""

    async def process(self, source: Source, report: Report) -> Extraction:
        await report("thinking", 0.5)
        if self.raises is not None:
            raise self.raises
        return Extraction([f"All well with {source.filename}"])

    async def close(self) -> None:
        """Nothing to let go."""


HOPELESS: Final = ProcessingFailed(Failure.UNSUPPORTED, "It is a drawing.", "thinking")
NO_CLASS: Final = 7
