"""Getting in and out: with a key, by a link that works once, or named by a trusted proxy; and who else is in."""

import logging
import secrets
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie

from ringback.engine.book import Identity
from ringback.engine.server import Engine
from ringback.engine.sessions import LONGEST_MS
from ringback.errors import NotFound, TooMany
from ringback.ids import to_text
from ringback.portal.guard import Tries, cookie_name, is_secure
from ringback.portal.layout import page_answer, rendered
from ringback.portal.nav import Group
from ringback.portal.visit import COOKIE, AnyRequest, Visitor, check_form, redirect
from ringback.store.keeping import AuditLine
from ringback.store.portal import PortalSession, Way

log = logging.getLogger("ringback.portal")

FORM_COOKIE: Final = "ringback-form"
"""Of whoever is not in yet: the form at the door must have been made for them, too."""
_FORM_S: Final = 3_600
START: Final = "/portal"
MOST: Final = 200
"""Sessions, and links, on the page that lists them."""


class Door:
    """The pages before one is in. `named`: whom a trusted proxy names."""

    def __init__(self, engine: Engine, named: Callable[[AnyRequest], str]) -> None:
        self._engine = engine
        self._named = named
        self._tries = Tries()

    @property
    def routes(self) -> list[Any]:
        """What is open to everybody."""

        @get("/portal/in")
        async def show(request: Request[Any, Any, Any]) -> Response[Any]:
            return await self._show(request)

        @post("/portal/in")
        async def by_key(request: Request[Any, Any, Any]) -> Response[Any]:
            return await self._by_key(request)

        @get("/portal/in/{link:str}")
        async def offer(request: Request[Any, Any, Any], link: str) -> Response[Any]:
            return await self._offer(request, link)

        @post("/portal/in/{link:str}")
        async def by_link(request: Request[Any, Any, Any], link: str) -> Response[Any]:
            return await self._by_link(request, link)

        return [show, by_key, offer, by_link]

    # With a key
    async def _show(self, request: AnyRequest) -> Response[Any]:
        wanted = checked(request.query_params.get("next"))
        name = self._named(request)
        if name:
            return await self._let_in(request, Identity(None, "operator", 0, name), "proxy", wanted)
        return self._page(request, "door.html", "Come in", next=wanted, wrong="")

    async def _by_key(self, request: AnyRequest) -> Response[Any]:
        await self._check(request)
        form = await request.form()
        wanted, address = checked(str(form.get("next", ""))), _address(request)
        now_s = time.monotonic()
        try:
            self._tries.check(address, now_s)
        except TooMany as refused:
            wrong = f"Too many wrong keys from your address: wait {refused.retry_after_s} s."
            answer = self._page(request, "door.html", "Come in", status=429, next=wanted, wrong=wrong)
            answer.headers["Retry-After"] = str(refused.retry_after_s)
            return answer
        key = str(form.get("key", "")).strip()
        identity = self._engine.book.identify(f"Bearer {key}".encode("utf-8", "surrogateescape")) if key else None
        if identity is None:
            self._tries.wrong(address, now_s)
            log.warning("a wrong key from %s", address)
            return self._page(request, "door.html", "Come in", status=422, next=wanted, wrong="That is no key that is known here.")
        return await self._let_in(request, identity, "key", wanted)

    # By a link
    async def _offer(self, request: AnyRequest, link: str) -> Response[Any]:
        try:
            found = await self._engine.sessions.link(link)
        except NotFound:
            return self._page(request, "door_link.html", "The link is not good any more", status=404, account=None, link=None)
        account = self._engine.book.accounts.get(found.account) if found.account else None
        return self._page(request, "door_link.html", "Come in", account=account, link=found)

    async def _by_link(self, request: AnyRequest, link: str) -> Response[Any]:
        await self._check(request)
        try:
            session, cookie = await self._engine.sessions.enter(link, _address(request), _agent(request))
        except NotFound:
            return self._page(request, "door_link.html", "The link is not good any more", status=404, account=None, link=None)
        return await self._with_cookie(request, session, cookie, START)

    # Inside
    async def _let_in(self, request: AnyRequest, identity: Identity, way: Way, wanted: str) -> Response[Any]:
        session, cookie = await self._engine.sessions.begin(identity, way, _address(request), _agent(request))
        return await self._with_cookie(request, session, cookie, wanted)

    async def _with_cookie(self, request: AnyRequest, session: PortalSession, cookie: str, wanted: str) -> Response[Any]:
        line = AuditLine(
            id=self._engine.writer.new_id(),
            account=session.account,
            actor=session.role,
            key=session.key,
            key_name=f"portal: {session.name}".removesuffix(": "),
            action="POST /portal/in",
            objects={"id": to_text("ses", session.id)},
            address=session.address,
            status=303,
        )
        await self._engine.in_thread(lambda: self._engine.store.add_audit(line))
        answer = redirect(wanted)
        answer.set_cookie(_cookie(self._engine, request, COOKIE, cookie, LONGEST_MS // 1000))
        return answer

    async def _check(self, request: AnyRequest) -> None:
        secure = is_secure(self._engine.settings, request.url.scheme)
        await check_form(request, self._engine, request.cookies.get(cookie_name(secure, FORM_COOKIE), ""))

    def _page(self, request: AnyRequest, template: str, title: str, *, status: int = 200, **values: Any) -> Response[Any]:
        """A page with a form for whoever is not in, made for their browser."""
        name = cookie_name(is_secure(self._engine.settings, request.url.scheme), FORM_COOKIE)
        cookie = request.cookies.get(name) or secrets.token_urlsafe(16)
        token = self._engine.sessions.form_token(cookie)
        answer = page_answer(rendered(template, title=title, csrf=token, **values), status)
        answer.set_cookie(_cookie(self._engine, request, FORM_COOKIE, cookie, _FORM_S))
        return answer


def checked(wanted: str | None) -> str:
    """A page of ours to go on to, or the start: never another site."""
    text = unquote(wanted or "")
    fine = text.startswith("/portal/") and not text.startswith("/portal/in") and text.isprintable() and "\\" not in text
    return text if fine and text.isascii() and "//" not in text.partition("?")[0] else START


def _cookie(engine: Engine, request: AnyRequest, name: str, value: str, max_age_s: int) -> Cookie:
    secure = is_secure(engine.settings, request.url.scheme)
    return Cookie(
        key=cookie_name(secure, name), value=value, path="/", max_age=max_age_s, secure=secure, httponly=True, samesite="lax"
    )


def _address(request: AnyRequest) -> str:
    return request.client.host if request.client else ""


def _agent(request: AnyRequest) -> str:
    return "".join(char for char in request.headers.get("user-agent", "") if char.isprintable())


# Who is in


@get("/portal/sessions")
async def sessions(visit: Visitor) -> Response[Any]:
    """Everybody who is in, and the links that were made: the account's; for the operator all."""
    own = {} if visit.session.account is None else {"account": visit.session.account}
    found = await visit.api.get("/v1/portal-sessions", limit=MOST, **own)
    links = await visit.api.get("/v1/portal-links", limit=MOST, **own)
    return visit.page(
        "sessions.html",
        "Sessions",
        twin="/v1/portal-sessions",
        sessions=found["items"],
        links=links["items"],
        names={one.id: one.name for one in visit.engine.book.accounts.values()},
        mine=to_text("ses", visit.session.id),
    )


@post("/portal/sessions/{session_id:str}/end")
async def end_session(visit: Visitor, session_id: str) -> Response[Any]:
    """Ends a session."""
    await visit.api.delete(f"/v1/portal-sessions/{session_id}")
    return redirect("/portal/sessions")


@post("/portal/links/{link_id:str}/end")
async def end_link(visit: Visitor, link_id: str) -> Response[Any]:
    """Ends a link that nobody has used."""
    await visit.api.delete(f"/v1/portal-links/{link_id}")
    return redirect("/portal/sessions")


@post("/portal/out")
async def leave(visit: Visitor) -> Response[Any]:
    """Ends one's own session."""
    await visit.engine.sessions.end(None, visit.session.id)
    answer = redirect("/portal/in")
    answer.set_cookie(_cookie(visit.engine, visit.request, COOKIE, "", 0))
    return answer


SESSIONS: Final = Group((sessions, end_session, end_link, leave))
"""Who is in, and who may come in. No entry in the navigation: it stands beside who one is."""
