"""The operator's payment connectors: HTTP endpoints, configured by name, that charge a card or an account or make a token of it.

docs/explanation/payments.md says why it is so, docs/reference/payment-connector.md what goes over the wire. What is to be known:

- **Nothing of an exchange is kept.** No attempt is written and no body is logged: one line per payment says how it ended. The
  request's bytes are made for each try and given to the sender, which lets go of them when it is over.
- **No request is sent twice.** Each payment has a connection of its own, since a kept one that the connector closes as we write
  would be dialled again by the sender with the same bytes. The one retry is ours, where no connection came about at all, and it
  carries the same Idempotency-Key.
- **Connectors are the operator's, the guard is everybody's.** A connector's address is judged as if an account named
  `payment-connectors` asked for it: the operator opens an inner network to connectors alone with
  `--allow-network payment-connectors=10.0.0.5/32:8443`. Account ids are UUIDs, so no account can have that name.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from pathlib import Path
from typing import Literal
from uuid import uuid4

import msgspec
from msgspec import Struct

from ringback.delivery.egress import SenderSettings
from ringback.delivery.guard import check_url
from ringback.delivery.head import Headers
from ringback.delivery.sender import Sender
from ringback.dialects.contract import HttpRequest
from ringback.errors import BadSettings, InvalidInput
from ringback.voxml.model import Charge, Charged
from ringback.voxml.payment import Payment
from ringback.webhooks.model import ErrorClass, Outcome

log = logging.getLogger("ringback.payments")

GUARDED_AS = "payment-connectors"
"""The account in whose name the guard is asked about a connector's address."""
IDEMPOTENCY_KEY = "Idempotency-Key"
_RETRY_S = 1.0
_LEAST_S = 0.05
_MOST_TEXT = 1_000
_NO_CONNECTION: frozenset[ErrorClass] = frozenset({"dns", "connect", "connect_timeout"})
"""No connection came about, so nothing was sent."""
_DECLINED = frozenset({402, 422})
_UNREADABLE = "the payment connector answered in a way that cannot be read"
_SAID: Mapping[str, str] = {
    "status": "the payment connector failed",
    "dns": "the payment connector cannot be reached",
    "blocked": "the payment connector cannot be reached",
    "connect": "the payment connector cannot be reached",
    "connect_timeout": "the payment connector cannot be reached",
    "tls": "the payment connector cannot be reached safely",
    "certificate": "the payment connector cannot be reached safely",
    "reset": "the payment connector broke off before it answered",
    "timeout": "the payment connector did not answer in time",
    "protocol": _UNREADABLE,
    "too_large": _UNREADABLE,
    "proxy": "the payment connector cannot be reached",
}
"""What the application is told, by the sender's error class: nothing of the operator's network. A class that is not here is our
fault."""


class Connector(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One endpoint of the operator's. `secret`: sent as a bearer token. `timeout_s`: for everything, the retry included.
    `accounts`: who may use it, empty: everybody."""

    url: str
    secret: str | None = None
    timeout_s: float = 30.0
    accounts: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Connector({self.url!r})"

    @property
    def headers(self) -> Headers:
        """What proves to it who asks."""
        return () if self.secret is None else (("Authorization", f"Bearer {self.secret}"),)


Connectors = Mapping[str, Connector]


def read_connectors(path: Path | None, sender: SenderSettings) -> Connectors:
    """The operator's connectors by name, from a JSON file (`--payment-connectors`), checked whole; none without a file. Raises
    BadSettings that names what is wrong, and shows no secret."""
    if path is None:
        return {}
    try:
        connectors = msgspec.json.decode(path.read_bytes(), type=dict[str, Connector])
    except OSError as error:
        raise BadSettings(f"payment_connectors: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"payment_connectors: {error}") from None
    for name, connector in connectors.items():
        why = _why_not(name, connector, sender)
        if why:
            raise BadSettings(f"payment_connectors: {name!r}: {why}")
    return connectors


def _why_not(name: str, connector: Connector, sender: SenderSettings) -> str:
    secret = connector.secret
    if not (0 < len(name) <= 100 and name.isprintable()):
        return "a name has 1 to 100 printable characters"
    if secret is not None and not (secret and secret.isascii() and secret.isprintable() and " " not in secret):
        return "secret: printable ASCII without blanks"
    if not 1 <= connector.timeout_s <= 120:
        return "timeout_s: expected 1 to 120"
    try:
        check_url(connector.url, sender, GUARDED_AS)
    except InvalidInput as error:
        return f"url: {error}"
    return ""


class _Answer(Struct):
    """A connector's answer, good or bad; what else is in it is of no interest."""

    token: str | None = None
    confirmation: str | None = None
    profile: str | None = None
    error: str | None = None
    code: str | int | None = None


class Payments:
    """Carries out `Charge`s. Lives on the sender's loop."""

    def __init__(
        self,
        sender: Sender,
        connectors: Connectors,
        loop: asyncio.AbstractEventLoop,
        *,
        retry_s: float = _RETRY_S,
        new_key: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        """`retry_s`: the pause before the one retry. `new_key` makes Idempotency-Keys."""
        self._sender = sender
        self._connectors = connectors
        self._loop = loop
        self._retry_s = retry_s
        self._new_key = new_key
        # No endpoint has a number below zero, so no connection is ever shared with one.
        self._routes = count(-1, -1)

    def charge(self, command: Charge, *, account: str, call: str, done: Callable[[Charged], None]) -> None:
        """Has the connector that the command names charge or tokenise, for a call of an account. `done` is called once, always,
        later on the loop, in at most the connector's `timeout_s`. Never raises. The payment's digits stay until then, even if it
        is wiped meanwhile."""
        connector, payment = self._connectors.get(command.connector), command.payment
        refused: Charged | None = None
        if connector is None or (connector.accounts and account not in connector.accounts):
            # Not there, or not for this account: the two are not told apart.
            refused = _wrong(command.op, "settings", f"there is no payment connector {command.connector!r}", "no-connector")
        elif not isinstance(payment, Payment) or payment.is_over:
            refused = _wrong(command.op, "internal", "the payment was over before it was made", "internal")
        if refused is not None:
            self._loop.call_soon(partial(done, refused))
            return
        assert connector is not None
        payment.lend()
        exchange = _Exchange(command.op, connector, payment, account, call, self._new_key(), done)
        exchange.name = command.connector
        exchange.ends_at = self._loop.time() + connector.timeout_s
        self._try(exchange)

    # Inside
    def _try(self, exchange: "_Exchange") -> None:
        try:
            request = exchange.request()
        except Exception:  # text that is not Unicode, say; the payment must get its end, and nobody the error: it may quote
            self._loop.call_soon(partial(self._end, exchange, _of_class(exchange.op, "request"), "request", None))
            return
        self._sender.send(
            request,
            key=next(self._routes),
            account=GUARDED_AS,
            timeout_s=exchange.ends_at - self._loop.time(),
            basic=None,
            headers=exchange.connector.headers,
            done=partial(self._answered, exchange),
        )

    def _answered(self, exchange: "_Exchange", outcome: Outcome) -> None:
        is_time_left = exchange.ends_at - self._loop.time() > self._retry_s + _LEAST_S
        if outcome.error in _NO_CONNECTION and not exchange.retried and is_time_left:
            exchange.retried = True
            self._loop.call_later(self._retry_s, partial(self._try, exchange))
            return
        charged = read_answer(exchange.op, exchange.payment, outcome)
        self._end(exchange, charged, outcome.error or ("declined" if charged.error else "ok"), outcome.status)

    def _end(self, exchange: "_Exchange", charged: Charged, how: str, status: int | None) -> None:
        exchange.payment.give_back()
        log.info(
            "payment.asked connector=%s account=%s call=%s outcome=%s status=%s retried=%s",
            *(exchange.name, exchange.account, exchange.call, how, status, exchange.retried),
        )
        exchange.done(charged)


class _Exchange:
    """One payment at its connector: what a second try needs. It holds no digit, `payment` does."""

    __slots__ = ("account", "call", "connector", "done", "ends_at", "key", "name", "op", "payment", "retried")

    def __init__(
        self, op: int, connector: Connector, payment: Payment, account: str, call: str, key: str, done: Callable[[Charged], None]
    ) -> None:
        self.op = op
        self.connector = connector
        self.payment = payment
        self.account = account
        self.call = call
        self.key = key
        self.done = done
        self.name = ""
        self.ends_at = 0.0
        self.retried = False

    def request(self) -> HttpRequest:
        """Made anew for each try, and held by nobody here."""
        told = {**self.payment.reveal(), "call": self.call, "account": self.account}
        headers = (("Content-Type", "application/json"), ("Accept", "application/json"), (IDEMPOTENCY_KEY, self.key))
        return HttpRequest("POST", self.connector.url, headers, msgspec.json.encode(told))


def read_answer(op: int, payment: Payment, outcome: Outcome) -> Charged:
    """What an exchange came to. Words of the connector that show what was keyed are not passed on. Raises nothing."""
    status = outcome.status
    if outcome.error or status is None:
        return _of_class(op, outcome.error)
    good = 200 <= status < 300
    if not good and status not in _DECLINED:
        return _wrong(op, "network", f"{_SAID['status']} (status {status})", f"status-{status}")
    try:
        answer = msgspec.json.decode(outcome.body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Whatever is wrong with it may quote it.
        answer = None
    if answer is None or outcome.body_cut:
        # A decline needs no words to be one.
        return _unreadable(op) if good else _wrong(op, "connector", "declined", "")
    if good and not answer.error:
        return _taken(op, payment, answer)
    error, code = answer.error or "declined", "" if answer.code is None else str(answer.code)
    if payment.is_in(error, short=True):
        error = "declined, in words that show what was keyed"
    return _wrong(op, "connector", _cut(error), "" if payment.is_in(code) else _cut(code))


def _taken(op: int, payment: Payment, answer: _Answer) -> Charged:
    named = (answer.token or "", answer.confirmation or "", answer.profile or "")
    if any(len(text) > _MOST_TEXT or not text.isprintable() or payment.is_in(text) for text in named):
        return _unreadable(op)
    token, confirmation, profile = named
    if not (token or profile or (confirmation and payment.terms.is_charge)):
        # Something that answers {} to everybody is no connector.
        return _wrong(op, "network", "the payment connector named neither a token nor a confirmation", "unreadable")
    return Charged(op, token, confirmation, profile)


def _cut(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text[:_MOST_TEXT])


def _of_class(op: int, error: ErrorClass) -> Charged:
    said = _SAID.get(error)
    if said is None:
        return _wrong(op, "internal", "the payment connector could not be asked", "internal")
    return _wrong(op, "network", said, error)


def _unreadable(op: int) -> Charged:
    return _wrong(op, "network", _UNREADABLE, "unreadable")


def _wrong(op: int, fault: Literal["connector", "network", "settings", "internal"], error: str, code: str) -> Charged:
    return Charged(op, error=error, code=code, fault=fault)
