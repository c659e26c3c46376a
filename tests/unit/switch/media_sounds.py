"""Sounds for the tests of media: linear, 16-bit little-endian at 8 kHz."""

import math
import random
import struct
import subprocess
from functools import cache

import pytest

from ringback.switch.embedded.media.g711 import FRAME_BYTES, Law

needs_espeak = pytest.mark.needs("espeak-ng")


def linear(values: list[float]) -> bytes:
    return struct.pack(f"<{len(values)}h", *(max(-32_768, min(32_767, round(value))) for value in values))


def samples(sound: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(sound) // 2}h", sound))


def mixed(*sounds: bytes) -> bytes:
    return linear([sum(values) for values in zip(*map(samples, sounds), strict=True)])


def silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * 8_000))


@cache
def noise(seconds: float, rms: float, seed: int = 1) -> bytes:
    rng = random.Random(seed)
    return linear([rng.gauss(0, rms) for _ in range(round(seconds * 8_000))])


@cache
def _voice(seed: int) -> bytes:
    """Four seconds of vowels: harmonics under wandering formants, four syllables a second with dips between them."""
    rng = random.Random(seed)
    pitch, phase, values = rng.choice((105, 130, 190, 220)), 0.0, []
    for _syllable in range(16):
        formant_1, formant_2, glide = rng.uniform(300, 800), rng.uniform(900, 2_300), rng.uniform(-0.2, 0.2)
        for n in range(2_000):
            at = n / 2_000
            phase += 2 * math.pi * pitch * (1 + glide * at) / 8_000
            loud = 0.02 if at > 0.85 else math.sin(math.pi * at / 0.85) ** 0.5
            value = 0.0
            for harmonic in range(1, 14):
                f = harmonic * pitch
                value += math.sin(harmonic * phase) / (1 + ((f - formant_1) / 150) ** 2)
                value += 0.6 * math.sin(harmonic * phase) / (1 + ((f - formant_2) / 250) ** 2)
            values.append(3_500 * loud * value + rng.gauss(0, 25))
    return linear(values)


def talk(seconds: float, seed: int = 1) -> bytes:
    """Somebody speaks without a pause that would be an end."""
    voice = _voice(seed)
    size = 2 * round(seconds * 8_000)
    return (voice * (size // len(voice) + 1))[:size]


def said(text: str, voice: str = "en-us", pitch: int = 50) -> bytes:
    """By espeak-ng, at 8 kHz by the nearest sample: rough, but of a voice's shape."""
    wav = subprocess.run(["espeak-ng", "-v", voice, "-p", str(pitch), "--stdout", text], capture_output=True, check=True).stdout
    rate = int.from_bytes(wav[24:28], "little")
    spoken = memoryview(wav[44 : len(wav) - len(wav) % 2]).cast("h")
    step = rate / 8_000
    return linear([sum(spoken[int(n * step) : int(n * step) + 2]) / 2 for n in range(int(len(spoken) / step) - 1)])


def frames(sound: bytes, law: Law) -> list[bytes]:
    """As code; what is no whole frame is left out."""
    return [law.encode(sound[at : at + FRAME_BYTES]) for at in range(0, len(sound) - FRAME_BYTES + 1, FRAME_BYTES)]


def share(values: list[int], frequency: float) -> float:
    """Of the power of these samples, what is at a frequency."""
    total = sum(value * value for value in values)
    if not total:
        return 0.0
    coefficient = 2 * math.cos(2 * math.pi * frequency / 8_000)
    before = last = 0.0
    for value in values:
        before, last = last, value + coefficient * last - before
    return (before * before + last * last - coefficient * before * last) / (total * len(values) / 2)
