"""Kinds of path parameters beside those of the framework: ``/things/{name:kind}``."""

from starlette.convertors import StringConvertor, register_url_convertor


def define_path_kind(name: str, pattern: str) -> None:
    """Let ``{…:name}`` stand for texts that match ``pattern``, a regular expression.

    What does not match is no such path: another route may have it.
    """
    kind = type("PathKind", (StringConvertor,), {"regex": pattern})
    register_url_convertor(name, kind())
