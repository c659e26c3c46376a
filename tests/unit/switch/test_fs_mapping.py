"""What events and `show channels` come to: legs, directions, accounts, ends, and what was missed."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.calls.model import FINAL, CallRef, Update
from ringback.switch.freeswitch import legs as legs_module
from ringback.switch.freeswitch.channels import Channel, channels_of_reply
from ringback.switch.freeswitch.frames import json_event
from ringback.switch.freeswitch.mapping import EventMapper
from ringback.switch.freeswitch.settings import FreeswitchSettings, Side

CAPTURES = Path(__file__).parents[2] / "data" / "captures" / "esljson"
T0 = 1_795_180_000_000
VANILLA = FreeswitchSettings(account="acme")


class Switch:
    """Makes events as FreeSWITCH does, one second after another, and feeds them."""

    def __init__(self, settings: FreeswitchSettings = VANILLA) -> None:
        self.mapper = EventMapper(settings)
        self.now_ms = T0
        self.number = 0
        self.made: dict[str, str] = {}
        self.fields: dict[str, dict[str, str]] = {}

    def event(self, name: str, leg: str, **headers: str) -> dict[str, str]:
        self.now_ms += 1_000
        self.number += 1
        made = self.made.setdefault(leg, str(self.now_ms * 1000))
        kept = self.fields.get(leg, {})
        own = {
            "Event-Name": name,
            "Core-UUID": "core-1",
            "Event-Sequence": str(self.number),
            "Event-Date-Timestamp": str(self.now_ms * 1000),
            "Unique-ID": leg,
            "Caller-Channel-Created-Time": made,
            "variable_uuid": leg,
        }
        return own | kept | {key.replace("__", "-"): value for key, value in headers.items()}

    def feed(self, name: str, leg: str, **headers: str) -> list[Update]:
        return [update for _, update in self.mapper.feed(self.event(name, leg, **headers))]

    def create(self, leg: str, caller: str = "+61288880000", to: str = "+61255500001", **headers: str) -> list[Update]:
        self.fields[leg] = {
            "Call-Direction": "inbound",
            "Channel-Name": f"sofia/external/{caller}@203.0.113.9",
            "Caller-Context": "public",
            "Caller-Caller-ID-Number": caller,
            "Caller-Destination-Number": to,
        } | {key.replace("__", "-"): value for key, value in headers.items()}
        return self.feed("CHANNEL_CREATE", leg)

    def dial(self, leg: str, to: str, maker: str | None, **headers: str) -> list[Update]:
        made_for = {"Other__Type": "originator", "Other__Leg__Unique__ID": maker} if maker else {}
        placed = {"Call__Direction": "outbound", "Channel__Name": f"sofia/internal/{to}@192.0.2.7"}
        return self.create(leg, to=to, **(placed | made_for | headers))

    def answer(self, leg: str) -> list[Update]:
        return self.feed("CHANNEL_ANSWER", leg)

    def end(self, leg: str, cause: str = "NORMAL_CLEARING", disposition: str = "recv_bye", **variables: str) -> list[Update]:
        fields = {f"variable_{name}": value for name, value in variables.items()}
        if disposition.startswith("recv_"):
            fields.setdefault("variable_sip_term_status", "200")
            fields.setdefault("variable_sip_to_tag", "x")
        self.feed("CHANNEL_HANGUP", leg, Hangup__Cause=cause, **fields)
        made = self.feed("CHANNEL_HANGUP_COMPLETE", leg, Hangup__Cause=cause, variable_sip_hangup_disposition=disposition, **fields)
        self.feed("CHANNEL_DESTROY", leg, Hangup__Cause=cause)
        return made


def kinds(updates: list[Update]) -> list[str]:
    return [update.type.removeprefix("call.") for update in updates]


# What was said before, late, or not at all
def test_an_event_told_twice_makes_nothing_twice() -> None:
    switch = Switch()
    created = switch.event("CHANNEL_CREATE", "a")
    answered = switch.event("CHANNEL_ANSWER", "a")
    ended = switch.event("CHANNEL_HANGUP_COMPLETE", "a")
    told = (created, created, answered, answered, ended, ended, created, answered)
    twice = [item for event in told for item in switch.mapper.feed(event)]
    assert kinds([update for _, update in twice]) == ["starting", "ongoing", "completed"]
    assert switch.mapper.open_legs() == {}


def test_an_id_that_is_used_again_is_a_new_leg() -> None:
    switch = Switch()
    switch.create("a")
    (first,) = switch.end("a", disposition="send_refuse")
    switch.made.clear()
    (again,) = switch.create("a")
    (second,) = switch.end("a", disposition="send_refuse")
    assert again.type == "call.starting"
    assert second.id != first.id


def test_a_leg_whose_start_was_missed_begins_with_its_true_time() -> None:
    switch = Switch()
    switch.made["a"] = str((T0 - 60_000) * 1000)
    started, ongoing = switch.answer("a")
    assert (started.type, started.at_ms) == ("call.starting", T0 - 60_000)
    assert (ongoing.type, ongoing.at_ms) == ("call.ongoing", switch.now_ms)


def test_an_answer_that_was_missed_is_told_before_the_end() -> None:
    switch = Switch()
    switch.create("a")
    answered_ms = switch.now_ms + 500
    updates = switch.feed("CHANNEL_HANGUP_COMPLETE", "a", Caller__Channel__Answered__Time=str(answered_ms * 1000))
    assert [(update.type, update.at_ms) for update in updates] == [
        ("call.ongoing", answered_ms),
        ("call.completed", switch.now_ms),
    ]


def test_destroy_ends_a_leg_whose_end_was_missed() -> None:
    switch = Switch()
    switch.create("a")
    assert kinds(switch.feed("CHANNEL_DESTROY", "a", Hangup__Cause="USER_BUSY", variable_hangup_cause_q850="17")) == ["busy"]


def test_the_end_is_when_the_channel_hung_up_not_when_it_was_told() -> None:
    switch = Switch()
    switch.create("a")
    hung_up_ms = switch.now_ms + 10
    (ended,) = switch.feed("CHANNEL_HANGUP_COMPLETE", "a", Caller__Channel__Hangup__Time=str(hung_up_ms * 1000))
    assert ended.at_ms == hung_up_ms


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Event-Name": "CHANNEL_CREATE"},
        {"Event-Name": "CHANNEL_CREATE", "Unique-ID": "a"},
        {"Event-Name": "CHANNEL_CREATE", "Unique-ID": "a", "Event-Date-Timestamp": "soon"},
        {"Event-Name": "CHANNEL_CREATE", "Unique-ID": "", "Event-Date-Timestamp": "1795180000000000"},
        {"Event-Name": "CHANNEL_CREATE", "Unique-ID": "a b", "Event-Date-Timestamp": "1795180000000000"},
        {"Event-Name": "CHANNEL_CREATE", "Unique-ID": "a" * 129, "Event-Date-Timestamp": "1795180000000000"},
        {"Event-Name": "CHANNEL_DESTROY", "Unique-ID": "never-created", "Event-Date-Timestamp": "1795180000000000"},
        {"Event-Name": "HEARTBEAT", "Event-Date-Timestamp": "1795180000000000"},
    ],
)
def test_an_event_without_a_leg_or_a_time_makes_nothing(event: dict[str, str]) -> None:
    assert EventMapper(VANILLA).feed(event) == []


# Who is inside
@pytest.mark.parametrize(
    ("inside", "outside", "headers", "direction"),
    [
        (Side(), Side(), {}, "inbound"),
        (Side(contexts=("public",)), Side(), {}, "outbound"),
        (Side(profiles=("ext*",)), Side(), {}, "outbound"),
        (Side(gateways=("own-pbx",)), Side(), {"variable_sip_gateway": "own-pbx"}, "outbound"),
        (Side(gateways=("own-pbx",)), Side(), {"variable_sip_gateway": "carrier"}, "inbound"),
        (Side(endpoints=("10??",)), Side(), {"Caller__Username": "1001"}, "outbound"),
        (Side(contexts=("public",)), Side(endpoints=("+6*",)), {}, "inbound"),
        (Side(contexts=("public",)), Side(gateways=("carrier",)), {"variable_sip_gateway": "carrier"}, "inbound"),
    ],
)
def test_direction_is_the_customers(inside: Side, outside: Side, headers: dict[str, str], direction: str) -> None:
    switch = Switch(FreeswitchSettings(inside=inside, outside=outside))
    (started,) = switch.create("a", **headers)
    assert started.call.direction == direction


def test_out_of_the_box_the_default_context_is_inside() -> None:
    switch = Switch()
    (started,) = switch.create("a", caller="1001", to="1002", Caller__Context="default", Caller__Username="1001")
    assert (started.call.direction, started.call.extension) == ("outbound", "1001")


def test_a_call_that_the_switch_was_told_to_place_is_outbound_and_a_root() -> None:
    (started,) = Switch().dial("a", "+61288880000", None)
    assert (started.call.direction, started.call.parent, started.call.extension) == ("outbound", None, None)


@pytest.mark.parametrize(
    ("to", "headers", "extension"),
    [
        ("1002", {}, "1002"),
        ("bob", {}, "bob"),
        ("k3j9x7q0w2", {"variable_dialed_user": "1002"}, "1002"),
        ("+61288880000", {}, None),
        ("0288880000", {}, None),
        ("1002", {"variable_sip_gateway_name": "carrier"}, None),
        ("0288880000", {"variable_sip_gateway_name": "own-pbx"}, "0288880000"),
    ],
)
def test_a_leg_to_somebody_inside_names_the_extension(to: str, headers: dict[str, str], extension: str | None) -> None:
    switch = Switch(FreeswitchSettings(inside=Side(gateways=("own-pbx",))))
    switch.create("a")
    (started,) = switch.dial("b", to, "a", **headers)
    assert (started.call.parent, started.call.direction, started.call.extension) == ("a", "outbound", extension)


def test_a_number_that_the_dialplan_knows_by_another_name_is_told_as_the_customer_knows_it() -> None:
    settings = FreeswitchSettings(numbers={"sales": "+61255500001"}, accounts_by_number={"+61255500001": "acme"})
    account, started = EventMapper(settings).feed(Switch().event("CHANNEL_CREATE", "a", Caller__Destination__Number="sales"))[0]
    assert (account, started.call.to) == ("acme", "+61255500001")


@pytest.mark.parametrize(
    ("headers", "caller"),
    [({"Caller__Privacy__Hide__Number": "true"}, "anonymous"), ({"Caller__Caller__ID__Number": ""}, "anonymous")],
)
def test_a_withheld_number_stays_withheld(headers: dict[str, str], caller: str) -> None:
    (started,) = Switch().create("a", Caller__Caller__ID__Name="Jo", **headers)
    assert started.call.from_ == caller
    assert started.call.caller_name in (None, "Jo")
    if "Caller__Privacy__Hide__Number" in headers:
        assert started.call.caller_name is None


def test_control_characters_and_length_of_a_strangers_name_are_cut() -> None:
    (started,) = Switch().create("a", caller="12\x0034" + "5" * 400, Caller__Caller__ID__Name="a\nb")
    assert started.call.from_ == ("1234" + "5" * 400)[:256]
    assert started.call.caller_name == "ab"


# Whose call it is
@pytest.mark.parametrize(
    ("headers", "account"),
    [
        ({}, "by-default"),
        ({"variable_domain_name": "pbx.acme.example"}, "by-domain"),
        ({"variable_sip_req_host": "pbx.acme.example"}, "by-domain"),
        ({"variable_domain_name": "pbx.acme.example", "Caller__Destination__Number": "+61255500009"}, "by-number"),
    ],
)
def test_the_account_is_found_by_number_then_domain_then_the_default(headers: dict[str, str], account: str) -> None:
    settings = FreeswitchSettings(
        account="by-default",
        accounts_by_domain={"pbx.acme.example": "by-domain"},
        accounts_by_number={"+61255500009": "by-number"},
    )
    switch = Switch(settings)
    assert switch.mapper.feed(switch.event("CHANNEL_CREATE", "a", **headers))[0][0] == account


def test_a_call_that_fits_no_account_has_none_and_a_child_leg_has_its_roots() -> None:
    settings = FreeswitchSettings(accounts_by_number={"+61255500001": "acme"})
    switch = Switch(settings)
    assert switch.mapper.feed(switch.event("CHANNEL_CREATE", "x", Caller__Destination__Number="9"))[0][0] is None
    switch.create("a")
    child = switch.event("CHANNEL_CREATE", "b", Call__Direction="outbound", Other__Type="originator", Other__Leg__Unique__ID="a")
    assert switch.mapper.feed(child)[0][0] == "acme"
    stray = child | {"Unique-ID": "c", "Other-Leg-Unique-ID": "unseen", "Other-Leg-Destination-Number": "+61255500001"}
    account, update = switch.mapper.feed(stray)[0]
    assert (account, update.call.parent) == ("acme", "unseen")


def test_a_registered_number_names_the_account_of_the_whole_conversation() -> None:
    registered = {"+61255500001": "by-registration", "+61255500002": "hidden"}
    settings = FreeswitchSettings(account="by-default", accounts_by_number={"+61255500002": "by-number"})
    mapper = EventMapper(settings, registered.get)
    switch = Switch()
    root = switch.event("CHANNEL_CREATE", "a", Caller__Destination__Number="+61255500001")
    child = switch.event("CHANNEL_CREATE", "b", Call__Direction="outbound", Other__Type="originator", Other__Leg__Unique__ID="a")
    other = switch.event("CHANNEL_CREATE", "c", Caller__Destination__Number="+61255500002")
    assert [mapper.feed(event)[0][0] for event in (root, child, other)] == ["by-registration", "by-registration", "by-number"]


# Who was made for whom
def test_a_transfer_by_the_caller_keeps_the_conversation() -> None:
    """Somebody inside calls out and transfers the customer: the new leg is made for the customer's, which was made for the root."""
    switch = Switch()
    switch.create("clerk", caller="1001", to="+61288880000", Caller__Context="default")
    switch.dial("customer", "+61288880000", "clerk")
    switch.answer("customer")
    switch.end("clerk")
    (started,) = switch.dial("colleague", "1002", "customer")
    assert (started.call.parent, started.call.extension) == ("clerk", "1002")


def test_an_attended_transfer_tells_the_customers_conversation_who_answered() -> None:
    switch = Switch()
    switch.create("customer")
    switch.answer("customer")
    switch.dial("bob", "1001", "customer")
    switch.create("consult", caller="1001", to="1002", Caller__Context="default")
    switch.dial("carol", "1002", "consult")
    switch.answer("carol")
    (offer,) = switch.feed("CHANNEL_BRIDGE", "customer", Bridge__A__Unique__ID="customer", Bridge__B__Unique__ID="carol")
    assert (offer.type, offer.call.id, offer.call.extension) == ("call.ongoing", "customer", "1002")


def test_an_ordinary_bridge_tells_nothing_new() -> None:
    switch = Switch()
    switch.create("a")
    switch.dial("b", "1001", "a")
    assert switch.feed("CHANNEL_BRIDGE", "a", Bridge__A__Unique__ID="a", Bridge__B__Unique__ID="b") == []
    assert switch.feed("CHANNEL_BRIDGE", "a", Bridge__A__Unique__ID="a", Bridge__B__Unique__ID="unseen") == []


def test_loopback_channels_are_nobodys_legs_and_keep_the_chain() -> None:
    switch = Switch()
    switch.create("a")
    assert switch.dial("lo-a", "2000", "a", Channel__Name="loopback/2000-a") == []
    assert switch.create("lo-b", Channel__Name="loopback/2000-b") == []
    linked = {"Channel__Name": "loopback/2000-b", "variable_other_loopback_leg_uuid": "lo-a"}
    switch.feed("CHANNEL_EXECUTE", "lo-b", Application="bridge", **linked)
    (started,) = switch.dial("b", "1001", "lo-b")
    assert started.call.parent == "a"
    assert switch.end("lo-a") == []


# How it ended
def test_who_hung_up_is_told_on_both_legs() -> None:
    switch = Switch()
    switch.create("a")
    switch.dial("b", "1001", "a")
    switch.answer("b")
    switch.answer("a")
    switch.feed("CHANNEL_BRIDGE", "a", Bridge__A__Unique__ID="a", Bridge__B__Unique__ID="b")
    (child,) = switch.end("b")
    switch.now_ms -= 3_500  # the switch ends the other leg within a moment
    (root,) = switch.end("a", disposition="send_bye")
    assert (child.data["ended_by"], root.data["ended_by"]) == ("callee", "callee")


def test_what_the_switch_does_long_after_the_other_leg_ended_is_its_own_doing() -> None:
    switch = Switch()
    switch.create("a")
    switch.dial("b", "1001", "a")
    switch.answer("b")
    switch.answer("a")
    switch.feed("CHANNEL_BRIDGE", "a", Bridge__A__Unique__ID="a", Bridge__B__Unique__ID="b")
    switch.end("b")
    switch.now_ms += 30_000  # a survey
    (root,) = switch.end("a", disposition="send_bye")
    assert root.data["ended_by"] == "switch"


@pytest.mark.parametrize(
    ("cause", "q850", "disposition", "status", "by"),
    [
        ("LOSE_RACE", "16", "send_cancel", "cancelled", "switch"),
        ("ORIGINATOR_CANCEL", "16", "send_cancel", "cancelled", "caller"),
        ("ALLOTTED_TIMEOUT", "16", "send_cancel", "no-answer", "switch"),
        ("NO_ANSWER", "19", "send_cancel", "no-answer", "switch"),
        ("CALL_REJECTED", "21", "recv_refuse", "no-answer", "callee"),
        ("USER_BUSY", "17", "recv_refuse", "busy", "callee"),
        ("UNALLOCATED_NUMBER", "1", "recv_refuse", "failed", "callee"),
    ],
)
def test_a_leg_that_was_not_answered_ends_by_its_cause(cause: str, q850: str, disposition: str, status: str, by: str) -> None:
    switch = Switch()
    switch.create("a")
    switch.dial("b", "1001", "a")
    (ended,) = switch.end("b", cause, disposition, hangup_cause_q850=q850, sip_invite_failure_status="487")
    assert (ended.type, ended.data["ended_by"], ended.data["cause"]) == (f"call.{status}", by, int(q850))


@pytest.mark.parametrize(("status", "by"), [("503", "switch"), ("408", "switch"), ("486", "callee")])
def test_a_refusal_that_nobody_sent_is_the_switchs_own(status: str, by: str) -> None:
    switch = Switch()
    switch.create("a")
    switch.dial("b", "1001", "a")
    fields = {"variable_sip_hangup_disposition": "recv_refuse", "variable_sip_term_status": status}
    (ended,) = switch.feed("CHANNEL_HANGUP_COMPLETE", "b", **fields)
    assert ended.data["ended_by"] == by


# Keys, entries, recordings, variables
def test_keys_count_while_the_menu_variable_is_true() -> None:
    switch = Switch()
    switch.create("a")
    assert switch.feed("DTMF", "a", DTMF__Digit="1") == []
    switch.feed("CHANNEL_EXECUTE_COMPLETE", "a", Application="set", variable_ringback_menu="true")
    key = switch.event("DTMF", "a", **{"DTMF-Digit": "2"})
    del key["variable_uuid"]  # key events do not carry the channel's variables
    ((_, pressed),) = switch.mapper.feed(key)
    assert (pressed.type, pressed.data) == ("call.ivr-option", {"option": "2"})
    switch.feed("CHANNEL_EXECUTE_COMPLETE", "a", Application="set", variable_ringback_menu="false")
    assert switch.feed("DTMF", "a", DTMF__Digit="3") == []
    assert switch.feed("DTMF", "unseen", DTMF__Digit="3") == []


def test_a_menu_application_counts_until_it_is_complete_also_when_others_run_in_it() -> None:
    switch = Switch(FreeswitchSettings(menu_apps={"ivr": "main"}))
    switch.create("a")
    switch.feed("CHANNEL_EXECUTE", "a", Application="ivr", Application__Data="pin", Application__UUID="0")
    assert switch.feed("DTMF", "a", DTMF__Digit="1") == []
    switch.feed("CHANNEL_EXECUTE", "a", Application="ivr", Application__Data="main", Application__UUID="1")
    switch.feed("CHANNEL_EXECUTE", "a", Application="playback", Application__UUID="2")
    switch.feed("CHANNEL_EXECUTE_COMPLETE", "a", Application="playback", Application__UUID="2")
    assert kinds(switch.feed("DTMF", "a", DTMF__Digit="#")) == ["ivr-option"]
    assert switch.feed("DTMF", "a", DTMF__Digit="flash") == []
    switch.feed("CHANNEL_EXECUTE_COMPLETE", "a", Application="ivr", Application__UUID="1")
    assert switch.feed("DTMF", "a", DTMF__Digit="1") == []


def test_an_entry_is_told_from_the_variable_that_its_application_names() -> None:
    switch = Switch(FreeswitchSettings(prompts={"postcode": "postcode"}))
    switch.create("a")
    data = {"Application": "play_and_get_digits", "Application__Data": "4 4 1 5000 # ask.wav - postcode \\d+"}
    (entry,) = switch.feed("CHANNEL_EXECUTE_COMPLETE", "a", variable_postcode="4000", variable_read_result="success", **data)
    assert (entry.type, entry.data) == ("call.prompt", {"keys": "4000", "kind": "postcode"})
    assert switch.feed("CHANNEL_EXECUTE_COMPLETE", "a", variable_postcode="4000", variable_read_result="failure", **data) == []
    assert switch.feed("CHANNEL_EXECUTE_COMPLETE", "a", variable_postcode="4000", Application__Data="other") == []


def test_the_variables_that_the_settings_name_are_passed_on_and_no_others() -> None:
    switch = Switch(FreeswitchSettings(vars=("campaign",)))
    (started,) = switch.create("a", variable_campaign="spring", variable_pin="1234")
    assert started.call.vars == {"campaign": "spring"}


# What `show channels` tells
def channel(leg: str, **fields: Any) -> Channel:
    known = {"id": leg, "outgoing": False, "number": "+61288880000", "destination": "+61255500001", "context": "public"}
    return Channel(**(known | fields))


def test_a_call_that_the_switch_no_longer_has_gets_an_inferred_end() -> None:
    switch = Switch()
    switch.create("a")
    switch.create("b")
    switch.answer("b")
    ((_, failed),) = switch.mapper.vanish("a", switch.now_ms + 5_000)
    ((_, completed),) = switch.mapper.vanish("b", switch.now_ms - 60_000)
    assert (failed.type, failed.inferred, failed.at_ms) == ("call.failed", True, switch.now_ms + 5_000)
    assert (completed.type, completed.inferred, completed.at_ms) == ("call.completed", True, switch.now_ms)
    assert switch.mapper.vanish("a", switch.now_ms) == []


def test_the_true_end_is_told_after_an_inferred_one() -> None:
    switch = Switch()
    switch.create("a")
    switch.mapper.vanish("a", switch.now_ms)
    (ended,) = switch.end("a", "USER_BUSY", "send_refuse", hangup_cause_q850="17")
    assert (ended.type, ended.inferred) == ("call.busy", False)


def test_a_call_that_was_not_heard_of_begins_as_far_as_the_switch_is_with_it() -> None:
    mapper = EventMapper(VANILLA)
    talking = channel("a", created_ms=T0, progress="ongoing")
    assert mapper.is_behind(talking)
    started, ongoing = [update for _, update in mapper.catch_up(talking, T0 + 9_000)]
    assert [(started.type, started.at_ms), (ongoing.type, ongoing.at_ms)] == [
        ("call.starting", T0),
        ("call.ongoing", T0 + 9_000),
    ]
    assert not mapper.is_behind(talking)
    assert mapper.catch_up(talking, T0 + 10_000) == []


def test_a_call_that_ended_is_not_begun_again_by_a_list_that_lags() -> None:
    switch = Switch()
    switch.create("a")
    switch.end("a")
    assert not switch.mapper.is_behind(channel("a", progress="ongoing"))
    assert switch.mapper.catch_up(channel("a", progress="ongoing"), switch.now_ms) == []


def test_a_call_that_was_given_up_and_is_there_after_all_lives_on() -> None:
    switch = Switch()
    switch.create("a")
    switch.mapper.vanish("a", switch.now_ms)
    assert switch.mapper.is_behind(channel("a"))
    assert switch.mapper.catch_up(channel("a"), switch.now_ms) == []
    assert list(switch.mapper.open_legs()) == ["a"]


def test_a_call_from_before_this_process_is_ended_when_the_switch_has_it_no_more() -> None:
    mapper = EventMapper(VANILLA)
    call = CallRef(id="a", direction="inbound", from_="+61288880000", to="+61255500001")
    mapper.resume("acme", call, answered=True, last_ms=T0)
    ((account, ended),) = mapper.vanish("a", T0 + 1)
    assert (account, ended.type, ended.call.from_, ended.inferred) == ("acme", "call.completed", "+61288880000", True)


def test_the_reply_to_show_channels_is_read_as_the_switch_writes_it() -> None:
    row = {
        "uuid": "b",
        "direction": "outbound",
        "created_epoch": "1795180000",
        "name": "sofia/internal/1001@192.0.2.7",
        "cid_num": "changed",
        "initial_cid_num": "+61288880000",
        "dest": "changed",
        "initial_dest": "1001",
        "context": "default",
        "presence_id": "1001@pbx.acme.example",
        "callstate": "RINGING",
        "call_uuid": "a",
    }
    root = row | {"uuid": "a", "direction": "inbound", "callstate": "ACTIVE", "created_epoch": None}
    channels = channels_of_reply(json.dumps({"row_count": 2, "rows": [row, root, {"uuid": ""}, 7]}).encode())
    assert channels is not None
    assert [(item.id, item.made_for, item.progress, item.created_ms) for item in channels] == [
        ("a", None, "ongoing", 0),
        ("b", "a", "ringing", 1_795_180_000_000),
    ]
    assert (channels[1].number, channels[1].destination, channels[1].profile) == ("+61288880000", "1001", "internal")
    assert channels_of_reply(b'{"row_count":0}') == []
    assert channels_of_reply(b"-ERR no such command\n") is None


@pytest.mark.parametrize(
    ("direction", "callstate", "progress"),
    [
        ("inbound", "RINGING", "starting"),
        ("inbound", "EARLY", "ringing"),
        ("outbound", "RINGING", "ringing"),
        ("outbound", "RING_WAIT", "starting"),
        ("inbound", "HELD", "ongoing"),
        ("outbound", "DOWN", "starting"),
    ],
)
def test_a_call_state_means_what_it_means_on_that_side(direction: str, callstate: str, progress: str) -> None:
    row = {"uuid": "a", "direction": direction, "callstate": callstate}
    channels = channels_of_reply(json.dumps({"row_count": 1, "rows": [row]}).encode())
    assert channels is not None
    assert channels[0].progress == progress


# Bounds
def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legs_module, "MOST_ENDED", 3)
    monkeypatch.setattr(legs_module, "MOST_OPEN", 5)
    switch = Switch()
    for number in range(20):
        switch.create(f"open-{number}")
    assert len(switch.mapper.open_legs()) == 5
    for number in range(20):
        switch.create(f"ended-{number}")
        switch.end(f"ended-{number}")
    assert switch.mapper.is_behind(channel("ended-0"))
    assert not switch.mapper.is_behind(channel("ended-19"))


@given(st.data())
def test_events_lost_repeated_and_out_of_order_give_each_leg_one_end_at_most(data: st.DataObject) -> None:
    events = [json_event(line) for line in (CAPTURES / "blind_transfer.jsonl").read_bytes().splitlines()]
    picked = data.draw(st.lists(st.sampled_from(events), max_size=150))
    mapper = EventMapper(FreeswitchSettings(account="acme", inside=Side(contexts=("from-sip",))))
    made = [update for event in picked for _, update in mapper.feed(event)]
    ends = [update.call.id for update in made if update.type.removeprefix("call.") in FINAL]
    starts = [update.call.id for update in made if update.type == "call.starting"]
    assert len(ends) == len(set(ends))
    assert len(starts) == len(set(starts))
    assert set(ends) <= set(starts)
