"""What becomes of live calls when the server ends, by a signal or by a kill, and how it is started."""

import base64
from pathlib import Path

import pytest
from harness import Api, Receiver, run_ringback, until
from live_harness import CALLER, NUMBER, SALES, call_of, comes_in, events, in_status, over, parameters, placed, start_with_switch

STAYS = "<Response><Pause length='60'/></Response>"
DIALS = f"<Response><Dial>{SALES}</Dial></Response>"


def test_a_stop_hangs_up_what_is_live_and_its_end_is_told(tmp_path: Path, receiver: Receiver) -> None:
    server = start_with_switch(tmp_path / "data", "--drain-s", "0.5")
    api = server.account()
    api.endpoint(receiver.url, "standard", events=["call.completed", "call.cancelled"])
    script = "answer, wait 60s; callee: answer, wait 60s"
    call = placed(api, document=DIALS, script=script)
    callback = {"url": receiver.url + "/status", "events": ["no-answer"]}
    rings = placed(api, document=STAYS, script="ring 60s, answer", status_callback=callback)
    until(lambda: call_of(api, call)["legs"] and call_of(api, call)["legs"][0]["status"] == "ongoing")
    in_status(api, rings, "ringing")
    assert server.stop() == 0
    again = start_with_switch(tmp_path / "data")
    api = Api(again.port, api.key, api.account)
    shown = call_of(api, call)
    assert [(leg["status"], leg["ended_by"], leg["inferred"]) for leg in (shown["call"], *shown["legs"])] == [
        ("completed", "switch", False)
    ] * 2
    assert call_of(api, rings)["call"]["status"] == "cancelled"
    # What the first server did not manage to send, this one does
    got = receiver.take(4)
    (status,) = [parameters(one) for one in got if one.path == "/status"]
    assert (status["CallSid"], status["CallStatus"]) == (rings, "no-answer")
    told = {(one.json["type"], one.json["data"]["call"]["id"]) for one in got if one.path != "/status"}
    assert told == {("call.completed", call), ("call.completed", shown["legs"][0]["id"]), ("call.cancelled", rings)}
    assert again.stop() == 0


def test_calls_that_a_kill_cut_off_get_an_inferred_end(tmp_path: Path, receiver: Receiver) -> None:
    server = start_with_switch(tmp_path / "data")
    api = server.account()
    api.endpoint(receiver.url, "standard", events=["call.completed", "call.failed"])
    url = receiver.url.replace("//", "//ann:s%40cret@") + "/status?t=1"
    callback = {"url": url, "method": "GET", "events": ["completed", "busy"]}
    call = placed(api, document=DIALS, script="answer, wait 60s; callee: ring 60s, answer", status_callback=callback)
    until(lambda: call_of(api, call)["legs"] and call_of(api, call)["legs"][0]["status"] == "ringing")
    api.send({"type": "call.starting", "at": "2026-11-20T12:00:00Z", "call": {"id": "told", "direction": "inbound"}})
    server.stop(9)
    # Whether or not there is a switch now, theirs is gone
    again = start_with_switch(tmp_path / "data", "--simulate", "busy")
    api = Api(again.port, api.key, api.account)
    shown = over(api, call)
    (leg,) = shown["legs"]
    assert (shown["call"]["status"], shown["call"]["inferred"], leg["status"], leg["inferred"]) == (
        "completed",
        True,
        "failed",
        True,
    )
    assert [event["type"] for event in shown["events"][-2:]] == ["call.failed", "call.completed"], "the conversation ends last"
    got = receiver.take(3)
    assert [one.json["data"]["call"]["id"] for one in got if one.method == "POST"] == [leg["id"], call]
    (status,) = [one for one in got if one.method == "GET"]
    assert (parameters(status)["CallSid"], parameters(status)["CallStatus"], parameters(status)["t"]) == (call, "completed", "1")
    assert base64.b64decode(status.headers["authorization"].removeprefix("Basic ")) == b"ann:s@cret"
    assert call_of(api, "told")["call"]["status"] == "starting", "another source's call may go on"
    # The operator's script is for calls that bring none
    assert over(api, placed(api, document=STAYS))["call"]["status"] == "busy"
    assert again.stop() == 0


def test_the_operators_script_plays_callers_too(tmp_path: Path) -> None:
    server = start_with_switch(tmp_path / "data", environment={"RINGBACK_SIMULATE": "ring 0.1s, hangup"})
    api = server.account()
    made = api.post("/v1/simulated-calls", {"from": CALLER, "to": NUMBER})
    shown = over(api, made["id"])
    assert events(shown)[:2] == ["starting", "ringing"]
    assert api.get("/v1/calls")["items"][0]["id"] == made["id"]
    over(api, comes_in(api, NUMBER, "ring 5s"))
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--switch", "asterisk"), "switch: expected embedded or simulated"),
        (("--simulate", "answer"), "simulate: needs --switch simulated"),
        (("--switch", "simulated", "--simulate", "sing"), "simulate: script, character 1"),
    ],
)
def test_settings_that_do_not_hold_together(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    ended = run_ringback("serve", "--data", str(tmp_path / "data"), "--port", "0", *options)
    assert (ended.returncode, said in ended.stderr) == (2, True), ended.stderr
