"""Cookies: for this host alone, out of reach of scripts, over HTTPS wherever there is HTTPS."""

from typing import Final, Literal

from fastapi import Request, Response

from lacewing.kernel.web.runtime import runtime_of

_HOST_PREFIX: Final = "__Host-"
"""Browsers then refuse the cookie unless it is ``Secure``, of path ``/``, and of no domain."""


def _is_secure(request: Request) -> bool:
    demanded = runtime_of(request).secure_cookies
    return request.scope["scheme"] == "https" if demanded is None else demanded


def _full_name(request: Request, name: str) -> str:
    return _HOST_PREFIX + name if _is_secure(request) else name


def read_cookie(request: Request, name: str) -> str | None:
    return request.cookies.get(_full_name(request, name))


def list_cookies(request: Request, prefix: str) -> list[str]:
    """The names of the cookies that begin so."""
    full_prefix = _full_name(request, prefix)
    return [
        prefix + name.removeprefix(full_prefix)
        for name in request.cookies
        if name.startswith(full_prefix)
    ]


def set_cookie(
    request: Request,
    response: Response,
    name: str,
    value: str,
    *,
    max_age_seconds: int,
    same_site: Literal["lax", "strict"],
) -> None:
    response.set_cookie(
        _full_name(request, name),
        value,
        max_age=max_age_seconds,
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite=same_site,
    )


def drop_cookie(request: Request, response: Response, name: str) -> None:
    response.delete_cookie(
        _full_name(request, name), path="/", secure=_is_secure(request), httponly=True
    )
