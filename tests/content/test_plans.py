"""How the databases carry lists of posts out."""

import pytest

from tests.content.acts import many_post_ids
from tests.support.house import House, Member
from tests.support.plans import is_sorted, plan_of, record_statements
from tests.tracker.acts import read

PAGE = 20


@pytest.mark.parametrize("key", ["created_at", "updated_at"])
@pytest.mark.parametrize("direction", ["", "-"])
async def test_one_authors_posts_are_a_range_of_an_index(
    house: House,
    maria: Member,
    noor: Member,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    direction: str,
) -> None:
    """CON-1: in each order, on every page: nobody else's posts are read, and none is sorted."""
    for author, how_many in ((noor, 200), (maria, 3 * PAGE), (noor, 200)):
        await many_post_ids(house, author, how_many)
    params = {"author": "maria,me", "sort": f"{direction}{key}", "limit": PAGE}
    first = await read(maria, "/api/posts", **params)
    statements = record_statements(monkeypatch)

    await read(maria, "/api/posts", **params, cursor=first["next_cursor"])

    [asked] = [each for each in statements if "FROM posts" in each[0]]
    plan = await plan_of(house, *asked)
    if house.database.dialect == "sqlite":  # PostgreSQL knows how many posts each author has
        details = [each["detail"] for each in plan]
        index = f"ix_posts_author_id_{key}_id"
        assert any(index in each and f"AND ({key},id)" in each for each in details), plan
    assert not is_sorted(plan), plan
