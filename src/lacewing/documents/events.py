from uuid import UUID

from lacewing.kernel.events import Event


class DocumentUploaded(Event, frozen=True, tag="document.uploaded"):
    document_id: UUID
    project_id: UUID | None
    issue_id: UUID | None


class DocumentProcessStarted(Event, frozen=True, tag="document.process_started"):
    document_id: UUID


class DocumentProcessCompleted(Event, frozen=True, tag="document.process_completed"):
    document_id: UUID


class DocumentProcessFailed(Event, frozen=True, tag="document.process_failed"):
    document_id: UUID
    failure: str


class DocumentDeleted(Event, frozen=True, tag="document.deleted"):
    document_id: UUID
    project_id: UUID | None
    issue_id: UUID | None
