from lacewing.catalogue.schemas import CatalogueSummary
from lacewing.catalogue.store.summary import summarise
from lacewing.kernel.work import Work


async def get_summary(work: Work) -> CatalogueSummary:
    """The whole catalogue in a few figures (DASH-1)."""
    return await summarise(work.session)
