"""The OpenAPI document (API-11): what routes declare, and what holds for all of them.

Answers are msgspec structs; their schemas and the examples are made from the structs themselves.
"""

from collections.abc import Iterator, Mapping, Sequence
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
    PayloadTooLarge,
    PreconditionFailed,
    Refusal,
    Unauthenticated,
)
from lacewing.kernel.idempotency.service import KeyInFlight, KeyReused
from lacewing.kernel.pagination import NumberedPage
from lacewing.kernel.web.examples import example_of
from lacewing.kernel.web.idempotency import ANSWERS_SECRET, KEY_LENGTH_MAX, KeyTaken
from lacewing.kernel.web.problems import (
    PROBLEM_JSON,
    Problem,
    UnsupportedMediaType,
    status_of,
)
from lacewing.kernel.web.route import ANY_QUERY
from lacewing.kernel.web.security import TOKEN_URL, Requirement

_SCHEME: Final = "OAuth2PasswordBearer"
_IDS: Final = {"id", "document_id"}
_PROBLEMS: Final = "x-problems"
"""Holds the refusals of one status, by code, while the document is being built."""


def documented(
    summary: str,
    answers: Any,
    status: int = 200,
    errors: Sequence[type[Refusal]] = (),
    *,
    secret: bool = False,
    any_query: bool = False,
    description: str | None = None,
    body: Mapping[str, Any] | None = None,
    also: Mapping[int, Any] | None = None,
    files: Mapping[int, str] | None = None,
) -> dict[str, Any]:
    """Arguments for a route: what it does, what it answers, how it may refuse.

    ``answers`` is a struct, a union of structs, or ``None`` for an empty answer. ``secret`` marks
    answers that hold tokens, ``any_query`` what passes over query parameters that it does not know.
    ``body`` describes a body that the handler reads itself, ``also`` the answers of further
    statuses, ``files`` those that are no JSON but bytes. What holds for every operation is added by
    ``build_openapi``.
    """
    responses: dict[int | str, dict[str, Any]] = {
        each: _described(each, answered)
        for each, answered in {status: answers, **(also or {})}.items()
    }
    for each, text in (files or {}).items():
        content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
        responses[each] = {"description": text, "content": content}
    for error in errors:
        _add_refusal(responses, status_of(error), error)
    return {
        "summary": summary,
        "description": description,
        "status_code": status,
        "response_model": None,
        "responses": responses,
        "openapi_extra": {
            **{
                mark: True
                for mark, is_set in ((ANSWERS_SECRET, secret), (ANY_QUERY, any_query))
                if is_set
            },
            **({} if body is None else {"requestBody": dict(body)}),
        }
        or None,
    }


def _described(status: int, answers: Any) -> dict[str, Any]:
    response: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if answers is not None:
        response["content"] = {"application/json": {"schema": msgspec.json.schema(answers)}}
    return response


def _add_refusal(
    responses: dict[int | str, dict[str, Any]], status: int | str, refusal: type[Refusal]
) -> None:
    response = responses.setdefault(status, {"description": refusal.title})
    response.setdefault(_PROBLEMS, {})[refusal.code] = refusal.title


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
    _hoist(msgspec.json.schema(Problem), schemas)
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
    demanded = [each.permission.value for each in requirements(route.dependant)]
    if demanded:
        operation["security"] = [{_SCHEME: []}]
        operation["x-permission"] = demanded[0]
    takes_key = method == "post" and not operation.get(ANSWERS_SECRET)
    if takes_key:
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    for refusal in _implied(operation, takes_key=takes_key):
        _add_refusal(operation["responses"], str(status_of(refusal)), refusal)
    for response in operation["responses"].values():
        if any(content.get("schema") == {} for content in response.get("content", {}).values()):
            del response["content"]  # an answer without a body, a redirection say
        for content in response.get("content", {}).values():
            content["schema"] = _hoist(content["schema"], schemas)
    if method == "get":
        _complete_read(operation, schemas)
    if "304" in operation["responses"]:
        operation.setdefault("parameters", []).append(_IF_NONE_MATCH)
    _show_contents(operation, schemas)


def _complete_read(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """A thing (it has an id) has an entity tag; a list may be paged by number."""
    contents = operation["responses"].get("200", {}).get("content", {})
    if "application/json" not in contents:
        return
    answer = contents["application/json"]
    reference = answer["schema"]["$ref"]
    properties = schemas[reference.rpartition("/")[2]]["properties"]
    if _IDS & set(properties):
        operation["responses"].setdefault("304", {"description": "Not Modified"})
    if any(each["name"] == "page" for each in operation.get("parameters", ())):
        answer["schema"] = {"anyOf": [{"$ref": reference}, _numbered(reference, schemas)]}


def _numbered(reference: str, schemas: dict[str, Any]) -> dict[str, str]:
    """The same page asked for by number, which tells more."""
    name = reference.rpartition("/")[2]
    more = {
        field.encode_name: msgspec.json.schema(field.type)
        for field in msgspec.structs.fields(NumberedPage)
        if field.type in {int, bool}
    }
    plain = schemas[name]
    properties = {**plain["properties"], **more}
    numbered = {**plain, "title": f"Numbered{plain['title']}", "properties": properties}
    schemas[f"Numbered{name}"] = {**numbered, "required": list(properties)}
    return {"$ref": f"#/components/schemas/Numbered{name}"}


def _implied(operation: dict[str, Any], *, takes_key: bool) -> list[type[Refusal]]:
    implied: list[type[Refusal]] = [
        Malformed,
        PayloadTooLarge,
        Invalid,
        LimitExceeded,
        DatabaseUnavailable,
    ]
    if "security" in operation:
        implied += [Unauthenticated, Forbidden]
    if "requestBody" in operation:
        implied.append(UnsupportedMediaType)
    if any(each["name"].lower() == "if-match" for each in operation.get("parameters", ())):
        implied.append(PreconditionFailed)
    if takes_key:
        # Keys belong to users: a token, where one is sent, must be good even if none is needed.
        implied += [Unauthenticated, KeyInFlight, KeyTaken, KeyReused]
    return implied


def _show_contents(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    for status, response in operation["responses"].items():
        if _PROBLEMS in response:
            _show_problems(int(status), response)
        for content in response.get("content", {}).values():
            if "examples" not in content:
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
_IF_NONE_MATCH: Final = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "An entity tag that is known: 304 while it is still this one.",
    "schema": {"type": "string"},
}
_HEADERS: Final = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}


def _show_problems(status: int, response: dict[str, Any]) -> None:
    """List every kind of problem with this status: its slug, what it means, an example."""
    problems: dict[str, str] = response.pop(_PROBLEMS)
    response["description"] = "\n".join(f"- `{code}`: {title}" for code, title in problems.items())
    if status in _HEADERS:
        response["headers"] = {_HEADERS[status]: {"schema": {"type": "string"}, "required": True}}
    response["content"] = {
        PROBLEM_JSON: {
            "schema": {"$ref": "#/components/schemas/Problem"},
            "examples": {
                code: {"value": _example_problem(status, code, title)}
                for code, title in problems.items()
            },
        }
    }


def _example_problem(status: int, code: str, title: str) -> dict[str, Any]:
    return {
        "type": code,
        "title": title,
        "status": status,
        "detail": title,
        "instance": "/api/…",
        "request_id": "0199f0c4-6a5e-7c3d-9d0e-0a1b2c3d4e5f",
    }


def _hoist(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Move the definitions that ``schema`` brings along to the components."""
    for name, definition in schema.pop("$defs", {}).items():
        schemas.setdefault(name, _repoint(definition))
    return cast("dict[str, Any]", _repoint(schema))


def _repoint(node: Any) -> Any:
    if isinstance(node, dict):
        for name, schema in node.get("properties", {}).items():
            if name == "at" or name.endswith("_at"):
                _mark_moment(schema)
        return {
            key: value.replace("#/$defs/", "#/components/schemas/")
            if key == "$ref"
            else _repoint(value)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_repoint(each) for each in node]
    return node


def _mark_moment(schema: dict[str, Any]) -> None:
    """A time has the format of one: msgspec tells only that it is a string."""
    for each in (schema, *schema.get("anyOf", ())):
        if each.get("type") == "string":
            each["format"] = "date-time"
