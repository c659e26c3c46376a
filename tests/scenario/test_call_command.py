"""`ringback call`: a call from a terminal to a server, and how its end is an exit code."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from harness import Api, run_ringback, until
from live_harness import Application, over
from sip_calls import Exchange, number_with, recording_of
from sip_phones import HERE, needs_phones, read_wav, seconds_of, tone, write_wav

pytestmark = needs_phones


def uri(exchange: Exchange, number: str) -> str:
    return f"sip:{number}@{HERE}:{exchange.sip_port}"


def test_it_presses_keys_plays_a_file_and_records_what_it_heard(
    exchange: Exchange, sip_api: Api, application: Application, tmp_path: Path
) -> None:
    application.documents = {
        "/voice": "<Answer/><Gather numDigits='2' action='/keyed'/>",
        "/keyed": "<Say>Say something.</Say><Record playBeep='true' maxLength='9' timeout='3' action='/left'/>",
        "/left": "<Play digits='5'/><Hangup/>",
    }
    sound, heard = write_wav(tmp_path / "message.wav", tone(640, 2.0)), tmp_path / "heard.wav"
    number = number_with(sip_api, application.url("/voice"))
    told = ("--digits", "w12wwwww", "--play", str(sound), "--record", str(heard), "--from", "+13005550107", "--wait", "15")
    done = run_ringback("call", uri(exchange, number), *told)
    assert done.returncode == 0, done.stderr + done.stdout
    for words in ("calling sip:", "answered", "played", "hears the key 5", "completed: ended by the other side", "recorded in"):
        assert words in done.stdout
    (keyed,) = application.asked("/keyed")
    assert (keyed["Digits"], keyed["From"]) == ("12", "+13005550107")
    call = exchange.call_id(sip_api)
    over(sip_api, call)
    assert seconds_of(read_wav(recording_of(sip_api, call, tmp_path / "left.wav"))[0], 640) > 1.2
    left, right = read_wav(heard)
    assert seconds_of(right, 640) > 1.8
    assert seconds_of(left, 640) == 0
    assert max(map(abs, left)) > 1_000, "the sentence and the beep"


@pytest.mark.parametrize(("reason", "code", "words"), [("busy", 3, "busy: ended"), ("rejected", 4, "no-answer: ended")])
def test_what_it_ends_with_says_how_the_call_ended(
    exchange: Exchange, sip_api: Api, application: Application, reason: str, code: int, words: str
) -> None:
    application.documents = {"/voice": f"<Reject reason='{reason}'/>"}
    done = run_ringback("call", uri(exchange, number_with(sip_api, application.url("/voice"))))
    assert (done.returncode, words in done.stdout) == (code, True), done.stdout


def test_it_hangs_up_by_itself_and_when_it_is_interrupted(exchange: Exchange, sip_api: Api, application: Application) -> None:
    application.documents = {"/voice": "<Answer/><Pause length='60'/>"}
    number = number_with(sip_api, application.url("/voice"))
    done = run_ringback("call", uri(exchange, number), "--wait", "0.2")
    assert (done.returncode, "completed: ended by this side" in done.stdout) == (0, True)
    command = [sys.executable, "-m", "ringback", "call", uri(exchange, number), "--wait", "50"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        until(lambda: "answered" in (process.stdout.readline() if process.stdout else ""))
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
        assert "ended by this side" in process.stdout.read()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sip:ann@127.0.0.1", "--digits", "1x"), "digits: expected"),
        (("sip:ann@127.0.0.1", "--play", "nowhere.wav"), "nowhere.wav: No such file"),
        (("sip:ann@127.0.0.1", "--play", __file__), "neither WAV nor MP3"),
        (("sip:ann@127.0.0.1", "--record", "no/such/folder/x.wav"), "there is no folder"),
        (("100",), "not a SIP URI"),
    ],
)
def test_what_cannot_be_done_is_said_before_anybody_is_called(arguments: tuple[str, ...], said: str) -> None:
    done = run_ringback("call", *arguments)
    assert (done.returncode, said in done.stderr, done.stdout) == (2, True, ""), done.stderr
