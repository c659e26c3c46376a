"""Programs that speak: `espeak-ng`, and a command of the operator's."""

import logging
import re
import shlex
import shutil
from typing import Final

from ringback.calls.live import Speech
from ringback.switch.speech import ssml, voices
from ringback.switch.speech.port import SpeechFailed
from ringback.switch.speech.process import run

log = logging.getLogger("ringback.speech")

ESPEAK: Final = "espeak-ng"
INSTALL: Final = (
    "install it (Debian, Ubuntu: apt-get install espeak-ng; Fedora: dnf install espeak-ng; macOS: brew install espeak-ng)"
)
_WORDS_PER_MIN: Final = 155
"""A little slower than espeak-ng's own 175: a telephone takes the edge off its consonants."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")


class Espeak:
    """`espeak-ng` as a subprocess per text: 15 ms for a sentence, and nothing of its licence in this process."""

    name = ESPEAK

    async def speak(self, speech: Speech, most_chars: int, most_bytes: int) -> tuple[bytes, str]:
        """A WAV file, and what of the text is not in it (empty: nothing). Raises SpeechFailed."""
        if speech.ssml:
            text, cut = ssml.for_espeak(speech.text, most_chars)
        else:
            text, cut = ssml.spoken(speech.text[:most_chars]), len(speech.text) > most_chars
        complaint = ""
        for voice in voices.espeak_voices(speech.voice, speech.language):
            words = [
                ESPEAK,
                "-v",
                voice,
                "-s",
                str(_WORDS_PER_MIN),
                "-b",
                "1",
                *(["-m"] if speech.ssml else []),
                "--stdin",
                "--stdout",
            ]
            try:
                made, complaint = await run(words, text.encode(), most_bytes)
            except FileNotFoundError:
                raise SpeechFailed("nothing can be said here: the server has no espeak-ng") from None
            if made:
                return made, _said(cut, most_chars)
        log.error("espeak-ng: %s", complaint or "it said nothing")
        raise SpeechFailed("espeak-ng said nothing")

    def why_not(self) -> str:
        """Why it cannot work on this machine, and what to do; empty: it can."""
        return "" if shutil.which(ESPEAK) else f"there is no espeak-ng on this machine: {INSTALL}"


class Command:
    """A command of the operator's: text in, WAV or MP3 out. What is to be known of the text is in its environment:
    SPEECH_VOICE, SPEECH_LANGUAGE, and SPEECH_SSML=1 if what it gets is a whole SSML document."""

    name = "command"

    def __init__(self, command: str) -> None:
        """`command` is split into words as a shell would (quotes, backslashes), and nothing more of a shell's work is done. Raises
        ValueError: it has no words, or a quote that is not closed."""
        self._words = shlex.split(command)
        if not self._words:
            raise ValueError("no command")

    async def speak(self, speech: Speech, most_chars: int, most_bytes: int) -> tuple[bytes, str]:
        """A sound file, and what of the text is not in it (empty: nothing). Raises SpeechFailed."""
        facts = {"SPEECH_VOICE": _name(speech.voice), "SPEECH_LANGUAGE": _name(speech.language)}
        if speech.ssml:
            text, cut = ssml.for_espeak(speech.text, most_chars)
            facts["SPEECH_SSML"] = "1"
        else:
            text, cut = ssml.spoken(speech.text[:most_chars]), len(speech.text) > most_chars
        try:
            made, complaint = await run(self._words, text.encode(), most_bytes, facts)
        except FileNotFoundError:
            log.error("say: there is no %s", self._words[0])
            raise SpeechFailed("the speech command is not there") from None
        if not made:
            log.error("say: %s: %s", self._words[0], complaint or "it made nothing")
            raise SpeechFailed("the speech command said nothing")
        return made, _said(cut, most_chars)

    def why_not(self) -> str:
        """Why it cannot work on this machine; empty: it can."""
        return "" if shutil.which(self._words[0]) else f"there is no command {self._words[0]}"


def _name(text: str) -> str:
    """A voice or a language as a program may have it: documents are strangers', and scripts do not always quote."""
    return text if _NAME.fullmatch(text) else ""


def _said(cut: bool, most_chars: int) -> str:
    return f"only the first {most_chars:,} characters were said" if cut else ""
