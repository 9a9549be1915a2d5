"""Permissions, declared where the route is: in the type of a parameter (PERM-1)."""

from enum import StrEnum
from typing import Any, cast

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer

from lacewing.kernel.errors import Forbidden, Unauthenticated
from lacewing.kernel.web.runtime import runtime_of
from lacewing.kernel.work import Work

TOKEN_URL = "/api/auth/token"  # ruff: ignore[hardcoded-password-string]  a path, no secret

bearer_scheme = OAuth2PasswordBearer(
    tokenUrl=TOKEN_URL, auto_error=False, description="An access token, from a login."
)
"""Stands in the OpenAPI document; the token itself is read by ``authenticate``."""


async def authenticate(request: Request) -> Work:
    """The unit of work of this request, with the bearer of its access token as the actor.

    Raises:
        Unauthenticated: no token, or one that is not good.
    """
    work = cast("Work", request.scope["lacewing.work"])
    if work.found_actor is None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("Send an access token: `Authorization: Bearer <token>`.")
        work.found_actor = await runtime_of(request).authenticate(work, token.strip())
        request.scope["lacewing.user_id"] = work.found_actor.id
    return work


class Requirement:
    """A dependency that demands a permission; what it demands can be read by tests."""

    def __init__(self, permission: StrEnum) -> None:
        self.permission = permission

    async def __call__(self, request: Request) -> Work:
        work = await authenticate(request)
        if self.permission not in runtime_of(request).grants[work.actor.role]:
            raise Forbidden(
                f"As a {work.actor.role} you lack the permission {self.permission.value}."
            )
        return work


async def anyone(request: Request) -> Work:
    """The unit of work of a request that needs no actor."""
    return cast("Work", request.scope["lacewing.work"])


def requires(permission: StrEnum) -> Any:
    """Demand that the role of the actor has it; stands in ``Annotated[Work, …]``."""
    return Depends(Requirement(permission), scope="function")
