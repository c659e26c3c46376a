"""Which of espeak-ng's voices speaks."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.switch.speech.voices import espeak_voices, is_man


@pytest.mark.parametrize(
    ("voice", "language", "first"),
    [
        ("Polly.Joanna", "en-US", "en-us+f3"),
        ("Polly.Matthew-Neural", "en-US", "en-us+m3"),
        ("Matthew", "en-US", "en-us+m3"),
        ("Polly.Amy", "en-GB", "en-gb+f3"),
        ("Polly.Nicole", "en-AU", "en-gb+f3"),
        ("Polly.Hans", "de-DE", "de+m3"),
        ("Polly.Mia", "es-MX", "es-419+f3"),
        ("Polly.Lucia", "es-ES", "es+f3"),
        ("Polly.Chantal", "fr-CA", "fr-fr+f3"),
        ("Polly.Camila", "pt-BR", "pt-br+f3"),
        ("Polly.Zhiyu", "cmn-CN", "cmn+f3"),
        ("Polly.Zeina", "arb", "ar+f3"),
        ("Google.en-US-Standard-B", "en-US", "en-us+m3"),
        ("Google.en-US-Wavenet-C", "en_US", "en-us+f3"),
        ("Deepgram.aura-2-zeus-en", "en", "en-gb+m3"),
        ("man", "", "en-us+m3"),
        ("$(reboot)", "--help", "en-us+f3"),
        ("", "xx", "xx+f3"),
    ],
)
def test_the_best_voice(voice: str, language: str, first: str) -> None:
    voices = espeak_voices(voice, language)
    assert voices[0] == first
    assert any(one.startswith("en-us+") for one in voices)
    assert len(set(voices)) == len(voices)


@given(st.text(), st.text())
def test_no_text_gets_into_a_voice(voice: str, language: str) -> None:
    is_man(voice)
    assert all(re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,3})?\+[fm]3", found) for found in espeak_voices(voice, language))
