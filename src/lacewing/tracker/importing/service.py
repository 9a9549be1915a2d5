"""Bringing imported issues in: in batches, each a transaction; run again, only what is new."""

from collections.abc import Iterator
from itertools import islice
from typing import Final
from uuid import UUID

from lacewing.accounts.public import Person, find_first_admin, import_person
from lacewing.kernel import audit
from lacewing.kernel.db import Parameters
from lacewing.kernel.events import emit
from lacewing.kernel.ids import new_id
from lacewing.kernel.markdown import render
from lacewing.kernel.records import BadRecord
from lacewing.kernel.work import Work
from lacewing.tracker import errors, events
from lacewing.tracker.importing.records import (
    ImportedComment,
    ImportedIssue,
    ImportFile,
    PullRequest,
    Record,
)
from lacewing.tracker.importing.report import ImportReport
from lacewing.tracker.rules import Priority, Status
from lacewing.tracker.schemas import CommentView, IssueView, ProjectRef, ProjectView
from lacewing.tracker.store import (
    comments as comments_store,
    history as history_store,
    imports as store,
    issues as issues_store,
    projects as projects_store,
    search,
)

BATCH: Final = 100
"""Records of one transaction: what a crash undoes at the most."""
IMPORTER: Final = "importer"
"""Who has created a project that came with an import, when nobody else can be named."""


class Import:
    """One run of an importer into one project."""

    def __init__(self, file: ImportFile, project_key: str) -> None:
        self.report = ImportReport(project=project_key, source=file.source)
        self._file = file
        self._people: dict[str, UUID] = {}

    def batches(self) -> Iterator[list[Record]]:
        """The records in batches, the oldest issue first, as numbers are given.

        Each batch is to be given to ``bring_in`` in a transaction.
        """
        records = iter(sorted(self._file.records, key=_number_of))
        while batch := list(islice(records, BATCH)):
            yield batch

    async def bring_in(self, work: Work, batch: list[Record]) -> None:
        """Add what is new of ``batch``.

        Raises:
            ProjectArchived: nothing can come in.
        """
        project = await self._project(work)
        self.report.records += len(batch)
        issues: list[ImportedIssue] = []
        for record in batch:
            match record:
                case ImportedIssue():
                    issues.append(record)
                case BadRecord():
                    self.report.bad_records.append(record)
                case PullRequest():
                    self.report.pull_requests_left_out += 1
        each_once = _first_of_each(issues)
        self.report.issues_known += len(issues) - len(each_once)
        await self._bring_in_issues(work, project, each_once)

    async def _project(self, work: Work) -> ProjectView:
        key = self.report.project
        project = await projects_store.find_project_by_key(work.session, key)
        if project is None:
            creator = await find_first_admin(work.session) or await self._person(work, IMPORTER)
            name = await store.free_project_name(work.session, [self._file.source, key])
            await projects_store.insert_project(
                work.session,
                project_id=new_id(),
                key=key,
                name=name,
                description=f"Imported from {self._file.source}.",
                created_by=creator,
                now=work.now,
            )
            project = await projects_store.find_project_by_key(work.session, key)
            assert project is not None
            await audit.record(work, "project.create", f"project:{project.id}")
        if project.is_archived:
            raise errors.ProjectArchived
        return project

    async def _bring_in_issues(
        self, work: Work, project: ProjectView, issues: list[ImportedIssue]
    ) -> None:
        known = await store.known_issues(
            work.session, project.id, [issue.external_id for issue in issues]
        )
        new = [issue for issue in issues if issue.external_id not in known]
        self.report.issues_known += len(issues) - len(new)
        if new:
            last = await projects_store.take_numbers(work.session, project.id, len(new))
            await self._add(work, project, new, first_number=last - len(new) + 1)
        for issue in issues:
            if issue.external_id in known:
                await self._add_new_comments(work, known[issue.external_id], issue)

    async def _add(
        self, work: Work, project: ProjectView, issues: list[ImportedIssue], first_number: int
    ) -> None:
        reference = ProjectRef(project.id, project.key, project.name)
        rows: list[Parameters] = []
        comment_rows: list[Parameters] = []
        history_rows: list[Parameters] = []
        for number, issue in enumerate(issues, start=first_number):
            view = await self._view(work, reference, number, issue)
            closed_at = (issue.closed_at or issue.updated_at) if issue.is_closed else None
            rows.append(issues_store.row_of(view, number, issue.external_id, closed_at))
            comment_rows += [
                comments_store.row_of(comment, external_id)
                for external_id, comment in await self._comments(work, view.id, issue)
            ]
            if closed_at is not None:
                history_rows.append(
                    history_store.entry_row(
                        view.id, closed_at, None, "status", Status.OPEN, Status.CLOSED
                    )
                )
        await issues_store.insert_issues(work.session, rows)
        await comments_store.insert_comments(work.session, comment_rows)
        await history_store.insert_entries(work.session, history_rows)
        for row in rows:
            await search.index_issue(work.session, row["id"])
        self.report.issues_added += len(rows)
        self.report.comments_added += len(comment_rows)
        counts = {"issues": len(rows), "comments": len(comment_rows)}
        await emit(
            work,
            events.IssuesImported(project_id=project.id, source=self._file.source, counts=counts),
        )
        await audit.record(work, "issues.import", f"project:{project.id}", details=counts)

    async def _view(
        self, work: Work, project: ProjectRef, number: int, issue: ImportedIssue
    ) -> IssueView:
        assignee = None
        if issue.assignees:
            assignee = await self._somebody(work, issue.assignees[0])
            self.report.assignees_left_out += len(issue.assignees) - 1
        return IssueView(
            id=new_id(),
            key=f"{project.key}-{number}",
            title=issue.title,
            description=issue.description,
            description_html=render(issue.description),
            status=Status.CLOSED if issue.is_closed else Status.OPEN,
            priority=Priority.MEDIUM,
            project=project,
            reporter=await self._somebody(work, issue.author),
            assignee=assignee,
            due_date=None,
            labels=list(dict.fromkeys(issue.labels)),
            created_at=issue.created_at,
            updated_at=issue.updated_at,
            comment_count=len(issue.comments),
        )

    async def _comments(
        self, work: Work, issue_id: UUID, issue: ImportedIssue
    ) -> list[tuple[str, CommentView]]:
        return [
            (
                external_id,
                CommentView(
                    id=new_id(),
                    issue=issue_id,
                    author=await self._somebody(work, comment.author),
                    content=comment.body,
                    content_html=render(comment.body),
                    created_at=comment.created_at,
                    updated_at=comment.updated_at,
                ),
            )
            for external_id, comment in _comments_by_id(issue.comments).items()
        ]

    async def _add_new_comments(self, work: Work, issue_id: UUID, issue: ImportedIssue) -> None:
        await issues_store.lock_issue(work.session, issue_id)  # a comment made meanwhile waits
        known = await store.known_comments(work.session, issue_id)
        found = await self._comments(work, issue_id, issue)
        rows: list[Parameters] = [
            comments_store.row_of(comment, external_id)
            for external_id, comment in found
            if external_id not in known
        ]
        self.report.comments_known += len(found) - len(rows)
        if not rows:
            return
        await comments_store.insert_comments(work.session, rows)
        await store.count_comments(work.session, issue_id, len(rows))
        await search.index_issue(work.session, issue_id)
        self.report.comments_added += len(rows)

    async def _somebody(self, work: Work, username: str) -> Person:
        return Person(await self._person(work, username), username, None)

    async def _person(self, work: Work, username: str) -> UUID:
        if username not in self._people:
            user_id, is_new = await import_person(work.session, username, work.now)
            self._people[username] = user_id
            self.report.users_added += is_new
        return self._people[username]


def _number_of(record: Record) -> int:
    return record.number if isinstance(record, ImportedIssue) else 0


def _first_of_each(issues: list[ImportedIssue]) -> list[ImportedIssue]:
    by_id: dict[str, ImportedIssue] = {}
    for issue in issues:
        by_id.setdefault(issue.external_id, issue)
    return list(by_id.values())


def _comments_by_id(comments: list[ImportedComment]) -> dict[str, ImportedComment]:
    """The comments by what tells them apart: who said it, when, and which of several at once."""
    found: dict[str, ImportedComment] = {}
    for comment in comments:
        moment = f"{comment.created_at.isoformat()} {comment.author}"
        place = 1
        while f"{moment} {place}" in found:
            place += 1
        found[f"{moment} {place}"] = comment
    return found
