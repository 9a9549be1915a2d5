"""What people do in these tests, in one line each, and how to see that nothing happened."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from sqlalchemy import select

from lacewing.kernel.audit.tables import audit_log
from lacewing.kernel.events.tables import outbox
from lacewing.tracker.tables import comments, issue_history, issue_labels, issues, projects
from tests.support.house import House, Member

Json = dict[str, Any]

PAGES_MAX = 200
"""A walk that needs more pages runs in a circle."""

_STATE = {
    "projects": select(projects).order_by(projects.c.id),
    "issues": select(issues).order_by(issues.c.id),
    "labels": select(issue_labels).order_by(issue_labels.c.issue_id, issue_labels.c.label),
    "comments": select(comments).order_by(comments.c.id),
    "history": select(issue_history).order_by(issue_history.c.id),
    "events": select(outbox.c.id, outbox.c.name).order_by(outbox.c.id),
    # That somebody was refused is kept too, and is no change.
    "audit": select(audit_log.c.id)
    .where(audit_log.c.action != "access.denied")
    .order_by(audit_log.c.id),
}


@asynccontextmanager
async def nothing_changes(house: House) -> AsyncGenerator[None, None]:
    """What happens in the block leaves no trace, and tells nobody anything."""
    before = {name: await house.rows(statement) for name, statement in _STATE.items()}
    yield  # ruff: ignore[fallible-context-manager]  a test that failed already compares nothing
    after = {name: await house.rows(statement) for name, statement in _STATE.items()}
    assert after == before


async def new_project(member: Member, name: str, **fields: Any) -> Json:
    return _made(await member.api.post("/api/projects", json={"name": name, **fields}))


async def new_issue(
    member: Member, project: Json, title: str = "Login fails", **fields: Any
) -> Json:
    path = f"/api/projects/{project['id']}/issues"
    return _made(await member.api.post(path, json={"title": title, **fields}))


async def new_comment(member: Member, issue: Json, content: str = "Seen here too.") -> Json:
    path = f"/api/issues/{issue['id']}/comments"
    return _made(await member.api.post(path, json={"content": content}))


def _made(answer: httpx.Response) -> Json:
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


async def change(member: Member, issue: Json, **fields: Any) -> httpx.Response:
    return await member.api.patch(f"/api/issues/{issue['id']}", json=fields)


async def move(member: Member, issue: Json, *statuses: str) -> Json:
    """Take the issue through ``statuses``, one after the other."""
    moved = issue
    for status in statuses:
        answer = await change(member, issue, status=status)
        assert answer.status_code == 200, answer.text
        moved = answer.json()
    return moved


async def archive(member: Member, project: Json) -> None:
    answer = await member.api.delete(f"/api/projects/{project['id']}")
    assert answer.status_code == 204, answer.text


async def read(member: Member, path: str, **params: Any) -> Json:
    answer = await member.api.get(path, params=params)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def titles(member: Member, path: str = "/api/issues", **params: Any) -> list[str]:
    """The titles of the issues on the first page."""
    return [issue["title"] for issue in (await read(member, path, **params))["data"]]


async def walk(member: Member, path: str, **params: Any) -> list[Json]:
    """All rows, by cursor."""
    rows: list[Json] = []
    for _ in range(PAGES_MAX):
        page = await read(member, path, **params)
        rows += page["data"]
        assert page["has_more"] is (page["next_cursor"] is not None)
        if not page["has_more"]:
            return rows
        params["cursor"] = page["next_cursor"]
    raise AssertionError("the cursor leads in a circle")


async def walk_numbered(member: Member, path: str, **params: Any) -> list[Json]:
    """All rows, by page number."""
    rows: list[Json] = []
    for number in range(1, PAGES_MAX):
        page = await read(member, path, page=number, **params)
        rows += page["data"]
        if not page["has_more"]:
            assert page["total"] == len(rows)
            assert page["total_is_exact"] is True
            return rows
    raise AssertionError("the pages never end")


def faults(answer: httpx.Response) -> list[list[str | int]]:
    """Which fields a 422 names."""
    assert answer.status_code == 422, answer.text
    return [error["loc"] for error in answer.json()["errors"]]
