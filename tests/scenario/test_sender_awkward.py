"""Awkward receivers: each ends in a classed outcome within its time-out, and in the class that aiohttp puts it in."""

import asyncio
import gzip
import time
import zlib
from typing import NamedTuple

import pytest
from awkward_receivers import (
    OK,
    Handler,
    answers,
    answers_and_waits,
    closes_after_accept,
    closes_after_request,
    coded,
    endless,
    gzip_bomb,
    raw_deflate,
    receiving,
    resets_after_request,
    resets_in_body,
    silent,
    slow_body,
    slow_head,
)
from sender_harness import LOOPS, PATIENT_S, TIMEOUT_S, Client, aiohttp_result, post, with_sender, within

from ringback.webhooks.model import ErrorClass

TEXT = b"what the receiver says " * 20
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\n"


class Case(NamedTuple):
    name: str
    handler: Handler
    error: ErrorClass
    status: int | None = None
    body: bytes | None = None
    cut: bool = False
    theirs: tuple[int | None, str] | None = None
    """aiohttp's result where it is another."""
    why: str = ""
    """Why ours may differ."""


CASES = (
    Case("silent", silent, "timeout"),
    Case("slow by the byte in the head", slow_head, "timeout"),
    Case("slow by the byte in the body", slow_body, "timeout"),
    Case("closed after accept", closes_after_accept, "reset"),
    Case("closed after the request", closes_after_request, "reset"),
    Case("reset after the request", resets_after_request, "reset"),
    Case("reset in the body", resets_in_body, "reset"),
    Case("closed in the head", answers(b"HTTP/1.1 200 OK\r\nContent-Le"), "reset"),
    Case("closed in the body", answers(HEAD + b"Content-Length: 9\r\n\r\nhalf"), "reset"),
    Case("closed in a chunk", answers(HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\nhalf"), "reset"),
    Case(
        "300 kB of headers",
        answers(HEAD + b"X-Filler: 0123456789\r\n" * 15_000 + b"\r\n"),
        "too_large",
        theirs=(None, "protocol"),
        why="it counts lines",
    ),
    Case("a header of 100 kB", answers(HEAD + b"X-Filler: " + b"x" * 100_000 + b"\r\n\r\n"), "too_large"),
    Case("a header that never ends", endless(HEAD + b"X-Filler: ", b"x" * 10_000), "too_large"),
    Case("1xx first", answers(INTERIM + HINTS + OK), "", 200, b"ok"),
    Case("1xx first, in pieces", answers(INTERIM, HINTS, OK, gap_s=0.02), "", 200, b"ok"),
    Case("1xx without end", endless(b"", INTERIM * 100), "too_large", theirs=(None, "timeout"), why="it has no cap for them"),
    Case(
        "101",
        answers_and_waits(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        "protocol",
        theirs=(101, ""),
        why="no upgrade was asked for",
    ),
    Case("garbage", answers(b"\x00\x01\x02 what is this\r\n\r\n"), "protocol"),
    Case("HTTP/0.9", answers(b"<html>hello</html>\r\n"), "protocol"),
    Case("another protocol's greeting", answers(b"SSH-2.0-OpenSSH_9.2p1\r\n"), "protocol"),
    Case("TLS where http was asked for", answers(b"\x15\x03\x01\x00\x02\x02\x46"), "protocol"),
    Case(
        "length and chunked",
        answers(HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        "protocol",
    ),
    Case("two lengths", answers(HEAD + b"Content-Length: 2\r\nContent-Length: 5\r\n\r\nok"), "protocol"),
    Case("a length below zero", answers(HEAD + b"Content-Length: -2\r\n\r\nok"), "protocol"),
    Case("a chunk without a size", answers(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n"), "protocol"),
    Case(
        "status 099",
        answers_and_waits(b"HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n"),
        "protocol",
        theirs=(99, ""),
        why="RFC 9110 §15 knows none below 100",
    ),
    Case(
        "a redirect to a private address",
        answers(b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n"),
        "",
        302,
        b"",
    ),
    Case("500", answers(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops"), "", 500, b"oops"),
    Case("204", answers_and_waits(b"HTTP/1.1 204 No Content\r\n\r\n"), "", 204, b""),
    Case("304", answers_and_waits(b"HTTP/1.1 304 Not Modified\r\n\r\n"), "", 304, b""),
    Case("HTTP/1.0", answers(b"HTTP/1.0 200 OK\r\n\r\nold"), "", 200, b"old"),
    Case("a body that ends with the connection", answers(HEAD + b"\r\n" + TEXT), "", 200, TEXT),
    Case(
        "chunked with a trailer",
        answers_and_waits(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n"),
        "",
        200,
        b"ok",
    ),
    Case("two answers in one packet", answers_and_waits(OK + OK), "", 200, b"ok"),
    Case(
        "garbage after the answer",
        answers_and_waits(OK + b"\x00\x01garbage\r\n"),
        "",
        200,
        b"ok",
        theirs=(None, "protocol"),
        why="the answer was whole",
    ),
    Case("64 KiB exactly", answers_and_waits(HEAD + b"Content-Length: 65536\r\n\r\n" + b"x" * 65_536), "", 200, b"x" * 65_536),
    Case(
        "a byte over 64 KiB",
        answers_and_waits(HEAD + b"Content-Length: 65537\r\n\r\n" + b"x" * 65_537),
        "",
        200,
        b"x" * 65_536,
        True,
    ),
    Case("a body without end", endless(HEAD + b"\r\n", b"x" * 10_000), "", 200, b"x" * 65_536, True),
    Case("chunks without end", endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n" * 500), "", 200, None, True),
    Case("gzip", answers_and_waits(coded(gzip.compress(TEXT), "gzip")), "", 200, TEXT),
    Case("deflate", answers_and_waits(coded(zlib.compress(TEXT), "deflate")), "", 200, TEXT),
    Case("deflate without its header", answers_and_waits(coded(raw_deflate(TEXT), "Deflate")), "", 200, TEXT),
    Case("a gzip bomb", answers_and_waits(gzip_bomb()), "", 200, bytes(65_536), True),
    Case(
        "gzip that is none",
        answers_and_waits(coded(b"not gzip at all", "gzip")),
        "",
        200,
        b"",
        theirs=(None, "reset"),
        why="a status came",
    ),
    Case(
        "a coding that we do not know", answers_and_waits(coded(b"\x0b\x02\x80ok\x03", "zstd, br")), "", 200, b"\x0b\x02\x80ok\x03"
    ),
)


def patience(error: str) -> float:
    return TIMEOUT_S if error == "timeout" else PATIENT_S


@pytest.mark.parametrize("kind", LOOPS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_awkward_receiver_ends_in_its_class_in_time(case: Case, kind: str) -> None:
    async def scenario(client: Client) -> None:
        started = time.monotonic()
        limit_s = patience(case.error)
        outcome = await client.send(post(receiver.url()), timeout_s=limit_s)
        within(started, limit_s)
        assert (outcome.error, outcome.status) == (case.error, case.status), outcome
        if case.body is not None:
            assert outcome.body == case.body
        assert outcome.body_cut == case.cut
        assert (outcome.detail == "") == (outcome.error == "")
        assert outcome.total_ms > 0
        assert outcome.connect_ms is not None
        assert outcome.address == "127.0.0.1"

    with receiving(case.handler) as receiver:
        with_sender(kind, scenario)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_aiohttp_sees_the_same(case: Case) -> None:
    with receiving(case.handler) as receiver:
        theirs = asyncio.run(aiohttp_result(receiver.url(), timeout_s=patience((case.theirs or (None, case.error))[1])))
    assert theirs == (case.theirs or (case.status, case.error))
    assert (case.theirs is None) == (case.why == ""), "a difference has its reason beside it"
