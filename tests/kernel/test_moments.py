"""Moments in requests: what no calendar has is refused, wherever one is taken."""

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from lacewing.kernel.actor import Role
from lacewing.kernel.schemas import Moment
from tests.support.house import House

_BEYOND = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"]


@pytest.mark.parametrize("written", _BEYOND)
def test_a_moment_beyond_the_calendar_is_refused(written: str) -> None:
    """API-2: in UTC it has no date, so no database could keep or compare it."""
    with pytest.raises(ValidationError, match="within the years 1 to 9999"):
        TypeAdapter(Moment).validate_python(written)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("0001-01-01T00:00:00Z", datetime.min.replace(tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999Z", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_the_ends_of_the_calendar_are_moments(written: str, moment: datetime) -> None:
    """API-2: the last that can be kept."""
    assert TypeAdapter(Moment).validate_python(written) == moment


@pytest.mark.parametrize("name", ["since", "until"])
@pytest.mark.parametrize("written", _BEYOND)
async def test_the_audit_log_refuses_a_moment_beyond_the_calendar(
    house: House, name: str, written: str
) -> None:
    """API-6: 422, not 500."""
    admin = await house.member("ada", Role.ADMIN)

    answer = await admin.api.get("/api/audit", params={name: written})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["query", name]


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
async def test_the_audit_log_takes_the_ends_of_the_calendar(house: House, written: str) -> None:
    """API-6: the last that can be asked for."""
    admin = await house.member("ada", Role.ADMIN)

    answer = await admin.api.get("/api/audit", params={"since": written, "until": written})

    assert answer.status_code == 200
