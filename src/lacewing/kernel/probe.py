"""``python -m lacewing.kernel.probe``: is the program in this container well? For health checks.

Needs nothing but the standard library, as it is asked every few seconds. A worker answers by the
time at which it last touched a file, a server by ``/health/ready``.
"""

import asyncio
import http.client
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

BEAT_SECONDS: Final = 5.0
SILENCE_SECONDS_MAX: Final = 30.0
"""A worker's event loop that is held up for longer is as good as dead."""
PORT: Final = 8000
"""What the image listens on."""
ANSWER_SECONDS: Final = 3.0


def heartbeat() -> Path:
    """The file that a worker touches; of one machine, not one database."""
    return Path(tempfile.gettempdir()) / "lacewing-worker-alive"


async def beat(file: Path) -> None:
    """Touch ``file`` now and then until cancelled; it goes with the worker."""
    try:
        while True:
            file.touch()  # noqa: ASYNC240  a file in memory: microseconds
            await asyncio.sleep(BEAT_SECONDS)
    finally:
        file.unlink(missing_ok=True)  # noqa: ASYNC240  as above


def worker_is_well(file: Path, now: float) -> bool:
    """Whether the worker that made ``file`` still runs at ``now``."""
    return now - file.stat().st_mtime < SILENCE_SECONDS_MAX


def server_is_well(port: int = PORT) -> bool:
    """Whether the server on this machine can serve."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main() -> int:
    """The exit code."""
    file = heartbeat()
    is_well = worker_is_well(file, time.time()) if file.exists() else server_is_well()
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
