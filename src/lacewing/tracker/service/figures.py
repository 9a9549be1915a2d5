"""How it stands with the issues: counts of every kind, and how long they take (DASH-2)."""

from collections.abc import Sequence
from datetime import UTC, date, timedelta
from uuid import UUID

import msgspec

from lacewing.accounts.public import Person, find_people
from lacewing.kernel.work import Work
from lacewing.tracker.rules import (
    AGES,
    DAYS_TOLD,
    EVERYWHERE,
    OPEN_STATUSES,
    RESOLVED_STATUSES,
    Priority,
    Status,
    name_of_age,
)
from lacewing.tracker.store.facets import UNASSIGNED, Dimension
from lacewing.tracker.store.resolve_times import ResolveTimes, find_resolve_times
from lacewing.tracker.store.tallies import ASSIGNEES_TOLD, OVERDUE, Tallies, read_tallies


class Figures(msgspec.Struct, frozen=True):
    """Numbers of the issues of one project, or of several."""

    total: int
    by_status: dict[Status, int]
    by_priority: dict[Priority, int]
    by_assignee: list[tuple[Person, int]]
    """Those with the most issues first."""
    of_others: int
    """Issues of assignees who are not among them."""
    unassigned: int
    opened_per_day: dict[date, int]
    closed_per_day: dict[date, int]
    open_by_age: dict[str, int]
    overdue: int
    resolved: int
    """Those that are resolved or closed."""
    resolve_times: ResolveTimes


async def read_figures(work: Work) -> Figures:
    """Of all issues that are there for the actor."""
    reach = work.actor.project_ids
    scopes = [EVERYWHERE] if reach is None else sorted(reach)
    tallies = await read_tallies(work.session, scopes, _today(work), together=True)
    times = await find_resolve_times(work.session, scopes)
    [figures] = await _told(work, [(tallies[EVERYWHERE], times)])
    return figures


async def read_figures_of(work: Work, project_ids: Sequence[UUID]) -> list[Figures]:
    """Of each of these projects; whether the actor may see them, the caller has asked."""
    tallies = await read_tallies(work.session, project_ids, _today(work))
    counted = [
        (tallies[project_id], await find_resolve_times(work.session, [project_id]))
        for project_id in project_ids
    ]
    return await _told(work, counted)


def _today(work: Work) -> date:
    return work.now.astimezone(UTC).date()


async def _told(work: Work, counted: list[tuple[Tallies, ResolveTimes]]) -> list[Figures]:
    keys = {key for tallies, _ in counted for key, _ in _assigned(tallies)}
    found = await find_people(work.session, [UUID(key) for key in keys])
    people = {user_id.hex: person for user_id, person in found.items()}
    days = [_today(work) - timedelta(days=ago) for ago in reversed(range(DAYS_TOLD))]
    return [_figures(tallies, times, people, days) for tallies, times in counted]


def _assigned(tallies: Tallies) -> list[tuple[str, int]]:
    """The keys of the assignees that are told, with their issues; the most first."""
    found = [
        (key, count)
        for (dimension, key), count in tallies.items()
        if dimension == Dimension.ASSIGNEE and key != UNASSIGNED
    ]
    return sorted(found, key=lambda each: (-each[1], each[0]))[:ASSIGNEES_TOLD]


def _figures(
    tallies: Tallies, times: ResolveTimes, people: dict[str, Person], days: list[date]
) -> Figures:
    def count(dimension: Dimension, key: str) -> int:
        return tallies.get((dimension, key), 0)

    by_status = {status: count(Dimension.STATUS, status) for status in Status}
    total = sum(by_status.values())
    assigned = [(people[key], number) for key, number in _assigned(tallies) if key in people]
    unassigned = count(Dimension.ASSIGNEE, UNASSIGNED)
    *young, (oldest, _) = AGES
    ages = {name_of_age(*age): count(Dimension.OPEN, name_of_age(*age)) for age in young}
    all_ages = sum(by_status[status] for status in OPEN_STATUSES)
    return Figures(
        total=total,
        by_status=by_status,
        by_priority={
            priority: count(Dimension.PRIORITY, str(rank)) for rank, priority in enumerate(Priority)
        },
        by_assignee=assigned,
        of_others=total - unassigned - sum(number for _, number in assigned),
        unassigned=unassigned,
        opened_per_day={day: count(Dimension.OPENED, day.isoformat()) for day in days},
        closed_per_day={day: count(Dimension.CLOSED, day.isoformat()) for day in days},
        open_by_age={**ages, name_of_age(oldest, None): all_ages - sum(ages.values())},
        overdue=count(Dimension.DUE, OVERDUE) + count(Dimension.DUE_MONTH, OVERDUE),
        resolved=sum(by_status[status] for status in RESOLVED_STATUSES),
        resolve_times=times,
    )
