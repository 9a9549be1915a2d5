"""Watching issues: who hears of what happens to them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from lacewing.accounts.public import lock_person
from lacewing.kernel.db import Session
from lacewing.kernel.preconditions import Precondition
from lacewing.kernel.work import Work
from lacewing.tracker.rules import watchers_of
from lacewing.tracker.schemas import Watch
from lacewing.tracker.service.issues import IssueRef, get_issue
from lacewing.tracker.store import watches as store


async def get_watch(work: Work, issue: IssueRef) -> Watch:
    """Whether the actor watches the issue.

    Raises:
        IssueNotFound: there is none.
    """
    found = await get_issue(work, issue)
    return Watch(is_watching=await _is_watching(work, found.id))


async def watch(
    work: Work, issue: IssueRef, precondition: Precondition, *, is_watching: bool
) -> Watch:
    """Let the actor hear of the issue from now on, or no longer; twice is no error.

    Raises:
        IssueNotFound: there is none.
        PreconditionFailed: it has changed since the client read it.
    """
    found = await get_issue(work, issue)
    await lock_person(work.session, work.actor.id)
    precondition.check(Watch(is_watching=await _is_watching(work, found.id)))
    await store.choose(work.session, found.id, work.actor.id, is_watching=is_watching)
    return Watch(is_watching=is_watching)


async def _is_watching(work: Work, issue_id: UUID) -> bool:
    user_id = work.actor.id
    part = await store.find_part(work.session, issue_id, user_id)
    choices = {} if part.chosen is None else {user_id: part.chosen}
    return user_id in watchers_of([user_id] if part.is_involved else [], choices)


async def find_watchers(
    session: Session, issue_ids: Sequence[UUID]
) -> Mapping[UUID, frozenset[UUID]]:
    """Who watches each of these issues."""
    involved: dict[UUID, list[UUID]] = defaultdict(list)
    choices: dict[UUID, dict[UUID, bool]] = defaultdict(dict)
    for issue_id, user_id in await store.find_involved(session, issue_ids):
        involved[issue_id].append(user_id)
    for issue_id, user_id, is_watching in await store.find_choices(session, issue_ids):
        choices[issue_id][user_id] = is_watching
    return {issue_id: watchers_of(involved[issue_id], choices[issue_id]) for issue_id in issue_ids}
