"""Every recorded call, in both formats, against what the phones saw (tests/data/captures/truth.json)."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ringback.calls.ledger import fold, root_wanted
from ringback.calls.model import Call, Update, to_ms
from ringback.switch.freeswitch.capture import FreeswitchCapture
from ringback.switch.freeswitch.mapping import Reported
from ringback.switch.freeswitch.settings import FreeswitchSettings, Side

CAPTURES = Path(__file__).parents[2] / "data" / "captures"
TRUTH = json.loads((CAPTURES / "truth.json").read_text())
SCENARIOS: dict[str, list[dict[str, Any]]] = {row["scenario"]: row["legs"] for row in TRUTH["scenarios"]}
FILES = sorted([*(CAPTURES / "esl").iterdir(), *(CAPTURES / "esljson").iterdir()])
ACCOUNT = "7d0c0c5e-0000-4000-8000-000000000001"
VIEWS = {
    "alice calls from outside": FreeswitchSettings(
        inside=Side(contexts=("from-sip",)), outside=Side(endpoints=("alice",)), account=ACCOUNT
    ),
    "all are inside": FreeswitchSettings(inside=Side(contexts=("from-sip",)), account=ACCOUNT),
}


def reported(file: Path, settings: FreeswitchSettings) -> list[Reported]:
    return list(FreeswitchCapture(settings).updates(pieces(file)))


def pieces(file: Path, size: int = 10_000) -> Iterator[bytes]:
    data = file.read_bytes()
    return (data[start : start + size] for start in range(0, len(data), size))


def record(updates: list[Reported]) -> list[Call]:
    """What the ledger makes of them: the legs, in the order of their beginning."""
    calls: dict[str, Call] = {}
    for account, update in updates:
        assert account is not None
        leg = calls.get(update.call.id)
        wanted = root_wanted(leg, update)
        folded = fold(account, leg, calls.get(wanted) if wanted else None, update, lambda: 1)
        calls[folded.root.id] = folded.root
        calls[folded.leg.id] = folded.leg
    return sorted(calls.values(), key=lambda call: (call.first_at_ms, call.parent is not None))


def test_there_is_a_recording_in_both_formats_for_every_row_and_no_other() -> None:
    assert {file.stem for file in (CAPTURES / "esl").iterdir()} == set(SCENARIOS)
    assert {file.stem for file in (CAPTURES / "esljson").iterdir()} == set(SCENARIOS)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_recorded_call_is_what_the_phones_saw(file: Path, view: str) -> None:
    calls = record(reported(file, VIEWS[view]))
    rows = SCENARIOS[file.stem]
    assert [(call.from_, call.to) for call in calls] == [(row["from"], row["to"]) for row in rows]
    ids = {row["leg"]: call.id for row, call in zip(rows, calls, strict=True)}
    for row, call in zip(rows, calls, strict=True):
        kind = "child" if row["parent"] else "alice" if row["leg"] == "alice" else "api"
        assert call.direction == TRUTH["views"][view][kind]
        assert call.parent == (ids[row["parent"]] if row["parent"] else None)
        assert call.status == row["status"]
        assert call.ended_by == row["ended_by"]
        assert not call.inferred
        # The switch does not report the status that it gave a phone itself; what it reports must be what the phone saw.
        assert call.sip_status in (None, row["sip_status"] or call.sip_status)
        if "*" in row["why"]:
            continue
        for field, at_ms in (
            ("starting_at", call.starting_at_ms),
            ("ringing_at", call.ringing_at_ms),
            ("answered_at", call.answered_at_ms),
            ("ended_at", call.ended_at_ms),
        ):
            assert_same_time(row[field], at_ms, f"{file.stem} {row['leg']} {field}")


def assert_same_time(seen: str | None, at_ms: int | None, what: str) -> None:
    if seen is None or at_ms is None:
        assert (seen, at_ms) == (None, None), what
        return
    off_ms = at_ms - to_ms(datetime.fromisoformat(seen))
    assert abs(off_ms) <= TRUTH["tolerance_ms"], f"{what}: {off_ms} ms off"


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_both_formats_give_the_same_updates(scenario: str) -> None:
    for settings in VIEWS.values():
        plain = reported(CAPTURES / "esl" / f"{scenario}.txt", settings)
        assert plain == reported(CAPTURES / "esljson" / f"{scenario}.jsonl", settings)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_update_is_one_that_the_http_intake_would_take_too(scenario: str) -> None:
    import msgspec

    from ringback.calls.model import to_rfc3339
    from ringback.calls.updates import parse_update

    for _account, update in reported(CAPTURES / "esljson" / f"{scenario}.jsonl", VIEWS["alice calls from outside"]):
        item = {"id": update.id, "type": update.type, "at": to_rfc3339(update.at_ms), "call": update.call, "data": update.data}
        parsed, _ = parse_update(msgspec.json.encode(item))
        assert parsed == update


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_recording_told_twice_carries_the_same_dedupe_ids_and_no_two_alike(scenario: str) -> None:
    file = CAPTURES / "esljson" / f"{scenario}.jsonl"
    ids = [update.id for _, update in reported(file, VIEWS["all are inside"])]
    assert len(set(ids)) == len(ids)
    assert all(identity and len(identity) <= 128 for identity in ids)
    assert ids == [update.id for _, update in reported(file, VIEWS["all are inside"])]


def offers(scenario: str) -> list[tuple[str, str]]:
    root = record(reported(CAPTURES / "esljson" / f"{scenario}.jsonl", VIEWS["alice calls from outside"]))[0]
    return [(offer.to, offer.status) for offer in root.offers]


@pytest.mark.parametrize(
    ("scenario", "tried"),
    [
        ("inbound_answered", [("bob", "completed")]),
        ("blind_transfer", [("bob", "completed"), ("carol", "completed")]),
        ("queue_abandon", [("bob", "no-answer"), ("carol", "cancelled")]),
        ("queue_first_agent", [("bob", "completed")]),
        ("esl_ivr_dial_busy", [("bob", "busy")]),
        ("inbound_app_answered", []),
    ],
)
def test_the_root_knows_who_was_tried(scenario: str, tried: list[tuple[str, str]]) -> None:
    assert offers(scenario) == tried


@pytest.mark.parametrize(
    ("scenario", "answered_by"),
    [
        ("inbound_answered", "extension"),
        ("inbound_app_answered", "announcement"),
        ("ivr_dtmf", "ivr"),
        ("queue_abandon", "queue"),
        ("queue_first_agent", "extension"),
        ("busy", None),
        ("recording_app", None),
    ],
)
def test_the_root_knows_what_answered(scenario: str, answered_by: str | None) -> None:
    root = record(reported(CAPTURES / "esljson" / f"{scenario}.jsonl", VIEWS["alice calls from outside"]))[0]
    assert root.context.answered_by == answered_by


def updates_of(scenario: str, settings: FreeswitchSettings, kind: str) -> list[Update]:
    made = reported(CAPTURES / "esljson" / f"{scenario}.jsonl", settings)
    return [update for _, update in made if update.type == kind]


@pytest.mark.parametrize("scenario", ["ivr_dtmf", "outbound_socket", "esl_ivr_dial", "esl_ivr_dial_busy"])
def test_keys_outside_an_announced_menu_are_told_to_nobody(scenario: str) -> None:
    for view in VIEWS.values():
        text = repr(reported(CAPTURES / "esljson" / f"{scenario}.jsonl", view))
        assert "ivr-option" not in text
        assert "1234" not in text


def test_keys_in_an_announced_menu_and_the_whole_entry_are_told() -> None:
    settings = FreeswitchSettings(menu_apps={"play_and_get_digits": "*prompt.wav*"}, prompts={"IVR_DIGITS": "keys"})
    assert [update.data for update in updates_of("ivr_dtmf", settings, "call.ivr-option")] == [{"option": key} for key in "1234"]
    assert [update.data for update in updates_of("ivr_dtmf", settings, "call.prompt")] == [{"keys": "1234", "kind": "keys"}]
    assert updates_of("ivr_dtmf_timeout", settings, "call.prompt") == []
    assert updates_of("esl_ivr_dial", settings, "call.ivr-option") == []  # keyed while another application ran


def test_a_menu_is_told_from_a_pin_by_the_data_of_its_application() -> None:
    settings = FreeswitchSettings(menu_apps={"play_and_get_digits": "*main-menu*"})
    assert updates_of("ivr_dtmf", settings, "call.ivr-option") == []


@pytest.mark.parametrize(("scenario", "seconds"), [("recording_app", 6), ("recording_session", 3), ("esl_ivr_dial", 2)])
def test_a_recording_is_told_when_it_begins_and_when_it_is_there(scenario: str, seconds: int) -> None:
    settings = FreeswitchSettings(recording_url="https://recordings.example/{uuid}/{name}")
    begun, done = updates_of(scenario, settings, "call.recording")
    assert begun.data == {"status": "in-progress"}
    assert done.data["status"] == "completed"
    assert done.data["duration_s"] == seconds
    assert done.data["url"].startswith(f"https://recordings.example/{done.call.id}/")
    assert done.data["url"].endswith(".wav")
    silent = updates_of(scenario, FreeswitchSettings(), "call.recording")[1]
    assert silent.data == {"status": "completed", "duration_s": seconds}  # a path of the switch is not for customers
