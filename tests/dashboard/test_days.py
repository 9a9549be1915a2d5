"""Days begin at midnight in UTC: of reports, moves, ages and due dates."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.dashboard.still import Still, counted

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
DAY = timedelta(days=1)


@pytest.fixture
async def first_of_march(still: Still) -> Still:
    """It is the first moment of the first of March 2026."""
    still.clock.now = MIDNIGHT - 200 * DAY
    await still.begin()
    still.clock.now = MIDNIGHT
    return still


async def test_a_day_ends_a_moment_before_midnight(first_of_march: Still) -> None:
    """DASH-2: today is the last of 30 days, the 29th before it the first."""
    still = first_of_march
    for at in (
        MIDNIGHT,
        MIDNIGHT - MOMENT,
        MIDNIGHT - 29 * DAY,
        MIDNIGHT - 29 * DAY - MOMENT,
    ):
        await still.report(at)

    told = await still.told()

    assert counted(told["opened_per_day"]) == {
        date(2026, 1, 31): 1,
        date(2026, 2, 28): 1,
        date(2026, 3, 1): 1,
    }
    assert list(told["opened_per_day"])[::29] == [date(2026, 1, 31), date(2026, 3, 1)]
    still.clock.now = MIDNIGHT + DAY - MOMENT
    assert await still.told() == told
    still.clock.now = MIDNIGHT + DAY
    assert counted((await still.told())["opened_per_day"]) == {
        date(2026, 2, 28): 1,
        date(2026, 3, 1): 1,
    }


async def test_open_issues_grow_older_at_midnight(first_of_march: Still) -> None:
    """DASH-2: by days since that of the report; what is not open has no age."""
    still = first_of_march
    for days in (0, 1, 6, 7, 29, 30, 89, 90, 150):
        await still.report(MIDNIGHT - days * DAY)
    resolved = await still.report(MIDNIGHT - 3 * DAY)
    await still.move(resolved, MIDNIGHT - 2 * DAY, "in_progress", "resolved")
    reopened = await still.report(MIDNIGHT - 4 * DAY)
    await still.move(reopened, MIDNIGHT - 2 * DAY, "in_progress", "resolved", "closed", "reopened")
    ahead = await still.report(MIDNIGHT + 2 * DAY)

    assert ahead.created_at > still.clock()
    assert (await still.told())["open_age_days"] == {
        "0": 2, "1-6": 3, "7-29": 2, "30-89": 2, "90+": 2,
    }  # fmt: skip
    still.clock.now = MIDNIGHT + DAY
    assert (await still.told())["open_age_days"] == {
        "0": 1, "1-6": 3, "7-29": 2, "30-89": 2, "90+": 3,
    }  # fmt: skip
    assert await still.told() == await still.recounted()


async def test_what_is_due_today_is_not_overdue(first_of_march: Still) -> None:
    """DASH-2: over the end of a month too; what is resolved is not overdue."""
    still = first_of_march
    for day in (date(2025, 12, 31), date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 2), None):
        await still.report(MIDNIGHT - 2 * DAY, due_date=day)
    done = await still.report(MIDNIGHT - 2 * DAY, due_date=date(2026, 2, 28))
    await still.move(done, MIDNIGHT - DAY, "in_progress", "resolved")

    overdue = []
    for later in (0, 1, 2, 31):
        still.clock.now = MIDNIGHT + later * DAY
        overdue.append((await still.told())["overdue"])
        assert await still.told() == await still.recounted()

    assert overdue == [2, 3, 4, 4]


async def test_the_last_move_counts_until_it_is_reopened(first_of_march: Still) -> None:
    """DASH-2: closed per day, and the time from the report to the last move to resolved."""
    still = first_of_march
    issue = await still.report(MIDNIGHT - 10 * DAY)
    told = []
    for at, *statuses in (
        (MIDNIGHT - 8 * DAY + MOMENT, "in_progress", "resolved"),
        (MIDNIGHT - 7 * DAY, "closed"),
        (MIDNIGHT - 5 * DAY, "reopened"),
        (MIDNIGHT - 4 * DAY - MOMENT, "in_progress", "resolved"),
        (MIDNIGHT - MOMENT, "closed"),
    ):
        await still.move(issue, at, *statuses)
        told.append(await still.told())

    two_days, six_days = 2 * 86_400, 6 * 86_400 - 1
    assert [each["resolved"] for each in told] == [
        (1, two_days, two_days),
        (1, two_days, two_days),
        (0, None, None),
        (1, six_days, six_days),
        (1, six_days, six_days),
    ]
    assert [counted(each["closed_per_day"]) for each in told] == [
        {},
        {date(2026, 2, 22): 1},
        {},
        {},
        {date(2026, 2, 28): 1},
    ]


@pytest.mark.parametrize(
    ("seconds", "median", "p90"),
    [
        ([5], 5, 5),
        ([5, 9], 5, 9),
        ([9, 5, 7], 7, 9),
        (list(range(1, 11)), 5, 9),
        (list(range(1, 12)), 6, 10),
        ([7] * 20 + [3_600, 3_601, 86_400], 7, 3_600),
        ([299, 300, 301, 3_599, 3_600, 86_399, 86_400, 2_592_000, 31_536_000], 3_600, 31_536_000),
    ],
)
async def test_percentiles_are_times_of_real_issues(
    first_of_march: Still, seconds: list[int], median: int, p90: int
) -> None:
    """DASH-2: by nearest rank: the least time that so many of a hundred did not exceed."""
    still = first_of_march
    for each in seconds:
        issue = await still.report(MIDNIGHT - DAY)
        await still.move(issue, MIDNIGHT - DAY + timedelta(seconds=each), "in_progress", "resolved")

    noted = (await still.told())["resolved"]
    await still.fold()

    assert noted == (await still.told())["resolved"] == (len(seconds), median, p90)
