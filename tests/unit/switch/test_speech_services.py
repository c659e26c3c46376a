"""What is sent to speech services, and what is made of their answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.calls.live import Speech
from ringback.errors import BadSettings
from ringback.switch.speech.listening import Answer, Segment, code_of, multipart, quietest, understood_of
from ringback.switch.speech.make import SpeechSettings, make_listening, make_voice
from ringback.switch.speech.port import Understood
from ringback.switch.speech.profanity import masked
from ringback.switch.speech.voice_service import Voices, VoiceService, VoiceTemplate, endpoint

SENDER = None
"""Nothing is sent here."""


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("https://tts.example/v1", "https://tts.example/v1/audio/speech"),
        ("https://tts.example/v1/", "https://tts.example/v1/audio/speech"),
        ("https://tts.example/v1/audio/speech", "https://tts.example/v1/audio/speech"),
        ("https://tts.example/v1?api-version=2", "https://tts.example/v1/audio/speech?api-version=2"),
    ],
)
def test_an_apis_address_or_its_routes(url: str, whole: str) -> None:
    assert endpoint(url, "/audio/speech") == whole


@pytest.mark.parametrize(
    ("voice", "language", "found"),
    [
        ("Polly.Matthew", "en-US", "onyx"),
        ("polly.matthew-neural", "en-US", "onyx"),
        ("Polly.Hans", "de-DE", "echo"),
        ("Polly.Hannah", "de-AT", "fable"),
        ("Polly.Mia", "es-MX", "nova"),
    ],
)
def test_whose_voice(voice: str, language: str, found: str) -> None:
    voices = Voices(["nova", "Polly.Matthew=onyx", "de-DE=echo", "de = fable"])
    assert voices.find(Speech("", voice, language)) == found
    assert Voices([]).find(Speech("")) == "alloy"


@pytest.mark.parametrize("wanted", ["", "=", "x=", "=x"])
def test_a_voice_that_is_none(wanted: str) -> None:
    with pytest.raises(BadSettings, match="say_voices"):
        make_voice(SpeechSettings(say_voices=(wanted,)), SENDER)


@pytest.mark.parametrize(
    ("say", "kind"),
    [
        ("espeak-ng", "espeak-ng"),
        ("command:/opt/speak -x 'a b'", "command"),
        ("https://tts.example/v1", VoiceService),
        ("http://127.0.0.1:1/say?t={text}", VoiceTemplate),
        ("http://127.0.0.1:1/{language}", VoiceTemplate),
    ],
)
def test_what_stands_behind_the_setting(say: str, kind: object) -> None:
    voice = make_voice(SpeechSettings(say=say), SENDER)
    assert kind in (voice.name, type(voice))
    assert isinstance(voice.why_not(), str)


@pytest.mark.parametrize("say", ["", "espeak", "command:", "command:'", "ftp://x", "https://a\\b@c/v1"])
def test_nothing_stands_behind_the_setting(say: str) -> None:
    with pytest.raises(BadSettings, match="say: "):
        make_voice(SpeechSettings(say=say), SENDER)


def test_a_key_and_credentials_exclude_each_other() -> None:
    with pytest.raises(BadSettings, match="one of the two"):
        make_voice(SpeechSettings(say="https://ann:secret@tts.example/v1", say_key="k"), SENDER)
    for listen in ("ftp://x", "https://ann:secret@stt.example/v1"):
        with pytest.raises(BadSettings, match="listen: "):
            make_listening(SpeechSettings(listen=listen, listen_key="k"), SENDER, loop=None, in_thread=None)
    assert make_listening(SpeechSettings(), SENDER, loop=None, in_thread=None) is None


def test_a_form_with_a_file() -> None:
    assert multipart("b", {"model": "m"}, b"\0\xff").split(b"\r\n") == [
        b"--b",
        b'Content-Disposition: form-data; name="model"',
        b"",
        b"m",
        b"--b",
        b'Content-Disposition: form-data; name="file"; filename="speech.wav"',
        b"Content-Type: audio/wav",
        b"",
        b"\0\xff",
        b"--b--",
        b"",
    ]


ANSWERS = [
    ("plain", Answer(" Hello. "), Understood("Hello.", 1.0)),
    ("nothing", Answer(""), Understood()),
    ("sure", Answer("Hello.", [Segment("Hello.", 0.0, 0.0)]), Understood("Hello.", 1.0)),
    ("half sure", Answer("Hello.", [Segment(" Hello.", -0.6931472, 0.0)]), Understood("Hello.", 0.5)),
    ("no figures", Answer("Hello.", [Segment(" Hello.")]), Understood("Hello.", 1.0)),
    ("imagined", Answer("Thank you.", [Segment(" Thank you.", -1.2, 0.9)]), Understood()),
    (
        "some of it imagined",
        Answer("Yes. Thanks for watching!", [Segment(" Yes.", 0.0, 0.1), Segment(" Thanks for watching!", -2.0, 0.8)]),
        Understood("Yes.", 1.0),
    ),
    ("no probability", Answer("x", [Segment("x", 3.0, None)]), Understood("x", 1.0)),
]


@pytest.mark.parametrize(("answer", "understood"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
def test_what_an_answer_says(answer: Answer, understood: Understood) -> None:
    assert understood_of(answer) == understood


@pytest.mark.parametrize(
    ("tag", "code"),
    [("en-US", "en"), ("de", "de"), ("cmn-CN", "zh"), ("arb", "ar"), ("nb_NO", "no"), ("fil-PH", ""), ("", ""), ("x\r\ny", "")],
)
def test_a_languages_code(tag: str, code: str) -> None:
    assert code_of(tag) == code


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("this is shit", "this is s***"),
        ("Fucking hell, you bastards!", "F****** hell, you b*******!"),
        ("the Shitake in Scunthorpe", "the Shitake in Scunthorpe"),
        ("", ""),
    ],
)
def test_swear_words_keep_their_first_letter(text: str, said: str) -> None:
    assert masked(text) == said


def test_a_long_recording_is_cut_where_it_is_quiet() -> None:
    loud, quiet = b"\x00\x20" * 8_000 * 10, b"\0\0" * 4_000
    at = quietest(bytearray(loud + quiet + loud[: 8_000 * 2]))
    assert len(loud) <= at <= len(loud + quiet)
    assert at % 2 == 0


@given(st.binary(max_size=2_000))
def test_any_sound_has_a_quietest_place(sound: bytes) -> None:
    sound = sound[: len(sound) // 2 * 2] + b"\0" * 4_000
    at = quietest(bytearray(sound))
    assert 0 < at <= len(sound)
    assert at % 2 == 0
