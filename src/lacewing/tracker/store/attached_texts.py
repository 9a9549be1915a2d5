"""The texts of documents that belong to issues, as far as a search reads them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, insert

from lacewing.kernel.db import Session
from lacewing.tracker.store import search
from lacewing.tracker.store.search import ATTACHED_CHARACTERS
from lacewing.tracker.tables import issue_attached_texts

_INSERT = insert(issue_attached_texts)
_DELETE = delete(issue_attached_texts).where(
    issue_attached_texts.c.document_id == bindparam("document")
)


async def put_text(
    session: Session, issue_id: UUID, document_id: UUID, filename: str, text: str, now: datetime
) -> None:
    """Let the issue be found by this document's words."""
    await session.execute(_DELETE, {"document": document_id})
    row = {
        "document_id": document_id,
        "issue_id": issue_id,
        "filename": filename,
        "text": f"{filename} {text[:ATTACHED_CHARACTERS]}",
        "created_at": now,
    }
    await session.execute(_INSERT, row)
    await search.index_attached(session, issue_id)


async def drop_text(session: Session, issue_id: UUID, document_id: UUID) -> None:
    """Let the issue no longer be found by this document's words."""
    if await session.execute(_DELETE, {"document": document_id}):
        await search.index_attached(session, issue_id)
