"""The one way of a request from its route to its answer.

Query parameters are checked against what the operation declares (API-7), the body is read
strictly, the handler runs inside one unit of work, and the answer leaves only after the commit.
"""

import json
from collections.abc import Callable, Coroutine
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast
from urllib.parse import unquote_to_bytes

import msgspec
from fastapi import APIRouter, Request, Response, params
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from lacewing.kernel import audit
from lacewing.kernel.audit import Outcome
from lacewing.kernel.errors import FieldError, Forbidden, Invalid, Malformed, Refusal
from lacewing.kernel.schemas import ExactInput
from lacewing.kernel.web.idempotency import answer_once, takes_idempotency_key
from lacewing.kernel.web.paths import told_path
from lacewing.kernel.web.problems import UnsupportedMediaType
from lacewing.kernel.web.runtime import runtime_of
from lacewing.kernel.work import Origin, Work

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

ANY_QUERY = "x-any-query"
"""Marks operations that others call with query parameters of their own (API-7)."""
JSON_TYPES = ("application/json", "application/merge-patch+json")
FORM_TYPES = ("application/x-www-form-urlencoded",)

audit.expect("access.denied", Outcome.DENIED)


class MalformedJson(Malformed):
    code = "malformed-json"
    title = "The body is no valid JSON (RFC 8259) in UTF-8."


class StrictRequest(Request):
    """Reads JSON as I-JSON (RFC 7493) has it.

    No ``NaN``, no lone surrogate, no endless nesting, and no name twice: what a filter before us
    has read must be what we read.
    """

    _parsed: Any = None

    async def read_json(self, decoder: "msgspec.json.Decoder[Any]") -> None:
        """Parse the body, once; ``json`` then answers it.

        Raises:
            MalformedJson: it is no JSON.
            Invalid: a text in it holds a lone surrogate.
        """
        body = await self.body()
        try:
            self._parsed = decoder.decode(body)
            json.loads(body, object_pairs_hook=_refuse_repeated_names)
        except RepeatedName as error:
            raise MalformedJson(
                f"The name {error.name[:100]!r} stands twice in one object."
            ) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if _has_lone_surrogate(body):
                raise Invalid(
                    FieldError(["body"], "must not contain a lone surrogate", "lone_surrogate")
                ) from None
            raise MalformedJson from error

    async def json(self) -> Any:
        return self._parsed


def _exactly(number: str) -> Decimal:
    try:
        return Decimal(number)
    except InvalidOperation:  # an exponent beyond all bounds
        return Decimal("NaN")


_PLAIN: Final = msgspec.json.Decoder()
_EXACT: Final = msgspec.json.Decoder(float_hook=_exactly)


class RepeatedName(Exception):  # ruff: ignore[error-suffix-on-exception-name]  told on as malformed JSON
    """One object of the body has two members of that name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)


def _refuse_repeated_names(members: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in members:
        if name in seen:
            raise RepeatedName(name)
        seen.add(name)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _has_lone_surrogate(body: bytes) -> bool:
    try:
        json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return False
    return b"\\u" in body


def check_query(query: bytes, allowed: frozenset[str], *, takes_any: bool = False) -> None:
    """Refuse parameters that the operation does not know, or that stand there twice.

    With ``takes_any`` those that it does not know are passed over.

    Raises:
        Malformed: the query is no percent-encoded UTF-8.
        Invalid: naming each such parameter.
    """
    found: list[FieldError] = []
    seen: set[str] = set()
    for part in query.split(b"&"):
        if not part:
            continue
        raw_name, _, raw_value = part.partition(b"=")
        try:
            name = unquote_to_bytes(raw_name.replace(b"+", b" ")).decode()
            unquote_to_bytes(raw_value).decode()
        except UnicodeDecodeError:
            raise Malformed("The query string is no percent-encoded UTF-8.") from None
        if name not in allowed:
            if takes_any:
                continue
            found.append(
                FieldError(["query", name[:100]], "is no parameter of this operation", "unknown")
            )
        elif name in seen:
            found.append(FieldError(["query", name], "may be given only once", "repeated"))
        seen.add(name)
    if found:
        raise Invalid(*found)


def _query_names(dependant: Dependant) -> frozenset[str]:
    names: set[str] = set()
    for field in dependant.query_params:
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            names.update(info.alias or name for name, info in annotation.model_fields.items())
        else:
            names.add(field.alias)
    return frozenset(names).union(*map(_query_names, dependant.dependencies))


def _decoder(body: Any) -> "msgspec.json.Decoder[Any]":
    """What reads a body of this kind."""
    is_exact = isinstance(body, type) and issubclass(body, ExactInput)
    return _EXACT if is_exact else _PLAIN


def _check_content_type(request: Request, accepted: tuple[str, ...]) -> None:
    content_type = request.headers.get("content-type", "")
    media_type, _, options = content_type.partition(";")
    if media_type.strip().lower() not in accepted:
        raise UnsupportedMediaType(f"This operation takes {' or '.join(accepted)}.")
    charset = options.lower().partition("charset=")[2].strip(' "')
    if charset and charset not in {"utf-8", "utf8", "us-ascii"}:
        raise UnsupportedMediaType("This operation takes UTF-8 only.")


class LacewingRoute(APIRoute):
    """See the module."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        allowed = _query_names(self.dependant)
        takes_any = bool((self.openapi_extra or {}).get(ANY_QUERY))
        accepted: tuple[str, ...] = ()
        decoder = _PLAIN
        if self.body_field is not None:
            is_form = isinstance(self.body_field.field_info, params.Form)
            accepted = FORM_TYPES if is_form else JSON_TYPES
            decoder = _decoder(self.body_field.field_info.annotation)
        # A body that the handler reads itself, it also keeps from being carried out twice.
        reads_itself = "requestBody" in (self.openapi_extra or {})
        once = takes_idempotency_key(self) and not reads_itself

        async def handle_as_work(request: Request) -> Response:
            scope = request.scope
            check_query(scope["query_string"], allowed, takes_any=takes_any)
            if accepted:
                _check_content_type(request, accepted)
                request = strict = StrictRequest(scope, request.receive)
                if accepted is JSON_TYPES:
                    await strict.read_json(decoder)
            runtime = runtime_of(request)
            work = Work(
                session=runtime.database.session(),
                now=runtime.clock(),
                origin=cast("Origin", scope["lacewing.origin"]),
            )
            scope["lacewing.work"] = work
            try:
                if once and "idempotency-key" in request.headers:
                    response = await answer_once(request, work, handle)
                else:
                    response = await handle(request)
                await work.session.commit()
            except Refusal as refusal:
                if refusal.keeps_changes:
                    await work.session.commit()
                elif isinstance(refusal, Forbidden):
                    await _audit_refusal(request, work, refusal)
                raise
            finally:
                await work.session.rollback()
            if work.has_told:
                runtime.bells.written.ring()
            return response

        return handle_as_work


async def _audit_refusal(request: Request, work: Work, refusal: Forbidden) -> None:
    """Whoever tries what they may not leaves a trace, and nothing else (SEC-9)."""
    await work.session.rollback()
    await audit.record(
        work,
        "access.denied",
        f"{request.method} {told_path(request.scope)}",
        Outcome.DENIED,
        details={"reason": refusal.code},
    )
    await work.session.commit()


def make_router(tag: str) -> APIRouter:
    """A router whose routes work as this module tells."""
    return APIRouter(route_class=LacewingRoute, tags=[tag])
