from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

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
from lacewing.tracker import errors
from lacewing.tracker.http.parameters import ProjectCreator, ProjectEditor, ProjectViewer
from lacewing.tracker.schemas import NewProject, ProjectChange, ProjectQuery, ProjectView
from lacewing.tracker.service import projects

router = make_router("projects")


@router.get("/api/projects", **documented("List projects", Page[ProjectView]))
async def list_projects(
    request: Request, work: ProjectViewer, query: Annotated[ProjectQuery, Query()]
) -> Response:
    page = read_page(request, query)
    return answer_page(request, query, await projects.list_projects(work, query, page))


@router.post(
    "/api/projects",
    **documented(
        "Create a project",
        ProjectView,
        201,
        (errors.ProjectKeyTaken, errors.ProjectNameTaken),
    ),
)
async def create_project(work: ProjectCreator, body: NewProject) -> Response:
    project = await projects.create_project(work, body)
    return answer_created(project, f"/api/projects/{project.id}")


@router.get(
    "/api/projects/{project_id}",
    **documented("Read a project", ProjectView, errors=(errors.ProjectNotFound,)),
)
async def read_project(request: Request, work: ProjectViewer, project_id: UUID) -> Response:
    return answer_thing(request, await projects.get_project(work, project_id))


@router.patch(
    "/api/projects/{project_id}",
    **documented(
        "Change a project, or bring it back from the archive",
        ProjectView,
        errors=(
            errors.ProjectNotFound,
            errors.NotYourProject,
            errors.ProjectArchived,
            errors.ProjectNameTaken,
        ),
    ),
)
async def change_project(
    work: ProjectEditor, project_id: UUID, body: ProjectChange, precondition: IfMatch
) -> Response:
    changes = body.model_dump(exclude_unset=True)
    return answer_changed(await projects.change_project(work, project_id, changes, precondition))


@router.delete(
    "/api/projects/{project_id}",
    **documented(
        "Archive a project; nothing is deleted",
        None,
        204,
        (errors.ProjectNotFound, errors.NotYourProject),
    ),
)
async def archive_project(work: ProjectEditor, project_id: UUID, precondition: IfMatch) -> Response:
    await projects.change_project(work, project_id, {"is_archived": True}, precondition)
    return no_content()
