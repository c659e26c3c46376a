"""Recordings are told apart by their content, read in pieces, and replayed as new calls or as the same."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from ringback.calls.model import CallRef, Update
from ringback.errors import InvalidInput
from ringback.intake import captures
from ringback.intake.captures import Recorded, read_capture
from ringback.switch.freeswitch.capture import FreeswitchCapture
from ringback.switch.freeswitch.settings import FreeswitchSettings

CAPTURES = Path(__file__).parents[2] / "data" / "captures"
FREESWITCH = FreeswitchCapture(FreeswitchSettings(account="acme"))


class Numbers:
    """Another kind of recording: one call per line."""

    name = "numbers"
    reads = "numbers, one per line"

    def recognises(self, head: bytes) -> bool:
        return head[:1].isdigit()

    def updates(self, chunks: Iterable[bytes]) -> Iterator[tuple[str | None, Update]]:
        for line in b"".join(chunks).splitlines():
            yield None, Update(type="call.starting", at_ms=int(line), call=CallRef(id=line.decode()))


def replayed(path: Path, suffix: str | None = None) -> list[Recorded]:
    return list(read_capture(path, [FREESWITCH], suffix=suffix))


@pytest.mark.parametrize("name", ["esl/blind_transfer.txt", "esljson/blind_transfer.jsonl"])
def test_both_formats_of_freeswitch_are_recognised_and_read(name: str) -> None:
    read = replayed(CAPTURES / name)
    assert [item.update.type for item in read][:3] == ["call.starting", "call.starting", "call.ringing"]
    assert {item.account for item in read} == {"acme"}
    assert all(item.at_ms == item.update.at_ms for item in read)


def test_the_source_is_chosen_by_content(tmp_path: Path) -> None:
    file = tmp_path / "calls"
    file.write_bytes(b"1\n2\n")
    read = list(read_capture(file, [FREESWITCH, Numbers()]))
    assert [(item.at_ms, item.account) for item in read] == [(1, None), (2, None)]


@pytest.mark.parametrize(
    "head", [b"", b"\n\n", b"Asterisk Call Manager/9.0.0\r\n", b'{"type":"ChannelCreated"}\n', b">>> connect\n", b"\x00" * 9]
)
def test_an_unknown_recording_is_refused_by_what_is_read(head: bytes, tmp_path: Path) -> None:
    file = tmp_path / "recording"
    file.write_bytes(head)
    with pytest.raises(InvalidInput, match=r"FreeSWITCH.*; numbers"):
        list(read_capture(file, [FREESWITCH, Numbers()]))


def test_each_run_makes_new_calls_with_their_parents_and_dedupe_ids() -> None:
    file = CAPTURES / "esljson" / "inbound_answered.jsonl"
    kept, first, second = (replayed(file, suffix) for suffix in (None, "r1", "r2"))
    for one, two, three in zip(kept, first, second, strict=True):
        assert two.update.call.id == f"{one.update.call.id}-r1"
        assert three.update.call.id == f"{one.update.call.id}-r2"
        assert two.update.id == f"{one.update.id}-r1"
        assert two.update.call.parent == (one.update.call.parent and f"{one.update.call.parent}-r1")
        assert (one.at_ms, one.update.data) == (two.at_ms, two.update.data)
    assert any(item.update.call.parent for item in first)


def test_a_long_id_stays_within_what_an_id_may_have(tmp_path: Path) -> None:
    file = tmp_path / "calls"
    file.write_bytes(b"1" * 128)
    (read,) = read_capture(file, [Numbers()], suffix="run")
    assert len(read.update.call.id) == 128
    assert read.update.call.id.endswith("-run")


def test_progress_is_told_in_bytes_up_to_the_files_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captures, "PIECE_BYTES", 1_000)
    file = CAPTURES / "esl" / "busy.txt"
    told: list[int] = []
    list(read_capture(file, [FREESWITCH], on_bytes=told.append))
    assert sum(told) == file.stat().st_size
    assert len(told) > 10


def test_a_recording_of_any_size_is_read_in_pieces_as_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captures, "PIECE_BYTES", 4_096)
    told: list[int] = []
    run = read_capture(CAPTURES / "esljson" / "blind_transfer.jsonl", [FREESWITCH], on_bytes=told.append)
    next(run)
    assert sum(told) < 20_000


@pytest.mark.parametrize(("name", "lost"), [("esljson/busy.jsonl", 30), ("esl/busy.txt", 30)])
def test_a_recording_that_was_cut_off_is_read_up_to_there(name: str, lost: int, tmp_path: Path) -> None:
    whole = (CAPTURES / name).read_bytes()
    file = tmp_path / "cut"
    file.write_bytes(whole[:-lost])
    assert replayed(file) == replayed(CAPTURES / name)  # the last event is one that is not read


def test_a_last_line_without_its_newline_counts(tmp_path: Path) -> None:
    whole = (CAPTURES / "esljson" / "busy.jsonl").read_bytes()
    file = tmp_path / "cut"
    file.write_bytes(whole.rstrip(b"\n"))
    assert replayed(file) == replayed(CAPTURES / "esljson" / "busy.jsonl")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b'{"Event-Name":"X"}\nnonsense\n{"Event-Name":"X"}\n', "line 2"),
        (b'{"Event-Name":"X"}\n[1]\n', "line 2"),
        (b"Content-Length: x\n\n", "after byte 0"),
        (b"Content-Length: 3\nContent-Type: text/event-json\n\n[1]", "after byte 0"),
    ],
)
def test_a_broken_recording_is_refused_with_the_place(text: bytes, named: str, tmp_path: Path) -> None:
    file = tmp_path / "broken"
    file.write_bytes(text)
    with pytest.raises(InvalidInput, match=named):
        replayed(file)


def test_a_suffix_has_a_bound() -> None:
    for suffix in ("", "x" * 25):
        with pytest.raises(InvalidInput):
            list(read_capture(CAPTURES / "esl" / "busy.txt", [FREESWITCH], suffix=suffix))


def test_the_demos_recordings_are_read_and_every_call_in_them_ends() -> None:
    import ringback
    from ringback.calls.model import FINAL
    from ringback.switch.freeswitch.settings import read_freeswitch_settings

    demo = Path(ringback.__file__).parent / "demo"
    source = FreeswitchCapture(read_freeswitch_settings((demo / "freeswitch.json").read_bytes()))
    files = sorted((demo / "captures").glob("*.jsonl"))
    assert {"answered", "busy", "cancelled", "ivr", "no-answer", "transfer"} <= {file.stem for file in files}
    for file in files:
        read = [item.update for item in read_capture(file, [source])]
        begun = {update.call.id for update in read if update.type == "call.starting"}
        assert begun == {update.call.id for update in read if update.type.removeprefix("call.") in FINAL}
