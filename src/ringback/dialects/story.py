"""What a conversation came to, read from its root: for the platforms that tell a customer one story per call, not one per leg.

A root keeps every try to reach somebody as an offer. Offers that ring together are one **transfer** (a ring group is one transfer
to many); the next transfer begins when somebody is offered the caller after the one before was answered or was over.
"""

import re
from collections.abc import Sequence

from ringback.calls.model import FINAL, Call, Event, Offer

_E164 = re.compile(r"\+[1-9][0-9]{4,14}")
_EXTENSION = re.compile(r"[0-9]{1,7}|[A-Za-z0-9._-]{0,63}[A-Za-z][A-Za-z0-9._-]{0,63}")
_WITHHELD = frozenset({"", "anonymous", "unavailable", "unknown", "restricted", "private", "withheld"})


def is_e164(address: str) -> bool:
    """True for a phone number in international form with its plus."""
    return _E164.fullmatch(address) is not None


def is_withheld(address: str) -> bool:
    """True if the caller's number was not given, by any of the words that networks use for it."""
    return address.lower() in _WITHHELD


def is_extension(address: str) -> bool:
    """True for an internal target: up to seven digits, or a plain name (`alice`). Longer digits are a number in national form."""
    return _EXTENSION.fullmatch(address) is not None and not is_withheld(address)


def final_of_root(event: Event) -> bool:
    """True if this event is the conversation's end."""
    return event.status_changed and event.call.is_root and event.type[5:] in FINAL


def calling_extension(root: Call) -> str | None:
    """Who placed an outbound call: the extension that its context names, else its `from` if that is one."""
    if root.context.extension:
        return root.context.extension
    return root.from_ if is_extension(root.from_) else None


def answering_extension(root: Call) -> str | None:
    """The extension that answered an inbound call, the last one after a transfer; None if an IVR, a queue, an announcement or
    voicemail did, or nobody.

    A source that tells of no offers may name it in the context; one that was offered the call and did not take it is not it.
    """
    answered = [offer for offer in root.offers if offer.answered_at_ms is not None and is_extension(offer.to)]
    if answered:
        return max(answered, key=lambda offer: offer.answered_at_ms or 0).to
    named = root.context.extension
    if named is None or root.answered_at_ms is None or root.context.answered_by not in (None, "extension"):
        return None
    return None if any(offer.to == named for offer in root.offers) else named


def extension_of(event: Event) -> str | None:
    """The extension that an event is about: the one that is offered the call, else who answered (inbound) or calls (outbound)."""
    if event.offer is not None and is_extension(event.offer.to):
        return event.offer.to
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
