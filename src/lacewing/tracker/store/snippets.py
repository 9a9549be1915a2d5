"""Where found issues were found: some words around it, for one page at a time."""

from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, func, select

from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import any_of, contains_text
from lacewing.kernel.words import search_terms, snippet_of
from lacewing.tracker.schemas import IssueView
from lacewing.tracker.tables import comments, issue_attached_texts

COMMENTS_READ: Final = 500
DOCUMENTS_READ: Final = 50
"""Of one page of issues, at the most; the newest first."""

_COMMENTS = (
    select(comments.c.issue_id, comments.c.content)
    .where(
        any_of(comments.c.issue_id, "issue_ids"),
        contains_text(func.lower(comments.c.content), "part"),
    )
    .order_by(comments.c.created_at.desc())
    .limit(bindparam("at_most"))
)
_DOCUMENTS = (
    select(issue_attached_texts.c.issue_id, issue_attached_texts.c.text)
    .where(any_of(issue_attached_texts.c.issue_id, "issue_ids"))
    .order_by(issue_attached_texts.c.created_at.desc())
    .limit(bindparam("at_most"))
)
_PART_CHARACTERS: Final = 4
"""By the beginning of a word comments are narrowed down before they are read."""


async def with_snippets(session: Session, found: list[IssueView], words: str) -> list[IssueView]:
    """Each of ``found`` with words of its description, comments or documents, if any match."""
    wanted, _ = search_terms(words)
    snippets = {issue.id: snippet_of(issue.description, wanted) for issue in found}
    if wanted:
        values: dict[str, Any] = {"part": wanted[0].split()[0].lower()[:_PART_CHARACTERS]}
        for statement, at_most in ((_COMMENTS, COMMENTS_READ), (_DOCUMENTS, DOCUMENTS_READ)):
            missing = [issue_id for issue_id, snippet in snippets.items() if snippet is None]
            if missing:
                values |= {"issue_ids": missing, "at_most": at_most}
                await _look(session, statement, values, wanted, snippets)
    return [msgspec.structs.replace(issue, snippet=snippets[issue.id]) for issue in found]


async def _look(
    session: Session,
    statement: Any,
    values: dict[str, Any],
    wanted: list[str],
    snippets: dict[UUID, str | None],
) -> None:
    for issue_id, text in await session.all(lambda *row: row, statement, values):
        if snippets[issue_id] is None:
            snippets[issue_id] = snippet_of(text, wanted)
