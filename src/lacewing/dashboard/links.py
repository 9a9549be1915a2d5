"""Figures with the queries of the lists behind them."""

from datetime import date, timedelta
from typing import Final
from uuid import UUID

from lacewing.dashboard.schemas import (
    Figure,
    FigureOfAssignee,
    FigureOfDay,
    FiguresOfAssignees,
    IssueFigures,
    TimeToResolve,
)
from lacewing.tracker.public import AGES, OPEN_STATUSES, RESOLVED_STATUSES, Figures, name_of_age

_DAY: Final = timedelta(days=1)
_OPEN: Final = f"status={','.join(OPEN_STATUSES)}"
_RESOLVED: Final = f"status={','.join(RESOLVED_STATUSES)}"


def linked(figures: Figures, project_id: UUID | None, today: date) -> IssueFigures:
    """Each figure with the query whose rows it counts, of one project or over all."""
    path = "/api/issues" if project_id is None else f"/api/projects/{project_id}/issues"
    ages = figures.open_by_age
    times = figures.resolve_times
    overdue = f"{path}?{_OPEN}&due_before={today}"
    return IssueFigures(
        total=Figure(figures.total, path),
        by_status={
            status.value: Figure(count, f"{path}?status={status}")
            for status, count in figures.by_status.items()
        },
        by_priority={
            priority.value: Figure(count, f"{path}?priority={priority}")
            for priority, count in figures.by_priority.items()
        },
        by_assignee=_of_assignees(figures, path),
        opened_per_day=_per_day(figures.opened_per_day, f"{path}?created"),
        closed_per_day=_per_day(figures.closed_per_day, f"{path}?closed"),
        time_to_resolve_seconds=TimeToResolve(
            times.median, times.p90, figures.resolved, f"{path}?{_RESOLVED}"
        ),
        open_age_days={
            name_of_age(first, last): Figure(
                ages[name_of_age(first, last)], f"{path}?{_OPEN}{_aged(today, first, last)}"
            )
            for first, last in AGES
        },
        overdue=Figure(figures.overdue, overdue),
    )


def _of_assignees(figures: Figures, path: str) -> FiguresOfAssignees:
    ids = [str(person.id) for person, _ in figures.by_assignee]
    return FiguresOfAssignees(
        people=[
            FigureOfAssignee(person, count, f"{path}?assignee={user_id}")
            for user_id, (person, count) in zip(ids, figures.by_assignee, strict=True)
        ],
        others=Figure(figures.of_others, f"{path}?assignee_not={','.join([*ids, 'none'])}"),
        unassigned=Figure(figures.unassigned, f"{path}?assignee=none"),
    )


def _per_day(days: dict[date, int], query: str) -> list[FigureOfDay]:
    """``query`` ends with the name of a filter, without its ``_from`` and ``_before``."""
    filter_ = query.rpartition("?")[2]
    return [
        FigureOfDay(day, count, f"{query}_from={day}&{filter_}_before={day + _DAY}")
        for day, count in days.items()
    ]


def _aged(today: date, first: int, last: int | None) -> str:
    """What is reported in the future, by somebody's clock, is as young as can be."""
    youngest = f"&created_before={today - (first - 1) * _DAY}" if first else ""
    return youngest if last is None else f"&created_from={today - last * _DAY}{youngest}"
