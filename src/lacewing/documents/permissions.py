"""What each role may try with documents; whether with this one, the service asks again."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from uuid import UUID

from lacewing.kernel.actor import Actor, Role, Scope
from lacewing.kernel.permissions import EVERY_ROLE, Grant


class Permission(StrEnum):
    DOCUMENT_VIEW = "document-view"
    DOCUMENT_UPLOAD = "document-upload"
    DOCUMENT_PROCESS = "document-process"
    DOCUMENT_DELETE = "document-delete"


GRANTS: Final[Mapping[Permission, Grant]] = {
    Permission.DOCUMENT_VIEW: Grant(EVERY_ROLE, Scope.READ, in_projects=True),
    Permission.DOCUMENT_UPLOAD: Grant(EVERY_ROLE, Scope.WRITE, in_projects=True),
    Permission.DOCUMENT_PROCESS: Grant(EVERY_ROLE, Scope.WRITE, in_projects=True),
    Permission.DOCUMENT_DELETE: Grant(EVERY_ROLE, Scope.WRITE, in_projects=True),
}


def may_see_document(actor: Actor, owner_id: UUID, project_id: UUID | None) -> bool:
    """With a project, whoever sees that; without one its owner and administrators (DOC-11)."""
    if project_id is not None:
        return actor.reaches(project_id)
    if actor.project_ids is not None:
        return False
    return may_see_private(actor) or actor.id == owner_id


def may_see_private(actor: Actor) -> bool:
    """Whether everybody's documents without a project are there for this actor."""
    return actor.role is Role.ADMIN


def may_delete_document(actor: Actor, owner_id: UUID) -> bool:
    return actor.role is Role.ADMIN or actor.id == owner_id
