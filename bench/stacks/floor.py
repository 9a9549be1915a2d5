"""The floor: a bare ASGI application that answers the same bytes, read once at start."""

import os
from pathlib import Path
from typing import Any

_folder = Path(os.environ["BENCH_ANSWERS"])
_answers = {kind: (_folder / kind).read_bytes() for kind in ("get", "list", "create")}


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    kind = "get" if scope["path"].startswith("/api/issues/") else "list"
    status = 200
    if scope["method"] == "POST":
        kind, status = "create", 201
        while (await receive()).get("more_body"):
            pass
    body = _answers[kind]
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
