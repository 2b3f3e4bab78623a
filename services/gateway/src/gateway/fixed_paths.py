"""How a request finds its route at once: most paths of the contract have no parameter."""

from collections.abc import Sequence

from fastapi.routing import APIRoute
from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send


class FixedPaths(BaseRoute):
    """Looks a method and a path up among the routes without parameters. It stands before all of them.

    What it does not find is left to them: a path with parameters, another method, a path that nobody knows.
    """

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes: dict[tuple[str, str], APIRoute] = {}
        for route in routes:
            if isinstance(route, APIRoute) and not route.param_convertors:
                for method in route.methods or ():
                    _ = self._routes.setdefault((method, route.path), route)

    @property
    def routes(self) -> list[BaseRoute]:
        """Where it may lead to."""
        return list(self._routes.values())

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        route = self._routes.get((scope.get("method", ""), scope["path"]))
        return route.matches(scope) if route else (Match.NONE, {})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["route"].handle(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: object) -> URLPath:
        raise NoMatchFound(name, dict(path_params))
