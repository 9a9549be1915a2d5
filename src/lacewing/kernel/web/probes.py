"""``/health/…`` and ``/metrics`` of a process that serves nothing else."""

import asyncio
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI
from starlette.middleware import Middleware

from lacewing.kernel.web import health, problems
from lacewing.kernel.web.health import Check
from lacewing.kernel.web.middleware.identity import RequestIdentity
from lacewing.kernel.web.settings import WebSettings

STOP_SECONDS = 1
"""What who asks just now may still take, when the process ends."""


class _ProbeServer(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals are for the process, which ends this server when it has done."""
        yield


@asynccontextmanager
async def answering_probes(
    settings: WebSettings, checks: Mapping[str, Check], host: str, port: int | None
) -> AsyncGenerator[None]:
    """While the block lasts, answer what machines ask, as a server does (OPS-4)."""
    if port is None:
        yield
        return
    app = FastAPI(
        openapi_url=None,
        middleware=[Middleware(RequestIdentity, trusted_proxies=settings.trusted_proxies)],
    )
    problems.install(app)
    token = settings.metrics_token
    health.install(app, checks, token.get_secret_value() if token else None)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    server = _ProbeServer(config)
    serving = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await serving
