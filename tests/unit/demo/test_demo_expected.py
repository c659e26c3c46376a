"""What the demo expects is what the phones' logs give, and what it plays are the recordings of those calls."""

import importlib.util
import json
from pathlib import Path

from ringback.demo.expectation import FOLDER

ROOT = Path(__file__).parents[3]
CAPTURES = ROOT / "tests" / "data" / "captures"


def test_the_checked_in_expectation_is_the_one_that_the_phones_logs_give() -> None:
    spec = importlib.util.spec_from_file_location("derive_expected", ROOT / "tools" / "derive_expected.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.derived() == (FOLDER / "expected.json").read_text()


def test_the_demos_recordings_are_those_calls_with_other_names() -> None:
    for call in json.loads((FOLDER / "calls.json").read_text())["calls"]:
        lines = (FOLDER / "captures" / f"{call['capture']}.jsonl").read_text()
        names = {name: instead for name, instead in call["names"].items() if name != "alice"}  # her display name stays
        assert not any(name in lines for name in names), call["capture"]
        played = [json.loads(line) for line in lines.splitlines()]
        recorded = {
            event["Event-Sequence"]: event
            for event in map(json.loads, (CAPTURES / "esljson" / f"{call['scenario']}.jsonl").read_text().splitlines())
        }
        for event in played:
            of_lab = recorded[event["Event-Sequence"]]
            for header in ("Event-Name", "Event-Date-Timestamp", "Unique-ID", "Hangup-Cause", "DTMF-Digit"):
                assert event.get(header) == of_lab.get(header)
