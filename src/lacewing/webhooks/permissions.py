"""What each role may try with webhooks; whether with those of this project, the tracker decides."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from lacewing.kernel.actor import Scope
from lacewing.kernel.permissions import MANAGERS, Grant


class Permission(StrEnum):
    WEBHOOK_VIEW = "webhook-view"
    WEBHOOK_EDIT = "webhook-edit"


GRANTS: Final[Mapping[Permission, Grant]] = {
    Permission.WEBHOOK_VIEW: Grant(MANAGERS, Scope.READ, in_projects=True),
    Permission.WEBHOOK_EDIT: Grant(MANAGERS, Scope.WRITE, in_projects=True),
}
"""As editing a project: its creator, while a manager, and administrators."""
