"""mod_json_cdr records: the same story as the events, under the same ids, and true ends for inferred ones."""

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ringback.calls.ledger import fold
from ringback.calls.model import Call, Update
from ringback.errors import InvalidInput
from ringback.switch.freeswitch.cdr import read_record, updates_of_record
from ringback.switch.freeswitch.frames import json_event
from ringback.switch.freeswitch.mapping import EventMapper
from ringback.switch.freeswitch.settings import FreeswitchSettings, Side

CAPTURES = Path(__file__).parents[2] / "data" / "captures" / "esljson"
SETTINGS = FreeswitchSettings(account="acme", inside=Side(contexts=("from-sip",)), outside=Side(endpoints=("alice",)))


def document(event: dict[str, str]) -> dict[str, Any]:
    """The record that the module would write of a channel, made of its CHANNEL_HANGUP_COMPLETE."""
    answered, ended = (event[f"Caller-Channel-{what}-Time"] for what in ("Answered", "Hangup"))
    variables = {name.removeprefix("variable_"): value for name, value in event.items() if name.startswith("variable_")}
    variables |= {
        "direction": event["Call-Direction"],
        "start_uepoch": event["Caller-Channel-Created-Time"],
        "answer_uepoch": answered,
        "end_uepoch": ended,
        "hangup_cause": event["Hangup-Cause"],
    }
    profile: dict[str, Any] = {
        "username": event.get("Caller-Username", ""),
        "caller_id_name": event["Caller-Caller-ID-Name"],
        "caller_id_number": event["Caller-Caller-ID-Number"],
        "destination_number": event["Caller-Destination-Number"],
        "uuid": event["Unique-ID"],
        "context": event["Caller-Context"],
        "chan_name": event["Channel-Name"],
    }
    return {
        "core-uuid": event["Core-UUID"],
        "channel_data": {"state": "CS_REPORTING"},
        "variables": {name: quote(value) for name, value in variables.items()},
        "callflow": [{"profile_index": "1", "caller_profile": profile, "times": {}}],
    }


def last(scenario: str, caller_side: bool) -> dict[str, str]:
    events = [json_event(line) for line in (CAPTURES / f"{scenario}.jsonl").read_bytes().splitlines()]
    wanted = "inbound" if caller_side else "outbound"
    return next(e for e in events if e["Event-Name"] == "CHANNEL_HANGUP_COMPLETE" and e["Call-Direction"] == wanted)


def by_events(scenario: str, leg: str) -> dict[str, Update]:
    mapper = EventMapper(SETTINGS)
    lines = (CAPTURES / f"{scenario}.jsonl").read_bytes().splitlines()
    made = [update for line in lines for _, update in mapper.feed(json_event(line))]
    return {update.type: update for update in made if update.call.id == leg}


@pytest.mark.parametrize("caller_side", [True, False])
@pytest.mark.parametrize("scenario", ["inbound_answered", "busy", "cancel", "no_answer", "failed_503", "queue_first_agent"])
def test_a_record_tells_what_the_events_told_under_the_same_ids(scenario: str, caller_side: bool) -> None:
    event = last(scenario, caller_side)
    told = by_events(scenario, event["Unique-ID"])
    for account, update in updates_of_record(document(event), SETTINGS):
        same = told[update.type]
        assert account == "acme"
        assert (update.id, update.call.parent, update.call.direction) == (same.id, same.call.parent, same.call.direction)
        assert (update.call.from_, update.call.to) == (same.call.from_, same.call.to)
        assert abs(update.at_ms - same.at_ms) <= 50
        for fact, value in update.data.items():
            assert value == same.data[fact]


def test_its_end_replaces_an_inferred_one() -> None:
    event = last("busy", caller_side=True)
    mapper = EventMapper(SETTINGS)
    created = next(json_event(line) for line in (CAPTURES / "busy.jsonl").read_bytes().splitlines() if b'"CHANNEL_CREATE"' in line)
    updates = mapper.feed(created) + mapper.vanish(event["Unique-ID"], 1_795_180_999_000)
    updates += updates_of_record(document(event), SETTINGS)
    call: Call | None = None
    types = []
    for _, update in updates:
        folded = fold("acme", call, None, update, lambda: 1)
        call = folded.leg
        types += [(made.type, made.late) for made in folded.events]
    assert call is not None
    assert (call.status, call.inferred, call.cause) == ("busy", False, 17)
    assert ("call.corrected", False) in types


def test_a_leg_that_had_another_at_its_side_does_not_claim_who_ended_it() -> None:
    record = document(last("busy", caller_side=True))
    record["variables"]["originate_disposition"] = "USER_BUSY"
    assert "ended_by" not in updates_of_record(record, SETTINGS)[-1][1].data
    own = document(last("ivr_dtmf", caller_side=True))
    assert updates_of_record(own, SETTINGS)[-1][1].data["ended_by"] == "switch"


def test_a_child_legs_record_finds_its_account_by_whom_its_maker_called() -> None:
    record = document(last("inbound_answered", caller_side=False))
    record["variables"].pop("originating_leg_uuid", None)
    maker = {"uuid": "the-root", "caller_id_number": "alice", "destination_number": "7000"}
    record["callflow"][0]["caller_profile"]["originator"] = {"originator_caller_profiles": [maker]}
    account, update = updates_of_record(record, FreeswitchSettings(accounts_by_number={"7000": "by-number"}))[-1]
    assert (account, update.call.parent) == ("by-number", "the-root")


@pytest.mark.parametrize(
    ("content_type", "encode"),
    [
        ("application/json", lambda text: text),
        ("application/x-www-form-plaintext", lambda text: b"cdr=" + text),
        ("application/x-www-form-urlencoded", lambda text: b"cdr=" + quote(text, safe="+/:,").encode()),
        ("application/x-www-form-base64-encoded", lambda text: b"cdr=" + base64.b64encode(text + b"\0")),
    ],
)
def test_every_way_in_which_the_module_posts_a_record_is_read(content_type: str, encode: Any) -> None:
    record = {"variables": {"uuid": "a", "caller": "+61 100%25"}}
    assert read_record(content_type, encode(json.dumps(record).encode())) == record


@pytest.mark.parametrize("body", [b"", b"[]", b"cdr=", b"cdr=%7B", b"null", b"[" * 100_000, b"\xff\xfe"])
def test_what_is_no_record_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_record("application/x-www-form-urlencoded", body)


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({}, "variables.uuid"),
        ({"variables": 7, "callflow": [7]}, "variables.uuid"),
        ({"variables": {"uuid": "a b"}}, "variables.uuid"),
        ({"variables": {"uuid": "a"}, "callflow": [{"caller_profile": {"originator": []}}]}, "variables.end_uepoch"),
        ({"variables": {"uuid": "a", "end_uepoch": "today"}}, "variables.end_uepoch"),
    ],
)
def test_a_record_without_its_leg_or_its_end_is_refused_with_the_field(record: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        updates_of_record(record, SETTINGS)
    assert refused.value.field == field


def test_a_loopback_channels_record_is_nobodys() -> None:
    record = document(last("busy", caller_side=False))
    record["callflow"][0]["caller_profile"]["chan_name"] = "loopback/bob-a"
    assert updates_of_record(record, SETTINGS) == []
