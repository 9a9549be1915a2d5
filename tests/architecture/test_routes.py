from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount, Route

from lacewing.kernel.web.openapi import requirements
from lacewing.kernel.web.route import LacewingRoute
from tests.architecture.matrix import ANYBODY, MATRIX
from tests.support.house import House

PUBLIC = frozenset(
    {
        ("POST", "/api/auth/register"),
        ("POST", "/api/auth/signup"),
        ("POST", "/api/auth/login"),
        ("POST", "/api/auth/token"),
        ("POST", "/api/auth/refresh"),
        ("GET", "/.well-known/jwks.json"),
        ("GET", "/api/auth/{provider}"),
        ("GET", "/api/auth/{provider}/callback"),
    }
)
"""Operations for people who have no token yet. This list may only shrink."""

SOCKETS = frozenset({"/ws/notifications"})
BESIDE_THE_API = frozenset(
    {
        "/health/live",
        "/health/ready",
        "/metrics",
        "/api/openapi.json",
        "/api/docs",
        "/api/docs/start.js",
        "/api/docs/assets",
    }
)
"""What is no operation: it is not in the document. This list may only shrink."""


def _operations(routes: list[BaseRoute]) -> set[tuple[str, str]]:
    return {
        (method, route.path_format)
        for route in routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }


def _documented(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }


def test_every_route_names_a_permission_or_is_public(house: House) -> None:
    """PERM-1: rights are declared where the route is, never inside a handler."""
    routes = [each for each in house.app.router.routes if isinstance(each, APIRoute)]

    without = {
        operation
        for route in routes
        if not list(requirements(route.dependant))
        for operation in _operations([route])
    }

    assert without == PUBLIC


def test_a_route_demands_one_permission_and_not_two(house: House) -> None:
    """PERM-1: the permission that the document shows is all that a route demands."""
    demanded = {
        route.path: len(list(requirements(route.dependant)))
        for route in house.app.router.routes
        if isinstance(route, APIRoute)
    }

    assert set(demanded.values()) <= {0, 1}


def test_the_public_operations_are_those_that_the_matrix_opens_to_anybody() -> None:
    """PERM-2: two lists, written down apart, agree."""
    open_to_anybody = {row.operation for row in MATRIX if row.allowed == ANYBODY}

    assert open_to_anybody == PUBLIC


async def test_the_routes_are_as_many_as_the_operations_of_the_document(house: House) -> None:
    """PERM-2: a walk over the routes sees them all, so it can't pass by seeing nothing."""
    document = (await house.anonymous.get("/api/openapi.json")).json()

    operations = _operations(house.app.router.routes)

    assert operations == _documented(document)
    assert len(operations) > 30
    assert operations >= PUBLIC


def test_every_route_is_flat_and_works_as_one_transaction(house: House) -> None:
    """STYLE 8: nothing but a ``LacewingRoute`` answers a request of the API."""
    others = {
        each.path
        for each in house.app.router.routes
        if isinstance(each, Route | Mount) and not isinstance(each, LacewingRoute)
    }

    assert others == BESIDE_THE_API
    assert len(house.app.router.routes) == len(BESIDE_THE_API) + len(SOCKETS) + len(
        [each for each in house.app.router.routes if isinstance(each, LacewingRoute)]
    )
