"""The word error rate of a recogniser on what a telephone carries: phrases of menus, digits and sentences, spoken by four of
espeak-ng's voices and sent through G.711.

    python bench/word_errors.py --listen https://host/v1 [--model whisper-1]     the key is taken from RINGBACK_LISTEN_KEY
    python bench/word_errors.py --pocketsphinx                                   `pip install pocketsphinx` first

A synthetic voice is harder to understand than a person: the figure compares recognisers, it promises nothing.
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
import time
from array import array
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any, Final

import miniaudio

from ringback.delivery.egress import SenderSettings
from ringback.delivery.sender import Sender
from ringback.engine.speech import service_egress
from ringback.switch.speech.audio import RATE, decode
from ringback.switch.speech.make import SpeechSettings, make_listening
from ringback.switch.speech.port import Understood

VOICES: Final = ("en-us", "en-us+f3", "en-us+m3", "en-gb")
DIGITS: Final = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "zero"),
    *("one two three four", "five five five one two", "seven zero nine", "nine eight seven six", "three three eight"),
    *("four one one", "two four six eight", "zero zero seven", "six one two nine", "eight one five"),
)
MENU: Final = (
    *("yes", "no", "sales", "support", "billing", "operator", "help", "cancel", "repeat", "continue", "accounts", "delivery"),
    *("reception", "appointment", "representative", "yes please", "no thank you", "opening hours", "speak to an agent"),
    "talk to the operator",
)
SENTENCES: Final = (
    "i would like to change my delivery address",
    "please connect me to the sales department",
    "what are your opening hours on saturday",
    "i want to cancel my order",
    "the package arrived broken",
    "can you repeat that please",
    "i need help with my bill",
    "please call me back tomorrow morning",
    "thank you and good bye",
    "my name is alice and i am calling about the blue one",
)
SETS: Final = {"digits": DIGITS, "menu": MENU, "sentences": SENTENCES}
_NUMBERS: Final = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]

Recognise = Callable[[str, bytes], Awaitable[str]]
"""What a set of phrases is called, and PCM; the text."""


def spoken(text: str, voice: str) -> bytes:
    """PCM as it comes out of a telephone, with half a second of silence on both sides."""
    words = ["espeak-ng", "-v", voice, "-s", "155", "-b", "1", "--stdin", "--stdout"]
    made = subprocess.run(words, input=text.encode(), capture_output=True, check=True).stdout
    samples = array("h", decode(made, 60))
    through = array("h", (_from_mu_law(_to_mu_law(sample)) for sample in samples))
    silence = bytes(RATE)
    return silence + through.tobytes() + silence


def _to_mu_law(sample: int) -> int:
    """ITU-T G.711."""
    size = min(abs(sample), 32_635) + 0x84
    exponent = size.bit_length() - 8
    return (0x80 if sample < 0 else 0) | exponent << 4 | (size >> (exponent + 3)) & 0x0F


def _from_mu_law(code: int) -> int:
    size = (((code & 0x0F) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return -size if code & 0x80 else size


def errors(said: Sequence[str], understood: Sequence[str]) -> int:
    """Words that were put in, left out or taken for others (Levenshtein)."""
    row = list(range(len(understood) + 1))
    for n, word in enumerate(said, 1):
        before, row[0] = row[0], n
        for m, other in enumerate(understood, 1):
            before, row[m] = row[m], min(row[m] + 1, row[m - 1] + 1, before + (word != other))
    return row[-1]


def plain(text: str) -> list[str]:
    """Words in lower case; digits by their names, as a recogniser may write either."""
    text = re.sub(r"[0-9]", lambda digit: f" {_NUMBERS[int(digit[0])]} ", text.lower())
    return re.sub(r"[^a-z' ]", " ", text).split()


def of_pocketsphinx(wide: bool) -> Recognise:
    """pocketsphinx with its own model: with a grammar of the set's words, or (`wide`) its language model."""
    make: Any = import_module("pocketsphinx").Decoder
    decoders: dict[str, Any] = {}

    def made(name: str) -> Any:
        if wide:
            return make(loglevel="FATAL", samprate=16_000)
        words = " | ".join(sorted({word for phrase in SETS[name] for word in phrase.split()}))
        decoder = make(loglevel="FATAL", samprate=16_000, lm=None)
        decoder.add_jsgf_string("words", f"#JSGF V1.0; grammar g; public <s> = ({words})+;")
        decoder.activate_search("words")
        return decoder

    async def recognise(name: str, pcm: bytes) -> str:
        if name not in decoders:
            decoders[name] = made(name)
        decoder = decoders[name]
        form = miniaudio.SampleFormat.SIGNED16
        decoder.start_utt()
        decoder.process_raw(bytes(miniaudio.convert_frames(form, 1, RATE, pcm, form, 1, 16_000)), full_utt=True)
        decoder.end_utt()
        found = decoder.hyp()
        return str(found.hypstr) if found else ""

    return recognise


async def measure(recognise: Recognise) -> None:
    """Prints a line for each set."""
    for name, phrases in SETS.items():
        wrong = words = whole = 0
        took = 0.0
        for voice in VOICES:
            for phrase in phrases:
                pcm = spoken(phrase, voice)
                began = time.perf_counter()
                found = errors(phrase.split(), plain(await recognise(name, pcm)))
                took += time.perf_counter() - began
                wrong, words, whole = wrong + found, words + len(phrase.split()), whole + (not found)
        count = len(phrases) * len(VOICES)
        right = f"{whole / count:4.0%} of {count} phrases right"
        print(f"{name:10} {wrong / words:6.1%} of words wrong, {right}, {took / count:.2f} s each")


async def main(wanted: argparse.Namespace) -> None:
    """Measures what was asked for."""
    if wanted.pocketsphinx:
        for wide in (False, True):
            print("pocketsphinx,", "its language model" if wide else "a grammar of each set's words")
            await measure(of_pocketsphinx(wide))
        return
    loop = asyncio.get_running_loop()
    threads = ThreadPoolExecutor(1)
    sender = Sender(service_egress(SenderSettings(), wanted.listen), loop)
    settings = SpeechSettings(listen=wanted.listen, listen_model=wanted.model, listen_key=os.environ.get("RINGBACK_LISTEN_KEY"))
    listening = make_listening(settings, sender, loop=loop, in_thread=lambda work: loop.run_in_executor(threads, work))
    assert listening is not None

    async def recognise(_: str, pcm: bytes) -> str:
        heard: asyncio.Future[Understood] = loop.create_future()
        listening.recognise(pcm, "en-US", False, heard.set_result)
        understood = await heard
        if understood.error:
            sys.exit(understood.error)
        return understood.text

    print(wanted.listen, wanted.model)
    await measure(recognise)
    await sender.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--listen", help="the URL of an OpenAI-compatible service")
    which.add_argument("--pocketsphinx", action="store_true")
    parser.add_argument("--model", default="whisper-1")
    asyncio.run(main(parser.parse_args()))
