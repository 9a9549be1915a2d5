"""Several test processes do some things one after the other."""

import fcntl
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(name: str) -> Generator[None]:
    """While the block lasts no other process of this machine is in one of that name."""
    with (Path(tempfile.gettempdir()) / f"lacewing-{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
