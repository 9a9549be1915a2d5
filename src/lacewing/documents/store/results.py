from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, delete, insert, select

from lacewing.documents.tables import document_results, document_texts
from lacewing.kernel.db import Session

PART_CHARACTERS: Final = 100_000
"""Of the text in one row: what is found together in a search, and read for a snippet."""


class FoundResult(msgspec.Struct, frozen=True):
    """A result, all but its text."""

    document_id: UUID
    processor: str
    processor_version: str
    completed_at: datetime
    found: dict[str, Any]


_INSERT = insert(document_results)
_INSERT_TEXT = insert(document_texts)
_DELETE = delete(document_results).where(document_results.c.document_id == bindparam("document"))
_DELETE_TEXT = delete(document_texts).where(document_texts.c.document_id == bindparam("document"))
_ONE = select(
    document_results.c.document_id,
    document_results.c.processor,
    document_results.c.processor_version,
    document_results.c.completed_at,
    document_results.c.found,
).where(document_results.c.document_id == bindparam("document"))
_TEXT = (
    select(document_texts.c.text)
    .where(document_texts.c.document_id == bindparam("document"))
    .order_by(document_texts.c.part)
)


def parts_of(text: str) -> list[str]:
    """``text`` cut where a word ends, into parts that can be put together again."""
    parts = []
    start = 0
    while len(text) - start > PART_CHARACTERS:
        end = text.rfind(" ", start, start + PART_CHARACTERS) + 1 or start + PART_CHARACTERS
        parts.append(text[start:end])
        start = end
    return [*parts, text[start:]]


async def replace_result(session: Session, result: FoundResult, parts: list[str]) -> None:
    """The one result of the document, in place of an earlier one."""
    values = {"document": result.document_id}
    await session.execute(_DELETE, values)
    await session.execute(_DELETE_TEXT, values)
    await session.execute(_INSERT, msgspec.structs.asdict(result))
    await session.execute_many(
        _INSERT_TEXT,
        [
            {"document_id": result.document_id, "part": number, "text": text}
            for number, text in enumerate(parts)
        ],
    )


async def find_result(session: Session, document_id: UUID) -> FoundResult | None:
    return await session.one(FoundResult, _ONE, {"document": document_id})


async def read_text(session: Session, document_id: UUID) -> str:
    """The whole text."""
    return "".join(await session.all(str, _TEXT, {"document": document_id}))
