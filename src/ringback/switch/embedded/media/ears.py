"""Who listens to what a leg says, frame by frame. What one has to tell, it hands to `tell`, to be called when the slot is over."""

from collections.abc import Callable
from typing import Protocol

from ringback.calls.live import Detection
from ringback.switch.embedded.media.g711 import Law
from ringback.switch.embedded.media.inband import KeyListener, single_tone
from ringback.switch.embedded.media.listening import ListenDone, Listening
from ringback.switch.embedded.media.machine import MachineDetector

Tell = Callable[[Callable[[], None]], None]


class Ear(Protocol):
    """One of them."""

    def hear(self, frame: bytes | None, law: Law) -> bool:
        """A slot; None: nothing came. False: it has heard enough."""
        ...


class Tap:
    """Gives each frame to somebody as linear sound; silence where nothing came."""

    def __init__(self, heard: Callable[[bytes], None]) -> None:
        self._heard = heard

    def hear(self, frame: bytes | None, law: Law) -> bool:
        """Always wants more."""
        self._heard(law.decode(frame or law.silence))
        return True


class Keying:
    """Keys of a phone that knows no events."""

    def __init__(self, pressed: Callable[[str], None]) -> None:
        self._listener = KeyListener()
        self._pressed = pressed

    def hear(self, frame: bytes | None, law: Law) -> bool:
        """Always wants more."""
        key = self._listener.hear(frame, law)
        if key is not None:
            self._pressed(key)
        return True


class Utterance:
    """One that is listened for."""

    def __init__(self, listening: Listening, done: ListenDone, tell: Tell) -> None:
        self._listening = listening
        self._done = done
        self._tell = tell
        self.stopped = False

    def hear(self, frame: bytes | None, law: Law) -> bool:
        """Until it is over."""
        said = self._listening.hear(frame, law)
        if said is None:
            return True
        self._tell(lambda: None if self.stopped else self._done(said))
        return False


class Detecting:
    """Answering-machine detection."""

    def __init__(self, detection: Detection, done: Callable[[str], None], tell: Tell) -> None:
        self._detector = MachineDetector(detection)
        self._done = done
        self._tell = tell
        self.stopped = False

    def hear(self, frame: bytes | None, law: Law) -> bool:
        """Until it is known."""
        word = self._detector.hear(*((0, None) if frame is None else (law.level(frame), single_tone(frame, law))))
        if word is None:
            return True
        self._tell(lambda: None if self.stopped else self._done(word))
        return False
