"""All of Voxtelesys' API as routes."""

from litestar import Router
from litestar.di import Provide

from ringback.api.voxtelesys.access import account, guard
from ringback.api.voxtelesys.calls import Calls
from ringback.engine.server import Engine


def routers(engine: Engine) -> list[Router]:
    """Below `/voxtelesys`."""
    return [
        Router(
            path="/voxtelesys/api/v0",
            route_handlers=[Calls],
            guards=[guard(engine)],
            dependencies={"account": Provide(account, sync_to_thread=False)},
        )
    ]
