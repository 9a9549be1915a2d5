"""The figures once more, counted in Python from the lines of an export and nothing else."""

import math
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from lacewing.kernel.db.exchange import export_lines
from lacewing.kernel.db.offline import use_connection
from lacewing.settings import Settings

Json = dict[str, Any]
Counts = dict[str, Any]

OPEN = {"open", "in_progress", "reopened"}
STATUSES = ("open", "in_progress", "resolved", "closed", "reopened")
PRIORITIES = ("low", "medium", "high", "critical")


async def exported(settings: Settings) -> dict[str, list[Json]]:
    """The rows of each table, as ``lacewing export`` writes them."""
    lines = await use_connection(
        settings.database,
        settings.general.data_dir,
        lambda connection: list(export_lines(connection, "any")),
    )
    tables: dict[str, list[Json]] = {}
    for line in lines[1:]:
        read = msgspec.json.decode(line)
        tables.setdefault(read["table"], []).append(read["row"])
    return tables


async def recounted(
    settings: Settings, now: datetime, project_ids: set[str] | None = None
) -> Counts:
    """What the dashboard must say of these projects, ``None`` for all."""
    tables = await exported(settings)
    moves: dict[str, list[Json]] = {}
    for entry in tables.get("issue_history", []):
        if entry["field"] == "status":
            moves.setdefault(entry["issue_id"], []).append(entry)
    issues = [
        issue
        for issue in tables.get("issues", [])
        if project_ids is None or issue["project_id"] in project_ids
    ]
    return _counted(issues, moves, now.astimezone(UTC).date())


def _counted(issues: list[Json], moves: dict[str, list[Json]], today: date) -> Counts:
    open_issues = [issue for issue in issues if issue["status"] in OPEN]
    times = sorted(
        _seconds(issue, moves[issue["id"]])
        for issue in issues
        if issue["status"] in {"resolved", "closed"}
    )
    days = [today - timedelta(days=ago) for ago in range(29, -1, -1)]
    return {
        "total": len(issues),
        "by_status": _by(STATUSES, (issue["status"] for issue in issues)),
        "by_priority": _by(PRIORITIES, (issue["priority"] for issue in issues)),
        "by_assignee": Counter(issue["assignee_id"] for issue in issues),
        "opened_per_day": _by(days, (_day(issue["created_at"]) for issue in issues)),
        "closed_per_day": _by(
            days,
            (
                _day(_last_move(moves[issue["id"]], "closed"))
                for issue in issues
                if issue["status"] == "closed"
            ),
        ),
        "resolved": (len(times), _nearest_rank(times, 50), _nearest_rank(times, 90)),
        "open_age_days": _by(
            ("0", "1-6", "7-29", "30-89", "90+"),
            (_age((today - _day(issue["created_at"])).days) for issue in open_issues),
        ),
        "overdue": sum(
            issue["due_date"] is not None and date.fromisoformat(issue["due_date"]) < today
            for issue in open_issues
        ),
    }


def told(answer: Json) -> Counts:
    """The same numbers as the dashboard has answered them."""
    people = answer["by_assignee"]
    assigned = Counter({each["assignee"]["id"]: each["count"] for each in people["people"]})
    if people["unassigned"]["count"]:
        assigned[None] = people["unassigned"]["count"]
    times = answer["time_to_resolve_seconds"]
    return {
        "total": answer["total"]["count"],
        "by_assignee": assigned,
        "resolved": (times["count"], times["median"], times["p90"]),
        "overdue": answer["overdue"]["count"],
        **{
            name: {key: figure["count"] for key, figure in answer[name].items()}
            for name in ("by_status", "by_priority", "open_age_days")
        },
        **{
            name: {date.fromisoformat(each["day"]): each["count"] for each in answer[name]}
            for name in ("opened_per_day", "closed_per_day")
        },
    }


def figures_in(answer: Json) -> list[Json]:
    """Everything in the answer that has a count and a list behind it."""
    found = [answer] if {"count", "href"} <= answer.keys() else []
    for value in answer.values():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                found += figures_in(each)
    return found


def _by(keys: Iterable[Any], values: Iterable[Any]) -> dict[Any, int]:
    """How often each of ``keys``, and nothing else."""
    counted = Counter(values)
    return {key: counted[key] for key in keys}


def _day(moment: str) -> date:
    return _moment(moment).astimezone(UTC).date()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _last_move(moves: list[Json], status: str) -> str:
    found: str = max(move["at"] for move in moves if move["after"] == status)
    return found


def _seconds(issue: Json, moves: list[Json]) -> int:
    """An issue that was imported as closed has never been moved to resolved."""
    was_resolved = any(move["after"] == "resolved" for move in moves)
    done = _moment(_last_move(moves, "resolved" if was_resolved else "closed"))
    return max(0, math.floor((done - _moment(issue["created_at"])).total_seconds()))


def _nearest_rank(times: list[int], percent: int) -> int | None:
    return times[math.ceil(len(times) * percent / 100) - 1] if times else None


def _age(days: int) -> str:
    for name, last in (("0", 0), ("1-6", 6), ("7-29", 29), ("30-89", 89)):
        if days <= last:
            return name
    return "90+"
