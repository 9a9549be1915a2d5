from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from lacewing.kernel.actor import Role, Scope
from lacewing.kernel.permissions import ADMINS, EVERY_ROLE, Grant


class Permission(StrEnum):
    PROFILE_VIEW = "profile-view"
    PROFILE_EDIT = "profile-edit"
    CREDENTIALS_MANAGE = "credentials-manage"
    """Password, sessions, tokens, linked identities: never by a token that could be stolen."""
    USER_VIEW = "user-view"
    USER_ADMINISTER = "user-administer"
    EMAIL_VIEW = "email-view"


GRANTS: Final[Mapping[Permission, Grant]] = {
    Permission.PROFILE_VIEW: Grant(EVERY_ROLE, Scope.READ, in_projects=True),
    Permission.PROFILE_EDIT: Grant(EVERY_ROLE, Scope.WRITE),
    Permission.CREDENTIALS_MANAGE: Grant(EVERY_ROLE, scope=None),
    Permission.USER_VIEW: Grant(EVERY_ROLE, Scope.READ, in_projects=True),
    Permission.USER_ADMINISTER: Grant(ADMINS, Scope.WRITE),
    Permission.EMAIL_VIEW: Grant(ADMINS, Scope.READ),
}


def keeps_administering(changes: Mapping[str, Any]) -> bool:
    """Whether an administrator who is changed so still is one, and active."""
    return changes.get("role", Role.ADMIN) is Role.ADMIN and changes.get("is_active", True)
