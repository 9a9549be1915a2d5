"""Posts and collections as lines about them show them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from lacewing.content.tables import collections, posts
from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import any_of
from lacewing.kernel.subjects import Subject

_POSTS = select(posts.c.id, posts.c.title).where(any_of(posts.c.id, "ids"))
_COLLECTIONS = select(collections.c.id, collections.c.name, collections.c.owner_id).where(
    any_of(collections.c.id, "ids")
)


async def describe_posts(session: Session, post_ids: Sequence[UUID]) -> dict[UUID, Subject]:
    """Each by its title; everybody who is signed in may see them."""

    def described(post_id: UUID, title: str) -> tuple[UUID, Subject]:
        return post_id, Subject(title, f"/api/posts/{post_id}")

    return dict(await session.all(described, _POSTS, {"ids": post_ids}))


async def describe_collections(
    session: Session, collection_ids: Sequence[UUID]
) -> dict[UUID, Subject]:
    """Each by its name; a collection is its owner's alone (CON-2)."""

    def described(collection_id: UUID, name: str, owner_id: UUID) -> tuple[UUID, Subject]:
        return collection_id, Subject(name, f"/api/collections/{collection_id}", owner_id)

    return dict(await session.all(described, _COLLECTIONS, {"ids": collection_ids}))
