"""Calls, offers and events for the tests of voc, fonedynamics and voxtelesys: values as the ledger would make them, by hand."""

from datetime import UTC, datetime
from typing import Any

from ringback.calls.directory import Number, Place, Property
from ringback.calls.model import Call, Context, Event, Offer
from ringback.dialects.contract import Dialect, HttpRequest
from ringback.webhooks.model import Delivery, Endpoint

ACCOUNT = "11111111-2222-4333-8444-555555555555"
NOON = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
T0 = int(NOON.timestamp()) * 1000
CALLER = "+61412345678"
TRACKED = "+61290001111"


def place(number: str = TRACKED, **changes: Any) -> Place:
    """Where the events belong: a registered number with ids in the vendors' forms."""
    wanted = {
        "number": number,
        "name": "Web pool",
        "property": Property(id="PRQWERTYUIOPASDFGHJKLZXCVBNMQWER", name="www.example.com.au"),
        "channel_id": "b827924e-9789-4c2f-a4d5-b352175354f6",
        "trunk_id": "90001",
    }
    return Place(organization_id="org", account=changes.pop("account", ACCOUNT), number=Number(**{**wanted, **changes}))


def context(**values: Any) -> Context:
    return Context(**values)


def call(**values: Any) -> Call:
    """A leg; a root unless it has a parent. `at_ms` is its first moment."""
    wanted: dict[str, Any] = {
        "account": ACCOUNT,
        "id": "c-9f31",
        "direction": "inbound",
        "from_": CALLER,
        "to": TRACKED,
        "first_at_ms": T0,
        "starting_at_ms": T0,
    }
    wanted.update(values)
    wanted.setdefault("root", wanted["id"])
    return Call(**wanted)


def ended(status: str, *, answered_after_s: int | None = None, lasted_s: int = 0, **values: Any) -> Call:
    """A leg that has its end, `lasted_s` after its start."""
    end = T0 + lasted_s * 1000
    answered = None if answered_after_s is None else T0 + answered_after_s * 1000
    wanted: dict[str, Any] = {
        "status": status,
        "answered_at_ms": answered,
        "ended_at_ms": end,
        "ringing_at_ms": T0 + 1000,
        "duration_s": lasted_s,
        "answered_duration_s": 0 if answered_after_s is None else lasted_s - answered_after_s,
    }
    wanted.update(values)
    return call(**wanted)


def offer(
    to: str,
    status: str,
    start_s: float,
    *,
    answered_s: float | None = None,
    ended_s: float | None = None,
    leg: str | None = "leg-b",
) -> Offer:
    """A try to reach `to`, by a leg or told on the root (`leg` None); times are seconds after T0."""

    def at(second: float | None) -> int | None:
        return None if second is None else T0 + int(second * 1000)

    return Offer(
        to=to,
        leg=leg,
        status=status,
        at_ms=T0 + int(start_s * 1000),
        ringing_at_ms=at(start_s),
        answered_at_ms=at(answered_s),
        ended_at_ms=at(ended_s),
    )


def event(kind: str, leg: Call, *, root: Call | None = None, after_s: float = 0, **values: Any) -> Event:
    """An event of a leg, which took its status unless `status_changed=False`; `after_s` seconds after T0."""
    fact = kind in ("call.ivr-option", "call.prompt", "call.recording", "call.transcription", "call.facts", "call.corrected")
    wanted: dict[str, Any] = {"status_changed": not fact}
    wanted.update(values)
    return Event(id=7, type=kind, at_ms=T0 + int(after_s * 1000), seq=1, call=leg, root=root or leg, **wanted)


def endpoint(dialect: str, url: str = "https://crm.example.com/hook", **values: Any) -> Endpoint:
    return Endpoint(id=1, account=ACCOUNT, url=url, dialect=dialect, **values)


def rendered(dialect: Dialect, told: Event, where: Place | None = None, **values: Any) -> HttpRequest:
    """The request for an event, by the name that the dialect gives it; `values` are the endpoint's."""
    spot = where or place()
    name = dialect.event_name(told, spot)
    assert name is not None, f"{dialect.name} has no name for {told.type}"
    delivery = Delivery(id=1, endpoint=1, event=told.id, root=1, name=name)
    return dialect.render(told, endpoint(dialect.name, **values), delivery, spot, T0 + 3_600_000)
