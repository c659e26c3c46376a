"""Pay: one question after another, each answered by keys, then the payment connector. Pure but for one object, see below.

          ┌──── wrong, or nothing keyed: attempt + 1 ────┐
          ▼                                              │
begin ─▶ asking ──entry ends──▶ right? ──the next item──▶ asking … ──all taken──▶ charging ──Charged──▶ Paid
          │  `*`, hung up, one attempt too many: Paid              hung up: charging still, the money may be on its way
refused ──▶ Paid                                       (an attribute that does not hold: nothing is asked)

An entry ends by `#`, by its full length, or when no key came for `timeout`; nothing keyed at all is `input-timeout`. A `#` before
the first digit ends nothing: it belongs to the entry before, which had its full length already. A key stops the prompt.

States are values but for `Paying.payment`, the one object that holds digits: it changes in place and is shared by all states of a
payment, so that it can be wiped (`voxml.payment`). No other field, no command, no history and no error holds a digit of a card or
an account but the last ones, for the webhooks (`voxml.pay_results`). What is not documented by VoXML's vendor is as TwiML's `<Pay>`
has it, or ours.
"""

import re
from decimal import Decimal
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from ringback.calls.live import Collect, HungUp, Key, Play, PlayEnded, Privacy, StopCollect, StopPlay
from ringback.voxml import pay_prompts, pay_results
from ringback.voxml.document import Pay, PayError, PromptFor
from ringback.voxml.model import Charge, Charged, Command, Event, Notify, Pairs, Timer, TimeUp
from ringback.voxml.pay_results import Result
from ringback.voxml.payment import DIGITS, Payment, Terms
from ringback.voxml.urls import absolute

_AMOUNT = re.compile(r"[0-9]{1,6}(\.[0-9]*)?|\.[0-9]+")
_POSTAL_LEAST_MOST = 16


class Paying(Struct, frozen=True, kw_only=True, eq=False):
    """A payment under way. `next_op`: the op counter, handed on. `steps`: what is still to be asked, the first of them now.
    `play`, `timer`, `charge`: what is waited for."""

    pay: Pay
    leg: str
    base_url: str
    payment: Payment
    next_op: int
    collect: int
    stage: Literal["asking", "charging", "refused"] = "asking"
    steps: tuple[PromptFor, ...] = ()
    attempt: int = 1
    error: PayError | None = None
    again: bool = False
    play: int | None = None
    timer: int | None = None
    charge: int | None = None
    refusal: str = ""
    hung_up: bool = False
    history: tuple[dict[str, Any], ...] = ()


class Paid(Struct, frozen=True):
    """A payment that is over. `results`: the action webhook's parameters. `variables`: what `output` sets. `history`: entries for
    the call's record. `hung_up`: the leg is gone."""

    results: Pairs
    variables: dict[str, str]
    history: list[dict[str, Any]]
    next_op: int
    hung_up: bool


Stepped = tuple[Paying | Paid, list[Command]]


def begin(pay: Pay, *, leg: str, next_op: int, today: tuple[int, int], base_url: str) -> tuple[Paying, list[Command]]:
    """Starts to take a payment. `today`: year (four digits) and month where the caller's card is judged. `base_url`: what relative
    URLs are relative to. The commands are to be done in their order."""
    refusal = _refusal(pay)
    payment = Payment(_terms(pay, today))
    paying = Paying(pay=pay, leg=leg, base_url=base_url, payment=payment, next_op=next_op + 1, collect=next_op)
    if refusal:
        # Said soon, not now: whoever begins something expects it to go on.
        return _timed(replace(paying, stage="refused", refusal=refusal), 0.0)
    paying, commands = _ask(replace(paying, steps=_steps(pay)))
    return paying, [Privacy(leg, on=True), Collect(leg, paying.collect), *commands]


def step(paying: Paying, event: Event) -> Stepped:
    """What an event makes of it. Events that are not waited for change nothing."""
    match event:
        case HungUp(leg=leg) if leg == paying.leg:
            return _hung_up(paying)
        case Key(leg=leg, key=key) if leg == paying.leg and paying.stage == "asking":
            return _pressed(paying, key)
        case PlayEnded(op=op) if op == paying.play:
            return _timed(replace(paying, play=None), paying.pay.timeout)
        case TimeUp(op=op) if op == paying.timer:
            return _time_up(paying)
        case Charged(op=op) if op == paying.charge:
            return _charged(paying, event)
        case _:
            return paying, []


def stop(paying: Paying) -> list[Command]:
    """It is of no interest any more (the call got another document): what was begun is ended, the digits are wiped. What the
    connector is at work on is not called back."""
    paying.payment.wipe()
    return _quiet(paying)


# Events
def _hung_up(paying: Paying) -> Stepped:
    if paying.stage == "charging":
        # The connector may take the money all the same, and the application must hear of it.
        paying.payment.wipe()
        return replace(paying, hung_up=True), []
    return _finish(replace(paying, hung_up=True), "caller-hung-up")


def _pressed(paying: Paying, key: str) -> Stepped:
    payment = paying.payment
    if key == "*":
        return _finish(paying, "caller-interrupted-with-star")
    if key == "#":
        return (paying, []) if payment.count == 0 else _entered(paying)
    if key not in DIGITS:
        return paying, []
    payment.press(key)
    paying, stopped = _silenced(paying)
    after, commands = _entered(paying) if payment.is_whole() else _timed(paying, paying.pay.timeout)
    return after, [*stopped, *commands]


def _time_up(paying: Paying) -> Stepped:
    paying = replace(paying, timer=None)
    if paying.stage == "refused":
        return _finish(paying, "validation-error", error=paying.refusal)
    return _failed(paying, "input-timeout") if paying.payment.count == 0 else _entered(paying)


def _charged(paying: Paying, charged: Charged) -> Stepped:
    return _finish(paying, pay_results.result_of(charged), charged, charged.error)


# What they lead to
def _ask(paying: Paying) -> tuple[Paying, list[Command]]:
    """Asks for the first of the steps."""
    item, payment = paying.steps[0], paying.payment
    asking = pay_prompts.Asking(item, paying.attempt, payment.card_type, None if paying.again else paying.error, paying.again)
    if not paying.again:
        payment.want(item)
    prompt = pay_prompts.chosen(paying.pay, asking)
    entry = None if prompt is None else pay_prompts.history(prompt, asking)
    if entry is not None:
        paying = replace(paying, history=(*paying.history, entry))
    told = [] if paying.again else _notify(paying, _progress(paying))
    sounds = pay_prompts.items(paying.pay, asking, paying.base_url)
    if not sounds:
        paying, commands = _timed(paying, paying.pay.timeout)
        return paying, [*told, *commands]
    op = paying.next_op
    return replace(paying, next_op=op + 1, play=op, timer=None), [*told, Play(paying.leg, op, sounds)]


def _entered(paying: Paying) -> Stepped:
    """An entry has ended."""
    paying, stopped = _silenced(replace(paying, timer=None))
    payment, item = paying.payment, paying.steps[0]
    error = payment.error() if not paying.again else None if payment.is_same() else "input-matching-failed"
    if error is not None:
        after, commands = _failed(paying, error)
    elif not paying.again and pay_prompts.asks_twice(paying.pay, item):
        payment.keep_first()
        after, commands = _ask(replace(paying, again=True))
    else:
        payment.take()
        after, commands = _go_on(replace(paying, steps=paying.steps[1:], attempt=1, error=None, again=False))
    return after, [*stopped, *commands]


def _failed(paying: Paying, error: PayError) -> Stepped:
    """An entry was wrong: once more, from its first entry on, or no more."""
    paying.payment.forget_entry()
    paying = replace(paying, error=error, again=False)
    if paying.attempt >= paying.pay.max_attempts:
        return _finish(paying, "too-many-failed-attempts", error=error)
    return _ask(replace(paying, attempt=paying.attempt + 1))


def _go_on(paying: Paying) -> Stepped:
    """The next question, or the connector."""
    if paying.steps:
        return _ask(paying)
    quiet = _quiet(paying)
    op = paying.next_op
    paying = replace(paying, stage="charging", next_op=op + 1, charge=op)
    told = _notify(paying, (("For", "payment-processing"), *pay_results.known(paying.pay, paying.payment)))
    return paying, [*quiet, *told, Charge(op, paying.pay.payment_connector, paying.payment)]


def _finish(paying: Paying, result: Result, charged: Charged | None = None, error: str = "") -> Stepped:
    pay, payment = paying.pay, paying.payment
    results = pay_results.results(pay, payment, result, charged, error)
    commands = [*_quiet(paying), *_notify(paying, results)]
    payment.wipe()
    variables = pay_results.variables(pay, result, charged, error)
    history = [*paying.history, *pay_results.history(pay, result)]
    return Paid(results, variables, history, paying.next_op, paying.hung_up), commands


# Commands
def _timed(paying: Paying, seconds: float) -> tuple[Paying, list[Command]]:
    op = paying.next_op
    return replace(paying, next_op=op + 1, timer=op), [Timer(op, float(seconds))]


def _silenced(paying: Paying) -> tuple[Paying, list[Command]]:
    """Somebody has pressed a key: nothing is said on top of it."""
    if paying.play is None:
        return paying, []
    return replace(paying, play=None), [StopPlay(paying.leg, paying.play)]


def _quiet(paying: Paying) -> list[Command]:
    """Everything that is on is turned off, once: nothing is while the connector is at work."""
    if paying.stage != "asking":
        return []
    stopped = [] if paying.play is None else [StopPlay(paying.leg, paying.play)]
    return [*stopped, StopCollect(paying.leg, paying.collect), Privacy(paying.leg, on=False)]


def _notify(paying: Paying, parameters: Pairs) -> list[Command]:
    """Tells the statusCallback, if there is one that can be reached: a relative one needs a document that came from somewhere."""
    url = absolute(paying.base_url, paying.pay.status_callback or "")
    if paying.pay.status_callback is None or not url.startswith(("http://", "https://")):
        return []
    return [Notify(paying.leg, url, paying.pay.status_callback_method, parameters)]


def _progress(paying: Paying) -> Pairs:
    error = () if paying.error is None else (("ErrorType", paying.error),)
    known = pay_results.known(paying.pay, paying.payment)
    return (("For", paying.steps[0]), *error, ("Attempt", str(paying.attempt)), *known)


# What stands in the document
def _steps(pay: Pay) -> tuple[PromptFor, ...]:
    if pay.payment_method == "ach-debit":
        return ("bank-routing-number", "bank-account-number")
    wanted: tuple[tuple[PromptFor, bool], ...] = (
        ("payment-card-number", True),
        ("expiration-date", True),
        ("security-code", pay.security_code),
        ("postal-code", pay.postal_code),
    )
    return tuple(item for item, is_wanted in wanted if is_wanted)


def _amount(text: str) -> Decimal | None:
    """Money: at most two places that count, less than a million (TwiML's bound). None: it is none."""
    if _AMOUNT.fullmatch(text) is None:
        return None
    amount = Decimal(text)
    return amount if amount == amount.quantize(Decimal("0.01")) else None


def _refusal(pay: Pay) -> str:
    """What does not hold, in one line; empty: all does. The parser has seen to it; no money is taken on its word alone."""
    rules = (
        (_amount(pay.charge_amount) is not None, f"chargeAmount: expected 0 to 999999.99, got {pay.charge_amount[:20]!r}"),
        (1 <= pay.max_attempts <= 3, "maxAttempts: expected 1, 2 or 3"),
        (pay.timeout > 0, "timeout: expected a number of seconds greater than 0"),
        (1 <= (pay.min_postal_code_length or 1) <= _POSTAL_LEAST_MOST, f"minPostalCodeLength: expected 1 to {_POSTAL_LEAST_MOST}"),
        (pay.payment_method != "credit-card" or pay.valid_card_types != (), "validCardTypes: at least one"),
    )
    return next((why for holds, why in rules if not holds), "")


def _terms(pay: Pay, today: tuple[int, int]) -> Terms:
    return Terms(
        method=pay.payment_method,
        amount=f"{_amount(pay.charge_amount) or Decimal(0):.2f}",
        currency=pay.currency,
        description=pay.description,
        token_type=pay.token_type,
        bank_account_type=pay.bank_account_type,
        parameters=pay.parameters,
        valid_card_types=pay.valid_card_types,
        min_postal_code_length=pay.min_postal_code_length or 1,
        today=today,
    )
