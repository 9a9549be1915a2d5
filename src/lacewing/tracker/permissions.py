"""What each role may try; whether it may do so to this very row, the services ask again."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from uuid import UUID

from lacewing.kernel.actor import Actor, Role, Scope
from lacewing.kernel.permissions import EVERY_ROLE, MANAGERS, Grant


class Permission(StrEnum):
    PROJECT_VIEW = "project-view"
    PROJECT_CREATE = "project-create"
    PROJECT_EDIT = "project-edit"
    ISSUE_VIEW = "issue-view"
    ISSUE_WATCH = "issue-watch"
    ISSUE_CREATE = "issue-create"
    ISSUE_EDIT = "issue-edit"
    COMMENT_CREATE = "comment-create"
    COMMENT_EDIT = "comment-edit"


GRANTS: Final[Mapping[Permission, Grant]] = {
    Permission.PROJECT_VIEW: Grant(EVERY_ROLE, Scope.READ, in_projects=True),
    Permission.PROJECT_CREATE: Grant(MANAGERS, Scope.WRITE),
    Permission.PROJECT_EDIT: Grant(MANAGERS, Scope.WRITE, in_projects=True),
    Permission.ISSUE_VIEW: Grant(EVERY_ROLE, Scope.READ, in_projects=True),
    Permission.ISSUE_WATCH: Grant(EVERY_ROLE, Scope.WRITE, in_projects=True),
    Permission.ISSUE_CREATE: Grant(EVERY_ROLE, Scope.WRITE, in_projects=True),
    Permission.ISSUE_EDIT: Grant(EVERY_ROLE, Scope.WRITE, in_projects=True),
    Permission.COMMENT_CREATE: Grant(EVERY_ROLE, Scope.WRITE, in_projects=True),
    Permission.COMMENT_EDIT: Grant(EVERY_ROLE, Scope.WRITE, in_projects=True),
}


def may_edit_project(actor: Actor, creator_id: UUID) -> bool:
    """Its creator, while a manager; and administrators."""
    return actor.role is Role.ADMIN or (actor.role is Role.MANAGER and actor.id == creator_id)


def may_edit_issue(actor: Actor, reporter_id: UUID, assignee_id: UUID | None) -> bool:
    """Its reporter and assignee; managers (so a project's creator too) and administrators."""
    return may_assign_issue(actor, reporter_id) or actor.id == assignee_id


def may_assign_issue(actor: Actor, reporter_id: UUID) -> bool:
    """Its reporter, managers and administrators; not its assignee as such."""
    return actor.role is not Role.DEVELOPER or actor.id == reporter_id
