"""One leg of the embedded switch: its dialogue, its media, and what it was told to do.

Its media are opened when they are first needed: a call that is refused takes no port. An incoming leg is answered, or has early
media (183), as soon as it is played something; a dialled one has its port from the beginning, since that is what it offers.
"""

import logging
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from ringback.calls.live import (
    Answered,
    Detection,
    Heard,
    Key,
    Listen,
    Play,
    PlayEnded,
    Rang,
    Record,
    RecordEnd,
    RecordEnded,
)
from ringback.switch.embedded import sdp
from ringback.switch.embedded.endings import DEAD, NO_MEDIA, NOT_ACCEPTABLE, ending_of
from ringback.switch.embedded.media import MediaSession, NoPort
from ringback.switch.embedded.signalling import Accepted, Ended, Invited, Offered, Ringing, Signal
from ringback.switch.embedded.world import World
from ringback.switch.port import Handle
from ringback.switch.simulated.endings import ENDINGS, Ending
from ringback.switch.speech.port import Understood

log = logging.getLogger("ringback.switch")

_RINGS: Final = frozenset({180, 183})
_MEDIA_LOST: Final = 102
_NOT_ACCEPTABLE: Final = 65


class Leg:
    """See the module."""

    def __init__(self, world: World, id: str, *, incoming: bool, far: str, over: Callable[["Leg"], None], peer: str = "") -> None:
        """`far`: the address that its signalling comes from or goes to, empty if that is not known. `over` is called once, when it
        is gone. `peer`: the trunk or the phone that it came by."""
        self.id: Final = id
        self.peer: Final = peer
        self.incoming: Final = incoming
        self.answered = False
        """Was it told?"""
        self.up = False
        """Is it answered on the wire?"""
        self.collects: set[int] = set()
        self._world = world
        self._far = far
        self._over = over
        self._gone = False
        self._media: MediaSession | None = None
        self._local: sdp.Local | None = None
        self._offer = b""
        """Theirs, as long as we have not answered it."""
        self._last = b""
        """Our description."""
        self._agreed: sdp.Session | None = None
        self._private = False
        self._early = False
        self._rang = False
        self._timer: Handle | None = None
        self._detection: Detection | None = None
        self._making: dict[int, list[Handle]] = {}
        self._hearing: dict[int, Handle] = {}

    # Beginning
    def invited(self, invited: Invited) -> bool:
        """Somebody calls. False: with an offer that we cannot take up; it was refused, and nothing of it is to be told."""
        if invited.sdp:
            try:
                sdp.answer(invited.sdp, sdp.Local(address="127.0.0.1", port=9, session=0, codecs=self._world.settings.codecs))
            except sdp.SdpError as error:
                log.info("switch.offer_refused leg=%s from=%s: %s", self.id, invited.source[0], error)
                self._world.signalling.refuse(self.id, error.status)
                return False
        self._offer = invited.sdp
        self._world.signalling.ring(self.id)
        return True

    def dialled(self, timeout_s: float, detection: Detection | None) -> bytes | None:
        """Our offer to somebody who is called. None: there is no port, and the leg has ended."""
        if self._opened() is None:
            return None
        assert self._local is not None
        self._detection = detection
        self._timer = self._world.clock.call_later(timeout_s, self._nobody_answered)
        self._last = sdp.offer(self._local)
        return self._last

    # Orders
    def answer(self) -> None:
        """Of an incoming leg, once."""
        if not self.incoming or self.up or self._opened() is None:
            return
        assert self._local is not None
        self.up = True
        if not self._offer:
            self._last = sdp.offer(self._local)
        self._world.signalling.accept(self.id, self._last)
        self._connect()
        self._tell_answered("")

    def reject(self, busy: bool) -> None:
        """Of an incoming leg that is not answered."""
        if self.incoming and not self.up:
            ending = ENDINGS["we are busy" if busy else "we reject"]
            self._world.signalling.refuse(self.id, ending.sip_status)
            self._end(ending)

    def hang_up(self) -> None:
        """From our side."""
        self._world.signalling.hang_up(self.id)
        self._end(ENDINGS["we left" if self.up else "we let it ring" if self.incoming else "we gave up"])

    def play(self, order: Play) -> None:
        """After what is played already."""
        media = self._opened()
        if media is None:
            return
        if self.incoming and not self.up and not self._early and self._offer:
            self._early = True
            self._world.signalling.ring(self.id, self._last)
        sources, making = self._world.repertoire.sources(order.items, self._world.account_of(self.id))
        self._making[order.op] = making
        media.play(order.op, sources, partial(self._played, order.op))

    def stop_play(self, op: int) -> None:
        """The next that waits begins."""
        if self._media is not None:
            self._media.stop(op)
        self._stop_making(op)

    def listen(self, order: Listen) -> None:
        """Hears the next thing that is said."""
        self.stop_listening(order.op)
        media = self._opened()
        if media is None:
            return
        if self._world.recogniser is None:
            self._world.note_deaf()
            wait = self._world.clock.call_later(order.start_s, partial(self._understood, order.op, Understood()))
            self._hearing[order.op] = wait
        else:
            media.listen(order.op, partial(self._said, order), start_s=order.start_s, end_s=order.end_s)

    def stop_listening(self, op: int) -> None:
        """Nothing is told."""
        if self._media is not None:
            self._media.stop_listening(op)
        hearing = self._hearing.pop(op, None)
        if hearing is not None:
            hearing.cancel()

    def record(self, order: Record) -> None:
        """Into a file of its own."""
        media = self._opened()
        if media is None:
            self._world.row.tell(RecordEnded(self.id, order.op, "failed", channels=order.channels))
            return
        path = self._world.recording_path()
        media.record(
            order.op,
            path,
            lambda why, seconds: self._recorded(order, str(path), why, seconds),
            limit_s=order.limit_s,
            silence_s=order.silence_s,
            beep_first=order.beep,
            channels=order.channels,
            track=order.track,
        )

    def stop_record(self, op: int) -> None:
        """Its end is told."""
        if self._media is not None:
            self._media.stop_record(op)

    def set_privacy(self, on: bool) -> None:
        """What is recorded is silent from now on, or no longer."""
        self._private = on
        if self._media is not None:
            self._media.privacy(on)

    def bridge(self, other: "Leg") -> None:
        """Both must be answered: else nothing happens."""
        if self is other or not (self.answered and other.answered) or self._media is None or other._media is None:
            log.info("switch.not_bridged leg=%s other=%s: both must be answered", self.id, other.id)
            return
        self._media.bridge(other._media)

    # What SIP tells
    def signalled(self, signal: Signal) -> None:
        """Something happened to it."""
        match signal:
            case Ringing():
                self._rings(signal)
            case Accepted():
                self._accepted(signal)
            case Offered():
                self._offered(signal)
            case Ended():
                self._end(ending_of(signal, incoming=self.incoming, up=self.up))
            case Invited():
                log.error("switch.invited_twice leg=%s", self.id)

    def _rings(self, signal: Ringing) -> None:
        if signal.sdp:
            self._take_up(signal.sdp)
        if signal.status in _RINGS and not self._rang and not self._gone:
            self._rang = True
            self._world.row.tell(Rang(self.id))

    def _accepted(self, signal: Accepted) -> None:
        """A callee answers; or the answer to an offer of ours came with an ACK."""
        first, self.up = not self.up, True
        if not self._take_up(signal.sdp):
            self.up = not first
            self._world.signalling.hang_up(self.id, _NOT_ACCEPTABLE)
            self._end(NOT_ACCEPTABLE if first else DEAD)
            return
        if not first:
            return
        self._stop_timer()
        if self._detection is None or self._media is None:
            self._tell_answered("")
        else:
            self._media.detect(self._detection, self._tell_answered)

    def _take_up(self, answer: bytes) -> bool:
        """Their answer to our offer. False: nothing can be made of it."""
        assert self._local is not None
        try:
            self._agreed = sdp.accept(answer, self._local)
        except sdp.SdpError as error:
            log.warning("switch.answer_not_understood leg=%s: %s", self.id, error)
            return False
        return self._connect()

    def _offered(self, signal: Offered) -> None:
        """They want another session: hold, another address. Or they want to know what we would offer."""
        if self._opened() is None:
            return
        assert self._local is not None
        if not signal.sdp:
            self._last = sdp.offer(self._local, self._last)
            self._world.signalling.answer_offer(self.id, self._last)
            return
        try:
            answer, agreed = sdp.answer(signal.sdp, self._local, self._last)
        except sdp.SdpError as error:
            log.info("switch.offer_refused leg=%s: %s", self.id, error)
            self._world.signalling.answer_offer(self.id, b"")
            return
        before, self._agreed = self._agreed, agreed
        if self._connect():
            self._last = answer
            self._world.signalling.answer_offer(self.id, answer)
        else:
            self._agreed = before
            self._world.signalling.answer_offer(self.id, b"")

    def _nobody_answered(self) -> None:
        if not self.up:
            self._world.signalling.hang_up(self.id)
            self._end(ENDINGS["nobody answered"])

    # Media
    def _opened(self) -> MediaSession | None:
        """Its media, from when they are first needed on. None: there is no room, and the leg has ended."""
        if self._media is not None or self._gone:
            return self._media
        world = self._world
        try:
            media = world.media.session(self._pressed, self._dead)
        except (NoPort, OSError) as error:
            log.error("switch.no_media leg=%s: %s", self.id, error)
            if self.incoming and not self.up:
                world.signalling.refuse(self.id, NO_MEDIA.sip_status)
            self._end(NO_MEDIA)
            return None
        self._media = media
        self._local = sdp.Local(
            address=world.address_for(self._far),
            port=media.local[1],
            session=random.getrandbits(31),
            codecs=world.settings.codecs,
        )
        media.privacy(self._private)
        if self._offer:
            self._last, self._agreed = sdp.answer(self._offer, self._local)
            self._connect()
        return media

    def _connect(self) -> bool:
        """As it was agreed. False: the far end named an address that cannot be one."""
        agreed = self._agreed
        if self._media is None or agreed is None:
            return agreed is None
        also = (self._far,) if self._far else ()
        try:
            self._media.connect(agreed.remote, agreed.codec, agreed.dtmf_pt, agreed.direction, also=also, watched=self.up)
        except ValueError as error:
            log.warning("switch.no_such_address leg=%s: %s", self.id, error)
            return False
        return True

    def _pressed(self, key: str) -> None:
        if self.collects:
            self._world.row.tell(Key(self.id, key))

    def _dead(self) -> None:
        log.warning("switch.media_lost leg=%s", self.id)
        self._world.signalling.hang_up(self.id, _MEDIA_LOST)
        self._end(DEAD if self.up else NO_MEDIA)

    def _played(self, op: int, error: str) -> None:
        self._making.pop(op, None)
        if error:
            log.warning("switch.not_played leg=%s: %s", self.id, error)
        self._world.row.tell(PlayEnded(self.id, op, error))

    def _stop_making(self, op: int) -> None:
        for handle in self._making.pop(op, ()):
            handle.cancel()

    def _said(self, order: Listen, pcm: bytes) -> None:
        recogniser = self._world.recogniser
        if not pcm or recogniser is None:
            self._understood(order.op, Understood())
            return
        done = partial(self._understood, order.op)
        self._hearing[order.op] = recogniser.recognise(pcm, order.language, order.profanity_filter, done)

    def _understood(self, op: int, understood: Understood) -> None:
        self._hearing.pop(op, None)
        if understood.error:
            log.warning("switch.not_understood leg=%s: %s", self.id, understood.error)
        self._world.row.tell(Heard(self.id, op, understood.text, understood.confidence))

    def _recorded(self, order: Record, file: str, why: RecordEnd, seconds: float) -> None:
        if why == "failed":
            log.error("switch.recording_failed leg=%s", self.id)
            Path(file).unlink(missing_ok=True)
            file, seconds = "", 0.0
        self._world.row.tell(RecordEnded(self.id, order.op, why, file, "", int(seconds), order.channels))

    # The end
    def _tell_answered(self, found: str) -> None:
        self.answered = True
        self._world.row.tell(Answered(self.id, found))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self, ending: Ending) -> None:
        """It is over, once; what was recorded of it ends after it."""
        if self._gone:
            return
        self._gone = True
        self._stop_timer()
        for op in list(self._making):
            self._stop_making(op)
        for hearing in self._hearing.values():
            hearing.cancel()
        self._hearing.clear()
        self._over(self)
        self._world.row.tell(ending.of(self.id))
        if self._media is not None:
            self._media.close()
