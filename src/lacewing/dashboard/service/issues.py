from datetime import UTC, date
from uuid import UUID

import msgspec

from lacewing.dashboard.links import linked
from lacewing.dashboard.schemas import IssueFigures, Overview, ProjectFigures
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.kernel.work import Work
from lacewing.tracker.public import (
    Figures,
    ProjectQuery,
    ProjectRef,
    find_place,
    list_projects,
    read_figures,
    read_figures_of,
)


async def read_overview(work: Work, page: PageRequest, project_id: UUID | None) -> Overview:
    """How it stands with the issues of one project; or over all, and with a page of projects.

    Raises:
        ProjectNotFound: there is no such project for the actor.
    """
    if project_id is not None:
        place = await find_place(work, project_id, None)
        [figures] = await read_figures_of(work, [project_id])
        return Overview(linked(figures, project_id, _today(work)), place.project, Slice([], None))
    everywhere = await read_figures(work)
    found = await list_projects(work, ProjectQuery(), page)
    projects = [ProjectRef(each.id, each.key, each.name) for each in found.items]
    each_figures = await read_figures_of(work, [project.id for project in projects])
    today = _today(work)
    shown = [
        _of_project(project, figures, today)
        for project, figures in zip(projects, each_figures, strict=True)
    ]
    return Overview(linked(everywhere, None, today), None, Slice(shown, found.last_key))


def _of_project(project: ProjectRef, figures: Figures, today: date) -> ProjectFigures:
    shown: IssueFigures = linked(figures, project.id, today)
    return ProjectFigures(project=project, **msgspec.structs.asdict(shown))


def _today(work: Work) -> date:
    return work.now.astimezone(UTC).date()
