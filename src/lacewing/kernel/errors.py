"""Refusals: what may go wrong because of the caller, as classes with a code and no HTTP status.

Families say what kind of refusal it is (``kernel.web.problems`` maps them to statuses); a domain
derives its own from them and gives each a ``code``, the stable slug that clients may rely on.
Whatever is none of these is a bug.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec


class FieldError(msgspec.Struct, frozen=True):
    """One thing that is wrong with one field: where, in words, and as a code."""

    loc: list[str | int]
    msg: str
    type: str


class Refusal(Exception):  # ruff: ignore[error-suffix-on-exception-name]  a refusal is no fault of ours
    """The common base: ``detail`` is for people, ``code`` for programs."""

    code: ClassVar[str]
    title: ClassVar[str]
    keeps_changes: ClassVar[bool] = False
    """Whether what was written before the refusal is kept, as a counted failed login is."""

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        self.detail = detail or self.title
        self.extra = extra
        """More members of the problem document (RFC 9457, section 3.2)."""
        super().__init__(self.detail)


class Unauthenticated(Refusal):
    code = "unauthenticated"
    title = "You are not signed in, or your token is no longer good."


class Forbidden(Refusal):
    code = "forbidden"
    title = "You are not allowed to do this."


class NotFound(Refusal):
    code = "not-found"
    title = "There is no such thing, or you may not see it."


class Conflict(Refusal):
    code = "conflict"
    title = "The thing is in a state that does not allow this."


class PreconditionFailed(Refusal):
    code = "precondition-failed"
    title = "The thing has changed since you read it."


class Invalid(Refusal):
    """Input that is well-formed but wrong; ``errors`` names each field and why."""

    code = "validation-failed"
    title = "Some fields are not valid."

    def __init__(self, *errors: FieldError, detail: str | None = None) -> None:
        self.errors: Sequence[FieldError] = errors
        super().__init__(detail or (errors[0].msg if len(errors) == 1 else None))


class Malformed(Refusal):
    code = "malformed"
    title = "The request cannot be read."


class PayloadTooLarge(Refusal):
    code = "content-too-large"
    title = "The body is larger than this server takes."


class LimitExceeded(Refusal):
    """Too much in too short a time; ``retry_after_seconds`` says when to come again."""

    code = "rate-limit-exceeded"
    title = "Too many requests."

    def __init__(self, retry_after_seconds: int, detail: str | None = None) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(detail)


class Unavailable(Refusal):
    """A server that this request needs does not answer; nothing was lost, trying again helps."""

    code = "unavailable"
    title = "A part of the service that this request needs is not available."
    retry_after_seconds: ClassVar[int] = 5


def invalid_field(where: str, field: str, msg: str, kind: str) -> Invalid:
    """An ``Invalid`` for the one ``field`` of ``where`` (``body``, ``query`` or ``path``)."""
    return Invalid(FieldError(loc=[where, field], msg=msg, type=kind))
