from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update

from lacewing.accounts.public import Person, person_columns, users_as
from lacewing.kernel.db import Parameters, Session
from lacewing.kernel.db.paging import Order, keyset_page
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.tracker.schemas import CommentView
from lacewing.tracker.tables import comments

_author = users_as("author")
_ALL: Final = select(
    comments.c.id,
    comments.c.issue_id,
    *person_columns(_author),
    comments.c.content,
    comments.c.content_html,
    comments.c.created_at,
    comments.c.updated_at,
).join_from(comments, _author, _author.c.id == comments.c.author_id)
_BY_ID: Final = comments.c.id == bindparam("comment_id")
_ONE = _ALL.where(_BY_ID)
_OF_ISSUE = _ALL.where(comments.c.issue_id == bindparam("issue_id"))
_OLDEST_FIRST: Final = Order(comments.c.created_at, comments.c.id)
_INSERT = insert(comments)
_UPDATE = update(comments).where(_BY_ID)


def _comment(
    comment_id: UUID,
    issue_id: UUID,
    author_id: UUID,
    author_username: str,
    author_full_name: str | None,
    content: str,
    content_html: str,
    created_at: datetime,
    updated_at: datetime,
) -> CommentView:
    author = Person(author_id, author_username, author_full_name)
    return CommentView(comment_id, issue_id, author, content, content_html, created_at, updated_at)


def row_of(view: CommentView, external_id: str | None = None) -> dict[str, Any]:
    """The row of a new comment."""
    return {
        "id": view.id,
        "issue_id": view.issue,
        "author_id": view.author.id,
        "content": view.content,
        "content_html": view.content_html,
        "created_at": view.created_at,
        "updated_at": view.updated_at,
        "external_id": external_id,
    }


async def insert_comment(session: Session, view: CommentView) -> None:
    await session.execute(_INSERT, row_of(view))


async def insert_comments(session: Session, rows: Sequence[Parameters]) -> None:
    """Many at once, made by ``row_of``."""
    await session.execute_many(_INSERT, rows)


async def find_comment(session: Session, comment_id: UUID) -> CommentView | None:
    return await session.one(_comment, _ONE, {"comment_id": comment_id})


async def update_comment(session: Session, comment_id: UUID, **changes: Any) -> None:
    await session.execute(_UPDATE, {**changes, "comment_id": comment_id})


async def list_comments(session: Session, issue_id: UUID, page: PageRequest) -> Slice[CommentView]:
    """One page, oldest first."""
    values = {"issue_id": issue_id}
    return await keyset_page(session, _comment, _OF_ISSUE, _OLDEST_FIRST, page, values)
