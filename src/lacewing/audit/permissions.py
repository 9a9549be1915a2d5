from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from lacewing.kernel.actor import Role


class Permission(StrEnum):
    AUDIT_VIEW = "audit-view"


GRANTS: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.DEVELOPER: frozenset(),
    Role.MANAGER: frozenset(),
    Role.ADMIN: frozenset({Permission.AUDIT_VIEW}),
}
