"""The ASGI application: all routes, who may call them, and what a refusal looks like."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from litestar import Litestar, Response, Router, get
from litestar.di import Provide
from litestar.exceptions import HTTPException, NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, Reference, SecurityScheme
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Receive, Scope, Send

import ringback
from ringback.api import common, overview, portal
from ringback.api.accounts import Accounts
from ringback.api.audit import Audit, auditor
from ringback.api.bird import errors as bird_errors
from ringback.api.bird.routes import routers as bird_routers
from ringback.api.dialects import Dialects
from ringback.api.doctor import verify
from ringback.api.document import describe, operation_id
from ringback.api.endpoints import Endpoints
from ringback.api.erasures import Erasures
from ringback.api.explain import Explain
from ringback.api.idempotency import Once
from ringback.api.keys import Keys
from ringback.api.live_calls import LiveCalls, simulate_call
from ringback.api.log import Deliveries
from ringback.api.masks import masker
from ringback.api.methods import tell_all_methods
from ringback.api.node import node
from ringback.api.numbers import Numbers, Properties
from ringback.api.recordings import LINKED, Recordings
from ringback.api.resends import Resends, replay, resend
from ringback.api.system import Operator, Sources, healthz, metrics, readyz, take_events
from ringback.api.tables import calls_table, deliveries_table
from ringback.api.voc import replies as voc_replies
from ringback.api.voc.routes import routers as voc_routers
from ringback.api.voxml import check_voxml
from ringback.api.voxml_run import run_voxml
from ringback.api.voxtelesys import errors as voxtelesys_errors
from ringback.api.voxtelesys.routes import routers as voxtelesys_routers
from ringback.engine.server import Engine
from ringback.errors import RingbackError

Refuse = Callable[[common.AnyRequest, Any], Response[bytes]]
"""Makes the answer that an error is told by."""

_CALLS = (b"/v1/calls/", b"/voc/api/v1/calls/get/")
_PARTS = (b"recording", b"transcription", b"replay", b"hang-up", b"document")
"""What a call has below it."""
_VENDORS: dict[str, Refuse] = {
    "bird": bird_errors.answer,
    "voc": voc_replies.answer,
    "voxtelesys": voxtelesys_errors.answer,
}
"""Whose errors have a form of their own, by the first part of the path."""
_SCHEMES: dict[str, SecurityScheme | Reference] = {
    "key": SecurityScheme(type="http", scheme="bearer", description="An API key, of an account or of the operator."),
    "accessKey": SecurityScheme(type="apiKey", name="Authorization", security_scheme_in="header", description="AccessKey <key>"),
    "vocToken": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT", description="A token that VOC's login gave."),
}


def _hidden(_: common.AnyRequest) -> None:
    """The framework's own pages of the description load scripts from elsewhere: they are not there."""
    raise NotFoundException


def _description() -> OpenAPIConfig:
    """What the framework says of the routes; document.py completes it."""
    return OpenAPIConfig(
        title="Ringback",
        version=ringback.__version__,
        description="Call events in, webhooks out.",
        components=Components(security_schemes=_SCHEMES),
        security=[{"key": []}],
        render_plugins=(),
        use_handler_docstrings=True,
        operation_id_creator=lambda _, method, parts: operation_id(method, parts),
        openapi_router=Router("/schema", route_handlers=[], before_request=_hidden, include_in_schema=False),
    )


@get("/openapi.json", include_in_schema=False)
async def openapi(request: common.AnyRequest, engine: common.TheEngine) -> dict[str, Any]:
    """The description of this API, OpenAPI 3.1."""
    return describe(request.app.openapi_schema.to_schema(), engine.dialects, _of_the_operator(request.app))


def _of_the_operator(app: Litestar) -> set[str]:
    """The routes that want the operator's key, as `GET /v1/accounts`."""
    return {
        f"{method} {route.path_format}"
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if "operator" in handler.resolve_dependencies()
        for method in handler.http_methods
    }


def with_any_call_id(app: ASGIApp) -> ASGIApp:
    """A call's id is the source's: any text, with slashes at its ends and in a row too, which the router would tidy away. So a path
    below calls is handed on as it was sent, percent-encoded; its route decodes it. A last part that calls have below them is one,
    so the slash before such a word in an id is to be sent as %2F."""

    async def handed_on(scope: Scope, receive: Receive, send: Send) -> None:
        for prefix in _CALLS:
            if scope["raw_path"].startswith(prefix):
                scope["path"] = prefix.decode() + _encoded(scope["raw_path"][len(prefix) :])
        await app(scope, receive, send)

    return handed_on


def _encoded(rest: bytes) -> str:
    call, _, part = rest.rpartition(b"/")
    if not call or part not in _PARTS:
        return quote(unquote_to_bytes(rest), safe="")
    return f"{quote(unquote_to_bytes(call), safe='')}/{part.decode()}"


def in_their_form(ours: Refuse) -> Refuse:
    """A refusal looks as it does at the vendor whose API was asked, also where there is no route; elsewhere as ours do."""

    def answer(request: common.AnyRequest, error: Any) -> Response[bytes]:
        return _VENDORS.get(request.scope["path"][1:].partition("/")[0], ours)(request, error)

    return answer


def make_app(engine: Engine) -> ASGIApp:
    """The application over a running engine."""
    app = Litestar(
        route_handlers=[
            Accounts,
            Keys,
            Properties,
            Numbers,
            Endpoints,
            Dialects,
            Deliveries,
            LiveCalls,
            simulate_call,
            deliveries_table,
            calls_table,
            Resends,
            resend,
            replay,
            Recordings,
            *LINKED,
            Explain,
            Erasures,
            Audit,
            *overview.ROUTES,
            *portal.ROUTES,
            verify,
            check_voxml,
            run_voxml,
            Operator,
            node,
            Sources,
            take_events,
            healthz,
            readyz,
            metrics,
            openapi,
            *bird_routers(engine),
            *voc_routers(engine),
            *voxtelesys_routers(engine),
        ],
        dependencies={
            "engine": Provide(lambda: engine, sync_to_thread=False),
            "identity": Provide(common.who, sync_to_thread=False),
            "account": Provide(common.account, sync_to_thread=False),
        },
        exception_handlers={
            RingbackError: in_their_form(common.on_ringback_error),
            HTTPException: in_their_form(common.on_http_error),
            RecursionError: in_their_form(common.on_depth),
            Exception: in_their_form(common.on_any_error),
        },
        request_class=common.JsonRequest,
        before_send=[auditor(engine), masker(engine), tell_all_methods],
        request_max_body_size=engine.settings.max_body_bytes,
        openapi_config=_description(),
        logging_config=None,
    )
    return with_any_call_id(Once(app, engine))
