"""Imports in the test's own process."""

from lacewing.kernel.db import transaction
from lacewing.kernel.work import Origin, Work
from lacewing.tracker.importing.records import ImportFile
from lacewing.tracker.importing.report import ImportReport
from lacewing.tracker.importing.service import Import
from tests.support.house import House


async def bring_in(house: House, file: ImportFile, project: str) -> ImportReport:
    """Import ``file`` as the command does, batch by batch."""
    run = Import(file, project)
    for batch in run.batches():
        async with transaction(house.database) as session:
            await run.bring_in(Work(session, house.clock(), Origin()), batch)
    return run.report
