"""Sessions talk to each other over real sockets, and what was played is looked for in what was recorded."""

import asyncio
import itertools
import math
import random
import socket
import struct
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from ringback.calls.live import Detection, RecordEnd
from ringback.switch.embedded.media import Clip, Dialled, Growing, Media, MediaSession, NoPort, Quiet, ring_tone
from ringback.switch.embedded.media.rtp import build, parse
from ringback.switch.embedded.media.tones import PAIRS, tone
from ringback.switch.embedded.media.wav import mend

HERE = "127.0.0.1"
RANGE = (21_000, 21_400)
EVENTS = 101


def hz(frequency: float, seconds: float, loud: int = 8_000) -> bytes:
    return tone(((frequency, 1.0),), seconds, loud)


def share(samples: list[int], frequency: float) -> float:
    """Of the power of these samples, what is at a frequency (Goertzel)."""
    total = sum(s * s for s in samples)
    if not total:
        return 0.0
    coefficient = 2 * math.cos(2 * math.pi * frequency / 8_000)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + coefficient * last - before
    return (before * before + last * last - coefficient * before * last) / (total * len(samples) / 2)


def read(path: Path) -> list[list[int]]:
    """A list of samples for each channel."""
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getsampwidth()) == (8_000, 2)
        samples = list(memoryview(file.readframes(file.getnframes())).cast("h"))
        return [samples[n :: file.getnchannels()] for n in range(file.getnchannels())]


def loud_seconds(samples: list[int]) -> float:
    return sum(max(map(abs, samples[at : at + 160])) > 500 for at in range(0, len(samples), 160)) / 50


class Stage:
    """Media and what its sessions told."""

    def __init__(self, media: Media, folder: Path) -> None:
        self.media = media
        self.folder = folder
        self.keys: dict[MediaSession, str] = {}
        self.dead: list[MediaSession] = []
        self.ended: dict[int, tuple[RecordEnd, float]] = {}
        self.played: dict[int, str] = {}
        self.begun = time.monotonic()

    def session(self) -> MediaSession:
        session = self.media.session(lambda key: self.pressed(session, key), lambda: self.dead.append(session))
        self.keys[session] = ""
        return session

    def pressed(self, session: MediaSession, key: str) -> None:
        self.keys[session] += key

    def pair(self, one: str = "PCMU", other: str = "PCMU", events: int | None = EVENTS) -> tuple[MediaSession, MediaSession]:
        """Two that are each other's phone."""
        a, b = self.session(), self.session()
        a.connect(b.local, one, events)  # type: ignore[arg-type]
        b.connect(a.local, other, events)  # type: ignore[arg-type]
        return a, b

    def play(self, session: MediaSession, op: int, *sources: Any) -> None:
        session.play(op, sources, lambda error: self.played.__setitem__(op, error))

    def record(self, session: MediaSession, op: int, **wanted: Any) -> Path:
        path = self.folder / f"{op}.wav"
        session.record(
            op, path, lambda why, seconds: self.ended.__setitem__(op, (why, seconds)), limit_s=wanted.pop("limit_s", 60), **wanted
        )
        return path

    async def until(self, met: Callable[[], object], seconds: float = 8.0) -> None:
        deadline = time.monotonic() + seconds
        while not met():
            assert time.monotonic() < deadline, "it did not happen"
            await asyncio.sleep(0.01)

    async def passes(self, seconds: float) -> None:
        """As many slots, whatever the machine's load."""
        slots = self.media.lateness.slots + round(seconds * 50)
        await self.until(lambda: self.media.lateness.slots >= slots, seconds + 8)


Story = Callable[[Stage], Coroutine[Any, Any, None]]
Run = Callable[..., None]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def tell(story: Story, **settings: Any) -> None:
        async def whole() -> None:
            media = Media(HERE, RANGE, **settings)
            try:
                await story(Stage(media, tmp_path))
            finally:
                await media.close()

        asyncio.run(whole())

    return tell


# Playing and recording
@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_a_tone_that_is_played_is_in_the_recording_of_the_far_end(run: Run, codec: str) -> None:
    async def story(stage: Stage) -> None:
        a, b = stage.pair(codec, codec)
        path = stage.record(b, 1, track="inbound")
        stage.play(a, 2, hz(400, 0.5), Quiet(0.2), Clip(hz(900, 0.5)))
        await stage.until(lambda: 2 in stage.played)
        await stage.passes(0.3)
        b.stop_record(1)
        await stage.until(lambda: 1 in stage.ended)
        assert stage.ended[1][0] == "stopped"
        assert stage.played[2] == ""
        (samples,) = read(path)
        assert abs(len(samples) / 8_000 - stage.ended[1][1]) < 0.001
        begin = next(n for n, sample in enumerate(samples) if abs(sample) > 500)
        assert share(samples[begin + 400 : begin + 3_600], 400) > 0.95
        assert max(map(abs, samples[begin + 4_100 : begin + 5_300])) < 100
        assert share(samples[begin + 6_000 : begin + 9_200], 900) > 0.95

    run(story)


def test_both_sides_apart_and_mixed(run: Run) -> None:
    async def story(stage: Stage) -> None:
        a, b = stage.pair()
        dual, mono = stage.record(b, 1, channels=2), stage.record(b, 2)
        stage.play(a, 3, hz(400, 1.0))
        stage.play(b, 4, hz(700, 1.0))
        await stage.until(lambda: {3, 4} <= stage.played.keys())
        await stage.passes(0.2)
        b.close()
        await stage.until(lambda: {1, 2} <= stage.ended.keys())
        assert stage.ended[1][0] == stage.ended[2][0] == "hangup"
        left, right = read(dual)
        assert share(left[2_400:6_400], 400) > 0.95
        assert share(right[2_400:6_400], 700) > 0.95
        (both,) = read(mono)
        assert share(both[2_400:6_400], 400) > 0.4
        assert share(both[2_400:6_400], 700) > 0.4

    run(story)


def test_a_prompt_is_stopped_at_once_and_the_next_begins(run: Run) -> None:
    async def story(stage: Stage) -> None:
        a, b = stage.pair()
        path = stage.record(b, 9, track="inbound")
        stage.play(a, 1, Quiet(60))
        stage.play(a, 2, hz(600, 0.3))
        await stage.passes(0.1)
        a.stop(1)
        await stage.until(lambda: 2 in stage.played)
        assert 1 not in stage.played
        await stage.passes(0.2)
        b.stop_record(9)
        await stage.until(lambda: 9 in stage.ended)
        assert 0.26 <= loud_seconds(read(path)[0]) <= 0.4

    run(story)


def test_sound_that_is_still_being_made_is_played_as_it_comes(run: Run) -> None:
    async def story(stage: Stage) -> None:
        a, b = stage.pair()
        path = stage.record(b, 9, track="inbound")
        speech = Growing()
        stage.play(a, 1, speech)
        sound = hz(500, 0.6)
        for at in range(0, len(sound), 1_000):
            speech.feed(sound[at : at + 1_000])
            await stage.passes(0.04)
        assert 1 not in stage.played
        speech.end("the voice was lost")
        await stage.until(lambda: 1 in stage.played)
        assert stage.played[1] == "the voice was lost"
        await stage.passes(0.2)
        b.stop_record(9)
        await stage.until(lambda: 9 in stage.ended)
        assert 0.55 <= loud_seconds(read(path)[0]) <= 0.75

    run(story)


def test_a_ring_tone_sounds_until_it_is_stopped(run: Run) -> None:
    async def story(stage: Stage) -> None:
        a, b = stage.pair()
        path = stage.record(b, 9, track="inbound")
        stage.play(a, 1, ring_tone("uk"))
        await stage.passes(1.2)
        a.stop(1)
        await stage.passes(0.3)
        b.stop_record(9)
        await stage.until(lambda: 9 in stage.ended)
        (samples,) = read(path)
        assert 0.7 <= loud_seconds(samples) <= 0.95
        begin = next(n for n, sample in enumerate(samples) if abs(sample) > 500)
        assert share(samples[begin : begin + 3_000], 400) > 0.4
        assert share(samples[begin : begin + 3_000], 450) > 0.4

    run(story)


def test_a_recording_begins_after_its_beep(run: Run) -> None:
    async def story(stage: Stage) -> None:
        a, b = stage.pair()
        heard, message = stage.record(a, 1, track="inbound"), stage.record(b, 2, beep_first=True, track="both", limit_s=0.5)
        await stage.until(lambda: 2 in stage.ended)
        a.stop_record(1)
        await stage.until(lambda: 1 in stage.ended)
        assert stage.ended[2] == ("limit", pytest.approx(0.5))
        (beeped,) = read(heard)
        assert 0.18 <= loud_seconds(beeped) <= 0.26
        begin = next(n for n, sample in enumerate(beeped) if abs(sample) > 500)
        assert share(beeped[begin : begin + 1_500], 1_000) > 0.9
        assert loud_seconds(read(message)[0]) == 0

    run(story)


def test_silence_ends_a_recording(run: Run) -> None:
    async def story(stage: Stage) -> None:
        a, b = stage.pair()
        stage.record(b, 1, silence_s=0.6)
        stage.play(a, 2, hz(400, 1.0))
        await stage.until(lambda: 1 in stage.ended)
        why, seconds = stage.ended[1]
        assert why == "silence"
        assert 1.5 <= seconds <= 2.0

    run(story)


def test_a_file_that_cannot_be_written_fails_its_recording_alone(run: Run) -> None:
    async def story(stage: Stage) -> None:
        _, b = stage.pair()
        (stage.folder / "1.wav").write_bytes(b"another's")
        stage.record(b, 1, limit_s=1.1)
        stage.record(b, 2, limit_s=1.1)
        await stage.until(lambda: {1, 2} <= stage.ended.keys())
        assert stage.ended[1][0] == "failed"
        assert stage.ended[2] == ("limit", pytest.approx(1.1))
        assert (stage.folder / "1.wav").read_bytes() == b"another's"

    run(story)


def test_a_process_that_is_killed_leaves_a_file_that_can_be_played(tmp_path: Path) -> None:
    path = tmp_path / "r.wav"
    program = (
        "import sys; from pathlib import Path; from ringback.switch.embedded.media.wav import WavWriter\n"
        "writer = WavWriter(Path(sys.argv[1]), 2)\n"
        "while True: writer.append(b'\\0\\x10' * 16_000); print(flush=True)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(20):
            process.stdout.readline()
        process.kill()
    left, right = read(path)
    assert len(left) == len(right) >= 20 * 8_000
    assert mend(path) >= 4 * len(left)
    assert len(read(path)[0]) >= len(left)


# Keys
@pytest.mark.parametrize("events", [EVENTS, None], ids=["as events", "as tones"])
def test_keys_arrive(run: Run, events: int | None) -> None:
    async def story(stage: Stage) -> None:
        a, b = stage.pair(events=events)
        stage.play(a, 1, Dialled("12w*#A99"))
        await stage.until(lambda: 1 in stage.played)
        await stage.until(lambda: stage.keys[b] == "12*#A99")
        assert stage.keys[a] == ""

    run(story)


def test_nothing_of_what_is_private_is_recorded(run: Run) -> None:
    async def story(stage: Stage) -> None:
        a, b = stage.pair(events=None)
        path = stage.record(b, 1, channels=2)
        stage.play(a, 2, hz(400, 0.5))
        await stage.until(lambda: 2 in stage.played)
        await stage.passes(0.1)
        b.privacy(True)
        stage.play(a, 3, Dialled("4111"))
        stage.play(b, 4, hz(700, 0.5))
        await stage.until(lambda: {3, 4} <= stage.played.keys())
        b.privacy(False)
        await stage.passes(0.4)
        stage.play(b, 5, hz(700, 0.5))
        await stage.until(lambda: 5 in stage.played)
        b.stop_record(1)
        await stage.until(lambda: 1 in stage.ended)
        assert stage.keys[b] == "4111"
        left, right = read(path)
        assert 0.4 <= loud_seconds(left) <= 0.55
        assert 0.4 <= loud_seconds(right) <= 0.55
        for at in range(0, len(left) - 800, 800):
            for pair in PAIRS.values():
                assert min(share(left[at : at + 800], frequency) for frequency in pair) < 0.2

    run(story)


# Bridges
@pytest.mark.parametrize(("one", "other"), [("PCMU", "PCMU"), ("PCMU", "PCMA")])
def test_two_legs_of_a_bridge_hear_each_other_and_each_others_keys(run: Run, one: str, other: str) -> None:
    async def story(stage: Stage) -> None:
        alice, left = stage.pair(one, one)
        bob, right = stage.pair(other, other)
        left.bridge(right)
        taken, heard_by_alice, heard_by_bob = (
            stage.record(left, 1, channels=2),
            stage.record(alice, 2, track="inbound"),
            stage.record(bob, 3, track="inbound"),
        )
        stage.play(alice, 4, hz(400, 1.0), Dialled("5"))
        stage.play(bob, 5, hz(700, 1.0))
        await stage.until(lambda: {4, 5} <= stage.played.keys())
        await stage.until(lambda: stage.keys[bob] == "5" and stage.keys[left] == "5")
        for session, op in ((left, 1), (alice, 2), (bob, 3)):
            session.stop_record(op)
        await stage.until(lambda: {1, 2, 3} <= stage.ended.keys())
        assert share(read(heard_by_alice)[0][2_400:6_400], 700) > 0.95
        assert share(read(heard_by_bob)[0][2_400:6_400], 400) > 0.95
        said, heard = read(taken)
        assert share(said[2_400:6_400], 400) > 0.95
        assert share(heard[2_400:6_400], 700) > 0.95

    run(story)


def test_what_one_leg_says_in_private_is_not_in_the_others_recording(run: Run) -> None:
    async def story(stage: Stage) -> None:
        alice, left = stage.pair()
        _, right = stage.pair()
        left.bridge(right)
        left.privacy(True)
        path = stage.record(right, 1, channels=2)
        stage.play(alice, 2, hz(400, 0.5))
        await stage.until(lambda: 2 in stage.played)
        await stage.passes(0.2)
        right.stop_record(1)
        await stage.until(lambda: 1 in stage.ended)
        assert [loud_seconds(samples) for samples in read(path)] == [0, 0]

    run(story)


def test_after_a_hang_up_the_other_hears_nothing(run: Run) -> None:
    async def story(stage: Stage) -> None:
        alice, left = stage.pair()
        bob, right = stage.pair()
        left.bridge(right)
        stage.play(alice, 1, hz(400, 3.0))
        await stage.passes(0.3)
        left.close()
        assert right.peer is None
        await stage.passes(0.2)
        path = stage.record(bob, 2, track="inbound", limit_s=0.4)
        await stage.until(lambda: 2 in stage.ended)
        assert loud_seconds(read(path)[0]) == 0

    run(story)


def test_on_hold_a_leg_says_nothing_and_is_not_dead(run: Run) -> None:
    async def story(stage: Stage) -> None:
        alice, left = stage.pair()
        bob, right = stage.pair()
        left.bridge(right)
        stage.play(alice, 1, hz(400, 6.0))
        await stage.passes(0.3)
        left.connect(alice.local, "PCMU", EVENTS, "inactive")
        alice.connect(left.local, "PCMU", EVENTS, "inactive")
        await stage.passes(0.2)
        held = stage.record(bob, 2, track="inbound", limit_s=0.6)
        await stage.until(lambda: 2 in stage.ended)
        assert loud_seconds(read(held)[0]) == 0
        await stage.passes(0.6)
        assert stage.dead == []
        left.connect(alice.local, "PCMU", EVENTS)
        alice.connect(left.local, "PCMU", EVENTS)
        await stage.passes(0.2)
        again = stage.record(bob, 3, track="inbound", limit_s=0.5)
        await stage.until(lambda: 3 in stage.ended)
        assert loud_seconds(read(again)[0]) > 0.4

    run(story, dead_s=1.0)


def test_a_leg_that_falls_silent_for_good_is_told_once(run: Run) -> None:
    async def story(stage: Stage) -> None:
        a, b = stage.pair()
        await stage.passes(0.6)
        assert stage.dead == []
        a.close()
        await stage.until(lambda: stage.dead == [b], 3)
        await stage.passes(0.8)
        assert stage.dead == [b]

    run(story, dead_s=0.5)


# What it hears
def test_an_utterance_is_heard_and_nothing_in_time_is_nothing(run: Run) -> None:
    async def story(stage: Stage) -> None:
        a, b = stage.pair()
        heard: dict[int, bytes] = {}
        b.listen(1, lambda said: heard.__setitem__(1, said), start_s=2, end_s=0.4)
        a.listen(2, lambda said: heard.__setitem__(2, said), start_s=0.5)
        b.listen(3, lambda said: heard.__setitem__(3, said))
        b.stop_listening(3)
        stage.play(a, 9, Quiet(0.5), hz(400, 0.5))
        await stage.until(lambda: {1, 2} <= heard.keys())
        assert heard[2] == b""
        samples = list(memoryview(heard[1]).cast("h"))
        assert 0.9 <= len(samples) / 8_000 <= 1.4
        assert share(samples[3_000:6_000], 400) > 0.9
        assert 3 not in heard

    run(story)


def test_a_person_says_a_word_and_waits(run: Run) -> None:
    async def story(stage: Stage) -> None:
        a, b = stage.pair()
        words: list[str] = []
        b.detect(Detection(), words.append)
        stage.play(a, 1, Quiet(0.3), tone(((210, 1), (430, 1), (1_250, 0.3)), 0.7, 4_000))
        await stage.until(lambda: words)
        assert words == ["human_residence"]

    run(story)


def test_a_tap_gives_every_frame_until_it_is_closed(run: Run) -> None:
    async def story(stage: Stage) -> None:
        a, b = stage.pair()
        frames: list[bytes] = []
        words: list[str] = []
        b.tap(1, frames.append)
        b.tap(1, frames.append)
        b.detect(Detection(silence_s=0.5), words.append)
        b.stop_detecting()
        stage.play(a, 2, hz(400, 0.5))
        await stage.until(lambda: 2 in stage.played)
        await stage.passes(0.3)
        b.untap(1)
        count = len(frames)
        assert count >= 38
        assert {len(frame) for frame in frames} == {320}
        samples = list(memoryview(b"".join(frames)).cast("h"))
        begin = next(n for n, sample in enumerate(samples) if abs(sample) > 500)
        assert share(samples[begin + 400 : begin + 3_600], 400) > 0.95
        await stage.passes(0.1)
        assert len(frames) == count
        assert words == []

    run(story)


def test_a_session_that_is_closed_does_nothing_and_tells_nothing(run: Run) -> None:
    async def story(stage: Stage) -> None:
        a, b = stage.pair()
        told: list[Any] = []
        a.listen(1, told.append, start_s=0.04)
        a.detect(Detection(silence_s=0.04), told.append)
        a.play(2, (Quiet(0.04),), told.append)
        a.bridge(b)
        a.bridge(b)
        a.bridge(a)
        assert (a.peer, b.peer) == (b, a)
        a.close()
        a.connect(b.local, "PCMU", EVENTS)
        a.play(3, (), told.append)
        a.listen(4, told.append, start_s=0.04)
        a.detect(Detection(silence_s=0.04), told.append)
        a.tap(5, told.append)
        a.bridge(b)
        stage.record(a, 6)
        a.stop(3)
        a.stop_record(6)
        a.untap(5)
        await stage.passes(0.3)
        assert told == []
        assert b.peer is None
        assert stage.ended == {6: ("failed", 0.0)}
        assert list(stage.folder.iterdir()) == []

    run(story)


# The packets themselves
class Phone:
    """A bare socket that speaks RTP by hand."""

    def __init__(self, ip: str = HERE) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((ip, 0))
        self.socket.setblocking(False)
        self.address: tuple[str, int] = self.socket.getsockname()
        self.sequence = 65_533

    def send(self, to: MediaSession, payload: bytes = b"\x10" * 160, payload_type: int = 0, ssrc: int = 7) -> None:
        self.socket.sendto(
            build(payload_type, False, self.sequence & 0xFFFF, self.sequence * 160 & 0xFFFFFFFF, ssrc, payload), to.local
        )
        self.sequence += 1

    def received(self) -> list[tuple[int, int, int, int, bytes]]:
        packets = []
        while True:
            try:
                data = self.socket.recv(2_048)
            except BlockingIOError:
                return packets
            packet = parse(data)
            assert packet is not None
            packets.append(packet)

    def __enter__(self) -> "Phone":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def test_sequence_and_timestamp_hold_through_silence_codecs_keys_and_holds(run: Run) -> None:
    async def story(stage: Stage) -> None:
        with Phone() as phone:
            session = stage.session()
            session.connect(phone.address, "PCMU", EVENTS)
            stage.play(session, 1, hz(400, 0.1), Dialled("7"))
            await stage.until(lambda: 1 in stage.played)
            session.connect(phone.address, "PCMA", EVENTS)
            await stage.passes(0.2)
            session.connect(phone.address, "PCMA", EVENTS, "recvonly")
            await stage.passes(0.2)
            session.connect(phone.address, "PCMA", EVENTS)
            await stage.passes(0.2)
            packets = phone.received()
        assert len({ssrc for _, _, _, ssrc, _ in packets}) == 1
        assert all((b[1] - a[1]) & 0xFFFF == 1 for a, b in itertools.pairwise(packets))
        keys = [packet for packet in packets if packet[0] == EVENTS]
        assert len(keys) == 7
        assert len({timestamp for _, _, timestamp, _, _ in keys}) == 1
        assert [payload[1] >> 7 for *_, payload in keys] == [0, 0, 0, 0, 1, 1, 1]
        assert [int.from_bytes(payload[2:], "big") for *_, payload in keys] == [160, 320, 480, 640, 800, 800, 800]
        sound = [packet for packet in packets if packet[0] != EVENTS]
        assert {packet[0] for packet in sound} == {0, 8}
        steps = [(b[2] - a[2]) & 0xFFFFFFFF for a, b in itertools.pairwise(sound)]
        assert all(step % 160 == 0 for step in steps)
        gaps = [step for step in steps if step != 160]
        assert gaps[0] == 8 * 160
        assert len(gaps) >= 2

    run(story)


def test_without_comfort_silence_is_not_sent_and_a_talk_spurt_is_marked(run: Run) -> None:
    async def story(stage: Stage) -> None:
        with Phone() as phone:
            session = stage.session()
            session.connect(phone.address, "PCMU", EVENTS)
            await stage.passes(0.2)
            assert phone.received() == []
            stage.play(session, 1, hz(400, 0.1))
            await stage.until(lambda: 1 in stage.played)
            await stage.passes(0.1)
            datagrams = [phone.socket.recv(2_048) for _ in range(5)]
            assert [data[1] for data in datagrams] == [0x80, 0, 0, 0, 0]
            assert phone.received() == []

    run(story, comfort=False)


def test_media_go_back_to_where_a_phone_behind_a_nat_sends_from(run: Run) -> None:
    async def story(stage: Stage) -> None:
        with Phone() as phone:
            session = stage.session()
            session.connect(("127.9.9.9", 4_000), "PCMU", EVENTS, also=(HERE,))
            await stage.passes(0.1)
            assert phone.received() == []
            phone.send(session)
            await stage.until(phone.received)

    run(story)


def test_a_stranger_is_neither_heard_nor_sent_to(run: Run) -> None:
    async def story(stage: Stage) -> None:
        with Phone() as phone, Phone("127.0.0.2") as stranger:
            session = stage.session()
            session.connect(phone.address, "PCMU", EVENTS)
            path = stage.record(session, 1, track="inbound")
            for _ in range(20):
                stranger.send(session)
                stranger.send(session, bytes((5, 0x0A, 0, 160)), EVENTS)
                await stage.passes(0.02)
            session.stop_record(1)
            await stage.until(lambda: 1 in stage.ended)
            assert loud_seconds(read(path)[0]) == 0
            assert stage.keys[session] == ""
            assert stranger.received() == []
            assert phone.received()
            assert session.stats.foreign > 0

    run(story)


def test_strangers_may_be_allowed_and_yet_give_way(run: Run) -> None:
    async def story(stage: Stage) -> None:
        with Phone() as phone, Phone("127.0.0.2") as stranger, Phone("127.0.0.3") as third:
            session = stage.session()
            session.connect(phone.address, "PCMU", EVENTS)
            for _ in range(6):
                stranger.send(session)
            await stage.until(stranger.received)
            for _ in range(6):
                third.send(session)
            await stage.passes(0.1)
            assert third.received() == []
            phone.send(session)
            phone.received()
            await stage.passes(0.1)
            stranger.received()
            await stage.passes(0.1)
            assert stranger.received() == []
            assert phone.received()

    run(story, strangers=True)


def test_rubbish_is_counted_and_harms_nobody(run: Run) -> None:
    async def story(stage: Stage) -> None:
        rng = random.Random(5)
        with Phone() as phone:
            session = stage.session()
            session.connect(phone.address, "PCMU", EVENTS)
            path = stage.record(session, 1, track="inbound")
            for _ in range(40):
                phone.socket.sendto(rng.randbytes(rng.randrange(0, 400)), session.local)
                phone.socket.sendto(b"\x80" + rng.randbytes(rng.randrange(0, 1_500)), session.local)
                phone.send(session)
                await stage.passes(0.02)
            session.stop_record(1)
            await stage.until(lambda: 1 in stage.ended)
            assert session.stats.bad > 0
            assert loud_seconds(read(path)[0]) > 0.5

    run(story)


def test_a_flood_does_not_keep_the_others_waiting(run: Run) -> None:
    async def story(stage: Stage) -> None:
        with Phone() as phone:
            session = stage.session()
            session.connect(phone.address, "PCMU", EVENTS)
            a, b = stage.pair()
            stage.play(a, 1, Dialled("31"))
            for _ in range(3_000):
                phone.send(session)
            await stage.until(lambda: stage.keys[b] == "31")
            assert session.stats.received <= 8 * stage.media.lateness.slots

    run(story)


# Ports
def test_ports_are_even_and_end(tmp_path: Path) -> None:
    async def whole() -> None:
        media = Media(HERE, (22_001, 22_006))
        sessions = [media.session(lambda _: None, lambda: None) for _ in range(3)]
        assert sorted(session.local[1] for session in sessions) == [22_002, 22_004, 22_006]
        with pytest.raises(NoPort):
            media.session(lambda _: None, lambda: None)
        sessions[0].close()
        sessions[0].close()
        with pytest.raises(NoPort):
            media.session(lambda _: None, lambda: None)
        assert len(media) == 2
        await media.close()
        await media.close()

    asyncio.run(whole())


def test_a_listener_that_fails_silences_nobody_else(run: Run) -> None:
    async def story(stage: Stage) -> None:
        reported: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
        a, b = stage.pair()
        stage.play(b, 2, Dialled("8"))

        def fails(_: str) -> None:
            raise RuntimeError("a listener's")

        a.play(1, (Quiet(0.02),), fails)
        broken = stage.session()
        stage.play(broken, 3, iter([b"\0" * 320, 5]))
        await stage.until(lambda: stage.keys[a] == "8")
        assert len(reported) == 2
        assert broken.closed
        assert stage.dead == [broken]

    run(story)


def test_an_iterator_of_frames_is_played(run: Run) -> None:
    async def story(stage: Stage) -> None:
        with Phone() as phone:
            session = stage.session()
            session.connect(phone.address, "PCMU", EVENTS)
            frame = struct.pack("<160h", *([4_000] * 160))
            stage.play(session, 1, iter([frame, frame[:100]]))
            await stage.until(lambda: 1 in stage.played)
            await stage.passes(0.1)
            loud = [payload for *_, payload in phone.received() if payload[0] != 0xFF]
            assert [sum(code != 0xFF for code in payload) for payload in loud] == [160, 50]

    run(story)
