"""What the portal keeps: who is in it and by which link, and how much went out. Values, and the store's port for
them."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, Protocol

from msgspec import Struct

Role = Literal["operator", "developer", "viewer"]
Way = Literal["key", "link", "proxy"]
"""How somebody came in: with a key, by a link, or named by a reverse proxy that is trusted."""

MINUTE_S: Final = 60
HOUR_S: Final = 3_600
EVERYBODY: Final = ""
"""The subject that stands for all accounts together."""


class PortalLink(Struct, frozen=True, kw_only=True):
    """A link that lets somebody in once. `account` None: as the operator. `key`, `proof`: the key that it was made with, 0 for the
    operator's own, and a print of it: the link is good for as long as the key is. `used_at_ms`: when it let somebody in."""

    id: int
    account: str | None
    role: Role
    name: str = ""
    key: int = 0
    proof: bytes = b""
    expires_at_ms: int
    used_at_ms: int | None = None


class PortalSession(Struct, frozen=True, kw_only=True):
    """Somebody who is in. `hash`: the SHA-256 of the cookie. `name`: for whom the link was made, whom the proxy named, what the key
    is called. `agent`: what the browser says that it is. `seen_at_ms`: the last use, true to within some seconds."""

    id: int
    hash: bytes
    account: str | None
    role: Role
    way: Way
    name: str = ""
    key: int = 0
    proof: bytes = b""
    address: str = ""
    agent: str = ""
    began_at_ms: int = 0
    seen_at_ms: int = 0


class Count(Struct, frozen=True):
    """Attempts in a span of time, by what they came to: `delivered`; `failed`, to be tried again; `gave_up`, the last one."""

    delivered: int = 0
    failed: int = 0
    gave_up: int = 0


Subject = str | int
"""An endpoint by its number, an account by its id, or EVERYBODY."""
Tally = Mapping[tuple[Subject, int, int], Count]
"""Counts by subject, length of the span in seconds, and its beginning in Unix seconds."""


class GivenUp(Struct, frozen=True):
    """Deliveries to an endpoint that were given up and have not arrived since. `since_ms`: when the first of them was."""

    endpoint: int
    count: int
    since_ms: int


class PortalStore(Protocol):
    """See the module. All may block; everything raises StoreUnavailable."""

    def put_session(self, session: PortalSession) -> None: ...
    def sessions(self) -> list[PortalSession]:
        """Everybody's, oldest first."""
        ...

    def touch_sessions(self, used: Mapping[int, int]) -> None:
        """When sessions were used last, in Unix milliseconds, by id; of one that has ended nothing is kept."""
        ...

    def delete_sessions(self, ids: Sequence[int]) -> None: ...

    def put_link(self, link: PortalLink) -> None: ...
    def link(self, link: int, now_ms: int) -> PortalLink | None:
        """A link that is good still; None: used, expired, or none such."""
        ...

    def use_link(self, link: int, now_ms: int) -> bool:
        """True for the one who comes first, in time."""
        ...

    def links(self, now_ms: int) -> list[PortalLink]:
        """Everybody's that have not expired, used ones too, newest first."""
        ...

    def delete_link(self, link: int) -> None:
        """It lets nobody in any more."""
        ...

    def forget_links(self, before_ms: int) -> None:
        """Those that expired by a moment are gone."""
        ...

    def add_activity(self, tally: Tally) -> None:
        """More went out. Of an account that is not known nothing is kept."""
        ...

    def activity(self, subjects: Sequence[Subject], span_s: int, since_s: int) -> dict[Subject, dict[int, Count]]:
        """Counts of each subject by the beginnings of the spans, of spans that begin at `since_s` or later."""
        ...

    def forget_activity(self, span_s: int, before_s: int) -> None:
        """Spans of a length that began before a moment are gone."""
        ...

    def given_up(self, account: str, since_ms: int, most: int) -> list[GivenUp]:
        """What was given up since a moment and has not arrived, nor is on its way, by a resend; of the `most` newest. Where many
        were sent again, only the last that were given up are looked at, some times `most`."""
        ...
