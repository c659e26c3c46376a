"""Who answered: a person or a machine. A pure state machine over 20 ms frames: how loud each is, and whether it is a single tone.

A person says a word or two and waits; a business says a sentence; a machine speaks on, then beeps or falls silent. Thresholds are
those of `calls.live.Detection` (Voxtelesys' `machine_detection_*`). The words of the result are its `AnsweredBy`.

| heard | word |
| --- | --- |
| speech of at most `residence_speech_s`, then `speech_end_s` of silence | `human_residence` |
| … of at most `business_speech_s` … | `human_business` |
| speech that goes on, or is followed by a beep | `machine_start`, at once; with `until_message_end` what ends the message: |
| … a beep | `machine_end_beep` |
| … silence: `speech_end_s`, and 1.5 s more in which no beep came | `machine_end_silence` |
| … not within `timeout_s` | `machine_end_other` |
| a fax's tone, calling (1,100 Hz) or answering (2,100 Hz; ITU-T T.30 §4.3.3.2) | `fax` |
| nothing for `silence_s`, or nothing that decides within `timeout_s` | `unknown` |
"""

from typing import Final

from ringback.calls.live import Detection
from ringback.switch.embedded.media.g711 import FRAME_S
from ringback.switch.embedded.media.voice import Voice

_FAX_HZ: Final = ((1_062, 1_138), (2_080, 2_120))
_FAX_SLOTS: Final = 18
"""0.36 s of the calling tone's half second."""
_BEEP_SLOTS: Final = 5
"""0.1 s of one tone, which no voice holds so steady."""
_TELLING_BEEP_SLOTS: Final = 8
"""Of a beep after few words, that alone makes a machine of them."""
_STEADY: Final = 0.015
"""Share by which a tone may wander from where it began, and what in Hz it always may: voices glide further."""
_STEADY_HZ: Final = 6
_BEEP_WAIT_SLOTS: Final = round(1.5 / FRAME_S)


class MachineDetector:
    """Fed with each frame until it says a word."""

    def __init__(self, detection: Detection) -> None:
        self._until_end = detection.until_message_end
        self._timeout = round(detection.timeout_s / FRAME_S)
        self._residence = round(detection.residence_speech_s / FRAME_S)
        self._business = round(detection.business_speech_s / FRAME_S)
        self._speech_end = round(detection.speech_end_s / FRAME_S)
        self._silence = round(detection.silence_s / FRAME_S)
        self._voice = Voice()
        self._slots = 0
        self._spoken_from: int | None = None
        self._spoken_to = 0
        self._machine = False
        self._tone_hz = 0.0
        self._tone_slots = 0

    def hear(self, level: int, tone_hz: float | None) -> str | None:
        """The word, once it is known. `tone_hz`: the frame is this tone and nothing else (`inband.single_tone`)."""
        self._slots += 1
        toned = self._follow_tone(tone_hz)
        if toned is not None:
            return toned
        # A tone is no speech: what beeps does not make a greeting longer.
        self._speech(0 if tone_hz is not None else level)
        word = self._machine_word() if self._machine else self._first_word()
        if word is None and self._slots >= self._timeout:
            return "machine_end_other" if self._machine else "unknown"
        return word

    def _follow_tone(self, hz: float | None) -> str | None:
        if hz is None:
            self._tone_slots = 0
            return None
        if self._tone_slots and abs(hz - self._tone_hz) <= max(_STEADY_HZ, _STEADY * hz):
            self._tone_slots += 1
        else:
            self._tone_slots, self._tone_hz = 1, hz
        if self._spoken_from is None:
            fax = any(low <= hz <= high for low, high in _FAX_HZ)
            return "fax" if fax and self._tone_slots >= _FAX_SLOTS else None
        if self._tone_slots < (_BEEP_SLOTS if self._machine else _TELLING_BEEP_SLOTS):
            return None
        return "machine_end_beep" if self._until_end else "machine_start"

    def _speech(self, level: int) -> None:
        before = self._voice.speaking
        if self._voice.feed(level):
            if self._spoken_from is None and not before:
                self._spoken_from = self._slots - self._voice.spoken_slots
            self._spoken_to = self._slots - self._voice.quiet_slots

    def _first_word(self) -> str | None:
        if self._spoken_from is None:
            return "unknown" if self._slots >= self._silence else None
        spoken = self._spoken_to - self._spoken_from
        if spoken > self._business:
            self._machine = True
            return None if self._until_end else "machine_start"
        if self._slots - self._spoken_to < self._speech_end:
            return None
        return "human_residence" if spoken <= self._residence else "human_business"

    def _machine_word(self) -> str | None:
        return "machine_end_silence" if self._slots - self._spoken_to >= self._speech_end + _BEEP_WAIT_SLOTS else None
