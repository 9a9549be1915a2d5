"""The application: composes the domains, the kernel and the middleware; decides nothing."""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from lacewing import __version__, wiring
from lacewing.accounts.component import Accounts
from lacewing.accounts.keys import Keys, load_keys
from lacewing.accounts.oidc.provider import Provider
from lacewing.accounts.passwords import Passwords
from lacewing.accounts.service.personal_data import check_openable
from lacewing.accounts.service.verification import authenticate
from lacewing.accounts.tokens import Tokens
from lacewing.documents.component import Documents, load_processor
from lacewing.documents.files.opening import open_storage
from lacewing.documents.processing.processor import Processor
from lacewing.kernel.actor import Actor
from lacewing.kernel.clock import Clock, utc_now
from lacewing.kernel.db import Database, open_database
from lacewing.kernel.db.migrations import Migrations
from lacewing.kernel.events.bells import Bells
from lacewing.kernel.events.redis_bells import heard_everywhere
from lacewing.kernel.jobs.embedded import EmbeddedCarrier
from lacewing.kernel.jobs.runner import Runner
from lacewing.kernel.pagination import CursorCodec
from lacewing.kernel.tracing import tracing
from lacewing.kernel.vitals import watched_vitals
from lacewing.kernel.web import docs, health, problems
from lacewing.kernel.web.middleware.access_log import AccessLog
from lacewing.kernel.web.middleware.body_limit import BodyLimit
from lacewing.kernel.web.middleware.identity import RequestIdentity
from lacewing.kernel.web.middleware.path_spelling import PathSpelling
from lacewing.kernel.web.middleware.rate_limit import RateLimit
from lacewing.kernel.web.middleware.security_headers import SecurityHeaders
from lacewing.kernel.web.protocol import ON_SHUTDOWN
from lacewing.kernel.web.rate_limits import RateLimiter
from lacewing.kernel.web.readiness import readiness_checks
from lacewing.kernel.web.runtime import Runtime
from lacewing.kernel.work import Work
from lacewing.notifications.component import Notifications
from lacewing.notifications.live.hub import Hub
from lacewing.settings import Environment, InvalidSettings, Settings
from lacewing.webhooks.component import Webhooks
from lacewing.worker import Worker, carrier_in_server

if TYPE_CHECKING:
    from lacewing.kernel.spans import Spans

DESCRIPTION = """Bug reports, projects and comments of a team that runs its own tracker.

Errors are problem documents (RFC 9457). Lists are paged by `cursor` or by `page`. `POST` takes an
`Idempotency-Key`; things carry an `ETag`, and changing them honours `If-Match`.
"""
CORS_MAX_AGE_SECONDS = 600
ISSUER = "lacewing"
"""The issuer in tokens while no public URL is set."""


def open_keys(settings: Settings, now: datetime) -> Keys:
    """The keys of this installation; those that are missing are made."""
    secret = None
    if settings.general.secret_key is not None:
        given = settings.general.secret_key.get_secret_value().encode()
        secret = hashlib.sha256(given).digest()
    return load_keys(settings.keys_dir, settings.accounts.jwt_algorithm, now, secret)


def make_accounts(settings: Settings, clock: Clock = utc_now) -> Accounts:
    """The accounts' parts, with the keys of this installation."""
    keys = open_keys(settings, clock())
    return Accounts(
        settings=settings.accounts,
        passwords=Passwords(),
        tokens=Tokens(keys, settings.web.public_url or ISSUER),
        keys=keys,
        providers=_providers(settings, clock),
    )


def make_documents(settings: Settings) -> Documents:
    """The documents' parts, with the storage and the processor that the settings name."""
    return Documents(
        settings=settings.documents,
        storage=open_storage(
            settings.documents.storage_url, settings.general.data_dir, settings.object_storage
        ),
        processor=_processor(settings),
    )


def make_webhooks(settings: Settings, keys: Keys) -> Webhooks:
    """The webhooks' parts; in development they may use plain HTTP."""
    return Webhooks.make(
        settings.webhooks,
        keys.secret,
        settings.web.public_url,
        allows_http=settings.general.environment is Environment.DEVELOPMENT,
    )


def _processor(settings: Settings) -> Processor:
    try:
        return load_processor(settings.documents)
    except ValueError as error:
        raise InvalidSettings([str(error)]) from error


def _providers(settings: Settings, clock: Clock) -> dict[str, Provider]:
    if not settings.providers:
        return {}
    # Imported only where there is one: the HTTP client costs 6 MB of memory.
    from lacewing.accounts.oidc.client import RelyingParty  # noqa: PLC0415  as said
    from lacewing.accounts.oidc.fetch import Fetcher  # noqa: PLC0415  as said

    return {
        name: RelyingParty(provider, Fetcher(), clock)
        for name, provider in settings.providers.items()
    }


def create_app(settings: Settings, clock: Clock = utc_now) -> FastAPI:
    """The application, not yet started: it connects in its lifespan."""
    rate_limiter = RateLimiter(settings.general.redis_url)
    accounts = make_accounts(settings, clock)
    documents = make_documents(settings)
    webhooks = make_webhooks(settings, accounts.keys)
    bells = Bells()
    spans = make_spans(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[dict[str, Any], None]:
        await Migrations(settings.database, settings.general.data_dir).check()
        database = await open_database(settings.database, settings.general.data_dir)
        await check_openable(database.session())
        app.state.runtime = _runtime(settings, database, clock, accounts, rate_limiter, bells)
        health_checks.update(readiness_checks(database, settings.general.redis_url))
        try:
            tasks = wiring.periodic_tasks(settings, accounts)
            runner = Runner(database, wiring.job_kinds(documents), clock, bells.written)
            sender = Runner(database, wiring.sending_job_kinds(webhooks), clock, bells.written)
            sending = EmbeddedCarrier(sender, settings.webhooks.webhook_concurrency)
            carry = carrier_in_server(settings.general, runner, sending)
            worker = Worker(database, tasks, clock, carry, wiring.CONSUMERS, bells)
            app.state.notifications = notifications = Notifications(
                wiring.DESCRIBERS,
                Hub(database, bells, wiring.DESCRIBERS, clock, settings.general.redis_url),
                _origins_of_pages(settings),
            )
            async with (
                traced(spans),
                watched_vitals(__version__, settings.general.data_dir),
                heard_everywhere(bells, settings.general.redis_url),
                worker.running(),
                notifications.hub.running(),
            ):
                yield {ON_SHUTDOWN: (notifications.hub.end_all,)}
        finally:
            await webhooks.close()
            await documents.close()
            await accounts.close()
            await rate_limiter.close()
            await database.close()

    app = FastAPI(
        title="Lacewing",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        middleware=_middleware(settings, rate_limiter, spans),
    )
    app.state.accounts = accounts
    app.state.documents = documents
    app.state.webhooks = webhooks
    app.state.spans = spans
    for router in wiring.ROUTERS:
        # Flat, not included: each level of nesting costs every request.
        app.router.routes.extend(router.routes)
    health_checks: dict[str, health.Check] = {}
    token = settings.web.metrics_token
    health.install(app, health_checks, token.get_secret_value() if token else None)
    docs.install(app, DESCRIPTION)
    problems.install(app)
    return app


def _runtime(
    settings: Settings,
    database: Database,
    clock: Clock,
    accounts: Accounts,
    rate_limiter: RateLimiter,
    bells: Bells,
) -> Runtime:
    async def authenticate_bearer(work: Work, token: str) -> Actor:
        return await authenticate(work, accounts, token)

    return Runtime(
        database=database,
        clock=clock,
        authenticate=authenticate_bearer,
        permissions=wiring.PERMISSIONS,
        cursors=CursorCodec(accounts.keys.secret),
        secret=accounts.keys.secret,
        rate_limiter=rate_limiter,
        bells=bells,
        public_url=settings.web.public_url,
        secure_cookies=settings.secure_cookies,
    )


def _origins_of_pages(settings: Settings) -> frozenset[str]:
    """Of those that may open a socket; the server's own is not that of ``Host`` behind a proxy."""
    own = settings.web.public_url
    return frozenset({*settings.web.cors_origins, *([own.lower()] if own else [])})


def _middleware(
    settings: Settings, rate_limiter: RateLimiter, spans: "Spans | None"
) -> list[Middleware]:
    """The way in, from the outermost: who, what was measured, what is refused."""
    web = settings.web
    return [
        Middleware(RequestIdentity, trusted_proxies=web.trusted_proxies),
        *_tracing(spans),
        Middleware(SecurityHeaders),
        Middleware(AccessLog),
        Middleware(
            CORSMiddleware,
            allow_origins=web.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "If-Match",
                "If-None-Match",
                "If-Range",
                "Last-Event-ID",
                "Range",
                "X-Request-ID",
            ],
            expose_headers=[
                "Accept-Ranges",
                "Content-Disposition",
                "Content-Range",
                "ETag",
                "Location",
                "RateLimit-Limit",
                "RateLimit-Remaining",
                "RateLimit-Reset",
                "Retry-After",
                "X-Request-ID",
                "Idempotent-Replayed",
            ],
            max_age=CORS_MAX_AGE_SECONDS,
        ),
        Middleware(
            RateLimit,
            limiter=rate_limiter,
            per_minute=web.rate_limit_per_minute,
            tighter=wiring.tighter_limits(settings),
        ),
        Middleware(
            BodyLimit, limit_bytes=web.body_limit_bytes, others=wiring.body_limits(settings)
        ),
        Middleware(PathSpelling),
    ]


def make_spans(settings: Settings) -> "Spans | None":
    """What makes spans, if they are wanted."""
    general = settings.general
    if general.otlp_endpoint is None:
        return None
    # Imported only where it is wanted: the exporter costs 20 MB of memory.
    from lacewing.kernel.spans import Spans  # noqa: PLC0415  as said

    return Spans(general.otlp_endpoint, __version__, general.trace_ratio)


@asynccontextmanager
async def traced(spans: "Spans | None") -> AsyncGenerator[None]:
    """While the block lasts, this process makes spans; at its end they have left it."""
    try:
        with tracing(spans):
            yield
    finally:
        if spans is not None:
            await spans.close()


def _tracing(spans: "Spans | None") -> list[Middleware]:
    if spans is None:
        return []
    from lacewing.kernel.web.middleware.tracing import Tracing  # noqa: PLC0415  as above

    return [Middleware(Tracing, spans=spans)]
