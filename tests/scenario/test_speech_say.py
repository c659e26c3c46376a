"""Texts become sound: by espeak-ng, by an operator's command; whatever is in them, and whatever becomes of the program."""

import asyncio
import importlib.util
import os
import sys
import time
from pathlib import Path

import pytest
from harness import until
from speech_harness import loudest, run, said, speaking, tone, tone_file

from ringback.calls.live import Speech
from ringback.switch.speech.audio import BYTES_PER_S, notice
from ringback.switch.speech.port import Clip
from ringback.switch.speech.programs import Command, Espeak
from ringback.switch.speech.speaker import MOST_CHARS

LOOPS = [None]
if importlib.util.find_spec("uvloop"):
    import uvloop

    LOOPS.append(uvloop.new_event_loop)


def command(folder: Path, body: str) -> Command:
    """A program in Python."""
    program = folder / "speak it.py"
    program.write_text(f"import os, sys, time\n{body}\n")
    return Command(f"{sys.executable} '{program}'")


SPEAKS = "text = sys.stdin.read(); sys.stdout.buffer.write(open({!r}, 'rb').read())"


@pytest.mark.parametrize("loop_factory", LOOPS, ids=lambda made: "uvloop" if made else "asyncio")
def test_a_sentence_is_heard(loop_factory: object) -> None:
    async def test() -> None:
        async with speaking(Espeak()) as speaker:
            clip = await said(speaker, "For sales press one, for support press two.")
            assert clip.error == ""
            assert 2 < len(clip.pcm) / BYTES_PER_S < 6
            assert loudest(clip.pcm) > 3_000

    run(test, loop_factory)


@pytest.mark.parametrize(
    "speech",
    [
        Speech("-v de --help"),
        Speech("--version"),
        Speech("$(touch /tmp/x) `id` ; rm -rf / | cat"),
        Speech("/etc/passwd"),
        Speech("\x01s a\x00b"),
        Speech("half a character: \ud800"),
        Speech("Grüße, 你好, привет"),
        Speech("Bonjour.", "Polly.Celine", "fr-FR"),
        Speech("Hello.", "../../../etc/passwd", "--stdout"),
        Speech("Tere.", "", "xx-XX"),
        Speech("One <break time='200ms'/> <say-as interpret-as='digits'>23</say-as> <unknown>four</unknown>", ssml=True),
        Speech("not < well-formed", ssml=True),
    ],
    ids=lambda speech: ascii(speech.text[:20]),
)
def test_whatever_is_in_a_text_it_is_only_spoken(speech: Speech) -> None:
    async def test() -> None:
        async with speaking(Espeak()) as speaker:
            clip = await said(speaker, speech)
            assert (clip.error, loudest(clip.pcm) > 1_000) == ("", True)

    run(test)


def test_markup_is_followed() -> None:
    async def test() -> None:
        async with speaking(Espeak()) as speaker:
            plain = await said(speaker, "One. Two.")
            paused = await said(speaker, Speech('One. <break time="3s"/> Two.', ssml=True))
            assert 2.0 < (len(paused.pcm) - len(plain.pcm)) / BYTES_PER_S < 4.5
            woman, man = await said(speaker, "Hello."), await said(speaker, Speech("Hello.", "Polly.Matthew"))
            assert woman.pcm != man.pcm

    run(test)


def test_nothing_to_say_is_no_failure() -> None:
    async def test() -> None:
        async with speaking(Espeak()) as speaker:
            clip = await said(speaker, "...")
            assert (clip.error, loudest(clip.pcm)) == ("", 0)

    run(test)


def test_a_text_without_end_is_cut_and_that_is_told() -> None:
    async def test() -> None:
        async with speaking(Espeak(), say_s=30) as speaker:
            clip = await said(speaker, "word " * MOST_CHARS)
            assert clip.error == "only the first 5,000 characters were said"
            assert len(clip.pcm) > 60 * BYTES_PER_S

    run(test)


def test_without_espeak_a_tone_is_heard_and_the_operator_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    async def test() -> None:
        async with speaking(Espeak()) as speaker:
            speaker.start()
            clip = await said(speaker, "Hello.")
            assert clip == Clip(notice(), "nothing can be said here: the server has no espeak-ng")
            assert loudest(clip.pcm) > 3_000

    run(test)
    assert "apt-get install espeak-ng" in caplog.text


def test_a_command_gets_the_text_and_what_is_to_be_known_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBACK_ADMIN_KEY", "the operator's")
    sound, seen = tmp_path / "tone.wav", tmp_path / "seen"
    sound.write_bytes(tone_file())
    told = "', '.join(f'{k}={v}' for k, v in sorted(os.environ.items()) if k.startswith(('SPEECH', 'RINGBACK')))"
    voice = command(tmp_path, SPEAKS.format(str(sound)) + f"\nopen({str(seen)!r}, 'a').write(text + ' | ' + {told} + '\\n')")

    async def test() -> None:
        async with speaking(voice) as speaker:
            for speech in (Speech("$HOME; -x"), Speech("a<p>b</p>", "$(id)", "de-DE", ssml=True)):
                assert await said(speaker, speech) == Clip(tone())

    run(test)
    assert seen.read_text().splitlines() == [
        "$HOME; -x | SPEECH_LANGUAGE=en-US, SPEECH_VOICE=Polly.Joanna",
        "<speak>a<p>b</p></speak> | SPEECH_LANGUAGE=de-DE, SPEECH_SSML=1, SPEECH_VOICE=",
    ]


@pytest.mark.parametrize("loop_factory", LOOPS, ids=lambda made: "uvloop" if made else "asyncio")
@pytest.mark.parametrize(
    ("body", "said_"),
    [
        ("sys.exit(3)", "the speech command said nothing"),
        ("print('no sound')", "the file is neither WAV nor MP3"),
        ("sys.stdout.buffer.write(b'x' * 1_000_000 * 30)", "takes too long"),
        ("time.sleep(60)", "command did not say it in time"),
    ],
)
def test_a_command_that_fails_becomes_a_tone(tmp_path: Path, body: str, said_: str, loop_factory: object) -> None:
    async def test() -> None:
        async with speaking(command(tmp_path, body), say_s=1.5) as speaker:
            clip = await said(speaker, "Hello.")
            assert clip.pcm == notice()
            assert said_ in clip.error

    run(test, loop_factory)


def test_a_command_that_is_not_there() -> None:
    async def test() -> None:
        async with speaking(Command("/nowhere/speak -x")) as speaker:
            assert (await said(speaker, "Hello.")).error == "the speech command is not there"

    run(test)


@pytest.mark.parametrize("text", ["", "  ", "speak 'it"])
def test_a_command_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"no command|No closing"):
        Command(text)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"


@pytest.mark.parametrize("loop_factory", LOOPS, ids=lambda made: "uvloop" if made else "asyncio")
def test_what_nobody_waits_for_is_killed_with_all_that_it_started(tmp_path: Path, loop_factory: object) -> None:
    pids = tmp_path / "pids"
    child = "import subprocess; child = subprocess.Popen(['sleep', '60'])"
    voice = command(
        tmp_path, f"{child}\nprint(os.getpid(), child.pid, 'ok', file=open({str(pids)!r}, 'w'), flush=True)\ntime.sleep(60)"
    )

    def started() -> list[int]:
        words = pids.read_text().split() if pids.exists() else []
        return [int(word) for word in words[:2]] if "ok" in words else []

    async def test() -> None:
        async with speaking(voice) as speaker:
            told: list[Clip] = []
            handles = [speaker.say(Speech("Hello."), told.append) for _ in range(2)]
            found = await asyncio.to_thread(until, started)
            handles[0].cancel()
            await asyncio.sleep(0.1)
            assert not any(map(gone, found))
            handles[1].cancel()
            await asyncio.to_thread(until, lambda: all(map(gone, found)))
            assert told == []

    run(test, loop_factory)


def test_the_same_text_is_made_once_and_remembered(tmp_path: Path) -> None:
    sound, count = tmp_path / "tone.wav", tmp_path / "count"
    sound.write_bytes(tone_file())
    voice = command(tmp_path, SPEAKS.format(str(sound)) + f"\nopen({str(count)!r}, 'a').write('.')\ntime.sleep(0.1)")

    async def test() -> None:
        async with speaking(voice) as speaker:
            assert await asyncio.gather(*(said(speaker, "Hello.") for _ in range(20))) == [Clip(tone())] * 20
            assert await said(speaker, "Hello.") == Clip(tone())
            assert count.read_text() == "."
            for other in (Speech("Hello!"), Speech("Hello.", "x"), Speech("Hello.", language="de"), Speech("Hello.", ssml=True)):
                await said(speaker, other)
            assert count.read_text() == "....."

    run(test)


def test_only_so_many_programs_run_at_once(tmp_path: Path) -> None:
    sound, log = tmp_path / "tone.wav", tmp_path / "log"
    sound.write_bytes(tone_file())
    note = f"os.write(os.open({str(log)!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT), b'%s')"
    voice = command(tmp_path, f"{note % '+'}\ntime.sleep(0.05)\n{SPEAKS.format(str(sound))}\n{note % '-'}")

    async def test() -> None:
        async with speaking(voice, at_once=3) as speaker:
            await asyncio.gather(*(said(speaker, f"Number {n}.") for n in range(12)))

    run(test)
    running, most = 0, 0
    for mark in log.read_text():
        running += 1 if mark == "+" else -1
        most = max(most, running)
    assert 1 <= most <= 3


def test_a_remembered_text_is_there_at_once() -> None:
    async def test() -> None:
        async with speaking(Espeak()) as speaker:
            await said(speaker, "Hello.")
            began = time.perf_counter()
            await said(speaker, "Hello.")
            assert time.perf_counter() - began < 0.01

    run(test)
