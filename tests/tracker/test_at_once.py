"""What happens when several people act upon the same thing at the same moment."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select, text

from lacewing.kernel.db import transaction
from lacewing.tracker.jobs import index_all_issues
from lacewing.tracker.tables import issues
from tests.support.house import House, Member
from tests.tracker.acts import (
    Json,
    change,
    move,
    new_comment,
    new_issue,
    new_project,
    read,
    titles,
    walk,
)


def _statuses(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


async def test_of_two_changes_with_one_tag_one_wins(
    maria: Member, mona: Member, project: Json, issue: Json
) -> None:
    """API-9: the other gets 412 and overwrites nothing; so with issues, comments and projects."""
    comment = await new_comment(maria, issue)
    things = [
        (maria, f"/api/issues/{issue['id']}", "title"),
        (maria, f"/api/comments/{comment['id']}", "content"),
        (mona, f"/api/projects/{project['id']}", "name"),
    ]
    for member, path, field in things:
        tag = (await member.api.get(path)).headers["ETag"]

        answers = await asyncio.gather(
            *(
                member.api.patch(path, json={field: f"Text {number}"}, headers={"If-Match": tag})
                for number in range(5)
            )
        )

        assert _statuses(answers) == {200: 1, 412: 4}
        winner = next(answer.json() for answer in answers if answer.status_code == 200)
        assert (await read(member, path))[field] == winner[field]


async def test_a_step_taken_by_many_at_once_is_taken_once(
    maria: Member, mona: Member, issue: Json
) -> None:
    """ISS-6, ISS-5: one entry in the history; the others find it done."""
    answers = await asyncio.gather(
        *(change(member, issue, status="in_progress") for member in (maria, mona) * 5)
    )

    history = await walk(maria, f"/api/issues/{issue['id']}/history")
    assert _statuses(answers) == {200: 10}
    assert [(entry["before"], entry["after"]) for entry in history] == [("open", "in_progress")]


async def test_closing_and_reopening_at_once_leaves_a_way_that_is_allowed(
    maria: Member, mona: Member, project: Json
) -> None:
    """ISS-6: each step is judged by the status that it starts from."""
    for number in range(5):
        issue = await new_issue(maria, project, f"Number {number}")
        await move(maria, issue, "in_progress", "resolved")

        closed, reopened = await asyncio.gather(
            change(maria, issue, status="closed"), change(mona, issue, status="reopened")
        )

        entries = await walk(maria, f"/api/issues/{issue['id']}/history")
        steps = [(entry["before"], entry["after"]) for entry in entries][2:]
        assert reopened.status_code == 200
        if closed.status_code == 200:
            assert steps == [("resolved", "closed"), ("closed", "reopened")]
        else:
            assert closed.status_code == 409
            assert steps == [("resolved", "reopened")]


async def test_forty_comments_at_once_are_all_counted(
    maria: Member, noor: Member, issue: Json
) -> None:
    """COM-2: `comment_count` is the number of comments, under concurrency too."""
    await asyncio.gather(
        *(
            new_comment((maria, noor)[number % 2], issue, f"Mark{number} here")
            for number in range(40)
        )
    )

    comments = await walk(maria, f"/api/issues/{issue['id']}/comments", limit=100)
    assert (await read(maria, f"/api/issues/{issue['id']}"))["comment_count"] == 40
    assert len({comment["id"] for comment in comments}) == 40
    for number in (0, 17, 39):
        assert await titles(maria, search=f"mark{number}") == ["Login fails"]


async def test_comments_edited_at_once_are_all_found(
    maria: Member, noor: Member, issue: Json
) -> None:
    """ISS-1, COM-3: nobody indexes over what another has just written."""
    said = [await new_comment((maria, noor)[number % 2], issue) for number in range(8)]

    answers = await asyncio.gather(
        *(
            (maria, noor)[number % 2].api.patch(
                f"/api/comments/{comment['id']}", json={"content": f"Edit{number} of it"}
            )
            for number, comment in enumerate(said)
        ),
        change(maria, issue, title="Signup fails"),
    )

    assert _statuses(answers) == {200: 9}
    for number in range(8):
        assert await titles(maria, search=f"edit{number} signup") == ["Signup fails"]
    assert len(await walk(maria, f"/api/issues/{issue['id']}/history")) == 9


async def test_nothing_comes_in_after_the_answer_that_a_project_is_archived(
    maria: Member, mona: Member, project: Json, issue: Json
) -> None:
    """ISS-8: what was under way is in before it, or refused."""

    async def state() -> tuple[Any, ...]:
        path = f"/api/projects/{project['id']}/issues"
        found = await walk(mona, path, limit=100)
        return sorted((row["id"], row["title"], row["comment_count"]) for row in found), len(found)

    async def archive_and_look() -> tuple[Any, ...]:
        answer = await mona.api.delete(f"/api/projects/{project['id']}")
        assert answer.status_code == 204
        return await state()

    async def act(number: int) -> httpx.Response:
        if number % 3 == 0:
            path = f"/api/projects/{project['id']}/issues"
            return await maria.api.post(path, json={"title": f"New {number}"})
        if number % 3 == 1:
            path = f"/api/issues/{issue['id']}/comments"
            return await maria.api.post(path, json={"content": f"Said {number}"})
        return await change(maria, issue, title=f"Title {number}")

    before, after = range(12), range(12, 30)
    done = await asyncio.gather(*map(act, before), archive_and_look(), *map(act, after))

    answers = [answer for answer in done if isinstance(answer, httpx.Response)]
    at_archiving = next(found for found in done if not isinstance(found, httpx.Response))
    assert set(_statuses(answers)) <= {200, 201, 409}
    assert await state() == at_archiving
    made = sum(answer.status_code == 201 and "key" in answer.json() for answer in answers)
    assert at_archiving[1] == made + 1


async def _wait_until_blocked(house: House, how_many: int, *tasks: asyncio.Task[Any]) -> None:
    """Return when so many wait for locks, or one of ``tasks`` is done. SQLite lets all queue."""
    if house.database.dialect == "sqlite":
        return
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    while not any(task.done() for task in tasks):
        if (await house.rows(waiting))[0][0] >= how_many:
            return


async def test_archiving_waits_for_what_is_under_way(
    house: House, maria: Member, mona: Member, project: Json, issue: Json
) -> None:
    """ISS-8: a comment that was let in is in when the archiving is answered."""
    path = f"/api/issues/{issue['id']}"
    is_it = issues.c.id == UUID(issue["id"])
    async with transaction(house.database) as session:
        await session.scalar(select(issues.c.id).where(is_it).with_for_update())
        comment = asyncio.create_task(new_comment(maria, issue))
        await _wait_until_blocked(house, 1, comment)
        archiving = asyncio.create_task(mona.api.delete(f"/api/projects/{project['id']}"))
        await _wait_until_blocked(house, 2, comment, archiving)

        assert not archiving.done()

    await asyncio.gather(comment, archiving)
    assert archiving.result().status_code == 204
    assert (await read(maria, path))["comment_count"] == 1


async def test_all_acts_at_once_wait_for_no_one_in_a_circle(
    maria: Member, noor: Member, mona: Member, project: Json
) -> None:
    """API-4: locks are taken in one order; a deadlock would be a 503."""
    reported = [await new_issue(maria, project, f"Number {number}") for number in range(2)]
    said = [await new_comment(noor, issue) for issue in reported]
    project_path = f"/api/projects/{project['id']}"

    def acts(number: int) -> list[Any]:
        issue, comment = reported[number % 2], said[number % 2]
        return [
            change(maria, issue, title=f"Title {number}", labels=[f"label {number % 3}", "b"]),
            change(mona, issue, assignee_id=("maria", "noor")[number % 2]),
            noor.api.patch(f"/api/comments/{comment['id']}", json={"content": f"C {number}"}),
            maria.api.post(f"/api/issues/{issue['id']}/comments", json={"content": "C"}),
            noor.api.post(f"{project_path}/issues", json={"title": "T"}),
            mona.api.patch(project_path, json={"description": f"D {number}"}),
        ]

    answers = await asyncio.gather(*(act for number in range(12) for act in acts(number)))

    assert _statuses(answers) == {200: 48, 201: 24}
    for issue in reported:
        assert (await read(maria, f"/api/issues/{issue['id']}"))["comment_count"] == 7
    keys = [row["key"] for row in await walk(maria, f"{project_path}/issues", limit=100)]
    assert sorted(keys) == sorted(f"WEB-{number}" for number in range(1, 15))


async def test_made_keys_differ_when_made_at_once(mona: Member) -> None:
    """PRJ-2: nobody is told that a key which they never chose is taken."""
    words = ["shop", "store", "site", "server", "search", "sales", "sign", "session"]

    made = await asyncio.gather(*(new_project(mona, f"Web {word}") for word in words))

    assert {project["key"] for project in made} == {
        "WS",
        *(f"WS{number}" for number in range(2, 9)),
    }


async def test_of_equal_names_at_once_one_is_taken(mona: Member, adam: Member) -> None:
    """PRJ-2: the database decides."""
    answers = await asyncio.gather(
        *(
            member.api.post("/api/projects", json={"name": "Till", "key": f"T{number}"})
            for number, member in enumerate((mona, adam) * 4)
        )
    )

    assert _statuses(answers) == {201: 1, 409: 7}


async def test_an_index_made_anew_misses_nothing_written_meanwhile(
    house: House, maria: Member, project: Json
) -> None:
    """ISS-1: indexing and writing wait for each other."""
    made = [await new_issue(maria, project, f"Before{number}") for number in range(10)]

    count, answers = await asyncio.gather(
        index_all_issues(lambda: transaction(house.database)),
        asyncio.gather(
            *(change(maria, issue, title=f"After{number}") for number, issue in enumerate(made))
        ),
    )

    assert count == 10
    assert _statuses(answers) == {200: 10}
    for number in range(10):
        assert await titles(maria, search=f"after{number}") == [f"After{number}"]
        assert await titles(maria, search=f"before{number}") == []
