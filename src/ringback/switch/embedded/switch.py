"""The embedded switch: SIP and RTP in this process, behind the port that every switch stands behind. A server has it in a process
of its own (`switch.apart`)."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from ringback.calls.live import (
    Answer,
    Bridge,
    Collect,
    Dial,
    HangUp,
    Happening,
    Incoming,
    Listen,
    Order,
    Play,
    Privacy,
    Record,
    RecordEnded,
    Reject,
    StopCollect,
    StopListening,
    StopPlay,
    StopRecord,
)
from ringback.switch.embedded.endings import NO_ROUTE
from ringback.switch.embedded.leg import Leg, log
from ringback.switch.embedded.media import Media
from ringback.switch.embedded.media.slots import Lateness
from ringback.switch.embedded.repertoire import Library, Repertoire
from ringback.switch.embedded.routes import NoRoute, route
from ringback.switch.embedded.settings import EmbeddedSettings, check_embedded
from ringback.switch.embedded.signalling import Invited, Signal, Signalling
from ringback.switch.embedded.sip.signalling import SipSignalling
from ringback.switch.embedded.world import World
from ringback.switch.port import Clock
from ringback.switch.simulated.endings import ENDINGS
from ringback.switch.speech.port import Recogniser, Speaker

NAME: Final = "embedded"


class EmbeddedSwitch:
    """See the module. A `Switch`; lives on the loop, and its SIP in a thread of its own. It is started once."""

    def __init__(
        self,
        clock: Clock,
        settings: EmbeddedSettings,
        *,
        speaker: Speaker,
        library: Library,
        recordings: Path,
        recogniser: Recogniser | None = None,
        account_of: Callable[[str], str] = lambda _: "",
        signalling: Signalling | None = None,
    ) -> None:
        """`library`: sounds by URL. `recordings`: a folder for files; whoever is told of one takes it over. `recogniser` None:
        nobody is understood. `account_of`: whose a leg is; in that name sounds are fetched, trunks chosen and phones called.
        `signalling`: another than the settings', for tests. Raises BadSettings."""
        self.name = NAME
        self.settings: Final = check_embedded(settings)
        self.signalling: Final = signalling or SipSignalling(settings)
        self._world = World(
            clock=clock,
            settings=settings,
            signalling=self.signalling,
            repertoire=Repertoire(speaker, library),
            recogniser=recogniser,
            recordings=recordings,
            account_of=account_of,
        )
        self._legs: dict[str, Leg] = {}
        self._started = False
        self._stopped = False

    # The port
    def listen(self, told: Callable[[Happening], None]) -> None:
        """Who is told what happens."""
        self._world.row.listen(told)

    def obey(self, order: Order) -> None:
        """Takes an order; what comes of it is told soon after. An order for a leg that is gone does nothing, but a recording's end
        is told always."""
        with self._world.row.held():
            leg = self._legs.get(order.leg)
            if isinstance(order, Dial):
                if leg is None:
                    self._dial(order)
            elif leg is not None:
                _OBEY[type(order)](self, leg, order)
            elif isinstance(order, Record):
                self._world.row.tell(RecordEnded(order.leg, order.op, "failed", channels=order.channels))

    async def start(self) -> None:
        """Opens its ports: calls may come in from now on. Raises OurError."""
        settings = self.settings
        self._world.recordings.mkdir(parents=True, exist_ok=True)
        self._world.media = Media(
            settings.host, settings.rtp_ports, dead_s=settings.media_timeout_s, strangers=settings.media_from_strangers
        )
        await self.signalling.start(self._signalled)
        self._started = True

    async def stop(self) -> None:
        """Hangs up what is left, tells of it, waits for what was recorded, and lets go. Whatever is dialled afterwards fails."""
        if not self._started or self._stopped:
            self._stopped = True
            return
        self._stopped = True
        for leg in list(self._legs.values()):
            leg.hang_up()
        await self.signalling.stop()
        await self._world.media.close()
        self._world.row.flush()
        late = self.lateness
        log.info("switch.media slots=%d late=%d skipped=%d worst_ms=%.0f", late.slots, late.late, late.skipped, late.worst_ms)

    # What can be seen of it
    @property
    def address(self) -> tuple[str, int]:
        """Where SIP is listened for; the port is known when it was started."""
        sip = self.signalling
        return sip.address if isinstance(sip, SipSignalling) else (self.settings.host, self.settings.port)

    @property
    def registered(self) -> tuple[str, ...]:
        """The phones that have registered, by user."""
        return self.signalling.registered if isinstance(self.signalling, SipSignalling) else ()

    @property
    def legs(self) -> int:
        """How many legs there are."""
        return len(self._legs)

    def account_of(self, leg: str) -> str | None:
        """Whose a leg that came in is by the settings: its trunk's or its phone's account. None: they say nothing."""
        return self.settings.account_of(self._legs[leg].peer) if leg in self._legs else None

    @property
    def lateness(self) -> Lateness:
        """How punctual its media were."""
        return self._world.media.lateness

    # Inside
    def _signalled(self, signal: Signal) -> None:
        if isinstance(signal, Invited):
            self._invited(signal)
        elif signal.leg in self._legs:
            self._legs[signal.leg].signalled(signal)

    def _invited(self, invited: Invited) -> None:
        if self._stopped:
            self.signalling.refuse(invited.leg, 503)
            return
        leg = Leg(self._world, invited.leg, incoming=True, far=invited.source[0], over=self._remove, peer=invited.peer)
        if leg.invited(invited):
            self._legs[leg.id] = leg
            # By which trunk it came is the operator's business: `trunk` goes out in webhooks, and is the number's there.
            inside = self.settings.is_phone(invited.peer)
            self._world.row.tell(Incoming(leg.id, invited.from_, invited.to, invited.name, inside=inside))

    def _dial(self, order: Dial) -> None:
        world = self._world
        if self._stopped or not self._started:
            world.row.tell(ENDINGS["cannot dial"].of(order.leg))
            return
        try:
            way = route(order.to, world.account_of(order.leg), self.settings)
        except NoRoute as error:
            log.warning("switch.no_route leg=%s: %s", order.leg, error)
            world.row.tell(NO_ROUTE.of(order.leg))
            return
        leg = self._legs[order.leg] = Leg(world, order.leg, incoming=False, far=way.address, over=self._remove)
        offer = leg.dialled(order.timeout_s, order.detection)
        if offer is not None:
            self.signalling.invite(leg.id, way.to, order.caller_id, offer, way.peer)

    def _bridge(self, leg: Leg, order: Bridge) -> None:
        other = self._legs.get(order.other)
        if other is not None:
            leg.bridge(other)

    def _remove(self, leg: Leg) -> None:
        self._legs.pop(leg.id, None)


_OBEY: Final[Mapping[type, Callable[[EmbeddedSwitch, Leg, Any], None]]] = {
    Answer: lambda _, leg, order: leg.answer(),
    Reject: lambda _, leg, order: leg.reject(order.reason == "busy"),
    Play: lambda _, leg, order: leg.play(order),
    StopPlay: lambda _, leg, order: leg.stop_play(order.op),
    Collect: lambda _, leg, order: leg.collects.add(order.op),
    StopCollect: lambda _, leg, order: leg.collects.discard(order.op),
    Listen: lambda _, leg, order: leg.listen(order),
    StopListening: lambda _, leg, order: leg.stop_listening(order.op),
    Record: lambda _, leg, order: leg.record(order),
    StopRecord: lambda _, leg, order: leg.stop_record(order.op),
    Privacy: lambda _, leg, order: leg.set_privacy(order.on),
    Bridge: lambda switch, leg, order: switch._bridge(leg, order),
    HangUp: lambda _, leg, order: leg.hang_up(),
}
