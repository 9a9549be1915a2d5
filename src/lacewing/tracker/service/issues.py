from datetime import UTC, date, datetime, time
from uuid import UUID

from lacewing.accounts.public import Person, find_active_person, find_person_id
from lacewing.kernel.errors import invalid_field
from lacewing.kernel.events import emit
from lacewing.kernel.ids import new_id
from lacewing.kernel.markdown import render_off_loop
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.kernel.work import Work
from lacewing.tracker import errors, events
from lacewing.tracker.rules import ISSUE_KEY, Status
from lacewing.tracker.schemas import HistoryEntry, IssueQuery, IssueView, NewIssue
from lacewing.tracker.service.mentions import find_mentioned
from lacewing.tracker.service.projects import get_project
from lacewing.tracker.store import (
    history as history_store,
    issues as store,
    listing,
    projects as projects_store,
    search,
    watches,
)
from lacewing.tracker.store.listing import IssueFilter
from lacewing.tracker.store.snippets import with_snippets

ME = "me"
NOBODY = "none"

IssueRef = UUID | str
"""An issue's id, or its key as in ``WEB-42``."""


async def find_issue_id(work: Work, issue: IssueRef) -> UUID:
    """The id of the issue that is named by id or key.

    Raises:
        IssueNotFound: there is none.
    """
    if isinstance(issue, UUID):
        return issue
    match = ISSUE_KEY.fullmatch(issue)
    assert match is not None
    found = await store.find_issue_id(work.session, match[1].upper(), int(match[2]))
    if found is None:
        raise errors.IssueNotFound
    return found


async def get_issue(work: Work, issue: IssueRef) -> IssueView:
    """The issue.

    Raises:
        IssueNotFound: there is none.
    """
    found = await store.find_issue(work.session, await find_issue_id(work, issue))
    if found is None or not work.actor.reaches(found.project.id):
        raise errors.IssueNotFound
    return found


async def list_issues(
    work: Work, query: IssueQuery, page: PageRequest, project_id: UUID | None = None
) -> Slice[IssueView]:
    """One page of issues, of one project or over all (ISS-1).

    Raises:
        ProjectNotFound: there is no such project.
        Invalid: a person that is filtered by is unknown.
    """
    if project_id is not None:
        await get_project(work, project_id)
    assignees, not_assignees = query.assignee, query.assignee_not
    wanted = IssueFilter(
        project_id=project_id,
        reach=work.actor.project_ids,
        status=query.status,
        priority=query.priority,
        assignee_ids=await _people(work, "assignee", assignees),
        or_unassigned=NOBODY in (assignees or ()),
        not_assignee_ids=await _people(work, "assignee_not", not_assignees),
        and_assigned=NOBODY in (not_assignees or ()),
        reporter_ids=await _people(work, "reporter", query.reporter),
        label=query.label,
        due_before=query.due_before,
        created_from=_midnight(query.created_from),
        created_before=_midnight(query.created_before),
        closed_from=_midnight(query.closed_from),
        closed_before=_midnight(query.closed_before),
        search=query.search,
    )
    found = await listing.list_issues(work.session, wanted, query.sort, page)
    if query.search is None:
        return found
    shown = await with_snippets(work.session, found.items, query.search)
    return Slice(shown, found.last_key, found.total)


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)


async def _people(work: Work, parameter: str, names: list[str] | None) -> list[UUID] | None:
    if names is None:
        return None
    found: list[UUID] = []
    for name in names:
        if name == ME:
            found.append(work.actor.id)
        elif name != NOBODY or parameter == "reporter":
            person = await find_person_id(work.session, name)
            if person is None:
                raise invalid_field(
                    "query", parameter, f"there is no user {name!r}", "unknown_user"
                )
            found.append(person)
    return found


async def resolve_assignee(work: Work, who: str) -> Person:
    """The active user with this id or username.

    Raises:
        Invalid: unknown or inactive (ISS-9).
    """
    found = await find_active_person(work.session, who)
    if found is None:
        raise invalid_field(
            "body",
            "assignee_id",
            "there is no active user with this id or username",
            "unknown_user",
        )
    return found


async def create_issue(work: Work, project_id: UUID, wanted: NewIssue) -> IssueView:
    """A new, open issue, reported by the actor, with the project's next number (ISS-2).

    Raises:
        ProjectNotFound, ProjectArchived: nothing can be created there.
        Invalid: the assignee is unknown or inactive.
    """
    if not work.actor.reaches(project_id):
        raise errors.ProjectNotFound
    assignee = None
    if wanted.assignee_id is not None:
        assignee = await resolve_assignee(work, wanted.assignee_id)
    description_html = await render_off_loop(wanted.description)
    taken = await projects_store.take_number(work.session, project_id)
    if taken is None:
        if await projects_store.find_project(work.session, project_id) is None:
            raise errors.ProjectNotFound
        raise errors.ProjectArchived
    actor = work.actor
    issue = IssueView(
        id=new_id(),
        key=f"{taken.project.key}-{taken.number}",
        title=wanted.title,
        description=wanted.description,
        description_html=description_html,
        status=Status.OPEN,
        priority=wanted.priority,
        project=taken.project,
        reporter=Person(actor.id, actor.username, actor.full_name),
        assignee=assignee,
        due_date=wanted.due_date,
        labels=wanted.labels,
        created_at=work.now,
        updated_at=work.now,
        comment_count=0,
    )
    await store.insert_issue(work.session, issue, taken.number)
    await search.index_issue(work.session, issue.id)
    mentioned = await find_mentioned(work.session, issue.description)
    await watches.add_watchers(work.session, issue.id, mentioned)
    await emit(
        work,
        events.IssueCreated(
            issue_id=issue.id,
            project_id=project_id,
            assignee_id=None if assignee is None else assignee.id,
            mentioned=mentioned,
        ),
    )
    return issue


async def list_history(work: Work, issue: IssueRef, page: PageRequest) -> Slice[HistoryEntry]:
    """Who changed which field from what to what, when; oldest first (ISS-5)."""
    found = await get_issue(work, issue)
    return await history_store.list_history(work.session, found.id, page)
