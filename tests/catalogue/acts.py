"""What people do in these tests, in one line each, and how to see that nothing happened."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
from sqlalchemy import select

from lacewing.catalogue.tables import products
from lacewing.kernel.audit.tables import audit_log
from lacewing.kernel.events.tables import outbox
from tests.support.house import House, Member
from tests.tracker.acts import Json, read

PATH: Final = "/api/products"
ORDERS: Final = [
    {"sort_by": field, "sort_order": direction}
    for field in ("price", "rating", "created_at")
    for direction in ("asc", "desc")
]

_STATE = {
    "products": select(products).order_by(products.c.id),
    "events": select(outbox.c.id).order_by(outbox.c.id),
    # That somebody was refused is kept too, and is no change.
    "audit": select(audit_log.c.id)
    .where(audit_log.c.action != "access.denied")
    .order_by(audit_log.c.id),
}


@asynccontextmanager
async def nothing_changes(house: House) -> AsyncGenerator[None, None]:
    """What happens in the block leaves no trace, and tells nobody anything."""
    before = {name: await house.rows(statement) for name, statement in _STATE.items()}
    yield  # ruff: ignore[fallible-context-manager]  a test that failed already compares nothing
    after = {name: await house.rows(statement) for name, statement in _STATE.items()}
    assert after == before


async def events(house: House) -> list[tuple[str, Json]]:
    """What was told of products so far, in order."""
    told = select(outbox.c.name, outbox.c.data).order_by(outbox.c.id)
    return [(name, data) for name, data in await house.rows(told) if name.startswith("product")]


async def add(member: Member, **fields: Any) -> httpx.Response:
    wanted = {"name": "Desk", "category": "furniture", "price": "9.99", **fields}
    return await member.api.post(PATH, json=wanted)


async def new_product(member: Member, name: str = "Desk", **fields: Any) -> Json:
    answer = await add(member, name=name, **fields)
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


async def delete(member: Member, product: Json, **headers: str) -> httpx.Response:
    return await member.api.delete(path_of(product), headers=headers)


def path_of(product: Json) -> str:
    return f"{PATH}/{product['id']}"


async def names(member: Member, **params: Any) -> list[str]:
    """The names of the products on the first page."""
    return [product["name"] for product in (await read(member, PATH, **params))["data"]]


def place(order: Json, product: Json) -> Any:
    """Where ``product`` stands in that order, in words of our own; ties break by id."""
    if order["sort_by"] == "rating":
        rating = product["rating"]
        return (-1 if rating is None else rating, product["id"])
    if order["sort_by"] == "price":
        return (int(product["price"].replace(".", "")), product["id"])
    return (product["created_at"], product["id"])


def in_order(order: Json, rows: list[Json]) -> list[str]:
    """The ids of ``rows`` as a list in that order has them."""
    found = sorted(rows, key=lambda row: place(order, row))
    return [row["id"] for row in (found if order["sort_order"] == "asc" else found[::-1])]
