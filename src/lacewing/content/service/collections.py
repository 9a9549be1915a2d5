from typing import Any
from uuid import UUID

import msgspec

from lacewing.accounts.public import Person
from lacewing.content import errors, events
from lacewing.content.rules import COLLECTION_POSTS_MAX
from lacewing.content.schemas import (
    CollectionQuery,
    CollectionSummary,
    CollectionView,
    NewCollection,
    PostRef,
)
from lacewing.content.store import collections as store, posts as posts_store
from lacewing.kernel.errors import FieldError, Invalid, invalid_field
from lacewing.kernel.events import emit
from lacewing.kernel.ids import new_id
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.kernel.preconditions import Precondition
from lacewing.kernel.work import Work

_UNKNOWN = ("there is no post with this id", "unknown_post")


async def list_collections(
    work: Work, query: CollectionQuery, page: PageRequest
) -> Slice[CollectionSummary]:
    """One page of the actor's own (CON-2)."""
    return await store.list_collections(work.session, work.actor.id, query.sort, page)


async def get_collection(work: Work, collection_id: UUID) -> CollectionView:
    """The collection, with its posts.

    Raises:
        CollectionNotFound: there is none, or it is not the actor's own.
    """
    found = await store.find_collection(work.session, collection_id, work.actor.id)
    if found is None:
        raise errors.CollectionNotFound
    return found


async def create_collection(work: Work, wanted: NewCollection) -> CollectionView:
    """A new collection of the actor's, with these posts in it.

    Raises:
        Invalid: some of them are not there.
    """
    posts = await _hold_posts(work, wanted.post_ids)
    actor = work.actor
    collection = CollectionView(
        id=new_id(),
        name=wanted.name,
        owner=Person(actor.id, actor.username, actor.full_name),
        posts=posts,
        post_count=len(posts),
        created_at=work.now,
        updated_at=work.now,
    )
    await store.insert_collection(work.session, collection)
    await emit(work, events.CollectionCreated(collection_id=collection.id, owner_id=actor.id))
    return collection


async def change_collection(
    work: Work, collection_id: UUID, wanted: dict[str, Any], precondition: Precondition
) -> CollectionView:
    """Rename it, set its posts and their order, or both; the same again changes nothing.

    Raises:
        CollectionNotFound: there is none, or it is not the actor's own.
        Invalid: some of the posts are not there.
        PreconditionFailed: it has changed since the client read it.
    """
    current = await _lock(work, collection_id)
    precondition.check(current)
    changed = current
    if "name" in wanted:
        changed = msgspec.structs.replace(changed, name=wanted["name"])
    if "post_ids" in wanted:
        changed = _with_posts(changed, await _hold_posts(work, wanted["post_ids"]))
    columns: dict[str, Any] = {}
    if changed.name != current.name:
        columns["name"] = changed.name
    if _ids_of(changed) != _ids_of(current):
        columns["post_ids"] = _ids_of(changed)
    if not columns:
        return current
    await store.update_collection(work.session, collection_id, **columns, updated_at=work.now)
    fields = ["posts" if name == "post_ids" else name for name in columns]
    await emit(work, events.CollectionChanged(**_named(current), fields=fields))
    return msgspec.structs.replace(changed, updated_at=work.now)


async def delete_collection(work: Work, collection_id: UUID, precondition: Precondition) -> None:
    """Remove the collection; the posts in it stay.

    Raises:
        CollectionNotFound, PreconditionFailed: as ``change_collection``.
    """
    current = await _lock(work, collection_id)
    precondition.check(current)
    await store.delete_collection(work.session, collection_id)
    await emit(work, events.CollectionDeleted(**_named(current)))


async def add_post(work: Work, collection_id: UUID, post_id: UUID) -> CollectionView:
    """Put a post at the end; one that is in the collection already keeps its place.

    Raises:
        CollectionNotFound: there is none, or it is not the actor's own.
        CollectionFull: it holds ``COLLECTION_POSTS_MAX`` others.
        Invalid: there is no such post.
    """
    current = await _lock(work, collection_id)
    held = await posts_store.hold_posts(work.session, [post_id])
    if post_id not in held:
        raise invalid_field("body", "post_id", *_UNKNOWN)
    if post_id in _ids_of(current):
        return current
    if current.post_count >= COLLECTION_POSTS_MAX:
        raise errors.CollectionFull
    await store.append_post(work.session, collection_id, post_id)
    await emit(work, events.CollectionPostAdded(**_named(current), post_id=post_id))
    return await _touched(work, _with_posts(current, [*current.posts, held[post_id]]))


async def remove_post(work: Work, collection_id: UUID, post_id: UUID) -> CollectionView:
    """Take a post out; the others keep their order. One that is not in it is no error.

    Raises:
        CollectionNotFound: there is none, or it is not the actor's own.
    """
    current = await _lock(work, collection_id)
    if post_id not in _ids_of(current):
        return current
    await store.take_out_post(work.session, collection_id, post_id)
    await emit(work, events.CollectionPostRemoved(**_named(current), post_id=post_id))
    left = [post for post in current.posts if post.id != post_id]
    return await _touched(work, _with_posts(current, left))


async def _lock(work: Work, collection_id: UUID) -> CollectionView:
    """As ``get_collection``; nobody else changes it until the transaction ends."""
    if not await store.lock_collection(work.session, collection_id, work.actor.id):
        raise errors.CollectionNotFound
    # Read by a statement of its own: it sees what others did while this one waited.
    return await get_collection(work, collection_id)


async def _hold_posts(work: Work, post_ids: list[UUID]) -> list[PostRef]:
    """The posts in this order, which nobody deletes until the transaction ends.

    Raises:
        Invalid: naming each that is not there.
    """
    if not post_ids:
        return []
    held = await posts_store.hold_posts(work.session, post_ids)
    unknown = [
        FieldError(["body", "post_ids", place], *_UNKNOWN)
        for place, post_id in enumerate(post_ids)
        if post_id not in held
    ]
    if unknown:
        raise Invalid(*unknown)
    return [held[post_id] for post_id in post_ids]


async def _touched(work: Work, changed: CollectionView) -> CollectionView:
    await store.update_collection(work.session, changed.id, updated_at=work.now)
    return msgspec.structs.replace(changed, updated_at=work.now)


def _with_posts(collection: CollectionView, posts: list[PostRef]) -> CollectionView:
    return msgspec.structs.replace(collection, posts=posts, post_count=len(posts))


def _ids_of(collection: CollectionView) -> list[UUID]:
    return [post.id for post in collection.posts]


def _named(collection: CollectionView) -> dict[str, UUID]:
    """What every event of a collection tells."""
    return {"collection_id": collection.id, "owner_id": collection.owner.id}
