from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from pydantic import AwareDatetime, Field

from lacewing.kernel.audit import Outcome
from lacewing.kernel.schemas import PagedQuery, Text

ACTION_LENGTH_MAX = 100


class AuditQuery(PagedQuery):
    action: Text | None = Field(None, max_length=ACTION_LENGTH_MAX, examples=["auth.login"])
    user_id: UUID | None = None
    outcome: Outcome | None = None
    since: AwareDatetime | None = Field(None, description="At this moment or later.")
    until: AwareDatetime | None = Field(None, description="Before this moment.")


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
