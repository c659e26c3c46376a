"""Who is in the portal: links that let somebody in once, and sessions, which end by themselves.

A link is an id and its signature, so that a guess never reaches the store; it lets in whoever comes by it first, in time, by a
button: programs that follow the links in mail do not press it. A session is a random cookie, of which the store has the hash. It
ends after 12 hours without use, after 7 days, when somebody ends it, and when the key that it came from is revoked or changed.
Sessions live through restarts; when one was used last is written every few seconds.
"""

import base64
import hmac
import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from ringback.engine.book import Identity
from ringback.errors import NotFound
from ringback.ids import from_text, now_ms, to_text
from ringback.store.portal import PortalLink, PortalSession, Role, Way

if TYPE_CHECKING:
    from ringback.engine.server import Engine

PURPOSE: Final = "links to the portal"
"""What the keys are derived for that sign links."""
FORMS: Final = "forms of the portal"
"""The same, for the tokens of forms."""
IDLE_MS: Final = 12 * 3_600_000
LONGEST_MS: Final = 7 * 86_400_000
MOST_SESSIONS: Final = 10_000
"""Of all accounts; the least lately used ends when there is one more."""
PATH: Final = "/portal/in/"
_SIGNATURE: Final = 43
_AGENT_CHARS: Final = 200


class Sessions:
    """See the module. Lives on the loop."""

    def __init__(self, engine: "Engine", base: str) -> None:
        """`base`: the URL under which people reach this server."""
        self._engine = engine
        self._base = base.rstrip("/")
        self._keys = engine.store.derived_keys(PURPOSE)
        self._form_keys = engine.store.derived_keys(FORMS)
        self._sessions: dict[bytes, PortalSession] = {}
        self._used: dict[int, int] = {}

    async def start(self) -> None:
        """Everybody who was in before. Raises StoreUnavailable."""
        found = await self._engine.in_thread(self._engine.store.sessions)
        self._sessions = {session.hash: session for session in found}
        await self.keep()

    async def keep(self) -> None:
        """Writes who was here since the last time, and ends what has ended by itself. Raises StoreUnavailable."""
        now, store = now_ms(), self._engine.store
        used, self._used = self._used, {}
        if used:
            await self._engine.in_thread(lambda: store.touch_sessions(used))
        await self._end([session for session in self._sessions.values() if not self._is_live(session, now)])

    # Links
    async def make_link(self, account: str | None, role: Role, name: str, key: int, lifetime_s: int) -> tuple[PortalLink, str]:
        """A link and its URL, made with a key. Raises NotFound (the key is gone), StoreUnavailable."""
        proof = self._engine.book.print_of(key)
        if proof is None:
            raise NotFound("the key was revoked")
        now, store = now_ms(), self._engine.store
        link = PortalLink(
            id=self._engine.writer.new_id(),
            account=account,
            role=role,
            name=name,
            key=key,
            proof=proof,
            expires_at_ms=now + lifetime_s * 1000,
        )

        def write() -> None:
            store.forget_links(now)
            store.put_link(link)

        await self._engine.in_thread(write)
        word = to_text("lnk", link.id)
        return link, f"{self._base}{PATH}{word}.{_sign(self._keys[0], word)}"

    async def link(self, text: str) -> PortalLink:
        """The link that a URL ends with. Raises NotFound: used, expired, or none of ours; StoreUnavailable."""
        number, store = self._number_of(text), self._engine.store
        found = None if number is None else await self._engine.in_thread(lambda: store.link(number, now_ms()))
        if found is None or not self._holds(found.key, found.proof) or not self._is_there(found.account):
            raise NotFound("the link was used, has expired, or is not whole")
        return found

    async def enter(self, text: str, address: str, agent: str) -> tuple[PortalSession, str]:
        """Lets in whoever has a link: the session and its cookie. Raises NotFound, StoreUnavailable."""
        link = await self.link(text)
        if not await self._engine.in_thread(lambda: self._engine.store.use_link(link.id, now_ms())):
            raise NotFound("the link was used, has expired, or is not whole")
        identity = Identity(link.account, link.role, link.key, link.name)
        return await self.begin(identity, "link", address, agent)

    async def links(self, account: str | None) -> list[PortalLink]:
        """Links that are good still, or let somebody in and have not expired: of an account; None: everybody's. Newest first.
        Raises StoreUnavailable."""
        store = self._engine.store
        found = await self._engine.in_thread(lambda: store.links(now_ms()))
        return [
            link
            for link in found
            if account in (None, link.account) and self._holds(link.key, link.proof) and self._is_there(link.account)
        ]

    async def end_link(self, account: str | None, number: int) -> None:
        """A link of an account (None: of anybody) lets nobody in any more. Raises NotFound, StoreUnavailable."""
        if number not in (link.id for link in await self.links(account)):
            raise NotFound("no such link")
        await self._engine.in_thread(lambda: self._engine.store.delete_link(number))

    def _number_of(self, text: str) -> int | None:
        word, _, signature = text.partition(".")
        if len(signature) != _SIGNATURE or not signature.isascii():
            return None
        if not any(hmac.compare_digest(_sign(key, word), signature) for key in self._keys):
            return None
        return from_text("lnk", word)

    # Sessions
    async def begin(self, identity: Identity, way: Way, address: str, agent: str) -> tuple[PortalSession, str]:
        """Somebody comes in: the session, and the text of its cookie. Raises StoreUnavailable."""
        cookie, now, store = secrets.token_urlsafe(32), now_ms(), self._engine.store
        session = PortalSession(
            id=self._engine.writer.new_id(),
            hash=_hash(cookie),
            account=identity.account,
            role=identity.role,  # type: ignore[arg-type]
            way=way,
            name=identity.name or self._engine.book.key_name(identity.key),
            key=identity.key,
            proof=self._engine.book.print_of(identity.key) or b"",
            address=address,
            agent=agent[:_AGENT_CHARS],
            began_at_ms=now,
            seen_at_ms=now,
        )
        await self._engine.in_thread(lambda: store.put_session(session))
        self._sessions[session.hash] = session
        if len(self._sessions) > MOST_SESSIONS:
            await self._end([min(self._sessions.values(), key=lambda one: one.seen_at_ms)])
        return session, cookie

    def lives(self, session: PortalSession) -> bool:
        """Is somebody in still?"""
        return session.hash in self._sessions and self._is_live(self._sessions[session.hash], now_ms())

    def of_cookie(self, cookie: str, *, is_use: bool = True) -> PortalSession | None:
        """The session that a cookie stands for; None: it has ended, or there never was one. `is_use`: somebody did something; a
        page that asks by itself is none."""
        hashed, now = _hash(cookie), now_ms()
        session = self._sessions.get(hashed)
        if session is None or not self._is_live(session, now):
            return None
        if is_use and now - session.seen_at_ms > 1000:
            self._sessions[hashed] = session = replace(session, seen_at_ms=now)
            self._used[session.id] = now
        return session

    def all_of(self, account: str | None) -> list[PortalSession]:
        """Who is in: of an account; None: everybody. Newest first."""
        now = now_ms()
        live = (one for one in self._sessions.values() if self._is_live(one, now) and account in (None, one.account))
        return sorted(live, key=lambda one: -one.id)

    async def end(self, account: str | None, number: int) -> None:
        """Ends a session of an account; None: of anybody. Raises NotFound, StoreUnavailable."""
        found = [one for one in self.all_of(account) if one.id == number]
        if not found:
            raise NotFound("no such session")
        await self._end(found)

    async def _end(self, over: Sequence[PortalSession]) -> None:
        if over:
            await self._engine.in_thread(lambda: self._engine.store.delete_sessions([one.id for one in over]))
            for one in over:
                self._sessions.pop(one.hash, None)
                self._used.pop(one.id, None)

    def _is_live(self, session: PortalSession, now: int) -> bool:
        in_time = now - session.seen_at_ms < IDLE_MS and now - session.began_at_ms < LONGEST_MS
        return in_time and self._holds(session.key, session.proof) and self._is_there(session.account)

    def _holds(self, key: int, proof: bytes) -> bool:
        """Is the key that it came from what it was?"""
        now = self._engine.book.print_of(key)
        return now is not None and hmac.compare_digest(now, proof)

    def _is_there(self, account: str | None) -> bool:
        return account is None or self._engine.book.knows(account)

    # Forms
    def form_token(self, cookie: str) -> str:
        """What a form must carry that was made for whoever has this cookie."""
        return _sign(self._form_keys[0], cookie)

    def is_form_token(self, cookie: str, token: str) -> bool:
        """Was the form made for whoever has this cookie?"""
        return token.isascii() and any(hmac.compare_digest(_sign(key, cookie), token) for key in self._form_keys)


def _hash(cookie: str) -> bytes:
    return sha256(cookie.encode("utf-8", "surrogateescape")).digest()


def _sign(key: bytes, text: str) -> str:
    made = hmac.new(key, text.encode("utf-8", "surrogateescape"), sha256).digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")
