"""Figures of real trackers; skipped where they are not at hand."""

from datetime import date

import pytest

from lacewing.tracker.importing.archive import read_archive
from lacewing.tracker.importing.github import read_github
from tests.dashboard.recount import recounted, told
from tests.journeys.test_real_trackers import ARCHIVE, ARCHIVE_DATA, GITHUB_DATA
from tests.support.house import House, Member
from tests.support.importing import bring_in
from tests.tracker.acts import change, read, walk

pytestmark = pytest.mark.skipif(
    not ARCHIVE.is_file(), reason="the real trackers lie beside the repository, not in it"
)
BOARD = "/api/dashboard/issues"


async def test_imported_trackers_have_the_figures_of_their_export(
    house: House, adam: Member
) -> None:
    """DASH-2, UX-2: closed when they were closed there; reopened here, they are open again."""
    await bring_in(house, read_archive(ARCHIVE_DATA), "TLS")
    await bring_in(house, read_github(GITHUB_DATA), "QUIC")

    board = await read(adam, BOARD)

    assert told(board) == await recounted(house.settings, house.clock())
    assert board["total"]["count"] == 446 + 262
    assert board["time_to_resolve_seconds"]["median"] > 0
    for each in board["projects"]:
        expected = await recounted(house.settings, house.clock(), {each["project"]["id"]})
        assert told(each) == expected
    await _closed_on_a_day_of_then(adam)
    closed = await walk(adam, "/api/issues", status="closed", limit=100)
    for issue in closed[:3]:
        assert (await change(adam, issue, status="reopened")).status_code == 200
    assert told(await read(adam, BOARD)) == await recounted(house.settings, house.clock())


async def _closed_on_a_day_of_then(adam: Member) -> None:
    """The list by the day of closing finds what the file says."""
    year = {"closed_from": date(2016, 1, 1), "closed_before": date(2017, 1, 1)}
    found = await walk(adam, "/api/issues", limit=100, **year)
    histories = [
        (await read(adam, f"/api/issues/{issue['id']}/history"))["data"] for issue in found[:20]
    ]
    assert len(found) > 20
    assert {entry["at"][:4] for history in histories for entry in history} == {"2016"}
