"""Makes the checked-in recordings of FreeSWITCH from the lab's full ones: same calls, fewer headers.

    python tools/trim_captures.py LAB_CAPTURES

reads `esl/*.txt`, `esljson/*.jsonl` and `phones-fs/*.jsonl` there and writes `tests/data/captures/` (every event, in both
formats) and `src/ringback/demo/captures/` (the calls of `src/ringback/demo/calls.json`, only the events that are read, with the
phones' names replaced by numbers as it says). Kept are all headers that the mapping reads and some that it does not (`NOISE`),
so that it has something to ignore. The lines of the plain format are kept as the switch wrote them, never encoded anew. It
checks itself: the trimmed recording makes the same updates as the full one.
"""

import json
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from ringback.calls.model import Update
from ringback.switch.freeswitch.frames import FrameParser, event_of, json_event
from ringback.switch.freeswitch.mapping import EVENTS, EventMapper
from ringback.switch.freeswitch.settings import FreeswitchSettings, Side

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests" / "data" / "captures"
DEMO = ROOT / "src" / "ringback" / "demo" / "captures"
DEMO_CALLS = {call["scenario"]: call for call in json.loads((DEMO.parent / "calls.json").read_text())["calls"]}

READ = frozenset(
    """
    Event-Name Core-UUID Event-Date-Timestamp Event-Sequence Unique-ID Call-Direction Channel-Name
    Caller-Username Caller-Caller-ID-Name Caller-Caller-ID-Number Caller-Destination-Number Caller-Context
    Caller-Privacy-Hide-Name Caller-Privacy-Hide-Number Caller-Channel-Created-Time Caller-Channel-Answered-Time
    Caller-Channel-Hangup-Time Other-Type Other-Leg-Unique-ID Other-Leg-Caller-ID-Number Other-Leg-Destination-Number
    Bridge-A-Unique-ID Bridge-B-Unique-ID Hangup-Cause Application Application-Data Application-UUID
    DTMF-Digit Record-File-Path
    variable_uuid variable_originating_leg_uuid variable_cc_side variable_cc_member_session_uuid variable_sip_req_host
    variable_sip_to_host variable_sip_to_tag variable_sip_hangup_disposition variable_sip_term_status
    variable_sip_invite_failure_status variable_hangup_cause_q850 variable_record_ms variable_read_result variable_IVR_DIGITS
    """.split()  # noqa: SIM905 - forty names, to be read
)
NOISE = frozenset(
    """
    Event-Subclass Event-Date-GMT Event-Calling-Function Channel-State Channel-Call-State Channel-Call-UUID Answer-State
    Caller-Callee-ID-Number Caller-Logical-Direction FreeSWITCH-Version Session-Count CC-Action CC-Agent CC-Member-Session-UUID
    CC-Hangup-Cause API-Command Job-Command Content-Length variable_sofia_profile_name variable_signal_bond variable_DP_MATCH
    variable_originated_legs variable_hangup_cause variable_originate_disposition Playback-File-Path _body
    """.split()  # noqa: SIM905 - forty names, to be read
)
IGNORED = NOISE | {"Event-Name", "Core-UUID", "Event-Date-Timestamp", "Event-Sequence", "Unique-ID", "Channel-Name"}
"""All that is kept of an event that is not read."""
SDP = "variable_switch_r_sdp"
"""Kept on the first CHANNEL_CREATE alone: many lines in one value."""


def main() -> None:
    lab = Path(sys.argv[1])
    for folder in ("esl", "esljson", "phones-fs"):
        (TESTS / folder).mkdir(parents=True, exist_ok=True)
    DEMO.mkdir(parents=True, exist_ok=True)
    for full in sorted((lab / "esljson").glob("*.jsonl")):
        name = full.stem
        lines = [json.loads(line) for line in full.read_bytes().splitlines()]
        trimmed = _trim_objects(lines, READ | NOISE)
        (TESTS / "esljson" / full.name).write_bytes(_lines(trimmed))
        plain = _trim_stream((lab / "esl" / f"{name}.txt").read_bytes())
        (TESTS / "esl" / f"{name}.txt").write_bytes(plain)
        shutil.copyfile(lab / "phones-fs" / full.name, TESTS / "phones-fs" / full.name)
        _check(name, full.read_bytes(), _lines(trimmed), plain)
        if name in DEMO_CALLS:
            read = [item for item in _trim_objects(lines, READ | {"Event-Date-GMT"}) if item["Event-Name"] in EVENTS]
            _check(name, full.read_bytes(), _lines(read), plain)
            call = DEMO_CALLS[name]
            (DEMO / f"{call['capture']}.jsonl").write_bytes(_lines([_named(item, call["names"]) for item in read]))
    sizes = {folder: sum(file.stat().st_size for file in folder.rglob("*")) for folder in (TESTS, DEMO)}
    print({str(folder.relative_to(ROOT)): size for folder, size in sizes.items()})


def _keeps(name: str, event: str, first: bool, kept: frozenset[str]) -> bool:
    if event not in EVENTS and name not in IGNORED:
        return False
    return name in kept or (name == SDP and first and event == "CHANNEL_CREATE" and "Event-Subclass" in kept)


def _trim_objects(events: list[dict[str, object]], kept: frozenset[str]) -> list[dict[str, object]]:
    trimmed = []
    first = True
    for event in events:
        name = str(event["Event-Name"])
        trimmed.append({key: value for key, value in event.items() if _keeps(key, name, first, kept)})
        first = first and name != "CHANNEL_CREATE"
    return trimmed


def _named(event: dict[str, object], names: Mapping[str, str]) -> dict[str, object]:
    """An event with other names for the phones. The display name stays: it is what the phone says of its owner."""
    pattern = re.compile(rf"(?<![\w+])({'|'.join(map(re.escape, names))})(?!\w)")
    return {
        key: pattern.sub(lambda found: names[found[0]], value)
        if isinstance(value, str) and key != "Caller-Caller-ID-Name"
        else value
        for key, value in event.items()
    }


def _lines(events: list[dict[str, object]]) -> bytes:
    return b"".join(json.dumps(event, ensure_ascii=False).encode() + b"\n" for event in events)


def _trim_stream(stream: bytes) -> bytes:
    made = bytearray()
    first = True
    for frame in FrameParser().feed(stream):
        head, gap, inner = frame.body.partition(b"\n\n")
        name = event_of(frame)["Event-Name"]
        lines = [line for line in head.split(b"\n") if _keeps(line.partition(b":")[0].decode(), name, first, READ | NOISE)]
        body = b"\n".join(lines) + gap + inner
        made += b"Content-Length: %d\nContent-Type: text/event-plain\n\n" % len(body) + body
        first = first and name != "CHANNEL_CREATE"
    return bytes(made)


def _check(name: str, full: bytes, trimmed: bytes, plain: bytes) -> None:
    wanted = _updates([json_event(line) for line in full.splitlines()])
    assert _updates([json_event(line) for line in trimmed.splitlines()]) == wanted, name
    assert _updates([event_of(frame) for frame in FrameParser().feed(plain)]) == wanted, name


def _updates(events: list[dict[str, str]]) -> list[tuple[str | None, Update]]:
    settings = FreeswitchSettings(
        inside=Side(contexts=("from-sip",)),
        outside=Side(endpoints=("alice",)),
        menu_apps={"play_and_get_digits": "*"},
        prompts={"IVR_DIGITS": "keys"},
        recording_url="https://recordings.example/{name}",
    )
    mapper = EventMapper(settings)
    return [made for event in events for made in mapper.feed(event)]


if __name__ == "__main__":
    main()
