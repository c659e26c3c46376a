"""A call that is going on: what a switch tells of its legs, and what it can be told to do. Values alone; who sends and who obeys
them stands elsewhere (`voxml` decides, `switch` obeys).

Legs are named by the ids that the ledger knows them by. `op` names one thing that a leg was told to do (play these, record this);
whoever gives the order chooses it, unique within the call, and its end is told with it. Orders for a leg that is gone, and ends of
things that were stopped, are harmless. Times are seconds.
"""

from typing import Literal

from msgspec import Struct

EndedBy = Literal["caller", "callee", "us", ""]
Outcome = Literal["completed", "busy", "no-answer", "failed", "cancelled"]
"""How a leg ended, in the words of the status line."""
RecordEnd = Literal["silence", "limit", "stopped", "hangup", "failed"]
Track = Literal["inbound", "outbound", "both"]
"""Of a leg: what came from it, what it was played, or both."""


# What can be played
class Speech(Struct, frozen=True, tag=True):
    """Text to be spoken. `ssml`: the text is the inside of an SSML `speak` element."""

    text: str
    voice: str = "Polly.Joanna"
    language: str = "en-US"
    ssml: bool = False


class Sound(Struct, frozen=True, tag=True):
    """A WAV or MP3 file, by an absolute URL."""

    url: str


class Silence(Struct, frozen=True, tag=True):
    """Nothing, for so long."""

    seconds: float


class Tones(Struct, frozen=True, tag=True):
    """DTMF that is sent to the leg: digits, `*`, `#`, A to D; `w` waits half a second."""

    digits: str


class RingTone(Struct, frozen=True, tag=True):
    """The ringing that a caller hears in a country (`us`, `uk`, …), until it is stopped."""

    country: str = "us"


Item = Speech | Sound | Silence | Tones | RingTone


# What a switch can be told
class Answer(Struct, frozen=True, tag=True):
    """Answer an incoming leg. Of no effect on one that is answered."""

    leg: str


class Reject(Struct, frozen=True, tag=True):
    """Refuse an incoming leg that is not answered: `rejected` (603) or `busy` (486)."""

    leg: str
    reason: Literal["rejected", "busy"] = "rejected"


class Play(Struct, frozen=True, tag=True):
    """Play these one after another; then `PlayEnded`. Before an answer they are early media."""

    leg: str
    op: int
    items: tuple[Item, ...]


class StopPlay(Struct, frozen=True, tag=True):
    """Stop playing at once. Nothing more is told of that `op`."""

    leg: str
    op: int


class Collect(Struct, frozen=True, tag=True):
    """From now on the leg's keys are wanted: each is told with `Key`, whatever is played meanwhile. Keys that nobody wants are not
    told."""

    leg: str
    op: int


class StopCollect(Struct, frozen=True, tag=True):
    """Keys are no longer wanted."""

    leg: str
    op: int


class Listen(Struct, frozen=True, tag=True):
    """Recognise what is said; then `Heard`. `start_s`: how long to wait for a first word. `end_s`: the silence that ends it, None:
    the recogniser decides."""

    leg: str
    op: int
    language: str = "en-US"
    start_s: float = 5.0
    end_s: float | None = None
    profanity_filter: bool = False


class StopListening(Struct, frozen=True, tag=True):
    """Stop recognising. Nothing more is told of that `op`."""

    leg: str
    op: int


class Record(Struct, frozen=True, tag=True):
    """Record a leg until it is stopped, hung up, silent for `silence_s` (0: never mind) or recorded for `limit_s`; then
    `RecordEnded`. `channels` 2: what came from the leg on the left, what it heard on the right."""

    leg: str
    op: int
    limit_s: float
    silence_s: float = 0.0
    beep: bool = False
    channels: Literal[1, 2] = 1
    track: Track = "both"


class StopRecord(Struct, frozen=True, tag=True):
    """End a recording; `RecordEnded` follows with `stopped`."""

    leg: str
    op: int


class Privacy(Struct, frozen=True, tag=True):
    """While on, nothing of what the leg says or keys is recorded or logged: recordings hold silence instead."""

    leg: str
    on: bool


class Detection(Struct, frozen=True):
    """Answering-machine detection: tell a human at once and a machine as soon as it is known, or after its message. Thresholds are
    seconds, by default the vendor's."""

    until_message_end: bool = False
    timeout_s: float = 30.0
    residence_speech_s: float = 2.0
    business_speech_s: float = 3.2
    speech_end_s: float = 1.0
    silence_s: float = 5.0


class Dial(Struct, frozen=True, tag=True):
    """Call somebody: a new leg, whose parent is `parent` (empty: a conversation of its own). Then `Rang`, and `Answered` or
    `HungUp`; after `timeout_s` without an answer it is given up as `no-answer`."""

    leg: str
    parent: str
    to: str
    caller_id: str
    timeout_s: float = 30.0
    detection: Detection | None = None


class Bridge(Struct, frozen=True, tag=True):
    """Let two answered legs hear each other, until one of them is hung up."""

    leg: str
    other: str


class HangUp(Struct, frozen=True, tag=True):
    """End a leg, answered or not; `HungUp` follows."""

    leg: str


Order = (
    Answer
    | Reject
    | Play
    | StopPlay
    | Collect
    | StopCollect
    | Listen
    | StopListening
    | Record
    | StopRecord
    | Privacy
    | Dial
    | Bridge
    | HangUp
)


# What a switch tells
class Incoming(Struct, frozen=True, tag=True):
    """Somebody calls. `from_` and `to` as the switch has them (E.164, an extension, a SIP URI, `anonymous`). `inside`: one of
    theirs calls, a phone that registers: `from_` is its extension."""

    leg: str
    from_: str
    to: str
    caller_name: str = ""
    trunk: str = ""
    inside: bool = False


class Rang(Struct, frozen=True, tag=True):
    """A dialled leg rings."""

    leg: str


class Answered(Struct, frozen=True, tag=True):
    """A leg is answered: a dialled one by its callee, an incoming one since it was told so. `amd`: what answering-machine detection
    found (`human_residence`, `machine_start`, …), empty if it was not asked."""

    leg: str
    amd: str = ""


class Key(Struct, frozen=True, tag=True):
    """The leg's party pressed a key: one of `0123456789*#ABCD`."""

    leg: str
    key: str

    def __repr__(self) -> str:
        return f"Key(leg={self.leg!r}, key='?')"


class PlayEnded(Struct, frozen=True, tag=True):
    """All was played. `error`: what could not be, in plain words (the rest was played all the same)."""

    leg: str
    op: int
    error: str = ""


class Heard(Struct, frozen=True, tag=True):
    """What was said; `text` empty: nothing, or nothing that was understood."""

    leg: str
    op: int
    text: str = ""
    confidence: float = 0.0


class RecordEnded(Struct, frozen=True, tag=True):
    """A recording is over. A switch names the `file` that it wrote; whoever keeps recordings takes it over and says at which `url`
    it can be fetched (both empty if it failed). `duration_s`: whole seconds, cut."""

    leg: str
    op: int
    why: RecordEnd
    file: str = ""
    url: str = ""
    duration_s: int = 0
    channels: int = 1


class HungUp(Struct, frozen=True, tag=True):
    """A leg is over; nothing more comes of it except recordings that end."""

    leg: str
    status: Outcome = "completed"
    by: EndedBy = ""
    cause: int | None = None
    sip_status: int | None = None


Happening = Incoming | Rang | Answered | Key | PlayEnded | Heard | RecordEnded | HungUp
