from typing import Any
from uuid import UUID

from lacewing.kernel import audit
from lacewing.kernel.db import UniqueViolation
from lacewing.kernel.events import emit
from lacewing.kernel.ids import new_id
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.kernel.preconditions import Precondition
from lacewing.kernel.work import Work
from lacewing.tracker import errors, events
from lacewing.tracker.permissions import may_edit_project
from lacewing.tracker.rules import key_from_name
from lacewing.tracker.schemas import NewProject, ProjectQuery, ProjectView
from lacewing.tracker.store import projects as store
from lacewing.tracker.store.projects import ProjectFilter

KEY_TRIES = 1_000


async def list_projects(work: Work, query: ProjectQuery, page: PageRequest) -> Slice[ProjectView]:
    wanted = ProjectFilter(
        search=query.search, is_archived=query.is_archived, reach=work.actor.project_ids
    )
    return await store.list_projects(work.session, wanted, query.sort, page)


async def get_project(work: Work, project_id: UUID) -> ProjectView:
    """The project with this id.

    Raises:
        ProjectNotFound: there is none.
    """
    project = await store.find_project(work.session, project_id)
    if project is None or not work.actor.reaches(project_id):
        raise errors.ProjectNotFound
    return project


async def find_project_by_key(work: Work, key: str) -> ProjectView | None:
    return await store.find_project_by_key(work.session, key)


async def create_project(work: Work, wanted: NewProject) -> ProjectView:
    """A new project of the actor's (PRJ-2).

    Raises:
        ProjectKeyTaken, ProjectNameTaken: another one has it.
    """
    await store.wait_to_create(work.session)
    key = wanted.key or await _free_key(work, wanted.name)
    project_id = new_id()
    try:
        await store.insert_project(
            work.session,
            project_id=project_id,
            key=key,
            name=wanted.name,
            description=wanted.description,
            created_by=work.actor.id,
            now=work.now,
        )
    except UniqueViolation as violation:
        taken = violation.is_about("name_key")
        raise (errors.ProjectNameTaken if taken else errors.ProjectKeyTaken) from violation
    await emit(work, events.ProjectCreated(project_id=project_id))
    await audit.record(work, "project.create", f"project:{project_id}")
    return await get_project(work, project_id)


async def _free_key(work: Work, name: str) -> str:
    wishes = [key_from_name(name, attempt) for attempt in range(KEY_TRIES)]
    taken = await store.taken_keys(work.session, wishes)
    for key in wishes:
        if key not in taken:
            return key
    raise errors.ProjectKeyTaken("No key could be made from this name; choose one.")


async def change_project(
    work: Work, project_id: UUID, changes: dict[str, Any], precondition: Precondition
) -> ProjectView:
    """Change, archive or bring back a project (PRJ-4, PRJ-5).

    Raises:
        NotYourProject: somebody else created it.
        ProjectArchived: it is archived, and not brought back by this very change.
        ProjectNameTaken: another one has that name.
    """
    project = await lock_own_project(work, project_id)
    precondition.check(project)
    different = {name: value for name, value in changes.items() if getattr(project, name) != value}
    if not different:
        return project
    if project.is_archived and different.get("is_archived") is not False:
        raise errors.ProjectArchived
    try:
        await store.update_project(work.session, project_id, **different, updated_at=work.now)
    except UniqueViolation as violation:
        raise errors.ProjectNameTaken from violation
    if different.get("is_archived"):
        await emit(work, events.ProjectArchived(project_id=project_id))
    else:
        await emit(work, events.ProjectChanged(project_id=project_id, fields=sorted(different)))
    await audit.record(work, _action(different), f"project:{project_id}")
    return await get_project(work, project_id)


def _action(changes: dict[str, Any]) -> str:
    """What the audit log calls these changes."""
    if "is_archived" not in changes:
        return "project.change"
    return "project.archive" if changes["is_archived"] else "project.restore"


async def get_own_project(work: Work, project_id: UUID) -> ProjectView:
    """The project, if the actor may edit it.

    Raises:
        ProjectNotFound: there is none.
        NotYourProject: somebody else created it.
    """
    return _own(work, await store.find_project(work.session, project_id))


async def lock_own_project(work: Work, project_id: UUID) -> ProjectView:
    """As ``get_own_project``; nobody else changes it until the transaction ends."""
    return _own(work, await store.lock_project(work.session, project_id))


def _own(work: Work, project: ProjectView | None) -> ProjectView:
    if project is None or not work.actor.reaches(project.id):
        raise errors.ProjectNotFound
    if not may_edit_project(work.actor, project.created_by.id):
        raise errors.NotYourProject
    return project
