from typing import Annotated, Final
from uuid import UUID

from fastapi import Query, Request, Response

from lacewing.content import errors
from lacewing.content.http.parameters import CollectionEditor, CollectionViewer
from lacewing.content.schemas import (
    CollectedPost,
    CollectionChange,
    CollectionQuery,
    CollectionSummary,
    CollectionView,
    NewCollection,
    WholeCollection,
)
from lacewing.content.service import collections
from lacewing.kernel.pagination import Page
from lacewing.kernel.web.answers import (
    IfMatch,
    answer_changed,
    answer_created,
    answer_page,
    answer_thing,
    no_content,
    read_page,
)
from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.route import make_router

router = make_router("collections")

_REFUSALS: Final = (errors.CollectionNotFound,)


@router.get(
    "/api/collections",
    **documented("List your own collections, without their posts", Page[CollectionSummary]),
)
async def list_collections(
    request: Request, work: CollectionViewer, query: Annotated[CollectionQuery, Query()]
) -> Response:
    page = read_page(request, query)
    found = await collections.list_collections(work, query, page)
    return answer_page(request, query, found)


@router.post("/api/collections", **documented("Begin a collection", CollectionView, 201))
async def create_collection(work: CollectionEditor, body: NewCollection) -> Response:
    collection = await collections.create_collection(work, body)
    return answer_created(collection, f"/api/collections/{collection.id}")


@router.get(
    "/api/collections/{collection_id}",
    **documented("Read a collection of your own, with its posts", CollectionView, errors=_REFUSALS),
)
async def read_collection(
    request: Request, work: CollectionViewer, collection_id: UUID
) -> Response:
    return answer_thing(request, await collections.get_collection(work, collection_id))


@router.put(
    "/api/collections/{collection_id}",
    **documented(
        "Set the name of a collection, its posts and their order", CollectionView, errors=_REFUSALS
    ),
)
async def replace_collection(
    work: CollectionEditor, collection_id: UUID, body: WholeCollection, precondition: IfMatch
) -> Response:
    wanted = body.model_dump()
    return answer_changed(
        await collections.change_collection(work, collection_id, wanted, precondition)
    )


@router.patch(
    "/api/collections/{collection_id}",
    **documented(
        "Rename a collection, or set its posts and their order", CollectionView, errors=_REFUSALS
    ),
)
async def change_collection(
    work: CollectionEditor, collection_id: UUID, body: CollectionChange, precondition: IfMatch
) -> Response:
    wanted = body.model_dump(exclude_unset=True)
    return answer_changed(
        await collections.change_collection(work, collection_id, wanted, precondition)
    )


@router.delete(
    "/api/collections/{collection_id}",
    **documented("Delete a collection; the posts in it stay", None, 204, _REFUSALS),
)
async def delete_collection(
    work: CollectionEditor, collection_id: UUID, precondition: IfMatch
) -> Response:
    await collections.delete_collection(work, collection_id, precondition)
    return no_content()


@router.post(
    "/api/collections/{collection_id}/add_post",
    **documented(
        "Put a post at the end of a collection",
        CollectionView,
        errors=(errors.CollectionNotFound, errors.CollectionFull),
        description="One that is in it already keeps its place.",
    ),
)
async def add_post(work: CollectionEditor, collection_id: UUID, body: CollectedPost) -> Response:
    return answer_changed(await collections.add_post(work, collection_id, body.post_id))


@router.post(
    "/api/collections/{collection_id}/remove_post",
    **documented(
        "Take a post out of a collection",
        CollectionView,
        errors=_REFUSALS,
        description="One that is not in it is no error.",
    ),
)
async def remove_post(work: CollectionEditor, collection_id: UUID, body: CollectedPost) -> Response:
    return answer_changed(await collections.remove_post(work, collection_id, body.post_id))
