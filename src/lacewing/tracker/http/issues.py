from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from lacewing.kernel.pagination import Page
from lacewing.kernel.schemas import PagedQuery
from lacewing.kernel.web.answers import (
    IfMatch,
    answer,
    answer_changed,
    answer_created,
    answer_page,
    answer_thing,
    read_page,
)
from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.route import make_router
from lacewing.tracker import errors
from lacewing.tracker.http.parameters import IssueCreator, IssueEditor, IssuePath, IssueViewer
from lacewing.tracker.schemas import (
    HistoryEntry,
    IssueChange,
    IssueQuery,
    IssueView,
    NewIssue,
    Transitions,
)
from lacewing.tracker.service import changes, issues

router = make_router("issues")


@router.get("/api/issues", **documented("List issues over all projects", Page[IssueView]))
async def list_issues(
    request: Request, work: IssueViewer, query: Annotated[IssueQuery, Query()]
) -> Response:
    page = read_page(request, query)
    return answer_page(request, query, await issues.list_issues(work, query, page))


@router.get(
    "/api/projects/{project_id}/issues",
    **documented("List the issues of a project", Page[IssueView], errors=(errors.ProjectNotFound,)),
)
async def list_issues_of_project(
    request: Request,
    work: IssueViewer,
    project_id: UUID,
    query: Annotated[IssueQuery, Query()],
) -> Response:
    page = read_page(request, query)
    found = await issues.list_issues(work, query, page, project_id)
    return answer_page(request, query, found)


@router.post(
    "/api/projects/{project_id}/issues",
    **documented(
        "Report an issue", IssueView, 201, (errors.ProjectNotFound, errors.ProjectArchived)
    ),
)
async def create_issue(work: IssueCreator, project_id: UUID, body: NewIssue) -> Response:
    issue = await issues.create_issue(work, project_id, body)
    return answer_created(issue, f"/api/issues/{issue.id}")


@router.get(
    "/api/issues/{issue}",
    **documented("Read an issue, by id or key", IssueView, errors=(errors.IssueNotFound,)),
)
async def read_issue(request: Request, work: IssueViewer, issue: IssuePath) -> Response:
    return answer_thing(request, await issues.get_issue(work, issue))


@router.patch(
    "/api/issues/{issue}",
    **documented(
        "Change an issue",
        IssueView,
        errors=(
            errors.IssueNotFound,
            errors.NotYourIssue,
            errors.NotYoursToAssign,
            errors.ProjectArchived,
            errors.TransitionNotAllowed,
            errors.CommentNeeded,
        ),
    ),
)
async def change_issue(
    work: IssueEditor, issue: IssuePath, body: IssueChange, precondition: IfMatch
) -> Response:
    wanted = body.model_dump(exclude_unset=True)
    return answer_changed(await changes.change_issue(work, issue, wanted, precondition))


@router.get(
    "/api/issues/{issue}/history",
    **documented("Read who changed what, when", Page[HistoryEntry], errors=(errors.IssueNotFound,)),
)
async def list_history(
    request: Request,
    work: IssueViewer,
    issue: IssuePath,
    query: Annotated[PagedQuery, Query()],
) -> Response:
    found = await issues.list_history(work, issue, read_page(request, query))
    return answer_page(request, query, found)


@router.get(
    "/api/issues/{issue}/transitions",
    **documented(
        "Read where you may move an issue now", Transitions, errors=(errors.IssueNotFound,)
    ),
)
async def list_transitions(work: IssueViewer, issue: IssuePath) -> Response:
    return answer(Transitions(await changes.list_transitions(work, issue)))
