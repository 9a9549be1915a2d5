"""The documentation page: Swagger UI from the package's own files, nothing from another host."""

import asyncio
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request, Response
from starlette.staticfiles import StaticFiles

from lacewing.kernel.web.openapi import build_openapi

ASSETS_URL: Final = "/api/docs/assets"
ASSETS_PACKAGE: Final = "fastapi_swagger"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)

_PAGE: Final = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lacewing API</title>
<link rel="stylesheet" href="{ASSETS_URL}/swagger-ui.css">
<link rel="icon" href="data:,">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{ASSETS_URL}/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</body>
</html>
"""

_START: Final = """window.ui = SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: false,
  presets: [SwaggerUIBundle.presets.apis],
});
"""


def install(app: FastAPI, description: str) -> None:
    """Serve the document, the page, and what the page loads."""

    @cache
    def document() -> bytes:
        """Built when it is first asked for: most processes never are."""
        return msgspec.json.encode(build_openapi(app, description))

    async def openapi(_request: Request) -> Response:
        return Response(await asyncio.to_thread(document), media_type="application/json")

    async def page(_request: Request) -> Response:
        return Response(_PAGE, media_type="text/html", headers=_headers())

    async def start(_request: Request) -> Response:
        return Response(_START, media_type="text/javascript", headers=_headers())

    app.router.add_route("/api/openapi.json", openapi)
    app.router.add_route("/api/docs", page)
    app.router.add_route("/api/docs/start.js", start)
    assets: Any = files(ASSETS_PACKAGE) / "resources"
    app.mount(ASSETS_URL, StaticFiles(directory=str(assets)))


def _headers() -> dict[str, str]:
    return {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
