"""Posts as another system has exported them; skipped where the file is not at hand."""

import json
from pathlib import Path

import pytest

from tests.content.test_importing import bring_in
from tests.support.house import House, Member
from tests.tracker.acts import walk

FILE = Path(__file__).parents[3] / "shared" / "data" / "posts.json"

pytestmark = pytest.mark.skipif(
    not FILE.is_file(), reason="the real posts lie beside the repository, not in it"
)


async def test_all_251_are_in_with_their_titles_and_bodies(house: House, maria: Member) -> None:
    """CON-1: in the file's order, letter for letter, and each author's own; a second time none."""
    data = FILE.read_bytes()
    wanted = json.loads(data)

    first, second = await bring_in(house, data), await bring_in(house, data)

    assert (first.posts_added, first.users_added, first.bad_records) == (251, 155, [])
    assert (second.posts_added, second.posts_known, second.users_added) == (0, 251, 0)
    found = await walk(maria, "/api/posts", sort="created_at", limit=100)
    assert [(post["title"], post["body"], post["author"]["username"]) for post in found] == [
        (post["title"], post["body"], f"imported/posts#{post['userId']}") for post in wanted
    ]
