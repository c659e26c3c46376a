"""A payment connector over real sockets: what it is asked, what its answers come to, and that nothing of it stays."""

import asyncio
import gc
import json
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from awkward_receivers import (
    Handler,
    Peer,
    Receiver,
    answers,
    closes_after_accept,
    closes_after_request,
    receiving,
    silent,
    slow_body,
)
from msgspec import Struct
from msgspec.structs import astuple
from sender_harness import LOOPS, run, settings, with_names

from ringback.delivery.sender import Sender, SenderSettings, read_allowed_network
from ringback.dialects.contract import HttpRequest
from ringback.live.payments import GUARDED_AS, Connector, Payments
from ringback.voxml.model import Charge, Charged
from ringback.voxml.payment import Payment, Terms

ACCOUNT = "5f0e3a52-9a0c-4f7e-9a63-0f6f1c1d8a11"
CARD, CODE = "4111111111111111", "737"
OTHER_CARD = "".join(("45395790", "41628376"))
"""Of one test alone, which looks for it everywhere: not even this text, which a traceback may have read, holds it whole."""


def payment(method: str = "credit-card", amount: str = "20.45", number: str = CARD) -> Payment:
    made = Payment(
        Terms(
            method=method,
            amount=amount,
            currency="usd",
            description="Two hats, für Ä",
            token_type="one-time",
            bank_account_type="consumer-savings",
            parameters=(("order", "7"), ("shop", "3")),
            valid_card_types=("visa",),
            min_postal_code_length=1,
            today=(2026, 11),
        )
    )
    card = (("payment-card-number", number), ("expiration-date", "1228"), ("security-code", CODE), ("postal-code", "94109"))
    account = (("bank-routing-number", "121181976"), ("bank-account-number", "508862392"))
    for item, digits in card if method == "credit-card" else account:
        made.want(item)  # type: ignore[arg-type]
        for digit in digits:
            made.press(digit)
        assert made.error() is None
        made.take()
    return made


class Till:
    """Payments, and how each of them ended."""

    def __init__(self, sender: Sender, **how: Any) -> None:
        self.sender = sender
        self.keys = 0
        self.connectors: dict[str, Connector] = {}
        loop = asyncio.get_running_loop()
        self.payments = Payments(sender, self.connectors, loop, new_key=self._key, **({"retry_s": 0.05} | how))
        self.ended = 0

    def _key(self) -> str:
        self.keys += 1
        return f"key-{self.keys}"

    def charge(self, url: str, held: Payment, op: int = 5, account: str = ACCOUNT, **how: Any) -> "asyncio.Future[Charged]":
        self.connectors.setdefault("Default", Connector(url=url, **how))
        future: asyncio.Future[Charged] = asyncio.get_running_loop().create_future()

        def done(charged: Charged) -> None:
            self.ended += 1
            future.set_result(charged)

        self.payments.charge(Charge(op, "Default", held), account=account, call="c-1", done=done)
        assert not future.done(), "done is never called from within charge"
        return future


def with_till(
    scenario: Callable[[Till], Awaitable[None]], kind: str = "asyncio", sender_settings: SenderSettings | None = None, **how: Any
) -> None:
    async def main() -> None:
        sender = Sender(sender_settings or settings(), asyncio.get_running_loop())
        till = Till(sender, **how)
        try:
            await scenario(till)
        finally:
            await sender.close()
        await asyncio.sleep(0)

    run(kind, main)


def json_answer(status: str, told: Any) -> bytes:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    return b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status.encode(), len(body)) + body


class Books:
    """A connector that keeps what it is asked."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.asked: list[bytes] = []

    def __call__(self, peer: Peer) -> None:
        while request := peer.request():
            self.asked.append(request)
            peer.send(self.answer)

    def head(self, number: int = 0) -> dict[str, str]:
        lines = self.asked[number].partition(b"\r\n\r\n")[0].decode().split("\r\n")
        return {"line": lines[0], **dict(line.split(": ", 1) for line in lines[1:])}

    def body(self, number: int = 0) -> Any:
        return json.loads(self.asked[number].partition(b"\r\n\r\n")[2])


GOOD = json_answer("200 OK", {"token": "tok_1", "confirmation": "ok-9", "profile": "cus_3"})


# What it is asked


@pytest.mark.parametrize("kind", LOOPS)
def test_a_card_is_charged(kind: str) -> None:
    books = Books(GOOD)

    async def scenario(till: Till) -> None:
        held = payment()
        assert await till.charge(server.url("/charge?x=1"), held, secret="s3cret") == Charged(5, "tok_1", "ok-9", "cus_3")
        assert not held.is_over
        assert till.ended == 1

    with receiving(books) as server:
        with_till(scenario, kind)
    head = books.head()
    assert head["line"] == "POST /charge?x=1 HTTP/1.1"
    assert (head["Content-Type"], head["Authorization"], head["Idempotency-Key"]) == ("application/json", "Bearer s3cret", "key-1")
    assert books.body() == {
        "action": "charge",
        "method": "credit-card",
        "amount": "20.45",
        "currency": "usd",
        "description": "Two hats, für Ä",
        "token_type": "one-time",
        "parameters": {"order": "7", "shop": "3"},
        "card": {
            "number": CARD,
            "type": "visa",
            "expiry_month": "12",
            "expiry_year": "2028",
            "security_code": CODE,
            "postal_code": "94109",
        },
        "call": "c-1",
        "account": ACCOUNT,
    }


def test_a_bank_account_is_tokenised() -> None:
    books = Books(json_answer("201 Created", {"token": "ba_1"}))

    async def scenario(till: Till) -> None:
        assert await till.charge(server.url(), payment("ach-debit", "0.00")) == Charged(5, "ba_1")

    with receiving(books) as server:
        with_till(scenario)
    assert "Authorization" not in books.head()
    told = books.body()
    assert (told["action"], told["method"], "card" in told) == ("tokenize", "ach-debit", False)
    assert told["bank_account"] == {
        "type": "consumer-savings",
        "routing_number": "121181976",
        "account_number": "508862392",
    }


def test_each_payment_has_a_key_and_a_connection_of_its_own() -> None:
    books = Books(GOOD)

    async def scenario(till: Till) -> None:
        for _ in range(3):
            await till.charge(server.url(), payment())

    with receiving(books) as server:
        with_till(scenario)
        assert server.connections == 3
    assert [books.head(number)["Idempotency-Key"] for number in range(3)] == ["key-1", "key-2", "key-3"]


# What it answers

UNREADABLE = "the payment connector answered in a way that cannot be read"
ANSWERS: dict[str, tuple[Handler, Charged]] = {
    "declined": (
        answers(json_answer("402 Payment Required", {"error": "no funds", "code": "51"})),
        Charged(5, error="no funds", code="51"),
    ),
    "refused": (answers(json_answer("422 No", {"error": "expired", "code": 54})), Charged(5, error="expired", code="54")),
    "an error of its own": (
        answers(json_answer("500 Oh", {"token": "t"})),
        Charged(5, error="the payment connector failed (status 500)", code="status-500", fault="network"),
    ),
    "elsewhere": (
        answers(b"HTTP/1.1 307 Go\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"),
        Charged(5, error="the payment connector failed (status 307)", code="status-307", fault="network"),
    ),
    "no JSON": (
        answers(json_answer("200 OK", b"<html>ok</html>")),
        Charged(5, error=UNREADABLE, code="unreadable", fault="network"),
    ),
    "no HTTP": (answers(b"garbage\r\n\r\n"), Charged(5, error=UNREADABLE, code="protocol", fault="network")),
    "a page of its own": (
        answers(json_answer("200 OK", b'{"token":"' + b"t" * 70_000 + b'"}')),
        Charged(5, error=UNREADABLE, code="unreadable", fault="network"),
    ),
    "what was keyed": (
        answers(json_answer("402 No", {"error": f"{CARD} is stolen"})),
        Charged(5, error="declined, in words that show what was keyed"),
    ),
    "nothing, and closes": (
        closes_after_request,
        Charged(5, error="the payment connector broke off before it answered", code="reset", fault="network"),
    ),
    "nothing at all": (
        closes_after_accept,
        Charged(5, error="the payment connector broke off before it answered", code="reset", fault="network"),
    ),
    "silence": (silent, Charged(5, error="the payment connector did not answer in time", code="timeout", fault="network")),
    "a word now and then": (
        slow_body,
        Charged(5, error="the payment connector did not answer in time", code="timeout", fault="network"),
    ),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_what_it_answers_is_told_and_never_asked_for_again(what: str) -> None:
    handler, told = ANSWERS[what]

    async def scenario(till: Till) -> None:
        started = time.monotonic()
        assert await till.charge(server.url(), payment(), timeout_s=0.6) == told
        assert time.monotonic() - started < 1.5
        assert till.ended == 1

    with receiving(handler) as server:
        with_till(scenario)
        assert server.connections == 1


# When it cannot be reached


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_refused_connection_is_tried_once_more_with_the_same_key() -> None:
    books, port = Books(GOOD), free_port()
    servers: list[Receiver] = []

    async def scenario(till: Till) -> None:
        ending = till.charge(f"http://127.0.0.1:{port}/", payment())
        assert till.sender.gauges()["routes"] == 1
        await until(lambda: till.sender.gauges()["routes"] == 0)
        assert not ending.done()
        servers.append(Receiver(books, port=port))
        assert (await ending).token == "tok_1"
        assert till.keys == 1

    try:
        with_till(scenario, retry_s=0.3)
    finally:
        for server in servers:
            server.close()
    assert [books.head(number)["Idempotency-Key"] for number in range(len(books.asked))] == ["key-1"]


def test_refused_twice_it_is_given_up() -> None:
    async def scenario(till: Till) -> None:
        told = await till.charge(f"http://127.0.0.1:{free_port()}/", payment())
        assert told == Charged(5, error="the payment connector cannot be reached", code="connect", fault="network")
        assert (till.ended, till.keys) == (1, 1)

    with_till(scenario)


def test_without_time_for_it_nothing_is_tried_again() -> None:
    async def scenario(till: Till) -> None:
        started = time.monotonic()
        told = await till.charge(f"http://127.0.0.1:{free_port()}/", payment(), timeout_s=1.0)
        assert told.code == "connect"
        assert time.monotonic() - started < 1.0

    with_till(scenario, retry_s=5.0)


def test_a_name_that_does_not_exist_is_asked_for_again() -> None:
    async def scenario(client: Any, server: Any) -> None:
        till = Till(client.sender)
        told = await till.charge("http://pay.test/", payment())
        assert (told.code, told.fault) == ("dns", "network")

    with_names("asyncio", {"pay.test": []}, scenario)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://pay.test:1/"])
def test_a_forbidden_address_is_never_connected_to(url: str) -> None:
    async def scenario(client: Any, server: Any) -> None:
        till = Till(client.sender)
        told = await till.charge(url, payment())
        assert told == Charged(5, error="the payment connector cannot be reached", code="blocked", fault="network")

    with_names("asyncio", {"pay.test": ["127.0.0.1"]}, scenario, SenderSettings(allow_http=True))


def test_a_network_can_be_opened_to_connectors_alone() -> None:
    books = Books(GOOD)
    only = SenderSettings(allow_http=True, allow_networks=(read_allowed_network("127.0.0.0/8", GUARDED_AS),))

    async def scenario(till: Till) -> None:
        assert (await till.charge(server.url(), payment())).token == "tok_1"
        webhook: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        request = HttpRequest("POST", server.url(), ())
        till.sender.send(request, key=1, account=ACCOUNT, timeout_s=1, basic=None, headers=(), done=webhook.set_result)
        assert (await webhook).error == "blocked"

    with receiving(books) as server:
        with_till(scenario, sender_settings=only)
    assert len(books.asked) == 1


# Who may


@pytest.mark.parametrize(
    ("name", "account", "good"), [("Default", ACCOUNT, True), ("Default", "other", False), ("None", ACCOUNT, False)]
)
def test_a_connector_is_there_for_its_accounts(name: str, account: str, good: bool) -> None:
    books = Books(GOOD)

    async def scenario(till: Till) -> None:
        till.connectors["Default"] = Connector(url=server.url(), accounts=(ACCOUNT,))
        ending: asyncio.Future[Charged] = asyncio.get_running_loop().create_future()
        till.payments.charge(Charge(5, name, payment()), account=account, call="c-1", done=ending.set_result)
        assert not ending.done()
        told = await ending
        if good:
            assert told.token == "tok_1"
        else:
            assert told == Charged(5, error=f"there is no payment connector {name!r}", code="no-connector", fault="settings")

    with receiving(books) as server:
        with_till(scenario)
    assert len(books.asked) == int(good)


# Nothing stays


def test_wiped_while_the_connector_is_at_work_it_is_wiped_when_it_has_answered() -> None:
    books = Books(GOOD)

    async def scenario(till: Till) -> None:
        held = payment()
        ending = till.charge(server.url(), held)
        held.wipe()
        assert not held.is_over
        assert (await ending).token == "tok_1"
        assert held.is_over

    with receiving(books) as server:
        with_till(scenario)
    assert books.body()["card"]["number"] == CARD


def test_a_payment_that_is_over_is_not_made() -> None:
    async def scenario(till: Till) -> None:
        held = payment()
        held.wipe()
        assert (await till.charge("http://127.0.0.1:1/", held)).fault == "internal"

    with_till(scenario)


def test_what_cannot_be_written_ends_as_our_fault() -> None:
    async def scenario(till: Till) -> None:
        ending: asyncio.Future[Charged] = asyncio.get_running_loop().create_future()
        till.connectors["Default"] = Connector(url="http://127.0.0.1:1/")
        held = payment()
        # Half a character, as no document can carry it.
        till.payments.charge(Charge(5, "Default", held), account=ACCOUNT, call="\ud800", done=ending.set_result)
        assert (await ending).fault == "internal"
        held.wipe()
        assert held.is_over

    with_till(scenario)


def test_a_sender_that_closes_ends_it_once() -> None:
    async def scenario(till: Till) -> None:
        ending = till.charge(server.url(), payment())
        await until(lambda: server.connections == 1)
        await till.sender.close()
        assert (await ending).code == "reset"
        assert till.ended == 1

    with receiving(silent) as server:
        with_till(scenario)


def counts(peer: Peer) -> None:
    """Looks, answers, and keeps nothing."""
    good = OTHER_CARD.encode() in peer.request()
    peer.send(json_answer("200 OK", {"token": "seen" if good else "not seen"}))


def echoes(peer: Peer) -> None:
    """Says what it should not."""
    peer.request()
    peer.send(json_answer("402 No", {"error": f"stolen: {OTHER_CARD}"}))


def test_no_log_and_no_object_holds_the_digits_afterwards(caplog: pytest.LogCaptureFixture) -> None:
    number = OTHER_CARD[:-4].encode()
    handlers: list[Handler] = [counts, closes_after_request, silent, echoes]

    async def scenario(till: Till) -> None:
        for server in servers:
            held = payment(number=OTHER_CARD)
            till.connectors["Default"] = Connector(url=server.url(), timeout_s=0.5)
            told = await till.charge(server.url(), held)
            assert number.decode() not in repr(told)
            held.wipe()
        till.connectors["Default"] = Connector(url="http://127.0.0.1:1/", timeout_s=0.5)
        held = payment(number=OTHER_CARD)
        await till.charge("", held)
        held.wipe()
        gc.collect()
        assert not holders(number)
        kept = (b"x" + number,)
        assert (tuple, kept[0]) in holders(number)

    servers = [Receiver(handler) for handler in handlers]
    try:
        with caplog.at_level(logging.DEBUG):
            with_till(scenario, LOOPS[-1])
    finally:
        for server in servers:
            server.close()
    assert len([line for line in caplog.messages if line.startswith("payment.asked connector=Default")]) == 5
    assert number.decode() not in caplog.text


def holders(number: bytes) -> list[Any]:
    """Whatever text and bytes of this process hold it, with who holds them."""
    found, text = [], number.decode()
    left = [(parent, held) for parent in gc.get_objects() for held in gc.get_referents(parent)]
    while left:
        parent, held = left.pop()
        if isinstance(held, str):
            if held is not OTHER_CARD and text in held:
                found.append((type(parent), held))
        elif isinstance(held, bytes | bytearray):
            if held is not number and number in held:
                found.append((type(parent), held))
        elif isinstance(held, tuple | Struct) and not gc.is_tracked(held):
            left += [(held, inner) for inner in (held if isinstance(held, tuple) else astuple(held))]
    return found
