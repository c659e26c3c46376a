"""Offers: who was tried for a conversation, who rang, who answered.

An offer is a fact of its own, beside the status line: a second extension of a ring group or a transfer's target rings long after an
IVR has answered the call, and that is no late word. Two ways of telling one:

- **By a child leg**, made to reach an extension or a number. The leg is the offer; it is keyed by the leg and follows its line.
- **On the root**, by an update with `extension`: `call.ringing` says who rings, `call.ongoing` who answered. Nobody tells how
  such an offer ends, so it is inferred: when another extension answers, when the same one rings anew, or when the conversation
  ends.

Offers told on the root are made afresh from all that was heard, sorted by time, whenever a word comes in. So they come out the
same in whatever order the words arrived:

    rings      no open offer of that extension      → a new offer, n + 1
               an open one that is not answered     → nothing (the same ringing, told again)
    answers    an open one that is not answered     → it is answered; others that still ring are over (`cancelled`)
               one that is answered already         → nothing
               none, or one that is over            → a new offer that was answered at once
"""

from typing import Final

from msgspec import Struct

from ringback.calls.model import Call, Offer, Status
from ringback.calls.numbers import classify

Fact = tuple[int, bool, str]
"""(at_ms, answers, extension): what an update on the root said of an extension. Sorts by time, ringing before answering."""

MAX_OFFERS: Final = 64
"""What a root remembers. A queue may try agents for hours: beyond this the oldest that came to nothing is forgotten."""
_MAX_AGAIN: Final = 8
SAME_FACT_MS: Final = 5_000
"""A source may tell one ringing twice, by a leg and on the root, a moment apart: within this it is taken for the same one."""

_OPEN_AT_END: Final[dict[str, str]] = {"completed": "no-answer"}
"""What becomes of an offer that still rings when the conversation ends: the same word, but nobody answered it."""


class _Try(Struct):
    extension: str
    rings: list[int]
    answers: list[int]
    over_at_ms: int | None = None


def of_leg(leg: Call) -> Offer | None:
    """The offer that a child leg is; None as long as it is not known whom it is to reach."""
    to = leg.context.extension or leg.to
    if not to:
        return None
    return Offer(
        to=to,
        leg=leg.id,
        status="starting" if leg.status is None or leg.status == "accepted" else leg.status,
        at_ms=leg.first_at_ms,
        ringing_at_ms=leg.ringing_at_ms,
        answered_at_ms=leg.answered_at_ms,
        ended_at_ms=leg.ended_at_ms,
    )


def with_leg(offers: list[Offer], offer: Offer) -> list[Offer]:
    """The root's offers with this leg's one put in; the same list if it stands there already."""
    if offer in offers:
        return offers
    return _in_order([known for known in offers if known.leg != offer.leg] + [offer])


def tell(offers: list[Offer], fact: Fact | None, end: tuple[int, Status] | None) -> tuple[list[Offer], Offer | None]:
    """The root's offers after a word on the root, and the offer that rings or answers by it.

    `fact` None: only the end is news. `end` is the conversation's end, if it has one. The second value is None when the word was
    heard already, or when its offer had come as far before.
    """
    facts = {known for offer in offers if offer.leg is None for known in _facts_of(offer)}
    news = fact is not None and fact not in facts
    if fact is not None:
        facts.add(fact)
    made: list[Offer] = []
    count: dict[str, int] = {}
    by_fact: Offer | None = None
    for attempt in _tries(sorted(facts)):
        n = count[attempt.extension] = count.get(attempt.extension, 0) + 1
        offer = _offer(attempt, n, end)
        made.append(offer)
        if news and fact is not None and fact[2] == attempt.extension and _came_by(attempt, fact):
            by_fact = offer
    after = _in_order([offer for offer in offers if offer.leg is not None] + made)
    return (offers if after == offers else after), by_fact


def told_otherwise(offers: list[Offer], to: str, at_ms: int, *, answered: bool, by_leg: bool) -> bool:
    """Was this ringing or answer told the other way a moment before: on the root if a leg tells it now, by a leg if not?"""
    for offer in offers:
        if offer.to == to and (offer.leg is None) == by_leg:
            known = offer.answered_at_ms if answered else offer.ringing_at_ms
            if known is not None and abs(known - at_ms) <= SAME_FACT_MS:
                return True
    return False


def without_told(offers: list[Offer]) -> tuple[list[Offer], str | None]:
    """For a root that turns out to be outbound, whose `extension` is who calls: the offers without those that were told on it,
    and the extension that was taken for one."""
    told = [offer.to for offer in offers if offer.leg is None]
    return [offer for offer in offers if offer.leg is not None], told[0] if told else None


def answerer(offers: list[Offer]) -> str | None:
    """The extension that answered last; numbers outside are no extensions."""
    answered = [
        (offer.answered_at_ms, offer.to)
        for offer in offers
        if offer.answered_at_ms is not None and (offer.leg is None or classify(offer.to, None).kind == "extension")
    ]
    return max(answered)[1] if answered else None


def _facts_of(offer: Offer) -> list[Fact]:
    rings = offer.rung_again if offer.ringing_at_ms is None else [offer.ringing_at_ms, *offer.rung_again]
    answers = offer.answered_again if offer.answered_at_ms is None else [offer.answered_at_ms, *offer.answered_again]
    return [(at, False, offer.to) for at in rings] + [(at, True, offer.to) for at in answers]


def _tries(facts: list[Fact]) -> list[_Try]:
    made: list[_Try] = []
    last: dict[str, _Try] = {}
    for at_ms, answers, extension in facts:
        current = last.get(extension)
        over = current is None or current.over_at_ms is not None
        if current is None or over or (current.answers and not answers):
            current = last[extension] = _Try(extension, [], [])
            made.append(current)
        if not answers:
            current.rings.append(at_ms)
            continue
        current.answers.append(at_ms)
        if len(current.answers) == 1:
            for other in last.values():
                if not other.answers and other.over_at_ms is None:
                    other.over_at_ms = at_ms
    return made


def _came_by(attempt: _Try, fact: Fact) -> bool:
    at_ms, answers, _ = fact
    if answers:
        return attempt.answers == [at_ms]
    return attempt.rings == [at_ms] and not attempt.answers


def _offer(attempt: _Try, n: int, end: tuple[int, Status] | None) -> Offer:
    status, ended_at_ms = "ongoing" if attempt.answers else "ringing", attempt.over_at_ms
    if ended_at_ms is not None:
        status = "cancelled"
    elif end is not None:
        ended_at_ms = end[0]
        status = "completed" if attempt.answers else _OPEN_AT_END.get(end[1], end[1])
    return Offer(
        to=attempt.extension,
        n=n,
        status=status,
        at_ms=min(attempt.rings[:1] + attempt.answers[:1]),
        ringing_at_ms=attempt.rings[0] if attempt.rings else None,
        answered_at_ms=attempt.answers[0] if attempt.answers else None,
        ended_at_ms=ended_at_ms,
        rung_again=attempt.rings[1:][-_MAX_AGAIN:],
        answered_again=attempt.answers[1:][-_MAX_AGAIN:],
    )


def _in_order(offers: list[Offer]) -> list[Offer]:
    offers.sort(key=lambda offer: (offer.at_ms, offer.to, offer.leg or "", offer.n))
    if len(offers) > MAX_OFFERS:
        spare = next((offer for offer in offers if offer.ended_at_ms is not None and offer.answered_at_ms is None), offers[0])
        offers.remove(spare)
    return offers
