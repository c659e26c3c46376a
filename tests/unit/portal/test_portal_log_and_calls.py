"""What the pages of the log and of calls are made of: commands for curl, waterfalls, ladders, advice."""

import base64
import os
import shlex
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.portal.advice import of_status
from ringback.portal.curl import as_curl
from ringback.portal.ladder import MOST_LANES, ladder
from ringback.portal.typed import typed_number
from ringback.portal.waterfall import WIDTH, waterfall

_STUB = 'curl() { printf "%s\\0" "$@"; for last; do :; done; [ "$last" = @- ] && cat; return 0; }\n'
_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


def run(command: str) -> tuple[list[str], bytes]:
    """What a shell hands to curl: its arguments, and what comes by standard input."""
    done = subprocess.run(["sh", "-c", _STUB + command], capture_output=True, check=True, env={"PATH": os.environ["PATH"]})
    assert done.stderr == b""
    *arguments, rest = done.stdout.split(b"\0", done.stdout.count(b"\0") if b"@-" not in done.stdout else _words(command))
    return [one.decode() for one in arguments], rest


def _words(command: str) -> int:
    return len(shlex.split(command[command.index("| curl") + 2 :].replace("\\\n", " "))) - 1


def request(**fields: Any) -> dict[str, Any]:
    return {"method": "POST", "url": "https://example.com/x", "headers": [], "body": None, **fields}


@pytest.mark.parametrize("text", ["'; touch /tmp/x; '", "$(id)", "`id`", "a\nb", "@/etc/passwd", "\\", "-o/tmp/x", "!!", "\"'$IFS"])
def test_a_shell_takes_hostile_values_as_they_are(text: str) -> None:
    url = f"https://example.com/?q={text}".replace("\n", "")
    arguments, _ = run(as_curl(request(url=url, body=text, headers=[["X-A", text.replace("\n", "")], ["Host", "evil"]])))
    assert url in arguments
    assert arguments[arguments.index("--data-raw") + 1] == text
    assert f"X-A: {text}".replace("\n", "") in arguments
    assert not any("evil" in one for one in arguments)
    assert "--globoff" in arguments


@settings(max_examples=40, deadline=None)
@given(_TEXT, _TEXT)
def test_any_body_and_header_come_back_out_of_the_words(body: str, value: str) -> None:
    command = as_curl(request(body=body, headers=[["X-A", value]]))
    words = shlex.split(command.replace("\\\n", " ") if "\\\n" not in body + value else command)
    if "--data-raw" in words:
        assert words[words.index("--data-raw") + 1] == body
    elif body:
        assert base64.b64decode(words[2]).decode() == body
    assert not any(ord(char) < 32 and char not in "\n\t" for char in command)
    assert "\x7f" not in command


def test_bytes_that_are_no_text_go_through_a_pipe() -> None:
    raw = bytes(range(1, 256))
    arguments, came = run(as_curl(request(body_base64=base64.b64encode(raw).decode())))
    assert arguments[-1] == "@-"
    assert came == raw


def test_curl_adds_nothing_of_its_own() -> None:
    words = shlex.split(
        as_curl(request(headers=[["User-Agent", "Ringback"], ["X-Empty", ""], ["b d", "x"]], body="x")).replace("\\\n", "")
    )
    assert {"accept:", "content-type:", "User-Agent: Ringback", "X-Empty;"} <= set(words)
    assert "user-agent:" not in words
    assert not any(word.startswith("b d") for word in words)
    assert "content-type:" not in shlex.split(as_curl(request()))


def test_a_waterfall_fills_its_width_in_order() -> None:
    spans = waterfall({"dns": 2.0, "connect": 5.0, "tls": 20.0, "first_byte": 90.0, "total": 100.0})
    assert [span.key for span in spans] == ["dns", "connect", "tls", "first_byte", "rest"]
    assert [span.ms for span in spans] == [2, 3, 15, 70, 10]
    assert spans[0].x == 0
    assert spans[-1].x + spans[-1].width == WIDTH
    assert waterfall({"dns": None, "connect": None, "tls": None, "first_byte": None, "total": 0.0}) == []


def test_a_kept_connection_and_one_that_failed() -> None:
    kept = waterfall({"dns": None, "connect": None, "tls": None, "first_byte": 1.0, "total": 1.0})
    assert [(span.word, span.width) for span in kept] == [("Waiting", WIDTH)]
    failed = waterfall({"dns": 1.0, "connect": None, "tls": None, "first_byte": None, "total": 11.0})
    assert [span.word for span in failed] == ["Name", "Until it failed"]


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e6)), min_size=5, max_size=5))
def test_no_span_leaves_the_drawing(times: list[float | None]) -> None:
    names = ("dns", "connect", "tls", "first_byte", "total")
    for span in waterfall(dict(zip(names, times, strict=True))):
        assert span.ms >= 0
        assert 0 <= span.x <= WIDTH
        assert 0 < span.width <= WIDTH + 0.01


@pytest.mark.parametrize("status", [201, 302, 400, 404, 418, 429, 500, 503, 599, 100])
def test_every_status_has_words(status: int) -> None:
    assert of_status(status).what
    assert of_status(status).do


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("+61 2 8888-0000", "+61288880000"), ("(02) 8888 0000", "0288880000"), ("280085", "280085"), ("sip:a@b", "sip:a@b"), ("", "")],
)
def test_numbers_as_people_write_them(typed: str, meant: str) -> None:
    assert typed_number(typed) == meant


def call(name: str, parent: str | None = None, status: str = "completed", **more: Any) -> dict[str, Any]:
    shown = {
        "id": name,
        "parent": parent,
        "status": status,
        "from": "a",
        "to": "b",
        "created_at": f"2026-11-20T12:00:0{len(name)}Z",
    }
    return {
        key: value for key, value in {**shown, "first_at": shown["created_at"], "context": {}, **more}.items() if value is not None
    }


def event(seq: int, of: str, kind: str, second: float, *deliveries: dict[str, Any], **more: Any) -> dict[str, Any]:
    at = f"2026-11-20T12:00:{second:06.3f}Z"
    fixed = {
        "id": f"evt_{seq}",
        "seq": seq,
        "type": f"call.{kind}",
        "at": at,
        "call_id": of,
        "data": {},
        "offer": None,
        "late": False,
    }
    return {**fixed, "deliveries": list(deliveries), **more}


def lines(found: Any) -> list[str]:
    """Each step's lanes as one word a lane: u(p), d(own), l(eft), r(ight), * for its own."""
    marks = (("up", "u"), ("down", "d"), ("left", "l"), ("right", "r"), ("dot", "*"))
    return [
        " ".join("".join(mark for name, mark in marks if getattr(lane, name)) or "." for lane in step.lanes) for step in found.steps
    ]


def test_legs_are_lanes_and_a_child_comes_off_its_parent() -> None:
    found = ladder(
        {
            "call": call("child", "root"),
            "legs": [call("root")],
            "events": [
                event(1, "root", "starting", 0),
                event(2, "child", "starting", 1),
                event(3, "child", "completed", 2),
                event(4, "root", "completed", 3),
            ],
        }
    )
    assert [leg.letter for leg in found.legs] == ["A", "B"]
    assert lines(found) == ["d* .", "udr dl*", "ud u*", "u* ."]
    assert [step.after for step in found.steps] == ["+0.0 s", "+1.0 s", "+2.0 s", "+3.0 s"]
    assert found.is_over


def test_a_leg_that_goes_on_has_no_end_and_words_say_what_happened() -> None:
    asked = {"id": "dlv_1", "kind": "instruction", "event": "voice", "created_at": "2026-11-20T12:00:01Z"}
    found = ladder(
        {
            "call": call("r", status="ongoing"),
            "legs": [],
            "events": [
                event(2, "r", "ringing", 1, offer={"to": "280085", "n": 1}),
                event(1, "r", "starting", 0, asked, {"id": "dlv_2", "kind": "event"}),
                event(3, "r", "ivr-option", 2, data={"option": "#"}),
                event(4, "r", "recording", 3, data={"status": "completed", "url": "https://x", "duration_s": 3}),
                event(5, "r", "unheard-of", 4, late=True),
            ],
        }
    )
    titles = [step.title for step in found.steps]
    assert titles == ["Starts", "Asked what to do: voice", "280085 rings", "Key pressed: #", "Recording completed", "unheard-of"]
    assert [len(step.deliveries) for step in found.steps[:2]] == [1, 0]
    assert found.steps[1].asked == asked
    assert list(found.steps[4].details) == [("duration_s", "3")]
    assert lines(found)[-1] == "ud*"
    assert not found.is_over


def test_many_legs_share_the_last_lane() -> None:
    legs = [call(f"leg-{number:02d}", "root") for number in range(40)]
    events = [event(number, leg["id"], "starting", number) for number, leg in enumerate(legs, 1)]
    found = ladder({"call": call("root"), "legs": legs, "events": events})
    assert found.lanes == MOST_LANES
    assert {leg.lane for leg in found.legs} == set(range(MOST_LANES))
    assert len({leg.letter for leg in found.legs}) == 41
    assert all(len(step.lanes) == MOST_LANES for step in found.steps)


def test_a_call_of_which_nothing_is_told() -> None:
    found = ladder({"call": call("r", status="starting"), "legs": [], "events": []})
    assert found.steps == []
    assert found.lanes == 1


@pytest.mark.parametrize(("second", "said"), [(99.9, "+99.9 s"), (125, "+2:05 min"), (7_500, "+2 h 05 min"), (400_000, "+4 days")])
def test_how_long_after(second: float, said: str) -> None:
    events = [
        event(1, "r", "starting", 0),
        {**event(2, "r", "ringing", 0), "at": f"2026-11-{20 + int((43_200 + second) // 86_400)}T"},
    ]
    total = int(43_200 + second) % 86_400
    tenth = f"{second - int(second):.1f}"[1:]
    events[1]["at"] += f"{total // 3600:02d}:{total % 3600 // 60:02d}:{total % 60:02d}{tenth}Z"
    assert ladder({"call": call("r"), "legs": [], "events": events}).steps[1].after == said
