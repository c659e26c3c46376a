"""The site: the pages below `/portal`, and the API beside them, as one ASGI application.

The pages are an application of their own, so that what goes wrong there is told as a page and what goes wrong in the API as a
problem document, and the API's description knows nothing of pages.
"""

import logging
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import quote

from litestar import Litestar, Response, get
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from ringback import problems
from ringback.api.app import make_app
from ringback.engine.server import Engine
from ringback.errors import RingbackError
from ringback.portal.asking import Refused
from ringback.portal.guard import protector
from ringback.portal.layout import page_answer, rendered, static_file
from ringback.portal.pages import GROUPS
from ringback.portal.pages.door import Door
from ringback.portal.undo import Deletions
from ringback.portal.visit import AnyRequest, NeedsToComeIn, Site, redirect, visits
from ringback.settings import Settings

log = logging.getLogger("ringback.portal")

MOST_FORM_BYTES = 1024 * 1024


@get("/", status_code=303)
async def front() -> Response[bytes]:
    """Whoever comes by the address alone wants the pages."""
    return redirect("/portal")


def make_site(engine: Engine) -> ASGIApp:
    """Pages and API over a running engine."""
    api = make_app(engine)
    pages = make_pages(engine, api)

    async def site(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        app = pages if path in ("/", "/portal") or path.startswith("/portal/") else api
        await app(scope, receive, send)

    return site


def behind_proxies(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Who the client is, as a proxy on this host, or one that is trusted, tells it. Who the connection came from stays known."""
    told: Any = ProxyHeadersMiddleware(app, ["127.0.0.1", "::1", *settings.portal_trusted])  # type: ignore[arg-type]

    async def remembering(scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        scope["state"]["peer"] = client[0] if client else ""
        await told(scope, receive, send)

    return remembering


def make_pages(engine: Engine, api: ASGIApp) -> Litestar:
    """The pages alone. `api`: what they ask."""
    named = _named_by_proxy(engine)
    door = Door(engine, named)
    site = Site(engine, api, GROUPS, named, Deletions(engine.loop, engine.spawn))
    return Litestar(
        route_handlers=[front, static_file, *door.routes, *(route for group in GROUPS for route in group.routes)],
        dependencies={
            "engine": Provide(lambda: engine, sync_to_thread=False),
            "visit": Provide(visits(site)),
        },
        exception_handlers={
            NeedsToComeIn: _to_the_door,
            Refused: _on_refusal,
            RingbackError: _on_ringback_error,
            HTTPException: _on_http_error,
            Exception: _on_any_error,
        },
        before_send=[protector(engine.settings)],
        request_max_body_size=MOST_FORM_BYTES,
        openapi_config=None,
        logging_config=None,
    )


def _named_by_proxy(engine: Engine) -> Any:
    """Whom a trusted reverse proxy names in a request."""
    header = engine.settings.portal_identity_header
    networks = [ip_network(text) for text in engine.settings.portal_trusted]

    def named(request: AnyRequest) -> str:
        peer = request.scope["state"].get("peer") or (request.client.host if request.client else "")
        if header is None or not peer or not any(ip_address(peer) in network for network in networks):
            return ""
        return str(request.headers.get(header.lower(), ""))[:200]

    return named


# What went wrong, as a page


def _to_the_door(_: AnyRequest, error: NeedsToComeIn) -> Response[Any]:
    return redirect(f"/portal/in?next={quote(error.wanted, safe='/')}")


def _on_refusal(request: AnyRequest, error: Refused) -> Response[Any]:
    return error_page(error.status, str(error))


def _on_ringback_error(_: AnyRequest, error: RingbackError) -> Response[Any]:
    answer = error_page(problems.status_of(error), str(error))
    retry_after_s = problems.retry_after(error)
    if retry_after_s is not None:
        answer.headers["Retry-After"] = str(retry_after_s)
    return answer


def _on_http_error(_: AnyRequest, error: HTTPException) -> Response[Any]:
    return error_page(error.status_code, _SAID.get(error.status_code, "The request does not fit."))


def _on_any_error(request: AnyRequest, error: Exception) -> Response[Any]:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return error_page(500, "It has been logged.")


_SAID = {404: "There is no such page.", 405: "That cannot be done here.", 413: "That is too much for one form."}
_TITLES = {
    403: "Not allowed",
    404: "Not found",
    409: "Not now",
    422: "That does not fit",
    429: "Too many tries",
    503: "Not available",
}


def error_page(status: int, said: str) -> Response[Any]:
    """What is shown instead of a page. `said`: safe to show."""
    title = _TITLES.get(status, "That did not work")
    return page_answer(rendered("error.html", title=title, status=status, said=said[:1].upper() + said[1:]), status)
