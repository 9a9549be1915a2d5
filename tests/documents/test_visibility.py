"""Who sees a document, and who may remove it, on every route that there is for documents."""

import asyncio
from dataclasses import dataclass

import httpx
import pytest
from sqlalchemy import select

from lacewing.documents.rules import REMOVE_FILE
from lacewing.kernel.actor import Role
from lacewing.kernel.audit.tables import audit_log
from lacewing.kernel.jobs.tables import jobs
from tests.documents.acts import (
    ASK_SECONDS,
    DEADLINE_SECONDS,
    FORM_TYPE,
    PAPER,
    UPLOAD,
    delete,
    events,
    get,
    nothing_is_kept,
    path_of,
    stored_files,
    upload,
    upload_processed,
)
from tests.support.house import House, Member
from tests.support.uploading import form_of
from tests.tracker.acts import Json, archive, change, faults, new_issue, new_project, read

LIST = "/api/documents"
NOBODYS_ID = "019a0000-0000-7000-8000-000000000000"
ROUTES = (
    ("GET", "", 200),
    ("GET", "/status", 200),
    ("GET", "/result", 200),
    ("GET", "/download", 200),
    ("POST", "/process", 200),
    ("DELETE", "", 204),
)
"""What there is below a document, and what it answers of a COMPLETED one."""
LISTS: tuple[Json, ...] = (
    {},
    {"page": 1},
    {"search": "quarterly"},
    {"search": "quarterly", "page": 1},
    {"search": "-absent"},
    {"status": "COMPLETED,UPLOADED"},
)


async def _ids(member: Member, **params: object) -> list[str]:
    return [each["document_id"] for each in (await read(member, LIST, **params))["data"]]


# Private ones


async def test_a_private_document_of_another_is_not_there(
    house: House, maria: Member, noor: Member, mona: Member
) -> None:
    """DOC-11: 404 for developers and managers, as for an id that is nobody's; nothing changes."""
    document = await upload_processed(maria)

    for method, what, status in ROUTES:
        unknown = await noor.api.request(method, f"{LIST}/{NOBODYS_ID}{what}")
        async with nothing_is_kept(house):
            answers = [
                await member.api.request(method, path_of(document, what)) for member in (noor, mona)
            ]
        mine = await maria.api.request(method, path_of(document, what))

        assert (unknown.status_code, mine.status_code) == (404, status), what
        for answer in answers:
            assert (answer.status_code, answer.json()["type"]) == (404, "document-not-found"), what
            assert answer.json()["detail"] == unknown.json()["detail"]


async def test_an_administrator_sees_everything(maria: Member, adam: Member) -> None:
    """DOC-11: private ones of others too, to read and to remove."""
    document = await upload_processed(maria)

    answers = [
        await adam.api.request(method, path_of(document, what)) for method, what, _ in ROUTES
    ]

    assert [answer.status_code for answer in answers] == [status for _, _, status in ROUTES]


@pytest.mark.one_database
async def test_nobody_sees_anything_who_is_not_signed_in(
    house: House, maria: Member, project: Json
) -> None:
    """DOC-11: 401 even for what everybody sees; nothing changes."""
    document = await upload(maria, project_id=project["id"])

    async with nothing_is_kept(house):
        answers = [
            await house.anonymous.request(method, path_of(document, what))
            for method, what, _ in ROUTES
        ]
        of_all = await house.anonymous.get(LIST)

    assert [answer.status_code for answer in [*answers, of_all]] == [401] * 7


@pytest.mark.one_database
@pytest.mark.parametrize(("method", "what"), [(method, what) for method, what, _ in ROUTES])
async def test_an_id_that_is_none_is_refused(a_developer: Member, method: str, what: str) -> None:
    """SEC-6: path parameters are typed; beside ``/upload`` there is nothing but ids."""
    answer = await a_developer.api.request(method, f"{LIST}/nonsense{what}")

    if what:
        assert faults(answer) == [["path", "document_id"]]
    else:
        assert answer.status_code == 404


async def test_private_documents_stand_in_no_list_of_others(
    maria: Member, noor: Member, mona: Member, adam: Member
) -> None:
    """DOC-11, DOC-2: neither found, nor counted, nor searched."""
    document = await upload_processed(maria)
    own = await upload_processed(noor)

    for params in LISTS:
        seen = {each.username: await _ids(each, **params) for each in (maria, noor, mona, adam)}

        assert seen["maria"] == [document["document_id"]], params
        assert seen["noor"] == [own["document_id"]], params
        assert seen["mona"] == [], params
        assert set(seen["adam"]) == {document["document_id"], own["document_id"]}, params


async def test_the_total_counts_what_one_sees(maria: Member, noor: Member, adam: Member) -> None:
    """DOC-11, API-5: a count would tell of what is not shown."""
    for member in (maria, maria, noor):
        await upload(member)

    totals = [(await read(each, LIST, page=1))["total"] for each in (maria, noor, adam)]

    assert totals == [2, 1, 3]


async def test_a_search_does_not_tell_what_a_private_document_says(
    maria: Member, noor: Member
) -> None:
    """DOC-11: an attacker who guesses words learns nothing, by words that must or must not be."""
    await upload_processed(maria)

    for words in ("quarterly", '"quarterly report"', "-absent", "-quarterly"):
        assert await _ids(noor, search=words) == []


async def test_who_loses_a_role_loses_the_sight(house: House, maria: Member, adam: Member) -> None:
    """DOC-11, AUTH-17: at once."""
    other = await house.member("other", Role.ADMIN)
    document = await upload(maria)
    before = await other.api.get(path_of(document))

    await adam.api.patch(f"/api/users/{other.id}", json={"role": "developer"})

    assert before.status_code == 200
    assert (await other.api.get(path_of(document))).status_code == 404
    assert await _ids(other) == []


# Those of projects and issues


@pytest.mark.parametrize("place", ["project_id", "issue_id"])
async def test_a_document_of_a_project_is_seen_by_everybody(
    maria: Member, noor: Member, mona: Member, project: Json, issue: Json, place: str
) -> None:
    """DOC-11: whoever sees the project or issue sees its documents, and may have them processed."""
    named = {"project_id": project["id"], "issue_id": issue["id"]}[place]
    document = await upload_processed(maria, PAPER, "report.pdf", **{place: named})

    for member in (noor, mona):
        answers = [
            await member.api.request(method, path_of(document, what))
            for method, what, _ in ROUTES
            if method != "DELETE"
        ]
        assert [answer.status_code for answer in answers] == [200] * 5
        assert await _ids(member, search="quarterly") == [document["document_id"]]
        assert await _ids(member) == [document["document_id"]]


async def test_a_document_of_an_archived_project_is_still_seen(
    maria: Member, noor: Member, mona: Member, project: Json
) -> None:
    """DOC-11, ISS-8: read-only means that it can be read."""
    document = await upload_processed(maria, project_id=project["id"])
    await archive(mona, project)

    downloaded = await noor.api.get(path_of(document, "/download"))

    assert downloaded.content == PAPER
    assert await _ids(noor, project_id=project["id"]) == [document["document_id"]]


# Personal access tokens that are held to a project


@dataclass
class Held:
    """A token for one project, and documents in that one, in another one and in none."""

    api: httpx.AsyncClient
    project: Json
    other_project: Json
    mine: Json
    others: Json
    private: Json


@pytest.fixture(params=[Role.DEVELOPER, Role.ADMIN])
async def held(house: House, mona: Member, request: pytest.FixtureRequest) -> Held:
    owner = await house.member("owner", request.param)
    project, other = await new_project(mona, "Web"), await new_project(mona, "App")
    issue = await new_issue(mona, other, "Slow")
    wanted = {"name": "Build", "scopes": ["write"], "project_ids": [project["id"]]}
    token = (await owner.api.post("/api/auth/personal-access-tokens", json=wanted)).json()
    mine, others, private = await asyncio.gather(
        upload_processed(owner, project_id=project["id"]),
        upload_processed(owner, issue_id=issue["id"]),
        upload_processed(owner),
    )
    api = house.client({"Authorization": f"Bearer {token['token']}"})
    return Held(api, project, other, mine, others, private)


async def test_a_held_token_reaches_its_project_alone(house: House, held: Held) -> None:
    """DOC-11: others, and private ones of its own owner, are 404; nothing changes."""
    for method, what, status in ROUTES:
        async with nothing_is_kept(house):
            answers = [
                await held.api.request(method, path_of(document, what))
                for document in (held.others, held.private)
            ]
        allowed = await held.api.request(method, path_of(held.mine, what))

        assert [answer.status_code for answer in answers] == [404, 404], what
        assert allowed.status_code == status, what


async def test_a_held_token_lists_its_project_alone(held: Held) -> None:
    """DOC-11: by cursor, by page and by search; the count too."""
    for params in LISTS:
        page = (await held.api.get(LIST, params=params)).json()

        assert [each["document_id"] for each in page["data"]] == [held.mine["document_id"]], params
        assert page.get("total", 1) == 1, params


async def test_a_held_token_learns_nothing_of_other_projects_by_filters(held: Held) -> None:
    """DOC-11: another project is not there, as one that never was."""
    other = await held.api.get(LIST, params={"project_id": held.other_project["id"]})
    issue = await held.api.get(LIST, params={"issue_id": held.others["issue"]["key"]})
    unknown = await held.api.get(LIST, params={"project_id": NOBODYS_ID})

    assert [each.status_code for each in (other, issue, unknown)] == [404] * 3
    assert other.json()["detail"] == unknown.json()["detail"]


async def test_a_held_token_uploads_into_its_project_alone(house: House, held: Held) -> None:
    """DOC-11: nowhere, or into another project: 422, and nothing is stored."""
    headers = {"Content-Type": FORM_TYPE}
    nowhere = form_of(PAPER, "report.pdf")
    other = form_of(PAPER, "report.pdf", project_id=held.other_project["id"])
    other_issue = form_of(PAPER, "report.pdf", issue_id=held.others["issue"]["id"])
    mine = form_of(PAPER, "report.pdf", project_id=held.project["id"])

    async with nothing_is_kept(house):
        refused = [
            await held.api.post(UPLOAD, content=form, headers=headers)
            for form in (nowhere, other, other_issue)
        ]
    taken = await held.api.post(UPLOAD, content=mine, headers=headers)

    places = ["project_id", "project_id", "issue_id"]
    assert [faults(answer) for answer in refused] == [[["body", place]] for place in places]
    assert taken.status_code == 201


async def test_a_token_that_may_only_read_changes_nothing(house: House, maria: Member) -> None:
    """DOC-11: it lacks the scope: 403; what it may see it sees."""
    document = await upload(maria)
    wanted = {"name": "Reader", "scopes": ["read"]}
    token = (await maria.api.post("/api/auth/personal-access-tokens", json=wanted)).json()
    api = house.client({"Authorization": f"Bearer {token['token']}"})

    async with nothing_is_kept(house):
        refused = [
            await api.post(path_of(document, "/process")),
            await api.delete(path_of(document)),
            await api.post(
                UPLOAD, content=form_of(PAPER, "a.pdf"), headers={"Content-Type": FORM_TYPE}
            ),
        ]
    seen = await api.get(path_of(document))

    assert [answer.status_code for answer in refused] == [403] * 3
    assert {answer.json()["type"] for answer in refused} == {"insufficient-scope"}
    assert seen.status_code == 200


# Removal


async def test_only_its_owner_and_administrators_may_remove_a_document(
    house: House, maria: Member, noor: Member, mona: Member, issue: Json
) -> None:
    """DOC-6: whoever else sees it gets 403, the project's creator too; nothing changes."""
    document = await upload_processed(maria, issue_id=issue["id"])

    async with nothing_is_kept(house):
        answers = [await member.api.delete(path_of(document)) for member in (noor, mona)]

    for answer in answers:
        assert (answer.status_code, answer.json()["type"]) == (403, "not-your-document")


@pytest.mark.parametrize("username", ["maria", "adam"])
async def test_a_removed_document_is_gone_from_every_route(
    maria: Member, adam: Member, project: Json, username: str
) -> None:
    """DOC-6: by its owner or an administrator; again it is a 404."""
    document = await upload_processed(maria, project_id=project["id"])
    who = {"maria": maria, "adam": adam}[username]

    answer = await who.api.delete(path_of(document))

    assert (answer.status_code, answer.content) == (204, b"")
    for method, what, _ in ROUTES:
        gone = await maria.api.request(method, path_of(document, what))
        assert gone.status_code == 404, what
    assert await _ids(adam) == []
    assert await _ids(adam, search="quarterly") == []


async def test_a_removal_is_told_kept_in_the_history_and_audited(
    house: House, maria: Member, adam: Member, issue: Json
) -> None:
    """DOC-6, ISS-5, SEC-9: who removed which document, and when."""
    document = await upload(maria, issue_id=issue["id"])
    house.clock.advance(minutes=1)

    await delete(adam, document)

    history = (await read(maria, f"/api/issues/{issue['id']}/history"))["data"]
    named = {"id": document["document_id"], "filename": "report.pdf"}
    removed = next(each for each in history if each["after"] is None)
    assert (removed["field"], removed["before"]) == ("document", named)
    assert removed["actor"]["username"] == "adam"
    entries = (await read(adam, "/api/audit", action="document.delete"))["data"]
    assert [(each["user_id"], each["resource"], each["outcome"]) for each in entries] == [
        (str(adam.id), f"document:{document['document_id']}", "success")
    ]
    assert (await events(house))[-1] == "document.deleted"


async def test_the_removal_of_a_private_document_is_audited_too(
    house: House, maria: Member
) -> None:
    """SEC-9: it has no history, but an entry in the audit log."""
    document = await upload(maria)

    await delete(maria, document)

    rows = await house.rows(
        select(audit_log.c.user_id, audit_log.c.resource).where(
            audit_log.c.action == "document.delete"
        )
    )
    assert rows == [(maria.id, f"document:{document['document_id']}")]


async def test_a_document_of_an_archived_project_stays(
    house: House, maria: Member, mona: Member, adam: Member, project: Json
) -> None:
    """ISS-8: read-only: 409 for its owner and for administrators; nothing changes."""
    document = await upload(maria, project_id=project["id"])
    await archive(mona, project)

    async with nothing_is_kept(house):
        answers = [await member.api.delete(path_of(document)) for member in (maria, adam)]

    for answer in answers:
        assert (answer.status_code, answer.json()["type"]) == (409, "project-archived")


async def test_a_document_that_has_changed_is_not_removed(house: House, maria: Member) -> None:
    """API-9: 412 with the current state and what differs; the new tag removes it."""
    document = await upload(maria)
    stale = (await maria.api.get(path_of(document))).headers["etag"]
    house.clock.advance(seconds=1)
    document = await _processed(maria, document)

    async with nothing_is_kept(house):
        refused = await maria.api.delete(path_of(document), headers={"If-Match": stale})
    fresh = (await maria.api.get(path_of(document))).headers["etag"]
    removed = await maria.api.delete(path_of(document), headers={"If-Match": fresh})

    problem = refused.json()
    assert (refused.status_code, problem["type"]) == (412, "precondition-failed")
    assert problem["current"] == document
    assert set(problem["differing_fields"]) == {"status", "updated_at"}
    assert removed.status_code == 204


async def _processed(member: Member, document: Json) -> Json:
    await member.api.post(path_of(document, "/process"))
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            found = await get(member, document)
            if found["status"] == "COMPLETED":
                return found
            await asyncio.sleep(ASK_SECONDS)


async def test_two_removals_at_once_are_one(house: House, maria: Member, adam: Member) -> None:
    """DOC-6: one 204, one 404; told once."""
    document = await upload(maria)

    answers = await asyncio.gather(
        *(member.api.delete(path_of(document)) for member in (maria, adam))
    )

    assert sorted(answer.status_code for answer in answers) == [204, 404]
    assert (await events(house)).count("document.deleted") == 1


async def _wait_for_files_to_be_removed(house: House) -> None:
    waiting = select(jobs.c.id).where(jobs.c.kind == REMOVE_FILE)
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            if not await house.rows(waiting):
                return
            await asyncio.sleep(ASK_SECONDS)


async def test_the_file_goes_with_the_last_document_that_has_it(
    house: House, maria: Member, noor: Member
) -> None:
    """DOC-6, DOC-7: while another document has these bytes they stay."""
    document, copy = await upload(maria), await upload(noor)

    await delete(maria, document)
    await _wait_for_files_to_be_removed(house)
    downloaded = await noor.api.get(path_of(copy, "/download"))
    await delete(noor, copy)
    await _wait_for_files_to_be_removed(house)

    assert downloaded.content == PAPER
    assert stored_files(house) == []


async def test_an_issue_goes_on_when_its_document_is_removed(
    maria: Member, issue: Json, mona: Member
) -> None:
    """DOC-6, ISS-4: what the history tells of it hinders nothing."""
    document = await upload_processed(maria, issue_id=issue["id"])

    await delete(maria, document)

    changed = await change(mona, issue, title="Login fails again")
    assert changed.status_code == 200
