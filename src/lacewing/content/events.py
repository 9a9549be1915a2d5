"""What happens to posts, and to collections, which are private: ``owner_id`` says whose."""

from typing import Any
from uuid import UUID

from lacewing.kernel.events import Event


class PostCreated(Event, frozen=True, tag="post.created"):
    """Somebody wrote a post; imported ones are told of by ``posts.imported`` alone."""

    post_id: UUID
    author_id: UUID


class PostChanged(Event, frozen=True, tag="post.changed"):
    """A post was edited, by its author or an administrator; ``fields`` are those that differ."""

    post_id: UUID
    author_id: UUID
    fields: list[str]


class PostDeleted(Event, frozen=True, tag="post.deleted"):
    """A post was deleted, and with it left every collection; no event tells of each of those."""

    post_id: UUID
    author_id: UUID


class PostsImported(Event, frozen=True, tag="posts.imported"):
    """An import has added posts, ``counts`` of which came in one transaction."""

    source: str
    counts: dict[str, Any]


class CollectionCreated(Event, frozen=True, tag="collection.created"):
    """Somebody began a collection, perhaps with posts in it already."""

    collection_id: UUID
    owner_id: UUID


class CollectionChanged(Event, frozen=True, tag="collection.changed"):
    """A collection was renamed, or its posts set as a whole; ``fields`` are those that differ."""

    collection_id: UUID
    owner_id: UUID
    fields: list[str]


class CollectionDeleted(Event, frozen=True, tag="collection.deleted"):
    """A collection was deleted; the posts in it stay."""

    collection_id: UUID
    owner_id: UUID


class CollectionPostAdded(Event, frozen=True, tag="collection.post_added"):
    """A post was put at the end of a collection that did not hold it."""

    collection_id: UUID
    owner_id: UUID
    post_id: UUID


class CollectionPostRemoved(Event, frozen=True, tag="collection.post_removed"):
    """A post was taken out of a collection; that it was deleted, ``post.deleted`` tells instead."""

    collection_id: UUID
    owner_id: UUID
    post_id: UUID
