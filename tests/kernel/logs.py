"""What the program writes to standard error, with its own configuration of the logs."""

import io
import logging
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
import structlog

from lacewing.kernel.logging import configure_logging


class Log(io.StringIO):
    """All that was written."""

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(line) for line in self.getvalue().splitlines()]

    def requests(self) -> list[dict[str, Any]]:
        """The lines that tell of requests."""
        return [line for line in self.lines if line["event"] == "request"]


@contextmanager
def captured_log(*, as_json: bool = True, level: str = "info") -> Generator[Log, None, None]:
    """Catch all logs while the block lasts, and leave the configuration as it was."""
    root = logging.getLogger()
    handlers, root_level = root.handlers[:], root.level
    before = structlog.get_config()
    log = Log()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", log)
        for name, module in list(sys.modules.items()):
            if name.startswith("lacewing.") and hasattr(module, "_log"):
                # Loggers remember the configuration that they were first used with.
                patch.setattr(module, "_log", structlog.get_logger(name))
        configure_logging(as_json=as_json, level=level)
        try:
            yield log
        finally:
            structlog.configure(**before)
            root.handlers[:] = handlers
            root.setLevel(root_level)
            logging.getLogger("uvicorn.access").disabled = False
