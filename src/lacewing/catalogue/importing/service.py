"""Bringing imported products in: in batches, each a transaction; run again, only what is new."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from lacewing.accounts.public import find_first_admin, import_person
from lacewing.catalogue import events
from lacewing.catalogue.importing.records import ImportedProduct, ImportFile, Record
from lacewing.catalogue.importing.report import ImportReport
from lacewing.catalogue.store import imports as store, products as products_store, search
from lacewing.kernel import audit
from lacewing.kernel.db import Parameters
from lacewing.kernel.events import emit
from lacewing.kernel.ids import new_id
from lacewing.kernel.records import BadRecord
from lacewing.kernel.work import Work

BATCH: Final = 500
"""Records of one transaction: what a crash undoes at the most."""
IMPORTER: Final = "imported/products"
"""Who has added what came with an import, when there is no administrator; nobody can register a
name with a slash."""


class Import:
    """One run of an importer."""

    def __init__(self, file: ImportFile) -> None:
        self.report = ImportReport(source=file.source)
        self._records = file.records

    def batches(self) -> Iterator[list[Record]]:
        """The records in batches, each to be given to ``bring_in`` in a transaction."""
        while batch := list(islice(self._records, BATCH)):
            yield batch

    async def bring_in(self, work: Work, batch: list[Record]) -> None:
        """Add what is new of ``batch``."""
        found: dict[str, ImportedProduct] = {}
        for record in batch:
            self.report.records += 1
            if isinstance(record, BadRecord):
                self.report.bad_records.append(record)
            elif record.external_id in found:
                self.report.products_known += 1
            else:
                found[record.external_id] = record
        await store.wait_to_import(work.session)
        known = await store.known_products(work.session, list(found))
        self.report.products_known += len(known)
        new = [record for record in found.values() if record.external_id not in known]
        if new:
            await self._add(work, new)

    async def _add(self, work: Work, records: list[ImportedProduct]) -> None:
        creator = await find_first_admin(work.session)
        if creator is None:
            creator, _ = await import_person(work.session, IMPORTER, work.now)
        rows: list[Parameters] = []
        for record in records:
            created_at = record.created_at or work.now
            updated_at = record.updated_at or created_at
            row = products_store.row_of(
                new_id(), record.product, creator, created_at, updated_at, record.external_id
            )
            rows.append(row)
        await products_store.insert_products(work.session, rows)
        await search.index_products(work.session, [(row["id"], row["words"]) for row in rows])
        self.report.products_added += len(rows)
        source = self.report.source
        await emit(work, events.ProductsImported(source=source, count=len(rows)))
        await audit.record(
            work, "products.import", f"source:{source}", details={"count": len(rows)}
        )
