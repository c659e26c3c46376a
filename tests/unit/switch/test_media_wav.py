"""Recordings: files that are whole at every moment, and what ends them."""

import io
import threading
import wave
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from media_sounds import frames, noise, samples, silence, talk

from ringback.calls.live import RecordEnd, Track
from ringback.switch.embedded.media.g711 import PCMA, PCMU
from ringback.switch.embedded.media.recording import Recording
from ringback.switch.embedded.media.wav import HEADER_BYTES, WavWriter, header, mend


def content(path: Path) -> tuple[int, bytes]:
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getsampwidth()) == (8_000, 2)
        return file.getnchannels(), file.readframes(file.getnframes())


# Files
@given(channels=st.sampled_from([1, 2]), pieces=st.lists(st.binary(max_size=400), max_size=8), torn=st.binary(max_size=50))
def test_a_file_is_valid_after_each_append_and_can_be_mended_after_a_kill(channels: int, pieces: list[bytes], torn: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "r.wav")
        writer = WavWriter(path, channels)
        whole = b""
        assert content(path) == (channels, b"")
        for some in pieces:
            piece = some[: len(some) // (2 * channels) * 2 * channels]
            writer.append(piece)
            whole += piece
            assert content(path) == (channels, whole)
        writer.close()
        writer.close()
        with path.open("ab") as file:  # sound was appended, and then the process was killed before the header said so
            file.write(torn)
        assert content(path) == (channels, whole)
        kept = len(torn) // (2 * channels) * 2 * channels
        assert mend(path) == len(whole) + kept
        assert content(path) == (channels, whole + torn[:kept])
        assert path.stat().st_size == HEADER_BYTES + len(whole) + kept


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "r.wav"
    path.write_bytes(b"another's")
    with pytest.raises(FileExistsError):
        WavWriter(path, 1)
    assert path.read_bytes() == b"another's"


@pytest.mark.parametrize(
    "other", [b"", b"RIFF", b"ID3" + bytes(60), header(2, 0).replace(b"\x40\x1f", b"\x44\xac"), header(2, 0)[:40] + b"?"]
)
def test_only_our_files_are_mended(tmp_path: Path, other: bytes) -> None:
    path = tmp_path / "r.wav"
    path.write_bytes(other)
    with pytest.raises(ValueError, match="no recording of ours"):
        mend(path)
    assert path.read_bytes() == other


def test_a_size_that_does_not_fit() -> None:
    assert header(1, 2**32 + 5)[40:] == b"\xff\xff\xff\xff"
    with wave.open(io.BytesIO(header(2, 8) + bytes(8)), "rb") as file:
        assert file.getnframes() == 2


# Recordings
class Tape:
    """A recording that is fed by hand."""

    def __init__(self, path: Path, **wanted: Any) -> None:
        self.path = path
        self.ended: list[tuple[RecordEnd, float]] = []
        self._worker = ThreadPoolExecutor(1)
        self.posted: list[Callable[[], None]] = []
        self.recording = Recording(
            path,
            self._worker,
            self.posted.append,
            lambda why, seconds: self.ended.append((why, seconds)),
            limit_s=wanted.pop("limit_s", 60),
            **wanted,
        )

    def feed(self, said: bytes | None, heard: bytes | None = None, law: Any = PCMU) -> int:
        """Linear sound of both sides; how many slots were taken."""
        left = frames(said, law) if said is not None else [None] * (len(heard or b"") // 320)
        right = frames(heard, law) if heard is not None else [None] * len(left)
        return sum(self.recording.slot(a, b, law) for a, b in zip(left, right, strict=True))

    def end(self, why: RecordEnd = "stopped") -> tuple[RecordEnd, float]:
        self.recording.end(why)
        self.recording.end("failed")
        return self.finished()

    def finished(self) -> tuple[RecordEnd, float]:
        self._worker.shutdown()
        for told in self.posted:
            told()
        (ended,) = self.ended
        return ended


A, B = talk(1.3, 1), noise(1.3, 900)


@pytest.mark.parametrize(
    ("channels", "track", "left", "right"),
    [
        (1, "inbound", "a", None),
        (1, "outbound", "b", None),
        (1, "both", "ab", None),
        (2, "both", "a", "b"),
        (2, "inbound", "a", ""),
        (2, "outbound", "", "b"),
    ],
)
def test_tracks(tmp_path: Path, channels: Literal[1, 2], track: Track, left: str, right: str | None) -> None:
    tape = Tape(tmp_path / "r.wav", channels=channels, track=track)
    tape.feed(A, B)
    assert tape.end() == ("stopped", pytest.approx(1.3))
    a, b = (samples(PCMU.decode(PCMU.encode(sound))) for sound in (A, B))
    meant = {"a": a, "b": b, "": [0] * len(a), "ab": [max(-32_768, min(32_767, x + y)) for x, y in zip(a, b, strict=True)]}
    count, sound = content(tape.path)
    values = samples(sound)
    assert count == channels
    assert values[::channels] == meant[left]
    if right is not None:
        assert values[1::2] == meant[right]


def test_what_did_not_come_is_silence_and_a_law_may_change(tmp_path: Path) -> None:
    tape = Tape(tmp_path / "r.wav", channels=2)
    tape.feed(None, A)
    tape.feed(A, None, PCMA)
    assert tape.end()[1] == pytest.approx(2.6)
    values = samples(content(tape.path)[1])
    half = len(values) // 2
    assert set(values[0:half:2]) == {0}
    assert set(values[half + 1 :: 2]) == {8}
    assert values[half::2] == samples(PCMA.decode(PCMA.encode(A)))


def test_a_limit_ends_it(tmp_path: Path) -> None:
    tape = Tape(tmp_path / "r.wav", limit_s=0.5)
    assert tape.feed(A) == 24
    assert tape.finished() == ("limit", pytest.approx(0.5))
    assert len(content(tape.path)[1]) == 8_000


@pytest.mark.parametrize(
    ("sound", "at_s"),
    [
        (silence(5), 2.0),
        (talk(3.0, 4) + silence(5), 5.0),
        (talk(2.0, 4) + silence(1.5) + talk(1.0, 5) + silence(5), 6.5),
        (talk(3.0, 4) + noise(5, 60), 5.0),
        (noise(1, 60) + talk(3.0, 4) + noise(5, 60), 6.0),
        (noise(6, 100), 2.0),
        (noise(8, 300), 4.0),
    ],
    ids=["nobody", "a message", "a pause", "a noisy line", "noise before it", "noise alone", "loud noise alone"],
)
def test_silence_ends_it(tmp_path: Path, sound: bytes, at_s: float) -> None:
    tape = Tape(tmp_path / "r.wav", silence_s=2)
    tape.feed(sound)
    why, seconds = tape.finished()
    assert why == "silence"
    assert seconds == pytest.approx(at_s, abs=0.35)


def test_nobody_minds_silence_unless_told_so(tmp_path: Path) -> None:
    tape = Tape(tmp_path / "r.wav")
    tape.feed(silence(10))
    assert tape.end() == ("stopped", pytest.approx(10))


def test_a_recording_of_nothing_is_a_file(tmp_path: Path) -> None:
    tape = Tape(tmp_path / "r.wav")
    assert tape.end("hangup") == ("hangup", 0.0)
    assert content(tape.path) == (1, b"")


def test_a_file_that_cannot_be_made_fails(tmp_path: Path) -> None:
    tape = Tape(tmp_path / "no such folder" / "r.wav")
    tape.feed(A)
    assert tape.end()[0] == "failed"


def test_a_file_that_cannot_be_made_fails_though_nothing_was_recorded(tmp_path: Path) -> None:
    assert Tape(tmp_path / "no such folder" / "r.wav").end()[0] == "failed"


def test_a_disk_that_stands_still_ends_a_recording_and_not_the_memory(tmp_path: Path) -> None:
    stuck = threading.Event()
    tape = Tape(tmp_path / "r.wav", limit_s=3_600)
    tape._worker.submit(stuck.wait, 20)
    taken = tape.feed(silence(60))
    assert taken < 40 * 50
    stuck.set()
    assert tape.finished()[0] == "failed"


def test_a_whole_second_is_one_wherever_the_chunks_are_cut(tmp_path: Path) -> None:
    # 1.9999999999999998 s are told as one second. Where the first chunk ends is random.
    for number in range(60):
        tape = Tape(tmp_path / f"{number}.wav", limit_s=3)
        tape.feed(bytes(320 * 150))
        assert tape.finished() == ("limit", 3.0)
