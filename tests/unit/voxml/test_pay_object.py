"""The object that holds what was keyed shows nothing, is copied by nothing, and forgets."""

import copy
import gc
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ringback.errors import OurError
from ringback.voxml.document import PromptFor
from ringback.voxml.model import Charge
from ringback.voxml.payment import Digits, Payment, Terms

CARD, EXPIRY, CODE, POSTAL = "4111111111111111", "1228", "737", "94109"
ROUTING, ACCOUNT = "121181976", "508862392"
HIDDEN = "<Payment: hidden>"


def terms(**changes: Any) -> Terms:
    given = {
        "method": "credit-card",
        "amount": "20.45",
        "currency": "usd",
        "description": "a hat",
        "token_type": "reusable",
        "bank_account_type": "consumer-checking",
        "parameters": (("order", "7"),),
        "valid_card_types": ("visa", "amex"),
        "min_postal_code_length": 1,
        "today": (2026, 11),
    }
    return Terms(**(given | changes))


def keyed(payment: Payment, item: PromptFor, digits: str) -> None:
    payment.want(item)
    for digit in digits:
        payment.press(digit)


def taken(payment: Payment, **entries: str) -> Payment:
    for item, digits in entries.items():
        keyed(payment, item.replace("_", "-"), digits)  # type: ignore[arg-type]
        assert payment.error() is None
        payment.take()
    return payment


def a_card() -> Payment:
    return taken(Payment(terms()), payment_card_number=CARD, expiration_date=EXPIRY, security_code=CODE, postal_code=POSTAL)


def an_account() -> Payment:
    return taken(Payment(terms(method="ach-debit")), bank_routing_number=ROUTING, bank_account_number=ACCOUNT)


SHOWN: dict[str, Callable[[Payment], str]] = {
    "repr": repr,
    "str": str,
    "format": lambda payment: f"{payment}",
    "format with a width": lambda payment: f"{payment:>40}",
    "percent s": lambda payment: "%s" % payment,  # noqa: UP031
    "percent r": lambda payment: "%r" % payment,  # noqa: UP031
    "in a list": lambda payment: str([payment]),
    "in a command": lambda payment: repr(Charge(1, "Default", payment)),
    "pprint": pprint.pformat,
    "json with default=str": lambda payment: json.dumps(payment, default=str),
    "msgspec with enc_hook": lambda payment: msgspec.json.encode(payment, enc_hook=str).decode(),
}


@pytest.mark.parametrize("how", SHOWN)
def test_it_shows_nothing(how: str) -> None:
    shown = SHOWN[how](a_card())
    assert HIDDEN in shown
    assert "1111" not in shown


def test_a_log_shows_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").warning("%s %r", a_card(), Digits())
    assert caplog.messages == [f"{HIDDEN} <Digits: hidden>"]


REFUSED: dict[str, Callable[[Any], Any]] = {
    "pickle": pickle.dumps,
    "old pickle": lambda held: pickle.dumps(held, 0),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "json": json.dumps,
    "msgspec json": msgspec.json.encode,
    "msgspec msgpack": msgspec.msgpack.encode,
    "msgspec builtins": msgspec.to_builtins,
    "getstate": lambda held: held.__getstate__(),
    "vars": vars,
    "iteration": list,
    "bytes": bytes,
    "int": int,
    "len": len,
    "index": lambda held: held[0],
    "hash": hash,
    "equality": lambda held: held == CARD,
    "inequality": lambda held: held != CARD.encode(),
    "equality with another": lambda held: held == a_card(),
    "membership": lambda held: CARD in [held],
    "order": lambda held: held < CARD,
}


@pytest.mark.parametrize("how", REFUSED)
@pytest.mark.parametrize("held", [a_card, Digits], ids=["payment", "digits"])
def test_it_is_not_copied_written_or_compared(how: str, held: Callable[[], Any]) -> None:
    with pytest.raises((TypeError, NotImplementedError)) as caught:
        REFUSED[how](held())
    assert "1111" not in "".join(traceback.format_exception(caught.value))


def test_it_is_itself() -> None:
    payment = a_card()
    assert payment == payment
    assert Charge(1, "Default", payment) == Charge(1, "Default", payment)


def test_what_others_may_see() -> None:
    card, account = a_card(), an_account()
    items: tuple[PromptFor, ...] = ("payment-card-number", "expiration-date", "security-code", "postal-code", "bank-account-number")
    assert [card.shown(item) for item in items] == ["xxxxxxxxxxxx1111", "1228", "xxx", "94109", None]
    assert card.card_type == "visa"
    assert account.shown("bank-account-number") == "*******92"
    assert account.shown("bank-routing-number") == ROUTING


def test_what_the_connector_is_told_of_a_card() -> None:
    assert a_card().reveal() == {
        "action": "charge",
        "method": "credit-card",
        "amount": "20.45",
        "currency": "usd",
        "description": "a hat",
        "token_type": "reusable",
        "parameters": {"order": "7"},
        "card": {
            "number": CARD,
            "type": "visa",
            "expiry_month": "12",
            "expiry_year": "2028",
            "security_code": CODE,
            "postal_code": POSTAL,
        },
    }


def test_what_the_connector_is_told_of_an_account() -> None:
    told = an_account().reveal()
    assert "card" not in told
    assert told["bank_account"] == {"type": "consumer-checking", "routing_number": ROUTING, "account_number": ACCOUNT}


def test_what_was_not_asked_is_null() -> None:
    told = taken(Payment(terms(amount="0.00")), payment_card_number=CARD, expiration_date=EXPIRY).reveal()
    assert (told["action"], told["card"]["security_code"], told["card"]["postal_code"]) == ("tokenize", None, None)


def buffers(payment: Payment) -> list[bytearray]:
    """Every buffer that the object reaches."""
    seen: set[int] = set()
    found, left = [], [payment]
    while left:
        for held in gc.get_referents(left.pop()):
            if isinstance(held, bytearray):
                found.append(held)
            elif id(held) not in seen and isinstance(held, dict | list | tuple | Digits):
                seen.add(id(held))
                left.append(held)
    return found


def test_wiped_there_are_zeros_alone() -> None:
    payment = a_card()
    keyed(payment, "postal-code", "123")
    held = buffers(payment)
    assert sum(map(sum, held)) > 0
    payment.wipe()
    assert sum(map(sum, held)) == 0
    assert payment.is_over
    assert payment.shown("payment-card-number") == "xxxxxxxxxxxx1111"
    assert not payment.is_in(CARD)
    for late in (payment.reveal, payment.lend):
        with pytest.raises(OurError):
            late()
    payment.press("1")
    assert payment.count == 0


def test_while_it_is_lent_wiping_waits() -> None:
    payment = a_card()
    payment.lend()
    payment.wipe()
    assert payment.reveal()["card"]["number"] == CARD
    payment.give_back()
    assert payment.is_over
    assert sum(map(sum, buffers(payment))) == 0


def test_given_back_unwiped_it_is_whole() -> None:
    payment = a_card()
    payment.lend()
    payment.give_back()
    assert payment.reveal()["card"]["number"] == CARD


def test_let_go_it_wipes_itself() -> None:
    payment = a_card()
    held = buffers(payment)
    del payment
    assert sum(map(sum, held)) == 0


@pytest.mark.parametrize("key", ["*", "#", "A", "", "12", "٣", "-1"])
def test_only_digits_are_pressed(key: str) -> None:
    digits = Digits()
    with pytest.raises(ValueError) as caught:
        digits.press(key)
    assert key == "" or key not in str(caught.value)
    assert digits.count == 0


def test_a_full_buffer_takes_no_more() -> None:
    digits = Digits()
    for _ in range(100):
        digits.press("7")
    assert bytes(digits.view()) == b"7" * 20


@pytest.mark.parametrize(
    ("text", "short", "shows"),
    [
        ("card 4111111111111111 declined", False, True),
        ("card 4111 1111 1111 1111 declined", False, True),
        ("4111-1111-1111-1111", False, True),
        ("4111.1111\n1111/1111", False, True),
        ("ending 1111", False, False),
        ("tok_737", False, False),
        ("tok_737", True, True),
        ("code 737 is wrong", True, True),
        ("error 17371", True, False),
        ("", True, False),
    ],
)
def test_it_knows_itself_in_a_text(text: str, short: bool, shows: bool) -> None:
    assert a_card().is_in(text, short=short) is shows


def test_it_knows_an_account_in_a_text() -> None:
    assert an_account().is_in("account 508-862-392 unknown")
    assert not an_account().is_in(ROUTING)


@pytest.mark.parametrize(
    ("item", "digits", "error"),
    [
        ("payment-card-number", CARD, None),
        ("payment-card-number", "4111111111111112", "invalid-card-number"),
        ("payment-card-number", "5555555555554444", "invalid-card-type"),
        ("payment-card-number", "6200000000000005", "invalid-card-type"),
        ("payment-card-number", "", "invalid-card-number"),
        ("expiration-date", "1126", None),
        ("expiration-date", "1026", "invalid-date"),
        ("expiration-date", "126", "invalid-date"),
        ("security-code", "737", None),
        ("security-code", "73", "invalid-security-code"),
        ("postal-code", "94109", None),
        ("postal-code", "", "invalid-postal-code"),
        ("bank-routing-number", ROUTING, None),
        ("bank-routing-number", "121181977", "invalid-bank-routing-number"),
        ("bank-account-number", ACCOUNT, None),
        ("bank-account-number", "123", "invalid-bank-account-number"),
        ("bank-account-number", "1234", None),
        ("bank-account-number", "1" * 17, None),
    ],
)
def test_what_is_wrong_with_an_entry(item: PromptFor, digits: str, error: str | None) -> None:
    payment = Payment(terms())
    keyed(payment, item, digits)
    assert payment.error() == error


@pytest.mark.parametrize(("least", "digits", "error"), [(5, "9410", "invalid-postal-code"), (5, "94109", None), (1, "9", None)])
def test_a_postal_code_has_its_least_length(least: int, digits: str, error: str | None) -> None:
    payment = Payment(terms(min_postal_code_length=least))
    keyed(payment, "postal-code", digits)
    assert payment.error() == error


@pytest.mark.parametrize(
    ("card", "code", "error"),
    [
        (CARD, "7373", "invalid-security-code"),
        ("378282246310005", "7373", None),
        ("378282246310005", "737", "invalid-security-code"),
    ],
)
def test_a_security_code_is_as_long_as_its_card_says(card: str, code: str, error: str | None) -> None:
    payment = taken(Payment(terms()), payment_card_number=card)
    keyed(payment, "security-code", code)
    assert payment.error() == error


@pytest.mark.parametrize(
    ("item", "least", "full"),
    [
        ("expiration-date", 1, 4),
        ("security-code", 1, 3),
        ("postal-code", 1, 10),
        ("postal-code", 14, 14),
        ("bank-routing-number", 1, 9),
        ("bank-account-number", 1, 17),
    ],
)
def test_entries_end_at_their_full_length(item: PromptFor, least: int, full: int) -> None:
    payment = Payment(terms(min_postal_code_length=least))
    keyed(payment, item, "1" * (full - 1))
    assert not payment.is_whole()
    payment.press("1")
    assert payment.is_whole()


def test_two_entries_are_compared() -> None:
    payment = Payment(terms(method="ach-debit"))
    keyed(payment, "bank-account-number", ACCOUNT)
    payment.keep_first()
    assert payment.count == 0
    for digit in ACCOUNT[:-1]:
        payment.press(digit)
    assert not payment.is_same()
    payment.press(ACCOUNT[-1])
    assert payment.is_same()
    payment.forget_entry()
    assert payment.count == 0
    assert sum(map(sum, buffers(payment))) == 0
