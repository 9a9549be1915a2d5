import logging

import pytest
import structlog

from lacewing.kernel.logging import REDACTED, redact_secrets
from tests.kernel.logs import Log

TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "name",
    ["password", "new_password", "PASSWD", "access_token", "refreshToken", "Authorization",
     "cookie", "Set-Cookie", "api_key", "apikey", "client_secret", "private_key", "x-api-key"],
)  # fmt: skip
def test_a_value_with_a_secret_name_is_blanked(name: str) -> None:
    """SEC-8: by its name, whatever it looks like."""
    assert redact_secrets(None, "info", {name: "x"}) == {name: REDACTED}


@pytest.mark.parametrize(
    "value",
    [
        TOKEN,
        f"Bearer {TOKEN}",
        "bearer opaque-token-1",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA",
        "postgresql://lacewing:hunter2@db/lacewing",
        f"/callback?code={TOKEN}",
    ],
)
def test_a_value_that_looks_like_a_secret_is_blanked(value: str) -> None:
    """SEC-8: by its looks, whatever its name."""
    line = redact_secrets(None, "info", {"detail": value})

    assert REDACTED in line["detail"]
    for secret in (TOKEN, "opaque-token-1", "aGFzaA", "hunter2"):
        assert secret not in line["detail"]


def test_what_is_no_secret_stays(log: Log) -> None:
    """OPS-5: structured, one JSON object a line."""
    structlog.get_logger("test").info("request", route="/api/users/{user_id}", status=200)

    (line,) = log.lines
    assert line["event"] == "request"
    assert line["route"] == "/api/users/{user_id}"
    assert (line["status"], line["level"], line["logger"]) == (200, "info", "test")
    assert line["timestamp"].endswith("Z")


def test_a_log_line_can_not_be_forged_by_line_breaks(log: Log) -> None:
    """SEC-8, API-10: whatever a client sends, one line stays one line."""
    structlog.get_logger("test").info("request", agent='x\n{"event": "forged"}')

    assert [line["event"] for line in log.lines] == ["request"]


def test_a_secret_in_a_stack_trace_is_blanked(log: Log) -> None:
    """SEC-8: traces too."""
    error = RuntimeError(f"Bearer {TOKEN}")

    structlog.get_logger("test").error("unexpected_error", exc_info=error)

    assert "RuntimeError" in log.getvalue()
    assert TOKEN not in log.getvalue()


def test_logs_of_libraries_have_the_same_shape_and_no_secrets(log: Log) -> None:
    """OPS-5, SEC-8: a library may log what it was handed."""
    logging.getLogger("some.library").warning("sent %s", f"Authorization: Bearer {TOKEN}")

    (line,) = log.lines
    assert line["logger"] == "some.library"
    assert TOKEN not in log.getvalue()
