"""The OpenAPI document (API-11): what routes declare, and what holds for all of them.

Answers are msgspec structs; their schemas and the examples are made from the structs themselves.
"""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any, Final, cast

import msgspec
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from lacewing.kernel.db import DatabaseUnavailable
from lacewing.kernel.errors import (
    Forbidden,
    Invalid,
    LimitExceeded,
    Malformed,
    PreconditionFailed,
    Refusal,
    Unauthenticated,
)
from lacewing.kernel.idempotency.service import KeyInFlight, KeyReused
from lacewing.kernel.web.examples import example_of
from lacewing.kernel.web.idempotency import ANSWERS_SECRET, KEY_LENGTH_MAX
from lacewing.kernel.web.problems import (
    PROBLEM_JSON,
    PayloadTooLarge,
    Problem,
    UnsupportedMediaType,
    status_of,
)
from lacewing.kernel.web.security import TOKEN_URL, Requirement

_SCHEME: Final = "OAuth2PasswordBearer"
_REFUSALS: Final = "x-refusals"


def documented(
    summary: str,
    answers: Any,
    status: int = 200,
    errors: Sequence[type[Refusal]] = (),
    *,
    secret: bool = False,
    description: str | None = None,
) -> dict[str, Any]:
    """Arguments for a route: what it does, what it answers, how it may refuse.

    ``answers`` is a struct, a union of structs, or ``None`` for an empty answer. ``secret`` marks
    answers that hold tokens. What holds for every operation is added by ``build_openapi``.
    """
    response: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if answers is not None:
        response["content"] = {"application/json": {"schema": msgspec.json.schema(answers)}}
    extra: dict[str, Any] = {_REFUSALS: sorted(error.code for error in errors)}
    if secret:
        extra[ANSWERS_SECRET] = True
    return {
        "summary": summary,
        "description": description,
        "status_code": status,
        "response_model": None,
        "responses": {
            status: response,
            **{status_of(error): {"description": error.title} for error in errors},
        },
        "openapi_extra": extra,
    }


def build_openapi(app: FastAPI, description: str) -> dict[str, Any]:
    """The whole document, with the schemas of answers among the components."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        description=description,
        routes=app.routes,
    )
    components = document.setdefault("components", {})
    schemas: dict[str, Any] = components.setdefault("schemas", {})
    components["securitySchemes"] = {
        _SCHEME: {
            "type": "oauth2",
            "description": "An access token of 15 minutes, from a login.",
            "flows": {"password": {"tokenUrl": TOKEN_URL, "scopes": {}}},
        }
    }
    schemas["Problem"] = _hoist(msgspec.json.schema(Problem), schemas)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    routes = {
        (route.path_format, method.lower()): route
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _complete(operation, routes[path, method], method, schemas)
    return document


def requirements(dependant: Dependant) -> Iterator[Requirement]:
    """The permissions that an operation demands."""
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, Requirement):
            yield dependency.call
        yield from requirements(dependency)


def _complete(
    operation: dict[str, Any], route: APIRoute, method: str, schemas: dict[str, Any]
) -> None:
    """Add to what the route declares what holds for all operations of its kind."""
    responses = operation["responses"]
    demanded = [each.permission.value for each in requirements(route.dependant)]
    if demanded:
        operation["security"] = [{_SCHEME: []}]
        operation["x-permission"] = demanded[0]
    takes_key = method == "post" and not operation.get(ANSWERS_SECRET)
    if takes_key:
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    if method == "get" and "{" in route.path:
        responses.setdefault("304", {"description": "Not Modified"})
    for refusal in _implied(operation, takes_key=takes_key):
        responses.setdefault(str(status_of(refusal)), {"description": refusal.title})
    _show_contents(operation, schemas)


def _implied(operation: dict[str, Any], *, takes_key: bool) -> list[type[Refusal]]:
    implied: list[type[Refusal]] = [Malformed, Invalid, LimitExceeded, DatabaseUnavailable]
    if "security" in operation:
        implied += [Unauthenticated, Forbidden]
    if "requestBody" in operation:
        implied += [UnsupportedMediaType, PayloadTooLarge]
    if any(each["name"].lower() == "if-match" for each in operation.get("parameters", ())):
        implied.append(PreconditionFailed)
    if takes_key:
        implied += [KeyInFlight, KeyReused]
    return implied


def _show_contents(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    for status, response in operation["responses"].items():
        if int(status) >= HTTPStatus.BAD_REQUEST:
            _show_problem(int(status), response)
            continue
        for content in response.get("content", {}).values():
            content["schema"] = _hoist(content["schema"], schemas)
            content["example"] = example_of(content["schema"], schemas)
    for content in operation.get("requestBody", {}).get("content", {}).values():
        content["example"] = example_of(content["schema"], schemas)


_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same body gives the first answer again, for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_LENGTH_MAX},
}


def _show_problem(status: int, response: dict[str, Any]) -> None:
    title = cast("str", response["description"])
    example = {
        "type": HTTPStatus(status).phrase.lower().replace(" ", "-"),
        "title": title,
        "status": status,
        "detail": title,
        "instance": "/api/…",
        "request_id": "0199f0c4-6a5e-7c3d-9d0e-0a1b2c3d4e5f",
    }
    response["content"] = {
        PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    }


def _hoist(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Move the definitions that ``schema`` brings along to the components."""
    for name, definition in schema.pop("$defs", {}).items():
        schemas.setdefault(name, _repoint(definition))
    return cast("dict[str, Any]", _repoint(schema))


def _repoint(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: value.replace("#/$defs/", "#/components/schemas/")
            if key == "$ref"
            else _repoint(value)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_repoint(each) for each in node]
    return node
