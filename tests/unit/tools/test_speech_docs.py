"""docs/speech.md says what the code does: its figures, its tables, its settings."""

import re
from pathlib import Path

import pytest

from ringback.engine import transcribing
from ringback.settings import Settings
from ringback.switch.embedded import sounds
from ringback.switch.speech import listening, speaker, ssml, voice_service
from ringback.switch.speech.programs import INSTALL
from ringback.switch.speech.voices import espeak_voices

PAGE = (Path(__file__).parents[3] / "docs" / "speech.md").read_text("utf-8")
WORDS = " ".join(PAGE.split())
MIB = 1024 * 1024


@pytest.mark.parametrize(
    "said",
    [
        f"{speaker.MOST_CHARS:,} characters (an OpenAI-compatible service: {voice_service.MOST_CHARS:,})",
        f"| length of a speech | {speaker.MOST_S / 60:.0f} minutes |",
        f"| time until it is there | {speaker.SAY_S:.0f} s, then the tone",
        f"{speaker.CACHE_BYTES // MIB} MiB of what was said last",
        f"(else `{voice_service.DEFAULT_VOICE}`)",
        f"({ssml.MOST_BREAK_S:.0f} s at most)",
        f"| time | {sounds.FETCH_S:.0f} s for all of it |",
        f"| size | {sounds.MOST_BYTES // MIB} MiB, {sounds.MOST_S / 60:.0f} minutes |",
        f"| at once | {sounds.AT_ONCE} are fetched",
        f"up to {sounds.REDIRECTS} redirects",
        f"{sounds.DISK_BYTES // MIB} MiB on disk",
        f"{sounds.MEMORY_BYTES // MIB} MiB of it in memory",
        f"A caller waits {listening.RECOGNISE_S:.0f} s at most",
        f"more than {listening.PIECE_S / 60:.0f} minutes is sent in pieces",
        f"{transcribing.MOST_WAITING:,} may wait",
    ],
)
def test_figures(said: str) -> None:
    assert said in WORDS


def test_delays() -> None:
    assert transcribing.DELAYS_S == (10, 60, 600, 3_600, 21_600)
    assert "after 10 s, 1 min, 10 min, 1 h and 6 h" in WORDS


def test_voices() -> None:
    rows = re.findall(r"^\| `(\w+\.[\w-]+)` \| `([\w-]+)` \| `([\w+-]+)` \|$", PAGE, re.MULTILINE)
    assert len(rows) >= 10
    for voice, language, ours in rows:
        assert espeak_voices(voice, language)[0] == ours


def test_markup() -> None:
    table = PAGE[PAGE.index("### SSML") : PAGE.index("## Play")]
    for tag, (_, attributes) in ssml.TAGS.items():
        assert f"`{tag}`" in table
        assert all(f"`{name}`" in table for name in attributes)


@pytest.mark.parametrize("name", [name for name in Settings.__struct_fields__ if name.startswith(("say", "listen"))])
def test_settings(name: str) -> None:
    option = name.replace("say_voices", "say_voice").replace("_", "-")
    assert f"--{option}" in PAGE or f"RINGBACK_{name.upper()}" in PAGE


def test_how_espeak_is_installed() -> None:
    for command in re.findall(r"\w[\w-]* install espeak-ng", INSTALL):
        assert command in PAGE
