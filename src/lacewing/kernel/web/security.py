"""Permissions, declared where the route is: in the type of a parameter (PERM-1)."""

from enum import StrEnum
from typing import Any, cast

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer

from lacewing.kernel.actor import Actor
from lacewing.kernel.errors import Forbidden, Unauthenticated
from lacewing.kernel.permissions import PermissionTable
from lacewing.kernel.web.runtime import runtime_of
from lacewing.kernel.work import Work


class InsufficientScope(Forbidden):
    """The token may not, though its owner may (RFC 6750, section 3.1)."""

    code = "insufficient-scope"
    title = "This personal access token may not do this."


TOKEN_URL = "/api/auth/token"  # ruff: ignore[hardcoded-password-string]  a path, no secret

bearer_scheme = OAuth2PasswordBearer(
    tokenUrl=TOKEN_URL, auto_error=False, description="An access token, from a login."
)
"""Stands in the OpenAPI document; the token itself is read by ``authenticate``."""


def read_bearer(request: Request) -> str:
    """The token of the ``Authorization`` header (RFC 6750, section 2.1).

    Raises:
        Unauthenticated: there is none.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Send an access token: `Authorization: Bearer <token>`.")
    return token.strip()


async def authenticate(request: Request) -> Work:
    """The unit of work of this request, with the bearer of its access token as the actor.

    Raises:
        Unauthenticated: no token, or one that is not good.
    """
    work = cast("Work", request.scope["lacewing.work"])
    if work.found_actor is None:
        work.found_actor = await runtime_of(request).authenticate(work, read_bearer(request))
        request.scope["lacewing.user_id"] = work.found_actor.id
    return work


class Requirement:
    """A dependency that demands a permission; what it demands can be read by tests."""

    def __init__(self, permission: StrEnum) -> None:
        self.permission = permission

    async def __call__(self, request: Request) -> Work:
        work = await authenticate(request)
        table = runtime_of(request).permissions
        if self.permission not in table.granted(work.actor):
            raise _refusal(table, work.actor, self.permission)
        return work


def _refusal(table: PermissionTable, actor: Actor, permission: StrEnum) -> Forbidden:
    if permission not in table.of_role(actor.role):
        return Forbidden(f"As a {actor.role} you lack the permission {permission.value}.")
    scope = table.grants[permission].scope
    if scope is None:
        return InsufficientScope("No personal access token may do this: log in.")
    if actor.scopes is not None and scope not in actor.scopes:
        return InsufficientScope(f"This token lacks the scope {scope.value}.", scope=scope.value)
    return InsufficientScope("This token is held to some projects: it may not do this.")


async def anyone(request: Request) -> Work:
    """The unit of work of a request that needs no actor."""
    return cast("Work", request.scope["lacewing.work"])


def requires(permission: StrEnum) -> Any:
    """Demand that the role of the actor has it; stands in ``Annotated[Work, …]``."""
    return Depends(Requirement(permission), scope="function")
