"""Many add, change and delete while others turn pages: what was there throughout is shown once."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from lacewing.catalogue.store import listing
from tests.catalogue.acts import ORDERS, PATH, path_of
from tests.catalogue.importing.acts import bring_in, file_of, record
from tests.support.house import House, Member
from tests.support.processes import admin_token, environment_of, lacewing, serving
from tests.tracker.acts import Json, walk

CLIENTS = 20
FEW, MANY = 240, 10_000
"""Products that stay."""
ROUNDS_AMONG_FEW, ROUNDS_AMONG_MANY = 4, 10
"""Of each client: about as many requests as pages are turned meanwhile."""

Ask = Callable[[str, str, Any], Awaitable[httpx.Response]]


def any_fields(random: Random) -> Json:
    """Few prices and ratings, so that many tie with what others are just reading."""
    return {
        "name": "Passing",
        "category": random.choice(["a", "b"]),
        "price": f"{random.randrange(20)}.50",
        "rating": random.choice([None, 0, 2.5, 5]),
    }


def kept_products(count: int, now: datetime) -> bytes:
    """A file of products that stand among the passing ones in every order, half of them newer."""
    return file_of(
        *(
            record(
                number,
                category="ab"[number % 2],
                price=f"{number * 7 % 20}.50",
                rating=[None, 0, 2.5, 5][number % 4],
                meta={"createdAt": (now + timedelta(seconds=number - count // 2)).isoformat()},
            )
            for number in range(count)
        )
    )


async def come_and_go(ask: Ask, random: Random, rounds: int) -> None:
    """Add a product, move it in every order, delete it."""
    for _ in range(rounds):
        added = await ask("POST", PATH, any_fields(random))
        assert added.status_code == 201, added.text
        path = path_of(added.json())
        assert (await ask("PUT", path, any_fields(random))).is_success
        assert (await ask("DELETE", path, None)).status_code == 204


def assert_each_once(kept: set[str], rows: list[Json]) -> None:
    counts = Counter(row["id"] for row in rows)
    assert {product: counts[product] for product in kept} == dict.fromkeys(kept, 1)


async def test_what_is_there_throughout_is_shown_exactly_once(
    house: House, maria: Member, adam: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CAT-2: 20 clients add, change and delete, others walk all pages in each of the six orders."""
    monkeypatch.setattr(
        listing, "WINDOW", 20
    )  # so few that it is often not filled, and near its end
    await bring_in(house, kept_products(FEW, house.clock()))
    kept = {row["id"] for row in await walk(adam, PATH, limit=100)}
    assert len(kept) == FEW

    async def ask(method: str, path: str, body: Any) -> httpx.Response:
        return await maria.api.request(method, path, json=body)

    walks = [{**order, "limit": 7} for order in ORDERS]
    walks += [{**order, "limit": 7, "category": "a,b,c"} for order in ORDERS]
    walks += [{**order, "limit": 7, "search": "lamp", "min_price": "0"} for order in ORDERS]
    turning = asyncio.gather(*(walk(adam, PATH, **params) for params in walks))
    await asyncio.gather(
        turning, *(come_and_go(ask, Random(number), ROUNDS_AMONG_FEW) for number in range(CLIENTS))
    )

    for rows in turning.result():
        assert_each_once(kept, rows)
    assert {row["id"] for row in await walk(adam, PATH, limit=100)} == kept


@pytest.mark.system
async def test_ten_thousand_are_shown_exactly_once(database_url: str, tmp_path: Path) -> None:
    """CAT-2: of a really started server, in each of the six orders, while 20 clients write."""
    environment = environment_of(database_url, tmp_path)
    file = tmp_path / "products.json"
    file.write_bytes(kept_products(MANY, datetime.now(UTC)))
    done = lacewing("import", "products", str(file), "--json", environment=environment)
    assert json.loads(done.stdout)["products_added"] == MANY, done.stderr
    with serving(environment) as server:
        headers = {"Authorization": f"Bearer {admin_token(server, environment)}"}
        async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=60) as client:
            passing: set[str] = set()

            async def ask(method: str, path: str, body: Any) -> httpx.Response:
                answer = await client.request(method, path, json=body)
                if method == "POST":
                    passing.add(answer.json()["id"])
                return answer

            turning = asyncio.gather(
                *(walk_with(client, {**order, "limit": 100}) for order in ORDERS)
            )
            await asyncio.gather(
                turning,
                *(come_and_go(ask, Random(n), ROUNDS_AMONG_MANY) for n in range(CLIENTS)),
            )
            kept = {row["id"] for row in await walk_with(client, {"limit": 100})}

    assert len(kept) == MANY
    assert len(passing) == CLIENTS * ROUNDS_AMONG_MANY
    assert kept.isdisjoint(passing)
    for rows in turning.result():
        assert_each_once(kept, rows)


async def walk_with(client: httpx.AsyncClient, params: Json) -> list[Json]:
    rows: list[Json] = []
    cursor: Json = {}
    while True:
        page = (await client.get(PATH, params={**params, **cursor})).json()
        rows += page["data"]
        if not page["has_more"]:
            return rows
        cursor = {"cursor": page["next_cursor"]}
