"""The catalogue in a few figures; deleted products count nowhere (DASH-1)."""

from typing import Final

from lacewing.catalogue.schemas import CatalogueSummary
from lacewing.catalogue.store.products import is_live, product_of, with_creator
from lacewing.catalogue.store.tallies import read_tally
from lacewing.catalogue.tables import PLACES, products
from lacewing.kernel.db import Session

RECENT: Final = 5

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
    tally = await read_tally(session)
    mean = tally.hundredths / tally.rated / 10**PLACES if tally.rated else None
    return CatalogueSummary(
        total_products=tally.products,
        average_rating=mean,
        highest_priced_product=await session.one(product_of, _HIGHEST),
        recent_products=await session.all(product_of, _RECENT),
    )
