"""The figures of the catalogue are right in every state: noted, folded, wrong by hand, mended."""

import asyncio
import random
from decimal import Decimal

from sqlalchemy import delete, insert, select, update

from lacewing.catalogue.jobs import fold_tallies, mend_tallies
from lacewing.catalogue.store.tallies import Tally, find_missing, read_tally
from lacewing.catalogue.tables import product_tallies, products
from lacewing.kernel.db import transaction
from tests.catalogue.acts import add, delete as delete_product, new_product, path_of
from tests.catalogue.importing.acts import bring_in, file_of, record
from tests.support.house import House, Member

NOTHING = Tally(0, 0, 0)


async def fold(house: House) -> int:
    async with transaction(house.database) as session:
        return await fold_tallies(session, house.clock())


async def mended(house: House) -> int:
    return await mend_tallies(lambda: transaction(house.database))


async def missing(house: House) -> Tally:
    return await find_missing(house.database.session())


async def execute(house: House, *statements: object) -> None:
    async with transaction(house.database) as session:
        for statement in statements:
            await session.execute(statement)  # type: ignore[arg-type]  # several kinds


async def test_each_change_counts_at_once(house: House, maria: Member) -> None:
    """DASH-1: added, rated, not rated, priced, deleted, imported, and removed by hand."""
    seen = []

    async def see() -> None:
        seen.append(await read_tally(house.database.session()))
        assert await missing(house) == NOTHING

    desk = await new_product(maria, "Desk", rating=4.5)
    await see()
    chair = await new_product(maria, "Chair")
    await see()
    for change in ({"rating": 0}, {"price": "1.00"}, {"rating": 2.25}, {"rating": None}):
        await maria.api.patch(path_of(chair), json=change)
        await see()
    await delete_product(maria, desk)
    await see()
    await bring_in(house, file_of(record(1), record(2, rating=None)))
    await see()
    await execute(
        house, update(products).values(deleted_at=None, rating=Decimal(1), rating_order=Decimal(1))
    )
    await see()
    await execute(house, delete(products).where(products.c.name == "Desk"))
    await see()

    assert [(each.products, each.rated, each.hundredths) for each in seen] == [
        (1, 1, 450), (2, 1, 450), (2, 2, 450), (2, 2, 450), (2, 2, 675), (2, 1, 450),
        (1, 0, 0), (3, 1, 456), (4, 4, 400), (3, 3, 300),
    ]  # fmt: skip


async def test_folding_changes_no_figure(house: House, maria: Member) -> None:
    """DASH-1: many rows become one, and one stays as it is."""
    for rating in (None, 1, 2.5):
        await new_product(maria, rating=rating)
    before = await read_tally(house.database.session())

    folded = [await fold(house), await fold(house)]

    assert folded == [3, 0]
    assert await read_tally(house.database.session()) == before == Tally(3, 2, 350)
    assert len(await house.rows(select(product_tallies.c.id))) == 1


async def test_wrong_figures_are_mended(house: House, maria: Member) -> None:
    """DASH-1: what somebody has written by hand, or thrown away."""
    await new_product(maria, rating=3)
    await execute(house, insert(product_tallies).values(products=2, rated=0, hundredths=7))

    wrong = await mended(house), await mended(house)
    await execute(house, delete(product_tallies))
    empty = await mended(house)

    assert (wrong, empty) == ((2, 0), 3)
    assert await read_tally(house.database.session()) == Tally(1, 1, 300)


async def test_the_figures_are_exact_whoever_writes_meanwhile(
    house: House, maria: Member, noor: Member
) -> None:
    """DASH-1: at every moment, while some add, rate, delete, import, fold and mend."""

    async def live(member: Member, chance: random.Random) -> None:
        for _ in range(12):
            made = (await add(member, rating=chance.choice([None, 1, 2.5, 5]))).json()
            if chance.random() < 0.5:
                rating = chance.choice([None, 0, 4.25])
                await member.api.patch(path_of(made), json={"rating": rating})
            if chance.random() < 0.4:
                await delete_product(member, made)

    async def watch() -> None:
        for _ in range(15):
            assert await missing(house) == NOTHING
            await fold(house)
            assert await mended(house) == 0

    await asyncio.gather(
        live(maria, random.Random(1)),
        live(noor, random.Random(2)),
        watch(),
        watch(),
        bring_in(house, file_of(*map(record, range(20)))),
    )

    assert await missing(house) == NOTHING
    assert (await read_tally(house.database.session())).products > 20
