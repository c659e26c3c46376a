"""What no phone sends: packets by hand, some of them meant ill. Whatever comes, the engine goes on."""

import asyncio
import random
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from sip_peer import BODY, Peer, header, request
from sip_stage import HERE, OFFER, OURS, TRUNK, Engine, needs_sipp, settings, sipp, things

from ringback.errors import OurError
from ringback.switch.embedded.sdp import SdpError
from ringback.switch.embedded.signalling import Accepted, Ended, Invited, Offered, Ringing
from ringback.switch.embedded.signalling import Peer as Trunk
from ringback.switch.embedded.sip import digest


async def alive(engine: Engine, peer: Peer) -> None:
    """Still answers."""
    peer.drain()
    sent = request("OPTIONS", peer)
    peer.send(sent)
    while True:
        answer = await peer.final()
        if header(answer, "Call-ID") == header(sent, "Call-ID"):
            assert answer.startswith(b"SIP/2.0 200 ")
            return


@pytest.mark.parametrize(
    ("method", "status"),
    [("OPTIONS", 200), ("MESSAGE", 405), ("SUBSCRIBE", 405), ("FROBNICATE", 501), ("BYE", 481), ("UPDATE", 481)],
)
def test_requests_outside_a_call(method: str, status: int) -> None:
    async def story() -> None:
        async with Engine() as engine, Peer(TRUNK, engine.port) as trunk:
            trunk.send(request(method, trunk))
            answer = await trunk.final()
            assert answer.startswith(f"SIP/2.0 {status} ".encode())
            assert ("INVITE" in header(answer, "Allow")) == (status in (200, 405))

    asyncio.run(story())


@pytest.mark.parametrize(
    ("why", "change", "status"),
    [
        ("no Contact", (b"Contact:", b"X-Contact:"), 400),
        ("a Contact that is none", (b"Contact: <sip:", b"Contact: <fax:"), 400),
        ("an extension that we do not know", (b"Max-Forwards: 70", b"Max-Forwards: 70\r\nRequire: 100rel"), 420),
        ("a body of another kind", (b"application/sdp", b"application/isup"), 415),
        ("of a call that is not", (b"To: <sip:100@127.0.0.1>", b"To: <sip:100@127.0.0.1>;tag=x"), 481),
        ("a body that is cut", (f"Content-Length: {len(BODY)}".encode(), b"Content-Length: 4000"), 400),
    ],
)
def test_an_invite_that_cannot_be_taken(why: str, change: tuple[bytes, bytes], status: int) -> None:
    async def story() -> None:
        async with Engine() as engine, Peer(TRUNK, engine.port) as trunk:
            trunk.send(request("INVITE", trunk, body=True).replace(*change))
            assert (await trunk.final()).startswith(f"SIP/2.0 {status} ".encode())
            assert not engine.all
            await alive(engine, trunk)

    asyncio.run(story())


def test_an_invite_again_is_the_same_call_and_a_fork_of_it_a_loop() -> None:
    async def story() -> None:
        async with Engine() as engine, Peer(TRUNK, engine.port) as trunk:
            invite = request("INVITE", trunk, body=True)
            for _ in range(3):
                trunk.send(invite)
            invited = await engine.next(Invited)
            trunk.send(invite.replace(b"branch=z9hG4bK-", b"branch=z9hG4bK-other-"))
            assert (await trunk.final()).startswith(b"SIP/2.0 482 ")
            engine.sip.refuse(invited.leg, 603)
            assert (await trunk.final()).startswith(b"SIP/2.0 603 ")
            assert sum(isinstance(signal, Invited) for signal in engine.all) == 1

    asyncio.run(story())


def test_names_in_other_letters_arrive() -> None:
    async def story() -> None:
        async with Engine() as engine, Peer(TRUNK, engine.port) as trunk:
            invite = request("INVITE", trunk, body=True).decode()
            trunk.send(invite.replace("From: <", 'From: "Åsa Müller 日本" <').encode())
            invited = await engine.next(Invited)
            assert invited.name == "Åsa Müller 日本"
            engine.sip.refuse(invited.leg, 486)
            answer = await trunk.final()
            assert '"Åsa Müller 日本"'.encode() in answer

    asyncio.run(story())


def test_an_answer_goes_where_the_request_came_from() -> None:
    async def story() -> None:
        async with Engine() as engine, Peer(TRUNK, engine.port) as trunk, Peer(TRUNK, engine.port) as victim:
            lie = request("OPTIONS", trunk).replace(b";rport", f";rport={victim.port};received={HERE}".encode())
            trunk.send(lie)
            assert (await trunk.final()).startswith(b"SIP/2.0 200 ")
            await victim.silence(0.1)

    asyncio.run(story())


def in_dialogue(method: str, invite: bytes, answer: bytes, peer: Peer, number: int, extra: str = "", body: bytes = b"") -> bytes:
    """A request of the call that an INVITE began."""
    lines = [
        f"{method} sip:x@127.0.0.1 SIP/2.0",
        f"Via: SIP/2.0/UDP {peer.host}:{peer.port};branch=z9hG4bK-d{number}{method};rport",
        f"From: {header(invite, 'From')}",
        f"To: {header(answer, 'To')}",
        f"Call-ID: {header(invite, 'Call-ID')}",
        f"CSeq: {number} {method}",
        f"Contact: <sip:x@{peer.host}:{peer.port}>",
        *([extra] if extra else []),
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + body


def test_requests_inside_a_call_are_all_answered() -> None:
    async def story() -> None:
        async with Engine() as engine, Peer(TRUNK, engine.port) as trunk:
            invite = request("INVITE", trunk, body=True)
            base = int(header(invite, "CSeq").split()[0])
            trunk.send(invite)
            engine.answer(await engine.next(Invited))
            answer = await trunk.final()
            trunk.send(in_dialogue("ACK", invite, answer, trunk, base))
            for number, (method, status) in enumerate(
                [
                    ("OPTIONS", 200),
                    ("INFO", 200),
                    ("REFER", 405),
                    ("MESSAGE", 405),
                    ("NOTIFY", 405),
                    ("FROB", 501),
                    ("UPDATE", 200),
                ],
                1,
            ):
                trunk.send(in_dialogue(method, invite, answer, trunk, base + number, "Refer-To: <sip:evil@127.0.0.9>"))
                assert (await trunk.final()).startswith(f"SIP/2.0 {status} ".encode()), method
            trunk.send(in_dialogue("BYE", invite, answer, trunk, base))
            assert (await trunk.final()).startswith(b"SIP/2.0 500 "), "an old number"
            trunk.send(in_dialogue("BYE", invite, answer, trunk, base + 50))
            assert (await trunk.final()).startswith(b"SIP/2.0 200 ")
            assert (await engine.next(Ended)).by == "far"

    asyncio.run(story())


def test_a_session_that_is_not_acceptable_leaves_the_call_as_it_was() -> None:
    async def story() -> None:
        async with Engine() as engine, Peer(TRUNK, engine.port) as trunk:
            invite = request("INVITE", trunk, body=True)
            base = int(header(invite, "CSeq").split()[0])
            trunk.send(invite)
            engine.answer(await engine.next(Invited))
            answer = await trunk.final()
            trunk.send(in_dialogue("ACK", invite, answer, trunk, base))
            for number, method in ((base + 1, "INVITE"), (base + 2, "UPDATE")):
                trunk.send(in_dialogue(method, invite, answer, trunk, number, body=b"v=0 and no more\r\n"))
                engine.sip.answer_offer((await engine.next(Offered)).leg, b"")
                refused = await trunk.final()
                assert refused.startswith(b"SIP/2.0 488 ")
                if method == "INVITE":
                    trunk.send(in_dialogue("ACK", invite, refused, trunk, number))
            again = in_dialogue("INVITE", invite, answer, trunk, base + 3, body=BODY.replace(b"40100", b"40102"))
            trunk.send(again)
            await engine.next(Offered)
            trunk.send(in_dialogue("INVITE", invite, answer, trunk, base + 4, body=BODY))
            refused = await trunk.final()
            assert refused.startswith(b"SIP/2.0 491 ")
            trunk.send(in_dialogue("ACK", invite, refused, trunk, base + 4))
            cancel = (
                again.replace(b"INVITE sip", b"CANCEL sip")
                .replace(b" INVITE\r\n", b" CANCEL\r\n")
                .replace(BODY.replace(b"40100", b"40102"), b"")
            )
            trunk.send(cancel.replace(f"Content-Length: {len(BODY)}".encode(), b"Content-Length: 0"))
            assert {(await trunk.final())[:11], (await trunk.final())[:11]} == {b"SIP/2.0 200", b"SIP/2.0 487"}
            trunk.send(in_dialogue("BYE", invite, answer, trunk, base + 5))
            assert await engine.next(Ended) == Ended(engine.all[0].leg, "far", None, None, True)

    asyncio.run(story())


def test_a_caller_that_says_bye_before_the_answer() -> None:
    async def story() -> None:
        async with Engine() as engine, Peer(TRUNK, engine.port) as trunk:
            invite = request("INVITE", trunk, body=True)
            base = int(header(invite, "CSeq").split()[0])
            trunk.send(invite)
            invited = await engine.next(Invited)
            engine.sip.ring(invited.leg)
            while not (answer := await trunk.next()).startswith(b"SIP/2.0 180 "):
                pass
            trunk.send(in_dialogue("BYE", invite, answer, trunk, base + 1))
            assert not (await engine.next(Ended)).answered

    asyncio.run(story())


def test_a_proxy_that_asks_for_a_password_again_and_again() -> None:
    async def story() -> None:
        async with Engine() as engine, Peer(TRUNK, engine.port) as proxy:
            peer = Trunk(name="carrier", host=TRUNK, port=proxy.port, user="us", password="secret")
            engine.sip.invite("out-1", "123", "456", OFFER, peer)
            for turn in range(2):
                invite = await proxy.next()
                known = digest.read_credentials(header(invite, "Proxy-Authorization"))
                assert (known is not None) == bool(turn)
                assert known is None or digest.fits(known, "secret", "INVITE")
                lines = [f"{name}: {header(invite, name)}" for name in ("Via", "From", "Call-ID", "CSeq")]
                lines += [f"To: {header(invite, 'To')};tag=p{turn}", f'Proxy-Authenticate: Digest realm="p", nonce="n{turn}"']
                proxy.send("\r\n".join(["SIP/2.0 407 No", *lines, "Content-Length: 0", "", ""]).encode())
                assert (await proxy.next()).startswith(b"ACK ")
            assert await engine.next(Ended) == Ended("out-1", "far", 407)

    asyncio.run(story())


def test_an_answer_that_crosses_our_giving_up_is_acknowledged_and_ended() -> None:
    async def story() -> None:
        async with Engine() as engine, Peer(TRUNK, engine.port) as callee:
            engine.call(callee.port)
            invite = await callee.next()
            head = [f"{name}: {header(invite, name)}" for name in ("Via", "From", "Call-ID", "CSeq")]
            head += [f"To: {header(invite, 'To')};tag=p", f"Contact: <sip:x@{TRUNK}:{callee.port}>", "Content-Length: 0", "", ""]
            callee.send("\r\n".join(["SIP/2.0 180 Ringing", *head]).encode())
            await engine.next(Ringing)
            engine.sip.hang_up("out-1")
            assert (await callee.next()).startswith(b"CANCEL ")
            callee.send("\r\n".join(["SIP/2.0 200 OK", *head]).encode())
            methods = {(await callee.next())[:4] for _ in range(2)}
            assert methods == {b"ACK ", b"BYE "}
            assert await engine.next(Ended) == Ended("out-1", "us")

    asyncio.run(story())


# Noise
def noise(random_: random.Random, peer: Peer) -> bytes:
    """Something that is nearly SIP."""
    method = random_.choice(["INVITE", "REGISTER", "OPTIONS", "BYE", "ACK", "CANCEL", "UPDATE"])
    data = bytearray(request(method, peer, body=random_.random() < 0.5))
    kind = random_.randrange(6)
    if kind == 0:
        return random_.randbytes(random_.randrange(1, 2_000))
    if kind == 1:
        return bytes(data[: random_.randrange(len(data))])
    if kind == 2:
        at = random_.randrange(len(data))
        data[at:at] = random_.randbytes(random_.randrange(1, 40))
    elif kind == 3:
        lines = bytes(data).split(b"\r\n")
        lines.insert(random_.randrange(1, len(lines)), random_.choice(lines))
        return b"\r\n".join(lines)
    elif kind == 4:
        name = random_.choice([b"Via", b"From", b"To", b"CSeq", b"Call-ID", b"Contact", b"Content-Length", b"Max-Forwards"])
        value = random_.choice(
            [b"", b"-1", b"*", b"," * 500, b"<" * 500, b"\xff\xfe", b'"', b"9" * 400, b";;;=", b"<sip:[::1]>", b"\r\n \r\n"]
        )
        lines = bytes(data).split(b"\r\n")
        return b"\r\n".join(name + b": " + value if line.startswith(name + b":") else line for line in lines)
    else:
        for _ in range(random_.randrange(1, 30)):
            data[random_.randrange(len(data))] = random_.randrange(256)
    return bytes(data)


def bears(engine: Engine) -> Callable[[object], None]:
    """What a switch does with what may be noise."""

    def told(signal: object) -> None:
        if isinstance(signal, Invited):
            try:
                engine.answer(signal)
            except SdpError as error:
                engine.sip.refuse(signal.leg, error.status)
        elif isinstance(signal, Offered):
            engine.sip.answer_offer(signal.leg, b"")

    return told


def test_noise_over_udp_and_nothing_of_it_stays() -> None:
    async def story() -> None:
        random_ = random.Random(8)
        async with Engine(pace=0.01) as engine, Peer(TRUNK, engine.port) as trunk:
            engine.behaves = bears(engine)
            await alive(engine, trunk)
            before = things()
            for _ in range(60):
                for _ in range(25):
                    trunk.send(noise(random_, trunk))
                await alive(engine, trunk)
            trunk.send(b"INVITE sip:x SIP/2.0\r\n" + b"A: b\r\n" * 10_000)
            trunk.send(request("OPTIONS", trunk, extra=["X: " + "y" * 60_000]))
            await alive(engine, trunk)
            engine.all = [signal for signal in engine.all if isinstance(signal, Invited | Ended)]
            await engine.ends(sum(isinstance(signal, Invited) for signal in engine.all))
            await asyncio.sleep(0.8)  # 32 s and 32 s more at this pace, and some
            engine.all.clear()
            engine.told.clear()
            after = things()
            assert {name: after[name] - before[name] for name in OURS if after[name] > before[name] + 2} == {}

    asyncio.run(story())


def pour(random_: random.Random, peer: Peer, port: int, turn: int) -> None:
    """A TCP connection with noise on it."""
    with socket.create_connection((HERE, port), 10, source_address=(TRUNK, 0)) as stream, suppress(ConnectionError):
        for _ in range(5):  # it hangs up on what cannot be understood
            stream.sendall(noise(random_, peer))
        stream.sendall(b"\r\n" * (turn % 5))
        if turn % 2:
            with suppress(OSError):  # it has hung up already
                stream.shutdown(socket.SHUT_WR)
            while stream.recv(9_000):
                pass


def test_noise_over_tcp() -> None:
    async def story() -> None:
        random_ = random.Random(9)
        async with Engine() as engine, Peer(TRUNK, engine.port) as trunk:
            engine.behaves = bears(engine)
            for turn in range(60):
                await asyncio.to_thread(pour, random_, trunk, engine.port, turn)
            await alive(engine, trunk)

    asyncio.run(story())


def test_a_keep_alive_over_tcp_is_answered() -> None:
    async def story() -> None:
        async with Engine() as engine:
            reader, writer = await asyncio.open_connection(HERE, engine.port, local_addr=(TRUNK, 0))
            writer.write(b"\r\n\r\n")
            assert await reader.readexactly(2) == b"\r\n"
            writer.close()
            await writer.wait_closed()

    asyncio.run(story())


def test_a_flood_of_a_stranger_does_not_reach_sippy() -> None:
    async def story() -> None:
        async with Engine() as engine, Peer("127.0.0.9", engine.port) as stranger, Peer(TRUNK, engine.port) as trunk:
            for _ in range(10):
                for _ in range(100):
                    stranger.send(request("OPTIONS", stranger))
                await alive(engine, trunk)
            answers = 0
            while not stranger._came.empty():
                answers += (await stranger.final()).startswith(b"SIP/2.0 403 ")
            assert 0 < answers < 400

    asyncio.run(story())


# Beginning and end
def test_a_start_that_is_given_up_leaves_nothing() -> None:
    async def story() -> None:
        engine = Engine()
        starting = asyncio.get_running_loop().create_task(engine.sip.start(engine._tell))
        await asyncio.sleep(0)
        starting.cancel()
        await asyncio.wait({starting})
        await engine.sip.start(engine._tell)
        with pytest.raises(OurError):
            await engine.sip.start(engine._tell)
        await engine.sip.stop()
        engine.sip.hang_up("gone")

    asyncio.run(story())


def test_started_and_stopped_again_and_again() -> None:
    async def story() -> None:
        engine = Engine()
        ports = set()
        for _ in range(5):
            await engine.sip.start(engine._tell)
            ports.add(engine.port)
            async with Peer(TRUNK, engine.port) as trunk:
                await alive(engine, trunk)
            await engine.sip.stop()
        assert 0 not in ports
        await engine.sip.stop()

    asyncio.run(story())


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_port_that_is_taken(kind: socket.SocketKind) -> None:
    async def story() -> None:
        with socket.socket(socket.AF_INET, kind) as taken:
            taken.bind((HERE, 0))
            port = taken.getsockname()[1]
            if kind == socket.SOCK_STREAM:
                taken.listen()
            with pytest.raises(OurError, match=f"{'UDP' if kind == socket.SOCK_DGRAM else 'TCP'} 127.0.0.1:{port}"):
                await Engine(settings(port=port)).sip.start(lambda _: None)

    asyncio.run(story())


def test_two_engines_do_not_share_a_port() -> None:
    async def story() -> None:
        async with Engine() as engine:
            with pytest.raises(OurError):
                await Engine(settings(port=engine.port)).sip.start(lambda _: None)

    asyncio.run(story())


@needs_sipp
def test_stopping_ends_the_calls_that_are_left(tmp_path: Path) -> None:
    async def story() -> None:
        async with Engine() as engine, sipp(tmp_path, "callee_hangs_up", engine) as caller:
            engine.answer(await engine.next(Invited))
            async with sipp(tmp_path, "callee_is_hung_up") as callee:
                engine.call(callee.port)
                await engine.next(Ringing)
                await engine.next(Accepted)
                await engine.sip.stop()
                await callee.done()
                await caller.done()
            assert [ended.by for ended in await engine.ends(2)] == ["us", "us"]

    asyncio.run(story())
