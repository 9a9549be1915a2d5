from typing import Any
from uuid import UUID

from lacewing.documents.schemas import DocumentView
from lacewing.kernel.events import Event


class DocumentEvent(Event, frozen=True):
    """What all of them tell; made with ``**about(document)``."""

    document_id: UUID
    owner_id: UUID
    project_id: UUID | None
    issue_id: UUID | None


class DocumentUploaded(DocumentEvent, frozen=True, tag="document.uploaded"):
    """A document and its file are kept."""


class DocumentProcessStarted(DocumentEvent, frozen=True, tag="document.process_started"):
    """A document waits for a worker to read it."""


class DocumentProcessCompleted(DocumentEvent, frozen=True, tag="document.process_completed"):
    """The text of a document can be read and found."""


class DocumentProcessFailed(DocumentEvent, frozen=True, tag="document.process_failed"):
    """A document could not be read."""

    failure: str


class DocumentDeleted(DocumentEvent, frozen=True, tag="document.deleted"):
    """A document was removed."""


def about(document: DocumentView) -> dict[str, Any]:
    """The ids that every event of this document holds."""
    return {
        "document_id": document.document_id,
        "owner_id": document.owner.id,
        "project_id": None if document.project is None else document.project.id,
        "issue_id": None if document.issue is None else document.issue.id,
    }
