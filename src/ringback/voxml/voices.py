"""Which voice speaks which language, as far as it is known: Amazon's list of Polly's voices; a Google voice's name begins with its
language, a Deepgram voice's ends with it. The vendor's SDK has all three engines. What is not known fits everything."""

import re
from typing import Final

ENGINES: Final = ("Polly", "Google", "Deepgram")

_POLLY: Final = {
    "ar": "Zeina",
    "ar-AE": "Hala Zayd",
    "ca-ES": "Arlet",
    "cs-CZ": "Jitka",
    "cy-GB": "Gwyneth",
    "da-DK": "Mads Naja Sofie",
    "de-AT": "Hannah",
    "de-CH": "Sabrina",
    "de-DE": "Daniel Hans Marlene Vicki",
    "en-AU": "Nicole Olivia Russell",
    "en-GB": "Amy Arthur Brian Emma",
    "en-GB-WLS": "Geraint",
    "en-IE": "Niamh",
    "en-IN": "Aditi Kajal Raveena",
    "en-NZ": "Aria",
    "en-SG": "Jasmine",
    "en-US": "Danielle Gregory Ivy Joanna Joey Justin Kendra Kevin Kimberly Matthew Ruth Salli Stephen",
    "en-ZA": "Ayanda",
    "es-ES": "Conchita Enrique Lucia Sergio",
    "es-MX": "Andres Mia",
    "es-US": "Lupe Miguel Pedro Penelope",
    "fi-FI": "Suvi",
    "fr-BE": "Isabelle",
    "fr-CA": "Chantal Gabrielle Liam",
    "fr-FR": "Celine Lea Mathieu Remi",
    "hi-IN": "Aditi Kajal",
    "is-IS": "Dora Karl",
    "it-IT": "Adriano Bianca Carla Giorgio",
    "ja-JP": "Kazuha Mizuki Takumi Tomoko",
    "ko-KR": "Jihye Seoyeon",
    "nb-NO": "Ida Liv",
    "nl-BE": "Lisa",
    "nl-NL": "Laura Lotte Ruben",
    "pl-PL": "Ewa Jacek Jan Maja Ola",
    "pt-BR": "Camila Ricardo Thiago Vitoria",
    "pt-PT": "Cristiano Ines",
    "ro-RO": "Carmen",
    "ru-RU": "Maxim Tatyana",
    "sv-SE": "Astrid Elin",
    "tr-TR": "Burcu Filiz",
    "yue-CN": "Hiujin",
    "zh-CN": "Zhiyu",
}
_ALIASES: Final = {"arb": "ar", "cmn": "zh", "no": "nb"}
_GOOGLE: Final = re.compile(r"([a-z]{2,3}-[A-Z]{2})-")
_DEEPGRAM: Final = re.compile(r"aura-(?:2-)?[a-z]+-([a-z]{2})$")


def _by_voice() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for language, names in _POLLY.items():
        for name in names.split():
            found[name] = (*found.get(name, ()), language)
    return found


_LANGUAGES: Final = _by_voice()


def languages_of(voice: str) -> tuple[str, ...]:
    """The languages that a voice speaks, as tags; empty if that is not known. A voice without an engine is taken for Polly's."""
    engine, dot, name = voice.rpartition(".")
    if engine in ("", "Polly"):
        return _LANGUAGES.get((name if dot else voice).partition("-")[0], ())
    pattern = {"Google": _GOOGLE, "Deepgram": _DEEPGRAM}.get(engine)
    found = pattern.match(name) if pattern else None
    return (found[1],) if found else ()


def speaks(voice: str, language: str) -> bool:
    """False if it is known that the voice does not speak the language. One without a region speaks, or is spoken by, all of its
    kind."""
    wanted = _plain(language)
    return not (known := languages_of(voice)) or any(_fits(_plain(one), wanted) for one in known)


def _fits(one: str, other: str) -> bool:
    if "-" in one and "-" in other:
        return one == other
    return one.partition("-")[0] == other.partition("-")[0]


def _plain(language: str) -> str:
    first, dash, rest = language.partition("-")
    return (_ALIASES.get(first.lower(), first) + dash + rest).lower()
