"""One leg's media: what it is played, who it hears, who listens to it, what is recorded of it.

A slot has two halves, and all sessions do the first before any does the second: `hear` takes the frame that this leg says now and
shows it to whoever listens; `speak` sends what the leg is to hear (its beep, keys, what is played, or what the leg that it is
bridged to says), and gives both to the recordings. Frames are code all the way; a bridge translates where the laws differ.

Callbacks come at the end of a slot, when all sessions have spoken, so that they may do anything.
"""

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Final, Literal, Protocol

from ringback.calls.live import Detection, RecordEnd, Track
from ringback.switch.embedded.media.ears import Detecting, Ear, Keying, Tap, Utterance
from ringback.switch.embedded.media.g711 import Codec, transcode
from ringback.switch.embedded.media.latch import Address
from ringback.switch.embedded.media.listening import LIMIT_S, ListenDone, Listening
from ringback.switch.embedded.media.player import Done, Playable, Player
from ringback.switch.embedded.media.recording import RecordDone, Recording
from ringback.switch.embedded.media.sources import Dialled, Pressed, beep, key_frame
from ringback.switch.embedded.media.stream import Direction, RtpStream, Stats

_VEIL_SLOTS: Final = 15
"""After privacy ends, recordings stay silent for 0.3 s: what was said or keyed before is still on its way through the jitter
buffer."""
_LONGEST_STALL: Final = 500
"""Slots that the clock skipped and that a recording makes up for with silence (10 s)."""
_BEEP: Final = -1
_KEYS: Final = -2


class Host(Protocol):
    """What a session needs of whoever made it (`Media`)."""

    dead_s: float
    comfort: bool
    worker: Executor

    def tell(self, told: Callable[[], None]) -> None:
        """Calls it when this slot is over."""
        ...

    def post(self, told: Callable[[], None]) -> None:
        """Calls it soon; from any thread."""
        ...

    def left(self, session: "MediaSession") -> None:
        """It is closed."""
        ...


class MediaSession:
    """See the module. Made by `Media.session`. All methods are the loop's thread's, return at once, and do nothing once it is
    closed."""

    def __init__(
        self,
        host: Host,
        sock: socket.socket,
        local: Address,
        strangers: bool,
        on_key: Callable[[str], None],
        on_dead: Callable[[], None],
    ) -> None:
        self.local: Final = local
        """Where its packets are awaited: for the session description."""
        self.closed = False
        self.peer: MediaSession | None = None
        """The session that it is bridged to."""
        self.said: bytes | None = None
        """This slot's frame, in this leg's code; None: nothing was heard of it."""
        self.veiled = False
        """Is what it says, in this slot, nobody's to record?"""
        self._host = host
        self._sock = sock
        self._on_key = on_key
        self._on_dead = on_dead
        self._stream = RtpStream(sock, strangers)
        self._watched = False
        self._dead_told = False
        self._private = False
        self._veil_left = 0
        self._player = Player(self._tell)
        self._urgent = Player(self._tell)
        self._recordings: dict[int, Recording] = {}
        self._beeping: set[int] = set()
        self._ears: list[Ear] = []
        self._listening: dict[int, Utterance] = {}
        self._detecting: Detecting | None = None
        self._taps: dict[int, Tap] = {}
        self._keying: Keying | None = None

    # What the far end is
    def connect(
        self,
        remote: Address | None,
        codec: Codec,
        dtmf_pt: int | None,
        direction: Direction = "sendrecv",
        *,
        also: tuple[str, ...] = (),
        watched: bool = True,
    ) -> None:
        """What the two session descriptions come to; again after each re-INVITE. `remote`: an IP address and a port, None:
        nowhere (a hold by 0.0.0.0, a port 0). `dtmf_pt`: the payload type of telephone-event as the far end wants it, None: it
        has none, and keys are tones then, both ways. `also`: hosts that may send besides the remote's own, such as where its SIP
        comes from. `watched`: its silence is a death; not so before it has answered. Raises ValueError: `remote` is no phone's
        address."""
        if self.closed:
            return
        self._stream.aim(remote, codec, dtmf_pt, direction, also)
        self._watched, self._dead_told = watched, False
        if (dtmf_pt is None) != (self._keying is not None):
            if self._keying is not None:
                self._ears.remove(self._keying)
            self._keying = Keying(partial(self._pressed, in_sound=True)) if dtmf_pt is None else None
            if self._keying is not None:
                self._ears.append(self._keying)
            self._settle()

    @property
    def stats(self) -> Stats:
        """Of its packets."""
        return self._stream.stats

    # What it hears
    def play(self, op: int, sources: Sequence[Playable], done: Done) -> None:
        """Plays these one after another, after what is played already; then `done`. It goes on with nobody to send to."""
        if not self.closed:
            self._player.play(op, sources, done)

    def stop(self, op: int) -> None:
        """Stops playing at once; nothing more is told of that `op`, and the next begins."""
        self._player.stop(op)

    def bridge(self, other: "MediaSession") -> None:
        """The two hear each other from now on, and each other's keys; what is played comes before. Former bridges of theirs end."""
        if self.closed or other.closed or other is self:
            return
        self.unbridge()
        other.unbridge()
        self.peer, other.peer = other, self
        self._settle()
        other._settle()

    def unbridge(self) -> None:
        """They do no longer."""
        other, self.peer = self.peer, None
        if other is not None:
            other.peer = None
            other._settle()
            self._settle()

    # What is heard of it
    def record(
        self,
        op: int,
        path: Path,
        done: RecordDone,
        *,
        limit_s: float,
        silence_s: float = 0.0,
        beep_first: bool = False,
        channels: Literal[1, 2] = 1,
        track: Track = "both",
    ) -> None:
        """Records into a new file until it is stopped, silent for `silence_s` (0: never mind), `limit_s` long, or the session
        closed; then `done`, when the file is written. With a beep it begins after that. Of no effect if that `op` is
        recording; `failed`, soon, if the session is closed already."""
        if self.closed:
            self._host.post(lambda: done("failed", 0.0))
            return
        if op in self._recordings:
            return
        recording = Recording(
            path, self._host.worker, self._host.post, done, limit_s=limit_s, silence_s=silence_s, channels=channels, track=track
        )
        self._recordings[op] = recording
        if beep_first:
            self._beeping.add(op)
            self._urgent.play(_BEEP, (beep(),), lambda _: self._beeping.discard(op))
        self._settle()

    def stop_record(self, op: int) -> None:
        """Ends it; `done` follows with `stopped`."""
        self._end_record(op, "stopped")

    def privacy(self, on: bool) -> None:
        """While on, recordings hold silence on both sides: of this leg's, and of the leg's that hears it."""
        if self._private and not on:
            self._veil_left = _VEIL_SLOTS
        self._private = on

    def listen(
        self, op: int, done: ListenDone, *, start_s: float = 5.0, end_s: float | None = None, limit_s: float = LIMIT_S
    ) -> None:
        """Collects what is said next and tells it as linear sound, empty if nothing was within `start_s`. `end_s`: the silence that
        ends it (None: 0.8 s). `limit_s`: as much is enough."""
        if not self.closed:
            self.stop_listening(op)

            def heard(said: bytes) -> None:
                del self._listening[op]
                done(said)

            self._listening[op] = Utterance(Listening(start_s, end_s, limit_s), heard, self._tell)
            self._add(self._listening[op])

    def stop_listening(self, op: int) -> None:
        """Nothing more is told of that `op`."""
        utterance = self._listening.pop(op, None)
        if utterance is not None:
            utterance.stopped = True
            self._drop(utterance)

    def detect(self, detection: Detection, done: Callable[[str], None]) -> None:
        """Finds out whether a person or a machine answered: one of `machine.MachineDetector`'s words."""
        if not self.closed:
            self.stop_detecting()
            self._detecting = Detecting(detection, done, self._tell)
            self._add(self._detecting)

    def stop_detecting(self) -> None:
        """Nothing is told."""
        if self._detecting is not None:
            self._detecting.stopped = True
            self._drop(self._detecting)
            self._detecting = None

    def tap(self, op: int, heard: Callable[[bytes], None]) -> None:
        """Gives each frame that is heard to `heard`, as linear sound, in the slot: it must be quick, and steer nothing."""
        if not self.closed:
            self.untap(op)
            self._taps[op] = Tap(heard)
            self._add(self._taps[op])

    def untap(self, op: int) -> None:
        """No more."""
        if op in self._taps:
            self._drop(self._taps.pop(op))

    def close(self) -> None:
        """Lets go of the port. Recordings end with `hangup`, and tell so; nothing else is told any more. Twice is once."""
        if self.closed:
            return
        self.unbridge()
        for op in list(self._recordings):
            self._end_record(op, "hangup")
        self._player.stop_all()
        self._urgent.stop_all()
        for listening in self._listening.values():
            listening.stopped = True
        self.stop_detecting()
        self.closed = True
        self._ears.clear()
        self._sock.close()
        self._host.left(self)

    def fail(self) -> None:
        """A fault of ours: it is closed, and told to be dead."""
        self.close()
        self._host.tell(self._on_dead)

    # The slot
    def hear(self) -> None:
        """Its first half."""
        stream = self._stream
        for key in stream.read():
            self._pressed(key, in_sound=False)
        if self._veil_left and not self._private:
            self._veil_left -= 1
        self.veiled = self._private or self._veil_left > 0
        self.said = frame = stream.take()
        if self._ears:
            law = stream.law
            over = [ear for ear in self._ears if not ear.hear(frame, law)]
            if over:
                self._ears = [ear for ear in self._ears if ear not in over]
                self._settle()
        if self._watched and not self._dead_told and stream.silent_s() >= self._host.dead_s:
            self._dead_told = True
            self._tell(self._on_dead)

    def speak(self, slots: int) -> None:
        """Its second half."""
        stream = self._stream
        law = stream.law
        frame = self._next()
        if isinstance(frame, Pressed) and stream.sends and stream.event_type is not None:
            stream.send_event(frame)
            heard = None
        else:
            heard = key_frame(frame, law) if isinstance(frame, Pressed) else frame
            if not stream.sends:
                heard = None
                stream.pause()
            elif heard is not None or self._host.comfort:
                stream.send_sound(heard or law.silence)
            else:
                stream.pause()
        stream.advance(slots)
        if self._recordings:
            for _ in range(min(slots, _LONGEST_STALL) - 1):
                self._record(None, None)
            self._record(self.said, heard)

    def _next(self) -> bytes | Pressed | None:
        """What the leg is to hear in this slot."""
        law, peer, frame = self._stream.law, self.peer, None
        if self._urgent.busy:
            frame = self._urgent.take(law)
        if frame is None and self._player.busy:
            frame = self._player.take(law)
        if frame is None and peer is not None and peer.said is not None:
            return transcode(peer.said, peer._stream.law, law)
        return frame

    def _record(self, said: bytes | None, heard: bytes | None) -> None:
        if self.veiled or (self.peer is not None and self.peer.veiled):
            said = heard = None
        for op, recording in list(self._recordings.items()):
            if op not in self._beeping and not recording.slot(said, heard, self._stream.law):
                del self._recordings[op]
                self._settle()

    def _end_record(self, op: int, why: RecordEnd) -> None:
        recording = self._recordings.pop(op, None)
        if recording is not None:
            self._beeping.discard(op)
            recording.end(why)
            self._settle()

    def _pressed(self, key: str, in_sound: bool) -> None:
        self._tell(partial(self._on_key, key))
        # Keys in the sound reach the other leg with the sound.
        if self.peer is not None and not in_sound:
            self.peer._urgent.play(_KEYS, (Dialled(key),), lambda _: None)

    def _tell(self, told: Callable[[], None]) -> None:
        self._host.tell(lambda: None if self.closed else told())

    def _add(self, ear: Ear) -> None:
        self._ears.append(ear)
        self._settle()

    def _drop(self, ear: Ear) -> None:
        if ear in self._ears:
            self._ears.remove(ear)
            self._settle()

    def _settle(self) -> None:
        """Who wants to hear this leg has changed."""
        hears = bool(self._ears or self._recordings or self.peer is not None)
        if hears != self._stream.hears:
            self._stream.hears = hears
            self._stream.jitter.reset()
