"""Which of espeak-ng's voices speaks for a voice that a document names. The tables are ours: espeak-ng has one synthetic speaker
for each language, and variants of it that sound like a woman or a man.
"""

import re
from typing import Final

FEMALE: Final = "f3"
MALE: Final = "m3"
DEFAULT: Final = "en-us"

_POLLY: Final = (
    "Adriano Andres Arthur Brian Cristiano Daniel Enrique Geraint Giorgio Gregory Hans Jacek Jan Joey Justin Karl Kevin Liam Mads "
    "Mathieu Matthew Maxim Miguel Pedro Remi Ricardo Russell Sergio Stephen Takumi Thiago Zayd"
)
_DEEPGRAM: Final = "angus arcas helios orion orpheus perseus zeus"
_TWIML: Final = "man"
_MEN: Final = frozenset(f"{_POLLY} {_DEEPGRAM} {_TWIML}".split())
_LANGUAGES: Final = {
    "ar": "ar",
    "arb": "ar",
    "cmn": "cmn",
    "en": "en-gb",
    "en-ca": "en-us",
    "en-us": "en-us",
    "en-gb": "en-gb",
    "en-gb-wls": "en-gb",
    "es-es": "es",
    "es": "es-419",
    "fr-be": "fr-be",
    "fr-ch": "fr-ch",
    "fr": "fr-fr",
    "iw": "he",
    "nb": "nb",
    "nn": "nb",
    "no": "nb",
    "pt-pt": "pt",
    "pt": "pt-br",
    "tl": "en-us",
    "yue": "yue",
    "zh": "cmn",
    "zh-hk": "yue",
}
"""By language tag, the whole tag before its first part. What is not here has espeak-ng's voice of that language."""
_PART: Final = re.compile(r"[a-z]{2,3}")
_VOICE: Final = re.compile(r"(?:(?P<engine>[A-Za-z]+)\.)?(?P<name>[A-Za-z0-9-]+)")
_GOOGLE_MEN: Final = re.compile(r"[a-z]{2,3}-[A-Z]{2}-(?:[A-Za-z0-9]+-)?[BDIJ]")
"""Google's letters follow no rule that holds in every language; these are men's in English."""


def espeak_voices(voice: str, language: str) -> tuple[str, ...]:
    """The voices of espeak-ng for this, the best first: an installation may lack some. Nothing of the arguments gets into them but
    a language's two or three letters."""
    variant = MALE if is_man(voice) else FEMALE
    tag = language.replace("_", "-").lower()
    first = tag.partition("-")[0]
    found = [_LANGUAGES.get(tag), _LANGUAGES.get(first), first if _PART.fullmatch(first) else None, DEFAULT]
    return tuple(dict.fromkeys(f"{one}+{variant}" for one in found if one))


def is_man(voice: str) -> bool:
    """Does a voice's name stand for a man's?"""
    found = _VOICE.fullmatch(voice)
    if found is None:
        return False
    name = found["name"]
    if found["engine"] == "Google":
        return _GOOGLE_MEN.fullmatch(name) is not None
    words = name.split("-")
    return any(word in _MEN for word in words)
