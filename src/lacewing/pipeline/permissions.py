from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from lacewing.kernel.actor import Scope
from lacewing.kernel.permissions import ADMINS, Grant


class Permission(StrEnum):
    EVENTS_VIEW = "events-view"


GRANTS: Final[Mapping[Permission, Grant]] = {
    Permission.EVENTS_VIEW: Grant(ADMINS, Scope.READ),
}
