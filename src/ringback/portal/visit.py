"""One request of somebody who is in: who it is, which account it is about, the API as that identity, and the answer as a page.

Every page takes a `Visit`. Whoever is not in is sent to the door and back; an account that is not one's own is not there (404); a
form that changes something must carry the token of the session that it was made for.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import quote

from litestar import Request, Response
from litestar.datastructures import FormMultiDict
from litestar.params import Dependency
from litestar.types import ASGIApp

from ringback.engine.book import Identity
from ringback.engine.server import Engine
from ringback.errors import Forbidden, NotFound, RingbackError
from ringback.portal.asking import Api
from ringback.portal.guard import cookie_name, is_secure
from ringback.portal.layout import page_answer, rendered
from ringback.portal.nav import Area, Group, areas
from ringback.portal.undo import Deletions
from ringback.store.port import Account
from ringback.store.portal import PortalSession

AnyRequest = Request[Any, Any, Any]
COOKIE: Final = "ringback-session"
FORM_FIELD: Final = "csrf"
"""The field of a form, and `X-CSRF` the header of a script, that says for whom the form was made."""


class NeedsToComeIn(RingbackError):
    """Nobody is in, or not any more. `wanted`: where they wanted to go."""

    def __init__(self, wanted: str) -> None:
        super().__init__("please come in first")
        self.wanted = wanted


class Site(NamedTuple):
    """What all visits share. `api`: the application that pages ask. `groups`: what the navigation is made of. `named`: whom a
    trusted proxy names in a request, empty: nobody."""

    engine: Engine
    api: ASGIApp
    groups: Sequence[Group]
    named: Callable[[AnyRequest], str]
    deletions: Deletions


class Visit:
    """See the module."""

    def __init__(
        self,
        request: AnyRequest,
        engine: Engine,
        session: PortalSession,
        account: Account | None,
        token: str,
        site: "Site",
    ) -> None:
        """`token`: for forms."""
        self.request = request
        self.engine = engine
        self.deletions = site.deletions
        self._groups = site.groups
        self.session = session
        self.account = account
        self.token = token
        self.identity = Identity(session.account, session.role, session.key, f"portal: {session.name}".removesuffix(": "))
        client = request.client
        self.api = Api(site.api, self.identity, account.id if account else None, (client.host, client.port) if client else None)

    @property
    def is_operator(self) -> bool:
        """May they do what is the installation's?"""
        return self.session.account is None and self.session.role == "operator"

    @property
    def may_change(self) -> bool:
        """A viewer may look."""
        return self.session.role != "viewer"

    @property
    def home(self) -> str:
        """`/portal/<account>`: what the pages of the account begin with."""
        return f"/portal/{self.account.id}" if self.account else "/portal"

    @property
    def areas(self) -> list[Area]:
        """What the navigation shows."""
        home = self.home if self.account else None
        return areas(self._groups, home, self.request.scope["path"], is_operator=self.is_operator)

    def check_may_change(self) -> None:
        """For what no route of the API judges. Raises Forbidden."""
        if not self.may_change:
            raise Forbidden("you may only look")

    async def form(self) -> FormMultiDict:
        """What a form says."""
        return await self.request.form()

    def page(self, template: str, title: str, *, status: int = 200, twin: str | None = None, **values: Any) -> Response[str]:
        """A page. `twin`: the path of the same in JSON, below the API."""
        if twin is not None and self.account is not None:
            twin = f"{twin}{'&' if '?' in twin else '?'}account={self.account.id}"
        path = self.request.scope["path"]
        text = rendered(template, visit=self, title=title, twin=twin, csrf=self.token, path=path, home=self.home, **values)
        return page_answer(text, status)

    def go(self, path: str) -> Response[bytes]:
        """Sends the browser on, by GET, to a page below the account's."""
        return redirect(self.home + path)


def redirect(url: str) -> Response[bytes]:
    """Sends the browser on, by GET."""
    return Response(b"", status_code=303, media_type="text/plain", headers={"Location": url})


Visitor = Annotated[Visit, Dependency(skip_validation=True)]


def visits(site: Site) -> Any:
    """Makes the dependency `visit`."""
    engine = site.engine

    async def visit(request: AnyRequest) -> Visit:
        secure = is_secure(engine.settings, request.url.scheme)
        cookie = request.cookies.get(cookie_name(secure, COOKIE), "")
        by_itself = "x-by-itself" in request.headers or request.headers.get("accept") == "text/event-stream"
        session = engine.sessions.of_cookie(cookie, is_use=not by_itself) if cookie else None
        if session is None or (session.way == "proxy" and session.name != site.named(request)):
            raise NeedsToComeIn(_wanted(request))
        if request.method not in ("GET", "HEAD"):
            await check_form(request, engine, cookie)
        named = request.path_params.get("account")
        account = None if named is None else engine.book.accounts.get(named)
        if named is not None and (account is None or session.account not in (None, named)):
            raise NotFound("there is no such page")
        return Visit(request, engine, session, account, engine.sessions.form_token(cookie), site)

    return visit


async def check_form(request: AnyRequest, engine: Engine, cookie: str) -> None:
    """Was the form made here, for whoever sends it? Raises Forbidden."""
    token = request.headers.get("x-csrf") or str((await request.form()).get(FORM_FIELD, ""))
    same = request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
    if not same or not engine.sessions.is_form_token(cookie, token):
        raise Forbidden("the form was not made for you, or is too old: go back, load the page anew and try again")


def _wanted(request: AnyRequest) -> str:
    """Where to go on afterwards: a page of ours, which a link outside may name, but never another site."""
    path = request.scope["path"] if request.method == "GET" else "/portal/"
    query = request.scope["query_string"].decode("latin-1")
    return quote(path, safe="/") + (f"?{query}" if query else "")
