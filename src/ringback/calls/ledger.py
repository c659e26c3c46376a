"""The ledger: folds what sources say into calls, and makes events of it. Pure, and the same for every source.

An update may come late, twice, or before the one that should precede it. So two things are kept apart:

- **What is sent** follows the order of arrival: a status that the leg has reached or passed is late, and the first end that was
  sent stays sent. A call has exactly one end. What is late makes an event too, so that the record shows it; it is marked and never
  sent.
- **What is recorded** follows `at`, the source's own time: whatever the order of arrival, the record comes out the same. Each
  time is the earliest `at` that told it; of several values of a fixed field the one with the earliest `at` stands; of several
  ends likewise.

Everything that a later word could overturn is therefore in the call itself: `reached` (all statuses heard), `given` (since when a
fixed field is known), `entries` (keys with their times). Where only arrival can decide, it does: a leg that was first seen
without its parent stays a conversation of its own, since events were numbered in it; and of two values for one field of the
context the later wins.

Every update makes one event. `fold` changes nothing, it makes new values.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from ringback.calls import context as contexts
from ringback.calls import offers as offer_book
from ringback.calls.model import FINAL, Call, CallRef, Context, Event, Offer, Status, Update
from ringback.calls.statuses import EVENT_TYPE, OPENING, WORD, end_key, standing_end, step
from ringback.errors import InvalidInput

REUSE_AFTER_MS: Final = 60_000
"""An id that starts again this long after its end is a new call: the switch restarted its counters."""

MAX_REWRITES: Final = 16
"""How many other values of a fixed field a call keeps."""

FACT_TYPES: Final = frozenset(("call.ivr-option", "call.prompt", "call.recording", "call.transcription", "call.facts"))
"""The updates that are no status. They are taken at any time, after the end too."""

_NEVER: Final = 1 << 62
_TIME_FIELD: Final[Mapping[str, str]] = {
    "starting": "starting_at_ms",
    "ringing": "ringing_at_ms",
    "ongoing": "answered_at_ms",
}
_FIXED: Final[Mapping[str, str]] = {"direction": "direction", "from": "from_", "to": "to"}
_END_FACTS: Final = ("cause", "sip_status", "ended_by")
_CORRECTS: Final = frozenset(("status", "ended_at_ms", *_END_FACTS))
_SAYS_WHO_ANSWERED: Final = frozenset(("call.ongoing", "call.completed", "call.facts", "call.recording", "call.transcription"))
"""On an inbound root `extension` names who answered in these; in `call.ringing` it names who rings, elsewhere it says nothing."""


_Made = tuple[str | None, bool]
"""The type of the event that goes out (None: late), and whether the status line moved."""


class Folded(Struct, frozen=True, gc=False):
    """What one update came to. `leg` and `root` as they are now (the same object if the leg is a root); `events` are new, one per
    update. `late`: that event is for the record alone: a status that was passed already, a word about an earlier life of the id, an
    entry that was told before."""

    leg: Call
    root: Call
    events: tuple[Event, ...]
    late: bool


def reopens(leg: Call, update: Update) -> bool:
    """Does this update begin a new life of an id that was used before?"""
    return leg.ended_at_ms is not None and WORD.get(update.type) in OPENING and update.at_ms - leg.ended_at_ms >= REUSE_AFTER_MS


def root_wanted(leg: Call | None, update: Update) -> str | None:
    """The id of the leg whose root `fold` needs, None if the leg is its own: for whoever loads the calls."""
    if leg is None or reopens(leg, update):
        return _parent(update.call)
    return None if leg.parent is None else leg.root


def fold(account: str, leg: Call | None, root: Call | None, update: Update, new_id: Callable[[], int]) -> Folded:
    """Folds one update.

    `leg`: the latest life of `update.call.id`, or None. `root`: the root of the leg that `root_wanted` names, None if that leg is
    not known (then a placeholder root is made, with status None, which its own updates fill in); ignored when the leg is a root.
    `new_id` gives the event's id (`ringback.ids`) and is called once.

    Raises InvalidInput for a type that is not one of ours, ValueError if the root of a known child is missing.
    """
    word = WORD.get(update.type)
    if word is None and update.type not in FACT_TYPES:
        raise InvalidInput("is not a type of update", "type")
    if leg is None or reopens(leg, update):
        leg, root = _first_seen(account, leg, root, update)
    elif leg.parent is None:
        root = leg
    elif root is None:
        raise ValueError(f"the root of leg {leg.id!r} is missing")
    changes: dict[str, Any] = {}
    made: _Made = (None, False)
    offer = None
    earlier_life = leg.previous_end_ms is not None and update.at_ms - leg.previous_end_ms < REUSE_AFTER_MS
    if not earlier_life:
        made, context = _take(leg, word, update, changes)
        if leg.parent is None:
            context, offer = _offers_on_root(leg, update, context, changes)
        elif update.call.extension is not None:
            context = _with_extension(context, update.call.extension)
        if context is not leg.context:
            changes["context"] = context
    number = new_id()
    if leg.parent is None:
        now = root_now = replace(leg, next_seq=leg.next_seq + 1, last_event=number, **changes)
    else:
        now = replace(leg, last_event=number, **changes)
        root_changes, offer = _offer_by_leg(root, now, update.at_ms, told=made[1])
        if now.context is not leg.context:
            before = root_changes.get("context", root.context)
            joined = contexts.with_facts_of_leg(before, leg.context, now.context)
            if joined is not before:
                root_changes["context"] = joined
        root_now = replace(root, next_seq=root.next_seq + 1, last_event=number, **root_changes)
    event = Event(
        id=number,
        type=made[0] or update.type,
        at_ms=update.at_ms,
        seq=root.next_seq,
        call=now,
        root=root_now,
        status_changed=made[1],
        offer=offer,
        data=update.data,
        late=made[0] is None and offer is None,
    )
    return Folded(now, root_now, (event,), event.late)


def _take(leg: Call, word: Status | None, update: Update, changes: dict[str, Any]) -> tuple[_Made, Context]:
    """Everything about the leg itself, beside `extension`, whose meaning depends on what the leg is."""
    _see(leg, update, changes)
    context = contexts.merge(leg.context, update.call)
    made: _Made
    if word is None:
        context, told = _take_fact(leg, context, update, changes)
        made = (update.type if told else None, False)
    else:
        made = (_take_end if word in FINAL else _take_status)(leg, word, update, changes)
    if leg.ended_at_ms is not None or "ended_at_ms" in changes:
        _count_seconds(leg, changes)
    return made, context


def _parent(ref: CallRef) -> str | None:
    return ref.parent if ref.parent != ref.id else None


def _first_seen(account: str, former: Call | None, root: Call | None, update: Update) -> tuple[Call, Call]:
    """A blank leg, and its root: itself, the one given, or a placeholder."""
    ref, at_ms, parent = update.call, update.at_ms, _parent(update.call)
    generation, previous_end_ms = (former.generation + 1, former.ended_at_ms) if former is not None else (1, None)
    if parent is None:
        leg = Call(
            account=account,
            id=ref.id,
            root=ref.id,
            generation=generation,
            root_generation=generation,
            first_at_ms=at_ms,
            previous_end_ms=previous_end_ms,
        )
        return leg, leg
    if root is None or root.id == ref.id:
        root = Call(account=account, id=parent, root=parent, first_at_ms=at_ms)
    leg = Call(
        account=account,
        id=ref.id,
        root=root.id,
        generation=generation,
        root_generation=root.generation,
        parent=parent,
        # A leg that was made to reach somebody goes out, as long as its source does not say otherwise.
        direction="outbound",
        first_at_ms=at_ms,
        previous_end_ms=previous_end_ms,
    )
    return leg, root


def _see(leg: Call, update: Update, changes: dict[str, Any]) -> None:
    """When the leg was heard of, and its fixed fields. An inferred end is no sign of life; a placeholder (never heard itself, so
    `updated_at_ms` is 0) takes its first time from its own first update."""
    ref, at_ms, given = update.call, update.at_ms, leg.given
    if not update.inferred:
        if at_ms > leg.updated_at_ms:
            changes["updated_at_ms"] = at_ms
        if at_ms < leg.first_at_ms or (leg.updated_at_ms == 0 and at_ms != leg.first_at_ms):
            changes["first_at_ms"] = at_ms
    if ref.direction is not None and (ref.direction != leg.direction or at_ms < given.get("direction", _NEVER)):
        _fix(leg, "direction", ref.direction, at_ms, changes)
    if ref.from_ is not None and (ref.from_ != leg.from_ or at_ms < given.get("from", _NEVER)):
        _fix(leg, "from", ref.from_, at_ms, changes)
    if ref.to is not None and (ref.to != leg.to or at_ms < given.get("to", _NEVER)):
        _fix(leg, "to", ref.to, at_ms, changes)
    if update.source and not leg.source:
        changes["source"] = update.source
    if ref.parent is not None and ref.parent not in (leg.parent, leg.id):
        _rewrite(leg, "parent", ref.parent, None, changes)


def _fix(leg: Call, name: str, value: str, at_ms: int, changes: dict[str, Any]) -> None:
    """The value with the earliest `at` stands (of two at once, the smaller); all others are kept as rewrites."""
    given: dict[str, int] = changes.get("given", leg.given)
    since, standing = given.get(name), getattr(leg, _FIXED[name])
    if since is None or (at_ms, value) < (since, standing):
        changes["given"] = {**given, name: at_ms}
        if value == standing:
            return
        changes[_FIXED[name]] = value
        if since is not None:
            _rewrite(leg, name, standing, value, changes)
    elif value != standing:
        _rewrite(leg, name, value, None, changes)


def _rewrite(leg: Call, name: str, loser: str, winner: str | None, changes: dict[str, Any]) -> None:
    rewrites: dict[str, list[str]] = changes.get("rewrites", leg.rewrites)
    known = rewrites.get(name, [])
    if loser in known:
        return
    others = sorted(value for value in [*known, loser] if value != winner)[:MAX_REWRITES]
    if others != known:
        changes["rewrites"] = {**rewrites, name: others}


def _take_status(leg: Call, word: Status, update: Update, changes: dict[str, Any]) -> _Made:
    """Records a status that is not an end."""
    since = leg.reached.get(word)
    if since is None or update.at_ms < since:
        changes["reached"] = {**leg.reached, word: update.at_ms}
        field = _TIME_FIELD.get(word)
        if field is not None:
            changes[field] = update.at_ms
    taken = step(leg.status, word)
    if taken is None:
        if word == "ongoing" and leg.ended_at_ms is not None and leg.status != "completed":
            # It was answered after all: the record says so, what was sent stays sent.
            changes["status"] = "completed"
        return None, False
    changes["status"] = taken
    return EVENT_TYPE[taken], True


def _take_end(leg: Call, word: Status, update: Update, changes: dict[str, Any]) -> _Made:
    """Records an end. True ones replace inferred ones; among equals the earliest stands, with what was said of it."""
    first = leg.ended_at_ms is None
    corrects = not first and leg.inferred and not update.inferred
    if not first and update.inferred and not leg.inferred:
        return None, False
    reached = {name: at for name, at in leg.reached.items() if name not in FINAL} if corrects else leg.reached
    stood = None if first or corrects else standing_end(reached)
    since = reached.get(word)
    if since is None or update.at_ms < since:
        reached = {**reached, word: update.at_ms}
        changes["reached"] = reached
    told = end_key(word, update.at_ms)
    known = None if stood is None else end_key(*stood)
    if known is None or told <= known:
        for name in _END_FACTS:
            value, now = update.data.get(name), getattr(leg, name)
            if told == known and now is not None:
                value = now if value is None else min(now, value)
            if value != now:
                changes[name] = value
    standing, ended_at_ms = standing_end(reached) or (word, update.at_ms)
    status = "completed" if "ongoing" in reached else standing
    moved = {"status": status, "ended_at_ms": ended_at_ms, "inferred": update.inferred}
    changes.update((name, value) for name, value in moved.items() if value != getattr(leg, name))
    if first:
        return f"call.{status}", True
    return ("call.corrected" if corrects and not _CORRECTS.isdisjoint(changes) else None), False


def _count_seconds(leg: Call, changes: dict[str, Any]) -> None:
    """Whole seconds, cut: from the start (or the first status heard) and from the answer to the end. Never negative, and the
    whole is never shorter than its part: clocks lie."""
    ended: Any = changes.get("ended_at_ms", leg.ended_at_ms)
    begun = changes.get("starting_at_ms", leg.starting_at_ms)
    if begun is None:
        begun = min(changes.get("reached", leg.reached).values())
    answered = changes.get("answered_at_ms", leg.answered_at_ms)
    talk = 0 if answered is None else max(0, ended - answered) // 1000
    whole = max(talk, max(0, ended - begun) // 1000)
    if whole != leg.duration_s:
        changes["duration_s"] = whole
    if talk != leg.answered_duration_s:
        changes["answered_duration_s"] = talk


def _take_fact(leg: Call, context: Context, update: Update, changes: dict[str, Any]) -> tuple[Context, bool]:
    """Takes what is no status into the context; False for an entry without an id that was told before."""
    if update.call.prompts is not None and leg.entries:
        changes["entries"] = []
    if update.type == "call.recording":
        return contexts.with_recording(context, update.data), True
    if update.type == "call.transcription":
        return contexts.with_transcription(context, update.data), True
    if update.type == "call.facts":
        return context, True
    if update.type == "call.ivr-option":
        entry = (update.at_ms, "option", str(update.data["option"]))
    else:
        entry = (update.at_ms, str(update.data.get("kind", "keys")), str(update.data["keys"]))
    entries: list[contexts.Entry] = changes.get("entries", leg.entries)
    if update.id is None and entry in entries:
        return context, False
    context, changes["entries"] = contexts.with_entry(context, entries, entry)
    return context, True


def _offers_on_root(leg: Call, update: Update, context: Context, changes: dict[str, Any]) -> tuple[Context, Offer | None]:
    """What `extension` means on a root, and what the root's end means for the offers that were told on it."""
    ref, offers, extension = update.call, leg.offers, update.call.extension
    if changes.get("direction", leg.direction) == "outbound":
        if leg.direction == "inbound" and offers:
            return _turned_outbound(leg, context, extension, changes), None
        return _with_extension(context, extension if extension is not None else context.extension), None
    if ref.answered_by is not None and ref.answered_by != "extension":
        extension = None  # An IVR's or a queue's own number: it answered, and it is nobody's extension.
    fact: offer_book.Fact | None = None
    if extension is not None and update.type in ("call.ringing", "call.ongoing"):
        fact = (update.at_ms, update.type == "call.ongoing", extension)
    ended_at_ms = changes.get("ended_at_ms", leg.ended_at_ms)
    end_moved = ended_at_ms is not None and ("ended_at_ms" in changes or "status" in changes)
    offer = None
    if fact is not None or (end_moved and offers):
        status: Any = changes.get("status", leg.status)
        end = None if ended_at_ms is None else (ended_at_ms, status)
        offers, offer = offer_book.tell(offers, fact, end)
        if offers is not leg.offers:
            changes["offers"] = offers
    if fact is not None and offer is not None:
        at_ms, answered, to = fact
        if ended_at_ms is not None or offer_book.told_otherwise(offers, to, at_ms, answered=answered, by_leg=False):
            offer = None
    if extension is not None or offers is not leg.offers or "direction" in changes:
        said = extension if extension is not None and update.type in _SAYS_WHO_ANSWERED else context.extension
        context = _with_extension(context, _who(said, leg.offers, offers))
    return context, offer


def _who(said: str | None, before: list[Offer], offers: list[Offer]) -> str | None:
    """Who answered an inbound root: what its offers tell, else what was said; never what offers told that tell it no more."""
    who = offer_book.answerer(offers)
    if who is not None or said is None:
        return who
    return None if said == offer_book.answerer(before) else said


def _turned_outbound(leg: Call, context: Context, extension: str | None, changes: dict[str, Any]) -> Context:
    """A root was taken for inbound until its direction was told: what was said of its extension meant who calls."""
    changes["offers"], caller = offer_book.without_told(leg.offers)
    if extension is None:
        inferred = context.extension == offer_book.answerer(leg.offers)
        extension = caller if caller is not None or inferred else context.extension
    return _with_extension(context, extension)


def _with_extension(context: Context, extension: str | None) -> Context:
    return context if extension == context.extension else replace(context, extension=extension)


def _offer_by_leg(root: Call, leg: Call, at_ms: int, *, told: bool) -> tuple[dict[str, Any], Offer | None]:
    """What a child leg means for its root, and the offer that rings or answers by it. `told`: the leg's status line just moved."""
    offer = offer_book.of_leg(leg)
    if offer is None:
        return {}, None
    changes: dict[str, Any] = {}
    offers = offer_book.with_leg(root.offers, offer)
    if offers is not root.offers:
        changes["offers"] = offers
        if leg.answered_at_ms is not None and root.direction == "inbound":
            context = _with_extension(root.context, _who(root.context.extension, root.offers, offers))
            if context is not root.context:
                changes["context"] = context
    if not told or root.ended_at_ms is not None or leg.status not in ("ringing", "ongoing"):
        return changes, None
    answered = leg.status == "ongoing"
    twice = offer_book.told_otherwise(root.offers, offer.to, at_ms, answered=answered, by_leg=True)
    return changes, None if twice else offer
