from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from lacewing.kernel.pagination import Page
from lacewing.kernel.schemas import PagedQuery
from lacewing.kernel.web.answers import (
    IfMatch,
    answer_changed,
    answer_created,
    answer_page,
    answer_thing,
    read_page,
)
from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.route import make_router
from lacewing.tracker import errors
from lacewing.tracker.http.parameters import CommentEditor, Commenter, IssuePath, IssueViewer
from lacewing.tracker.schemas import CommentChange, CommentView, NewComment
from lacewing.tracker.service import comments

router = make_router("comments")


@router.get(
    "/api/issues/{issue}/comments",
    **documented(
        "List the comments of an issue", Page[CommentView], errors=(errors.IssueNotFound,)
    ),
)
async def list_comments(
    request: Request,
    work: IssueViewer,
    issue: IssuePath,
    query: Annotated[PagedQuery, Query()],
) -> Response:
    found = await comments.list_comments(work, issue, read_page(request, query))
    return answer_page(request, query, found)


@router.post(
    "/api/issues/{issue}/comments",
    **documented(
        "Comment on an issue", CommentView, 201, (errors.IssueNotFound, errors.ProjectArchived)
    ),
)
async def create_comment(work: Commenter, issue: IssuePath, body: NewComment) -> Response:
    comment = await comments.create_comment(work, issue, body.content)
    return answer_created(comment, f"/api/comments/{comment.id}")


@router.get(
    "/api/comments/{comment_id}",
    **documented("Read a comment", CommentView, errors=(errors.CommentNotFound,)),
)
async def read_comment(request: Request, work: IssueViewer, comment_id: UUID) -> Response:
    return answer_thing(request, await comments.get_comment(work, comment_id))


@router.patch(
    "/api/comments/{comment_id}",
    **documented(
        "Edit your own comment",
        CommentView,
        errors=(errors.CommentNotFound, errors.NotYourComment, errors.ProjectArchived),
    ),
)
async def change_comment(
    work: CommentEditor, comment_id: UUID, body: CommentChange, precondition: IfMatch
) -> Response:
    return answer_changed(
        await comments.change_comment(work, comment_id, body.content, precondition)
    )
