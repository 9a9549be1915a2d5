"""What every request needs, made once when the application starts."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast

from fastapi import Request

from lacewing.kernel.actor import Actor
from lacewing.kernel.clock import Clock
from lacewing.kernel.db import Database
from lacewing.kernel.events.bells import Bells
from lacewing.kernel.pagination import CursorCodec
from lacewing.kernel.permissions import PermissionTable
from lacewing.kernel.web.rate_limits import RateLimiter
from lacewing.kernel.work import Work

Authenticate = Callable[[Work, str], Awaitable[Actor]]
"""Who is the bearer of this access token; raises ``Unauthenticated``."""


@dataclass(frozen=True)
class Runtime:
    database: Database
    clock: Clock
    authenticate: Authenticate
    permissions: PermissionTable
    cursors: CursorCodec
    secret: bytes
    """32 bytes of this installation, to key hashes with."""
    rate_limiter: RateLimiter
    bells: Bells
    public_url: str | None
    """What clients call this server; ``None``: as the request did."""
    secure_cookies: bool | None
    """Whether cookies go over HTTPS alone; ``None``: when the request came by HTTPS."""


def runtime_of(request: Request) -> Runtime:
    return cast("Runtime", request.app.state.runtime)
