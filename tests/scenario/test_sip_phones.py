"""Phones that register and call, and who is none: a real phone's stack (pjsua2), sipp, and packets by hand."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from sip_peer import Peer, header, register, request
from sip_phones import needs_phones
from sip_stage import HERE, LOCAL, Engine, needs_sipp, settings, sipp

from ringback.switch.embedded import sdp
from ringback.switch.embedded.signalling import Accepted, Ended, Invited, Offered, Ringing

PHONE = "127.0.0.3"
STRANGER = "127.0.0.9"
ALICE = {"USER": "alice", "PASSWORD": "wonderland"}


@needs_sipp
def test_a_phone_calls_with_its_password(tmp_path: Path) -> None:
    async def story() -> None:
        async with Engine() as engine, sipp(tmp_path, "phone_calls", engine, host=PHONE, **ALICE) as caller:
            invited = await engine.next(Invited)
            assert (invited.from_, invited.to, invited.peer) == ("7000", "+13005550199", "alice")
            engine.answer(invited)
            assert (await engine.next(Ended)).answered
            await caller.done()

    asyncio.run(story())


@needs_sipp
def test_who_tries_passwords_is_refused_whether_the_user_exists_or_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        for user in ("alice", "nobody"):
            async with Engine() as engine:
                for status in ("401", "401", "403", "403"):
                    words = {"USER": user, "PASSWORD": "guessed", "STATUS": status}
                    async with sipp(tmp_path, "phone_calls_in_vain", engine, host=PHONE, **words) as caller:
                        await caller.done()
                assert not engine.all

    asyncio.run(story())
    assert [record.getMessage() for record in caplog.records if "wrong_password" in record.getMessage()] == [
        f"sip.wrong_password address={PHONE} times=1"
    ] * 2


def test_strangers_are_refused_or_met_with_silence() -> None:
    async def story() -> None:
        async with Engine() as engine, Peer(STRANGER, engine.port) as stranger:
            for method in ("INVITE", "REGISTER", "OPTIONS", "MESSAGE"):
                stranger.send(request(method, stranger, body=method == "INVITE"))
                assert (await stranger.final()).startswith(b"SIP/2.0 403 ")
            assert not engine.all
        async with Engine(settings(strangers="silence")) as engine, Peer(STRANGER, engine.port) as stranger:
            for method in ("INVITE", "REGISTER", "OPTIONS", "CANCEL"):
                stranger.send(request(method, stranger, body=method == "INVITE"))
            await stranger.silence(0.3)
            assert not engine.all

    asyncio.run(story())


def test_a_registration_begins_is_renewed_and_ends() -> None:
    async def story() -> None:
        async with Engine() as engine, Peer(PHONE, engine.port) as phone:

            async def asks(**more: str) -> bytes:
                phone.send(request("REGISTER", phone, user="alice"))
                challenge = await phone.final()
                assert challenge.startswith(b"SIP/2.0 401 ")
                phone.send(register(phone, "alice", "wonderland", challenge, **more))
                return await phone.final()

            here = f"<sip:alice@{PHONE}:{phone.port}>"
            assert header(await asks(Contact=here, Expires="600"), "Contact") == f"{here};expires=600"
            assert header(await asks(Contact=f"{here};expires=90"), "Contact") == f"{here};expires=90"
            assert header(await asks(), "Contact") == f"{here};expires=90"
            brief = await asks(Contact=f"{here};expires=10")
            assert brief.startswith(b"SIP/2.0 423 ")
            assert header(brief, "Min-Expires") == "60"
            engine.sip.invite("out-1", "7000", "+13005550100", sdp.offer(LOCAL), None)
            assert (await phone.next()).startswith(f"INVITE sip:alice@{PHONE}:{phone.port} ".encode())
            engine.sip.hang_up("out-1")
            assert await engine.next(Ended) == Ended("out-1", "us")
            phone.drain()
            assert b"Contact" not in await asks(Contact="*", Expires="0")
            engine.sip.invite("out-2", "alice", "+13005550100", sdp.offer(LOCAL), None)
            assert await engine.next(Ended) == Ended("out-2", "us", 480)

    asyncio.run(story())


def test_a_password_is_good_for_its_own_user_and_once() -> None:
    async def story() -> None:
        async with Engine() as engine, Peer(PHONE, engine.port) as phone, Peer(HERE, engine.port) as other:
            phone.send(request("REGISTER", phone, user="bob"))
            challenge = await phone.final()
            bobs = register(phone, "bob", "builder", challenge, Contact=f"<sip:bob@{PHONE}:{phone.port}>")
            phone.send(bobs.replace(b"To: <sip:bob@", b"To: <sip:alice@"))
            assert (await phone.final()).startswith(b"SIP/2.0 403 ")
            again = bobs.replace(b"CSeq: ", b"CSeq: 9")
            phone.send(again)
            stale = await phone.final()
            assert stale.startswith(b"SIP/2.0 401 ")
            assert "stale=true" in header(stale, "WWW-Authenticate")
            other.send(again.replace(b"CSeq: ", b"CSeq: 9"))
            assert "stale" not in header(await other.final(), "WWW-Authenticate")

    asyncio.run(story())


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
@needs_phones
def test_a_real_phone_registers_is_called_calls_and_holds(transport: str, algorithm: str) -> None:
    """The phone is a process of its own: it is GPL, and its callbacks are another thread's."""

    async def story() -> None:
        config = settings(algorithms=(algorithm,))
        async with Engine(config) as engine, phone_process(engine, transport) as phone:
            await phone.says("registered 200")
            engine.sip.invite("out-1", "7000", "+13005550100", sdp.offer(LOCAL), None)
            await engine.next(Ringing)
            answered = await engine.next(Accepted)
            assert sdp.accept(answered.sdp, LOCAL).dtmf_pt is not None
            engine.sip.hang_up("out-1")
            assert (await engine.next(Ended)).answered
            await phone.says("over")
            phone.told("call 4321")
            invited = await engine.next(Invited)
            assert (invited.from_, invited.to, invited.peer) == ("7000", "4321", "alice")
            ours, _ = sdp.answer(invited.sdp, LOCAL)
            engine.sip.ring(invited.leg)
            engine.sip.accept(invited.leg, ours)
            await phone.says("talks")
            for order, direction in (("hold", "recvonly"), ("unhold", "sendrecv")):
                phone.told(order)
                offered = await engine.next(Offered)
                ours, session = sdp.answer(offered.sdp, LOCAL, ours)
                assert session.direction == direction
                engine.sip.answer_offer(offered.leg, ours)
                await phone.says("media")
            phone.told("hang up")
            assert (await engine.next(Ended)).by == "far"
            phone.told("end")

    asyncio.run(story())


class PhoneProcess:
    """`sip_phone.py`, with orders on its standard input and words on its output."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def __aenter__(self) -> "PhoneProcess":
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.terminate()
        await self._process.wait()

    def told(self, order: str) -> None:
        """Gives an order."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{order}\n".encode())

    async def says(self, word: str) -> None:
        """Waits for a line that begins so."""
        assert self._process.stdout is not None
        heard = []
        async with asyncio.timeout(20):
            while line := await self._process.stdout.readline():
                heard.append(line.decode().strip())
                if heard[-1].startswith(word):
                    return
        raise AssertionError(f"{word!r} was not said: {heard}")


class phone_process:
    """Starts alice's phone."""

    def __init__(self, engine: Engine, transport: str) -> None:
        self._words = [
            str(Path(__file__).parent / "sip_phone.py"),
            f"{HERE}:{engine.port}",
            "alice",
            "wonderland",
            PHONE,
            transport,
        ]

    async def __aenter__(self) -> PhoneProcess:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._phone = PhoneProcess(await asyncio.create_subprocess_exec(sys.executable, *self._words, **pipes))
        return self._phone

    async def __aexit__(self, *what: object) -> None:
        await self._phone.__aexit__(*what)
