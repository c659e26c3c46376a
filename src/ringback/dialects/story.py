"""What a conversation came to, read from its root: for the platforms that tell a customer one story per call, not one per leg.

A root keeps every try to reach somebody as an offer. Offers that ring together are one **transfer** (a ring group is one transfer
to many); the next transfer begins when somebody is offered the caller after the one before was answered or was over.
"""

from collections.abc import Sequence

from ringback.calls.model import FINAL, Call, Event, Offer
from ringback.calls.numbers import classify
from ringback.calls.offers import answerer


def phone_number(address: str) -> str | None:
    """The number in E.164, with its plus, of an address that is one; None for an extension, a SIP address, nobody."""
    found = classify(address, None)
    return found.e164 if found.kind == "e164" else None


def as_number(address: str) -> str:
    """What stands for an address where a platform wants a number: E.164 if one can be told, else the address as it is."""
    return classify(address, None).e164 or address


def is_withheld(address: str) -> bool:
    """True if the caller's number was not given, by any of the words that networks use for it."""
    return classify(address, None).kind == "anonymous"


def offered_extension(offer: Offer | None) -> str | None:
    """The extension that is tried, None for a number outside. What a source tells on the root itself is always an extension."""
    if offer is None or (offer.leg is not None and classify(offer.to, None).kind != "extension"):
        return None
    return offer.to


def final_of_root(event: Event) -> bool:
    """True if this event is the conversation's end."""
    return event.status_changed and event.call.is_root and event.type[5:] in FINAL


def calling_extension(root: Call) -> str | None:
    """Who placed an outbound call: the extension that its context names, else its `from` if that is one."""
    if root.context.extension:
        return root.context.extension
    return root.from_ if classify(root.from_, None).kind == "extension" else None


def answering_extension(root: Call) -> str | None:
    """The extension that answered an inbound call, the last one after a transfer; None if an IVR, a queue, an announcement or
    voicemail did, or nobody. A source that tells of no offers may name it when the call is answered or has ended."""
    who = answerer(root.offers)
    if who is not None or root.answered_at_ms is None or root.context.answered_by not in (None, "extension"):
        return who
    return root.context.extension


def extension_of(event: Event) -> str | None:
    """The extension that an event is about: the one that is offered the call, else who answered (inbound) or calls (outbound)."""
    tried = offered_extension(event.offer)
    if tried is not None:
        return tried
    return answering_extension(event.root) if event.root.direction == "inbound" else calling_extension(event.root)


def last_transfer(offers: Sequence[Offer]) -> list[Offer]:
    """The offers of the last transfer, in order of time; empty if nobody was ever offered the call."""
    group: list[Offer] = []
    for offer in sorted(offers, key=lambda item: item.at_ms):
        if group and _is_over(group, offer.at_ms):
            group = []
        group.append(offer)
    return group


def _is_over(group: Sequence[Offer], at_ms: int) -> bool:
    """Is a transfer decided by `at_ms`: somebody answered, or every offer has ended? Offers of the same moment belong together."""
    if group[0].at_ms == at_ms:
        return False
    if any(offer.answered_at_ms is not None and offer.answered_at_ms <= at_ms for offer in group):
        return True
    return all(offer.ended_at_ms is not None and offer.ended_at_ms <= at_ms for offer in group)
