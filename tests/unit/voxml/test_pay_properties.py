"""Whatever is keyed, whenever something else happens: a payment never raises, always ends, keeps privacy, and shows no digit."""

import gc
import traceback
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pay_caller import ACCOUNT, ACCOUNT_KEYS, CARD, CARD_KEYS, CODE, LEG, ROUTING, Caller, balanced, prompt, reachable, shows

from ringback.calls.live import HungUp, Key, PlayEnded, Privacy
from ringback.voxml import paying
from ringback.voxml.document import Pay
from ringback.voxml.model import Charge, Charged, TimeUp

RIGHT = {
    "payment-card-number": CARD,
    "expiration-date": "1228",
    "security-code": CODE,
    "postal-code": "94109#",
    "bank-routing-number": ROUTING,
    "bank-account-number": ACCOUNT + "#",
}
KEYED = st.one_of(
    st.text("0123456789#A", min_size=1, max_size=25),
    st.sampled_from(["*", "#", "4111111111111112#", "378282246310005", "1020", "12#", "50886#", CARD[:9], "6759649826438453#"]),
)
# `right`: what is asked for, keyed as it should be.
WORDS = st.one_of(st.just("right"), st.just("right"), st.sampled_from(["play", "time", "old time", "charged", "declined"]), KEYED)
HAPPENS = st.lists(WORDS, min_size=3, max_size=30)
PAYS = st.builds(
    Pay,
    payment_method=st.sampled_from(["credit-card", "ach-debit"]),
    charge_amount=st.sampled_from(["0", "12.34", "5", ".5", "1", "99", "x"]),
    max_attempts=st.sampled_from([3, 3, 3, 2, 2, 1, 0]),
    min_postal_code_length=st.sampled_from([None, 5]),
    security_code=st.booleans(),
    postal_code=st.booleans(),
    output=st.sampled_from([None, "p"]),
    status_callback=st.sampled_from([None, "/told"]),
    history=st.sampled_from(["disable", "full"]),
    valid_card_types=st.just(("visa", "mastercard", "amex")),
    prompts=st.sampled_from(
        [
            (),
            (prompt("payment-card-number", "again", require_matching_inputs=True, history="full"),),
            (prompt("bank-account-number", "again", require_matching_inputs=True),),
            (prompt("payment-card-number", "own", error_types=("input-timeout",)),),
        ]
    ),
)


def keys_of(caller: Caller, word: str) -> str:
    """What is keyed for a word, as the caller stands."""
    if word == "right":
        return RIGHT[caller.now.steps[0]] if caller.now.steps else ""
    return "" if word.isalpha() and len(word) > 1 else "".join(key for key in word if key in "0123456789*#A")


def event(caller: Caller, word: str) -> Any:
    """One thing that happens, as the caller stands."""
    charges = caller.all(Charge)
    match word:
        case "play" if caller.playing is not None:
            return PlayEnded(LEG, caller.playing.op)
        case "time" if caller.timers:
            return TimeUp(caller.timers[-1].op)
        case "old time" if len(caller.timers) > 1:
            return TimeUp(caller.timers[-2].op)
        case "charged" if charges:
            return Charged(charges[0].op, token="tok", confirmation="ok")
        case "declined" if charges:
            return Charged(charges[0].op, error="declined", code="no")
        case "hang up":
            return HungUp(LEG)
        case _:
            return None


def secrets_of(caller: Caller, keyed: list[tuple[str, str]]) -> set[str]:
    """Six digits in a row of what was keyed for a card or an account, unless they stand in what may be shown."""
    shown = "".join(
        filter(None, (caller.payment.shown(item) for item in ("postal-code", "bank-routing-number", "expiration-date")))
    )
    runs: dict[str, str] = {}
    for item, key in keyed:
        runs[item] = runs.get(item, "") + key
    pieces = {
        run[at : at + 6]
        for item in ("payment-card-number", "bank-account-number")
        for run in [runs.get(item, "")]
        for at in range(len(run) - 5)
    }
    return {piece for piece in pieces if piece.isdigit() and piece not in shown}


@settings(max_examples=150)
@given(PAYS, HAPPENS, st.booleans())
def test_whatever_happens_it_ends_and_shows_nothing(pay: Pay, words: list[str], hangs_up: bool) -> None:
    caller = Caller(pay)
    keyed: list[tuple[str, str]] = []
    for word in [*words, *(["hang up"] if hangs_up else [])]:
        events = [one] if (one := event(caller, word)) is not None else [Key(LEG, key) for key in keys_of(caller, word)]
        for each in events:
            if caller.paid is None:
                if isinstance(each, Key) and caller.now.steps:
                    keyed.append((caller.now.steps[0], each.key))
                caller.happens(each)
    patience = 60
    while caller.paid is None:
        patience -= 1
        assert patience > 0, "it does not end"
        caller.happens(event(caller, "declined") or event(caller, "play") or event(caller, "time"))
    assert balanced(caller.given)
    assert caller.payment.is_over
    assert dict(caller.paid.results)["Result"]
    digits = secrets_of(caller, keyed)
    for held in (*caller.states, *caller.given, caller.paid):
        assert not [piece for piece in digits if shows(held, piece)]


@given(PAYS, HAPPENS)
def test_at_no_moment_are_keys_wanted_without_privacy(pay: Pay, words: list[str]) -> None:
    caller = Caller(pay)
    for word in words:
        one = event(caller, word)
        for each in [one] if one is not None else [Key(LEG, key) for key in keys_of(caller, word)]:
            if caller.paid is not None:
                return
            caller.happens(each)
            asking = caller.paid is None and caller.now.stage == "asking"
            assert [order.on for order in caller.all(Privacy)] == (
                [True] if asking else [True, False] if caller.all(Privacy) else []
            )


@pytest.mark.parametrize(
    ("method", "keys", "digits"), [("credit-card", CARD_KEYS, (CARD, CODE)), ("ach-debit", ACCOUNT_KEYS, (ACCOUNT,))]
)
@pytest.mark.parametrize("end", ["*", "charged", "hang up", "nothing"])
def test_nothing_that_a_payment_reaches_holds_the_digits(method: Any, keys: str, digits: tuple[str, ...], end: str) -> None:
    caller = Caller(payment_method=method, output="p", status_callback="/told", history="full")
    caller.press(keys[:-2] if end == "*" else keys)
    if end == "*":
        caller.press("*")
    elif end != "nothing":
        caller.happens(event(caller, end))
    found = reachable([caller.states, caller.given, caller.paid, caller.now])
    texts = [held for held in found if isinstance(held, str | bytes | bytearray | int)]
    assert any(isinstance(held, str) and "1111" in held for held in texts) or method == "ach-debit"
    for held in texts:
        text = held.decode("latin-1") if isinstance(held, bytes | bytearray) else str(held)
        assert not [secret for secret in digits if secret in text]


def test_an_error_in_the_middle_shows_no_digit() -> None:
    caller = Caller().press(CARD[:-1])
    broken = replace(caller.now, pay=None)  # as no document can: something of ours went wrong
    with pytest.raises(AttributeError) as caught:
        paying.step(broken, Key(LEG, CARD[-1]))
    error: BaseException = caught.value
    frames = []
    while (trace := error.__traceback__ if not frames else frames[-1].tb_next) is not None:
        frames.append(trace)
    told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "payment = <Payment: hidden>" in told
    assert CARD not in told
    assert "411111" not in told.replace(f"{CARD!r}", "")
    ours = [frame.tb_frame.f_locals for frame in frames if frame.tb_frame.f_code.co_filename == paying.__file__]
    assert ours
    assert not [name for names in ours for name, held in names.items() if shows(held, CARD[:8])]


def test_states_that_somebody_kept_are_wiped_with_the_last() -> None:
    caller = Caller().press(CARD_KEYS)
    kept = caller.states[5]
    caller.charged(token="t")
    assert kept.payment is caller.payment
    assert kept.payment.is_over
    left = [held for held in gc.get_referents(*gc.get_referents(kept.payment)) if isinstance(held, bytearray)]
    assert left
    assert not any(map(sum, left))
