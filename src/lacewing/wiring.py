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
from lacewing.catalogue import jobs as catalogue_jobs
from lacewing.catalogue.http import products
from lacewing.catalogue.permissions import GRANTS as CATALOGUE_GRANTS
from lacewing.content.http import collections, posts
from lacewing.content.permissions import GRANTS as CONTENT_GRANTS
from lacewing.content.public import describe_collections, describe_posts
from lacewing.dashboard import http as dashboard
from lacewing.dashboard.permissions import GRANTS as DASHBOARD_GRANTS
from lacewing.documents import jobs as documents_jobs
from lacewing.documents.component import Documents
from lacewing.documents.http import documents, downloads, uploads
from lacewing.documents.permissions import GRANTS as DOCUMENTS_GRANTS
from lacewing.documents.public import describe_documents
from lacewing.documents.rules import PROCESS_DOCUMENT, REMOVE_FILE, SWEEP_FILES
from lacewing.kernel.audit.chain import CHAIN_TASK, CHAINED_AT_ONCE, Chain
from lacewing.kernel.db import Session
from lacewing.kernel.events.consumer import Consumer
from lacewing.kernel.events.retention import DELETED_AT_ONCE, delete_old_events
from lacewing.kernel.idempotency import jobs as idempotency_jobs
from lacewing.kernel.jobs import JobKind
from lacewing.kernel.permissions import PermissionTable
from lacewing.kernel.queues import Queues
from lacewing.kernel.web.middleware.rate_limit import TighterLimit
from lacewing.kernel.web.multipart import OVERHEAD_BYTES
from lacewing.notifications.http import notifications, sockets, stream
from lacewing.notifications.permissions import GRANTS as NOTIFICATIONS_GRANTS
from lacewing.notifications.rules import SubjectKind
from lacewing.notifications.service import inbox
from lacewing.notifications.service.fanout import TELLING
from lacewing.notifications.service.subjects import Describers
from lacewing.notifications.service.tickets import delete_expired_tickets
from lacewing.pipeline import http as pipeline
from lacewing.pipeline.permissions import GRANTS as PIPELINE_GRANTS
from lacewing.settings import Settings
from lacewing.tracker import jobs as tracker_jobs
from lacewing.tracker.http import comments, issues, projects, watching
from lacewing.tracker.permissions import GRANTS as TRACKER_GRANTS
from lacewing.tracker.public import describe_issues
from lacewing.webhooks import jobs as webhooks_jobs
from lacewing.webhooks.component import Webhooks
from lacewing.webhooks.http import deliveries, webhooks
from lacewing.webhooks.permissions import GRANTS as WEBHOOKS_GRANTS
from lacewing.webhooks.rules import CLEAR, DELIVER
from lacewing.webhooks.service.noting import note_events

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
    watching.router,
    comments.router,
    uploads.router,
    documents.router,
    downloads.router,
    dashboard.router,
    products.router,
    posts.router,
    collections.router,
    notifications.router,
    stream.router,
    sockets.router,
    webhooks.router,
    deliveries.router,
    audit.router,
    pipeline.router,
)

UPLOAD: Final = ("POST", "/api/documents/upload")

PERMISSIONS: Final = PermissionTable(
    (
        ACCOUNTS_GRANTS,
        TRACKER_GRANTS,
        DOCUMENTS_GRANTS,
        CATALOGUE_GRANTS,
        CONTENT_GRANTS,
        DASHBOARD_GRANTS,
        NOTIFICATIONS_GRANTS,
        WEBHOOKS_GRANTS,
        AUDIT_GRANTS,
        PIPELINE_GRANTS,
    )
)
"""What each role may do, over all domains."""


class PeriodicTask(msgspec.Struct, frozen=True):
    """Housekeeping that a worker does every so often; it may run twice, and may be missed."""

    name: str
    every_seconds: int
    run: Callable[[Session, datetime], Awaitable[int]]
    """Returns how many things it has dealt with."""
    repeats_at: int | None = None
    """As many mean that there are more: it is done again without a pause."""
    also_at_end: bool = False
    """Whether it is done once more when the worker stops."""


PERIODIC_TASKS: Final = (
    PeriodicTask("expired-idempotency-keys", 600, idempotency_jobs.delete_expired_keys),
    PeriodicTask("expired-sessions", 3_600, accounts_jobs.delete_expired_sessions),
    PeriodicTask("expired-login-states", 3_600, accounts_jobs.delete_expired_login_states),
    PeriodicTask("expired-devices", 3_600, accounts_jobs.delete_expired_devices),
    PeriodicTask("file-sweep", 3_600, documents_jobs.ensure_sweep),
    PeriodicTask("old-events", 3_600, delete_old_events, repeats_at=DELETED_AT_ONCE),
    PeriodicTask(
        "old-notifications", 3_600, inbox.delete_forgotten, repeats_at=inbox.DELETED_AT_ONCE
    ),
    PeriodicTask("expired-tickets", 600, delete_expired_tickets),
    PeriodicTask(
        "issue-tallies", 2, tracker_jobs.fold_tallies, repeats_at=tracker_jobs.FOLDED_AT_ONCE
    ),
    PeriodicTask(
        "product-tallies", 2, catalogue_jobs.fold_tallies, repeats_at=catalogue_jobs.FOLDED_AT_ONCE
    ),
    PeriodicTask(
        "old-webhook-deliveries",
        3_600,
        webhooks_jobs.delete_old_deliveries,
        repeats_at=webhooks_jobs.DELETED_AT_ONCE,
    ),
)
"""Those that need nothing but the database."""


CONSUMERS: Final[tuple[Consumer, ...]] = (TELLING, Consumer("webhooks", note_events))
"""Who reads all events in order, each with a cursor of its own."""


DESCRIBERS: Final[Describers] = {
    SubjectKind.ISSUE: describe_issues,
    SubjectKind.DOCUMENT: describe_documents,
    SubjectKind.POST: describe_posts,
    SubjectKind.COLLECTION: describe_collections,
}
"""Who knows what the things are that events are about."""


def periodic_tasks(settings: Settings, accounts: Accounts) -> list[PeriodicTask]:
    """All of them, with those that need what this process has."""
    chain = Chain(accounts.keys.secret, settings.audit_witness)
    return [
        *PERIODIC_TASKS,
        PeriodicTask("queue-depths", 15, Queues(JOB_NAMES).measure),
        PeriodicTask(CHAIN_TASK, 1, chain.extend, repeats_at=CHAINED_AT_ONCE, also_at_end=True),
        PeriodicTask("last-uses", 15, accounts.last_uses.write, also_at_end=True),
    ]


JOB_NAMES: Final = (PROCESS_DOCUMENT, REMOVE_FILE, SWEEP_FILES, DELIVER, CLEAR)
"""The names of all kinds of jobs."""


def job_kinds(documents: Documents) -> list[JobKind]:
    """Every kind of job, with what runs it, but for those of ``sending_job_kinds``."""
    return [*documents_jobs.job_kinds(documents)]


def sending_job_kinds(webhooks: Webhooks) -> list[JobKind]:
    """Those that mostly wait for servers of others: they run beside the rest, many at a time."""
    return [*webhooks_jobs.job_kinds(webhooks)]


def body_limits(settings: Settings) -> dict[tuple[str, str], int]:
    """Limits of bodies for single operations, by method and path (SEC-1)."""
    return {UPLOAD: settings.documents.upload_limit_bytes + OVERHEAD_BYTES}


def tighter_limits(settings: Settings) -> dict[tuple[str, str], TighterLimit]:
    """Limits per address for single operations, by method and path (SEC-2)."""
    accounts_settings = settings.accounts
    login = TighterLimit("login", accounts_settings.login_limit_per_minute)
    register = TighterLimit("register", accounts_settings.register_limit_per_minute)
    refresh = TighterLimit("refresh", accounts_settings.refresh_limit_per_minute)
    upload = TighterLimit("upload", settings.documents.upload_limit_per_minute)
    return {
        ("POST", "/api/auth/login"): login,
        ("POST", "/api/auth/token"): login,
        ("POST", "/api/auth/register"): register,
        ("POST", "/api/auth/signup"): register,
        ("POST", "/api/auth/refresh"): refresh,
        UPLOAD: upload,
    }
