"""Any products, in every order: each exactly once, whatever ties and whatever lacks a rating."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from tests.catalogue.acts import ORDERS, PATH, in_order, new_product
from tests.support.house import House, Member
from tests.tracker.acts import Json, walk

PRICES = ["0.00", "0.01", "9.99", "10.00", "100.00"]
RATINGS = [None, 0, 0.01, 2.5, 5]
CATEGORIES = ["a", "b", "c"]
LISTS: list[Json] = [
    {},
    {"category": "a"},
    {"category": "a,c"},
    {"category": "a,b,c"},
    {"min_price": "0.01", "max_price": "10"},
    {"min_price": "0.01", "category": "b"},
    {"max_price": "9.99", "category": "a,b"},
]


def _fits(product: Json, params: Json) -> bool:
    price = Decimal(product["price"])
    return product["category"] in params.get("category", "a,b,c").split(",") and Decimal(
        params.get("min_price", 0)
    ) <= price <= Decimal(params.get("max_price", 1_000))


@pytest.fixture
def shelf() -> list[Json]:
    """What was added so far: each example adds to those before."""
    return []


@given(
    wanted=st.lists(
        st.tuples(
            st.sampled_from(PRICES),
            st.sampled_from(RATINGS),
            st.sampled_from(CATEGORIES),
            st.booleans(),
        ),
        min_size=1,
        max_size=7,
    ),
    limit=st.integers(1, 5),
)
@settings(
    derandomize=True,
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_any_products_are_paged_round(
    house: House,
    maria: Member,
    shelf: list[Json],
    wanted: list[tuple[str, float | None, str, bool]],
    limit: int,
) -> None:
    """CAT-2, API-5, API-6: under every filter; each exactly once, in order, both ways."""
    for price, rating, category, is_later in wanted:
        house.clock.advance(seconds=is_later)
        fields = {"price": price, "rating": rating, "category": category}
        shelf.append(await new_product(maria, "Thing", **fields))

    for params in LISTS:
        fit = [product for product in shelf if _fits(product, params)]
        for order in ORDERS:
            found = await walk(maria, PATH, limit=limit, **order, **params)

            assert [row["id"] for row in found] == in_order(order, fit), (params, order)
