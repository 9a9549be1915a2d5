"""Watching issues: who hears of what happens to them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

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
    watchers = await find_watchers(work.session, [found.id])
    return Watch(is_watching=work.actor.id in watchers[found.id])


async def watch(
    work: Work, issue: IssueRef, precondition: Precondition, *, is_watching: bool
) -> Watch:
    """Let the actor hear of the issue from now on, or no longer; twice is no error.

    Raises:
        IssueNotFound: there is none.
        PreconditionFailed: it has changed since the client read it.
    """
    precondition.check(await get_watch(work, issue))
    found = await get_issue(work, issue)
    await store.choose(work.session, found.id, work.actor.id, is_watching=is_watching)
    return Watch(is_watching=is_watching)


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
