"""What goes over the wire."""

from datetime import date, datetime
from uuid import UUID

import msgspec
from pydantic import Field

from lacewing.accounts.public import Person
from lacewing.kernel.pagination import Slice
from lacewing.kernel.schemas import CursorQuery
from lacewing.tracker.public import ProjectRef


class IssuesDashboardQuery(CursorQuery):
    project_id: UUID | None = Field(None, description="Figures of this project alone.")


# Boards have thousands of the following three, and none can hold itself: the garbage collector
# need not look at them.
class Figure(msgspec.Struct, frozen=True, gc=False):
    """A number, and the list of what it counts."""

    count: int
    href: str


class FigureOfDay(msgspec.Struct, frozen=True, gc=False):
    day: date
    """In UTC."""
    count: int
    href: str


class FigureOfAssignee(msgspec.Struct, frozen=True, gc=False):
    assignee: Person
    count: int
    href: str


class FiguresOfAssignees(msgspec.Struct, frozen=True):
    people: list[FigureOfAssignee]
    """Up to 49, those with the most issues first."""
    others: Figure
    """Of all further assignees together."""
    unassigned: Figure


class TimeToResolve(msgspec.Struct, frozen=True):
    """Of issues that are resolved or closed: from the report to the last move to resolved."""

    median: int | None
    p90: int | None
    count: int
    href: str


class IssueFigures(msgspec.Struct, frozen=True):
    total: Figure
    by_status: dict[str, Figure]
    by_priority: dict[str, Figure]
    by_assignee: FiguresOfAssignees
    opened_per_day: list[FigureOfDay]
    """The last 30 days, today the last."""
    closed_per_day: list[FigureOfDay]
    """By the last move to closed, of issues that are closed now."""
    time_to_resolve_seconds: TimeToResolve
    open_age_days: dict[str, Figure]
    """Open issues by the days since that of their report."""
    overdue: Figure
    """Open issues that were due before today."""


class ProjectFigures(IssueFigures, frozen=True, kw_only=True):
    project: ProjectRef


class IssuesDashboard(IssueFigures, frozen=True, kw_only=True):
    counted_at: datetime
    """Its day in UTC is today."""
    project: ProjectRef | None
    """Whose figures they are; ``None`` for those over all."""
    projects: list[ProjectFigures]
    """Over all: the figures of each project, by name, a page at a time."""
    next_cursor: str | None
    has_more: bool


class Overview(msgspec.Struct, frozen=True):
    """What the dashboard is made of."""

    figures: IssueFigures
    project: ProjectRef | None
    projects: Slice[ProjectFigures]
