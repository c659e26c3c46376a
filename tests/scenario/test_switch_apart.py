"""The embedded switch in processes of its own: what happens when one is lost, when its server is, when it cannot begin; and a
server with two of them. The far end is our SIP without media, told by hand, or a phone of ours (`cli.phone`) with sound."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from harness import Api, Receiver, Server, start_server, until
from live_harness import has_number
from sip_peer import Peer, register, request
from sip_stage import HERE, Engine, settings

from ringback.calls.live import (
    Answer,
    Answered,
    Dial,
    HangUp,
    Happening,
    HungUp,
    Incoming,
    Play,
    PlayEnded,
    Rang,
    Record,
    RecordEnded,
    Silence,
    Speech,
)
from ringback.cli.phone import Phone
from ringback.delivery.egress import SenderSettings
from ringback.engine.speech import SoundSettings
from ringback.engine.switch_told import COMMAND, told
from ringback.errors import OurError
from ringback.switch.apart.frames import MOST_BYTES, framed
from ringback.switch.apart.legs import LOST, LOST_UP
from ringback.switch.apart.messages import Begin, FromProcess, Refused, encode, from_process
from ringback.switch.apart.pipe import MOST_WAITING, Pipe
from ringback.switch.apart.process import PATIENT, Patience
from ringback.switch.apart.shares import shares
from ringback.switch.apart.switch import ApartSwitch
from ringback.switch.clock import LoopClock
from ringback.switch.embedded import sdp
from ringback.switch.embedded.settings import EmbeddedSettings
from ringback.switch.embedded.signalling import Invited
from ringback.switch.embedded.sip.settings import Phone as SipPhone
from ringback.switch.embedded.sip.settings import Trunk
from ringback.switch.simulated.endings import ENDINGS
from ringback.switch.speech.make import SpeechSettings

NUMBER, CALLED = "+61255500100", "+13005550199"
PHONE = "127.0.0.3"
ALICE = SipPhone(user="alice", password="wonderland", extension="7000")
OFFER = sdp.offer(sdp.Local(address=HERE, port=40_100, session=7))


def begins(folder: Path, trunk: Trunk, *listen: tuple[str, int]) -> list[Begin]:
    """What the processes are to be."""
    sounds = SoundSettings(speech=SpeechSettings(), sender=SenderSettings(), folder=folder / "sounds", most=1 << 20)
    first = random.randrange(50_000, 60_000, 2)
    every = EmbeddedSettings(port=0, trunks=(trunk,), phones=(ALICE,), phones_from=(f"{PHONE}/32",), rtp_ports=(first, first + 39))
    said = told(sounds, ())
    return [Begin(sip=sip, recordings=str(folder / "switch"), log_level=20, more=said) for sip in shares(every, listen)]


class Stage:
    """A switch, what it told, and the far end."""

    def __init__(self, switch: ApartSwitch, far: Engine, notes: list[str]) -> None:
        self.switch, self.far, self.notes = switch, far, notes
        self.told: list[Happening] = []
        switch.listen(self.told.append)

    async def until(self, reached: Callable[[], Any], within_s: float = 30) -> Any:
        deadline = time.monotonic() + within_s
        while not (value := reached()):
            assert time.monotonic() < deadline, (self.told, self.notes)
            await asyncio.sleep(0.01)
        return value

    async def tells(self, *expected: Happening) -> None:
        await self.until(lambda: all(one in self.told for one in expected))

    async def called(self, process: int = 0) -> str:
        """The far end calls one of the processes; the leg."""
        known = {one.leg for one in self.told}
        name = f"far-{random.getrandbits(40)}"
        self.far.sip.invite(name, f"sip:{NUMBER}@{HERE}:{self.port(process)}", CALLED, OFFER, None)
        found = await self.until(lambda: [one.leg for one in self.told if isinstance(one, Incoming) and one.leg not in known])
        return str(found[0])

    def port(self, process: int) -> int:
        return self.switch.processes[process].address[1]

    def pid(self, process: int = 0) -> int:
        pid = self.switch.processes[process].pid
        assert pid is not None
        return pid


@asynccontextmanager
async def stage(folder: Path, *listen: tuple[str, int], patience: Patience = PATIENT) -> AsyncIterator[Stage]:
    near = Trunk(name="phones", addresses=(f"{HERE}/32",))
    async with Engine(settings(trunks=(near,), phones=(), strangers="refuse")) as far:
        carrier = Trunk(name="carrier", addresses=(f"{HERE}/32",), host=HERE, port=far.port, account="the carrier's")
        notes: list[str] = []
        clock = LoopClock(asyncio.get_running_loop())
        wanted = begins(folder, carrier, *listen)
        switch = ApartSwitch(clock, wanted, COMMAND, account_of=lambda _: "the carrier's", note=notes.append, patience=patience)
        made = Stage(switch, far, notes)
        await switch.start()
        pids = [made.pid(number) for number in range(len(wanted))]
        try:
            yield made
        finally:
            await switch.stop()
        assert switch.legs == 0
        assert not any(map(is_there, pids))


def is_there(pid: int) -> bool:
    """Is there such a process, not counting one that nobody has waited for yet?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_process_that_is_killed_in_a_call_ends_it_and_is_begun_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            port, pid = on.port(0), on.pid()
            leg = await on.called()
            assert on.switch.account_of(leg) == "the carrier's"
            on.switch.obey(Answer(leg))
            on.switch.obey(Record(leg, 1, 60, channels=2))
            on.switch.obey(Dial("leg-1", leg, CALLED, NUMBER))
            await on.until(lambda: any(isinstance(signal, Invited) for signal in on.far.told))
            await on.tells(Answered(leg))
            await on.until(lambda: list((tmp_path / "switch" / str(pid)).glob("*.wav")))
            os.kill(pid, signal.SIGKILL)
            ends = [LOST_UP.of(leg), LOST.of("leg-1"), RecordEnded(leg, 1, "failed", channels=2)]
            await on.tells(*ends)
            assert on.told[-3:] == ends
            # Nobody is there: what is ordered now is told as its end.
            on.switch.obey(HangUp(leg))
            on.switch.obey(Dial("leg-2", "", CALLED, NUMBER))
            on.switch.obey(Record(leg, 2, 60))
            await on.tells(ENDINGS["cannot dial"].of("leg-2"), RecordEnded(leg, 2, "failed"))
            await on.until(lambda: on.switch.processes[0].is_open)
            assert (on.port(0), on.pid() != pid) == (port, True)
            assert on.notes == [f"the embedded switch at {HERE}:{port} was lost with 2 legs (ended by SIGKILL); it is begun again"]
            assert not (tmp_path / "switch" / str(pid)).exists()
            again = await on.called()
            on.switch.obey(Answer(again))
            await on.tells(Answered(again))

    asyncio.run(story())


def test_a_recording_is_handed_over_out_of_the_process_folder(tmp_path: Path) -> None:
    async def story() -> Path:
        async with stage(tmp_path) as on:
            leg = await on.called()
            on.switch.obey(Answer(leg))
            on.switch.obey(Record(leg, 1, 60))
            await on.tells(Answered(leg))
            on.switch.obey(HangUp(leg))
            recorded = await on.until(lambda: next((one for one in on.told if isinstance(one, RecordEnded)), None))
            return Path(recorded.file)

    file = asyncio.run(story())
    assert file.parent == tmp_path / "switch"
    assert file.read_bytes()[:4] == b"RIFF"


def test_a_stop_hangs_up_and_whatever_comes_later_fails(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            leg = await on.called()
            on.switch.obey(Answer(leg))
            on.switch.obey(Play(leg, 1, (Silence(0.3),)))
            await on.tells(Answered(leg), PlayEnded(leg, 1))
            await on.switch.stop()
            assert on.told[-1] == ENDINGS["we left"].of(leg)
            assert on.switch.lateness.slots > 0
            on.switch.obey(Dial("leg-1", "", CALLED, NUMBER))
            await on.tells(ENDINGS["cannot dial"].of("leg-1"))
            await on.switch.stop()
            assert on.notes == []

    asyncio.run(story())


def test_what_is_too_much_to_be_told_is_not_played_and_costs_nothing_else(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            leg = await on.called()
            on.switch.obey(Answer(leg))
            on.switch.obey(Play(leg, 1, (Speech("x" * MOST_BYTES),)))
            on.switch.obey(Play(leg, 2, (Silence(0.1),)))
            await on.tells(PlayEnded(leg, 1, "it is too much to be played"), PlayEnded(leg, 2))

    asyncio.run(story())


@pytest.mark.parametrize("sent", ["nonsense", "more than is taken"])
def test_a_side_that_cannot_be_understood_or_does_not_listen_is_given_up(sent: str) -> None:
    async def story() -> None:
        ours, theirs = socket.socketpair()
        broken = asyncio.Event()
        pipe = Pipe(from_process, lambda _: None, broken.set)
        with theirs:
            await pipe.open(ours)
            if sent == "nonsense":
                theirs.send(framed(b"?"))
            else:
                for _ in range(1 + MOST_WAITING // MOST_BYTES):
                    pipe.send(Refused("x" * (MOST_BYTES - 100)))
            async with asyncio.timeout(20):
                await broken.wait()
            pipe.send(Refused("nobody is there"))

    asyncio.run(story())


def test_a_listener_that_fails_hears_the_rest() -> None:
    async def story() -> list[str]:
        ours, theirs = socket.socketpair()
        heard: list[str] = []
        broken = asyncio.Event()

        def hears(message: FromProcess) -> None:
            assert isinstance(message, Refused)
            heard.append(message.message)
            raise ValueError

        with theirs:
            await Pipe(from_process, hears, broken.set).open(ours)
            theirs.send(framed(encode(Refused("one"))) + framed(encode(Refused("two"))))
        async with asyncio.timeout(20):
            await broken.wait()
        return heard

    assert asyncio.run(story()) == ["one", "two"]


def test_a_process_that_stands_still_is_killed_and_begun_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path, patience=Patience(look_s=0.5)) as on:
            pid = on.pid()
            leg = await on.called()
            os.kill(pid, signal.SIGSTOP)
            await on.tells(LOST.of(leg))
            await on.until(lambda: on.switch.processes[0].is_open)
            assert on.pid() != pid

    asyncio.run(story())


def test_two_addresses_are_two_processes_and_a_call_stays_in_one(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path, (HERE, 0), (HERE, 0)) as on:
            assert on.pid(0) != on.pid(1)
            second = await on.called(1)
            on.switch.obey(Answer(second))
            on.switch.obey(Dial("child-of-second", second, CALLED, NUMBER))
            on.switch.obey(Dial("placed", "", CALLED, NUMBER))
            await on.until(lambda: sum(isinstance(signal, Invited) for signal in on.far.told) == 2)
            for signal_ in on.far.told:
                if isinstance(signal_, Invited):
                    on.far.sip.ring(signal_.leg)
            await on.tells(Answered(second), Rang("child-of-second"), Rang("placed"))
            # The one that was placed is where there was nobody; it stays when the other process is lost.
            os.kill(on.pid(1), signal.SIGKILL)
            await on.tells(LOST_UP.of(second), LOST.of("child-of-second"))
            assert on.switch.legs == 1
            first = await on.called(0)
            on.switch.obey(Answer(first))
            await on.tells(Answered(first))
            assert not any(isinstance(one, HungUp) and one.leg == "placed" for one in on.told)
            await on.until(lambda: on.switch.processes[1].is_open)

    asyncio.run(story())


def test_a_phone_is_called_by_the_process_that_it_registered_with(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path, (HERE, 0), (HERE, 0)) as on, Peer(PHONE, on.port(1)) as phone:
            phone.send(request("REGISTER", phone, user="alice"))
            here = f"<sip:alice@{PHONE}:{phone.port}>"
            phone.send(register(phone, "alice", "wonderland", await phone.final(), Contact=here, Expires="600"))
            assert (await phone.final()).startswith(b"SIP/2.0 200 ")
            await on.until(lambda: on.switch.processes[1].pulse.phones == ("alice",))
            for dialled in ("7000", "alice"):
                on.switch.obey(Dial(f"to-{dialled}", "", dialled, NUMBER))
                assert (await phone.next()).startswith(f"INVITE sip:alice@{PHONE}:{phone.port} ".encode())
                on.switch.obey(HangUp(f"to-{dialled}"))
                await on.until(lambda name=f"to-{dialled}": any(isinstance(one, HungUp) and one.leg == name for one in on.told))
                phone.drain()

    asyncio.run(story())


def test_a_port_that_is_taken_is_named_and_nothing_stays(tmp_path: Path) -> None:
    async def story(taken: int) -> None:
        wanted = begins(tmp_path, Trunk(name="t", addresses=(f"{HERE}/32",)), (HERE, 0), (HERE, taken))
        switch = ApartSwitch(LoopClock(asyncio.get_running_loop()), wanted, COMMAND)
        with pytest.raises(OurError, match=f"^SIP cannot listen on UDP {HERE}:{taken}: "):
            await switch.start()
        assert [process.pid for process in switch.processes] == [None, None]

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind((HERE, 0))
        asyncio.run(story(holder.getsockname()[1]))


@pytest.mark.parametrize("command", [(sys.executable, "-c", "raise SystemExit(3)"), ("/nowhere/ringback",)])
def test_a_process_that_does_not_come_to_be_is_told(tmp_path: Path, command: tuple[str, ...]) -> None:
    async def story() -> None:
        wanted = begins(tmp_path, Trunk(name="t", addresses=(f"{HERE}/32",)))
        switch = ApartSwitch(LoopClock(asyncio.get_running_loop()), wanted, command)
        with pytest.raises(OurError, match=r"exit status 3|No such file"):
            await switch.start()

    asyncio.run(story())


def test_a_process_that_does_not_open_in_time_is_given_up(tmp_path: Path) -> None:
    async def story() -> None:
        wanted = begins(tmp_path, Trunk(name="t", addresses=(f"{HERE}/32",)))
        command = (sys.executable, "-c", "import time; time.sleep(60)")
        switch = ApartSwitch(LoopClock(asyncio.get_running_loop()), wanted, command, patience=Patience(start_s=0.5))
        with pytest.raises(OurError, match="was not ready within"):
            await switch.start()
        assert switch.processes[0].pid is None

    asyncio.run(story())


# A server with it
XML = b"<Response><Answer/><Say loop='50'>Please hold the line.</Say></Response>"


@pytest.fixture
def serving(tmp_path: Path, receiver: Receiver) -> Iterator[tuple[Server, Api]]:
    """One with two addresses, and an account whose number has an application."""
    receiver.answer = lambda _: (200, {"Content-Type": "application/xml"}, XML)
    server = start_server(
        tmp_path / "data", "--switch", "embedded", "--sip-listen", "127.0.0.1:0", "--sip-listen", "127.0.0.2:0", "--drain-s", "1"
    )
    try:
        api = server.account()
        has_number(api, None, number=NUMBER, voice={"url": f"{receiver.url}/voice"})
        yield server, api
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()


def children(pid: int) -> list[int]:
    return [int(word) for file in Path(f"/proc/{pid}/task").glob("*/children") for word in file.read_text().split()]


def listening(server: Server) -> dict[str, int]:
    """Where it listens for SIP: ports by address."""
    lines = [line for line in server.log.read_text().splitlines() if "sip.listening" in line]
    return {line.split("host=")[1].split()[0]: int(line.split("port=")[1].split()[0]) for line in lines}


async def calls(host: str, port: int, ended: Callable[[], None]) -> HungUp:
    """A phone calls, hears something, and sees how it ends."""
    heard: list[Happening] = []
    async with Phone(f"sip:{NUMBER}@{host}:{port}", "+61255500999", lambda _, one: heard.append(one)) as phone:
        phone.dial(20)
        assert await phone.answered(), heard
        await asyncio.to_thread(ended)
        phone.hang_up()
        return await phone.over()


def test_a_server_with_two_addresses_takes_calls_by_each_and_outlives_their_processes(serving: tuple[Server, Api]) -> None:
    server, api = serving
    where = listening(server)
    assert set(where) == {"127.0.0.1", "127.0.0.2"}
    workers = children(server.process.pid)
    assert len(workers) == 2
    for host, port in where.items():
        assert asyncio.run(calls(host, port, lambda: None)).status == "completed"

    def lost() -> None:
        # The phone is answered a moment before the server knows.
        until(lambda: any(call["status"] == "ongoing" for call in api.get("/v1/calls")["items"]))
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        until(lambda: [call["status"] for call in api.get("/v1/calls")["items"]] == ["completed"] * 3, 20)

    asyncio.run(calls("127.0.0.1", where["127.0.0.1"], lost))
    until(
        lambda: len(set(children(server.process.pid)) - set(workers)) == 2 and server.log.read_text().count("sip.listening") == 4,
        20,
    )
    notes = until(lambda: [note for note in server.operator.get("/v1/notes")["items"] if note["kind"] == "gap"])
    assert any("was lost with 1 legs (ended by SIGKILL)" in note["text"] for note in notes), notes
    assert listening(server) == where
    assert asyncio.run(calls("127.0.0.2", where["127.0.0.2"], lambda: None)).status == "completed"
    again = children(server.process.pid)
    assert server.stop() == 0, server.log.read_text()
    assert not any(map(is_there, [*workers, *again]))
    assert "Traceback" not in server.log.read_text()


def test_a_server_that_is_killed_leaves_no_process_and_calls_are_hung_up(serving: tuple[Server, Api]) -> None:
    server, _ = serving
    host, port = next(iter(listening(server).items()))
    workers = children(server.process.pid)
    ended = asyncio.run(_until_hung_up(host, port, server))
    assert (ended.status, ended.by) == ("completed", "callee")
    until(lambda: not any(map(is_there, workers)), 20)


async def _until_hung_up(host: str, port: int, server: Server) -> HungUp:
    async with Phone(f"sip:{NUMBER}@{host}:{port}", "+61255500999", lambda _, __: None) as phone:
        phone.dial(20)
        assert await phone.answered()
        server.process.kill()
        async with asyncio.timeout(20):
            return await phone.over()


def test_what_ends_a_server_from_a_terminal_is_left_to_it(serving: tuple[Server, Api]) -> None:
    server, _ = serving
    for worker in children(server.process.pid):
        os.kill(worker, signal.SIGINT)
        os.kill(worker, signal.SIGTERM)
    host, port = next(iter(listening(server).items()))
    assert asyncio.run(calls(host, port, lambda: None)).status == "completed"
    assert server.stop(signal.SIGINT) == 0


def test_no_list_of_processes_shows_a_password(tmp_path: Path) -> None:
    config = tmp_path / "sip.json"
    config.write_text('{"phones": [{"user": "desk", "password": "known-to-the-phone"}], "port": 0}')
    server = start_server(tmp_path / "data", "--switch", "embedded", "--sip-config", str(config))
    try:
        (worker,) = children(server.process.pid)
        shown = Path(f"/proc/{worker}/cmdline").read_bytes() + Path(f"/proc/{worker}/environ").read_bytes()
        assert b"switch_process" in shown
        assert b"known-to-the-phone" not in shown
        assert b"RINGBACK_" not in shown
    finally:
        assert server.stop() == 0


def test_a_server_whose_port_is_taken_says_so_and_ends(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind((HERE, 0))
        taken = holder.getsockname()[1]
        words = [
            "serve",
            "--data",
            str(tmp_path / "data"),
            "--port",
            "0",
            "--switch",
            "embedded",
            "--sip-listen",
            f"{HERE}:{taken}",
        ]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("RINGBACK_")}
        done = subprocess.run(
            [sys.executable, "-m", "ringback", *words], capture_output=True, text=True, env=clean, timeout=60, check=False
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"ringback: SIP cannot listen on UDP {HERE}:{taken}: ")
