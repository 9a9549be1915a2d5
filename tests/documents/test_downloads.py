import hashlib
from urllib.parse import unquote

import httpx
import pytest

from tests.documents.acts import PAPER, path_of, stored_path, upload
from tests.documents.papers import docx, pdf_of_size
from tests.support.house import House, Member
from tests.tracker.acts import Json

SIZE = 1_000
CONTENT = pdf_of_size(SIZE, "Quarterly report")
TAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'


async def _download(member: Member, document: Json, **headers: str) -> httpx.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await member.api.get(path_of(document, "/download"), headers=given)


@pytest.fixture
async def document(a_developer: Member) -> Json:
    """A document of 1,000 bytes."""
    return await upload(a_developer, CONTENT)


# The whole file


@pytest.mark.parametrize(
    ("content", "filename", "content_type"),
    [
        (CONTENT, "report.pdf", "application/pdf"),
        (pdf_of_size(2_000_000, "Large"), "large.pdf", "application/pdf"),
        (
            docx("Quarterly report"),
            "report.docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
    ],
    ids=["pdf", "large pdf", "docx"],
)
async def test_a_download_is_what_was_uploaded(
    a_developer: Member, content: bytes, filename: str, content_type: str
) -> None:
    """DOC-6: the same bytes, of the type that was found in them."""
    record = await upload(a_developer, content, filename)

    answer = await _download(a_developer, record)

    assert answer.status_code == 200
    assert answer.content == content
    assert answer.headers["content-type"] == content_type
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["etag"] == f'"{record["sha256"]}"'


async def test_a_download_is_saved_and_never_shown(a_developer: Member, document: Json) -> None:
    """DOC-6: no browser opens it as a page of this server, or keeps it for others."""
    answer = await _download(a_developer, document)

    disposition = "attachment; filename=\"report.pdf\"; filename*=UTF-8''report.pdf"
    assert answer.headers["content-disposition"] == disposition
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["accept-ranges"] == "bytes"
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize(
    ("filename", "shown"),
    [
        ("résumé - 履歴書 📄.pdf", "résumé - 履歴書 📄.pdf"),
        ('we said \\"yes\\".pdf', 'we said "yes".pdf'),
        ("it's 100% (new); a=b, c.pdf", "it's 100% (new); a=b, c.pdf"),
        ("a%0D%0ASet-Cookie: b%22.pdf", "a%0D%0ASet-Cookie: b%22.pdf"),
        ("a\x0b\x85\u2028b.pdf", "a b.pdf"),
        ("ü" * 255, "ü" * 255),
    ],
)
async def test_a_name_of_any_characters_comes_back(
    a_developer: Member, filename: str, shown: str
) -> None:
    """DOC-6, RFC 6266: whole in ``filename*``; in ``filename`` nothing that ends it early."""
    record = await upload(a_developer, CONTENT, filename)

    answer = await _download(a_developer, record)

    value = answer.headers["content-disposition"]
    plain, _, whole = value.removeprefix('attachment; filename="').rpartition(
        "\"; filename*=UTF-8''"
    )
    assert value.isascii()
    assert value.isprintable()
    assert not {'"', "\\", "%"} & set(plain)
    assert unquote(whole, errors="strict") == record["filename"] == shown


# A part of it


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=100-199", 100, 199),
        ("bytes=999-999", 999, 999),
        ("bytes=0-999", 0, 999),
        ("bytes=0-1000", 0, 999),
        ("bytes=500-99999999", 500, 999),
        ("bytes=0-", 0, 999),
        ("bytes=900-", 900, 999),
        ("bytes=999-", 999, 999),
        ("bytes=-1", 999, 999),
        ("bytes=-100", 900, 999),
        ("bytes=-1000", 0, 999),
        ("bytes=-5000", 0, 999),
    ],
)
async def test_one_range_is_answered_alone(
    a_developer: Member, document: Json, wanted: str, first: int, last: int
) -> None:
    """DOC-6, RFC 9110, section 14: closed, open and from the end; told which it is."""
    answer = await _download(a_developer, document, Range=wanted)

    assert answer.status_code == 206
    assert answer.content == CONTENT[first : last + 1]
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{SIZE}"
    assert answer.headers["content-length"] == str(last + 1 - first)
    assert answer.headers["etag"] == TAG
    assert answer.headers["content-disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    "wanted", ["bytes=1000-", "bytes=1000-1001", "bytes=5000-6000", "bytes=-0"]
)
async def test_a_range_beyond_the_end_is_refused(
    a_developer: Member, document: Json, wanted: str
) -> None:
    """DOC-6, RFC 9110, section 15.5.17: 416 that tells the size."""
    answer = await _download(a_developer, document, Range=wanted)

    assert (answer.status_code, answer.json()["type"]) == (416, "range-not-satisfiable")
    assert answer.headers["content-range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "wanted",
    [
        "bytes=0-1,5-6",
        "bytes=0-,0-,0-",
        "bytes=5-2",
        "bytes=-",
        "bytes=",
        "bytes",
        "bytes=a-b",
        "bytes=--1",
        "bytes=+1-2",
        "bytes=0x1-0x2",
        "bytes=1_0-2_0",
        "bytes=1.0-2",
        "bytes 0-1",
        "lines=0-1",
        "0-1",
        "",
        "bytes=" + "9" * 50 + "-",
    ],
)
async def test_several_ranges_or_nonsense_give_the_whole_file(
    a_developer: Member, document: Json, wanted: str
) -> None:
    """DOC-6, RFC 9110, section 14.2: what is not understood is not there."""
    answer = await _download(a_developer, document, Range=wanted)

    assert answer.status_code == 200
    assert answer.content == CONTENT
    assert "content-range" not in answer.headers


async def test_the_parts_put_together_are_the_file(a_developer: Member, document: Json) -> None:
    """DOC-6: a download that broke off can be taken up again."""
    parts = [
        (await _download(a_developer, document, Range=f"bytes={start}-{start + 299}")).content
        for start in range(0, SIZE, 300)
    ]

    assert b"".join(parts) == CONTENT


# Only if


@pytest.mark.parametrize(
    ("known", "status"),
    [
        (TAG, 206),
        ('"another"', 200),
        (f"W/{TAG}", 200),
        ("Sat, 21 Nov 2026 12:00:00 GMT", 200),
        ("nonsense", 200),
    ],
)
async def test_a_range_of_another_file_gives_the_whole_one(
    a_developer: Member, document: Json, known: str, status: int
) -> None:
    """DOC-6, RFC 9110, section 13.1.5: nobody puts parts of two files together."""
    answer = await _download(a_developer, document, Range="bytes=0-9", If_Range=known)

    assert answer.status_code == status
    assert answer.content == (CONTENT[:10] if status == 206 else CONTENT)


async def test_a_changed_file_is_whole_even_where_the_range_is_beyond_it(
    a_developer: Member, document: Json
) -> None:
    """DOC-6: ``If-Range`` is asked before the range is."""
    answer = await _download(a_developer, document, Range="bytes=5000-", If_Range='"another"')

    assert (answer.status_code, answer.content) == (200, CONTENT)


@pytest.mark.parametrize("known", [TAG, f"W/{TAG}", f'"another", {TAG}', f'"a",W/{TAG}', "*"])
async def test_who_has_the_file_gets_it_not_again(
    a_developer: Member, document: Json, known: str
) -> None:
    """API-9, RFC 9110, section 13.1.2: 304 without a body, whatever the range."""
    answer = await _download(a_developer, document, If_None_Match=known)
    of_a_range = await _download(a_developer, document, If_None_Match=known, Range="bytes=0-9")

    assert (answer.status_code, of_a_range.status_code) == (304, 304)
    assert answer.content == b""
    assert answer.headers["etag"] == TAG


@pytest.mark.parametrize("known", ['"another"', "nonsense", '"a", W/"b"', ""])
async def test_who_has_another_file_gets_this_one(
    a_developer: Member, document: Json, known: str
) -> None:
    """API-9: the tag is of the file's bytes."""
    answer = await _download(a_developer, document, If_None_Match=known)

    assert (answer.status_code, answer.content) == (200, CONTENT)


# When it is lost


async def test_a_file_that_is_not_in_the_storage_is_told(house: House, maria: Member) -> None:
    """DOC-6, API-4: 503, to be tried again; the record is there all the same."""
    record = await upload(maria, PAPER)
    stored_path(house, record).unlink()

    answer = await _download(maria, record)
    of_a_range = await _download(maria, record, Range="bytes=0-9")

    assert (answer.status_code, answer.json()["type"]) == (503, "file-missing")
    assert int(answer.headers["retry-after"]) > 0
    assert of_a_range.status_code == 503
    assert (await maria.api.get(path_of(record))).json() == record


async def test_a_file_that_is_cut_off_is_not_handed_out(house: House, maria: Member) -> None:
    """DOC-6: half a file would look like a whole one."""
    record = await upload(maria, PAPER)
    path = stored_path(house, record)
    path.chmod(0o600)
    path.write_bytes(PAPER[:100])

    answer = await _download(maria, record)

    assert (answer.status_code, answer.json()["type"]) == (503, "file-missing")


async def test_an_upload_of_the_same_bytes_mends_a_lost_file(house: House, maria: Member) -> None:
    """DOC-7: the bytes are there again for both records."""
    record = await upload(maria, PAPER)
    stored_path(house, record).unlink()

    again = await upload(maria, PAPER)

    for each in (record, again):
        assert (await _download(maria, each)).content == PAPER
