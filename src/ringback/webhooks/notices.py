"""Notices: what an account is told about its own endpoints, as webhooks of the `standard` dialect.

Who names a notice in an endpoint's `events` gets it there; an endpoint that takes everything ("no `events`") gets no notices, since
those who listen to calls did not ask for them. Nobody is told about itself: a notice that cannot arrive would be the reason for the
next one. Filters are about calls, so none applies.
"""

from collections.abc import Iterable
from typing import Final, get_args

from ringback.calls.model import Call, Event, to_rfc3339
from ringback.ids import to_text
from ringback.webhooks.credentials import shown_url
from ringback.webhooks.health import Notice, NoticeKind
from ringback.webhooks.model import Endpoint

NOTICES: Final[tuple[NoticeKind, ...]] = get_args(NoticeKind)
DIALECT: Final = "standard"
"""The only dialect that has words for them."""


def takers(endpoints: Iterable[Endpoint], notice: Notice) -> list[Endpoint]:
    """Of an account's endpoints, those that are told."""
    return [
        endpoint
        for endpoint in endpoints
        if endpoint.dialect == DIALECT
        and endpoint.enabled
        and endpoint.id != notice.endpoint
        and endpoint.account == notice.account
        and notice.kind in (endpoint.events or ())
    ]


def notice_event(notice: Notice, about: Endpoint, number: int) -> Event:
    """The notice as an event that stands alone: it belongs to no call. Credentials in the URL are masked."""
    nobody = Call(account=notice.account, id="", root="")
    data = {
        "endpoint": {
            "id": to_text("ep", about.id),
            "url": shown_url(about.url, about.basic),
            "dialect": about.dialect,
            "description": about.description,
        },
        "reason": notice.reason,
        "failing_since": to_rfc3339(notice.since_ms) if notice.since_ms else None,
    }
    return Event(id=number, type=notice.kind, at_ms=notice.at_ms, seq=1, call=nobody, root=nobody, data=data)
