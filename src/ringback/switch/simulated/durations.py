"""How long things take on a simulated call, in seconds: as on a real one, roughly, so that time-outs and durations look real."""

import re
from typing import Final

from ringback.calls.live import Item, RingTone, Silence, Sound, Speech, Tones

SETUP_S: Final = 0.2
"""From a dial to the first sign of life of whoever is dialled."""
RING_S: Final = 1.0
REACTION_S: Final = 0.3
"""From the end of a prompt to the first key or word: so the pause before the next prompt is not taken for the end of all."""
KEY_S: Final = 0.2
"""From one key to the next."""
KEY_WAIT_S: Final = 0.5
"""A `w` among keys."""
BEEP_S: Final = 0.3
SOUND_S: Final = 3.0
"""A file, which nobody fetches here."""
END_OF_SPEECH_S: Final = 0.8
"""The silence after which a recogniser that was told nothing takes what was said as said."""
GREETING_S: Final = 0.8
"""`Hello?`, after which answering-machine detection waits for silence."""
PATIENCE_S: Final = 30.0
"""A party whose turn has not come hangs up after so long with nothing to hear."""

_CHARACTERS_PER_S: Final = 14.0
_SHORTEST_SPEECH_S: Final = 0.3
_LONGEST_SILENCE_S: Final = 86_400.0
_MARKUP: Final = re.compile(r"<[^>]*>")


def speech_s(text: str) -> float:
    """Spoken at 14 characters a second."""
    return max(_SHORTEST_SPEECH_S, len(text) / _CHARACTERS_PER_S)


def item_s(item: Item) -> float | None:
    """How long something is played; None: until it is stopped."""
    match item:
        case Speech():
            return speech_s(_MARKUP.sub("", item.text) if item.ssml else item.text)
        case Sound():
            return SOUND_S
        case Silence():
            return min(max(0.0, item.seconds), _LONGEST_SILENCE_S)
        case Tones():
            return sum(key_s(key) for key in item.digits)
        case RingTone():
            return None


def key_s(key: str) -> float:
    """A key, or a wait among keys."""
    return KEY_WAIT_S if key == "w" else KEY_S
