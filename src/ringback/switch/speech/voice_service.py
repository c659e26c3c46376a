"""Speech services that speak: OpenAI's API and what is compatible with it, and anything that a URL with words in braces can ask."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec

from ringback.calls.live import Speech
from ringback.dialects.contract import HttpRequest
from ringback.switch.speech import ssml
from ringback.switch.speech.service import Service
from ringback.switch.web import Sender

PATH: Final = "/audio/speech"
DEFAULT_VOICE: Final = "alloy"
DEFAULT_MODEL: Final = "tts-1"
MOST_CHARS: Final = 4_096
"""OpenAI's own limit."""
TRY_S: Final = 8.0
_WORDS: Final = ("{text}", "{voice}", "{language}")


def is_template(url: str) -> bool:
    """Is it a URL with words in braces?"""
    return any(word in url for word in _WORDS)


def endpoint(url: str, path: str) -> str:
    """The URL of one of an OpenAI-compatible API's routes: `https://host/v1` and the whole `https://host/v1/audio/speech` will
    both do."""
    bare, mark, query = url.partition("?")
    bare = bare.rstrip("/")
    return bare + ("" if urlsplit(bare).path.endswith(path) else path) + mark + query


class Voices:
    """Which of a service's voices speaks for a document's: by the document's voice, else by its language, else the default."""

    def __init__(self, wanted: Sequence[str]) -> None:
        """`wanted`: `NAME` for the default, `DOCUMENT'S=NAME`; DOCUMENT'S is a voice (`Polly.Matthew`) or a language (`de-DE`,
        `de`). Raises ValueError that names what is wrong."""
        named: dict[str, str] = {}
        self._default = DEFAULT_VOICE
        for one in wanted:
            documents, mark, name = one.rpartition("=")
            if not name.strip() or (mark and not documents.strip()):
                raise ValueError(f"expected NAME or VOICE=NAME, got {one!r}")
            if mark:
                named[documents.strip().lower()] = name.strip()
            else:
                self._default = name.strip()
        self._named: Mapping[str, str] = named

    def find(self, speech: Speech) -> str:
        """The service's voice for a text."""
        language = speech.language.lower()
        wanted = (speech.voice.lower(), speech.voice.partition("-")[0].lower(), language, language.partition("-")[0])
        return next((self._named[one] for one in wanted if one in self._named), self._default)


class VoiceService:
    """An OpenAI-compatible service: `POST /v1/audio/speech`. It knows no SSML: it is given the words."""

    name = "the speech service"

    def __init__(self, sender: Sender, url: str, *, key: str | None, model: str, voices: Voices) -> None:
        """Raises InvalidInput."""
        self._service = Service(sender, endpoint(url, PATH), key)
        self._model = model
        self._voices = voices

    async def speak(self, speech: Speech, most_chars: int, most_bytes: int) -> tuple[bytes, str]:
        """A sound file, and what of the text is not in it. Raises SpeechFailed."""
        text, missing = _words(speech, min(most_chars, MOST_CHARS))
        body = {"model": self._model, "voice": self._voices.find(speech), "input": text, "response_format": "wav"}
        request = HttpRequest("POST", self._service.url, (("Content-Type", "application/json"),), msgspec.json.encode(body))
        return (await self._service.ask(request, TRY_S)).body, missing

    def why_not(self) -> str:
        """Only asking it would tell."""
        return ""


class VoiceTemplate:
    """A service that is asked by its URL: `{text}`, `{voice}` and `{language}` in it are replaced, percent-encoded, and it is asked
    with GET. Without `{text}` the text is the body of a POST (`text/plain`)."""

    name = "the speech service"

    def __init__(self, sender: Sender, url: str, *, key: str | None, voices: Voices) -> None:
        """Raises InvalidInput."""
        self._service = Service(sender, url, key)
        self._voices = voices

    async def speak(self, speech: Speech, most_chars: int, most_bytes: int) -> tuple[bytes, str]:
        """A sound file, and what of the text is not in it. Raises SpeechFailed."""
        text, missing = _words(speech, most_chars)
        values = (text, self._voices.find(speech), speech.language)
        url = self._service.url
        in_body = "{text}" not in url
        # One after the other would find words in braces in the text.
        parts = {word: quote(value, safe="", errors="ignore") for word, value in zip(_WORDS, values, strict=True)}
        url = "".join(parts.get(part, part) for part in _split(url))
        if in_body:
            request = HttpRequest("POST", url, (("Content-Type", "text/plain; charset=utf-8"),), text.encode())
        else:
            request = HttpRequest("GET", url, ())
        return (await self._service.ask(request, TRY_S)).body, missing

    def why_not(self) -> str:
        """Only asking it would tell."""
        return ""


def _split(url: str) -> list[str]:
    parts = [url]
    for word in _WORDS:
        parts = [piece for part in parts for piece in _around(part, word)]
    return parts


def _around(text: str, word: str) -> list[str]:
    pieces = text.split(word)
    return [one for piece in pieces[:-1] for one in (piece, word)] + pieces[-1:]


def _words(speech: Speech, most_chars: int) -> tuple[str, str]:
    if speech.ssml:
        text, cut = ssml.words_of(speech.text, most_chars)
    else:
        text, cut = ssml.plain(speech.text[:most_chars]), len(speech.text) > most_chars
    return text, f"only the first {most_chars:,} characters were said" if cut else ""
