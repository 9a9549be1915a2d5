from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from lacewing.kernel.actor import Role


class Permission(StrEnum):
    OWN_ACCOUNT = "own-account"
    USER_VIEW = "user-view"
    USER_ADMINISTER = "user-administer"


_EVERYONE: Final = frozenset({Permission.OWN_ACCOUNT, Permission.USER_VIEW})

GRANTS: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.DEVELOPER: _EVERYONE,
    Role.MANAGER: _EVERYONE,
    Role.ADMIN: _EVERYONE | {Permission.USER_ADMINISTER},
}
