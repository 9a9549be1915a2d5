"""Who may try what: one row a permission, of which the domains' tables are made (PERM-1)."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

import msgspec

from lacewing.kernel.actor import Actor, Role, Scope

EVERY_ROLE: Final = frozenset(Role)
MANAGERS: Final = frozenset({Role.MANAGER, Role.ADMIN})
ADMINS: Final = frozenset({Role.ADMIN})


class Grant(msgspec.Struct, frozen=True):
    """Who has one permission.

    ``scope`` is what a personal access token needs for it; with ``None`` no token ever has it, only
    somebody who has logged in. ``in_projects`` says whether a token that is held to some projects
    has it too.
    """

    roles: frozenset[Role]
    scope: Scope | None
    in_projects: bool = False


class PermissionTable:
    """All permissions of all domains, asked by who acts."""

    def __init__(self, tables: Iterable[Mapping[Any, Grant]]) -> None:
        self.grants: Final = {
            str(permission): grant for table in tables for permission, grant in table.items()
        }
        self._granted = cache(self._find_granted)

    def granted(self, actor: Actor) -> frozenset[str]:
        """What ``actor`` may try; whether with this very thing, its service decides."""
        return self._granted(actor.role, actor.scopes, actor.project_ids is not None)

    def of_role(self, role: Role) -> frozenset[str]:
        """What somebody of that role may try who has logged in."""
        return self._granted(role, None, False)

    def _find_granted(
        self,
        role: Role,
        scopes: frozenset[Scope] | None,
        is_held: bool,  # ruff: ignore[boolean-type-hint-positional-argument]  the cache's way
    ) -> frozenset[str]:
        return frozenset(
            permission
            for permission, grant in self.grants.items()
            if role in grant.roles
            and (scopes is None or grant.scope in scopes)
            and (grant.in_projects or not is_held)
        )
