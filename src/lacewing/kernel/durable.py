"""What outlives a crash of the machine."""

import os
from pathlib import Path


def sync_folder(path: Path) -> None:
    """Have the disk keep a folder's names; a file's own ``fsync`` does not (fsync(2))."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
