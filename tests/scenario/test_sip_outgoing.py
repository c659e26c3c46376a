"""We call somebody: sipp, which waits to be called."""

import asyncio
from pathlib import Path

import pytest
from sip_peer import Peer, header, request
from sip_stage import HERE, LOCAL, OFFER, TRUNK, Engine, free_port, needs_sipp, settings, sipp

from ringback.switch.embedded import sdp
from ringback.switch.embedded.signalling import Accepted, Ended, Ringing
from ringback.switch.embedded.sip.settings import Trunk

pytestmark = needs_sipp
OUT = "out-1"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_callee_rings_answers_and_is_hung_up(tmp_path: Path, transport: str) -> None:
    async def story() -> None:
        options = ["-t", "t1"] if transport == "tcp" else []
        async with Engine() as engine, sipp(tmp_path, "callee_is_hung_up", None, *options) as callee:
            await callee.listening(transport)
            engine.call(callee.port, transport=transport)
            assert await engine.next(Ringing) == Ringing(OUT, 180)
            assert sdp.accept((await engine.next(Accepted)).sdp, LOCAL).dtmf_pt == 101
            engine.sip.hang_up(OUT)
            assert await engine.next(Ended) == Ended(OUT, "us", None, None, True)
            await callee.done()

    asyncio.run(story())


def test_a_callee_hangs_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with Engine() as engine, sipp(tmp_path, "callee_answers_and_hangs_up") as callee:
            engine.call(callee.port)
            await engine.next(Accepted)
            assert await engine.next(Ended) == Ended(OUT, "far", None, 31, True)
            await callee.done()

    asyncio.run(story())


def test_a_callee_whose_address_nobody_named_hangs_up_though_strangers_hear_nothing(tmp_path: Path) -> None:
    config = settings(trunks=(Trunk(name="carrier", host=TRUNK),), phones=(), strangers="silence")

    async def story() -> None:
        async with Engine(config) as engine, sipp(tmp_path, "callee_answers_and_hangs_up") as callee:
            engine.call(callee.port)
            await engine.next(Accepted)
            assert await engine.next(Ended) == Ended(OUT, "far", None, 31, True)
            await callee.done()

    asyncio.run(story())


def test_what_names_no_call_of_ours_gets_no_answer_where_strangers_hear_nothing() -> None:
    config = settings(trunks=(Trunk(name="carrier", host=TRUNK),), phones=(), strangers="silence")

    async def story() -> None:
        async with Engine(config) as engine, Peer(TRUNK, engine.port) as callee, Peer("127.0.0.9", engine.port) as other:
            engine.call(callee.port)
            invite = await callee.next()
            ours, call_id = header(invite, "From"), header(invite, "Call-ID")
            callee.send(answered(invite, callee))
            await engine.next(Accepted)
            assert (await callee.next()).startswith(b"ACK ")
            other.send(request("OPTIONS", other))
            other.send(bye(other, 1, "guess@host", "<sip:x@y>;tag=theirs", ours))
            other.send(bye(other, 2, call_id, "<sip:x@y>;tag=guess", ours))
            other.send(bye(other, 3, call_id, "<sip:x@y>;tag=theirs", "<sip:x@y>;tag=guess"))
            # It is the far end, from wherever; and once more, for its answer may have been lost
            for _ in range(2):
                other.send(bye(other, 4, call_id, "<sip:x@y>;tag=theirs", ours))
                answer = await other.next()
                assert (answer[:11], header(answer, "CSeq")) == (b"SIP/2.0 200", "4 BYE")
            assert (await engine.next(Ended)).by == "far"
            other.send(bye(other, 5, call_id, "<sip:x@y>;tag=theirs", ours))
            assert header(await other.next(), "CSeq") == "5 BYE", "the call has just ended"

    asyncio.run(story())


def answered(invite: bytes, callee: Peer) -> bytes:
    """200 to an INVITE."""
    body = sdp.offer(sdp.Local(address=TRUNK, port=40_002, session=9))
    head = [f"{name}: {header(invite, name)}" for name in ("Via", "From", "Call-ID", "CSeq")]
    head += [f"To: {header(invite, 'To')};tag=theirs", f"Contact: <sip:x@{callee.host}:{callee.port}>"]
    head += ["Content-Type: application/sdp", f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(["SIP/2.0 200 OK", *head]).encode() + body


def bye(peer: Peer, number: int, call_id: str, from_: str, to: str) -> bytes:
    """BYE, as the callee of our call sends it."""
    lines = [
        "BYE sip:x@127.0.0.1 SIP/2.0",
        f"Via: SIP/2.0/UDP {peer.host}:{peer.port};branch=z9hG4bK-bye-{number};rport",
        "Max-Forwards: 70",
        *(f"From: {from_}", f"To: {to}", f"Call-ID: {call_id}", f"CSeq: {number} BYE", "Content-Length: 0", "", ""),
    ]
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize(("status", "cause"), [(486, 17), (603, 21), (404, 1), (503, 41), (302, 23)])
def test_a_callee_refuses(tmp_path: Path, status: int, cause: int) -> None:
    async def story() -> None:
        async with Engine() as engine, sipp(tmp_path, "callee_refuses", STATUS=str(status), CAUSE=str(cause)) as callee:
            engine.call(callee.port)
            assert await engine.next(Ended) == Ended(OUT, "far", status, cause, False)
            await callee.done()

    asyncio.run(story())


def test_we_give_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with Engine() as engine, sipp(tmp_path, "callee_is_cancelled") as callee:
            engine.call(callee.port)
            await engine.next(Ringing)
            engine.sip.hang_up(OUT)
            assert await engine.next(Ended) == Ended(OUT, "us", None, None, False)
            await callee.done()

    asyncio.run(story())


def test_early_media_and_an_answer_without_a_session(tmp_path: Path) -> None:
    async def story() -> None:
        async with Engine() as engine, sipp(tmp_path, "callee_has_early_media") as callee:
            engine.call(callee.port)
            early = await engine.next(Ringing)
            assert (early.status, sdp.accept(early.sdp, LOCAL).codec) == (183, "PCMU")
            assert await engine.next(Ringing) == Ringing(OUT, 180)
            assert (await engine.next(Accepted)).sdp == early.sdp
            engine.sip.hang_up(OUT)
            await engine.next(Ended)
            await callee.done()

    asyncio.run(story())


def test_nobody_is_there() -> None:
    """408 when the transaction has waited long enough (RFC 3261 timer B, 32 s)."""

    async def story() -> None:
        async with Engine(pace=0.02) as engine:
            engine.call(free_port(TRUNK))
            assert await engine.next(Ended) == Ended(OUT, "far", 408, None, False)

    asyncio.run(story())


@pytest.mark.parametrize("to", ["tcp", "name", "a name at tcp"])
def test_nobody_can_be_there(to: str) -> None:
    """503, and at once (RFC 3261 §8.1.3.1)."""

    async def story() -> None:
        async with Engine() as engine:
            if to == "tcp":
                engine.call(free_port(TRUNK), transport="tcp")
            else:
                by = ";transport=tcp" if "tcp" in to else ""
                engine.sip.invite(OUT, f"sip:bob@nowhere.invalid{by}", "", OFFER, None)
            assert await engine.next(Ended) == Ended(OUT, "far", 503, None, False)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("to", "status"),
    [
        ("+13005550199", 404),
        ("alice", 480),
        ("7000", 480),
        ("sip:", 484),
        ("sip:a@b c", 484),
        ("sips:a@b", 484),
        ("sip:a@b:99999", 484),
    ],
)
def test_what_cannot_be_called(to: str, status: int) -> None:
    async def story() -> None:
        async with Engine() as engine:
            engine.sip.invite(OUT, to, "+13005550100", OFFER, None)
            assert await engine.next(Ended) == Ended(OUT, "us", status, None, False)

    asyncio.run(story())


@pytest.mark.parametrize("from_", ["anonymous", "", "+1 300 555", "sip:us@example.com", "sip:\r\nX: y", "a\r\nX: y"])
def test_a_sip_uri_is_called_whoever_calls(tmp_path: Path, from_: str) -> None:
    async def story() -> None:
        async with Engine(settings(host="0.0.0.0")) as engine, sipp(tmp_path, "callee_is_hung_up", host=HERE) as callee:
            engine.sip.invite(OUT, f"sip:bob@localhost:{callee.port}", from_, OFFER, None)
            await engine.next(Ringing)
            await engine.next(Accepted)
            engine.sip.hang_up(OUT)
            await engine.next(Ended)
            await callee.done()

    asyncio.run(story())


def test_a_trunk_that_asks_for_a_password(tmp_path: Path) -> None:
    async def story() -> None:
        async with Engine() as engine, sipp(tmp_path, "trunk_asks_for_a_password") as trunk:
            engine.call(trunk.port, user="trunk-user", password="trunk-password")
            await engine.next(Accepted)
            engine.sip.hang_up(OUT)
            await engine.next(Ended)
            await trunk.done()

    asyncio.run(story())


def test_a_trunk_that_does_not_know_our_password(tmp_path: Path) -> None:
    async def story() -> None:
        async with Engine() as engine, sipp(tmp_path, "trunk_asks_for_a_password") as trunk:
            engine.call(trunk.port, user="trunk-user", password="wrong")
            assert await engine.next(Ended) == Ended(OUT, "far", 403, None, False)
            await trunk.done()

    asyncio.run(story())


def test_a_callee_behind_a_proxy(tmp_path: Path) -> None:
    async def story() -> None:
        async with Engine() as engine, sipp(tmp_path, "callee_behind_a_proxy") as callee:
            engine.call(callee.port)
            await engine.next(Accepted)
            engine.sip.hang_up(OUT)
            await engine.next(Ended)
            await callee.done()

    asyncio.run(story())
