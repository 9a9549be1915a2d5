"""``/health/live``, ``/health/ready`` and ``/metrics`` (OPS-4)."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import ip_address

import msgspec
from fastapi import FastAPI, Request, Response

from lacewing.kernel.errors import NotFound, Unavailable, invalid_field
from lacewing.kernel.web.exposition import CONTENT_TYPE, exposition

Check = Callable[[], Awaitable[None]]
"""Returns when the thing it looks at is well; raises ``Unavailable`` when it is not."""


def install(app: FastAPI, checks: Mapping[str, Check], metrics_token: str | None) -> None:
    """Serve what machines ask: is it alive, is it ready, how is it doing."""

    async def live(_request: Request) -> Response:
        return Response(b'{"status":"ok"}', media_type="application/json")

    async def ready(request: Request) -> Response:
        excluded = _excluded(request, checks)
        states = {}
        for name, check in checks.items():
            if name in excluded:
                continue
            try:
                await check()
            except Unavailable as error:
                states[name] = {"status": "failed", "detail": error.detail}
            else:
                states[name] = {"status": "ok"}
        is_ready = all(state["status"] == "ok" for state in states.values())
        body = {"status": "ok" if is_ready else "failed", "checks": states}
        headers = {} if is_ready else {"Retry-After": str(Unavailable.retry_after_seconds)}
        return Response(
            msgspec.json.encode(body),
            status_code=200 if is_ready else 503,
            headers=headers,
            media_type="application/json",
        )

    async def metrics(request: Request) -> Response:
        if not _may_read_metrics(request, metrics_token):
            raise NotFound
        body = await asyncio.to_thread(exposition)
        return Response(body, headers={"Content-Type": CONTENT_TYPE})

    app.router.add_route("/health/live", live)
    app.router.add_route("/health/ready", ready)
    app.router.add_route("/metrics", metrics)


def _excluded(request: Request, checks: Mapping[str, Check]) -> set[str]:
    """What the caller can do without: ``?exclude=redis``, as Kubernetes' own ``/readyz`` has it."""
    names = set(request.query_params.getlist("exclude"))
    if unknown := sorted(names - checks.keys()):
        known = ", ".join(sorted(checks))
        msg = f"{unknown[0][:100]!r} is none of the checks: {known}"
        raise invalid_field("query", "exclude", msg, "unknown")
    return names


def _may_read_metrics(request: Request, token: str | None) -> bool:
    """With a token: its bearer; without: this very machine, not through a proxy."""
    if token is not None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), token.encode())
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    client = request.client.host if request.client else None
    return client is not None and ip_address(client).is_loopback
