"""Greetings of persons and of machines, made of sound, and what is made of them."""

from functools import partial

import pytest
from media_sounds import frames, mixed, needs_espeak, noise, said, silence, talk

from ringback.calls.live import Detection
from ringback.switch.embedded.media.g711 import PCMA, PCMU, Law
from ringback.switch.embedded.media.inband import single_tone
from ringback.switch.embedded.media.machine import MachineDetector
from ringback.switch.embedded.media.tones import tone

AT_ONCE = Detection()
AT_END = Detection(until_message_end=True)


def hz(frequency: float, seconds: float, loud: int = 6_000) -> bytes:
    return tone(((frequency, 1.0),), seconds, loud)


def detect(sound: bytes, detection: Detection, law: Law = PCMU) -> tuple[str | None, float]:
    """The word and the second in which it was known; after the sound there is silence, and a minute in all."""
    detector = MachineDetector(detection)
    heard = frames(sound, law)
    for slot in range(3_000):
        frame = heard[slot] if slot < len(heard) else law.silence
        word = detector.hear(law.level(frame), single_tone(frame, law))
        if word is not None:
            return word, (slot + 1) / 50
    return None, 60.0


q = silence
HELLO = talk(0.6, 2)
LONG = talk(6.0, 3)
CHOPPED = b"".join(talk(0.9, n) + q(0.35) for n in range(2, 8))

GREETINGS = {
    # name: (sound, when told at once, when told after the message)
    "hello": (q(0.4) + HELLO, "human_residence", "human_residence"),
    "a short yes": (q(1.0) + talk(0.25, 4), "human_residence", "human_residence"),
    "hello, hello?": (q(0.3) + HELLO + q(0.5) + HELLO, "human_residence", "human_residence"),
    "at once, without a pause": (talk(0.8, 5), "human_residence", "human_residence"),
    "the Millers' residence": (q(0.5) + talk(1.7, 6), "human_residence", "human_residence"),
    "late: someone runs to the phone": (q(3.5) + HELLO, "human_residence", "human_residence"),
    "a noisy line": (mixed(q(0.8) + HELLO + q(3), noise(4.4, 60)), "human_residence", "human_residence"),
    "a business with its name": (q(0.4) + talk(2.6, 7), "human_business", "human_business"),
    "a business in two phrases": (q(0.4) + talk(1.2, 8) + q(0.4) + talk(1.2, 9), "human_business", "human_business"),
    "a receptionist on a noisy line": (mixed(q(0.5) + talk(2.5, 2) + q(3), noise(6.0, 60)), "human_business", "human_business"),
    "a machine with a beep": (q(0.5) + LONG + q(0.6) + hz(1_000, 0.4), "machine_start", "machine_end_beep"),
    "a low beep": (LONG + q(0.3) + hz(440, 0.5), "machine_start", "machine_end_beep"),
    "a high, short beep": (LONG + q(0.8) + hz(2_000, 0.15), "machine_start", "machine_end_beep"),
    "a faint beep": (LONG + q(0.8) + hz(800, 0.4, 900), "machine_start", "machine_end_beep"),
    "a beep right after the last word": (LONG + hz(1_400, 0.3), "machine_start", "machine_end_beep"),
    "a beep a second late": (LONG + q(1.6) + hz(1_000, 0.5), "machine_start", "machine_end_beep"),
    "a beep on a noisy line": (
        mixed(LONG + q(0.5) + hz(1_000, 0.5) + q(3), noise(10.0, 40)),
        "machine_start",
        "machine_end_beep",
    ),
    "no beep": (q(0.5) + LONG, "machine_start", "machine_end_silence"),
    "phrases with pauses": (CHOPPED, "machine_start", "machine_end_silence"),
    "a pause before 'after the tone'": (LONG + q(1.8) + talk(1.5, 4) + q(0.4) + hz(950, 0.4), "machine_start", "machine_end_beep"),
    "a greeting of a minute": (talk(40, 6), "machine_start", "machine_end_other"),
    "few words, then a beep": (q(0.3) + talk(1.5, 5) + q(0.4) + hz(1_000, 0.5), "machine_start", "machine_end_beep"),
    "a fax that answers": (q(0.5) + hz(2_100, 3.0), "fax", "fax"),
    "a fax that calls": ((hz(1_100, 0.5) + q(3)) * 2, "fax", "fax"),
    "nobody speaks": (q(8), "unknown", "unknown"),
    "nothing but noise": (noise(8.0, 60), "unknown", "unknown"),
    "a click": (q(1) + hz(700, 0.02) + q(8), "unknown", "unknown"),
}


@pytest.mark.parametrize("name", GREETINGS)
@pytest.mark.parametrize("law", [PCMU, PCMA], ids=lambda law: law.name)
def test_greetings(name: str, law: Law) -> None:
    sound, at_once, at_end = GREETINGS[name]
    assert detect(sound, AT_ONCE, law)[0] == at_once
    assert detect(sound, AT_END, law)[0] == at_end


def test_there_are_enough_greetings() -> None:
    assert len(GREETINGS) >= 20


@pytest.mark.parametrize(
    ("sound", "detection", "word", "from_s", "to_s"),
    [
        (q(0.4) + HELLO, AT_ONCE, "human_residence", 1.9, 2.3),
        (q(0.4) + HELLO, Detection(speech_end_s=0.5), "human_residence", 1.4, 1.8),
        (q(0.4) + talk(2.6, 7), Detection(residence_speech_s=3.0), "human_residence", 3.9, 4.3),
        (q(0.4) + talk(2.6, 7), Detection(residence_speech_s=1.0, business_speech_s=2.0), "machine_start", 2.4, 2.6),
        (LONG, AT_ONCE, "machine_start", 3.1, 3.4),
        (LONG, AT_END, "machine_end_silence", 8.2, 8.8),
        (LONG + q(0.5) + hz(1_000, 0.4), AT_END, "machine_end_beep", 6.5, 6.75),
        (q(30), AT_ONCE, "unknown", 4.9, 5.1),
        (q(30), Detection(silence_s=2.0), "unknown", 1.9, 2.1),
        (talk(40, 6), Detection(until_message_end=True, timeout_s=10.0), "machine_end_other", 9.9, 10.1),
        (CHOPPED, Detection(timeout_s=3.0), "unknown", 2.9, 3.1),
        (q(0.5) + hz(2_100, 3.0), AT_ONCE, "fax", 0.8, 1.0),
    ],
)
def test_thresholds_are_kept(sound: bytes, detection: Detection, word: str, from_s: float, to_s: float) -> None:
    told, second = detect(sound, detection)
    assert told == word
    assert from_s <= second <= to_s


SPOKEN = [
    ("Hello?", "human_residence", "human_residence"),
    ("Hello, this is Peter.", "human_residence", "human_residence"),
    ("Yes?", "human_residence", "human_residence"),
    ("Good morning, Northern Electric, Barbara speaking.", "human_business", "human_business"),
    (
        "Hi, you have reached the voice mail of Peter Miller. I cannot take your call now. Please leave your name and your number "
        "after the tone, and I will call you back.",
        "machine_start",
        "machine_end_silence",
    ),
]


@needs_espeak
@pytest.mark.parametrize("voice", ["en-us", "en-us+f3", "en-gb+m3"])
@pytest.mark.parametrize(("text", "at_once", "at_end"), SPOKEN)
def test_spoken_greetings(voice: str, text: str, at_once: str, at_end: str) -> None:
    sound = q(0.4) + said(text, voice)
    assert detect(sound, AT_ONCE)[0] == at_once
    assert detect(sound, AT_END)[0] == at_end


@needs_espeak
@pytest.mark.parametrize("beeped", [partial(hz, 1_000), partial(hz, 440), partial(hz, 1_700)])
def test_a_spoken_greeting_with_a_beep(beeped: "partial[bytes]") -> None:
    sound = said("You have reached five five five, zero one two three. Leave a message after the beep.") + q(0.5) + beeped(0.4)
    assert detect(sound, AT_END)[0] == "machine_end_beep"
