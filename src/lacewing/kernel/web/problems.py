"""RFC 9457 problem documents: the one shape of every refusal (API-3)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from lacewing.kernel import errors
from lacewing.kernel.errors import FieldError, Refusal

PROBLEM_JSON: Final = "application/problem+json"
FIELD_ERRORS_MAX: Final = 100
NAME_LENGTH_MAX: Final = 100
"""How many faults are told, and how much of a name: a megabyte of faults is answered in few."""

STATUS_OF_FAMILY: Final[Mapping[type[Refusal], int]] = {
    errors.Malformed: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.PreconditionFailed: 412,
    errors.PayloadTooLarge: 413,
    errors.Invalid: 422,
    errors.LimitExceeded: 429,
    errors.Unavailable: 503,
}

WWW_AUTHENTICATE: Final = 'Bearer realm="lacewing"'

_CODES_OF_STATUS: Final = {
    400: "malformed",
    404: "not-found",
    405: "method-not-allowed",
    413: "content-too-large",
    415: "unsupported-media-type",
    500: "internal-error",
}


class UnsupportedMediaType(Refusal):
    code = "unsupported-media-type"
    title = "The body is of a type that this operation does not take."


class RangeNotSatisfiable(Refusal):
    """RFC 9110, section 15.5.17."""

    code = "range-not-satisfiable"
    title = "The file has no such bytes."

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        super().__init__(f"The file has {size_bytes} bytes.")


_OWN_STATUSES: Final[Mapping[type[Refusal], int]] = {
    UnsupportedMediaType: 415,
    RangeNotSatisfiable: 416,
}


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """The members of a problem document that never depend on the kind of problem."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[FieldError] | None = None


def status_of(refusal: type[Refusal]) -> int:
    """The status of the family that ``refusal`` belongs to."""
    for kind in refusal.__mro__:
        status = STATUS_OF_FAMILY.get(kind) or _OWN_STATUSES.get(kind)
        if status is not None:
            return status
    raise TypeError(f"{refusal.__name__} belongs to no family")


def problem_response(
    problem: Problem,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    document = {**(extra or {}), **msgspec.to_builtins(problem)}
    return Response(
        msgspec.json.encode(document),
        status_code=problem.status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        media_type=PROBLEM_JSON,
    )


def problem_of_status(
    scope_path: str,
    request_id: str,
    status: int,
    detail: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem that is told by its status alone."""
    title = HTTPStatus(status).phrase
    code = _CODES_OF_STATUS.get(status) or title.lower().replace(" ", "-")
    return problem_response(
        Problem(code, title, status, detail or title, scope_path, request_id), headers=headers
    )


def _shortened(error: FieldError) -> FieldError:
    """The error without names that a client made up at any length."""
    loc = [part[:NAME_LENGTH_MAX] if isinstance(part, str) else part for part in error.loc]
    return FieldError(loc, error.msg, error.type)


def refusal_response(refusal: Refusal, path: str, request_id: str) -> Response:
    status = status_of(type(refusal))
    headers = {}
    field_errors: Sequence[FieldError] = ()
    match refusal:
        case errors.Unauthenticated():
            headers["WWW-Authenticate"] = WWW_AUTHENTICATE
        case errors.LimitExceeded(retry_after_seconds=seconds):
            headers["Retry-After"] = str(seconds)
        case errors.Unavailable(retry_after_seconds=seconds):
            headers["Retry-After"] = str(seconds)
        case errors.PayloadTooLarge():
            # What the client still sends is not read: the connection ends with this answer.
            headers["Connection"] = "close"
        case RangeNotSatisfiable(size_bytes=size):
            headers["Content-Range"] = f"bytes */{size}"
        case errors.Invalid(errors=found):
            field_errors = [_shortened(each) for each in found[:FIELD_ERRORS_MAX]]
        case _:
            pass
    problem = Problem(
        type=refusal.code,
        title=refusal.title,
        status=status,
        detail=refusal.detail,
        instance=path,
        request_id=request_id,
        errors=list(field_errors) or None,
    )
    return problem_response(problem, refusal.extra, headers)


def _request_id(request: Request) -> str:
    request_id: str = request.scope.get("lacewing.request_id", "")
    return request_id


async def _on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return refusal_response(error, request.url.path, _request_id(request))


def _message_of(fault: Mapping[str, Any]) -> str:
    """What is wrong; of a text that was checked before, pydantic counts items, not characters."""
    message: str = fault["msg"]
    if isinstance(fault.get("input"), str) and fault["type"] in {"too_long", "too_short"}:
        message = message.replace(" items after validation", " characters")
        message = message.replace(" item after validation", " character")
    return message.removeprefix("Value error, ")


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # Never echo pydantic's `input` or `ctx`: they hold what was submitted, passwords too.
    found = [
        FieldError(loc=[*item["loc"]], msg=_message_of(item), type=item["type"])
        for item in error.errors()
    ]
    refusal = errors.Invalid(*found)
    return refusal_response(refusal, request.url.path, _request_id(request))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(_methods_of(request))}
    return problem_of_status(
        request.url.path, _request_id(request), error.status_code, headers=headers
    )


def _methods_of(request: Request) -> list[str]:
    """What the path takes, over all its routes (RFC 9110, section 15.5.6)."""
    methods: set[str] = set()
    for route in request.app.router.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return sorted(methods)


def install(app: FastAPI) -> None:
    """Let ``app`` answer every refusal with a problem document."""
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
