"""The one object that holds what a caller keyed for a payment.

It cannot be printed, logged, pickled, copied, written as JSON, compared or iterated, and it answers questions about the digits
instead of handing them out. There is one way out, `reveal`, for the request to the payment connector.

It is the one thing in the interpreter's state that changes in place: all states of a payment share it. So it can be wiped, and a
state that somebody has kept holds no digits any more than a new one does. Buffers have their full length from the start, since a
buffer that grows leaves its old bytes behind; they are overwritten with zeros by `wipe`, and whenever the object is let go.
"""

import re
from typing import Any, NoReturn

from msgspec import Struct

from ringback.errors import OurError
from ringback.voxml import cards
from ringback.voxml.document import CardType, PayError, PromptFor

DIGITS = frozenset("0123456789")
_ROOM = 20
_LONG = 6
"""A number of so many digits does not stand in a text by chance."""
_SECRET: tuple[PromptFor, ...] = ("payment-card-number", "bank-account-number", "security-code")
_RUNS = re.compile(r"[0-9]+")
_NO_DIGITS = re.compile(r"[^0-9]+")


class Terms(Struct, frozen=True, kw_only=True):
    """What is to be paid, and what may be keyed: nothing secret. `amount`: decimal text with two places, zero for a token alone.
    `today`: year and month, as the caller's card is judged."""

    method: str
    amount: str
    currency: str
    description: str
    token_type: str
    bank_account_type: str
    parameters: tuple[tuple[str, str], ...]
    valid_card_types: tuple[CardType, ...]
    min_postal_code_length: int
    today: tuple[int, int]

    @property
    def is_charge(self) -> bool:
        """Is money to be taken, not only a token made?"""
        return self.amount.strip("0.") != ""


class Hidden:
    """Shows nothing of itself, whatever it is asked with. Copying it, writing it and comparing it to anything but itself are errors
    of ours, so they raise TypeError rather than do something harmless."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: hidden>"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        raise TypeError("what was keyed is not compared")

    __hash__ = None  # type: ignore[assignment]

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("what was keyed is not copied and not written down")

    def __getstate__(self) -> NoReturn:
        raise TypeError("what was keyed is not copied and not written down")


class Digits(Hidden):
    """Digits in a buffer of their own."""

    __slots__ = ("_buffer", "count")

    def __init__(self) -> None:
        self._buffer = bytearray(_ROOM)
        self.count = 0

    def press(self, key: str) -> None:
        """One more digit; without effect when the buffer is full. Raises ValueError for what is no digit."""
        if key not in DIGITS:
            raise ValueError("not a digit")
        if self.count < _ROOM:
            self._buffer[self.count] = ord(key)
            self.count += 1

    def view(self) -> memoryview:
        """The digits themselves, not a copy: to be looked at and let go."""
        return memoryview(self._buffer)[: self.count]

    def wipe(self) -> None:
        """Zeros over all of it."""
        self._buffer[:] = bytes(_ROOM)
        self.count = 0

    def __del__(self) -> None:
        self.wipe()


class Payment(Hidden):
    """What was keyed for one payment: the entry under way, the first of two that must be the same, and what was taken.

    While it is lent (the connector is at work), `wipe` waits for it to be given back.
    """

    __slots__ = ("_due", "_entry", "_first", "_kept", "_lent", "_shown", "card_type", "is_over", "item", "terms")

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.item: PromptFor = "payment-card-number"
        """What the entry under way is for."""
        self.card_type: CardType | None = None
        """Known once a card number was taken."""
        self.is_over = False
        self._entry = Digits()
        self._first = Digits()
        self._kept: dict[PromptFor, Digits] = {}
        self._shown: dict[PromptFor, str] = {}
        self._lent = False
        self._due = False

    # The entry under way
    @property
    def count(self) -> int:
        """How many digits have been keyed."""
        return self._entry.count

    def want(self, item: PromptFor) -> None:
        """What is keyed from now on is for this."""
        self.forget_entry()
        self.item = item

    def press(self, key: str) -> None:
        """One more digit of the entry. Raises ValueError for what is no digit."""
        if not self.is_over:
            self._entry.press(key)

    def is_whole(self) -> bool:
        """Has the entry its full length, so that it ends by itself?"""
        if self.item == "payment-card-number":
            return cards.card_number_ends(self._entry.view())
        return self.count >= self._full_length()

    def error(self) -> PayError | None:
        """What is wrong with the entry, None: nothing."""
        keys, terms = self._entry.view(), self.terms
        match self.item:
            case "payment-card-number":
                if not cards.is_card_number(keys):
                    return "invalid-card-number"
                return None if cards.card_type(keys) in terms.valid_card_types else "invalid-card-type"
            case "expiration-date":
                return None if cards.expiry_holds(keys, terms.today) else "invalid-date"
            case "security-code":
                return None if self.count == self._full_length() else "invalid-security-code"
            case "postal-code":
                return None if self.count >= terms.min_postal_code_length else "invalid-postal-code"
            case "bank-routing-number":
                return None if cards.routing_number_holds(keys) else "invalid-bank-routing-number"
            case "bank-account-number":
                good = cards.ACCOUNT_LEAST <= self.count <= cards.ACCOUNT_MOST
                return None if good else "invalid-bank-account-number"

    def keep_first(self) -> None:
        """The entry is to be keyed again and compared with this one."""
        self._entry, self._first = self._first, self._entry
        self._entry.wipe()

    def is_same(self) -> bool:
        """Is the entry what was keyed before?"""
        return self._entry.view() == self._first.view()

    def forget_entry(self) -> None:
        """The entry was wrong, or is not waited for: both of them go."""
        self._entry.wipe()
        self._first.wipe()

    def take(self) -> None:
        """The entry stands."""
        keys = self._entry.view()
        if self.item == "payment-card-number":
            self.card_type = cards.card_type(keys)
        self._shown[self.item] = _mask(self.item, keys)
        self._kept[self.item], self._entry = self._entry, Digits()
        self._first.wipe()

    def shown(self, item: PromptFor) -> str | None:
        """What was taken, as others may see it (`xxxxxxxxxxxx1111`); None: nothing was. Stays when the digits are wiped."""
        return self._shown.get(item)

    # The connector's
    def lend(self) -> None:
        """The connector is at work and may ask again: until `give_back` the digits stay. Raises OurError if they are gone."""
        if self.is_over:
            raise OurError("the payment is over")
        self._lent = True

    def give_back(self) -> None:
        """The connector has answered."""
        self._lent = False
        if self._due:
            self.wipe()

    def reveal(self) -> dict[str, Any]:
        """What the connector is told: the one way out, for a request that is encoded at once and kept nowhere. Raises OurError if
        the digits are gone."""
        if self.is_over:
            raise OurError("the payment is over")
        terms = self.terms
        told: dict[str, Any] = {
            "action": "charge" if terms.is_charge else "tokenize",
            "method": terms.method,
            "amount": terms.amount,
            "currency": terms.currency,
            "description": terms.description,
            "token_type": terms.token_type,
            "parameters": dict(terms.parameters),
        }
        if terms.method == "ach-debit":
            told["bank_account"] = {
                "type": terms.bank_account_type,
                "routing_number": self._text("bank-routing-number"),
                "account_number": self._text("bank-account-number"),
            }
            return told
        expiry = self._text("expiration-date") or ""
        told["card"] = {
            "number": self._text("payment-card-number"),
            "type": self.card_type,
            "expiry_month": expiry[:2],
            "expiry_year": f"20{expiry[2:]}",
            "security_code": self._text("security-code"),
            "postal_code": self._text("postal-code"),
        }
        return told

    def is_in(self, text: str, *, short: bool = False) -> bool:
        """Does a text show what is secret of it: the card's or the account's number, however it is spaced? `short`: the security
        code and a very short account number too, where they stand alone; in a token they may stand by chance."""
        for item in _SECRET:
            kept = self._kept.get(item)
            if kept is None or kept.count == 0:
                continue
            if kept.count >= _LONG:
                if _NO_DIGITS.sub("", text).encode().find(kept.view()) >= 0:
                    return True
            elif short and any(kept.view() == run.encode() for run in _RUNS.findall(text)):
                return True
        return False

    def wipe(self) -> None:
        """It is over: zeros over everything, as soon as the connector is done with it."""
        self.forget_entry()
        if self._lent:
            self._due = True
            return
        self.is_over = True
        for kept in self._kept.values():
            kept.wipe()

    # Inside
    def _full_length(self) -> int:
        match self.item:
            case "expiration-date":
                return cards.EXPIRY_LENGTH
            case "security-code":
                return cards.security_code_length(self.card_type)
            case "postal-code":
                return max(cards.POSTAL_MOST, self.terms.min_postal_code_length)
            case "bank-routing-number":
                return cards.ROUTING_LENGTH
            case _:
                return cards.ACCOUNT_MOST

    def _text(self, item: PromptFor) -> str | None:
        kept = self._kept.get(item)
        return None if kept is None else str(kept.view(), "ascii")


def _mask(item: PromptFor, keys: memoryview) -> str:
    """As TwiML's `<Pay>` shows them: the last four of a card, the last two of an account, nothing of a security code; dates, postal
    codes and routing numbers (which name a bank) whole."""
    match item:
        case "payment-card-number":
            return cards.masked(keys, 4)
        case "security-code":
            return cards.masked(keys, 0)
        case "bank-account-number":
            return cards.masked(keys, 2, "*")
        case _:
            return str(keys, "ascii")
