"""What each role may try with posts and collections; whether with this one, services ask again."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from uuid import UUID

from lacewing.kernel.actor import Actor, Role, Scope
from lacewing.kernel.permissions import EVERY_ROLE, Grant


class Permission(StrEnum):
    POST_VIEW = "post-view"
    POST_CREATE = "post-create"
    POST_EDIT = "post-edit"
    COLLECTION_VIEW = "collection-view"
    COLLECTION_EDIT = "collection-edit"


GRANTS: Final[Mapping[Permission, Grant]] = {
    # None of it belongs to a project: tokens that are held to some have nothing of it.
    Permission.POST_VIEW: Grant(EVERY_ROLE, Scope.READ),
    Permission.POST_CREATE: Grant(EVERY_ROLE, Scope.WRITE),
    Permission.POST_EDIT: Grant(EVERY_ROLE, Scope.WRITE),
    Permission.COLLECTION_VIEW: Grant(EVERY_ROLE, Scope.READ),
    Permission.COLLECTION_EDIT: Grant(EVERY_ROLE, Scope.WRITE),
}


def may_edit_post(actor: Actor, author_id: UUID) -> bool:
    """Its author and administrators; a collection is not even there for others than its owner."""
    return actor.role is Role.ADMIN or actor.id == author_id
