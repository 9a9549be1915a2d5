"""What the use cases of documents are made of, put together once at start."""

from dataclasses import dataclass
from pkgutil import resolve_name

from lacewing.documents.files import Storage
from lacewing.documents.processing.processor import Processor
from lacewing.documents.settings import DocumentsSettings


@dataclass(frozen=True)
class Documents:
    settings: DocumentsSettings
    storage: Storage
    processor: Processor

    async def close(self) -> None:
        """Let threads, connections and processes go."""
        await self.processor.close()
        await self.storage.close()


def load_processor(settings: DocumentsSettings) -> Processor:
    """The processor that the settings name.

    Raises:
        ValueError: there is none of that name.
    """
    try:
        made: Processor = resolve_name(settings.document_processor)(settings)
    except (ImportError, AttributeError, TypeError) as error:
        raise ValueError(f"LACEWING_DOCUMENT_PROCESSOR: {error}") from error
    return made
