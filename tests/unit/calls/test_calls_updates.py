"""The wire form: what is taken, and what is refused with its place and a reason."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.calls.model import CallRef, Geo, Survey, Update, to_rfc3339
from ringback.calls.updates import MAX_ITEM_BYTES, TYPES, parse_at, parse_update, split_updates
from ringback.errors import InvalidInput

AT = "2026-11-20T12:00:00.250Z"
AT_MS = 1_795_176_000_250

EXAMPLE = b"""{"id":"sw1-000123","type":"call.ringing","at":"2026-11-20T12:00:00.250Z",
 "call":{"id":"c-9f31","direction":"inbound","from":"+61288880000","to":"+611800111222","extension":"280085","crm_id":"lead-55"},
 "data":{}}"""


def wire(**fields: Any) -> bytes:
    """An update that is right, but for the fields given; `...` leaves one out."""
    whole = {"type": "call.ringing", "at": AT, "call": {"id": "c1"}, **fields}
    return json.dumps({name: value for name, value in whole.items() if value is not ...}).encode()


def refused(raw: bytes) -> tuple[str, str]:
    with pytest.raises(InvalidInput) as caught:
        parse_update(raw)
    return caught.value.field, str(caught.value)


def test_the_documented_example() -> None:
    update, account = parse_update(EXAMPLE)
    call = CallRef(id="c-9f31", direction="inbound", from_="+61288880000", to="+611800111222", extension="280085", crm_id="lead-55")
    assert update == Update(type="call.ringing", at_ms=AT_MS, call=call, id="sw1-000123")
    assert account is None


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_every_type_is_taken(kind: str) -> None:
    data = {
        "call.ivr-option": {"option": "#"},
        "call.prompt": {"keys": "2000", "kind": "postcode"},
        "call.recording": {"status": "in-progress"},
    }.get(kind, {})
    update, _ = parse_update(wire(type=kind, data=data))
    assert (update.type, update.data) == (kind, data)


def test_the_least_and_the_most_that_an_update_says() -> None:
    assert parse_update(wire())[0] == Update(type="call.ringing", at_ms=AT_MS, call=CallRef(id="c1"))
    update, account = parse_update(
        wire(
            id="x" * 200,
            account="a9",
            data=None,
            call={
                "id": "é" * 128,
                "parent": "p",
                "from": "",
                "to": "sip:" + "a" * 252,
                "from_geo": {"country": "AU"},
                "survey": {"value": 7},
                "awaits": ["recording", "survey"],
                "vars": {"a": "1"},
                "answered_by": "ivr",
            },
        )
    )
    assert account == "a9"
    assert (update.call.from_, update.call.parent, update.data) == ("", "p", {})
    assert (update.call.from_geo, update.call.survey, update.call.vars) == (Geo(country="AU"), Survey(value=7), {"a": "1"})


BAD: list[tuple[str, bytes, str, str]] = [
    # the whole
    ("nothing", b"", "", "not valid JSON"),
    ("not JSON", b"ringing", "", "not valid JSON"),
    ("cut off", EXAMPLE[:-5], "", "not valid JSON"),
    ("two objects", EXAMPLE + b"{}", "", "not valid JSON"),
    ("an array", b"[]", "", "expected `object`"),
    ("a number", b"7", "", "expected `object`"),
    ("NaN", wire(data=...)[:-1] + b',"data":{"x":NaN}}', "", "not valid JSON"),
    ("too large", wire(data={"x": "y" * MAX_ITEM_BYTES}), "", "64 KiB"),
    ("invalid UTF-8", wire(id="zz").replace(b"zz", b"\xff\xfe"), "", "UTF-8"),
    ("half a surrogate pair", wire(id="zz").replace(b"zz", b"\\ud800"), "", "not valid JSON"),
    ("a raw NUL byte", wire(id="zz").replace(b"zz", b"\x00"), "", "not valid JSON"),
    ("deep JSON in data", wire(data=...)[:-1] + b',"data":{"x":' + b"[" * 30_000 + b"]" * 30_000 + b"}}", "", "deeply"),
    ("deep objects in data", wire(data=...)[:-1] + b',"data":' + b'{"x":' * 10_500 + b"1" + b"}" * 10_501, "", "deeply"),
    ("deep JSON in an unknown field", wire()[:-1] + b',"deep":' + b"[" * 30_000 + b"]" * 30_000 + b"}", "deep", "not a field"),
    ("an unknown field", wire(kind="x"), "kind", "not a field"),
    ("a field that only we may set", wire(inferred=True), "inferred", "not a field"),
    # type
    ("no type", wire(type=...), "type", "is required"),
    ("an unknown type", wire(type="call.exploded"), "type", "not a type"),
    ("a status without call.", wire(type="ringing"), "type", "not a type"),
    ("a correction is ours to make", wire(type="call.corrected"), "type", "not a type"),
    ("a type that is no text", wire(type=7), "type", "expected `str`"),
    # at
    ("no time", wire(at=...), "at", "is required"),
    ("a null time", wire(at=None), "at", "expected `str`"),
    ("a number as time", wire(at=1_795_176_000), "at", "expected `str`"),
    ("a time without offset", wire(at="2026-11-20T12:00:00"), "at", "offset"),
    ("a date", wire(at="2026-11-20"), "at", "offset"),
    ("an offset without colon", wire(at="2026-11-20T12:00:00+0100"), "at", "offset"),
    ("ISO 8601 without separators", wire(at="20261120T120000Z"), "at", "offset"),
    ("text after the time", wire(at=AT + "x"), "at", "offset"),
    ("a comma in the second", wire(at="2026-11-20T12:00:00,5Z"), "at", "offset"),
    ("digits of another script", wire(at="٢٠٢٦-11-20T12:00:00Z"), "at", "offset"),
    ("a day that is not", wire(at="2026-02-30T12:00:00Z"), "at", "not a time that exists"),
    ("a month that is not", wire(at="2026-13-01T12:00:00Z"), "at", "not a time that exists"),
    ("a minute that is not", wire(at="2026-11-20T12:61:00Z"), "at", "offset"),
    ("second 61", wire(at="2026-11-20T12:00:61Z"), "at", "not a time that exists"),
    ("before 2000", wire(at="1999-12-31T23:59:59.999Z"), "at", "2000 and 2100"),
    ("after 2100", wire(at="2101-01-01T00:00:00Z"), "at", "2000 and 2100"),
    ("year 1 east of Greenwich", wire(at="0001-01-01T00:00:00+10:00"), "at", "2000 and 2100"),
    ("year 0", wire(at="0000-01-01T00:00:00Z"), "at", "not a time that exists"),
    # id, account
    ("an empty id", wire(id=""), "id", "1 to 200"),
    ("a long id", wire(id="x" * 201), "id", "1 to 200"),
    ("an id with a control character", wire(id="a\nb"), "id", "printable"),
    ("an id that is a number", wire(id=7), "id", "expected `str | null`"),
    ("an empty account", wire(account=""), "account", "1 to 128"),
    # call
    ("no call", wire(call=...), "call", "is required"),
    ("a call that is text", wire(call="c1"), "call", "expected `object`"),
    ("no call id", wire(call={"to": "x"}), "call.id", "is required"),
    ("an empty call id", wire(call={"id": ""}), "call.id", "1 to 128"),
    ("a long call id", wire(call={"id": "x" * 129}), "call.id", "1 to 128"),
    ("a call id with a tab", wire(call={"id": "a\tb"}), "call.id", "printable"),
    ("NUL in the call id", wire(call={"id": "a\x00b"}), "call.id", "NUL"),
    ("its own parent", wire(call={"id": "c", "parent": "c"}), "call.parent", "itself"),
    ("an empty parent", wire(call={"id": "c", "parent": ""}), "call.parent", "1 to 128"),
    ("an unknown field in call", wire(call={"id": "c", "form": "x"}), "call.form", "not a field"),
    ("an unknown direction", wire(call={"id": "c", "direction": "sideways"}), "call.direction", "inbound, outbound"),
    ("an unknown answerer", wire(call={"id": "c", "answered_by": "cat"}), "call.answered_by", "voicemail"),
    ("an unknown fact awaited", wire(call={"id": "c", "awaits": ["x"]}), "call.awaits[0]", "recording, survey"),
    ("from with a line break", wire(call={"id": "c", "from": "+61\r\nX: y"}), "call.from", "control"),
    ("from with NUL", wire(call={"id": "c", "from": "\x00"}), "call.from", "NUL"),
    ("a long to", wire(call={"id": "c", "to": "x" * 257}), "call.to", "256"),
    ("from that is a number", wire(call={"id": "c", "from": 61288880000}), "call.from", "expected `str | null`"),
    ("a long extension", wire(call={"id": "c", "extension": "x" * 129}), "call.extension", "128"),
    ("NUL deep in the context", wire(call={"id": "c", "survey": {"type": "a\x00"}}), "call.survey.type", "NUL"),
    ("NUL in a variable", wire(call={"id": "c", "vars": {"a": "\x00"}}), "call.vars.a", "NUL"),
    ("NUL in a variable's name", wire(call={"id": "c", "vars": {"\x00": "a"}}), "call.vars", "NUL"),
    ("NUL in a list", wire(call={"id": "c", "prompts": {"keys": ["\x00"]}}), "call.prompts.keys", "NUL"),
    ("a variable that is a number", wire(call={"id": "c", "vars": {"a": 1}}), "call.vars", "expected `str`"),
    ("an unknown field in a geography", wire(call={"id": "c", "to_geo": {"zip": "1"}}), "call.to_geo.zip", "not a field"),
    ("a survey value too large", wire(call={"id": "c", "survey": {"value": 2**60}}), "call.survey.value", "too large"),
    ("a negative duration", wire(call={"id": "c", "recording": {"duration_s": -1}}), "call.recording.duration_s", "from 0"),
    # data
    ("data that is a list", wire(data=[]), "data", "expected `object | null`"),
    ("no option", wire(type="call.ivr-option"), "data.option", "is required"),
    ("a null option", wire(type="call.ivr-option", data={"option": None}), "data.option", "is required"),
    ("two keys as option", wire(type="call.ivr-option", data={"option": "12"}), "data.option", "one of"),
    ("a letter as option", wire(type="call.ivr-option", data={"option": "E"}), "data.option", "one of"),
    ("a number as option", wire(type="call.ivr-option", data={"option": 1}), "data.option", "one of"),
    ("no keys", wire(type="call.prompt", data={"kind": "keys"}), "data.keys", "is required"),
    ("empty keys", wire(type="call.prompt", data={"keys": "", "kind": "keys"}), "data.keys", "1 to 128 keys"),
    ("keys with a comma", wire(type="call.prompt", data={"keys": "1,2", "kind": "keys"}), "data.keys", "1 to 128 keys"),
    ("no kind", wire(type="call.prompt", data={"keys": "1"}), "data.kind", "is required"),
    ("an unknown kind", wire(type="call.prompt", data={"keys": "1", "kind": "pin"}), "data.kind", "keys, postcode"),
    ("no recording status", wire(type="call.recording", data={}), "data.status", "is required"),
    ("an unknown recording status", wire(type="call.recording", data={"status": "done"}), "data.status", "in-progress"),
    (
        "a recording's url with a break",
        wire(type="call.recording", data={"status": "completed", "url": "a\nb"}),
        "data.url",
        "control",
    ),
    ("half a second", wire(type="call.recording", data={"status": "completed", "duration_s": 1.5}), "data.duration_s", "whole"),
    ("no channels", wire(type="call.recording", data={"status": "completed", "channels": 0}), "data.channels", "from 1"),
    ("a transcript that is a list", wire(type="call.transcription", data={"text": ["a"]}), "data.text", "must be text"),
    ("a cause beyond all", wire(type="call.busy", data={"cause": 1000}), "data.cause", "0 to 999"),
    ("a cause in words", wire(type="call.busy", data={"cause": "17"}), "data.cause", "whole number"),
    ("a cause that is true", wire(type="call.busy", data={"cause": True}), "data.cause", "whole number"),
    ("a SIP status beyond all", wire(type="call.failed", data={"sip_status": 700}), "data.sip_status", "100 to 699"),
    ("a long ended_by", wire(type="call.completed", data={"ended_by": "x" * 65}), "data.ended_by", "64"),
    ("a nested value", wire(data={"x": {"y": 1}}), "data.x", "must be text, a number"),
    ("a list as value", wire(type="call.facts", data={"x": []}), "data.x", "must be text, a number"),
    ("a huge number", wire(data={"x": 2**70}), "data.x", "too large"),
    ("a strange name", wire(data={"a\nb": 1}), "data.a\nb", "not a name"),
    ("NUL in data", wire(data={"x": "a\x00"}), "data.x", "NUL"),
]


@pytest.mark.parametrize(("raw", "field", "says"), [pytest.param(*row[1:], id=row[0]) for row in BAD])
def test_bad_input_is_refused_with_its_place_and_a_reason(raw: bytes, field: str, says: str) -> None:
    assert refused(raw)[0] == field
    assert says in refused(raw)[1]


@pytest.mark.parametrize("secret", ["hunter2" * 3])
def test_a_refusal_echoes_no_value(secret: str) -> None:
    for raw in (
        wire(type=secret),
        wire(at=secret),
        wire(id=secret * 20),
        wire(call={"id": "c", "direction": secret}),
        wire(call={"id": "c", "survey": {"value": secret}}),
        wire(type="call.ivr-option", data={"option": secret}),
        wire(type="call.prompt", data={"keys": secret, "kind": "keys"}),
    ):
        assert secret not in "".join(refused(raw))


def test_a_backslash_before_digits_is_no_nul() -> None:
    update, _ = parse_update(wire(call={"id": "c", "caller_name": "a\\u0000b"}))
    assert update.call.caller_name == "a\\u0000b"


def test_fields_that_a_type_does_not_know_are_kept_in_its_data_and_nulls_are_not() -> None:
    update, _ = parse_update(wire(type="call.busy", data={"cause": 17, "sip_status": None, "note": "x", "q": 1.5, "ok": True}))
    assert update.data == {"cause": 17, "note": "x", "q": 1.5, "ok": True}


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-20T12:00:00.250Z", "2026-11-20T12:00:00.250Z"),
        ("2026-11-20T12:00:00Z", "2026-11-20T12:00:00.000Z"),
        ("2026-11-20t12:00:00z", "2026-11-20T12:00:00.000Z"),
        ("2026-11-20 12:00:00Z", "2026-11-20T12:00:00.000Z"),
        ("2026-11-20T12:00:00.2509999Z", "2026-11-20T12:00:00.250Z"),
        ("2026-11-20T12:00:00.9999999999Z", "2026-11-20T12:00:00.999Z"),
        ("2026-11-20T12:00:00.5Z", "2026-11-20T12:00:00.500Z"),
        ("2026-11-20T23:00:00+11:00", "2026-11-20T12:00:00.000Z"),
        ("2026-11-20T06:30:00-05:30", "2026-11-20T12:00:00.000Z"),
        ("2026-11-20T12:00:00-00:00", "2026-11-20T12:00:00.000Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z"),
        ("2000-01-01T00:00:00Z", "2000-01-01T00:00:00.000Z"),
        ("2100-12-31T23:59:59.999Z", "2100-12-31T23:59:59.999Z"),
    ],
)
def test_times_are_cut_to_milliseconds(text: str, at: str) -> None:
    assert to_rfc3339(parse_at(text)) == at


@given(st.integers(946_684_800_000, 4_133_980_799_999))
def test_every_time_of_ours_reads_back(at_ms: int) -> None:
    assert parse_at(to_rfc3339(at_ms)) == at_ms


@given(st.binary(max_size=200))
def test_nothing_but_invalid_input_is_raised_for_any_bytes(raw: bytes) -> None:
    for attempt in (raw, wire(id="zz").replace(b"zz", raw), wire(data={"x": "zz"}).replace(b'"zz"', raw)):
        try:
            parse_update(attempt)
        except InvalidInput:
            continue


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(max_size=8), SCALARS, max_size=2)
FIELDS = ("type", "at", "call", "id", "data", "account", "other")


@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=3),
    st.dictionaries(st.sampled_from([*CallRef.__struct_fields__, "from"]), JSON, max_size=3),
)
def test_nothing_but_invalid_input_is_raised_for_any_json(fields: dict[str, Any], call: dict[str, Any]) -> None:
    for attempt in (wire(**fields), wire(call={"id": "c", **call})):
        try:
            parse_update(attempt)
        except InvalidInput:
            continue


class TestSplitting:
    def test_one_object_also_over_several_lines(self) -> None:
        assert split_updates(EXAMPLE, "application/json") == [EXAMPLE]
        pretty = json.dumps(json.loads(EXAMPLE), indent=1).encode()
        assert split_updates(b"\xef\xbb\xbf\r\n" + pretty + b"\n", "application/json") == [pretty]

    def test_an_array_keeps_its_items_as_they_are(self) -> None:
        assert split_updates(b'[{"a": 1 } , {"b":[2]},7]', "") == [b'{"a": 1 }', b'{"b":[2]}', b"7"]
        assert split_updates(b"[]", "") == []

    def test_ndjson_by_content(self) -> None:
        assert split_updates(b'{"a":1}\r\n\r\n{"b":2}\n', "application/json") == [b'{"a":1}', b'{"b":2}']

    @pytest.mark.parametrize("kind", ["application/x-ndjson", "application/json", ""])
    @pytest.mark.parametrize("broken", [b'{"b":', b"nonsense", b"[[[", b"{" * 5])
    def test_a_broken_line_of_ndjson_is_its_own_error(self, kind: str, broken: bytes) -> None:
        for lines in ([b'{"a":1}', broken, b'{"c":3}'], [broken, b'{"a":1}'], [b'{"a":1}', broken]):
            if lines[0].startswith(b"["):
                continue  # A body that opens as an array is one.
            assert split_updates(b"\n".join(lines), kind) == lines

    def test_one_line_of_ndjson_is_one_object(self) -> None:
        assert split_updates(b'{"a":1}\n', "application/x-ndjson") == [b'{"a":1}']

    def test_all_lines_broken_are_ndjson_only_if_the_sender_says_so(self) -> None:
        assert split_updates(b"{x\n{y", "application/x-ndjson; charset=utf-8") == [b"{x", b"{y"]
        with pytest.raises(InvalidInput):
            split_updates(b"{x\n{y", "application/json")

    @pytest.mark.parametrize(
        ("body", "says"),
        [
            (b"", "empty"),
            (b" \r\n ", "empty"),
            (b'{"a":', "not valid JSON"),
            (b'{\n "a": 1,\n "b": {"c": 2}\n "d": 3\n}', "not valid JSON"),
            (b'[{"a":1},{"b":]', "not valid JSON"),
            (b'[{"a":1}', "not valid JSON"),
            (b"[" * 100_000, "deeply"),
            (b'{"a":' * 100_000, "deeply"),
            (b"\x00\x01", "not valid JSON"),
            (b"from=1&to=2", "not valid JSON"),
        ],
    )
    def test_a_body_that_cannot_be_taken_apart(self, body: bytes, says: str) -> None:
        with pytest.raises(InvalidInput, match=says) as caught:
            split_updates(body, "application/json")
        assert caught.value.field == ""

    def test_a_thousand_updates_of_a_mebibyte(self) -> None:
        body = b"[" + b",".join([EXAMPLE] * 5000) + b"]"
        assert len(body) > 2**20
        assert split_updates(body, "application/json") == [EXAMPLE] * 5000

    @given(st.binary(max_size=60), st.sampled_from(["application/json", "application/x-ndjson"]))
    def test_nothing_but_invalid_input_is_raised(self, body: bytes, kind: str) -> None:
        try:
            split_updates(body, kind)
        except InvalidInput:
            return
