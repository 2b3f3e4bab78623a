"""The short way to a route: the same route as the long way, for every path and method of the contract."""

from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match

from gateway.app import create_app
from gateway.fixed_paths import FixedPaths
from gateway.settings import GatewaySettings

ROUTES = create_app(GatewaySettings(service_private_key="x")).router.routes
SHORT = next(route for route in ROUTES if isinstance(route, FixedPaths))
LONG = [route for route in ROUTES if route is not SHORT]
SERVED = [route for route in LONG if isinstance(route, APIRoute)]


def _scope(method: str, path: str) -> dict[str, Any]:
    return {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}


def _first(routes: list[BaseRoute], method: str, path: str) -> object:
    for route in routes:
        match, found = route.matches(_scope(method, path))
        if match is Match.FULL:
            return found.get("route", route)
    return None


def test_it_stands_before_every_route_of_the_contract() -> None:
    assert ROUTES.index(SHORT) < min(ROUTES.index(route) for route in SERVED)


@pytest.mark.parametrize("route", SERVED, ids=lambda route: route.path)
def test_every_route_is_found_as_it_would_be_without_it(route: APIRoute) -> None:
    for method in route.methods or ():
        assert _first(ROUTES, method, route.path_format) is _first(LONG, method, route.path_format)
        assert _first(ROUTES, method, route.path_format) is route


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/ads/publish"),
        ("HEAD", "/ads/status"),
        ("GET", "/ads/status/"),
        ("GET", "/ads/runs/1"),
        ("GET", ""),
    ],
)
def test_what_it_does_not_know_is_left_to_the_others(method: str, path: str) -> None:
    assert SHORT.matches(_scope(method, path)) == (Match.NONE, {})
