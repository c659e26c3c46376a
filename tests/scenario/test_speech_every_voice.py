"""Whatever stands behind `--say`, callers hear the same: one set of expectations for each of the four."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from harness import Got, Receiver, running_receiver
from sender_harness import settings as sender_settings
from speech_harness import loudest, run, said, speaking

from ringback.calls.live import Speech
from ringback.delivery.sender import Sender
from ringback.engine.speech import service_egress
from ringback.switch.speech.audio import BYTES_PER_S, notice
from ringback.switch.speech.make import SpeechSettings, make_voice
from ringback.switch.speech.port import Clip

KINDS = ("espeak-ng", "command", "service", "template")
PROGRAM = ["espeak-ng", "-b", "1", "--stdin", "--stdout"]


@pytest.fixture
def service() -> Iterator[Receiver]:
    """Speaks as both kinds of services do."""

    def answer(got: Got) -> Any:
        parts = urlsplit(got.path)
        text = got.json["input"] if parts.path.endswith("/audio/speech") else parse_qs(parts.query)["text"][0]
        return (
            200,
            {"Content-Type": "audio/wav"},
            subprocess.run(PROGRAM, input=text.encode(), capture_output=True, check=True).stdout,
        )

    with running_receiver() as receiver:
        receiver.answer = answer
        yield receiver


@pytest.fixture
def says(service: Receiver, tmp_path: Path) -> Callable[[str, Callable[[Any], Any]], None]:
    program = tmp_path / "speak.py"
    markup = "['-m'] * ('SPEECH_SSML' in os.environ)"
    program.write_text(f"import os, subprocess, sys\nsys.exit(subprocess.run({PROGRAM} + {markup}).returncode)\n")
    settings = {
        "espeak-ng": "espeak-ng",
        "command": f"command:{sys.executable} {program}",
        "service": service.url + "/v1",
        "template": service.url + "/say?text={text}",
    }

    def run_it(kind: str, test: Callable[[Any], Any]) -> None:
        async def main() -> None:
            sender = Sender(service_egress(sender_settings(), settings[kind]), asyncio.get_running_loop())
            async with speaking(make_voice(SpeechSettings(say=settings[kind]), sender)) as speaker:
                await test(speaker)
            await sender.close()

        run(main)

    return run_it


@pytest.mark.parametrize("kind", KINDS)
def test_a_sentence_is_heard_and_remembered(says: Any, kind: str) -> None:
    async def test(speaker: Any) -> None:
        clip = await said(speaker, "For sales press one, for support press two.")
        assert (clip.error, 2 < len(clip.pcm) / BYTES_PER_S < 6, loudest(clip.pcm) > 3_000) == ("", True, True)
        assert await said(speaker, "For sales press one, for support press two.") == clip

    says(kind, test)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "speech",
    [
        Speech("--help -v x; $(id) `id` | & {text} %20"),
        Speech("Grüße, 你好 \x00\x01 \ud800"),
        Speech('One <break time="1s"/> <say-as interpret-as="digits">23</say-as> <x:y>four</x:y>', ssml=True),
        Speech("not < well-formed", ssml=True),
        Speech("Hello.", "$(id)", "../.."),
    ],
    ids=["options", "characters", "markup", "broken markup", "names"],
)
def test_whatever_is_in_a_text_it_is_only_spoken(says: Any, kind: str, speech: Speech) -> None:
    async def test(speaker: Any) -> None:
        clip = await said(speaker, speech)
        assert (clip.error, loudest(clip.pcm) > 1_000) == ("", True)

    says(kind, test)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_wanted_any_more_is_not_told(says: Any, kind: str) -> None:
    async def test(speaker: Any) -> None:
        told: list[Clip] = []
        for delay_s in (0, 0.005):
            handle = speaker.say(Speech(f"Hello {delay_s}."), told.append)
            await asyncio.sleep(delay_s)
            handle.cancel()
        assert (await said(speaker, "Goodbye.")).error == ""
        assert told == []

    says(kind, test)


@pytest.mark.parametrize("kind", ["espeak-ng", "command"])
def test_what_is_not_there_is_a_tone(says: Any, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    async def test(speaker: Any) -> None:
        clip = await said(speaker, "Hello.")
        assert (clip.pcm, clip.error != "") == (notice(), True)

    says(kind, test)
