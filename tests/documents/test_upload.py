import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from uuid import UUID

import httpx
import msgspec
import pytest
from sqlalchemy import select

from lacewing.documents.tables import documents, files
from lacewing.kernel.web.multipart import FIELD_BYTES_MAX, FIELDS_MAX, OVERHEAD_BYTES
from lacewing.settings import Settings
from tests.documents.acts import (
    FORM_TYPE,
    PAPER,
    UPLOAD,
    events,
    get,
    nothing_is_kept,
    send_form,
    stored_files,
    stored_path,
    try_upload,
    upload,
)
from tests.documents.papers import docx, pdf, pdf_of_size
from tests.support.house import House, Member, open_house
from tests.support.uploading import BOUNDARY, form_of
from tests.tracker.acts import Json, archive, faults, new_issue, new_project

LIMIT_BYTES = 20_000
PDF_TYPE = "application/pdf"
NOBODYS_ID = "019a0000-0000-7000-8000-000000000000"
DOCX_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def _short(value: object) -> str:
    """The id of a test, where a parameter may be a whole file."""
    return ascii(value)[:40]


def _part(disposition: str, content: bytes) -> bytes:
    head = f"--{BOUNDARY.decode()}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
    return head.encode("latin-1") + content + b"\r\n"


def _form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"


FILE = _part('name="file"; filename="report.pdf"', PAPER)


async def _in_chunks(body: bytes) -> AsyncIterator[bytes]:
    """A body whose length is not told."""
    for start in range(0, len(body), 10_000):
        yield body[start : start + 10_000]


# What is taken


async def test_an_upload_answers_the_whole_record(house: House, maria: Member) -> None:
    """DOC-1, DOC-2: every field, and the same again for who reads it later."""
    answer = await try_upload(maria)

    record = answer.json()
    now = msgspec.to_builtins(house.clock.now)
    assert answer.status_code == 201
    assert UUID(record["document_id"]).version == 7
    assert record == {
        "document_id": record["document_id"],
        "filename": "report.pdf",
        "status": "UPLOADED",
        "created_at": now,
        "updated_at": now,
        "size_bytes": len(PAPER),
        "content_type": PDF_TYPE,
        "sha256": hashlib.sha256(PAPER).hexdigest(),
        "project": None,
        "issue": None,
        "owner": {"id": str(maria.id), "username": "maria", "full_name": None},
    }
    assert answer.headers["location"] == f"/api/documents/{record['document_id']}"
    read = await maria.api.get(answer.headers["location"])
    assert read.json() == record
    assert read.headers["etag"] == answer.headers["etag"]


@pytest.mark.parametrize(
    ("content", "filename", "content_type"),
    [
        (PAPER, "report.pdf", PDF_TYPE),
        (PAPER, "REPORT.PDF", PDF_TYPE),
        (PAPER, "report", PDF_TYPE),
        (PAPER, "report.final", PDF_TYPE),
        (docx("Quarterly report"), "report.docx", DOCX_TYPE),
        (docx("Quarterly report"), "Report.DocX", DOCX_TYPE),
        (docx("Quarterly report"), "report", DOCX_TYPE),
    ],
    ids=_short,
)
async def test_the_type_is_what_the_content_is(
    a_developer: Member, content: bytes, filename: str, content_type: str
) -> None:
    """DOC-1, DOC-8: PDF and DOCX; an ending need not be there, but must not deny it."""
    record = await upload(a_developer, content, filename)

    assert (record["content_type"], record["filename"]) == (content_type, filename)
    assert record["size_bytes"] == len(content)
    assert record["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("said", ["image/png", "text/html", "nonsense", DOCX_TYPE])
async def test_what_the_sender_says_of_its_type_counts_for_nothing(
    a_developer: Member, said: str
) -> None:
    """DOC-8: type is decided by content, not by a header."""
    head = f'name="file"; filename="report.pdf"\r\nContent-Type: {said}'

    answer = await send_form(a_developer, _form(_part(head, PAPER)))

    assert answer.status_code == 201
    assert answer.json()["content_type"] == PDF_TYPE


async def test_the_file_lies_in_the_storage_as_it_was_sent(house: House, maria: Member) -> None:
    """DOC-1, DOC-8: under its hash, never under its name; and nothing else lies there."""
    record = await upload(maria, PAPER, "../../etc/passwd.pdf")

    path = stored_path(house, record)
    assert path.read_bytes() == PAPER
    assert stored_files(house) == [f"{path.parent.name}/{path.name}"]


async def test_an_upload_is_told_once(house: House, maria: Member) -> None:
    """DOC-1, EVT: the event stands in the outbox with the record."""
    await upload(maria)

    assert await events(house) == ["document.uploaded"]


async def test_the_path_answers_with_a_slash_at_its_end(maria: Member) -> None:
    """API-1: both spellings take a file."""
    headers = {"Content-Type": FORM_TYPE}

    answer = await maria.api.post(f"{UPLOAD}/", content=_form(FILE), headers=headers)

    assert answer.status_code == 201


@pytest.mark.one_database
@pytest.mark.parametrize("chunk_bytes", [1, 7, 100])
async def test_a_form_may_come_in_pieces_of_any_size(a_developer: Member, chunk_bytes: int) -> None:
    """DOC-1: boundaries and headers may be cut anywhere by the network."""
    body = form_of(PAPER, "report.pdf", project_id="")

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), chunk_bytes):
            yield body[start : start + chunk_bytes]

    answer = await send_form(a_developer, pieces())

    assert answer.status_code == 201
    assert answer.json()["sha256"] == hashlib.sha256(PAPER).hexdigest()


# Where it belongs


async def test_a_document_may_belong_to_a_project(maria: Member, project: Json) -> None:
    """DOC-1: named by id, answered as an object."""
    record = await upload(maria, project_id=project["id"])

    named = {name: project[name] for name in ("id", "key", "name")}
    assert (record["project"], record["issue"]) == (named, None)


@pytest.mark.parametrize("field", ["id", "key"])
async def test_a_document_may_belong_to_an_issue(
    maria: Member, project: Json, issue: Json, field: str
) -> None:
    """DOC-1, ISS-3: named by id or key; the project is the issue's."""
    record = await upload(maria, issue_id=issue[field])

    assert record["issue"] == {name: issue[name] for name in ("id", "key", "title")}
    assert record["project"] == {name: project[name] for name in ("id", "key", "name")}


async def test_a_document_of_an_issue_stands_in_its_history(maria: Member, issue: Json) -> None:
    """DOC-1, ISS-5: who added which document."""
    record = await upload(maria, issue_id=issue["key"])

    history = (await maria.api.get(f"/api/issues/{issue['id']}/history")).json()["data"]
    added = {"id": record["document_id"], "filename": "report.pdf"}
    assert [(each["field"], each["before"], each["after"]) for each in history] == [
        ("document", None, added)
    ]
    assert history[0]["actor"]["username"] == "maria"


async def test_an_issue_and_its_own_project_may_both_be_named(
    maria: Member, project: Json, issue: Json
) -> None:
    """DOC-1: they agree."""
    record = await upload(maria, project_id=project["id"], issue_id=issue["key"])

    assert (record["project"]["id"], record["issue"]["id"]) == (project["id"], issue["id"])


async def test_a_field_left_empty_is_as_one_left_out(maria: Member) -> None:
    """DOC-1: browsers send every field of a form."""
    record = await upload(maria, project_id="", issue_id="")

    assert (record["project"], record["issue"]) == (None, None)


async def test_an_issue_of_another_project_is_refused(
    house: House, maria: Member, mona: Member, issue: Json
) -> None:
    """DOC-1: 422, since both can't be meant; nothing is stored."""
    other = await new_project(mona, "Till", key="TILL")

    async with nothing_is_kept(house):
        answer = await try_upload(maria, project_id=other["id"], issue_id=issue["id"])

    assert faults(answer) == [["body", "issue_id"]]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("project_id", NOBODYS_ID),
        ("project_id", "WEB"),
        ("project_id", "1"),
        ("issue_id", NOBODYS_ID),
        ("issue_id", "WEB-999"),
        ("issue_id", "NONE-1"),
        ("issue_id", "nonsense"),
        ("issue_id", "x" * 41),
    ],
)
async def test_an_unknown_place_is_refused(
    shared_house: House, a_developer: Member, field: str, value: str
) -> None:
    """DOC-1: 422 that names the field; nothing is stored."""
    async with nothing_is_kept(shared_house):
        answer = await send_form(a_developer, form_of(PAPER, "report.pdf", **{field: value}))

    assert faults(answer) == [["body", field]]


@pytest.mark.parametrize("place", ["project_id", "issue_id"])
async def test_an_archived_project_takes_no_documents(
    house: House, maria: Member, mona: Member, project: Json, issue: Json, place: str
) -> None:
    """ISS-8, DOC-1: 409, and nothing is stored."""
    await archive(mona, project)
    named = {"project_id": project["id"], "issue_id": issue["id"]}[place]

    async with nothing_is_kept(house):
        answer = await send_form(maria, form_of(PAPER, "report.pdf", **{place: named}))

    assert (answer.status_code, answer.json()["type"]) == (409, "project-archived")


# How large it may be


@pytest.fixture
async def small_house(make_settings: Callable[..., Settings]) -> AsyncIterator[House]:
    """A house that takes files of 20,000 bytes."""
    async with open_house(make_settings(LACEWING_UPLOAD_LIMIT_BYTES=LIMIT_BYTES)) as opened:
        yield opened


def _told(body: bytes) -> bytes:
    return body


BODIES = pytest.mark.parametrize("told", [_told, _in_chunks], ids=["told", "untold"])


@BODIES
async def test_a_file_of_the_limit_is_taken(
    small_house: House, told: Callable[[bytes], bytes | AsyncIterator[bytes]]
) -> None:
    """DOC-8: to the byte; whether or not the length of the body is told."""
    dora = await small_house.member("dora")
    content = pdf_of_size(LIMIT_BYTES, "Full")

    answer = await send_form(dora, told(form_of(content, "full.pdf")))

    assert answer.status_code == 201
    assert answer.json()["size_bytes"] == LIMIT_BYTES


@pytest.mark.one_database
@BODIES
@pytest.mark.parametrize("beyond", [1, OVERHEAD_BYTES, 1_000_000])
async def test_a_file_beyond_the_limit_is_refused(
    small_house: House, told: Callable[[bytes], bytes | AsyncIterator[bytes]], beyond: int
) -> None:
    """DOC-8: 413 from the first byte too many, told or not; nothing is stored."""
    dora = await small_house.member("dora")
    content = pdf_of_size(LIMIT_BYTES + beyond, "Too full")

    async with nothing_is_kept(small_house):
        answer = await send_form(dora, told(form_of(content, "full.pdf")))

    assert (answer.status_code, answer.json()["type"]) == (413, "content-too-large")


@pytest.mark.one_database
@BODIES
async def test_fields_do_not_get_around_the_limit(
    small_house: House, told: Callable[[bytes], bytes | AsyncIterator[bytes]]
) -> None:
    """SEC-1: what stands around the file has a limit as well."""
    dora = await small_house.member("dora")
    padding = b"".join(_part(f'name="{number}"', b"") for number in range(5)) * 1_000

    async with nothing_is_kept(small_house):
        answer = await send_form(dora, told(_form(padding, FILE)))

    assert answer.status_code in {413, 422}


# What is no file, or not one file


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("content", "filename", "kind"),
    [
        (b"", "report.pdf", "empty"),
        (b"", "report", "empty"),
        (b"MZ" + bytes(1_000), "report.pdf", "unknown_type"),
        (b"Quarterly report", "report.pdf", "unknown_type"),
        (b"%PDF", "report.pdf", "unknown_type"),
        (PAPER, "report.docx", "misleading_name"),
        (PAPER, "report.pdf.DOCX", "misleading_name"),
        (docx("Quarterly report"), "report.pdf", "misleading_name"),
    ],
    ids=_short,
)
async def test_what_is_no_pdf_or_docx_is_refused(
    shared_house: House, a_developer: Member, content: bytes, filename: str, kind: str
) -> None:
    """DOC-8: a renamed program, an empty file, an ending that names the other kind."""
    async with nothing_is_kept(shared_house):
        answer = await try_upload(a_developer, content, filename)

    assert faults(answer) == [["body", "file"]]
    assert answer.json()["errors"][0]["type"] == kind


NOT_ONE_FILE = {
    "nothing": (_form(), "file"),
    "no file": (_form(_part('name="project_id"', b"")), "file"),
    "two files": (_form(FILE, FILE), "file"),
    "a file in another field": (_form(_part('name="paper"; filename="a.pdf"', PAPER)), "paper"),
    "a second file in another field": (
        _form(FILE, _part('name="paper"; filename="a.pdf"', PAPER)),
        "paper",
    ),
    "a file without a name": (_form(_part('name="file"', PAPER)), "file"),
    "a file with an empty name": (_form(_part('name="file"; filename=""', PAPER)), "file"),
    "a place that is a file": (
        _form(FILE, _part('name="project_id"; filename="a.txt"', b"")),
        "project_id",
    ),
    "an unknown field": (_form(_part('name="owner_id"', b"me"), FILE), "owner_id"),
    "an unknown field that is empty": (_form(_part('name="owner_id"', b""), FILE), "owner_id"),
    "a repeated field": (
        _form(_part('name="issue_id"', b"A-1"), _part('name="issue_id"', b"A-2"), FILE),
        "issue_id",
    ),
    "a repeated field, once after the file": (
        _form(_part('name="issue_id"', b""), FILE, _part('name="issue_id"', b"")),
        "issue_id",
    ),
    "a field that is too long": (
        _form(_part('name="issue_id"', b"x" * (FIELD_BYTES_MAX + 1)), FILE),
        "issue_id",
    ),
    "NUL in an issue": (_form(_part('name="issue_id"', b"WEB-1\0"), FILE), "issue_id"),
    "NUL in a project": (_form(_part('name="project_id"', b"\0"), FILE), "project_id"),
    "a field in Latin-1": (_form(_part('name="issue_id"', b"caf\xe9"), FILE), "issue_id"),
    "half a character in a field": (
        _form(_part('name="issue_id"', b"\xed\xa0\xbd"), FILE),
        "issue_id",
    ),
    "a name in Latin-1": (_form(_part('name="file"; filename="caf\xe9.pdf"', PAPER)), "file"),
    "half a character in a name": (
        _form(_part('name="file"; filename="\xed\xa0\xbd.pdf"', PAPER)),
        "file",
    ),
}


@pytest.mark.one_database
@pytest.mark.parametrize("name", NOT_ONE_FILE)
async def test_a_form_that_is_not_one_file_and_its_place_is_refused(
    shared_house: House, a_developer: Member, name: str
) -> None:
    """DOC-1, SEC-6: 422 that names the field; nothing is stored."""
    body, field = NOT_ONE_FILE[name]

    async with nothing_is_kept(shared_house):
        answer = await send_form(a_developer, body)

    assert faults(answer) == [["body", field]]


@pytest.mark.one_database
async def test_too_many_fields_are_refused(shared_house: House, a_developer: Member) -> None:
    """DOC-1: a form has few fields; nothing is stored."""
    fields = [_part(f'name="field{number}"', b"x") for number in range(FIELDS_MAX + 1)]

    async with nothing_is_kept(shared_house):
        answer = await send_form(a_developer, _form(*fields, FILE))

    assert answer.status_code == 422


# What is no form


BROKEN = {
    "no body": b"",
    "no form": b"Quarterly report",
    "JSON": b'{"file": "report.pdf"}',
    "the file alone": PAPER,
    "another boundary": _form(FILE).replace(BOUNDARY, b"another"),
    "cut off in the boundary": _form(FILE)[:10],
    "cut off in a header": _form(FILE)[:50],
    "cut off before the file": _form(FILE)[: FILE.index(b"\r\n\r\n") + 4],
    "cut off in the file": _form(FILE)[: len(FILE) // 2],
    "cut off after the file": FILE,
    "cut off in the last boundary": _form(FILE)[:-4],
    "a part without a name": _form(_part('filename="report.pdf"', PAPER)),
    "a part with an empty name": _form(_part('name=""; filename="report.pdf"', PAPER)),
    "a part without headers": _form(b"--" + BOUNDARY + b"\r\n\r\n" + PAPER + b"\r\n"),
    "a header that is none": _form(FILE.replace(b"Content-Disposition:", b"Content Disposition")),
}


@pytest.mark.one_database
@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_form_is_refused(
    shared_house: House, a_developer: Member, name: str
) -> None:
    """API-4, DOC-1: 400, and what came of the file is gone."""
    async with nothing_is_kept(shared_house):
        answer = await send_form(a_developer, BROKEN[name])

    assert (answer.status_code, answer.json()["type"]) == (400, "malformed-form"), answer.text


@pytest.mark.one_database
@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/form-data; charset=utf-8",
        f"multipart/form-data; boundary={'b' * 71}",
    ],
)
async def test_a_form_without_a_boundary_is_refused(
    shared_house: House, a_developer: Member, content_type: str
) -> None:
    """API-4: 400 (RFC 2046, section 5.1.1); nothing is stored."""
    async with nothing_is_kept(shared_house):
        answer = await send_form(a_developer, _form(FILE), {"Content-Type": content_type})

    assert (answer.status_code, answer.json()["type"]) == (400, "malformed-form")


@pytest.mark.one_database
@pytest.mark.parametrize(
    "content_type",
    [
        PDF_TYPE,
        "application/octet-stream",
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/mixed; boundary=lacewing-test-boundary",
        "multipart/form-data-of-mine; boundary=lacewing-test-boundary",
        "",
    ],
)
async def test_another_type_of_body_is_refused(
    shared_house: House, a_developer: Member, content_type: str
) -> None:
    """SEC-1, API-4: 415; nothing is stored."""
    async with nothing_is_kept(shared_house):
        answer = await send_form(a_developer, _form(FILE), {"Content-Type": content_type})

    assert (answer.status_code, answer.json()["type"]) == (415, "unsupported-media-type")


# What it is called


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("report.pdf", "report.pdf"),
        ("../../../etc/passwd.pdf", "passwd.pdf"),
        ("/etc/cron.d/report.pdf", "report.pdf"),
        ("C:\\Users\\maria\\report.pdf", "report.pdf"),
        ("\\\\server\\share\\report.pdf", "report.pdf"),
        ("..\\..\\report.pdf", "report.pdf"),
        (".hidden.pdf", ".hidden.pdf"),
        ("a\x00b.pdf", "a b.pdf"),
        ("a\x07b\x1b[31mc.pdf", "a b [31mc.pdf"),
        ("a\tb.pdf", "a b.pdf"),
        ("a\x7fb\x85c.pdf", "a b c.pdf"),
        ("invoice\u202efdp.pdf", "invoice fdp.pdf"),
        ("line\u2028break.pdf", "line break.pdf"),
        ("  many   blanks  .pdf", "many blanks .pdf"),
        ("résumé - 履歴書 📄.pdf", "résumé - 履歴書 📄.pdf"),
        ("cafe\u0301.pdf", "caf\u00e9.pdf"),
        ("100%.pdf", "100%.pdf"),
        ("%0D%0A%2e%2e%2f.pdf", "%0D%0A%2e%2e%2f.pdf"),
        ("it's; a=b, c.pdf", "it's; a=b, c.pdf"),
        ("<script>.pdf", "<script>.pdf"),
        ("a" * 251 + ".pdf", "a" * 251 + ".pdf"),
        ("a" * 252 + ".pdf", "a" * 251 + ".pdf"),
        ("a" * 3_000 + ".pdf", "a" * 251 + ".pdf"),
        ("ü" * 300, "ü" * 255),
    ],
    ids=_short,
)
async def test_a_name_is_shown_without_what_does_harm(
    a_developer: Member, given: str, shown: str
) -> None:
    """DOC-8: one line of at most 255 characters, no path; kept for display only."""
    record = await upload(a_developer, PAPER, given)

    assert record["filename"] == shown
    assert (await get(a_developer, record))["filename"] == shown


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("given", "shown"), [('we said \\"yes\\".pdf', 'we said "yes".pdf'), ("a%22b.pdf", "a%22b.pdf")]
)
async def test_quotes_in_a_name_are_read_as_clients_write_them(
    a_developer: Member, given: str, shown: str
) -> None:
    """DOC-8, RFC 7578: with a backslash before them; what else browsers write is shown as it is."""
    record = await upload(a_developer, PAPER, given)

    assert record["filename"] == shown


@pytest.mark.one_database
@pytest.mark.parametrize("given", [".", "..", ". .", "...", " ", "\x00\x01", "a/", "a\\", "/"])
async def test_a_name_of_nothing_is_refused(
    shared_house: House, a_developer: Member, given: str
) -> None:
    """DOC-8: 422, and nothing is stored."""
    async with nothing_is_kept(shared_house):
        answer = await try_upload(a_developer, PAPER, given)

    assert faults(answer) == [["body", "file"]]


# Who may, how often, and twice


@pytest.mark.one_database
@pytest.mark.parametrize("authorization", [None, "Bearer nonsense", "Basic bWFyaWE6eA=="])
async def test_only_those_who_are_signed_in_may_upload(
    shared_house: House, authorization: str | None
) -> None:
    """DOC-1, API-4: 401 before a byte of the body is read; nothing is stored."""
    headers = {"Content-Type": FORM_TYPE}
    if authorization is not None:
        headers["Authorization"] = authorization
    is_read = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal is_read
        is_read = True
        yield _form(FILE)

    async with nothing_is_kept(shared_house):
        answer = await shared_house.anonymous.post(UPLOAD, content=body(), headers=headers)

    assert answer.status_code == 401
    assert "www-authenticate" in answer.headers
    assert not is_read


@pytest.mark.one_database
async def test_uploads_have_a_limit_of_their_own(make_settings: Callable[..., Settings]) -> None:
    """SEC-2: so many a minute pass, the next one stores nothing; all else goes on."""
    settings = make_settings(LACEWING_RATE_LIMIT_PER_MINUTE=100, LACEWING_UPLOAD_LIMIT_PER_MINUTE=3)
    async with open_house(settings) as limited:
        dora = await limited.member("dora")

        taken = [await try_upload(dora) for _ in range(3)]
        async with nothing_is_kept(limited):
            refused = [
                await dora.api.post(path, content=_form(FILE), headers={"Content-Type": FORM_TYPE})
                for path in (UPLOAD, f"{UPLOAD}/")
            ]
        others = await dora.api.get("/api/documents")

    assert [answer.status_code for answer in taken] == [201] * 3
    assert [answer.headers["ratelimit-remaining"] for answer in taken] == ["2", "1", "0"]
    assert [answer.status_code for answer in refused] == [429] * 2
    assert 1 <= int(refused[0].headers["retry-after"]) <= 60
    assert len(others.json()["data"]) == 3


@pytest.mark.one_database
async def test_a_server_without_limits_takes_any_number(
    make_settings: Callable[..., Settings],
) -> None:
    """NAME-3: 0 turns the limit of uploads off, and only that."""
    settings = make_settings(LACEWING_RATE_LIMIT_PER_MINUTE=100, LACEWING_UPLOAD_LIMIT_PER_MINUTE=0)
    async with open_house(settings) as unlimited:
        dora = await unlimited.member("dora")

        answers = [await try_upload(dora) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [201] * 5
    assert answers[-1].headers["ratelimit-limit"] == "100"


async def test_a_repeated_request_with_its_key_gives_the_first_answer(
    house: House, maria: Member
) -> None:
    """API-8, DOC-1: a client that has not heard the answer may ask again."""
    key = {"Idempotency-Key": "key-1"}
    first = await try_upload(maria, headers=key)

    async with nothing_is_kept(house):
        again = await try_upload(maria, headers=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert again.headers["location"] == first.headers["location"]


@pytest.mark.parametrize(
    ("content", "filename", "fields"),
    [
        (pdf("Another report"), "report.pdf", {}),
        (PAPER, "other.pdf", {}),
        (PAPER, "report.pdf", {"issue_id": "WEB-1"}),
    ],
    ids=_short,
)
async def test_another_upload_under_the_same_key_is_refused(
    house: House, maria: Member, issue: Json, content: bytes, filename: str, fields: dict[str, str]
) -> None:
    """API-8: other bytes, another name or place: 422, and nothing is stored."""
    assert issue["key"] == "WEB-1"
    key = {"Idempotency-Key": "key-1"}
    await try_upload(maria, headers=key)

    async with nothing_is_kept(house):
        answer = await try_upload(maria, content, filename, key, **fields)

    assert (answer.status_code, answer.json()["type"]) == (422, "idempotency-key-reused")


async def test_two_at_once_with_one_key_make_one_document(house: House, maria: Member) -> None:
    """API-8: both get the same answer, or one is told that the other is under way."""
    key = {"Idempotency-Key": "key-1"}

    answers = await asyncio.gather(*(try_upload(maria, headers=key) for _ in range(2)))

    made = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in made}) == 1
    assert len(await house.rows(select(documents.c.id))) == 1
    assert await events(house) == ["document.uploaded"]


async def test_a_refused_upload_leaves_its_key_free(house: House, maria: Member) -> None:
    """API-8: the next try, mended, is a better one."""
    key = {"Idempotency-Key": "key-1"}
    async with nothing_is_kept(house):
        refused = await try_upload(maria, b"", headers=key)

    mended = await try_upload(maria, headers=key)

    assert (refused.status_code, mended.status_code) == (422, 201)


def _ids(answers: list[httpx.Response]) -> set[str]:
    assert [answer.status_code for answer in answers] == [201] * len(answers)
    return {answer.json()["document_id"] for answer in answers}


async def test_the_same_bytes_twice_are_two_documents_and_one_file(
    house: House, maria: Member, noor: Member
) -> None:
    """DOC-1, DOC-7: each has its own record; the bytes lie there once."""
    answers = [await try_upload(maria), await try_upload(noor, filename="copy.pdf")]

    assert len(_ids(answers)) == 2
    assert len(await house.rows(select(files.c.sha256))) == 1
    assert len(stored_files(house)) == 1
    assert await events(house) == ["document.uploaded"] * 2


async def test_the_same_bytes_ten_times_at_once_are_ten_documents_and_one_file(
    house: House, maria: Member, issue: Json
) -> None:
    """DOC-1, DOC-12: none is lost when they race for the one file."""
    answers = await asyncio.gather(
        *(try_upload(maria, issue_id=issue["id"]) for _ in range(5)),
        *(try_upload(maria) for _ in range(5)),
    )

    assert len(_ids(answers)) == 10
    assert len(await house.rows(select(files.c.sha256))) == 1
    assert len(stored_files(house)) == 1


async def test_many_different_files_at_once_all_land(house: House, maria: Member) -> None:
    """DOC-12: each with its own bytes."""
    papers = [pdf_of_size(5_000, "Burst", seed) for seed in range(30)]

    answers = await asyncio.gather(*(try_upload(maria, paper) for paper in papers))

    assert len(_ids(answers)) == 30
    hashes = [hashlib.sha256(paper).hexdigest() for paper in papers]
    assert [answer.json()["sha256"] for answer in answers] == hashes
    assert stored_files(house) == sorted(f"{each[:2]}/{each}" for each in hashes)


async def test_several_issues_keep_their_documents_apart(
    maria: Member, project: Json, issue: Json
) -> None:
    """DOC-1: the same paper for two issues."""
    other = await new_issue(maria, project, "Signup fails")

    records = [await upload(maria, issue_id=each["key"]) for each in (issue, other)]

    assert [record["issue"]["id"] for record in records] == [issue["id"], other["id"]]
