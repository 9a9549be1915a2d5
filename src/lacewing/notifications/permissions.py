from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from lacewing.kernel.actor import Scope
from lacewing.kernel.permissions import EVERY_ROLE, Grant


class Permission(StrEnum):
    NOTIFICATIONS_VIEW = "notifications-view"
    NOTIFICATIONS_EDIT = "notifications-edit"
    NOTIFICATIONS_TICKET = "notifications-ticket"


GRANTS: Final[Mapping[Permission, Grant]] = {
    Permission.NOTIFICATIONS_VIEW: Grant(EVERY_ROLE, Scope.READ),
    Permission.NOTIFICATIONS_EDIT: Grant(EVERY_ROLE, Scope.WRITE),
    # A ticket stands for a session: who has none, needs none.
    Permission.NOTIFICATIONS_TICKET: Grant(EVERY_ROLE, None),
}
