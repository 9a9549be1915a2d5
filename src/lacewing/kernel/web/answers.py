"""Answers: msgspec structs to JSON, entity tags, pages."""

from collections.abc import AsyncGenerator, Mapping
from typing import Annotated, TypeVar

import msgspec
from fastapi import Depends, Header, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from lacewing.kernel.errors import Malformed
from lacewing.kernel.pagination import (
    TOTAL_COUNTED_MAX,
    NumberedPage,
    Page,
    PageRequest,
    Slice,
)
from lacewing.kernel.preconditions import Precondition, entity_tag
from lacewing.kernel.schemas import CursorQuery, PagedQuery
from lacewing.kernel.web.runtime import runtime_of

JSON = "application/json"
PRIVATE = {"Cache-Control": "no-store"}
REVALIDATED = {"Cache-Control": "private, no-cache"}
"""May be kept by the client alone, and only used after asking again with the entity tag."""

_encoder = msgspec.json.Encoder()

Item = TypeVar("Item")


class Stream(StreamingResponse):
    """Bytes as they come; where they come from is closed whatever becomes of the client."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            assert isinstance(self.body_iterator, AsyncGenerator)
            await self.body_iterator.aclose()


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        _encoder.encode(value),
        status_code=status,
        headers={**PRIVATE, **(headers or {})},
        media_type=JSON,
    )


def answer_thing(request: Request, view: msgspec.Struct) -> Response:
    """One thing with its strong entity tag, or 304 when the client has it already (API-9)."""
    tag = entity_tag(view)
    headers = {**REVALIDATED, "ETag": tag}
    if is_known(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(_encoder.encode(view), headers=headers, media_type=JSON)


def answer_changed(view: msgspec.Struct) -> Response:
    """The new state of a thing, with the tag for the next ``If-Match``."""
    return answer(view, headers={"ETag": entity_tag(view)})


def answer_created(view: msgspec.Struct, location: str) -> Response:
    return answer(view, 201, {"Location": location, "ETag": entity_tag(view)})


def no_content() -> Response:
    return Response(status_code=204, headers=PRIVATE)


def is_known(request: Request, tag: str) -> bool:
    """Whether the client says that it has what ``tag`` stands for (RFC 9110, section 13.1.2)."""
    header = request.headers.get("if-none-match")
    tags = {part.strip().removeprefix("W/") for part in (header or "").split(",")}
    return "*" in tags or tag in tags


async def _read_if_match(
    if_match: Annotated[
        str | None,
        Header(alias="If-Match", description="Change it only if its entity tag is still this one."),
    ] = None,
) -> Precondition:
    if if_match is None:
        return Precondition()
    return Precondition(tuple(part.strip() for part in if_match.split(",") if part.strip()))


IfMatch = Annotated[Precondition, Depends(_read_if_match, scope="function")]


def _binding(request: Request, query: CursorQuery) -> bytes:
    filters = query.model_dump(mode="json", exclude=set(query.UNBOUND), exclude_none=True)
    return msgspec.json.encode([request.url.path.rstrip("/"), filters])


def _page_number(query: CursorQuery) -> int | None:
    return query.page if isinstance(query, PagedQuery) else None


def read_page(request: Request, query: CursorQuery) -> PageRequest:
    """Which page is asked for.

    Raises:
        Malformed: ``cursor`` and ``page`` together, or a cursor of another list.
    """
    if query.cursor is None:
        return PageRequest(limit=query.limit, page=_page_number(query))
    if _page_number(query) is not None:
        raise Malformed("`cursor` and `page` exclude each other.")
    cursors = runtime_of(request).cursors
    return PageRequest(
        limit=query.limit, after=cursors.decode(query.cursor, _binding(request, query))
    )


def page_of(request: Request, query: CursorQuery, found: Slice[Item]) -> Page[Item]:
    """A page in the shape of API-5."""
    cursor = None
    if found.last_key is not None:
        cursor = runtime_of(request).cursors.encode(found.last_key, _binding(request, query))
    return Page(data=found.items, next_cursor=cursor, has_more=cursor is not None)


def answer_page(request: Request, query: CursorQuery, found: Slice[Item]) -> Response:
    """A page by cursor, or by number with what that adds."""
    page = page_of(request, query, found)
    number = _page_number(query)
    if number is None or found.total is None:
        return answer(page)
    return answer(
        NumberedPage(
            data=page.data,
            next_cursor=page.next_cursor,
            has_more=page.has_more,
            page=number,
            limit=query.limit,
            total=min(found.total, TOTAL_COUNTED_MAX),
            total_is_exact=found.total <= TOTAL_COUNTED_MAX,
        )
    )
