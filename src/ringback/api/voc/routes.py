"""All of VOC's API as routes."""

from litestar import Router
from litestar.di import Provide

from ringback.api.voc import access
from ringback.api.voc.calls import Calls
from ringback.api.voc.dial import ClickToDial
from ringback.api.voc.logs import WebhookLogs
from ringback.engine.server import Engine


def routers(engine: Engine) -> list[Router | type[access.Login]]:
    """Login, and below it what wants a token."""
    behind = Router(
        path="/voc/api/v1",
        route_handlers=[WebhookLogs, Calls, ClickToDial],
        guards=[access.guard(engine)],
        dependencies={
            "account": Provide(access.account, sync_to_thread=False),
            "identity": Provide(access.identity, sync_to_thread=False),
        },
        security=[{"vocToken": []}, {"key": []}],
    )
    return [access.Login, behind]
