"""Real calls to a server: what a caller hears, keys and says, and what the application is asked. Phones by pjsua2; what was heard
is measured, not assumed."""

from pathlib import Path

import pytest
from harness import Api, Gate, until
from live_harness import Application, events, over
from sip_calls import Exchange, number_with, passes, recording_of
from sip_phones import loud_s, needs_phones, read_wav, seconds_of, tone

from ringback.switch.speech.audio import wav

pytestmark = needs_phones


def sounds(application: Application, **pitches: int) -> None:
    """The application has a sound of a second at /name.wav for each."""
    answer = application.receiver.answer
    files = {f"/{name}.wav": wav(tone(hz, 1.0).tobytes()) for name, hz in pitches.items()}
    application.receiver.answer = lambda got: (
        (200, {"Content-Type": "audio/wav"}, files[got.path]) if got.path in files else answer(got)
    )


def test_a_menu_with_a_loop_and_the_way_out_of_it(
    exchange: Exchange, sip_api: Api, application: Application, tmp_path: Path
) -> None:
    sounds(application, menu=700, bye=1_100)
    play = "<Play>{}</Play>"
    application.documents = {
        "/voice": "<Answer/><Do expression=\"${menu.digits}!~'(1|2)'\" maxLoops='3'>"
        f"<Gather numDigits='1' timeout='2' output='menu'>{play.format(application.url('/menu.wav'))}</Gather></Do>"
        "<Redirect>/chosen</Redirect>",
        "/chosen": f"{play.format(application.url('/bye.wav'))}<Hangup/>",
    }
    line = exchange.calls(number_with(sip_api, application.url("/voice"))).is_up()
    heard = line.records(tmp_path / "heard.wav")
    passes(1.5)
    line.presses("7")  # in the pause after the prompt: not one of the ways out
    passes(0.7)
    line.presses("2")  # in the second prompt, which ends there
    line.is_over()
    call = over(sip_api, exchange.call_id(sip_api))
    told = [event for event in events(call) if event != "facts"]
    assert told == ["starting", "ringing", "ongoing", "ivr-option", "ivr-option", "completed"]
    assert (call["call"]["status"], call["call"]["ended_by"]) == ("completed", "switch")
    (chosen,) = application.asked("/chosen")
    assert '"digits":"2"' in chosen["Vars"].replace(" ", "")
    (samples,) = read_wav(heard)
    assert 1.0 < seconds_of(samples, 700) < 2.0, "one prompt and a part of another"
    assert 0.6 < seconds_of(samples, 1_100) < 1.2


def test_a_caller_leaves_a_message(exchange: Exchange, sip_api: Api, application: Application, tmp_path: Path) -> None:
    application.documents = {
        "/voice": "<Answer/><Say>Please leave a message.</Say><Record maxLength='20' timeout='3' action='/left'/>",
        "/left": "<Hangup/>",
    }
    line = exchange.calls(number_with(sip_api, application.url("/voice"))).is_up()
    heard = line.records(tmp_path / "heard.wav")
    passes(3.0)  # the sentence and the beep
    line.hums(tmp_path, 620, 1.5)
    passes(2.0)
    line.presses("#")
    line.is_over()
    call = exchange.call_id(sip_api)
    over(sip_api, call)
    (left,) = application.asked("/left")
    assert (left["Digits"], 2 <= int(left["RecordingDuration"]) <= 5) == ("#", True), left
    (message,) = read_wav(recording_of(sip_api, call, tmp_path / "message.wav"))
    assert 1.0 < seconds_of(message, 620) < 1.7
    (samples,) = read_wav(heard)
    assert loud_s(samples) > 1.0, "the sentence was spoken"


def test_a_caller_hangs_up_in_a_prompt(exchange: Exchange, sip_api: Api, application: Application) -> None:
    application.documents = {"/voice": "<Answer/><Say loop='20'>This takes a while.</Say><Redirect>/never</Redirect>"}
    line = exchange.calls(number_with(sip_api, application.url("/voice"))).is_up()
    passes(0.5)
    line.hangs_up()
    call = over(sip_api, exchange.call_id(sip_api))["call"]
    assert (call["status"], call["ended_by"], call["sip_status"]) == ("completed", "caller", 200)
    assert application.asked("/never") == []


def test_early_media_is_heard_before_the_answer(exchange: Exchange, sip_api: Api, application: Application, tmp_path: Path) -> None:
    sounds(application, early=850)
    application.documents = {"/voice": f"<Play>{application.url('/early.wav')}</Play><Reject reason='busy'/>"}
    line = exchange.calls(number_with(sip_api, application.url("/voice"))).rings()
    line.phone.wait("media", call=line.call, active=True)
    heard = line.records(tmp_path / "early.wav")
    assert line.is_over() in (486, 200)
    shown = over(sip_api, exchange.call_id(sip_api))
    (samples,) = read_wav(heard)
    assert seconds_of(samples, 850) > 0.5, shown


@pytest.mark.parametrize(("reason", "status", "told"), [("busy", 486, "busy"), ("rejected", 603, "no-answer")])
def test_a_call_is_refused(exchange: Exchange, sip_api: Api, application: Application, reason: str, status: int, told: str) -> None:
    application.documents = {"/voice": f"<Reject reason='{reason}'/>"}
    assert exchange.calls(number_with(sip_api, application.url("/voice"))).is_over() == status
    call = over(sip_api, exchange.call_id(sip_api))["call"]
    assert (call["status"], call["sip_status"], call.get("answered_at")) == (told, status, None)


def test_a_caller_gives_up_while_the_application_thinks(exchange: Exchange, sip_api: Api, application: Application) -> None:
    gate = Gate()
    answer = application.receiver.answer
    application.receiver.answer = lambda got: (gate(got), answer(got))[1]
    line = exchange.calls(number_with(sip_api, application.url("/voice"))).rings()
    line.hangs_up()
    call = over(sip_api, exchange.call_id(sip_api))["call"]
    gate.open()
    assert (call["status"], call["ended_by"], call["sip_status"]) == ("cancelled", "caller", 487)


def test_a_slow_application_has_its_caller_hear_ringing_and_then_its_document(
    exchange: Exchange, sip_api: Api, application: Application
) -> None:
    application.documents = {"/voice": lambda _: (passes(2.0), "<Answer/><Pause/><Hangup/>")[1]}
    line = exchange.calls(number_with(sip_api, application.url("/voice"))).rings()
    ringing, up = line.phone.state(line.call, "EARLY"), line.phone.state(line.call, "CONFIRMED")
    assert up["at"] - ringing["at"] > 1.8
    line.is_over()
    assert over(sip_api, exchange.call_id(sip_api))["call"]["status"] == "completed"


def test_an_application_that_is_down_a_fallback_and_a_text_of_the_number(
    exchange: Exchange, sip_api: Api, application: Application, tmp_path: Path
) -> None:
    application.documents = {"/fallback": "<Answer/><Pause/><Hangup/>"}
    number = number_with(sip_api, "http://127.0.0.1:9/voice#rc=0", fallback_url=application.url("/fallback"))
    exchange.calls(number).is_up().is_over()
    (asked,) = application.asked("/fallback")
    assert (asked["ErrorUrl"], bool(asked["ErrorCode"])) == ("http://127.0.0.1:9/voice", True)
    other = exchange.account()
    number = number_with(other, "http://127.0.0.1:9/voice#rc=0", local_fallback={"say": "We are closed today."})
    line = exchange.calls(number).is_up()
    heard = line.records(tmp_path / "heard.wav")
    line.is_over()
    assert over(other, exchange.call_id(other))["call"]["status"] == "completed"
    assert loud_s(read_wav(heard)[0]) > 0.5


def test_a_malformed_document_is_as_good_as_none(
    exchange: Exchange, sip_api: Api, application: Application, tmp_path: Path
) -> None:
    application.documents = {"/voice": "<Say>Never"}
    line = exchange.calls(number_with(sip_api, application.url("/voice"), local_fallback={"say": "Sorry."})).is_up()
    line.is_over()
    shown = over(sip_api, exchange.call_id(sip_api))
    assert (shown["call"]["status"], shown["call"]["ended_by"]) == ("completed", "switch")


def test_a_sound_that_cannot_be_fetched_is_left_out_and_the_rest_is_played(
    exchange: Exchange, sip_api: Api, application: Application, tmp_path: Path
) -> None:
    sounds(application, there=930)
    play = f"<Play>{application.url('/gone.wav')}</Play><Play>{application.url('/there.wav')}</Play>"
    application.documents = {"/voice": f"<Answer/>{play}<Hangup/>"}
    answer = application.receiver.answer
    application.receiver.answer = lambda got: 404 if got.path == "/gone.wav" else answer(got)
    line = exchange.calls(number_with(sip_api, application.url("/voice"))).is_up()
    heard = line.records(tmp_path / "heard.wav")
    line.is_over()
    assert seconds_of(read_wav(heard)[0], 930) > 0.6
    assert until(lambda: [got.path for got in application.receiver.all].count("/gone.wav")) == 1


def test_keys_of_ours_reach_the_phone(exchange: Exchange, sip_api: Api, application: Application) -> None:
    application.documents = {"/voice": "<Answer/><Pause/><Play digits='1w2#'/><Pause/><Hangup/>"}
    line = exchange.calls(number_with(sip_api, application.url("/voice"))).is_up()
    line.is_over()
    assert [told["key"] for told in line.phone.events if told["event"] == "key" and told["call"] == line.call] == ["1", "2", "#"]


def test_hold_and_back(exchange: Exchange, sip_api: Api, application: Application, tmp_path: Path) -> None:
    application.documents = {"/voice": f"<Answer/><Play loop='30'>{application.url('/music.wav')}</Play>"}
    sounds(application, music=520)
    line = exchange.calls(number_with(sip_api, application.url("/voice"))).is_up()
    passes(0.5)
    line.do("hold")
    line.phone.wait("media", call=line.call, active=False)
    passes(0.5)
    line.do("unhold")
    until(lambda: line.phone.events[-1].get("active") is True)
    heard = line.records(tmp_path / "heard.wav")
    passes(1.0)
    line.hangs_up()
    assert seconds_of(read_wav(heard)[0], 520) > 0.6
    assert over(sip_api, exchange.call_id(sip_api))["call"]["status"] == "completed"
