"""How SQLite carries lists of deliveries out: a page is a range of an index a status."""

import pytest

from tests.support.house import House, Member
from tests.support.plans import plan_of, record_statements
from tests.tracker.acts import Json
from tests.webhooks.acts import deliveries, new_webhook

BY_STATUS = "ix_webhook_deliveries_webhook_id_status_occurred_at_id (webhook_id=? AND status=?)"
BY_TYPE = "ix_webhook_deliveries_by_type (webhook_id=? AND event_type=? AND status=?)"


# PostgreSQL chooses by what it knows of the rows, of which there are none.
@pytest.mark.one_database
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
    monkeypatch: pytest.MonkeyPatch,
    params: Json,
    index: str,
    ranges: int,
) -> None:
    """API-5: the few that failed are found among a million that were delivered."""
    webhook = await new_webhook(mona, project, "https://hooks.example.com/")
    statements = record_statements(monkeypatch)

    await deliveries(mona, webhook, **params)

    [asked] = [each for each in statements if "FROM webhook_deliveries" in each[0]]
    plan = [each["detail"] for each in await plan_of(house, *asked)]
    read_by = [each for each in plan if "webhook_deliveries" in each]
    assert len(read_by) == ranges, plan
    assert all(index in each for each in read_by), plan
