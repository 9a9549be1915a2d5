"""A real browser without a window: Debian's Chromium, installed when this is root."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.servers import install_package

STOP_SECONDS = 20


@contextmanager
def browsing(url: str) -> Generator["subprocess.Popen[bytes]"]:
    """The browser, which opens the page; it is gone when the block ends.

    Raises:
        CannotStart: there is no browser on this machine.
    """
    if shutil.which("chromium") is None:
        install_package("chromium")
    with tempfile.TemporaryDirectory(
        prefix="lacewing-browser-", ignore_cleanup_errors=True
    ) as name:
        command = [
            "chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
            "--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run",
            f"--user-data-dir={name}/profile", url,
        ]  # fmt: skip
        log = Path(name) / "browser.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                env={**os.environ, "HOME": name},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            _end_group(process)


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    """A browser is many processes; all of them are of its group."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
