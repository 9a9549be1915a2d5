"""``lacewing serve``: the HTTP server, and in one process also the worker."""

import asyncio
import gc
import os
import resource
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import typer
import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import ChangeReload

import lacewing
from lacewing.cli.context import configure, migrate_if_empty
from lacewing.cli.output import EXIT_SETTINGS, fail
from lacewing.kernel.web.draining import DrainingProcesses, DrainingServer
from lacewing.kernel.web.exposition import MULTIPROCESS_VARIABLE, forget_all
from lacewing.kernel.web.protocol import ProblemProtocol
from lacewing.kernel.web.sockets import MESSAGE_BYTES_MAX, PING_SECONDS, SocketProtocol
from lacewing.main import create_app, make_accounts
from lacewing.settings import load_settings

GRACE_SECONDS = 30
"""How long requests in flight may take to end after the signal to stop."""
KEEP_ALIVE_SECONDS = 75
"""Longer than proxies keep idle connections, so that they close them, not we."""
START_SECONDS = 60
"""How long a process of several may be silent, as it is while it starts on a busy machine."""
BACKLOG = 2_048
EXIT_START = 3
"""As uvicorn says that it could not begin."""


def serve(
    host: str = typer.Option("127.0.0.1", help="The address to listen on."),
    port: int = typer.Option(8000, min=0, max=65_535, help="The port to listen on."),
    workers: int = typer.Option(1, min=1, max=64, help="Server processes; several need Redis."),
    *,
    reload: bool = typer.Option(False, help="For development: start anew when the code changes."),
) -> None:
    """Serve; an empty database is migrated first."""
    settings = load_settings()
    if reload and settings.is_production:
        fail("--reload is for development only.", code=EXIT_SETTINGS)
    if workers > 1 and settings.general.redis_url is None:
        fail(
            f"--workers {workers} needs LACEWING_REDIS_URL: without Redis each process would "
            "count its own rate limits.",
            code=EXIT_SETTINGS,
        )
    configure(settings)
    asyncio.run(migrate_if_empty(settings))
    make_accounts(settings).passwords.close()  # the keys, before processes could race to make them
    _allow_many_files()
    typer.echo(f"Lacewing serves on http://{host}:{port} (API: /api/docs)", err=True)
    with _measured_together(workers):
        _run(host, port, workers, reload=reload)


@contextmanager
def _measured_together(workers: int) -> Generator[None]:
    """Several processes share their measurements through a folder, whichever is asked for them."""
    if workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="lacewing-metrics-") as made:
        folder = Path(os.environ.setdefault(MULTIPROCESS_VARIABLE, made))
        forget_all(folder)
        yield


def _run(host: str, port: int, workers: int, *, reload: bool) -> None:
    """Serve until told to stop."""
    config = uvicorn.Config(
        "lacewing.cli.serve:make_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        reload=reload,
        reload_dirs=[str(Path(lacewing.__file__).parent)] if reload else None,
        loop="uvloop",
        http=ProblemProtocol,
        ws=SocketProtocol,
        ws_max_size=MESSAGE_BYTES_MAX,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=True,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_worker_healthcheck=START_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = DrainingServer(config)
    if reload:
        ChangeReload(config, target=server.run, sockets=[config.bind_socket()]).run()
    elif workers > 1:
        # They share one listening socket: what one of them has not taken in, another does.
        DrainingProcesses(config, sockets=[config.bind_socket()]).run()
    else:
        with suppress(KeyboardInterrupt):
            server.run()
        if not server.started:
            raise typer.Exit(EXIT_START)


def _allow_many_files() -> None:
    """A connection is a file to the kernel, and so is what it uploads: take all we may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def make_app() -> FastAPI:
    """The application with the settings of the environment; called in each server process."""
    settings = load_settings()
    configure(settings)
    app = create_app(settings)
    # What is there now stays: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    return app
