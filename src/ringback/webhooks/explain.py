"""Why an endpoint got an event, or did not: rule by rule, as it was when the event came and as it would be now.

The rules are those of `matching`, asked one by one; a property test holds that `Matcher.match` sends exactly where `reasons_now` is
empty. Each reason carries two marks:

`then`  it kept the event out when it came: True; False: it did not hold then; None: what it rests on was changed since.
`now`   it would keep the event out if it came now.

What is known of "then": the event and its deliveries are immutable, endpoints and numbers are kept as they are now with the time of
their last change. So a rule that rests on an endpoint is told for certain as long as the endpoint was not changed after the event,
and the deliveries are the witness for the catch-all clause even when the endpoint that took the event is gone. What was said before
a change is not kept, and the explanation says that instead of guessing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, Protocol

from msgspec import Struct
from msgspec.structs import replace

from ringback.calls.directory import Place
from ringback.calls.model import FINAL, STATUSES, Event, to_rfc3339
from ringback.ids import time_of, to_text
from ringback.webhooks.matching import YIELDS, Names, conditions, is_chosen, passes
from ringback.webhooks.model import Delivery, Endpoint
from ringback.webhooks.notices import NOTICES

Rule = Literal[
    "late",  # a status that the leg had passed, or something that was told before: in the record, never sent
    "made-after",  # the endpoint was made after the event came
    "disabled",
    "dialect-missing",  # the endpoint's dialect is not installed
    "no-event",  # its platform has no event for this
    "number-webhooks-off",  # it has one, but not for a number whose webhooks are off (VOC)
    "not-chosen",  # the endpoint takes other events
    "filter",
    "catch-all",  # without filters, it yields to an endpoint whose filters match (Bird)
    "others-test",  # a test goes to its own endpoint alone
    "own-notice",  # a notice is not told to the endpoint that it is about
    "changed-since",  # no rule as it is now keeps it out: one that was changed since did
]

SETTLING_MS: Final = 100
"""A change takes a moment from its date until the next event meets it: an event within that moment counts as from before."""


class Speaker(Names, Protocol):
    """What explaining asks of a dialect (ringback.dialects.contract.Dialect has it)."""

    events: tuple[str, ...]

    def why_not(self, event: Event, place: Place) -> str:
        """Why it has no name for the event."""
        ...

    def samples(self) -> Mapping[str, Event]:
        """A sample event for each name."""
        ...


class Reason(Struct, frozen=True, kw_only=True):
    """One rule that keeps, or kept, an event from an endpoint. Of a filter: its key, the values wanted, the event's value. `by`:
    the endpoints that the catch-all clause yields to."""

    rule: Rule
    text: str
    then: bool | None = None
    now: bool = True
    key: str | None = None
    wanted: tuple[str, ...] = ()
    actual: str | None = None
    by: tuple[int, ...] = ()


class Change(Struct, frozen=True):
    """The endpoint, or the account's number in the call, was changed at or after the event came."""

    what: Literal["endpoint", "number"]
    name: str
    at_ms: int


class Case(Struct, frozen=True, kw_only=True):
    """What an explanation rests on. `endpoints`: all of the account, as they are now; `deliveries`: all of the event, to anybody;
    `catch_all_literal`: the account's switch for the catch-all clause, as it is now."""

    event: Event
    place: Place
    endpoint: Endpoint
    endpoints: Sequence[Endpoint]
    dialects: Mapping[str, Speaker]
    deliveries: Sequence[Delivery] = ()
    catch_all_literal: bool = True


class Explanation(Struct, frozen=True, kw_only=True):
    """`name`: the platform's name for the event, None if it has none. `sent`: a delivery was made when the event came; `reasons`:
    what stood, or stands, against it; `changed`: what was changed since."""

    name: str | None
    sent: bool
    reasons: tuple[Reason, ...]
    changed: tuple[Change, ...]

    @property
    def sent_now(self) -> bool:
        """Would the event be sent, if it came now?"""
        return not any(reason.now for reason in self.reasons)


def reasons_now(case: Case) -> tuple[Reason, ...]:
    """Every rule that would keep the event from the endpoint, if it came now; empty: it would be sent."""
    return tuple(_reasons_now(case))


def _reasons_now(case: Case) -> Iterator[Reason]:
    event, endpoint = case.event, case.endpoint
    if event.late:
        yield Reason(rule="late", text=_late_text(event))
    if not endpoint.enabled:
        yield Reason(rule="disabled", text="The endpoint is disabled.")
    dialect = case.dialects.get(endpoint.dialect)
    if dialect is None:
        yield Reason(rule="dialect-missing", text=f"The dialect {endpoint.dialect} is not installed.")
        return
    name = dialect.event_name(event, case.place)
    if name is None:
        yield _no_name(dialect, event, case.place)
        return
    if not is_chosen(endpoint, name):
        yield _not_chosen(endpoint, name)
    if event.type in NOTICES:  # filters are about calls (webhooks.notices)
        if event.data.get("endpoint", {}).get("id") == to_text("ep", endpoint.id):
            yield Reason(rule="own-notice", text="The notice is about this endpoint itself: only others are told.")
        return
    for wanted in conditions(endpoint):
        if not passes([wanted], dialect, event, case.place):
            yield _filtered(wanted[0], sorted(wanted[1]), dialect.filter_value(wanted[0], event, case.place))
    silencers = _silencers(case, dialect, name)
    if silencers:
        yield _silenced(silencers)


def explain(case: Case) -> Explanation:
    """Why the endpoint got the event, or did not."""
    event, endpoint = case.event, case.endpoint
    dialect = case.dialects.get(endpoint.dialect)
    sent = any(one.endpoint == endpoint.id and one.kind in _AT_ONCE and one.state != "skipped" for one in case.deliveries)
    name = None if dialect is None else dialect.event_name(event, case.place)
    changed = tuple(_changes(case))
    if not sent and any(one.kind == "test" for one in case.deliveries):
        text = "It is a test of another endpoint, and a test goes to nobody else."
        return Explanation(name=name, sent=False, reasons=(Reason(rule="others-test", text=text, then=True),), changed=changed)
    made_after = endpoint.id > event.id
    reasons = [
        replace(reason, then=False if sent else _held_then(reason, case, changed, made_after)) for reason in _reasons_now(case)
    ]
    if not sent and made_after:
        text = f"The endpoint was made after the event came, at {to_rfc3339(endpoint.created_at_ms)}."
        reasons.insert(0, Reason(rule="made-after", text=text, then=True, now=False))
    told = (
        any(reason.rule == "catch-all" for reason in reasons) if _was_skipped(case) else any(r.then is not False for r in reasons)
    )
    if not sent and not told:
        reasons.append(_gone(case, name, changed))
    return Explanation(name=name, sent=sent, reasons=tuple(reasons), changed=changed)


_AT_ONCE: Final = frozenset({"event", "test", "notice"})
"""Kinds of deliveries that are made with their event; the others are sent again later."""
_FACTS_OF_THE_EVENT: Final = frozenset({"late", "no-event", "own-notice"})
_RULES_OF_THE_NUMBER: Final = frozenset({"number-webhooks-off", "filter"})
_RULES_OF_THE_ENDPOINT: Final = frozenset({"disabled", "not-chosen", "filter", "catch-all"})


def _held_then(reason: Reason, case: Case, changed: Sequence[Change], made_after: bool) -> bool | None:
    """Did a rule that holds now keep the event out when it came, and not reach the endpoint then?"""
    if reason.rule in _FACTS_OF_THE_EVENT:
        return True
    if made_after:
        return False
    if _was_skipped(case):
        return reason.rule == "catch-all"
    if reason.rule == "dialect-missing":
        return None
    touched = {change.what for change in changed}
    if reason.rule == "catch-all" and not set(reason.by) & _takers(case):
        return False
    if "endpoint" in touched and reason.rule in _RULES_OF_THE_ENDPOINT:
        return None
    return None if "number" in touched and reason.rule in _RULES_OF_THE_NUMBER else True


def _gone(case: Case, name: str | None, changed: Sequence[Change]) -> Reason:
    """Nothing that stands now explains it: an endpoint that took the event and is gone, or something that was changed since."""
    endpoint = case.endpoint
    if endpoint.dialect in YIELDS and (not endpoint.filters or _was_skipped(case)):
        known = {one.id: one for one in case.endpoints}
        by = sorted(
            one.endpoint
            for one in case.deliveries
            if one.kind == "event"
            and one.state != "skipped"
            and one.name == name
            and known.get(one.endpoint, endpoint).dialect == endpoint.dialect
        )
        if by:
            then = None if any(change.what == "endpoint" for change in changed) and not _was_skipped(case) else True
            return replace(_silenced(by), then=then, now=False)
    if changed:
        what = " and ".join(f"the {change.what} was changed at {to_rfc3339(change.at_ms)}" for change in changed)
    else:
        what = "a number, an endpoint or a setting that is gone, or the endpoint was being made or changed at that moment"
    text = f"No rule as it is now keeps it out: {what}, and what was before is not kept."
    return Reason(rule="changed-since", text=text, then=None, now=False)


def _changes(case: Case) -> Iterator[Change]:
    came_ms = time_of(case.event.id) - SETTLING_MS
    endpoint, number = case.endpoint, case.place.number
    if endpoint.updated_at_ms > max(came_ms, endpoint.created_at_ms):
        yield Change("endpoint", to_text("ep", endpoint.id), endpoint.updated_at_ms)
    if number.updated_at_ms > came_ms:
        yield Change("number", number.number, number.updated_at_ms)


def _takers(case: Case) -> set[int]:
    """The endpoints that the event was sent to when it came."""
    return {delivery.endpoint for delivery in case.deliveries if delivery.kind == "event" and delivery.state != "skipped"}


def _was_skipped(case: Case) -> bool:
    """Is it in the log that the catch-all clause, and nothing else, kept the event from the endpoint?"""
    return any(one.endpoint == case.endpoint.id and one.state == "skipped" for one in case.deliveries)


def _not_chosen(endpoint: Endpoint, name: str) -> Reason:
    chosen = sorted(endpoint.events or ())
    takes = _listed(chosen) if chosen else "all that is about calls, and notices only by name"
    return Reason(rule="not-chosen", text=f"The endpoint takes {takes}, not {name}.", wanted=tuple(chosen), actual=name)


def _no_name(dialect: Speaker, event: Event, place: Place) -> Reason:
    """There is no name: for this number, or at all."""
    open_place = replace(place, number=replace(place.number, webhooks_enabled=True))
    if dialect.event_name(event, open_place) is not None:
        return Reason(rule="number-webhooks-off", text=dialect.why_not(event, place))
    return Reason(rule="no-event", text=dialect.why_not(event, open_place))


def _filtered(key: str, wanted: Sequence[str], actual: str | None) -> Reason:
    has = "this event has none" if actual is None else f"this event's is {actual}"
    text = f"A filter wants {key} {_listed(wanted)}, and {has}."
    return Reason(rule="filter", text=text, key=key, wanted=tuple(wanted), actual=actual)


def _silencers(case: Case, dialect: Speaker, name: str) -> list[int]:
    """The filtered endpoints that an unfiltered one yields to (matching's rule 3)."""
    endpoint = case.endpoint
    if endpoint.dialect not in YIELDS or not case.catch_all_literal or endpoint.filters:
        return []
    return [
        other.id
        for other in case.endpoints
        if other.dialect == endpoint.dialect
        and other.enabled
        and other.filters
        and is_chosen(other, name)
        and passes(conditions(other), dialect, case.event, case.place)
    ]


def _silenced(by: Sequence[int]) -> Reason:
    others = _listed([to_text("ep", one) for one in by])
    text = f"The endpoint has no filters, and yields to one whose filters match (the catch-all clause): {others}."
    return Reason(rule="catch-all", text=text, by=tuple(by))


def _late_text(event: Event) -> str:
    if event.type[5:] in STATUSES:
        return "It came late: the leg had reached or passed this status. It is in the record and is never sent."
    return "It had been told before. It is in the record and is not sent again."


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


class Untold(Struct, frozen=True):
    """An event name that the endpoint takes and that nothing in the conversation came to, and why."""

    name: str
    text: str


_UNTOLD: Final[Mapping[str, str]] = {
    "call.ivr-option": "No key was reported. A key is told only while a menu is announced; outside a menu it may be a PIN and is "
    "never told.",
    "call.prompt": "No entry was reported. An entry is told only where the source says which menu or application asked for it.",
    "call.recording": "No recording was reported.",
    "call.transcription": "No transcript was reported.",
    "call.facts": "No later facts were reported.",
    "call.corrected": "No end had to be corrected.",
}


def untold(endpoint: Endpoint, dialect: Speaker, events: Sequence[Event], named: Sequence[str | None]) -> list[Untold]:
    """What the endpoint takes and no event of the conversation was about; `named`: the platform's names of its events.

    A name whose kind of event there was is left out: that event's own explanation says why it was not this one.
    """
    kinds = {event.type for event in events}
    over = any(kind[5:] in FINAL for kind in kinds)
    samples = dialect.samples()
    missing: list[Untold] = []
    for name in dialect.events:
        kind = samples[name].type
        if not is_chosen(endpoint, name) or name in NOTICES or name in named or kind in kinds or (over and kind[5:] in FINAL):
            continue
        said = "No end was reported so far." if kind[5:] in FINAL else f"No {kind} was reported."
        missing.append(Untold(name, _UNTOLD.get(kind, said)))
    return missing
