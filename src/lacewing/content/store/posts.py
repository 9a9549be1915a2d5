from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import (
    ColumnElement,
    Select,
    Uuid,
    bindparam,
    delete,
    insert,
    select,
    union_all,
    update,
)

from lacewing.accounts.public import Person, person_columns, users_as
from lacewing.content.schemas import PostRef, PostView, Sort
from lacewing.content.store import search
from lacewing.content.tables import deleted_imports, posts
from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import also_any_of, any_of
from lacewing.kernel.db.full_text import plan_for_these_words
from lacewing.kernel.db.locks import lock_for_transaction
from lacewing.kernel.db.paging import Order, keyset_page
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.kernel.words import says_only_what_not

IMPORT_LOCK: Final = 4_710_104
"""The advisory lock of whoever imports posts (any number of its own would do)."""


class PostFilter(msgspec.Struct, frozen=True):
    """What a list is narrowed to; ``None`` where it is not."""

    author_ids: list[UUID] | None = None
    search: str | None = None


_author = users_as("author")
_ALL: Final = select(
    posts.c.id,
    posts.c.title,
    posts.c.body,
    posts.c.body_html,
    *person_columns(_author),
    posts.c.created_at,
    posts.c.updated_at,
).join_from(posts, _author, _author.c.id == posts.c.author_id)
_BY_ID: Final = posts.c.id == bindparam("post_id")
_ONE = _ALL.where(_BY_ID)
_ONE_LOCKED = _ONE.with_for_update(of=posts)
# The weakest lock that deleting waits for; of several in one order.
_HELD = (
    select(posts.c.id, posts.c.title, *person_columns(_author), posts.c.created_at)
    .join_from(posts, _author, _author.c.id == posts.c.author_id)
    .where(any_of(posts.c.id, "post_ids"))
    .order_by(posts.c.id)
    .with_for_update(of=posts, read=True, key_share=True)
)
_FIRST = (
    select(posts.c.id, posts.c.title, posts.c.body)
    .order_by(posts.c.id)
    .limit(bindparam("batch"))
    .with_for_update()
)
_NEXT = _FIRST.where(posts.c.id > bindparam("after", type_=Uuid()))
_KNOWN = union_all(
    *(
        select(table.c.external_id).where(any_of(table.c.external_id, "external_ids"))
        for table in (posts, deleted_imports)
    )
)
_REMEMBER = insert(deleted_imports).from_select(
    ["external_id"], select(posts.c.external_id).where(_BY_ID, posts.c.external_id.is_not(None))
)
_INSERT = insert(posts)
_UPDATE = update(posts).where(_BY_ID)
_DELETE = delete(posts).where(_BY_ID)

_ORDERS: Final = {
    Sort.CREATED: Order(posts.c.created_at, posts.c.id),
    Sort.CREATED_DESC: Order(posts.c.created_at, posts.c.id, descending=True),
    Sort.UPDATED: Order(posts.c.updated_at, posts.c.id),
    Sort.UPDATED_DESC: Order(posts.c.updated_at, posts.c.id, descending=True),
}
# One author's posts are a range of an index in each order; several authors' are not.
_BY_AUTHOR: Final[ColumnElement[bool]] = posts.c.author_id == bindparam("author_id")
_BY_AUTHORS: Final[ColumnElement[bool]] = also_any_of(posts.c.author_id, "author_ids")


def _post(
    post_id: UUID,
    title: str,
    body: str,
    body_html: str,
    author_id: UUID,
    author_username: str,
    author_full_name: str | None,
    created_at: datetime,
    updated_at: datetime,
) -> PostView:
    author = Person(author_id, author_username, author_full_name)
    return PostView(post_id, title, body, body_html, author, created_at, updated_at)


def post_ref_of(
    post_id: UUID,
    title: str,
    author_id: UUID,
    author_username: str,
    author_full_name: str | None,
    created_at: datetime,
) -> PostRef:
    """A post as collections show it, of the columns in this order."""
    return PostRef(post_id, title, Person(author_id, author_username, author_full_name), created_at)


def row_of(view: PostView, external_id: str | None = None) -> dict[str, Any]:
    """The row of a new post."""
    return {
        "id": view.id,
        "author_id": view.author.id,
        "title": view.title,
        "body": view.body,
        "body_html": view.body_html,
        "created_at": view.created_at,
        "updated_at": view.updated_at,
        "external_id": external_id,
    }


async def insert_post(session: Session, row: dict[str, Any]) -> None:
    """Add a post, made by ``row_of``, and let it be found."""
    await session.execute(_INSERT, row)
    await search.index_post(session, row["id"], row["title"], row["body"])


async def find_post(session: Session, post_id: UUID) -> PostView | None:
    return await session.one(_post, _ONE, {"post_id": post_id})


async def lock_post(session: Session, post_id: UUID) -> PostView | None:
    """The post, which nobody else changes, deletes or collects until the transaction ends."""
    return await session.one(_post, _ONE_LOCKED, {"post_id": post_id})


async def hold_posts(session: Session, post_ids: Sequence[UUID]) -> dict[UUID, PostRef]:
    """Those of ``post_ids`` that are there, which nobody deletes until the transaction ends."""
    held = await session.all(post_ref_of, _HELD, {"post_ids": list(post_ids)})
    return {post.id: post for post in held}


async def update_post(session: Session, view: PostView) -> None:
    """Let the post be as ``view`` has it."""
    values = {
        "title": view.title,
        "body": view.body,
        "body_html": view.body_html,
        "updated_at": view.updated_at,
        "post_id": view.id,
    }
    await session.execute(_UPDATE, values)
    await search.index_post(session, view.id, view.title, view.body)


async def delete_post(session: Session, post_id: UUID) -> None:
    """Remove the post from everywhere, from every collection too; imports know it still."""
    await session.execute(_REMEMBER, {"post_id": post_id})
    await search.forget_post(session, post_id)
    await session.execute(_DELETE, {"post_id": post_id})


async def posts_after(
    session: Session, after: UUID | None, batch: int
) -> list[tuple[UUID, str, str]]:
    """The next posts in the order of their ids, locked, with their titles and bodies."""
    statement, values = (_FIRST, {}) if after is None else (_NEXT, {"after": after})
    return await session.all(lambda *row: row, statement, {**values, "batch": batch})


async def wait_to_import(session: Session) -> None:
    """Return when nobody else imports posts; nobody does until the transaction ends."""
    await lock_for_transaction(session, IMPORT_LOCK)


async def known_posts(session: Session, external_ids: list[str]) -> set[str]:
    """Those of ``external_ids`` that are there already, or were and are deleted."""
    return set(await session.all(str, _KNOWN, {"external_ids": external_ids}))


@lru_cache(maxsize=100)
def _list_statement(dialect: str, authors: int, *, only_what_not: bool | None) -> Select[Any]:
    """Of ``authors``: nobody in particular (0), one, or several (2)."""
    statement = (_ALL, _ALL.where(_BY_AUTHOR), _ALL.where(_BY_AUTHORS))[authors]
    if only_what_not is None:
        return statement
    found = search.matches(dialect, only_what_not=only_what_not)
    return search.joined_to_index(statement, dialect).where(found)


async def list_posts(
    session: Session, wanted: PostFilter, sort: Sort, page: PageRequest
) -> Slice[PostView]:
    values: dict[str, Any] = {}
    only_what_not = None
    authors = 0
    if wanted.author_ids is not None:
        author_ids = list(dict.fromkeys(wanted.author_ids))
        authors = 1 if len(author_ids) == 1 else 2
        values |= {"author_id": author_ids[0]} if authors == 1 else {"author_ids": author_ids}
    if wanted.search is not None:
        await plan_for_these_words(session)
        values |= search.search_parameters(session, wanted.search)
        only_what_not = says_only_what_not(wanted.search)
    statement = _list_statement(session.dialect, authors, only_what_not=only_what_not)
    return await keyset_page(session, _post, statement, _ORDERS[sort], page, values)
