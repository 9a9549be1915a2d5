import base64
from typing import Any

import pytest

from lacewing.kernel.pagination import CursorCodec, InvalidCursor
from tests.support.house import House, Member


@pytest.fixture
async def cursor(house: House, maria: Member) -> str:
    """A cursor of the list of users, one a page."""
    await house.member("noor")
    answer = await maria.api.get("/api/users", params={"limit": 1})
    given: str = answer.json()["next_cursor"]
    return given


async def _status(reader: Member, path: str, **query: Any) -> int:
    answer = await reader.api.get(path, params=query)
    if answer.status_code == 400:
        assert answer.json()["type"] in {"invalid-cursor", "malformed"}
    return answer.status_code


async def test_a_cursor_is_base64url_and_is_taken_where_it_came_from(
    maria: Member, cursor: str
) -> None:
    """API-5: opaque base64url; the limit may change between pages, the spelling too."""
    alphabet = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")

    assert set(cursor) <= alphabet
    assert await _status(maria, "/api/users", cursor=cursor, limit=1) == 200
    assert await _status(maria, "/api/users/", cursor=cursor, limit=50) == 200


async def test_a_cut_or_forged_cursor_is_refused(maria: Member, cursor: str) -> None:
    """API-5: each character counts, at its beginning and at its end."""
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    flipped = [
        base64.urlsafe_b64encode(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]).decode()
        for at in range(len(raw))
    ]
    cut = [cursor[:length] for length in range(len(cursor))]
    others = [
        f"{cursor}A",
        f"{cursor}====",
        cursor.swapcase(),
        "null",
        "W10",
        "é",
        " ",
        "%",
        "a" * 1_024,
    ]

    statuses = {
        forged: await _status(maria, "/api/users", cursor=forged, limit=1)
        for forged in (*flipped, *cut, *others)
    }

    assert {forged: status for forged, status in statuses.items() if status != 400} == {}


async def test_a_cursor_longer_than_any_is_refused(a_developer: Member) -> None:
    """SEC-6: over-long strings get 422."""
    assert await _status(a_developer, "/api/users", cursor="a" * 1_025) == 422


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/projects", {}),
        ("/api/issues", {}),
        ("/api/users", {"sort": "-username"}),
        ("/api/users", {"sort": "created_at"}),
        ("/api/users", {"role": "developer"}),
        ("/api/users", {"is_active": "true"}),
        ("/api/users", {"search": "a"}),
    ],
)
async def test_a_cursor_of_another_list_sort_or_filter_is_refused(
    maria: Member, cursor: str, path: str, query: dict[str, str]
) -> None:
    """API-5: a cursor is bound to its list, its sort and its filters."""
    assert await _status(maria, path, cursor=cursor, **query) == 400


async def test_a_cursor_and_a_page_number_exclude_each_other(maria: Member, cursor: str) -> None:
    """API-5: both together get 400."""
    assert await _status(maria, "/api/users", cursor=cursor, page=1) == 400


def test_a_cursor_of_another_installation_is_refused() -> None:
    """API-5: the key is the installation's own."""
    ours, theirs = CursorCodec(b"a" * 32), CursorCodec(b"b" * 32)
    theirs_cursor = theirs.encode(["maria", 1], b"list")

    assert theirs.decode(theirs_cursor, b"list") == ["maria", 1]
    with pytest.raises(InvalidCursor):
        ours.decode(theirs_cursor, b"list")
