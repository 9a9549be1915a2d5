"""What others may use of the catalogue."""

from lacewing.catalogue.schemas import CatalogueSummary
from lacewing.catalogue.store.summary import summarise

__all__ = ["CatalogueSummary", "summarise"]
