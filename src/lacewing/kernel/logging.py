"""Structured logs: JSON in production, readable in development (OPS-5); no secrets (SEC-8)."""

import logging
import re
import sys
from collections.abc import MutableMapping
from functools import partial
from typing import Any, Final, TextIO

import msgspec
import structlog

_SECRET_NAME: Final = re.compile(
    r"pass(word|wd)?|secret|token|authorization|cookie|api[_-]?key|private", re.IGNORECASE
)
_SECRET_VALUE: Final = re.compile(
    r"eyJ[\w-]{5,}\.[\w.-]*"  # JWS and JWE
    r"|\blw_[\w-]{20,}"  # personal access tokens
    r"|\bwhsec_[\w+/=-]{20,}"  # secrets of webhooks
    r"|(?i:bearer|basic)\s+\S+"
    r"|\$argon2\S+"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # user:password@ in a URL
)
REDACTED: Final = "[redacted]"

Line = MutableMapping[str, Any]


def redact_secrets(_logger: Any, _method: str, line: Line) -> Line:
    """Blank what is secret by its name or by its looks."""
    for name, value in line.items():
        if name != "event" and _SECRET_NAME.search(name):
            line[name] = REDACTED
        elif isinstance(value, str) and len(value) > 6:  # ruff: ignore[magic-value-comparison]  shorter than any secret
            line[name] = _SECRET_VALUE.sub(REDACTED, value)
    return line


def _to_json(line: Line, **_options: Any) -> str:
    return msgspec.json.encode(line, enc_hook=str).decode()


class _Writer(structlog.PrintLogger):
    """Writes lines to ``file``, and knows its own name as the standard library's loggers do."""

    def __init__(self, file: TextIO, name: str = "lacewing") -> None:
        super().__init__(file)
        self.name = name


def configure_logging(*, as_json: bool, level: str) -> None:
    """Send all logs to standard error in one shape.

    Our own go there directly, since a line a request costs as much as a query through the standard
    library's logging; what libraries log by that is brought into the same shape.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact_secrets,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(serializer=_to_json)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=partial(_Writer, sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.getLogger("uvicorn.access").disabled = True
    # Every request to another server, and every look at the schema: of use to nobody.
    for chatty in ("httpx", "httpcore", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
