"""The table of contents: which domains there are, and what each brings."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

import msgspec
from fastapi import APIRouter

from lacewing.accounts import jobs as accounts_jobs
from lacewing.accounts.component import Accounts
from lacewing.accounts.http import access_tokens, auth, granted, sessions, social, users, wellknown
from lacewing.accounts.permissions import GRANTS as ACCOUNTS_GRANTS
from lacewing.audit import http as audit
from lacewing.audit.permissions import GRANTS as AUDIT_GRANTS
from lacewing.kernel.audit.chain import CHAINED_AT_ONCE, Chain
from lacewing.kernel.db import Session
from lacewing.kernel.idempotency import jobs as idempotency_jobs
from lacewing.kernel.permissions import PermissionTable
from lacewing.kernel.web.middleware.rate_limit import TighterLimit
from lacewing.settings import Settings
from lacewing.tracker.http import comments, issues, projects
from lacewing.tracker.permissions import GRANTS as TRACKER_GRANTS

ROUTERS: Final[tuple[APIRouter, ...]] = (
    auth.router,
    sessions.router,
    access_tokens.router,
    social.router,
    users.router,
    granted.router,
    wellknown.router,
    projects.router,
    issues.router,
    comments.router,
    audit.router,
)

PERMISSIONS: Final = PermissionTable((ACCOUNTS_GRANTS, TRACKER_GRANTS, AUDIT_GRANTS))
"""What each role may do, over all domains."""


class Job(msgspec.Struct, frozen=True):
    """Housekeeping that a worker does every so often; it may run twice, and may be missed."""

    name: str
    every_seconds: int
    run: Callable[[Session, datetime], Awaitable[int]]
    """Returns how many things it has dealt with."""
    repeats_at: int | None = None
    """As many mean that there are more: it is done again without a pause."""
    also_at_end: bool = False
    """Whether it is done once more when the worker stops."""


JOBS: Final = (
    Job("expired-idempotency-keys", 600, idempotency_jobs.delete_expired_keys),
    Job("expired-sessions", 3_600, accounts_jobs.delete_expired_sessions),
    Job("expired-login-states", 3_600, accounts_jobs.delete_expired_login_states),
    Job("expired-devices", 3_600, accounts_jobs.delete_expired_devices),
)
"""Those that need nothing but the database."""


def jobs(settings: Settings, accounts: Accounts) -> list[Job]:
    """All jobs, with those that need what this process has."""
    chain = Chain(accounts.keys.secret, settings.audit_witness)
    return [
        *JOBS,
        Job("audit-chain", 1, chain.extend, repeats_at=CHAINED_AT_ONCE, also_at_end=True),
        Job("last-uses", 15, accounts.last_uses.write, also_at_end=True),
    ]


def tighter_limits(settings: Settings) -> dict[tuple[str, str], TighterLimit]:
    """Limits per address for single operations, by method and path (SEC-2)."""
    accounts_settings = settings.accounts
    login = TighterLimit("login", accounts_settings.login_limit_per_minute)
    register = TighterLimit("register", accounts_settings.register_limit_per_minute)
    refresh = TighterLimit("refresh", accounts_settings.refresh_limit_per_minute)
    return {
        ("POST", "/api/auth/login"): login,
        ("POST", "/api/auth/token"): login,
        ("POST", "/api/auth/register"): register,
        ("POST", "/api/auth/signup"): register,
        ("POST", "/api/auth/refresh"): refresh,
    }
