"""Projects and issues as places that things of other domains belong to."""

from typing import Any
from uuid import UUID

import msgspec

from lacewing.kernel.work import Work
from lacewing.tracker import errors
from lacewing.tracker.rules import ISSUE_KEY
from lacewing.tracker.schemas import IssueRef, ProjectRef
from lacewing.tracker.service.issues import get_issue
from lacewing.tracker.service.projects import get_project
from lacewing.tracker.store import history, issues as issues_store, projects as projects_store


class Place(msgspec.Struct, frozen=True):
    """A project, or an issue in it."""

    project: ProjectRef
    issue: IssueRef | None = None
    in_archive: bool = False
    """Whether it was read-only when it was looked up; ``hold_place`` asks again."""


async def find_place(work: Work, project_id: UUID | None, issue: str | None) -> Place:
    """The issue that is named by id or key, else the project.

    Raises:
        ProjectNotFound, IssueNotFound: it is not there for the actor, or not in that project.
    """
    if issue is None:
        if project_id is None:
            raise errors.ProjectNotFound
        project = await get_project(work, project_id)
        shown = ProjectRef(project.id, project.key, project.name)
        return Place(shown, in_archive=project.is_archived)
    found = await get_issue(work, issue if ISSUE_KEY.fullmatch(issue) else _as_id(issue))
    if project_id not in {None, found.project.id}:
        raise errors.IssueNotFound("There is no such issue in that project.")
    in_archive = await issues_store.is_in_archive(work.session, found.id)
    return Place(found.project, IssueRef(found.id, found.key, found.title), in_archive)


def _as_id(issue: str) -> UUID:
    try:
        return UUID(issue)
    except ValueError:
        raise errors.IssueNotFound from None


async def hold_place(work: Work, place: Place) -> None:
    """Keep the place from being archived until the transaction ends.

    Raises:
        ProjectArchived: it is read-only (ISS-8).
    """
    if place.issue is not None:
        locked = await issues_store.lock_issue(work.session, place.issue.id)
        in_archive = locked is None or locked.in_archive
    else:
        in_archive = await projects_store.hold_project(work.session, place.project.id)
    if in_archive:
        raise errors.ProjectArchived


async def lock_issue(work: Work, issue_id: UUID) -> None:
    """Let nobody else change the issue, or what belongs to it, until the transaction ends.

    Archived or not: what is told of it there is no change of it.
    """
    await issues_store.lock_issue(work.session, issue_id)


async def note_in_history(work: Work, issue_id: UUID, field: str, before: Any, after: Any) -> None:
    """Write into the issue's history that the actor changed something that belongs to it."""
    row = history.entry_row(issue_id, work.now, work.actor_id, field, before, after)
    await history.insert_entries(work.session, [row])
