"""The catalogue in a few figures."""

import random
from decimal import Decimal
from typing import Any

import pytest

from tests.support.house import House, Member

Json = dict[str, Any]


async def add(member: Member, name: str, price: str, rating: float | None = None) -> Json:
    body = {"name": name, "category": "furniture", "price": price, "rating": rating}
    answer = await member.api.post("/api/products", json=body)
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


async def summary(member: Member) -> Json:
    answer = await member.api.get("/api/dashboard/summary")
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def test_an_empty_catalogue_gives_zeros_and_nulls(maria: Member) -> None:
    """DASH-1: not an error."""
    assert await summary(maria) == {
        "total_products": 0,
        "average_rating": None,
        "highest_priced_product": None,
        "recent_products": [],
    }


async def test_products_without_a_rating_are_in_no_average(maria: Member) -> None:
    """DASH-1: null while there are only such, and 0 is a rating."""
    await add(maria, "Desk", "1.00")
    unrated = await summary(maria)
    await add(maria, "Chair", "1.00", 0)
    await add(maria, "Lamp", "1.00", 4.5)

    assert unrated["average_rating"] is None
    assert (await summary(maria))["average_rating"] == pytest.approx(2.25)


async def test_deleted_products_count_nowhere(house: House, maria: Member) -> None:
    """DASH-1: neither in the number and average, nor as the dearest or one of the newest."""
    kept = await add(maria, "Desk", "10.00", 3)
    house.clock.advance(seconds=1)
    dearest = await add(maria, "Throne", "99999.99", 5)
    await maria.api.delete(f"/api/products/{dearest['id']}")

    assert await summary(maria) == {
        "total_products": 1,
        "average_rating": 3.0,
        "highest_priced_product": kept,
        "recent_products": [kept],
    }


async def test_the_figures_are_those_of_the_list(house: House, maria: Member) -> None:
    """DASH-1: recomputed from all products, after many were added, changed and deleted."""
    chance = random.Random(5)
    for number in range(60):
        house.clock.advance(seconds=1)
        rating = chance.choice([None, *range(6)])
        made = await add(
            maria, f"Product {number}", f"{chance.randrange(10_000) / 100:.2f}", rating
        )
        if chance.random() < 0.3:
            await maria.api.delete(f"/api/products/{made['id']}")
        elif chance.random() < 0.3:
            await maria.api.patch(f"/api/products/{made['id']}", json={"rating": None})

    found = await summary(maria)
    listed = (await maria.api.get("/api/products", params={"limit": 100})).json()["data"]
    ratings = [each["rating"] for each in listed if each["rating"] is not None]

    assert found["total_products"] == len(listed)
    assert found["average_rating"] == sum(ratings) / len(ratings)
    assert found["recent_products"] == listed[:5]
    assert found["highest_priced_product"] == max(
        listed, key=lambda each: (Decimal(each["price"]), each["id"])
    )


async def test_a_token_that_is_held_to_projects_sees_no_catalogue(
    house: House, maria: Member
) -> None:
    """DASH-1, PERM: as it reads no products."""
    made = await maria.api.post(
        "/api/auth/personal-access-tokens",
        json={"name": "Build", "scopes": ["read"], "project_ids": [str(maria.id)]},
    )
    held = house.client({"Authorization": f"Bearer {made.json()['token']}"})

    answer = await held.get("/api/dashboard/summary")
    await held.aclose()

    assert (answer.status_code, answer.json()["type"]) == (403, "insufficient-scope")
