"""Who may look into the portal: links that let somebody in once, and sessions."""

from typing import Annotated, Final, Literal

from litestar import Controller, delete, get, post
from msgspec import Meta, Struct

from ringback.api import common
from ringback.api.common import AnyRequest, TheEngine, Who, number_of
from ringback.api.paging import Cursor, Limit, Page, named_page, newest_first
from ringback.api.views import when
from ringback.calls.model import to_rfc3339
from ringback.engine.server import Engine
from ringback.engine.sessions import IDLE_MS, LONGEST_MS
from ringback.errors import NotFound
from ringback.ids import time_of, to_text
from ringback.store.portal import PortalLink, PortalSession

DAY_S = 86_400


class NewPortalLink(Struct, frozen=True, forbid_unknown_fields=True):
    """`role`: a `developer` may do everything in the account, a `viewer` may look, without bodies and recordings. `name`: for whom
    it is; the audit log and the list of sessions say so. `expires_in_s`: how long the link is good, if nobody uses it."""

    role: Literal["developer", "viewer"] = "developer"
    name: Annotated[str, Meta(max_length=200, pattern=common.NO_CONTROLS)] = ""
    expires_in_s: Annotated[int, Meta(ge=60, le=7 * DAY_S)] = DAY_S


class PortalLinkView(Struct, frozen=True):
    """A link that lets one person in, once: it opens a page with a button, and the button uses it. `url` is shown this once."""

    id: str
    url: str
    role: str
    expires_at: str


class MadeLinkView(Struct, frozen=True):
    """A link that was made and has not expired. `made_by`: what the key is called that it was made with, `operator` for the
    operator's own. `used_at`: when it let somebody in; null: not yet, so it is good still."""

    id: str
    account: str | None
    role: str
    name: str
    made_by: str
    created_at: str
    expires_at: str
    used_at: str | None


class PortalSessionView(Struct, frozen=True):
    """Somebody who is in. `way`: with a `key`, by a `link`, or named by a trusted `proxy`. It ends at `ends_at` at the latest, and
    at `idle_at` if it is not used any more."""

    id: str
    account: str | None
    role: str
    way: str
    name: str
    address: str
    agent: str
    began_at: str
    seen_at: str
    idle_at: str
    ends_at: str


@post("/v1/accounts/{account_id:str}/portal-links", tags=["accounts"])
async def make_portal_link(account_id: str, data: NewPortalLink, engine: TheEngine, identity: Who) -> PortalLinkView:
    """Makes a link into the portal, for one person and one use: the operator for any account, a key for its own."""
    if not engine.book.knows(account_id) or identity.account not in (None, account_id):
        raise NotFound("no such account")
    link, url = await engine.sessions.make_link(account_id, data.role, data.name, identity.key, data.expires_in_s)
    return PortalLinkView(to_text("lnk", link.id), url, link.role, to_rfc3339(link.expires_at_ms))


class PortalLinks(Controller):
    """Links into the portal that were made."""

    path = "/v1/portal-links"
    tags = ("portal",)

    @get()
    async def list_all(
        self, request: AnyRequest, engine: TheEngine, identity: Who, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[MadeLinkView]:
        """Lists links that are good still, and those that let somebody in and have not expired, newest first: an account's own;
        with the operator's key all, or with `?account=` one account's."""
        made = await engine.sessions.links(_whose(request, engine, identity))
        return named_page(made, lambda link: newest_first(link.id), limit, cursor, lambda link: _link_view(engine, link))

    @delete("/{link_id:str}")
    async def end(self, link_id: str, request: AnyRequest, engine: TheEngine, identity: Who) -> None:
        """Ends a link: it lets nobody in any more. Who came in by it before stays: end the session for that."""
        await engine.sessions.end_link(_whose(request, engine, identity), number_of("lnk", link_id, "link"))


class PortalSessions(Controller):
    """Who is in the portal."""

    path = "/v1/portal-sessions"
    tags = ("portal",)

    @get()
    async def list_all(
        self, request: AnyRequest, engine: TheEngine, identity: Who, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[PortalSessionView]:
        """Lists who is in, newest first: an account's own; with the operator's key all, or with `?account=` one account's."""
        mine = engine.sessions.all_of(_whose(request, engine, identity))
        return named_page(mine, lambda session: newest_first(session.id), limit, cursor, _view)

    @delete("/{session_id:str}")
    async def end(self, session_id: str, request: AnyRequest, engine: TheEngine, identity: Who) -> None:
        """Ends a session: whoever had it must come in anew."""
        await engine.sessions.end(_whose(request, engine, identity), number_of("ses", session_id, "session"))


def _whose(request: AnyRequest, engine: TheEngine, identity: Who) -> str | None:
    """The account whose sessions are meant; None: everybody's."""
    if identity.account is None and "account" not in request.query_params:
        return None
    return common.account(request, identity, engine)


def _link_view(engine: Engine, link: PortalLink) -> MadeLinkView:
    return MadeLinkView(
        id=to_text("lnk", link.id),
        account=link.account,
        role=link.role,
        name=link.name,
        made_by=engine.book.key_name(link.key) or "operator",
        created_at=to_rfc3339(time_of(link.id)),
        expires_at=to_rfc3339(link.expires_at_ms),
        used_at=when(link.used_at_ms),
    )


def _view(session: PortalSession) -> PortalSessionView:
    return PortalSessionView(
        id=to_text("ses", session.id),
        account=session.account,
        role=session.role,
        way=session.way,
        name=session.name,
        address=session.address,
        agent=session.agent,
        began_at=to_rfc3339(session.began_at_ms),
        seen_at=to_rfc3339(session.seen_at_ms),
        idle_at=to_rfc3339(session.seen_at_ms + IDLE_MS),
        ends_at=to_rfc3339(session.began_at_ms + LONGEST_MS),
    )


ROUTES: Final = (make_portal_link, PortalLinks, PortalSessions)
