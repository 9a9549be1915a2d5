"""What others may use of the catalogue."""

from lacewing.catalogue.schemas import CatalogueSummary
from lacewing.catalogue.service.summary import get_summary

__all__ = ["CatalogueSummary", "get_summary"]
