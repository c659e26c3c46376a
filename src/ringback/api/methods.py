"""What a path may be asked with, told to whoever asks with OPTIONS."""

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.routes import HTTPRoute
from litestar.types import Message, Scope


def tell_all_methods(message: Message, scope: Scope) -> None:
    """The framework's own answer to OPTIONS knows no more than the methods of the first route that a path was given."""
    if message["type"] != "http.response.start" or scope["type"] != ScopeType.HTTP or scope["method"] != "OPTIONS":
        return
    path = scope.get("path_template")
    routes = (route for route in scope["litestar_app"].routes if isinstance(route, HTTPRoute) and route.path_format == path)
    methods = {str(method) for route in routes for method in route.methods}
    if methods:
        MutableScopeHeaders.from_message(message)["Allow"] = ", ".join(sorted(methods))
