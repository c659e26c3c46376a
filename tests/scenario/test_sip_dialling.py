"""Real calls to others: placed over the API, dialled by documents, connected; both ends' sound is measured."""

from pathlib import Path

import pytest
from harness import Api, until
from live_harness import SALES, Application, events, in_status, over, parameters
from sip_calls import Exchange, Line, number_with, passes, recording_of
from sip_phones import babble, needs_phones, read_wav, seconds_of, write_wav

pytestmark = needs_phones
HELLO = "<Response><Pause length='30'/></Response>"


def placed(api: Api, **more: object) -> str:
    wanted = {"to": "+13005550199", "from": "+13005550111", "document": HELLO}
    return str(api.post("/v1/calls", {**wanted, **more})["id"])


# Placed over the API
def test_a_placed_call_is_answered_runs_its_document_and_is_hung_up(
    exchange: Exchange, sip_api: Api, application: Application
) -> None:
    application.documents = {"/out": "<Pause/><Hangup/>"}
    came = exchange.expects()
    call = placed(sip_api, document=None, url=application.url("/out"), tag="job-42")
    line = came()
    told = line.phone.has("incoming", call=line.call)
    assert told is not None
    assert ("+13005550199" in told["local"], "+13005550111" in told["remote"]) == (True, True)
    line.answers(180)
    in_status(sip_api, call, "ringing")
    line.answers().is_up()
    line.is_over()
    shown = over(sip_api, call)
    assert events(shown) == ["accepted", "starting", "ringing", "ongoing", "completed"]
    assert shown["call"]["ended_by"] == "switch"
    (asked,) = application.asked("/out")
    assert (asked["CallSid"], asked["CallStatus"], asked["Tag"]) == (call, "in-progress", "job-42")


@pytest.mark.parametrize(
    ("status", "told"), [(486, "busy"), (600, "busy"), (603, "no-answer"), (480, "no-answer"), (404, "failed"), (503, "failed")]
)
def test_a_placed_call_is_not_taken(exchange: Exchange, sip_api: Api, status: int, told: str) -> None:
    came = exchange.expects()
    call = placed(sip_api)
    came().answers(180).answers(status)
    ended = over(sip_api, call)["call"]
    assert (ended["status"], ended["sip_status"], ended["ended_by"]) == (told, status, "callee")


def test_nobody_answers_a_placed_call(exchange: Exchange, sip_api: Api) -> None:
    came = exchange.expects()
    call = placed(sip_api, timeout=1)
    line = came().answers(180)
    ended = over(sip_api, call)["call"]
    assert (ended["status"], ended["ended_by"]) == ("no-answer", "switch")
    assert line.is_over() == 487


def test_a_placed_call_is_taken_back(exchange: Exchange, sip_api: Api) -> None:
    came = exchange.expects()
    call = placed(sip_api)
    line = came().answers(180)
    in_status(sip_api, call, "ringing")
    assert sip_api.call("POST", f"/v1/calls/{call}/hang-up")[0] == 202
    assert line.is_over() == 487
    assert over(sip_api, call)["call"]["status"] == "cancelled"


def test_the_callee_hangs_up(exchange: Exchange, sip_api: Api) -> None:
    came = exchange.expects()
    call = placed(sip_api)
    line = came().answers().is_up()
    in_status(sip_api, call, "ongoing")
    line.hangs_up()
    ended = over(sip_api, call)["call"]
    assert (ended["status"], ended["ended_by"], ended["sip_status"]) == ("completed", "callee", 200)


def test_a_way_that_is_not_there_is_a_failed_call(exchange: Exchange, sip_api: Api) -> None:
    assert exchange.server.operator.call("PATCH", f"/v1/accounts/{sip_api.account}", {"call_extensions": True})[0] == 200
    for to, status in (("sip:ann@127.0.0.1", 404), ("7001", 480)):
        ended = over(sip_api, placed(sip_api, to=to))["call"]
        assert (ended["status"], ended["sip_status"]) == ("failed" if status == 404 else "no-answer", status)


# Dialled by a document
def connected(exchange: Exchange, api: Api, application: Application, dial: str) -> tuple[Line, Line]:
    """A caller who was put through, and the callee."""
    application.documents = {"/voice": dial, "/after": "<Pause/><Hangup/>"}
    came = exchange.expects()
    caller = exchange.calls(number_with(api, application.url("/voice")))
    callee = came().answers(180).answers().is_up()
    return caller.is_up(), callee


@pytest.mark.parametrize("channels", [1, 2])
def test_two_who_are_connected_hear_each_other_and_both_are_recorded(
    exchange: Exchange, sip_api: Api, application: Application, tmp_path: Path, channels: int
) -> None:
    how = "record-from-answer-dual" if channels == 2 else "record-from-answer"
    dial = f"<Dial answerOnBridge='true' record='{how}' action='/after'>{SALES}</Dial>"
    caller, callee = connected(exchange, sip_api, application, dial)
    at_caller, at_callee = caller.records(tmp_path / "at-caller.wav"), callee.records(tmp_path / "at-callee.wav")
    passes(0.3)  # both phones are two processes
    caller.hums(tmp_path, 510, 1.0)
    passes(1.5)
    callee.hums(tmp_path, 930, 1.0)
    passes(1.5)
    callee.hangs_up()
    caller.is_over()
    call = exchange.call_id(sip_api)
    shown = over(sip_api, call)
    (leg,) = shown["legs"]
    assert (leg["to"], leg["status"], leg["ended_by"]) == (SALES, "completed", "callee")
    (after,) = application.asked("/after")
    assert after["DialCallStatus"] == "completed"
    (heard,) = read_wav(at_caller)
    assert (seconds_of(heard, 930) > 0.6, seconds_of(heard, 510)) == (True, 0)
    (heard,) = read_wav(at_callee)
    assert (seconds_of(heard, 510) > 0.6, seconds_of(heard, 930)) == (True, 0)
    recorded = read_wav(recording_of(sip_api, _recorded(sip_api, call), tmp_path / "both.wav"))
    assert len(recorded) == channels
    for samples, hz in zip(recorded if channels == 2 else recorded * 2, (510, 930), strict=True):
        assert seconds_of(samples, hz) > 0.6, "the whole tone is in the recording"
    if channels == 2:
        assert (seconds_of(recorded[0], 930), seconds_of(recorded[1], 510)) == (0, 0)


def _recorded(api: Api, call: str) -> str:
    """The leg that the recording is of."""

    def told() -> list[str]:
        return [event["call_id"] for event in api.get(f"/v1/calls/{call}")["events"] if event["type"] == "call.recording"]

    return str(until(told)[-1])


def test_the_caller_hears_ringing_until_the_callee_answers(
    exchange: Exchange, sip_api: Api, application: Application, tmp_path: Path
) -> None:
    application.documents = {"/voice": f"<Answer/><Dial ringTone='us'>{SALES}</Dial>"}
    came = exchange.expects()
    caller = exchange.calls(number_with(sip_api, application.url("/voice"))).is_up()
    heard = caller.records(tmp_path / "heard.wav")
    callee = came().answers(180)
    passes(1.5)
    callee.answers().is_up()
    passes(1.0)
    caller.hangs_up()
    callee.is_over()
    (samples,) = read_wav(heard)
    # 440 and 480 Hz, two seconds in six: half of the power in each
    assert 1.0 < seconds_of(samples, 440, 0.3) < 2.1
    shown = over(sip_api, exchange.call_id(sip_api))
    assert (shown["call"]["ended_by"], shown["legs"][0]["ended_by"]) == ("caller", "switch")


def test_of_several_numbers_the_first_to_answer_wins(exchange: Exchange, sip_api: Api, application: Application) -> None:
    numbers = "".join(f"<Number>+1300555012{n}</Number>" for n in range(3))
    application.documents = {"/voice": f"<Dial answerOnBridge='true'>{numbers}</Dial>"}
    came = exchange.expects()
    caller = exchange.calls(number_with(sip_api, application.url("/voice")))
    lines = [came(n).answers(180) for n in (1, 2, 3)]
    lines[1].answers().is_up()
    assert [lines[0].is_over(), lines[2].is_over()] == [487, 487]
    caller.is_up()
    lines[1].hangs_up()
    caller.is_over()
    shown = over(sip_api, exchange.call_id(sip_api))
    assert sorted(leg["status"] for leg in shown["legs"]) == ["cancelled", "cancelled", "completed"]


@pytest.mark.parametrize(("status", "told"), [(486, "busy"), (603, "no-answer"), (500, "failed")])
def test_a_number_that_is_not_reached_is_told_to_the_document(
    exchange: Exchange, sip_api: Api, application: Application, status: int, told: str
) -> None:
    application.documents = {"/voice": f"<Answer/><Dial action='/after'>{SALES}</Dial>", "/after": "<Hangup/>"}
    came = exchange.expects()
    caller = exchange.calls(number_with(sip_api, application.url("/voice"))).is_up()
    came().answers(status)
    caller.is_over()
    over(sip_api, exchange.call_id(sip_api))
    (after,) = application.asked("/after")
    assert after["DialCallStatus"] == told


def test_a_time_limit_ends_what_was_connected(exchange: Exchange, sip_api: Api, application: Application) -> None:
    dial = f"<Answer/><Dial timeLimit='1' action='/after'>{SALES}</Dial>"
    caller, callee = connected(exchange, sip_api, application, dial)
    callee.is_over()
    caller.is_over()
    (after,) = application.asked("/after")
    assert (after["DialCallStatus"], int(after["DialCallDuration"]) <= 2) == ("completed", True)


def test_a_star_parts_the_two(exchange: Exchange, sip_api: Api, application: Application) -> None:
    caller, callee = connected(exchange, sip_api, application, f"<Answer/><Dial hangupOnStar='true' action='/after'>{SALES}</Dial>")
    caller.presses("*")
    callee.is_over()
    caller.is_over()
    assert len(application.asked("/after")) == 1


def test_a_whisper_and_keys_before_the_two_are_connected(exchange: Exchange, sip_api: Api, application: Application) -> None:
    application.documents = {
        "/voice": f"<Answer/><Dial><Number url='/whisper' sendDigits='42'>{SALES}</Number></Dial>",
        "/whisper": "<Gather numDigits='1' timeout='9' action='/taken'/>",
        "/taken": "",
    }
    came = exchange.expects()
    caller = exchange.calls(number_with(sip_api, application.url("/voice"))).is_up()
    callee = came().answers().is_up()
    callee.phone.wait("key", call=callee.call, key="2")
    until(lambda: application.asked("/whisper"))
    callee.presses("1")
    (taken,) = until(lambda: application.asked("/taken"))
    assert taken["Digits"] == "1"
    caller.hangs_up()
    callee.is_over()
    over(sip_api, exchange.call_id(sip_api))


def test_a_held_callee_is_heard_again_after_it(exchange: Exchange, sip_api: Api, application: Application, tmp_path: Path) -> None:
    caller, callee = connected(exchange, sip_api, application, f"<Answer/><Dial>{SALES}</Dial>")
    callee.do("hold")
    callee.phone.wait("media", call=callee.call, active=False)
    callee.do("unhold")
    until(lambda: callee.phone.events[-1].get("active") is True)
    heard = caller.records(tmp_path / "heard.wav")
    callee.hums(tmp_path, 610, 1.0)
    passes(1.5)
    caller.hangs_up()
    callee.is_over()
    assert seconds_of(read_wav(heard)[0], 610) > 0.6
    assert parameters(application.receiver.all[0])["CallStatus"] == "ringing"


@pytest.mark.parametrize(("spoken_s", "word"), [(0.8, "human_residence"), (6.0, "machine_start")])
def test_who_answered_is_told_to_the_application(
    exchange: Exchange, sip_api: Api, application: Application, tmp_path: Path, spoken_s: float, word: str
) -> None:
    application.documents = {"/out": "<Hangup/>"}
    came = exchange.expects()
    call = placed(sip_api, document=None, url=application.url("/out"), machine_detection={"timeout_s": 15})
    line = came().answers().is_up()
    line.do("play", file=str(write_wav(tmp_path / "greeting.wav", babble(spoken_s))))
    line.is_over()
    over(sip_api, call)
    (asked,) = application.asked("/out")
    assert asked["AnsweredBy"] == word


def test_voxtelesys_own_rest_places_a_real_call(exchange: Exchange, sip_api: Api, application: Application) -> None:
    came = exchange.expects()
    wanted = {"to": "+13005550199", "from": "+13005550111", "voice_trunk_group_id": 90001, "tag": "job-42"}
    wanted |= {"voxxml": "<Response><Pause/></Response>", "status_callback": {"url": application.url("/status")}}
    assert sip_api.call("POST", "/voxtelesys/api/v0/calls", wanted) == (201, {"status": "queued"})
    came().answers(180).answers().is_up().is_over()
    (told,) = until(lambda: application.asked("/status"))
    assert (told["CallStatus"], told["Tag"], told["TrunkID"], told["SipResponseCode"]) == ("completed", "job-42", "90001", "200")
