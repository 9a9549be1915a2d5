from typing import Annotated, Final
from uuid import UUID

from fastapi import Query, Request, Response

from lacewing.content import errors
from lacewing.content.http.parameters import PostCreator, PostEditor, PostViewer
from lacewing.content.schemas import NewPost, PostChange, PostQuery, PostView
from lacewing.content.service import posts
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

router = make_router("posts")

_REFUSALS: Final = (errors.PostNotFound, errors.NotYourPost)


@router.get("/api/posts", **documented("List posts, newest first unless sorted", Page[PostView]))
async def list_posts(
    request: Request, work: PostViewer, query: Annotated[PostQuery, Query()]
) -> Response:
    page = read_page(request, query)
    return answer_page(request, query, await posts.list_posts(work, query, page))


@router.post("/api/posts", **documented("Write a post", PostView, 201))
async def create_post(work: PostCreator, body: NewPost) -> Response:
    post = await posts.create_post(work, body)
    return answer_created(post, f"/api/posts/{post.id}")


@router.get(
    "/api/posts/{post_id}",
    **documented("Read a post", PostView, errors=(errors.PostNotFound,)),
)
async def read_post(request: Request, work: PostViewer, post_id: UUID) -> Response:
    return answer_thing(request, await posts.get_post(work, post_id))


@router.put(
    "/api/posts/{post_id}",
    **documented("Write a post of your own anew", PostView, errors=_REFUSALS),
)
async def replace_post(
    work: PostEditor, post_id: UUID, body: NewPost, precondition: IfMatch
) -> Response:
    return answer_changed(await posts.change_post(work, post_id, body.model_dump(), precondition))


@router.patch(
    "/api/posts/{post_id}",
    **documented("Change a post of your own", PostView, errors=_REFUSALS),
)
async def change_post(
    work: PostEditor, post_id: UUID, body: PostChange, precondition: IfMatch
) -> Response:
    wanted = body.model_dump(exclude_unset=True)
    return answer_changed(await posts.change_post(work, post_id, wanted, precondition))


@router.delete(
    "/api/posts/{post_id}",
    **documented("Delete a post of your own; it leaves every collection", None, 204, _REFUSALS),
)
async def delete_post(work: PostEditor, post_id: UUID, precondition: IfMatch) -> Response:
    await posts.delete_post(work, post_id, precondition)
    return no_content()
