"""The asker against applications that answer, fail, stall and lie, on real sockets."""

import asyncio
import base64
import socket
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from asking_harness import HANGUP, LOCAL, PAUSE, REJECT, Application, Desk, answer, question, says, until, with_asker
from awkward_receivers import Peer, Receiver, receiving, silent, slow_head
from factory_instructions import BODY
from msgspec.structs import replace
from sender_harness import LOOPS, within

from ringback.dialects.contract import HttpRequest
from ringback.live.asking import Reply
from ringback.live.attempts import PAUSE_S
from ringback.live.cookies import Jar
from ringback.voxml.document import Document
from ringback.webhooks.model import Outcome


def nobody() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_bytes_of_a_post_and_of_a_get() -> None:
    app = Application(answer(HANGUP), answer(REJECT))
    with receiving(app) as at:
        host = f"127.0.0.1:{at.port}"

        async def scenario(desk: Desk) -> None:
            posted = await desk.ask(question(f"http://{host}/voice?t=8c1f#ct=2000"))
            assert (posted.document, posted.source, posted.url) == (HANGUP, "application", f"http://{host}/voice?t=8c1f")
            assert posted.failures == ()
            got = await desk.ask(question(f"http://{host}/voice?t=8c1f", "GET"))
            assert (got.document, got.url) == (REJECT, f"http://{host}/voice?t=8c1f")

        desk = with_asker(scenario)
    agent = desk.log.told[0].attempts[0].headers[1]
    assert agent[0] == "User-Agent"
    assert agent[1].startswith("Ringback/")
    head = f"Host: {host}\r\nUser-Agent: {agent[1]}\r\n"
    form = "Content-Type: application/x-www-form-urlencoded\r\n"
    posted_bytes = f"POST /voice?t=8c1f HTTP/1.1\r\n{head}{form}Content-Length: {len(BODY)}\r\n\r\n{BODY}"
    assert app.requests == [posted_bytes.encode(), f"GET /voice?t=8c1f&{BODY} HTTP/1.1\r\n{head}\r\n".encode()]


def told(reply: Reply) -> list[tuple[str, int | None]]:
    """Class and status of each attempt."""
    return [(attempt.outcome.error, attempt.outcome.status) for attempt in reply.attempts]


@pytest.mark.parametrize(
    ("replies", "code"),
    [
        (answer(b"no", status="404 Not Found"), 11200),
        (answer(b"", status="500 Oops"), 11200),
        (answer(b"", "Location: http://127.0.0.1/", status="302 Found"), 11200),
        (answer(b"<Response><Say>"), 12100),
        (answer(b"x" * 65_537), 11750),
        (b"SSH-2.0-OpenSSH_9\r\n", 11206),
    ],
    ids=["404", "500", "redirect", "malformed", "too large", "no HTTP"],
)
def test_without_a_document_the_fallback_url_is_asked_and_told_why(replies: bytes, code: int) -> None:
    app, second = Application(replies), Application(answer(PAUSE))
    with receiving(app) as at, receiving(second) as beside:
        url = f"http://127.0.0.1:{at.port}/voice?t=1"

        async def scenario(desk: Desk) -> None:
            reply = await desk.ask(question(f"{url}#rc=0", spare=beside.url("/spare")))
            assert (reply.document, reply.source, reply.url) == (PAUSE, "fallback", beside.url("/spare"))
            assert len(reply.attempts) == 2
            assert len(reply.failures) == 1

        desk = with_asker(scenario)
    body = f"{BODY}&ErrorCode={code}&ErrorUrl=http%3A%2F%2F127.0.0.1%3A{at.port}%2Fvoice%3Ft%3D1"
    assert second.requests[0].partition(b"\r\n\r\n")[2] == body.encode()
    first, fallback = desk.log.told
    assert (first.state, first.url, fallback.state, fallback.url) == ("exhausted", url, "succeeded", beside.url("/spare"))
    assert first.failure is not None
    assert first.failure.code == code


def test_what_was_wrong_with_an_answer_stands_in_its_attempt() -> None:
    with receiving(says(answer(b"<Response><Say>"), answer(b"", status="302 Found"))) as at:

        async def scenario(desk: Desk) -> None:
            malformed, redirect = [(await desk.ask(question(at.url()))).attempts[0].outcome for _ in range(2)]
            assert (malformed.status, malformed.error) == (200, "document")
            assert malformed.detail == "not a VoXML document: line 1, column 5: not well-formed"
            assert malformed.body == b"<Response><Say>"
            assert (redirect.status, redirect.error) == (302, "")
            assert redirect.detail == "answered 302: redirects are not followed"

        with_asker(scenario)


def test_the_local_document_when_the_fallback_is_down_too() -> None:
    url, spare = f"http://127.0.0.1:{nobody()}/voice", f"http://127.0.0.1:{nobody()}/spare"

    async def scenario(desk: Desk) -> None:
        started = time.monotonic()
        reply = await desk.ask(question(url, spare=spare))
        assert (reply.document, reply.source, reply.url) == (LOCAL, "local", "")
        assert told(reply) == [("connect", None)] * 4, "each URL is tried twice where nobody listens"
        assert [line.partition(": ")[0] for line in reply.failures] == [url, spare]
        assert time.monotonic() - started >= 2 * PAUSE_S
        assert desk.done == 1

    desk = with_asker(scenario)
    assert [one.state for one in desk.log.told] == ["exhausted", "exhausted"]
    assert [attempt.number for one in desk.log.told for attempt in one.attempts] == [1, 2, 1, 2]


class OpensAfterTheFirst:
    """A sender beside which a receiver opens once the first request has failed."""

    def __init__(self, sender: Any, port: int, handler: Any) -> None:
        self.sender = sender
        self.sent_headers = sender.sent_headers
        self.receiver: Receiver | None = None
        self._port, self._handler = port, handler

    def send(self, request: HttpRequest, *, done: Callable[[Outcome], None], **how: Any) -> Any:
        def first(outcome: Outcome) -> None:
            if self.receiver is None:
                self.receiver = Receiver(self._handler, port=self._port)
            done(outcome)

        return self.sender.send(request, done=first, **how)


def test_one_refusal_does_not_cost_the_call() -> None:
    port = nobody()
    opened: list[Receiver] = []

    async def scenario(desk: Desk) -> None:
        opening = OpensAfterTheFirst(desk.sender, port, says(answer(HANGUP)))
        desk.sit_before(opening)
        reply = await desk.ask(question(f"http://127.0.0.1:{port}/voice"))
        opened.extend(filter(None, (opening.receiver,)))
        assert (reply.document, told(reply)) == (HANGUP, [("connect", None), ("", 200)])

    assert [one.state for one in with_asker(scenario).log.told] == ["succeeded"]
    opened[0].close()


@pytest.mark.parametrize(
    ("fragment", "replies", "tries"),
    [
        ("", (answer(b"", status="503 Busy"), answer(HANGUP)), 1),
        ("#rp=5xx", (answer(b"", status="503 Busy"), answer(HANGUP)), 2),
        ("#rp=4xx,5xx&rc=2", (answer(b"", status="503 Busy"), answer(b"", status="404 Not Found"), answer(HANGUP)), 3),
        ("#rp=all&rc=0", (answer(b"", status="503 Busy"), answer(HANGUP)), 1),
        ("#rp=4xx&rc=5", (answer(b"", status="503 Busy"), answer(HANGUP)), 1),
        ("#rp=all&rc=5", (answer(b"<Response>"), answer(HANGUP)), 1),
    ],
)
def test_the_fragment_says_what_is_tried_again(fragment: str, replies: tuple[bytes, ...], tries: int) -> None:
    app = Application(*replies)
    with receiving(app) as at:

        async def scenario(desk: Desk) -> None:
            reply = await desk.ask(question(at.url("/voice") + fragment))
            assert len(reply.attempts) == tries
            assert reply.document == (HANGUP if tries == len(replies) else LOCAL)

        with_asker(scenario)
    assert all(request.startswith(b"POST /voice HTTP/1.1\r\n") for request in app.requests), "a fragment never travels"


def test_what_is_ignored_in_a_fragment_is_noted_in_the_log() -> None:
    with receiving(says(answer(HANGUP))) as at:

        async def scenario(desk: Desk) -> None:
            (attempt,) = (await desk.ask(question(at.url() + "#ct=1&edge=x&rc=1"))).attempts
            assert attempt.outcome.detail == (
                "the URL's fragment: ct=1 is not between 100 and 10000 and was ignored; "
                "the URL's fragment: 'edge' is not known and was ignored"
            )

        with_asker(scenario)


@pytest.mark.parametrize("kind", LOOPS)
def test_an_application_that_answers_byte_by_byte_has_its_time_and_no_more(kind: str) -> None:
    with receiving(slow_head) as at:

        async def scenario(desk: Desk) -> None:
            started = time.monotonic()
            reply = await desk.ask(question(at.url() + "#tt=600&rp=all&rc=5"))
            within(started, 0.6)
            assert (reply.document, {error for error, _ in told(reply)}) == (LOCAL, {"timeout"})
            assert len(reply.attempts) == 1, "there is no time left for another try"

        with_asker(scenario, kind)


@pytest.mark.parametrize("kind", LOOPS)
def test_rt_is_for_the_first_byte(kind: str) -> None:
    def late_rest(peer: Peer) -> None:
        peer.request()
        whole = answer(HANGUP)
        peer.send(whole[:1])
        peer.pause(0.5)
        peer.send(whole[1:])

    with receiving(silent) as mute, receiving(late_rest) as slow:

        async def scenario(desk: Desk) -> None:
            started = time.monotonic()
            reply = await desk.ask(question(mute.url() + "#rt=200"))
            within(started, 0.2)
            assert told(reply) == [("timeout", None)]
            assert (await desk.ask(question(slow.url() + "#rt=200"))).document == HANGUP

        with_asker(scenario, kind)


def test_ct_bounds_the_way_to_a_connection() -> None:
    """A listener whose backlog is full swallows further connections."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        at = listener.getsockname()
        fill = [socket.socket() for _ in range(4)]
        for sock in fill:
            sock.setblocking(False)
            sock.connect_ex(at)

        async def scenario(desk: Desk) -> None:
            started = time.monotonic()
            reply = await desk.ask(question(f"http://127.0.0.1:{at[1]}/voice#ct=200&rc=1"))
            within(started, 0.2 + PAUSE_S + 0.2)
            assert told(reply) == [("connect_timeout", None)] * 2

        with_asker(scenario)
        for sock in fill:
            sock.close()


def test_nothing_at_all_is_an_empty_document_and_a_label_does_not_matter() -> None:
    replies = [answer(b""), b"HTTP/1.1 204 No Content\r\n\r\n", answer(b" \r\n"), answer(HANGUP, "Content-Type: text/html")]
    with receiving(says(*replies)) as at:

        async def scenario(desk: Desk) -> None:
            documents = [(await desk.ask(question(at.url()))).document for _ in range(4)]
            assert documents == [Document(), Document(), Document(), HANGUP]

        with_asker(scenario)


def test_cookies_come_back_within_their_call_and_not_in_another() -> None:
    app = Application(answer(b"", "Set-Cookie: sid=abc; Path=/; HttpOnly", "Set-Cookie: deep=1; Path=/other"), answer(HANGUP))
    with receiving(app) as at:

        async def scenario(desk: Desk) -> None:
            jar = Jar()
            for asked in (question(at.url("/a"), jar=jar), question(at.url("/b"), jar=jar), question(at.url("/b"))):
                await desk.ask(asked)

        desk = with_asker(scenario)
    heads = [request.partition(b"\r\n\r\n")[0] for request in app.requests]
    assert [b"\r\nCookie: sid=abc\r\n" in head for head in heads] == [False, True, False]
    assert sum(head.count(b"Cookie:") for head in heads) == 1
    assert ("Cookie", "sid=abc") in desk.log.told[1].attempts[0].headers


@pytest.mark.parametrize("kind", LOOPS)
def test_a_hang_up_stops_the_request(kind: str) -> None:
    with receiving(silent) as at:

        async def scenario(desk: Desk) -> None:
            asking, future = desk.start(question(at.url(), spare=at.url("/spare")))
            await until(lambda: at.connections)
            asking.cancel()
            asking.cancel()
            await until(lambda: desk.log.told)
            assert (desk.done, future.done()) == (0, False)

        desk = with_asker(scenario, kind)
    (one,) = desk.log.told
    assert (one.state, [attempt.outcome.error for attempt in one.attempts]) == ("cancelled", ["reset"])
    assert desk.done == 0


def test_a_hang_up_between_two_tries() -> None:
    async def scenario(desk: Desk) -> None:
        tried = asyncio.Event()
        desk.sit_before(Tells(desk.sender, tried))
        asking, _ = desk.start(question(f"http://127.0.0.1:{nobody()}/voice"))
        await tried.wait()
        asking.cancel()
        await until(lambda: desk.log.told)

    desk = with_asker(scenario)
    (one,) = desk.log.told
    assert (one.state, len(one.attempts), desk.done) == ("cancelled", 1, 0)


class Tells:
    """A sender that tells when a request has ended."""

    def __init__(self, sender: Any, ended: asyncio.Event) -> None:
        self.sender = sender
        self.sent_headers = sender.sent_headers
        self._ended = ended

    def send(self, request: HttpRequest, *, done: Callable[[Outcome], None], **how: Any) -> Any:
        def over(outcome: Outcome) -> None:
            done(outcome)
            self._ended.set()

        return self.sender.send(request, done=over, **how)


def test_credentials_become_a_header_and_stay_out_of_the_log() -> None:
    app = Application(answer(b"", status="403 Forbidden"))
    with receiving(app) as at:
        where = f"127.0.0.1:{at.port}"

        async def scenario(desk: Desk) -> None:
            reply = await desk.ask(question(f"http://ann:s%40cret@{where}/voice#rc=0", spare=f"http://{where}/spare"))
            assert all("cret" not in str(line) for line in (reply.failures, desk.log.told))

        desk = with_asker(scenario)
    proof = base64.b64encode(b"ann:s@cret")
    assert [b"Authorization: Basic " + proof in request for request in app.requests] == [True, False]
    assert [one.url for one in desk.log.told] == [f"http://{where}/voice", f"http://{where}/spare"]
    assert app.requests[1].endswith(f"&ErrorUrl=http%3A%2F%2F127.0.0.1%3A{at.port}%2Fvoice".encode())


def test_a_document_keeps_the_credentials_that_what_is_relative_to_it_needs() -> None:
    with receiving(says(answer(HANGUP))) as at:

        async def scenario(desk: Desk) -> None:
            url = f"http://ann:secret@127.0.0.1:{at.port}/voice"
            assert (await desk.ask(question(f"{url}#rc=0"))).url == url

        with_asker(scenario)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("https://10.0.0.1/voice", "blocked"),
        ("http://nobody.invalid/voice", "dns"),
        ("ftp://127.0.0.1/voice", "request"),
        ("/voice", "request"),
        ("http://a%3Ab:c@127.0.0.1/voice", "request"),
        ("http://127.0.0.1:99999/", "request"),
        ("", "request"),
    ],
)
def test_a_url_that_cannot_be_asked_leaves_the_local_document(url: str, error: str) -> None:
    async def scenario(desk: Desk) -> None:
        reply = await desk.ask(question(url))
        assert (reply.document, reply.source) == (LOCAL, "local")
        assert {attempt.outcome.error for attempt in reply.attempts} == {error}

    with_asker(scenario)


def test_a_request_that_cannot_be_rendered_leaves_the_local_document() -> None:
    def broken(*_: object) -> HttpRequest:
        raise KeyError("secret of ours")

    async def scenario(desk: Desk) -> None:
        reply = await desk.ask(replace(question("http://127.0.0.1/"), make=broken))
        assert (reply.document, reply.failures) == (LOCAL, ("http://127.0.0.1/: the request could not be made: KeyError",))

    with_asker(scenario)


def test_what_cannot_be_answered_is_sent_and_written_down() -> None:
    app = Application(answer(b"<ignored", status="202 Accepted"), answer(b"", status="500 Oops"))
    with receiving(app) as at:

        async def scenario(desk: Desk) -> None:
            desk.asker.tell(question(at.url("/pay")))
            await until(lambda: len(desk.log.told) == 1)
            desk.asker.tell(question(at.url("/pay"), spare=at.url("/spare")))
            await until(lambda: len(desk.log.told) == 2)

        desk = with_asker(scenario)
    assert [one.state for one in desk.log.told] == ["succeeded", "exhausted"]
    assert len(app.requests) == 2, "nobody falls back on another URL for what is only told"


def test_a_log_that_fails_costs_the_call_nothing() -> None:
    class Full:
        def asked(self, told: object) -> None:
            raise OSError("disk full")

    with receiving(says(answer(HANGUP))) as at:

        async def scenario(desk: Desk) -> None:
            desk.write_to(Full())
            assert (await desk.ask(question(at.url()))).document == HANGUP

        with_asker(scenario)
