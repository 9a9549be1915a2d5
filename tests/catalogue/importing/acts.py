"""Files of products, and imports in the test's own process."""

import json
from typing import Any

from lacewing.catalogue.importing.records import read_products
from lacewing.catalogue.importing.report import ImportReport
from lacewing.catalogue.importing.service import Import
from lacewing.kernel.db import transaction
from lacewing.kernel.work import Origin, Work
from tests.support.house import House


def record(number: int, **fields: Any) -> dict[str, Any]:
    """As shops export it, with more than is read."""
    return {
        "id": number,
        "title": f"Lamp {number}",
        "description": "It shines.",
        "category": "lighting",
        "price": 9.99,
        "rating": 4.56,
        "stock": 7,
        "tags": ["lamp"],
        "meta": {"createdAt": "2025-04-30T09:41:02.053Z", "updatedAt": "2025-05-01T09:00:00+02:00"},
        **fields,
    }


def file_of(*records: Any) -> bytes:
    return json.dumps(records).encode()


async def bring_in(house: House, data: bytes, source: str = "shop") -> ImportReport:
    """Import ``data`` as the command does, batch by batch."""
    steps = Import(read_products(data, source))
    for batch in steps.batches():
        async with transaction(house.database) as session:
            await steps.bring_in(Work(session, house.clock(), Origin()), batch)
    return steps.report
