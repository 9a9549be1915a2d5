"""What an import tells of itself."""

import msgspec

from lacewing.kernel.records import BadRecord


class ImportReport(msgspec.Struct):
    """How many of what came in, were there already, or could not come."""

    source: str
    records: int = 0
    products_added: int = 0
    products_known: int = 0
    """Those that are deleted here too: an import brings nothing back."""
    bad_records: list[BadRecord] = []
