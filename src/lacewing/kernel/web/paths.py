"""Paths: kinds of parameters beside those of the framework, and how paths are told of."""

import re
from typing import Final

from starlette.convertors import StringConvertor, register_url_convertor
from starlette.types import Scope

_SANE_ID: Final = re.compile(
    r"[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}|\w{2,10}-\d{1,9}"
)
"""Ids and keys of things: no secret that a client put into a path looks so."""


def told_path(scope: Scope) -> str:
    """The path of a route that was asked for, with what is no id or key left out."""
    route = scope["route"]
    path = str(getattr(route, "path_format", route.path))
    for name, value in scope.get("path_params", {}).items():
        if _SANE_ID.fullmatch(str(value)):
            path = path.replace(f"{{{name}}}", str(value))
    return path


def define_path_kind(name: str, pattern: str) -> None:
    """Let ``{…:name}`` in a path stand for texts that match ``pattern``, a regular expression.

    What does not match is no such path: another route may have it.
    """
    kind = type("PathKind", (StringConvertor,), {"regex": pattern})
    register_url_convertor(name, kind())
