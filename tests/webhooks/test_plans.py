"""How SQLite carries lists of deliveries out: a page is a range of an index a status."""

import sqlite3
from typing import Any

import pytest

from lacewing.kernel.db.statements import StatementCache
from tests.support.house import House, Member
from tests.tracker.acts import Json
from tests.webhooks.acts import deliveries, new_webhook

BY_STATUS = "ix_webhook_deliveries_webhook_id_status_occurred_at_id (webhook_id=? AND status=?)"
BY_TYPE = "ix_webhook_deliveries_by_type (webhook_id=? AND event_type=? AND status=?)"


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[Any]]]:
    """Every statement that is carried out, with its values."""
    found: list[tuple[str, list[Any]]] = []
    compiled = StatementCache.compiled

    def record(self: StatementCache, statement: Any, parameters: Any) -> Any:
        made = compiled(self, statement, parameters)
        found.append((made.sql, made.arguments(parameters)))
        return made

    monkeypatch.setattr(StatementCache, "compiled", record)
    return found


@pytest.mark.parametrize(
    ("params", "index", "ranges"),
    [
        ({"status": "failed"}, BY_STATUS, 1),
        ({"status": "failed,pending"}, BY_STATUS, 2),
        ({"event_type": "issue.created"}, BY_TYPE, 3),
        ({"event_type": "issue.created", "status": "failed"}, BY_TYPE, 1),
    ],
)
async def test_a_filtered_list_reads_what_it_shows(
    house: House,
    mona: Member,
    project: Json,
    statements: list[tuple[str, list[Any]]],
    params: Json,
    index: str,
    ranges: int,
) -> None:
    """API-5: the few that failed are found among a million that were delivered."""
    if house.database.dialect != "sqlite":
        pytest.skip("PostgreSQL chooses by the statistics of what is there")
    webhook = await new_webhook(mona, project, "https://hooks.example.com/")
    await deliveries(mona, webhook, **params)
    ((sql, values),) = (each for each in statements if "FROM webhook_deliveries" in each[0])
    path = (house.settings.database.database_url or "").removeprefix("sqlite:///")
    connection = sqlite3.connect(path)
    plan = [detail for *_, detail in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    connection.close()

    read_by = [each for each in plan if "webhook_deliveries" in each]
    assert len(read_by) == ranges, plan
    assert all(index in each for each in read_by), plan
