"""What each role may try with products; whether with this one, the service asks again."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from uuid import UUID

from lacewing.kernel.actor import Actor, Role, Scope
from lacewing.kernel.permissions import EVERY_ROLE, Grant


class Permission(StrEnum):
    PRODUCT_VIEW = "product-view"
    PRODUCT_CREATE = "product-create"
    PRODUCT_EDIT = "product-edit"


GRANTS: Final[Mapping[Permission, Grant]] = {
    # Products belong to no project, so a token that is held to some has none of these.
    Permission.PRODUCT_VIEW: Grant(EVERY_ROLE, Scope.READ),
    Permission.PRODUCT_CREATE: Grant(EVERY_ROLE, Scope.WRITE),
    Permission.PRODUCT_EDIT: Grant(EVERY_ROLE, Scope.WRITE),
}


def may_edit_product(actor: Actor, creator_id: UUID) -> bool:
    """Its creator, managers and administrators."""
    return actor.role is not Role.DEVELOPER or actor.id == creator_id
