"""How each stack is started: one worker, production settings, as its users would."""

import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.servers import free_port

from bench.load import wait_for

BIN = Path(sys.executable).parent
STACKS = ("lacewing", "tutorial", "async_orm", "django_rest", "floor")
THREADS = "8"


def _command(stack: str, port: int) -> list[str]:
    if stack == "lacewing":
        return [str(BIN / "lacewing"), "serve", "--port", str(port), "--workers", "1"]
    if stack == "django_rest":
        return [
            str(BIN / "gunicorn"), "bench.stacks.django_rest:application", "--workers", "1",
            "--threads", THREADS, "--bind", f"127.0.0.1:{port}", "--keep-alive", "75",
        ]  # fmt: skip
    return [
        str(BIN / "uvicorn"), f"bench.stacks.{stack}:app", "--port", str(port), "--loop", "uvloop",
        "--http", "httptools", "--no-access-log",
    ]  # fmt: skip


@contextmanager
def running(
    stack: str, environment: Mapping[str, str]
) -> Generator[tuple[str, "subprocess.Popen[bytes]"]]:
    """The stack's base URL and process, while the block lasts."""
    port = free_port()
    process = subprocess.Popen(
        _command(stack, port),
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=None if os.environ.get("BENCH_VERBOSE") else subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url, process)
        yield url, process
    finally:
        process.terminate()
        try:
            process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
