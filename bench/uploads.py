"""``python -m bench.uploads``: a thousand uploads at once, beside what does less.

The floor is an ASGI application that reads a body and throws it away, nginx a server that writes it
to a file (``dav_methods``): neither asks who it is, hashes, looks into the file, or keeps a record.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.documents.papers import pdf_of_size
from tests.support.processes import admin_token, environment_of, serving
from tests.support.servers import CannotStart, free_port, install_package, running_server
from tests.support.uploading import form_of, memory_kib, request_of, send_at_once

UPLOADS = 1_000
UPLOAD_BYTES = 200_000
ROUNDS = 3
MEGA = 1_000_000
ROW = "{:<10} {:>8} {:>9} {:>12} {:>14}"

Make = Callable[[int, bytes], bytes]
"""The request that sends this content, the n-th."""


class Target(NamedTuple):
    """A server, the process whose memory counts, and how it is asked."""

    url: str
    pid: int
    make: Make


def main() -> int:
    contents = [pdf_of_size(UPLOAD_BYTES, "Report", number) for number in range(UPLOADS)]
    best: dict[str, float] = {}
    peaks: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="lacewing-uploads-") as folder, ExitStack() as running:
        targets = {
            stack: running.enter_context(start(Path(folder)))
            for stack, start in (("lacewing", _lacewing), ("floor", _floor), ("nginx", _nginx))
        }
        for number in range(ROUNDS):
            for stack, target in targets.items():
                seconds = _measure(target, contents, number)
                best[stack] = min(seconds, best.get(stack, seconds))
                peaks[stack] = memory_kib(target.pid, "VmHWM") / 1024
    print(f"{UPLOADS} uploads of {UPLOAD_BYTES} bytes at once, the best of {ROUNDS} rounds")
    print(ROW.format("", "seconds", "MB/s", "of lacewing", "peak MiB"))
    for stack, seconds in best.items():
        speed = UPLOADS * UPLOAD_BYTES / MEGA / seconds
        ratio = best["lacewing"] / seconds
        print(
            ROW.format(
                stack, f"{seconds:.2f}", f"{speed:.0f}", f"{ratio:.2f}", f"{peaks[stack]:.0f}"
            )
        )
    return 0


def _measure(target: Target, contents: Sequence[bytes], number: int) -> float:
    """The seconds until all are answered."""
    # Other bytes in each round: what is there already need not be stored.
    round_ = b"%%%d\n" % number
    requests = [
        partial(target.make, place, content + round_) for place, content in enumerate(contents)
    ]
    begun = time.monotonic()
    answers = asyncio.run(send_at_once(target.url, requests))
    seconds = time.monotonic() - begun
    statuses = {answer.status for answer in answers}
    if statuses != {201}:
        raise RuntimeError(f"{target.url} answered {statuses}")
    return seconds


@contextmanager
def _lacewing(folder: Path) -> Generator[Target]:
    folder /= "lacewing"
    folder.mkdir()
    environment = environment_of(f"sqlite:///{folder}/lacewing.sqlite3", folder)
    with serving(environment) as server:
        token = admin_token(server, environment)

        def make(_place: int, content: bytes) -> bytes:
            return request_of(server.url, token, form_of(content, "report.pdf"))

        yield Target(server.url, server.process.pid, make)


@contextmanager
def _floor(folder: Path) -> Generator[Target]:
    port = free_port()
    command = [
        str(Path(sys.executable).parent / "uvicorn"), "bench.stacks.sink:app", "--port", str(port),
        "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--backlog", "2048",
    ]  # fmt: skip
    folder /= "floor"
    folder.mkdir()
    with running_server(command, port, folder) as process:
        url = f"http://127.0.0.1:{port}"

        def make(_place: int, content: bytes) -> bytes:
            return request_of(url, "none", form_of(content, "report.pdf"))

        yield Target(url, process.pid, make)


@contextmanager
def _nginx(folder: Path) -> Generator[Target]:
    if shutil.which("nginx") is None:
        install_package("nginx-light")
    port = free_port()
    folder /= "nginx"
    (folder / "files").mkdir(parents=True)
    (folder / "nginx.conf").write_text(_nginx_settings(folder, port), encoding="utf-8")
    command = ["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)]
    with running_server(command, port, folder) as process:
        url = f"http://127.0.0.1:{port}"

        def make(place: int, content: bytes) -> bytes:
            name = f"{place}-{time.monotonic_ns()}.pdf"
            head = (
                f"PUT /{name} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n"
                f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
            )
            return head.encode() + content

        yield Target(url, process.pid, make)


def _nginx_settings(folder: Path, port: int) -> str:
    user = "user root;" if os.geteuid() == 0 else ""
    return f"""
{user}
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    server {{
        listen 127.0.0.1:{port} backlog=2048;
        root {folder}/files;
        client_max_body_size 100m;
        location / {{ dav_methods PUT; }}
    }}
}}
"""


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (CannotStart, subprocess.SubprocessError) as error:
        sys.exit(str(error))
