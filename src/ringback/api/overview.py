"""What an account looks at first: how much went out and how it fared, what needs somebody, which calls go on."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import get, post
from litestar.params import Parameter
from msgspec import UNSET, Struct, UnsetType

from ringback.api.common import AccountId, TheEngine, number_of
from ringback.api.endpoint_fields import Events, Filters
from ringback.api.views import when
from ringback.calls.model import Call, Event, to_rfc3339
from ringback.engine.server import Engine
from ringback.errors import InvalidInput, NotFound
from ringback.ids import now_ms, to_text
from ringback.store.portal import HOUR_S, MINUTE_S, Count, GivenUp, Subject
from ringback.webhooks.credentials import shown_url
from ringback.webhooks.health import SWITCHED_OFF
from ringback.webhooks.matching import Matcher
from ringback.webhooks.model import Endpoint

SPANS: Final = {"hour": (MINUTE_S, 60), "day": (HOUR_S, 24), "week": (HOUR_S, 168)}
"""(length of one count in seconds, how many) of each span that is shown."""
GIVEN_UP_MS: Final = 86_400_000
"""How far back is looked for what was given up."""
MOST_GIVEN_UP: Final = 1_000
MOST_CALLS: Final = 20
CALLS_MS: Final = 4 * 3_600_000
"""How far back calls without an end are looked for."""
CALLS_WITHIN_S: Final = 0.02
"""And for how long, for each status: a producer may have left a hundred thousand without an end."""
MOST_EVENTS: Final = 100
MOST_SERIES: Final = 200
_CALLS_LOOKED_AT: Final = 60

Span = Literal["hour", "day", "week"]


class SeriesView(Struct, frozen=True):
    """Attempts in spans of `span_s` seconds, oldest first, the first from `since` on, by what they came to: `delivered`; `failed`,
    and to be tried again; `gave_up`, and not to be. Tests and notices are not counted; a kill may lose ten seconds of counts."""

    endpoint_id: str | None
    since: str
    span_s: int
    delivered: list[int]
    failed: list[int]
    gave_up: list[int]


class ActivityView(Struct, frozen=True):
    """How much went out: all of the account's (`endpoint_id` null), or each endpoint's that was named."""

    items: list[SeriesView]


class AttentionView(Struct, frozen=True):
    """Something that needs somebody. `kind`: `disabled`, an endpoint was stopped since it answered nothing good; `failing`, it is
    tried still; `gave_up`, deliveries were given up and have not arrived since (`count`: at least so many), and `resend` is the
    body to POST to /v1/resends to have them sent."""

    kind: Literal["disabled", "failing", "gave_up"]
    endpoint_id: str
    url: str
    count: int
    since: str | None
    reason: str
    resend: dict[str, Any] | UnsetType = UNSET


class GoingCallView(Struct, frozen=True, kw_only=True):
    """A call that goes on. `steered`: from here."""

    id: str
    status: str | None
    direction: str
    from_: str = msgspec.field(name="from")
    to: str
    since: str | None
    steered: bool


class EndpointsCount(Struct, frozen=True):
    """Endpoints by how they fare; `off` were switched off by a person."""

    healthy: int
    failing: int
    disabled: int
    off: int


class OverviewView(Struct, frozen=True):
    """What an account looks at first."""

    hour: SeriesView
    day: SeriesView
    week: SeriesView
    endpoints: EndpointsCount
    attention: list[AttentionView]
    calls: list[GoingCallView]


class NewPreview(Struct, frozen=True, forbid_unknown_fields=True):
    """An endpoint as it might be. `endpoint`: the one that would be changed so; without it, a new one."""

    dialect: str
    events: Events | None = None
    filters: Filters = []
    endpoint: str | None = None


class PreviewView(Struct, frozen=True):
    """`matched` of the account's last events, `of` so many (a hundred at the most), would have gone to the endpoint; `since`: when
    the oldest of them came."""

    matched: int
    of: int
    since: str | None


@get("/v1/activity", tags=["deliveries"])
async def activity(
    engine: TheEngine,
    account: AccountId,
    span: Annotated[Span, Parameter(description="The last hour by minutes, day or week by hours.")] = "day",
    endpoint: Annotated[
        list[str] | None, Parameter(max_items=MOST_SERIES, description="Only this one; may be repeated. Without it, all together.")
    ] = None,
) -> ActivityView:
    """Counts what went out in the last hour, day or week, and how it fared."""
    numbers = [_own(engine, account, name) for name in dict.fromkeys(endpoint or ())]
    subjects: list[Subject] = [*numbers] or [account]
    return ActivityView(await _series(engine, subjects, span))


@get("/v1/overview", tags=["deliveries"])
async def overview(engine: TheEngine, account: AccountId) -> OverviewView:
    """Shows what an account looks at first: counts, health, what needs somebody, calls that go on."""
    now = now_ms()
    hour, day, week = [(await _series(engine, [account], span))[0] for span in ("hour", "day", "week")]
    since = now - GIVEN_UP_MS
    lost = await engine.in_thread(lambda: engine.store.given_up(account, since, MOST_GIVEN_UP))
    mine = [one for one in engine.book.endpoints.values() if one.account == account]
    return OverviewView(
        hour=hour,
        day=day,
        week=week,
        endpoints=_fare(engine, mine),
        attention=_attention(engine, mine, lost),
        calls=await _calls(engine, account, now),
    )


@post("/v1/endpoints/preview", status_code=200, tags=["endpoints"])
async def preview(data: NewPreview, engine: TheEngine, account: AccountId) -> PreviewView:
    """Tells how many of the account's last events an endpoint with these events and filters would have got."""
    dialect = engine.dialects.get(data.dialect)
    if dialect is None:
        raise InvalidInput(f"no such dialect; there are {', '.join(sorted(engine.dialects))}", "dialect")
    number = None if data.endpoint is None else _own(engine, account, data.endpoint)
    chosen = None if data.events is None else frozenset(data.events)
    asked = Endpoint(
        id=number or 0, account=account, url="", dialect=data.dialect, events=chosen, filters=tuple(data.filters), enabled=True
    )
    others = [one for one in engine.book.endpoints.values() if one.account == account and one.id != number]
    literal = engine.book.accounts[account].bird_catch_all == "literal"
    matcher = Matcher([*others, asked], engine.dialects, catch_all_literal=literal)

    def look() -> PreviewView:
        events = _last_events(engine, account)
        taken = sum(any(one is asked for one, _ in matcher.match(event, engine.book.place(event))) for event in events)
        return PreviewView(taken, len(events), when(events[-1].at_ms) if events else None)

    return await engine.in_thread(look)


def _own(engine: Engine, account: str, name: str) -> int:
    """The number of an endpoint of the account. Raises NotFound."""
    endpoint = engine.book.endpoint(number_of("ep", name, "endpoint"))
    if endpoint is None or endpoint.account != account:
        raise NotFound("no such endpoint")
    return endpoint.id


async def _series(engine: Engine, subjects: Sequence[Subject], span: str) -> list[SeriesView]:
    span_s, count = SPANS[span]
    now_s = now_ms() // 1000
    found = await engine.activity.series(subjects, span_s, count, now_s)
    since = to_rfc3339((now_s - now_s % span_s - span_s * (count - 1)) * 1000)
    return [_series_view(subject, since, span_s, found[subject]) for subject in subjects]


def _series_view(subject: Subject, since: str, span_s: int, counts: Sequence[Count]) -> SeriesView:
    return SeriesView(
        endpoint_id=to_text("ep", subject) if isinstance(subject, int) else None,
        since=since,
        span_s=span_s,
        delivered=[count.delivered for count in counts],
        failed=[count.failed for count in counts],
        gave_up=[count.gave_up for count in counts],
    )


def _fare(engine: Engine, endpoints: Sequence[Endpoint]) -> EndpointsCount:
    counts = Counter(_condition(engine, endpoint) for endpoint in endpoints)
    return EndpointsCount(**{name: counts[name] for name in EndpointsCount.__struct_fields__})


def _condition(engine: Engine, endpoint: Endpoint) -> str:
    health = engine.dispatcher.health(endpoint.id)
    if endpoint.enabled:
        return health.condition
    return "off" if health.reason in ("", SWITCHED_OFF) else "disabled"


def _attention(engine: Engine, endpoints: Sequence[Endpoint], lost: Sequence[GivenUp]) -> list[AttentionView]:
    """The worst first: what stands still, what was lost, what is in trouble."""
    found: list[AttentionView] = []
    by_id = {endpoint.id: endpoint for endpoint in endpoints}
    for kind in ("disabled", "gave_up", "failing"):
        if kind == "gave_up":
            found += [
                _given_up(by_id[one.endpoint], one) for one in sorted(lost, key=lambda one: -one.count) if one.endpoint in by_id
            ]
            continue
        for endpoint in endpoints:
            if _condition(engine, endpoint) == kind:
                health = engine.dispatcher.health(endpoint.id)
                since = when(health.since_ms or health.changed_at_ms or None)
                found.append(AttentionView(kind, to_text("ep", endpoint.id), _url(endpoint), health.failures, since, health.reason))
    return found


def _given_up(endpoint: Endpoint, lost: GivenUp) -> AttentionView:
    name, since = to_text("ep", endpoint.id), to_rfc3339(max(0, lost.since_ms - GIVEN_UP_MS))
    resend = {"filter": {"endpoint": name, "state": "exhausted", "since": since}}
    return AttentionView("gave_up", name, _url(endpoint), lost.count, to_rfc3339(lost.since_ms), "", resend)


def _url(endpoint: Endpoint) -> str:
    return shown_url(endpoint.url, endpoint.basic)


async def _calls(engine: Engine, account: str, now: int) -> list[GoingCallView]:
    """Those that are steered from here first, then those that sources tell of."""
    steered = {call.id: call for call in engine.live_calls.roots(account)}

    def read() -> list[Call]:
        found: list[Call] = []
        for status in ("ongoing", "ringing", "starting"):
            looked = engine.store.look_at_calls(
                account, None, MOST_CALLS, status=status, since_ms=now - CALLS_MS, within_s=CALLS_WITHIN_S
            )
            found += [row.call for row in looked.rows if row.call.is_root and row.call.id not in steered]
        return found

    calls = [*steered.values(), *await engine.in_thread(read)][:MOST_CALLS]
    return [
        GoingCallView(
            id=call.id,
            status=call.status,
            direction=call.direction,
            from_=call.from_,
            to=call.to,
            since=when(call.first_at_ms or None),
            steered=call.id in steered,
        )
        for call in calls
    ]


def _last_events(engine: Engine, account: str) -> list[Event]:
    """Events of the account's last calls, newest first. Reads the store."""
    events: list[Event] = []
    seen: set[int] = set()
    for row in engine.store.calls(account, None, _CALLS_LOOKED_AT):
        if row.root_n in seen or len(events) >= 4 * MOST_EVENTS:
            continue
        seen.add(row.root_n)
        events += [event for event in engine.store.events(row.root_n) if not event.late]
    return sorted(events, key=lambda event: -event.id)[:MOST_EVENTS]


ROUTES: Final = (activity, overview, preview)
