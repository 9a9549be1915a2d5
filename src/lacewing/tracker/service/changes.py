"""Changing an issue: who may change what, which steps it may take, and what is kept of it."""

from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from lacewing.accounts.public import Person
from lacewing.kernel.actor import Actor
from lacewing.kernel.events import emit
from lacewing.kernel.markdown import render_off_loop
from lacewing.kernel.preconditions import Precondition
from lacewing.kernel.transitions import is_step, next_states
from lacewing.kernel.work import Work
from lacewing.tracker import errors, events
from lacewing.tracker.permissions import may_assign_issue, may_edit_issue
from lacewing.tracker.rules import STEPS, Priority, Status, marks_of, needs_comment
from lacewing.tracker.schemas import IssueView, Transition
from lacewing.tracker.service.issues import IssueRef, find_issue_id, get_issue, resolve_assignee
from lacewing.tracker.service.mentions import find_mentioned
from lacewing.tracker.store import history as history_store, issues as store, search, watches


async def change_issue(
    work: Work, issue: IssueRef, wanted: dict[str, Any], precondition: Precondition
) -> IssueView:
    """Change what ``wanted`` names, as a whole or not at all (ISS-4).

    Raises:
        IssueNotFound: there is none.
        NotYourIssue, NotYoursToAssign: somebody else's.
        ProjectArchived: its project is read-only.
        TransitionNotAllowed, CommentNeeded: the issue can't go there now.
        Invalid: the new assignee is unknown or inactive.
        PreconditionFailed: it has changed since the client read it.
    """
    issue_id = await find_issue_id(work, issue)
    description_html = ""
    if "description" in wanted:
        description_html = await render_off_loop(wanted["description"])
    locked = await store.lock_issue(work.session, issue_id)
    if locked is None or not work.actor.reaches(locked.issue.project.id):
        raise errors.IssueNotFound
    current = locked.issue
    _permit(work.actor, current)
    precondition.check(current)
    changed = await _changed(work, current, wanted)
    fields = [
        name
        for name in current.__struct_fields__
        if getattr(current, name) != getattr(changed, name)
    ]
    if "assignee" in fields and not may_assign_issue(work.actor, current.reporter.id):
        raise errors.NotYoursToAssign
    if not fields:
        return current
    if locked.in_archive:
        raise errors.ProjectArchived
    _check_status(current, changed)
    changed = msgspec.structs.replace(changed, updated_at=work.now)
    if "description" in fields:
        changed = msgspec.structs.replace(changed, description_html=description_html)
    await _keep(work, current, changed, fields)
    return changed


def _permit(actor: Actor, issue: IssueView) -> None:
    assignee_id = None if issue.assignee is None else issue.assignee.id
    if not may_edit_issue(actor, issue.reporter.id, assignee_id):
        raise errors.NotYourIssue


async def _changed(work: Work, current: IssueView, wanted: dict[str, Any]) -> IssueView:
    changes = dict(wanted)
    if "assignee_id" in changes:
        changes["assignee"] = await _new_assignee(work, current, changes.pop("assignee_id"))
    return msgspec.structs.replace(current, **changes)


async def _new_assignee(work: Work, current: IssueView, who: str | None) -> Person | None:
    if who is None:
        return None
    if current.assignee is not None and who in {
        str(current.assignee.id),
        current.assignee.username,
    }:
        return current.assignee
    return await resolve_assignee(work, who)


def _check_status(current: IssueView, changed: IssueView) -> None:
    if changed.status is current.status:
        return
    refusal = _step_refusal(current, changed.status, changed.priority)
    if refusal is not None:
        raise refusal


def _step_refusal(
    current: IssueView, target: Status, priority: Priority
) -> errors.TransitionNotAllowed | errors.CommentNeeded | None:
    """Why the issue can't take that step now, or ``None``."""
    if not is_step(STEPS, current.status, target):
        allowed = next_states(STEPS, current.status)
        return errors.TransitionNotAllowed(
            f"From {current.status} the next steps are: {', '.join(allowed)}.",
            allowed=[state.value for state in allowed],
        )
    if needs_comment(target, priority, current.comment_count):
        return errors.CommentNeeded()
    return None


async def _keep(work: Work, before: IssueView, after: IssueView, fields: list[str]) -> None:
    columns: dict[str, Any] = {name: getattr(after, name) for name in fields}
    if "assignee" in columns:
        person = columns.pop("assignee")
        columns["assignee_id"] = None if person is None else person.id
    if "description" in columns:
        columns["description_html"] = after.description_html
    if "status" in columns:
        columns |= marks_of(after.status, after.created_at, work.now)
    await store.update_issue(work.session, before.id, **columns, updated_at=work.now)
    entries = [
        history_store.entry_row(
            before.id,
            work.now,
            work.actor.id,
            name,
            _plain(getattr(before, name)),
            _plain(getattr(after, name)),
        )
        for name in fields
    ]
    await history_store.insert_entries(work.session, entries)
    if {"title", "description"} & set(fields):
        await search.index_issue(work.session, before.id)
    await _tell(work, before, after, fields)


async def _tell(work: Work, before: IssueView, after: IssueView, fields: list[str]) -> None:
    ids = {"issue_id": after.id, "project_id": after.project.id}
    if "status" in fields:
        await emit(
            work,
            events.IssueStatusChanged(**ids, before=before.status.value, after=after.status.value),
        )
    if "assignee" in fields:
        assigned_before, assignee_id = _id(before.assignee), _id(after.assignee)
        if assignee_id is not None:
            await watches.unmute(work.session, after.id, assignee_id)
        await emit(
            work,
            events.IssueAssigned(**ids, assignee_id=assignee_id, assigned_before=assigned_before),
        )
    if others := sorted(set(fields) - {"status", "assignee"}):
        mentioned = await find_mentioned(work.session, after.description, before.description)
        await watches.add_watchers(work.session, after.id, mentioned)
        await emit(work, events.IssueChanged(**ids, fields=others, mentioned=mentioned))


def _id(person: Person | None) -> UUID | None:
    return None if person is None else person.id


def _plain(value: Any) -> Any:
    """A value as the history keeps it: people by id and username, days as text."""
    if isinstance(value, Person):
        return {"id": str(value.id), "username": value.username}
    if isinstance(value, date):
        return value.isoformat()
    return value


async def list_transitions(work: Work, issue: IssueRef) -> list[Transition]:
    """Each status, and whether the actor may move the issue there now (ISS-10)."""
    found = await get_issue(work, issue)
    obstacle: str | None = None
    try:
        _permit(work.actor, found)
    except errors.NotYourIssue as refusal:
        obstacle = refusal.detail
    if await store.is_in_archive(work.session, found.id):
        obstacle = errors.ProjectArchived.title
    return [_transition(found, target, obstacle) for target in Status]


def _transition(issue: IssueView, target: Status, obstacle: str | None) -> Transition:
    if target is issue.status:
        return Transition(target, allowed=False, reason="The issue is in this status already.")
    refusal = _step_refusal(issue, target, issue.priority)
    reason = obstacle or (None if refusal is None else refusal.detail)
    return Transition(target, allowed=reason is None, reason=reason)
