"""One spelling for each path: without its trailing slash, and without a redirect (API-1)."""

from starlette.types import ASGIApp, Receive, Scope, Send


class PathSpelling:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if len(path) > 1 and path.endswith("/"):
            scope["path"] = path[:-1]
            if raw_path := scope.get("raw_path"):
                scope["raw_path"] = raw_path.removesuffix(b"/")
        await self.app(scope, receive, send)
