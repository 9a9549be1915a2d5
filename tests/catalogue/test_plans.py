"""How the databases carry lists out: a page reads its own rows, and nothing else."""

import pytest

from lacewing.catalogue.store.listing import WINDOW
from tests.catalogue.acts import ORDERS, PATH
from tests.support.house import House, Member
from tests.support.plans import Plan, Statement, is_sorted, plan_of, record_statements
from tests.support.products import fill_products
from tests.tracker.acts import Json, read

PRODUCTS = 20_000
PAGE = 20
STEP = 100
"""Rows of the page before: were they read again, it would be seen."""


@pytest.fixture(scope="module")
async def filled(shared_house: House, a_developer: Member) -> House:
    """A house with very many products, of which the database knows that they are many."""
    url = shared_house.settings.database.database_url
    assert url is not None
    await fill_products(url, a_developer.id, PRODUCTS)
    return shared_house


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[Statement]:
    """Every statement that is carried out, with its values."""
    return record_statements(monkeypatch)


async def _list_plans(
    filled: House, member: Member, statements: list[Statement], params: Json
) -> list[Plan]:
    """The plans of what is asked for the page that follows upon one of ``STEP`` rows."""
    before = await read(member, PATH, **params, limit=STEP)
    statements.clear()
    page = await read(member, PATH, **params, limit=PAGE, cursor=before["next_cursor"])
    assert len(page["data"]) == PAGE
    asked = [each for each in statements if "FROM products" in each[0]]
    return [await plan_of(filled, *each) for each in asked]


def _assert_ranges(plan: Plan, index: str, column: str, how_many: int, rows: int) -> None:
    """So many ranges of that index are read, after the cursor, each no longer than ``rows``."""
    if "detail" in plan[0]:
        read_by = [each["detail"] for each in plan if "SEARCH products" in each["detail"]]
        assert len(read_by) == how_many, plan
        assert all(index in each and f"({column},id)" in each for each in read_by), plan
        return
    read_by = [each for each in plan if each.get("Relation Name") == "products"]
    assert [each.get("Index Name") for each in read_by] == [index] * how_many, plan
    for each in read_by:
        assert f"ROW({column}, id)" in each["Index Cond"], plan
        assert each["Actual Rows"] <= rows, plan
        assert each.get("Rows Removed by Filter", 0) == 0, plan


COLUMNS = {"price": "price", "rating": "rating_order", "created_at": "created_at"}
ONE, SEVERAL = {"category": "category 7"}, {"category": "category 7,category 8,category 9"}
BOUNDS = {"min_price": "200", "max_price": "800"}


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "-".join(order.values()))
async def test_a_page_is_a_range_of_one_index(
    filled: House, a_developer: Member, statements: list[Statement], order: Json
) -> None:
    """CAT-2: in every order, in a category, between prices: nothing is sorted, no row wasted."""
    column = COLUMNS[order["sort_by"]]
    cases: list[tuple[Json, str]] = [({}, ""), (ONE, "category_")]
    if column == "price":
        cases += [(BOUNDS, ""), ({**BOUNDS, **ONE}, "category_")]
    for filters, below in cases:
        params = {**order, **filters}

        [plan] = await _list_plans(filled, a_developer, statements, params)

        _assert_ranges(plan, f"ix_products_{below}{column}_id", column, 1, PAGE + 1)
        assert not is_sorted(plan), plan


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "-".join(order.values()))
async def test_several_categories_are_as_many_ranges(
    filled: House, a_developer: Member, statements: list[Statement], order: Json
) -> None:
    """CAT-2: only the page's rows of each are read, and merged. (The fourth place is empty.)"""
    column = COLUMNS[order["sort_by"]]

    [plan] = await _list_plans(filled, a_developer, statements, {**order, **SEVERAL})

    places = 4 if filled.database.dialect == "sqlite" else 3
    _assert_ranges(plan, f"ix_products_category_{column}_id", column, places, PAGE + 1)


@pytest.mark.parametrize("filters", [BOUNDS, {"search": "lar"}, {"search": "-lar", **BOUNDS}])
async def test_what_is_true_of_many_is_asked_of_the_next_ones(
    filled: House, a_developer: Member, statements: list[Statement], filters: Json
) -> None:
    """CAT-2, CAT-3: words and prices without an index in that order: one window of it is read."""
    for order in ORDERS[2:]:
        column = COLUMNS[order["sort_by"]]

        [plan] = await _list_plans(filled, a_developer, statements, {**order, **filters})

        _assert_ranges(plan, f"ix_products_{column}_id", column, 1, WINDOW)


async def test_what_is_true_of_few_is_looked_up(
    filled: House, a_developer: Member, statements: list[Statement]
) -> None:
    """CAT-3: by the index of words; the rest of the catalogue is not read."""
    for order in ORDERS:
        statements.clear()
        found = await read(a_developer, PATH, **order, search="thing rar", limit=PAGE)
        _, _, looked_up = [each for each in statements if "FROM products" in each[0]]

        plan = await plan_of(filled, *looked_up)

        assert len(found["data"]) == 3
        if filled.database.dialect == "sqlite":
            assert any("product_words VIRTUAL TABLE" in each["detail"] for each in plan), plan
            assert not any("SCAN products" in each["detail"] for each in plan), plan
            continue
        assert "ix_product_search_words" in {each.get("Index Name") for each in plan}, plan
        read_by = [each for each in plan if each.get("Relation Name") == "products"]
        assert sum(each["Actual Rows"] * each["Actual Loops"] for each in read_by) <= 3, plan
