"""Documents as lines about them show them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from lacewing.documents.tables import documents
from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import any_of
from lacewing.kernel.subjects import Subject

_DOCUMENTS = select(
    documents.c.id, documents.c.filename, documents.c.owner_id, documents.c.project_id
).where(any_of(documents.c.id, "document_ids"))


async def describe_documents(session: Session, document_ids: Sequence[UUID]) -> dict[UUID, Subject]:
    """Each by its name; one without a project is its owner's alone (DOC-11)."""

    def described(
        document_id: UUID, filename: str, owner_id: UUID, project_id: UUID | None
    ) -> tuple[UUID, Subject]:
        alone = owner_id if project_id is None else None
        return document_id, Subject(filename, f"/api/documents/{document_id}", alone)

    return dict(await session.all(described, _DOCUMENTS, {"document_ids": document_ids}))
