from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from lacewing.kernel.actor import Scope
from lacewing.kernel.permissions import EVERY_ROLE, Grant


class Permission(StrEnum):
    SUMMARY_VIEW = "dashboard-summary-view"
    DASHBOARD_VIEW = "dashboard-view"


GRANTS: Final[Mapping[Permission, Grant]] = {
    Permission.SUMMARY_VIEW: Grant(EVERY_ROLE, Scope.READ),
    Permission.DASHBOARD_VIEW: Grant(EVERY_ROLE, Scope.READ, in_projects=True),
}
