"""The ASGI application: all routes, who may call them, and what a refusal looks like."""

from typing import Any

from litestar import Litestar, get
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

import ringback
from ringback.api import common
from ringback.api.accounts import Accounts
from ringback.api.endpoints import Endpoints
from ringback.api.log import Calls, Deliveries
from ringback.api.numbers import Numbers, Properties
from ringback.api.system import Operator, Sources, healthz, metrics, readyz, take_events
from ringback.engine.server import Engine
from ringback.errors import RingbackError


@get("/openapi.json", include_in_schema=False)
async def openapi(request: common.AnyRequest) -> dict[str, Any]:
    """The description of this API, OpenAPI 3.1."""
    return dict(request.app.openapi_schema.to_schema())


def make_app(engine: Engine) -> Litestar:
    """The application over a running engine."""
    return Litestar(
        route_handlers=[
            Accounts,
            Properties,
            Numbers,
            Endpoints,
            Deliveries,
            Calls,
            Operator,
            Sources,
            take_events,
            healthz,
            readyz,
            metrics,
            openapi,
        ],
        dependencies={
            "engine": Provide(lambda: engine, sync_to_thread=False),
            "identity": Provide(common.who, sync_to_thread=False),
            "account": Provide(common.account, sync_to_thread=False),
        },
        exception_handlers={
            RingbackError: common.on_ringback_error,
            HTTPException: common.on_http_error,
            Exception: common.on_any_error,
        },
        request_max_body_size=engine.settings.max_body_bytes,
        openapi_config=OpenAPIConfig(
            title="Ringback",
            version=ringback.__version__,
            description="Call events in, webhooks out.",
            components=Components(security_schemes={"key": SecurityScheme(type="http", scheme="bearer")}),
            security=[{"key": []}],
            render_plugins=(),
            path="/schema",
        ),
        logging_config=None,
    )
