"""The catalogue in a few figures; deleted products count nowhere (DASH-1)."""

from typing import Final

from sqlalchemy import Integer, func, select, type_coerce

from lacewing.catalogue.rules import UNRATED
from lacewing.catalogue.schemas import CatalogueSummary
from lacewing.catalogue.store.products import is_live, product_of, with_creator
from lacewing.catalogue.tables import PLACES, products
from lacewing.kernel.db import Session

RECENT: Final = 5

_is_rated = products.c.rating_order > UNRATED
# An index alone answers this: that of the live products by rating.
_COUNTS = select(
    func.count(),
    func.count().filter(_is_rated),
    func.sum(type_coerce(products.c.rating_order, Integer)).filter(_is_rated),
).where(is_live(products))
_HIGHEST = (
    with_creator(products)
    .where(is_live(products))
    .order_by(products.c.price.desc(), products.c.id.desc())
    .limit(1)
)
_RECENT = (
    with_creator(products)
    .where(is_live(products))
    .order_by(products.c.created_at.desc(), products.c.id.desc())
    .limit(RECENT)
)


async def summarise(session: Session) -> CatalogueSummary:
    """How many products there are, how they are rated, the dearest and the newest."""
    counted = await session.one(lambda *row: row, _COUNTS)
    assert counted is not None
    total, rated, hundredths = counted
    return CatalogueSummary(
        total_products=total,
        average_rating=int(hundredths) / rated / 10**PLACES if rated else None,
        highest_priced_product=await session.one(product_of, _HIGHEST),
        recent_products=await session.all(product_of, _RECENT),
    )
