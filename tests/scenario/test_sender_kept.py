"""Connections that are kept: reused, lost as we write, full of bytes that nobody asked for, capped, and never lent to another."""

import asyncio
import time
from typing import Any

import pytest
from awkward_receivers import OK, Handler, NameServer, Peer, answers, answers_and_waits, receiving
from sender_harness import LOOPS, Client, post, settings, with_names, with_sender

pytestmark = pytest.mark.parametrize("kind", LOOPS)


async def settle(condition: Any) -> None:
    """Waits until the condition holds."""
    ends_at = time.monotonic() + 2
    while not condition():
        assert time.monotonic() < ends_at
        await asyncio.sleep(0.005)


def test_two_requests_go_over_one_connection(kind: str) -> None:
    async def scenario(client: Client) -> None:
        first = await client.send(post(receiver.url()))
        second = await client.send(post(receiver.url("/other?x=1#fragment")))
        assert (first.status, second.status) == (200, 200)
        assert (first.reused, second.reused) == (False, True)
        assert first.connect_ms is not None
        assert (second.dns_ms, second.connect_ms, second.tls_ms) == (None, None, None)
        assert second.first_byte_ms is not None
        assert 0 < second.first_byte_ms <= second.total_ms
        assert receiver.connections == 1

    with receiving(answers(OK, close=False)) as receiver:
        with_sender(kind, scenario)


def test_a_connection_is_not_lent_to_another_endpoint_account_or_origin(kind: str) -> None:
    async def scenario(client: Client) -> None:
        await client.send(post(receiver.url()))
        assert not (await client.send(post(receiver.url()), key=2)).reused
        assert not (await client.send(post(receiver.url()), account="b")).reused
        assert not (await client.send(post(receiver.url(host="127.0.0.1.")))).reused
        assert (await client.send(post(receiver.url()), key=2)).reused

    with receiving(answers(OK, close=False)) as receiver:
        with_sender(kind, scenario)


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
def test_a_connection_that_was_closed_as_we_wrote_is_dialled_again_once(kind: str, reset: bool) -> None:
    def handler(peer: Peer) -> None:
        peer.request()
        peer.send(OK)
        if peer.number == 1:
            peer.request()
            if reset:
                peer.reset()
            return
        peer.hang()

    async def scenario(client: Client) -> None:
        await client.send(post(receiver.url()))
        outcome = await client.send(post(receiver.url()))
        assert (outcome.error, outcome.status, outcome.reused) == ("", 200, False), outcome
        assert receiver.connections == 2

    with receiving(handler) as receiver:
        with_sender(kind, scenario)


def test_it_is_not_dialled_a_third_time(kind: str) -> None:
    def handler(peer: Peer) -> None:
        peer.request()
        if peer.number == 1:
            peer.send(OK)
            peer.request()

    async def scenario(client: Client) -> None:
        await client.send(post(receiver.url()))
        outcome = await client.send(post(receiver.url()))
        assert (outcome.error, outcome.status) == ("reset", None)
        assert receiver.connections == 2

    with receiving(handler) as receiver:
        with_sender(kind, scenario)


def test_a_fresh_connection_is_never_dialled_again(kind: str) -> None:
    async def scenario(client: Client) -> None:
        assert (await client.send(post(receiver.url()))).error == "reset"
        assert receiver.connections == 1

    with receiving(answers(b"")) as receiver:
        with_sender(kind, scenario)


@pytest.mark.parametrize(("word", "wait_s"), [(b"HTTP/1.1 2", 0.0), (b"", 1.1)], ids=["after a first byte", "after a second"])
def test_a_request_that_may_have_been_acted_on_is_not_repeated(kind: str, word: bytes, wait_s: float) -> None:
    def handler(peer: Peer) -> None:
        peer.request()
        peer.send(OK)
        if peer.request():
            peer.send(word)
            peer.pause(wait_s)

    async def scenario(client: Client) -> None:
        await client.send(post(receiver.url()))
        outcome = await client.send(post(receiver.url()), timeout_s=3)
        assert (outcome.error, outcome.reused) == ("reset", True)
        assert receiver.connections == 1

    with receiving(handler) as receiver:
        with_sender(kind, scenario)


def test_a_connection_that_the_receiver_closed_while_idle_is_not_used(kind: str) -> None:
    async def scenario(client: Client) -> None:
        for _ in range(3):
            outcome = await client.send(post(receiver.url()))
            assert (outcome.status, outcome.reused) == (200, False)
            await settle(lambda: client.sender.gauges()["idle"] == 0)

    with receiving(answers(OK)) as receiver:
        with_sender(kind, scenario)


NOT_KEPT = {
    "two answers in one packet": answers_and_waits(OK + b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"),
    "half a second answer": answers_and_waits(OK + b"HTTP/1.1 50"),
    "garbage": answers_and_waits(OK + b"\x00\x01"),
    "connection: close": answers_and_waits(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")),
    "HTTP/1.0": answers_and_waits(OK.replace(b"1.1", b"1.0")),
    "cut at the cap": answers_and_waits(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n" + b"x" * 70_000),
}


@pytest.mark.parametrize("name", NOT_KEPT)
def test_such_a_connection_is_not_used_again(kind: str, name: str) -> None:
    async def scenario(client: Client) -> None:
        for _ in range(3):
            outcome = await client.send(post(receiver.url()))
            assert (outcome.error, outcome.status, outcome.reused) == ("", 200, False)
        assert receiver.connections == 3

    with receiving(NOT_KEPT[name]) as receiver:
        with_sender(kind, scenario)


def test_bytes_that_come_later_unasked_end_the_connection(kind: str) -> None:
    async def scenario(client: Client) -> None:
        await client.send(post(receiver.url()))
        await settle(lambda: client.sender.gauges()["idle"] == 0)
        outcome = await client.send(post(receiver.url()))
        assert (outcome.status, outcome.reused) == (200, False)

    with receiving(answers(OK, b"", b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", close=False, gap_s=0.02)) as receiver:
        with_sender(kind, scenario)


def test_a_trailer_does_not_leak_into_the_next_answer(kind: str) -> None:
    def handler(peer: Peer) -> None:
        while peer.request():
            peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n")

    async def scenario(client: Client) -> None:
        for _ in range(3):
            outcome = await client.send(post(receiver.url()))
            assert outcome.headers == (("Transfer-Encoding", "chunked"),)

    with receiving(handler) as receiver:
        with_sender(kind, scenario)


def test_idle_connections_are_closed_after_their_time(kind: str) -> None:
    async def scenario(client: Client) -> None:
        await client.send(post(receiver.url()), timeout_s=10)
        assert client.sender.gauges()["idle"] == 1
        await settle(lambda: client.sender.gauges()["idle"] == 0)
        assert client.sender.gauges() == {"connections": 0, "idle": 0, "routes": 0}

    with receiving(answers(OK, close=False)) as receiver:
        with_sender(kind, scenario, settings(idle_s=0.1))


@pytest.mark.parametrize("cap", [{"max_idle": 2}, {"max_idle_bytes": 20_000}], ids=str)
def test_idle_connections_are_capped_and_the_oldest_goes_first(kind: str, cap: dict[str, int]) -> None:
    async def scenario(client: Client) -> None:
        for key in range(5):
            await client.send(post(receiver.url()), key=key)
            assert client.sender.gauges()["idle"] <= 2
        assert [(await client.send(post(receiver.url()), key=key)).reused for key in (4, 3)] == [True, True]
        assert not (await client.send(post(receiver.url()), key=0)).reused

    with receiving(answers(OK, close=False)) as receiver:
        with_sender(kind, scenario, settings(**cap))


def test_many_at_once_each_end_once(kind: str) -> None:
    async def scenario(client: Client) -> None:
        for _ in range(3):
            outcomes = await asyncio.gather(*(client.send(post(receiver.url()), key=n % 7, timeout_s=5) for n in range(60)))
            assert {(o.error, o.status, o.body) for o in outcomes} == {("", 200, b"ok")}
        assert receiver.connections <= 60

    with receiving(answers(OK, close=False)) as receiver:
        with_sender(kind, scenario)


def hanging(peer: Peer) -> None:
    peer.request()
    peer.hang()


@pytest.mark.parametrize("after_s", [0.0, 0.1], ids=["at once", "while waiting for the answer"])
def test_abort_ends_it_once_and_closes_the_connection(kind: str, after_s: float) -> None:
    async def scenario(client: Client) -> None:
        sending, future = client.start(post(receiver.url()), timeout_s=5)
        await asyncio.sleep(after_s)
        sending.abort()
        sending.abort()
        outcome = await future
        assert (outcome.error, outcome.status) == ("reset", None)
        sending.abort()
        await settle(lambda: not client.sender.gauges()["connections"])

    with receiving(hanging) as receiver:
        with_sender(kind, scenario)


def test_close_ends_what_is_under_way_and_nothing_starts_after_it(kind: str) -> None:
    async def scenario(client: Client) -> None:
        _, waiting = client.start(post(receiver.url()), timeout_s=5)
        await settle(lambda: client.sender.gauges()["connections"])
        _, dialling = client.start(post(receiver.url()), key=2, timeout_s=5)
        await client.sender.close()
        assert (await waiting).error == (await dialling).error == "reset"
        assert (await client.send(post(receiver.url()))).error == "reset"

    with receiving(hanging) as receiver:
        with_sender(kind, scenario)


def test_a_callback_that_fails_harms_nobody(kind: str) -> None:
    def handler_error(_: Any) -> None:
        raise RuntimeError("the caller's")

    async def scenario(client: Client) -> None:
        loop = asyncio.get_running_loop()
        seen: list[Any] = []
        before = loop.get_exception_handler()
        loop.set_exception_handler(lambda _, context: seen.append(context))
        client.sender.send(post(receiver.url()), key=1, account="a", timeout_s=1, basic=None, headers=(), done=handler_error)
        await settle(lambda: seen)
        loop.set_exception_handler(before)
        assert (await client.send(post(receiver.url()))).reused

    with receiving(answers(OK, close=False)) as receiver:
        with_sender(kind, scenario)


def test_a_receiver_that_answers_before_it_read_all_is_taken_at_its_word(kind: str) -> None:
    def handler(peer: Peer) -> None:
        peer.sock.recv(100)
        peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        peer.pause(0.2)

    async def scenario(client: Client) -> None:
        outcome = await client.send(post(receiver.url(), b"x" * 262_144))
        assert (outcome.error, outcome.status) == ("", 413)

    with receiving(handler) as receiver:
        with_sender(kind, scenario)


def test_a_moved_name_is_followed_and_its_old_connection_closed(kind: str) -> None:
    def said(word: bytes) -> Handler:
        return answers(OK.replace(b"ok", word), close=False)

    now = 0.0

    async def scenario(client: Client, names: NameServer) -> None:
        nonlocal now
        url = f"http://moving.test:{first.port}/"
        assert (await client.send(post(url))).body == b"m1"
        names.names["moving.test"] = ["127.0.0.2"]
        assert (await client.send(post(url))).reused, "an answer is kept for a while"
        names.names["moving.test"] = ["127.0.0.1"]
        now += 31
        outcome = await client.send(post(url))
        assert (outcome.error, outcome.reused) == ("", True), "the name is asked for again, and the connection is still good"
        assert outcome.dns_ms is not None
        names.names["moving.test"] = ["127.0.0.2"]
        now += 31
        outcome = await client.send(post(url))
        assert (outcome.body, outcome.address, outcome.reused) == (b"m2", "127.0.0.2", False)
        assert client.sender.gauges()["idle"] == 1

    with receiving(said(b"m1")) as first, receiving(said(b"m2"), "127.0.0.2", port=first.port):
        with_names(kind, {"moving.test": ["127.0.0.1"]}, scenario, clock=lambda: now)
