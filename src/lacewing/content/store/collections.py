from collections.abc import Sequence
from datetime import datetime
from itertools import starmap
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Uuid, bindparam, delete, func, insert, select, update

from lacewing.accounts.public import Person, person_columns, users_as
from lacewing.content.schemas import CollectionSummary, CollectionView, Sort
from lacewing.content.store.posts import post_ref_of
from lacewing.content.tables import collection_posts, collections, posts
from lacewing.kernel.db import Session
from lacewing.kernel.db.paging import Order, keyset_page
from lacewing.kernel.pagination import PageRequest, Slice

_owner = users_as("owner")
_author = users_as("author")
_BY_ID: Final = collections.c.id == bindparam("collection_id")
_OWN: Final = collections.c.owner_id == bindparam("owner_id")
_POST_COUNT: Final = (
    select(func.count())
    .where(collection_posts.c.collection_id == collections.c.id)
    .scalar_subquery()
)
_OWN_ONES = (
    select(
        collections.c.id,
        collections.c.name,
        *person_columns(_owner),
        _POST_COUNT,
        collections.c.created_at,
        collections.c.updated_at,
    )
    .join_from(collections, _owner, _owner.c.id == collections.c.owner_id)
    .where(_OWN)
)
# One row a post, so that the whole is of one moment; without posts one row that has none.
_ONE = (
    select(
        collections.c.id,
        collections.c.name,
        *person_columns(_owner),
        collections.c.created_at,
        collections.c.updated_at,
        posts.c.id,
        posts.c.title,
        *person_columns(_author),
        posts.c.created_at,
    )
    .join_from(collections, _owner, _owner.c.id == collections.c.owner_id)
    .outerjoin(collection_posts, collection_posts.c.collection_id == collections.c.id)
    .outerjoin(posts, posts.c.id == collection_posts.c.post_id)
    .outerjoin(_author, _author.c.id == posts.c.author_id)
    .where(_BY_ID, _OWN)
    .order_by(collection_posts.c.position)
)
_COLUMNS_OF_COLLECTION: Final = 7
_LOCK = select(collections.c.id).where(_BY_ID, _OWN).with_for_update()
_INSERT = insert(collections)
_UPDATE = update(collections).where(_BY_ID)
_DELETE = delete(collections).where(_BY_ID)
_INSERT_PLACE = insert(collection_posts)
_THE_COLLECTION: Final = bindparam("collection", type_=Uuid())
_IN_IT: Final = collection_posts.c.collection_id == _THE_COLLECTION
_APPEND_PLACE = insert(collection_posts).from_select(
    ["collection_id", "post_id", "position"],
    select(
        _THE_COLLECTION,
        bindparam("post", type_=Uuid()),
        func.coalesce(func.max(collection_posts.c.position), 0) + 1,
    ).where(_IN_IT),
)
_DELETE_PLACE = delete(collection_posts).where(
    _IN_IT, collection_posts.c.post_id == bindparam("post")
)
_DELETE_PLACES = delete(collection_posts).where(_IN_IT)

_ORDERS: Final = {
    Sort.CREATED: Order(collections.c.created_at, collections.c.id),
    Sort.CREATED_DESC: Order(collections.c.created_at, collections.c.id, descending=True),
    Sort.UPDATED: Order(collections.c.updated_at, collections.c.id),
    Sort.UPDATED_DESC: Order(collections.c.updated_at, collections.c.id, descending=True),
}


def _summary(
    collection_id: UUID,
    name: str,
    owner_id: UUID,
    owner_username: str,
    owner_full_name: str | None,
    post_count: int,
    created_at: datetime,
    updated_at: datetime,
) -> CollectionSummary:
    owner = Person(owner_id, owner_username, owner_full_name)
    return CollectionSummary(collection_id, name, owner, post_count, created_at, updated_at)


async def insert_collection(session: Session, view: CollectionView) -> None:
    row = {
        "id": view.id,
        "owner_id": view.owner.id,
        "name": view.name,
        "created_at": view.created_at,
        "updated_at": view.updated_at,
    }
    await session.execute(_INSERT, row)
    await _insert_places(session, view.id, [post.id for post in view.posts])


async def find_collection(
    session: Session, collection_id: UUID, owner_id: UUID
) -> CollectionView | None:
    """The collection with its posts, if it is that owner's."""
    values = {"collection_id": collection_id, "owner_id": owner_id}
    rows = await session.all(lambda *row: row, _ONE, values)
    if not rows:
        return None
    found_id, name, *owner, created_at, updated_at = rows[0][:_COLUMNS_OF_COLLECTION]
    collected = [row[_COLUMNS_OF_COLLECTION:] for row in rows]
    refs = list(starmap(post_ref_of, (post for post in collected if post[0] is not None)))
    return CollectionView(found_id, name, Person(*owner), refs, len(refs), created_at, updated_at)


async def lock_collection(session: Session, collection_id: UUID, owner_id: UUID) -> bool:
    """Whether it is there and that owner's; nobody else changes it until the transaction ends.

    Whoever changes what it holds takes this first, then holds the posts, and writes places last.
    Deleting a post locks the post, then its places. So no two wait for each other.
    """
    values = {"collection_id": collection_id, "owner_id": owner_id}
    return await session.scalar(_LOCK, values) is not None


async def update_collection(session: Session, collection_id: UUID, **changes: Any) -> None:
    """Set these columns; ``post_ids`` are the posts in their order."""
    post_ids: list[UUID] | None = changes.pop("post_ids", None)
    await session.execute(_UPDATE, {**changes, "collection_id": collection_id})
    if post_ids is not None:
        await session.execute(_DELETE_PLACES, {"collection": collection_id})
        await _insert_places(session, collection_id, post_ids)


async def append_post(session: Session, collection_id: UUID, post_id: UUID) -> None:
    """Put a post that is not in the locked collection at its end."""
    await session.execute(_APPEND_PLACE, {"collection": collection_id, "post": post_id})


async def take_out_post(session: Session, collection_id: UUID, post_id: UUID) -> None:
    await session.execute(_DELETE_PLACE, {"collection": collection_id, "post": post_id})


async def delete_collection(session: Session, collection_id: UUID) -> None:
    """Remove the collection; the posts in it stay."""
    await session.execute(_DELETE, {"collection_id": collection_id})


async def list_collections(
    session: Session, owner_id: UUID, sort: Sort, page: PageRequest
) -> Slice[CollectionSummary]:
    """One page of that owner's."""
    values = {"owner_id": owner_id}
    return await keyset_page(session, _summary, _OWN_ONES, _ORDERS[sort], page, values)


async def _insert_places(session: Session, collection_id: UUID, post_ids: Sequence[UUID]) -> None:
    rows = [
        {"collection_id": collection_id, "post_id": post_id, "position": position}
        for position, post_id in enumerate(post_ids, start=1)
    ]
    await session.execute_many(_INSERT_PLACE, rows)
