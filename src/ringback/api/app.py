"""The ASGI application: all routes, who may call them, and what a refusal looks like."""

from typing import Any
from urllib.parse import quote, unquote_to_bytes

from litestar import Litestar, Router, get
from litestar.di import Provide
from litestar.exceptions import HTTPException, NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ASGIApp, Receive, Scope, Send

import ringback
from ringback.api import common
from ringback.api.accounts import Accounts
from ringback.api.document import describe
from ringback.api.endpoints import Endpoints
from ringback.api.explain import Explain
from ringback.api.log import Calls, Deliveries
from ringback.api.numbers import Numbers, Properties
from ringback.api.system import Operator, Sources, healthz, metrics, readyz, take_events
from ringback.engine.server import Engine
from ringback.errors import RingbackError

_CALLS = b"/v1/calls/"


def _hidden(_: common.AnyRequest) -> None:
    """The framework's own pages of the description load scripts from elsewhere: they are not there."""
    raise NotFoundException


@get("/openapi.json", include_in_schema=False)
async def openapi(request: common.AnyRequest, engine: common.TheEngine) -> dict[str, Any]:
    """The description of this API, OpenAPI 3.1."""
    return describe(request.app.openapi_schema.to_schema(), engine.dialects)


def with_any_call_id(app: ASGIApp) -> ASGIApp:
    """A call's id is the source's: any text, with slashes at its ends and in a row too, which the router would tidy away. So a path
    below /v1/calls/ is handed on as it was sent, percent-encoded; its route decodes it."""

    async def handed_on(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["raw_path"].startswith(_CALLS):
            encoded = quote(unquote_to_bytes(scope["raw_path"][len(_CALLS) :]), safe="")
            scope["path"] = _CALLS.decode() + encoded
        await app(scope, receive, send)

    return handed_on


def make_app(engine: Engine) -> ASGIApp:
    """The application over a running engine."""
    app = Litestar(
        route_handlers=[
            Accounts,
            Properties,
            Numbers,
            Endpoints,
            Deliveries,
            Calls,
            Explain,
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
            RecursionError: common.on_depth,
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
            use_handler_docstrings=True,
            openapi_router=Router("/schema", route_handlers=[], before_request=_hidden, include_in_schema=False),
        ),
        logging_config=None,
    )
    return with_any_call_id(app)
