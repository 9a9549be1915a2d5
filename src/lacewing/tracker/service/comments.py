from uuid import UUID

from lacewing.accounts.public import Person
from lacewing.kernel.events import emit
from lacewing.kernel.ids import new_id
from lacewing.kernel.markdown import render_off_loop
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.kernel.preconditions import Precondition
from lacewing.kernel.work import Work
from lacewing.tracker import errors, events
from lacewing.tracker.schemas import CommentView
from lacewing.tracker.service.issues import IssueRef, find_issue_id, get_issue
from lacewing.tracker.service.mentions import find_mentioned
from lacewing.tracker.store import (
    comments as store,
    history as history_store,
    issues as issues_store,
    search,
    watches,
)


async def list_comments(work: Work, issue: IssueRef, page: PageRequest) -> Slice[CommentView]:
    """One page of an issue's comments, oldest first (COM-1)."""
    found = await get_issue(work, issue)
    return await store.list_comments(work.session, found.id, page)


async def get_comment(work: Work, comment_id: UUID) -> CommentView:
    """The comment.

    Raises:
        CommentNotFound: there is none.
    """
    found = await store.find_comment(work.session, comment_id)
    if found is None or not await _reaches(work, found.issue):
        raise errors.CommentNotFound
    return found


async def _reaches(work: Work, issue_id: UUID) -> bool:
    if work.actor.project_ids is None:
        return True
    issue = await issues_store.find_issue(work.session, issue_id)
    return issue is not None and work.actor.reaches(issue.project.id)


async def create_comment(work: Work, issue: IssueRef, content: str) -> CommentView:
    """A new comment of the actor's (COM-2).

    Raises:
        IssueNotFound: there is none.
        ProjectArchived: its project is read-only.
    """
    issue_id = await find_issue_id(work, issue)
    content_html = await render_off_loop(content)
    locked = await issues_store.lock_issue(work.session, issue_id)
    if locked is None or not work.actor.reaches(locked.issue.project.id):
        raise errors.IssueNotFound
    if locked.in_archive:
        raise errors.ProjectArchived
    actor = work.actor
    comment = CommentView(
        id=new_id(),
        issue=issue_id,
        author=Person(actor.id, actor.username, actor.full_name),
        content=content,
        content_html=content_html,
        created_at=work.now,
        updated_at=work.now,
    )
    await store.insert_comment(work.session, comment)
    await issues_store.count_comment(work.session, issue_id, work.now)
    await search.index_issue(work.session, issue_id)
    mentioned = await find_mentioned(work.session, content)
    await watches.unmute(work.session, issue_id, actor.id)
    await watches.add_watchers(work.session, issue_id, mentioned)
    await emit(
        work,
        events.CommentCreated(
            comment_id=comment.id,
            issue_id=issue_id,
            project_id=locked.issue.project.id,
            mentioned=mentioned,
        ),
    )
    return comment


async def change_comment(
    work: Work, comment_id: UUID, content: str, precondition: Precondition
) -> CommentView:
    """Edit one's own comment; the earlier text stays in the issue's history (COM-3, COM-4).

    Raises:
        CommentNotFound: there is none.
        NotYourComment: somebody else wrote it.
        ProjectArchived: its project is read-only.
        PreconditionFailed: it has changed since the client read it.
    """
    content_html = await render_off_loop(content)
    seen = await get_comment(work, comment_id)
    if seen.author.id != work.actor.id:
        raise errors.NotYourComment
    locked = await issues_store.lock_issue(work.session, seen.issue)
    assert locked is not None
    current = await get_comment(work, comment_id)
    precondition.check(current)
    if content == current.content:
        return current
    if locked.in_archive:
        raise errors.ProjectArchived
    await store.update_comment(
        work.session, comment_id, content=content, content_html=content_html, updated_at=work.now
    )
    entry = history_store.entry_row(
        current.issue,
        work.now,
        work.actor.id,
        "comment",
        current.content,
        content,
        comment_id,
    )
    await history_store.insert_entries(work.session, [entry])
    await search.index_issue(work.session, current.issue)
    mentioned = await find_mentioned(work.session, content, before=current.content)
    await watches.add_watchers(work.session, current.issue, mentioned)
    await emit(
        work,
        events.CommentChanged(
            comment_id=comment_id,
            issue_id=current.issue,
            project_id=locked.issue.project.id,
            mentioned=mentioned,
        ),
    )
    return await get_comment(work, comment_id)
