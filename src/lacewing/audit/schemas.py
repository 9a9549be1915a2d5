from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from pydantic import Field

from lacewing.kernel.audit import Outcome
from lacewing.kernel.schemas import Moment, PagedQuery, Text

ACTION_LENGTH_MAX = 100


class AuditQuery(PagedQuery):
    action: Text | None = Field(None, max_length=ACTION_LENGTH_MAX, examples=["auth.login"])
    user_id: UUID | None = None
    outcome: Outcome | None = None
    since: Moment | None = Field(None, description="At this moment or later.")
    until: Moment | None = Field(None, description="Before this moment.")


class AuditEntry(msgspec.Struct, frozen=True):
    id: UUID
    at: datetime
    user_id: UUID | None
    ip: str | None
    request_id: str | None
    action: str
    resource: str | None
    outcome: Outcome
    details: dict[str, Any]
