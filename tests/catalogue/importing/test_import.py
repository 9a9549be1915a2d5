import asyncio
from typing import Any

import pytest

from lacewing.catalogue.importing.records import read_products
from lacewing.catalogue.importing.service import BATCH
from lacewing.kernel.records import UnreadableFile
from tests.catalogue.acts import PATH, delete, events, names, nothing_changes
from tests.catalogue.importing.acts import bring_in, file_of, record
from tests.support.house import House, Member
from tests.tracker.acts import read, walk


async def test_a_product_comes_in_as_it_was(house: House, adam: Member) -> None:
    """UX-2: name, category, price, rating and times; the first administrator has added it."""
    report = await bring_in(house, file_of(record(1)))

    assert (report.records, report.products_added, report.bad_records) == (1, 1, [])
    [product] = (await read(adam, PATH, search="lamp"))["data"]
    assert product == {
        "id": product["id"],
        "name": "Lamp 1",
        "category": "lighting",
        "price": "9.99",
        "rating": 4.56,
        "created_by": {"id": str(adam.id), "username": "adam", "full_name": None},
        "created_at": "2025-04-30T09:41:02.053000Z",
        "updated_at": "2025-05-01T07:00:00Z",
    }
    assert await events(house) == [("products.imported", {"source": "shop", "count": 1})]


async def test_what_is_not_told_is_now_or_nothing(house: House, adam: Member) -> None:
    """UX-2: without times and rating; an id may be a text, a price too."""
    bare = {"id": "sku-1", "title": "Lamp", "category": "lighting", "price": "10"}

    await bring_in(house, file_of(bare, {**bare, "id": "sku-2", "rating": None, "meta": None}))

    for product in (await read(adam, PATH))["data"]:
        assert (product["price"], product["rating"]) == ("10.00", None)
        assert product["created_at"] == product["updated_at"]
        assert product["created_at"] > "2026"


async def test_without_an_administrator_nobody_in_particular_has_added_it(
    house: House, maria: Member
) -> None:
    """UX-2: a user who can't log in."""
    await bring_in(house, file_of(record(1)))

    [product] = (await read(maria, PATH))["data"]
    assert product["created_by"]["username"] == "imported/products"


async def test_run_again_it_adds_only_what_is_new(house: House, adam: Member) -> None:
    """UX-2: what is changed or deleted here stays so; ids are told apart by their source."""
    await bring_in(house, file_of(record(1), record(2), record(3)))
    first, second = (await walk(adam, PATH, sort_by="created_at"))[:2]
    await adam.api.patch(f"{PATH}/{first['id']}", json={"name": "Lantern"})
    await delete(adam, second)

    async with nothing_changes(house):
        again = await bring_in(house, file_of(record(1), record(2), record(3)))
    newer = await bring_in(house, file_of(record(3), record(4), record(4)))
    other = await bring_in(house, file_of(record(1)), source="another shop")

    assert (again.records, again.products_added, again.products_known) == (3, 0, 3)
    assert (newer.products_added, newer.products_known) == (1, 2)
    assert other.products_added == 1
    assert sorted(await names(adam)) == ["Lamp 1", "Lamp 3", "Lamp 4", "Lantern"]


async def test_two_imports_at_once_add_each_product_once(house: House, adam: Member) -> None:
    """UX-2: the later one waits, and finds all there."""
    data = file_of(*(record(number) for number in range(30)))

    reports = await asyncio.gather(*(bring_in(house, data) for _ in range(3)))

    assert sorted(report.products_added for report in reports) == [0, 0, 30]
    assert len(await walk(adam, PATH)) == 30


async def test_every_batch_goes_in(house: House, adam: Member) -> None:
    """UX-2: at the limit of one transaction and one beyond."""
    data = file_of(*(record(number) for number in range(BATCH + 1)))

    report = await bring_in(house, data)

    assert (report.records, report.products_added) == (BATCH + 1, BATCH + 1)
    assert [data["count"] for _, data in await events(house)] == [BATCH, 1]
    assert len(await walk(adam, PATH, limit=100)) == BATCH + 1


BAD: list[tuple[Any, str]] = [
    (None, "object"),
    (["lamp"], "object"),
    ({}, "id"),
    (record(2, id=None), "id"),
    (record(2, id=1.5), "id"),
    (record(2, id=""), "id"),
    (record(2, id=" "), "id"),
    (record(2, id="x" * 500), "id"),
    (record(2, id="a\nb"), "id"),
    (record(2, title=""), "name"),
    (record(2, title="n" * 201), "name"),
    (record(2, title="a\x00b"), "name"),
    (record(2, title=7), "title"),
    (record(2, category="a,b"), "category"),
    (record(2, category=None), "category"),
    (record(2, price=9.999), "price: must have no more than two decimals"),
    (record(2, price=-1), "price"),
    (record(2, price=10**9), "price"),
    (record(2, price="NaN"), "price"),
    (record(2, price=None), "price"),
    (record(2, price=True), "price"),
    (record(2, rating=5.01), "rating"),
    (record(2, rating=4.999), "rating"),
    (record(2, rating="good"), "rating"),
    (record(2, meta={"createdAt": "yesterday"}), "createdAt"),
    (record(2, meta={"createdAt": "2025-04-30T09:41:02"}), "zone"),
    (record(2, meta={"updatedAt": "0001-01-01T00:00:00+14:00"}), "0001"),
    (record(2, price=-1, rating=9), "rating"),
]


async def test_a_bad_record_is_named_and_the_rest_goes_in(house: House, adam: Member) -> None:
    """UX-2: by its number and the reason, whatever is wrong with it."""
    data = file_of(record(1), *(bad for bad, _ in BAD), record(3))

    report = await bring_in(house, data)

    assert (report.records, report.products_added) == (len(BAD) + 2, 2)
    assert [bad.place for bad in report.bad_records] == list(range(2, len(BAD) + 2))
    for told, (_, reason) in zip(report.bad_records, BAD, strict=True):
        assert reason in told.reason, told
    assert sorted(await names(adam)) == ["Lamp 1", "Lamp 3"]


async def test_numbers_are_read_as_they_are_written(house: House, adam: Member) -> None:
    """CAT-3: a price that a float would make 9.99 is none."""
    data = file_of(record(1), record(2)).replace(b"9.99", b"9.9900000000000000000001", 1)

    report = await bring_in(house, data)

    assert [bad.place for bad in report.bad_records] == [1]
    assert await names(adam) == ["Lamp 2"]


async def test_bytes_that_are_no_text_spoil_their_own_record_only(house: House) -> None:
    """UX-2: broken UTF-8; half a character is replaced."""
    data = file_of(record(1, title="BROKEN"), record(2, title="HALF"), record(3))
    data = data.replace(b"BROKEN", b"\xff\xfe").replace(b"HALF", rb"\ud83d")

    report = await bring_in(house, data)

    assert report.products_added == 2
    assert [bad.place for bad in report.bad_records] == [1]


async def test_a_deep_record_spoils_itself_at_the_most(house: House, adam: Member) -> None:
    """UX-2: what is not read of a record may be as deep as it likes; a mark of bytes is none."""
    data = file_of(record(1, title="DEEP"), record(2, tags="DEEP"), record(3, title='["{'))
    for depth in (3_000, 100_000):
        deep = b"[" * depth + b'{"]": 1}' + b"]" * depth

        found = read_products(b"\xef\xbb\xbf" + data.replace(b'"DEEP"', deep), "shop")

        assert [type(each).__name__ for each in found.records] == [
            "BadRecord", "ImportedProduct", "ImportedProduct",
        ]  # fmt: skip
    report = await bring_in(house, data.replace(b'"DEEP"', deep))
    assert (report.products_added, [bad.place for bad in report.bad_records]) == (2, [1])
    assert sorted(await names(adam)) == ["Lamp 2", '["{']


@pytest.mark.parametrize(
    "data", [b"[" * 100_000, b"", b"{}", b'{"products": []}', b"[1", b"\xff", b"null"]
)
def test_a_file_that_is_no_array_is_refused(data: bytes) -> None:
    """UX-2: as a whole."""
    with pytest.raises(UnreadableFile, match="no JSON array"):
        read_products(data, "shop")
