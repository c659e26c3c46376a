"""What takes its time on a simulated leg: playing, listening, finding out who answered."""

from typing import Final

from ringback.calls.live import Detection, Listen, Play, Silence
from ringback.switch.simulated.durations import GREETING_S, item_s
from ringback.switch.simulated.recording import Span
from ringback.switch.simulated.script import PickUp
from ringback.switch.simulated.world import Timer

NEVER_MS: Final = 1 << 62
"""A moment after everything."""


class Playing:
    """What is being played, or waits for its turn. `timer` None: it waits, or sounds until it is stopped."""

    def __init__(self, order: Play) -> None:
        self.order = order
        self.timer: Timer | None = None
        self.spans: list[Span] = []

    def begin(self, now_ms: int) -> float | None:
        """Sets when it is to be heard; how long it takes, None: until it is stopped."""
        at_s = 0.0
        for item in self.order.items:
            seconds = item_s(item)
            end_ms = NEVER_MS if seconds is None else now_ms + round((at_s + seconds) * 1000)
            if not isinstance(item, Silence):
                self.spans.append(Span(now_ms + round(at_s * 1000), end_ms))
            if seconds is None:
                return None
            at_s += seconds
        return at_s

    def stop(self, now_ms: int) -> None:
        """Is silent from now on, and ends without a word."""
        if self.timer is not None:
            self.timer.cancel()
        for span in self.spans:
            span.end_ms = min(span.end_ms, now_ms)


class Listening:
    """A recogniser at work. `text` None: it has heard nothing yet; then it waits for the end of what is said."""

    def __init__(self, order: Listen) -> None:
        self.order = order
        self.timer: Timer | None = None
        self.text: str | None = None
        self.confidence = 0.0

    def stop(self) -> None:
        """Waits for nothing any more."""
        if self.timer is not None:
            self.timer.cancel()


def detected(wanted: Detection, step: PickUp) -> tuple[float, str]:
    """When something is known of who answered, and what: a human says hello and waits, a machine goes on speaking."""
    if step.who == "human":
        seconds, found = GREETING_S + wanted.speech_end_s, "human_residence"
    elif wanted.until_message_end:
        seconds, found = step.message_s + wanted.speech_end_s, "machine_end_silence"
    else:
        seconds, found = wanted.business_speech_s, "machine_start"
    return (seconds, found) if seconds <= wanted.timeout_s else (wanted.timeout_s, "unknown")
