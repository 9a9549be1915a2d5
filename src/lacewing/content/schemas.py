"""What goes over the wire."""

from collections import Counter
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from lacewing.accounts.public import Person
from lacewing.content import rules
from lacewing.kernel.schemas import (
    Input,
    Line,
    PagedQuery,
    SearchText,
    Text,
    not_blank,
    split_values,
)


def _without_doubles(post_ids: list[UUID]) -> list[UUID]:
    doubled = [str(post_id) for post_id, times in Counter(post_ids).items() if times > 1]
    if doubled:
        raise PydanticCustomError(
            "doubled", "must hold each post once, not twice: {posts}", {"posts": ", ".join(doubled)}
        )
    return post_ids


Title = Annotated[Line, Field(max_length=rules.TITLE_LENGTH_MAX, examples=["Release 2.0 is out"])]
Body = Annotated[
    Text,
    AfterValidator(not_blank),
    Field(max_length=rules.BODY_LENGTH_MAX, examples=["It is **faster**, and here is why."]),
]
CollectionName = Annotated[
    Line, Field(max_length=rules.COLLECTION_NAME_LENGTH_MAX, examples=["To read"])
]
PostIds = Annotated[
    list[UUID],
    Field(
        max_length=rules.COLLECTION_POSTS_MAX,
        examples=[[]],
        description="In the order that they shall have.",
    ),
    AfterValidator(_without_doubles),
]


class NewPost(Input):
    title: Title
    body: Body = Field(description="Markdown.")


class PostChange(Input):
    """Only what is sent is changed."""

    title: Title = ""
    body: Body = Field("", description="Markdown.")


class NewCollection(Input):
    name: CollectionName
    post_ids: PostIds = Field(default_factory=list)


class WholeCollection(Input):
    name: CollectionName
    post_ids: PostIds


class CollectionChange(Input):
    """Only what is sent is changed."""

    name: CollectionName = ""
    post_ids: PostIds = Field(default_factory=list)


class CollectedPost(Input):
    """The post to put into a collection, or to take out of it."""

    post_id: UUID


class Sort(StrEnum):
    CREATED = "created_at"
    CREATED_DESC = "-created_at"
    UPDATED = "updated_at"
    UPDATED_DESC = "-updated_at"


class PostQuery(PagedQuery):
    author: (
        Annotated[
            list[Text],
            BeforeValidator(split_values),
            Field(max_length=rules.FILTER_VALUES_MAX),
        ]
        | None
    ) = Field(None, description="Ids, usernames or `me`, comma-separated.")
    search: SearchText | None = Field(
        None, description='Words over title and body; `"a phrase"`, `-without`.'
    )
    sort: Sort = Sort.CREATED_DESC


class CollectionQuery(PagedQuery):
    sort: Sort = Sort.CREATED_DESC


class PostView(msgspec.Struct, frozen=True):
    id: UUID
    title: str
    body: str
    """Markdown."""
    body_html: str
    """Rendered and sanitised."""
    author: Person
    created_at: datetime
    updated_at: datetime
    snippet: str | msgspec.UnsetType | None = msgspec.UNSET
    """Only in a search: some words around what was found below the title."""


class PostRef(msgspec.Struct, frozen=True):
    """A post as collections show it."""

    id: UUID
    title: str
    author: Person
    created_at: datetime


class CollectionSummary(msgspec.Struct, frozen=True):
    """A collection as lists show it."""

    id: UUID
    name: str
    owner: Person
    post_count: int
    created_at: datetime
    updated_at: datetime
    """When its owner changed it last: a post that was deleted has only left it."""


class CollectionView(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    owner: Person
    posts: list[PostRef]
    """In their order."""
    post_count: int
    created_at: datetime
    updated_at: datetime
    """As in a ``CollectionSummary``."""
