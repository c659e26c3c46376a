"""Speech services over real HTTP: what they are asked, and what becomes of good, bad and no answers."""

import asyncio
import json
import re
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from harness import Got, Receiver, free_port, running_receiver
from sender_harness import settings as sender_settings
from speech_harness import RATE, Pool, run, said, speaking, tone, tone_file

from ringback.calls.live import Speech
from ringback.delivery.sender import Sender
from ringback.engine.speech import service_egress
from ringback.switch.speech.audio import decode, notice, wav
from ringback.switch.speech.listening import ListeningService
from ringback.switch.speech.make import SpeechSettings, make_listening, make_voice
from ringback.switch.speech.port import Clip, SpeechFailed, Understood


@pytest.fixture
def service() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


@asynccontextmanager
async def asking(url: str, **more: Any) -> AsyncIterator[Sender]:
    sender = Sender(service_egress(sender_settings(allow_networks=(), allow_http=False, **more), url), asyncio.get_running_loop())
    try:
        yield sender
    finally:
        await sender.close()


# Say


def says(test: Callable[[Any], Any], **wanted: Any) -> None:
    async def main() -> None:
        async with asking(wanted["say"]) as sender, speaking(make_voice(SpeechSettings(**wanted), sender)) as speaker:
            await test(speaker)

    run(main)


def test_an_openai_compatible_service_speaks(service: Receiver) -> None:
    service.answer = lambda _: (200, {"Content-Type": "audio/wav"}, tone_file())

    async def test(speaker: Any) -> None:
        assert await said(speaker, "Hello.") == Clip(tone())
        marked = Speech('One<break time="1s"/><say-as interpret-as="digits">23</say-as>', "Polly.Hans", "de-DE", ssml=True)
        assert await said(speaker, marked) == Clip(tone())
        assert (await said(speaker, "a" * 5_000)).error == "only the first 4,096 characters were said"

    says(test, say=service.url + "/v1", say_key="sk-1", say_model="m-1", say_voices=("nova", "de-DE=echo"))
    first, second, third = service.all
    assert (first.method, first.path, first.headers["authorization"]) == ("POST", "/v1/audio/speech", "Bearer sk-1")
    assert first.json == {"model": "m-1", "voice": "nova", "input": "Hello.", "response_format": "wav"}
    assert (second.json["voice"], second.json["input"]) == ("echo", "One 23")
    assert len(third.json["input"]) == 4_096


def test_any_service_is_asked_by_its_url(service: Receiver) -> None:
    service.answer = lambda _: (200, {}, tone_file())

    async def test(speaker: Any) -> None:
        assert await said(speaker, Speech("{voice} & 100% ü\ud800", language="en-GB")) == Clip(tone())

    says(test, say=service.url + "/say?t={text}&l={language}&v={voice}", say_voices=("a b",))
    got = service.next()
    assert (got.method, got.path) == ("GET", "/say?t=%7Bvoice%7D%20%26%20100%25%20%C3%BC&l=en-GB&v=a%20b")


def test_a_service_that_wants_the_text_in_the_body(service: Receiver) -> None:
    service.answer = lambda _: (200, {}, tone_file())

    async def test(speaker: Any) -> None:
        assert await said(speaker, "Grüße\rX: y") == Clip(tone())

    says(test, say=service.url.replace("//", "//ann:secret@") + "/{language}")
    got = service.next()
    assert (got.method, got.path, got.body) == ("POST", "/en-US", "Grüße X: y".encode())
    assert got.headers["authorization"].startswith("Basic ")


FAILS: list[tuple[str, Any, str, int]] = [
    ("a wrong key", (401, {}, b'{"error":"no"}'), "the speech service answered 401", 2),
    ("a wrong voice", (400, {}, b""), "the speech service answered 400", 1),
    ("it is down", 503, "the speech service answered 503", 2),
    ("it is somewhere else", (302, {"Location": "/"}, b""), "the speech service answered 302", 2),
    ("no sound", (200, {}, b'{"audio":""}'), "the file is neither WAV nor MP3", 1),
]


@pytest.mark.parametrize(("answer", "why", "asked"), [row[1:] for row in FAILS], ids=[row[0] for row in FAILS])
def test_a_service_that_fails_becomes_a_tone(service: Receiver, answer: Any, why: str, asked: int) -> None:
    service.answer = lambda _: answer

    async def test(speaker: Any) -> None:
        assert await said(speaker, "Hello.") == Clip(notice(), why)

    says(test, say=service.url + "/v1")
    assert len(service.all) == asked


def test_a_service_that_is_not_there() -> None:
    async def test(speaker: Any) -> None:
        assert await said(speaker, "Hello.") == Clip(notice(), "the speech service cannot be reached")

    says(test, say=f"http://127.0.0.1:{free_port()}/v1")


def test_one_more_try_may_do(service: Receiver) -> None:
    answers: list[Any] = [500, (200, {}, tone_file())]
    service.answer = lambda _: answers.pop(0)

    async def test(speaker: Any) -> None:
        assert await said(speaker, "Hello.") == Clip(tone())

    says(test, say=service.url + "/v1")


# Listen


def fields(got: Got) -> dict[str, bytes]:
    """What a form with a file holds."""
    boundary = re.fullmatch("multipart/form-data; boundary=([0-9a-f]{32})", got.headers["content-type"])
    assert boundary is not None
    *parts, end = got.body.split(b"--" + boundary[1].encode())[1:]
    assert end == b"--\r\n"
    found = {}
    for part in parts:
        head, _, value = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'name="(\w+)"', head)
        assert name is not None
        found[name[1].decode()] = value.removesuffix(b"\r\n")
    return found


def listens(test: Callable[[ListeningService], Any], **wanted: Any) -> None:
    async def main() -> None:
        pool = Pool()
        async with asking(wanted["listen"]) as sender:
            loop = asyncio.get_running_loop()
            listening = make_listening(SpeechSettings(**wanted), sender, loop=loop, in_thread=pool)
            assert listening is not None
            await test(listening)
            await listening.close()
        pool.close()

    run(main)


async def heard(listening: ListeningService, pcm: bytes, language: str = "en-US", profanity_filter: bool = False) -> Understood:
    future: asyncio.Future[Understood] = asyncio.get_running_loop().create_future()
    listening.recognise(pcm, language, profanity_filter, future.set_result)
    assert not future.done()
    return await future


def answer(text: str, status: int = 200, **more: Any) -> Any:
    return status, {"Content-Type": "application/json"}, json.dumps({"text": text, **more}).encode()


def test_what_a_caller_says_is_understood(service: Receiver) -> None:
    segments = [{"id": 0, "text": " Sales, damn shit.", "avg_logprob": -0.105360516, "no_speech_prob": 0.01, "tokens": [1]}]
    service.answer = lambda _: answer("Sales, damn shit.", segments=segments, language="english", duration=0.2)

    async def test(listening: ListeningService) -> None:
        assert await heard(listening, tone()) == Understood("Sales, damn shit.", 0.9)
        assert await heard(listening, tone(), "xx-invalid\r\n", profanity_filter=True) == Understood("Sales, damn s***.", 0.9)

    listens(test, listen=service.url + "/v1", listen_key="sk-2", listen_model="m-2")
    first, second = service.all
    assert (first.method, first.path, first.headers["authorization"]) == ("POST", "/v1/audio/transcriptions", "Bearer sk-2")
    sent = fields(first)
    assert decode(sent.pop("file"), 1) == tone()
    assert sent == {"model": b"m-2", "response_format": b"verbose_json", "temperature": b"0", "language": b"en"}
    assert fields(second)["language"] == b"xx"


def test_a_service_that_knows_only_the_plain_form_is_asked_for_it_from_then_on(service: Receiver) -> None:
    service.answer = lambda got: 400 if fields(got)["response_format"] == b"verbose_json" else answer("Yes.")

    async def test(listening: ListeningService) -> None:
        for _ in range(2):
            assert await heard(listening, tone()) == Understood("Yes.", 1.0)

    listens(test, listen=service.url)
    assert [fields(got)["response_format"] for got in service.all] == [b"verbose_json", b"json", b"json"]


DEAF: list[tuple[str, Any, str]] = [
    ("a wrong key", 401, "the speech service answered 401"),
    ("a wrong request", 400, "the speech service answered 400"),
    ("down", 503, "the speech service answered 503"),
    ("a page", (200, {}, b"<html>"), "the speech service's answer cannot be read"),
    ("no text", (200, {}, b"{}"), "the speech service's answer cannot be read"),
    ("not UTF-8", (200, {}, b'{"text":"\xff"}'), "the speech service's answer cannot be read"),
]


@pytest.mark.parametrize(("told", "why"), [row[1:] for row in DEAF], ids=[row[0] for row in DEAF])
def test_nothing_is_understood_and_it_is_told_why(service: Receiver, told: Any, why: str) -> None:
    service.answer = lambda _: told

    async def test(listening: ListeningService) -> None:
        assert await heard(listening, tone()) == Understood(error=why)

    listens(test, listen=service.url)


def test_a_caller_does_not_wait_for_ever(service: Receiver) -> None:
    held = asyncio.Event()

    async def main() -> None:
        loop, pool = asyncio.get_running_loop(), Pool()

        def hold(_: Got) -> Any:
            asyncio.run_coroutine_threadsafe(held.wait(), loop).result(20)
            return answer("late")

        service.answer = hold
        async with asking(service.url) as sender:
            listening = ListeningService(sender, service.url, key=None, model="m", loop=loop, in_thread=pool, recognise_s=0.4)
            assert await heard(listening, tone()) == Understood(error="the speech service did not answer in time")
            told: list[Understood] = []
            handle = listening.recognise(tone(), "en", False, told.append)
            await asyncio.sleep(0.1)
            handle.cancel()
            handle.cancel()
            held.set()
            await asyncio.sleep(0.1)
            assert told == []
            await listening.close()
        pool.close()

    run(main)


# Transcriptions


def test_a_recording_is_written_down(service: Receiver, tmp_path: Path) -> None:
    service.answer = lambda _: answer(" Please call back. ")
    one = tone(seconds=1)
    pairs = b"".join(one[n : n + 2] * 2 for n in range(0, len(one), 2))
    form = struct.pack("<HHIIHH", 1, 2, RATE, RATE * 4, 4, 16)
    head = struct.pack("<4sI4s4sI16s4sI", b"RIFF", 0, b"WAVE", b"fmt ", 16, form, b"data", 0xFFFFFFFF)
    (tmp_path / "both.wav").write_bytes(head + pairs)
    (tmp_path / "silent.wav").write_bytes(wav(b"\1\0" * RATE))
    (tmp_path / "empty.wav").write_bytes(wav(b""))

    async def test(listening: ListeningService) -> None:
        assert await listening.transcribe(tmp_path / "both.wav") == "Please call back."
        assert await listening.transcribe(tmp_path / "silent.wav") == ""
        assert await listening.transcribe(tmp_path / "empty.wav") == ""
        for name, why in (("none.wav", "cannot be read"), ("text.wav", "neither WAV nor MP3")):
            (tmp_path / "text.wav").write_text("hello")
            with pytest.raises(SpeechFailed, match=why):
                await listening.transcribe(tmp_path / name)

    listens(test, listen=service.url)
    (got,) = service.all
    sent = fields(got)
    assert "language" not in sent
    assert decode(sent["file"], 2) == one


def test_a_long_recording_is_sent_in_pieces(service: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringback.switch.speech.listening.PIECE_S", 20.0)
    words = iter(("one", "two", "three", "four"))
    service.answer = lambda _: answer(next(words))
    second = tone(seconds=1)
    (tmp_path / "long.wav").write_bytes(wav((second * 12 + b"\0\0" * RATE) * 4))

    async def test(listening: ListeningService) -> None:
        assert await listening.transcribe(tmp_path / "long.wav", "en") == "one two three four"

    listens(test, listen=service.url)
    pieces = [decode(fields(got)["file"], 30) for got in service.all]
    assert sum(map(len, pieces)) == 4 * 13 * 2 * RATE
    assert all(piece[-1_600:] == b"\0" * 1_600 for piece in pieces)
