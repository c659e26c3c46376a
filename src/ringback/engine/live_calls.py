"""The live calls of a server: which there are, whose they are, how they begin, how they are steered from outside, and how they end.

switch ──happening──▶ LiveCalls ──▶ Conversation ──▶ its CallWorld ──▶ switch · spool (ledger) · asker · payments · callbacks

A call that comes in belongs to whoever registered its number, else to the operator's default account; without either it is refused
and listed as a stray. A number without a voice URL refuses its calls (603, told as `no-answer`), an account that has as many calls
as it may have is busy (486); the call's record says why. A stop waits for calls to end, then hangs up.
"""

import asyncio
import logging
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from msgspec.structs import replace

from ringback.calls.geography import geo_for
from ringback.calls.live import Dial, Happening, HungUp, Incoming, Order, Reject
from ringback.calls.model import Call
from ringback.calls.watchdog import expired
from ringback.engine.call_limits import CallLimits
from ringback.engine.live_spool import AT_ONCE
from ringback.engine.live_world import CallWorld
from ringback.engine.placing import Placing, StatusCallback, callback_data, extension_named, kept_callback, whole_call
from ringback.engine.switches import make_switch, sip_settings
from ringback.errors import CallerError, Conflict, InvalidInput, NotFound, OurError, StoreUnavailable, TooMany
from ringback.ids import time_of
from ringback.intake.turn import Answer
from ringback.live import reports
from ringback.live.asking import Asker
from ringback.live.conversation import Conversation, Outgoing
from ringback.live.payments import Payments, read_connectors
from ringback.settings import EMBEDDED, SIMULATED
from ringback.switch.clock import LoopClock
from ringback.switch.port import Switch
from ringback.switch.simulated.script import Script
from ringback.switch.simulated.switch import SimulatedSwitch
from ringback.voxml.document import Document, Redirect
from ringback.voxml.model import NewDocument
from ringback.voxml.parse import parse
from ringback.voxml.state import CallFacts, Start

if TYPE_CHECKING:
    from ringback.engine.server import Engine

log = logging.getLogger("ringback.live")

SWITCHES: Final = (SIMULATED, EMBEDDED)
"""The sources of calls that we command: those that were open when the process ended are lost with it."""
NO_SWITCH: Final = "no switch is configured: start with --switch embedded or --switch simulated"
WATCH_S: Final = 15.0
LOST_S: Final = 30.0
"""A call that the switch was told to hang up, and of which nothing was heard for so long, is lost."""
HANG_UP_S: Final = 3.0
"""How long a stop waits for the ends of calls that it hung up."""


class LiveCalls:
    """See the module. Lives on the engine's loop."""

    def __init__(self, engine: "Engine") -> None:
        """Raises BadSettings."""
        self.engine = engine
        self.clock = LoopClock(engine.loop)
        self.limits = CallLimits(engine)
        self.spool = engine.spool
        self.asker = Asker(loop=engine.loop, sender=engine.sender, parse=parse, log=engine.asked)
        self.payments = Payments(
            engine.sender, read_connectors(engine.settings.payment_connectors, engine.sender_settings), engine.loop
        )
        self._files: Path = engine.settings.data / "switch"
        self._made = make_switch(engine, self.clock, self._files, lambda leg: self._legs[leg].account if leg in self._legs else "")
        self._simulated = self._made.simulated
        self._switch: Switch | None = self._made.switch
        self.source: str = SIMULATED if self._switch is None else self._switch.name
        self._worlds: dict[str, CallWorld] = {}
        """By root."""
        self._legs: dict[str, CallWorld] = {}
        """By every leg, those that have ended included, as long as the call is not over."""
        self._up: set[str] = set()
        self._admitted: dict[str, str] = {}
        """The second leg of a click-to-dial, which is let in with the first; by the root."""
        self._phones = sip_settings(engine.settings).phones if engine.settings.switch == EMBEDDED else ()
        self._expected: dict[str, str] = {}
        """Whose a call is that is about to come in, where that is known before."""
        self._begun = self._stopping = False
        self._watching: asyncio.Task[None] | None = None

    # Life
    async def start(self) -> None:
        """Ends what an earlier process left open, then lets calls in. Raises StoreUnavailable: nothing has begun yet."""
        await self._end_lost()
        if self._switch is None:
            return
        await self.engine.in_thread(self._prepare)
        self._switch.listen(self.happened)
        await self._switch.start()
        self._watching = asyncio.create_task(self._watch(), name="live calls")
        self._begun = True

    async def stop(self, wait_s: float) -> None:
        """No new calls; those that there are may go on for so long, and are hung up then."""
        self._stopping = True
        if self._watching is not None:
            self._watching.cancel()
        await self._until(self._is_quiet, wait_s)
        for world in list(self._worlds.values()):
            world.conversation.hang_up()
        await self._until(self._is_quiet, HANG_UP_S)
        for world in list(self._worlds.values()):
            world.conversation.lose()
        if self._switch is not None:
            await self._switch.stop()
        await self.spool.settle(HANG_UP_S)
        await self._until(lambda: not self.engine.callbacks.following, HANG_UP_S)

    def _is_quiet(self) -> bool:
        return not self._worlds

    async def _until(self, condition: Callable[[], bool], wait_s: float) -> None:
        ends_at = self.engine.loop.time() + wait_s
        while not condition() and self.engine.loop.time() < ends_at:  # noqa: ASYNC110 - once, at the end
            await asyncio.sleep(0.02)

    def _prepare(self) -> None:
        """What would hold up the first call, and files that nobody will come for. Blocks."""
        shutil.rmtree(self._files, ignore_errors=True)
        geo_for(None, "+12025550123")

    async def _end_lost(self) -> None:
        """Calls that were live when the process ended get an inferred end: there is no switch that still has them."""
        after = 0
        lost: list[Call] = []
        now = self.clock.now_ms()
        while calls := await self.engine.in_thread(lambda after=after: self.engine.store.open_calls(now, after, 1000)):  # type: ignore[misc]
            lost += [stored.call for stored in calls if stored.call.source in SWITCHES]
            after = calls[-1].n
        # Legs before their roots: a conversation ends when its root does.
        lost.sort(key=lambda call: call.is_root)
        ends = [(call.account, expired(call, max(now, time_of(call.last_event)), 0)) for call in lost]
        items = [(account, update) for account, update in ends if update is not None]
        for at in range(0, len(items), AT_ONCE):
            batch = items[at : at + AT_ONCE]
            for (account, _), answer in zip(batch, await self.engine.accept(batch), strict=True):
                await self.tell_lost(account, answer)
        if items:
            log.warning("%d legs were live when the server ended: their ends are inferred", len(items))

    async def tell_lost(self, account: str, answer: Answer) -> None:
        """The end of an earlier process's call is told to the status callback that it was placed with. Raises StoreUnavailable."""
        stored = await self.engine.in_thread(lambda: self.engine.store.call(account, answer.call_id))
        if stored is None or not stored.call.is_root or stored.call.direction != "outbound" or not answer.event:
            return
        (first, *_) = await self.engine.in_thread(lambda: self.engine.store.events(stored.root_n))
        wanted = kept_callback(first.data, self.engine.book.endpoint)
        if wanted is not None:
            self.engine.callbacks.follow(account, answer.event, wanted.url, wanted.method, frozenset(wanted.events))

    # What the switch tells
    def happened(self, told: Happening) -> None:
        """Something of one of the legs. Never raises."""
        try:
            if isinstance(told, Incoming):
                self._come_in(told)
                return
            world = self._legs.get(told.leg)
            if world is None:
                return
            world.heard_ms = self.clock.now_ms()
            if isinstance(told, HungUp):
                self._is_down(told.leg, world.account)
            world.conversation.happened(told)
        except Exception:  # one call's fault must not be another's
            log.exception("%s of leg %s", type(told).__name__, told.leg)

    def _come_in(self, told: Incoming) -> None:
        if told.leg in self._legs:
            log.error("the switch tells of a second call %s", told.leg)
            return
        account = self._account_of(told)
        if account is None:
            self.engine.on_stray(reports.incoming(told, self.clock.now_ms(), self.source)[0])
            self.obey(Reject(told.leg))
            return
        if told.inside and self._made.account_of(told.leg) not in (None, account):
            told = replace(told, inside=False)  # another account's phone is outside
        world = self._add(account, told.leg)
        voice = self.engine.book.number(account, told.to).voice
        busy = self._why_busy(account)
        self._is_up(told.leg, account)
        if busy:
            world.conversation.turn_away(told, "busy", busy)
        elif voice is None:
            world.conversation.turn_away(told, "rejected", "the number has no voice URL: nobody is asked about its calls")
        else:
            facts = self._facts(account, told.leg, Start(voice.url, voice.method), told.from_, told.to)
            world.conversation.come_in(told, facts)

    def _account_of(self, told: Incoming) -> str | None:
        book = self.engine.book
        known = self._expected.pop(told.leg, None) or book.owner(told.to) or self._made.account_of(told.leg)
        account = known or self.engine.settings.default_account
        return account if account is not None and book.knows(account) else None

    def _why_busy(self, account: str) -> str:
        if self._stopping or self.spool.is_full:
            return "the server takes no calls now"
        try:
            self.limits.admit_incoming(account)
        except TooMany as refused:
            return str(refused)
        return ""

    def _facts(self, account: str, leg: str, first: Start | NewDocument, from_: str, to: str, **more: Any) -> CallFacts:
        today = datetime.now(UTC)
        flows = self.engine.book.accounts[account].flows
        return CallFacts(leg=leg, first=first, from_=from_, to=to, flows=flows, today=(today.year, today.month), **more)

    # What is told to the switch
    def obey(self, order: Order) -> None:
        """An order of a conversation."""
        if self._switch is not None:
            self._switch.obey(order)

    def begin(self, leg: str, world: CallWorld, to: str) -> None:
        """One of a conversation's legs is about to be dialled. Raises Forbidden, TooMany: the account may not."""
        # Its end, too, must find its way.
        self._legs[leg] = world
        if self._admitted.get(world.conversation.leg) == leg:
            return
        self.limits.admit(world.account, to)
        self._is_up(leg, world.account)

    def _is_up(self, leg: str, account: str) -> None:
        self._up.add(leg)
        self.limits.begun(account)

    def _is_down(self, leg: str, account: str) -> None:
        if leg in self._up:
            self._up.discard(leg)
            self.limits.ended(account)

    def _add(self, account: str, leg: str) -> CallWorld:
        world = self._worlds[leg] = self._legs[leg] = CallWorld(self, account, leg)
        return world

    def over(self, conversation: Conversation) -> None:
        """A conversation lets go."""
        world = self._worlds.pop(conversation.leg, None)
        if world is not None:
            self._drop(world)

    def _drop(self, world: CallWorld) -> None:
        root = world.conversation.leg
        for leg in {root, *world.conversation.legs, self._admitted.pop(root, root)}:
            if self._legs.get(leg) is world:
                del self._legs[leg]
                self._is_down(leg, world.account)

    # From outside
    async def place(self, account: str, wanted: Placing) -> Call:
        """Has somebody called; returns once the call is on disk, as it is then.

        Raises Conflict (no switch), Forbidden and TooMany (the account's limits), StoreUnavailable, OurError.
        """
        self._check_open()
        leg = str(uuid4())
        dial = Dial(leg, "", wanted.to, wanted.from_, wanted.timeout_s, wanted.detection)
        world = self._add(account, leg)
        world.status_callback = wanted.status_callback
        context = {**wanted.context, "vars": wanted.variables}
        try:
            self._admit(world, wanted)
            data = {**wanted.data, **await self._callback_data(account, wanted.status_callback)}
            accepted = reports.accepted(dial, self.clock.now_ms(), self.source, context, data)
            (answer,) = await self.engine.accept([(account, accepted)])
            if answer.error:
                raise OurError(answer.error)
        except (CallerError, OurError):
            del self._worlds[leg]
            self._drop(world)
            raise
        world.conversation.announce(accepted)
        if self._stopping:
            world.conversation.lose()
            raise StoreUnavailable("the server takes no calls now")
        if wanted.script is not None and self._simulated is not None:
            self._simulated.prepare(leg, wanted.script)
        facts = self._facts(account, leg, wanted.first, wanted.from_, wanted.to, answered=True, variables=wanted.variables)
        record, followers = whole_call(leg, wanted.record)
        who = wanted.caller
        caller = None if who is None else Dial(leg, "", who.extension, who.shown, who.timeout_s)
        world.conversation.go_out(Outgoing(dial=dial, caller=caller, facts=facts, record=record, followers=followers))
        return world.conversation.legs[leg]

    def _admit(self, world: CallWorld, wanted: Placing) -> None:
        """Counts what is to be begun. Of a click-to-dial the limits are the destination's, and it is let in at once: nobody is to
        pick up only to hear that there is no room for the other one. Raises Forbidden, TooMany."""
        account, leg = world.account, world.conversation.leg
        if wanted.caller is None:
            self.limits.admit(account, wanted.to)
            self._is_up(leg, account)
            return
        self._is_up(leg, account)
        self.limits.admit(account, wanted.to)
        second = f"{leg}-1"  # as the interpreter names the first leg that it dials
        self._admitted[leg] = second
        self._legs[second] = world
        self._is_up(second, account)

    def extension(self, account: str, name: str) -> str:
        """An extension of the account, as it is dialled. Raises Conflict (no switch), StoreUnavailable, InvalidInput (there is
        none)."""
        self._check_open()
        found = self.find_extension(account, name)
        if found is None:
            raise InvalidInput("no phone registers as that, and it is none of the account's numbers", "extension")
        return found

    def find_extension(self, account: str, name: str) -> str | None:
        """The same; None: there is none, and perhaps no switch either."""
        return extension_named(name, account, self._phones, self.engine.book.numbers(account))

    async def _callback_data(self, account: str, wanted: StatusCallback | None) -> dict[str, str]:
        """What the call's record says of its status callback, for a server that has to end the call after this one. Raises
        StoreUnavailable."""
        if wanted is None:
            return {}
        endpoint = await self.engine.hidden.find(account, wanted.url, wanted.method)
        return callback_data(endpoint.id, wanted)

    def simulate(self, account: str, from_: str, to: str, script: Script | None, caller_name: str = "") -> str:
        """Has a call come in to a number of the account, as a script says (None: the operator's); its id.

        Raises Conflict (no switch, or none that is simulated), NotFound (the number is another account's), InvalidInput (the script
        is none of a caller), StoreUnavailable.
        """
        self._check_open()
        switch = self.simulated()
        if self.engine.book.owner(to) not in (None, account):
            raise NotFound("no such number of this account")
        leg = str(uuid4())
        self._expected[leg] = account
        try:
            return switch.call_in(from_, to, switch.default_script if script is None else script, leg=leg, caller_name=caller_name)
        except InvalidInput:
            del self._expected[leg]
            raise

    def simulated(self) -> SimulatedSwitch:
        """The switch that scripts are for. Raises Conflict."""
        if self._simulated is None:
            raise Conflict(NO_SWITCH if self._switch is None else f"the switch is {self.source}, which follows no scripts")
        return self._simulated

    def _check_open(self) -> None:
        """Raises Conflict (no switch), StoreUnavailable."""
        if self._switch is None:
            raise Conflict(NO_SWITCH)
        if self._stopping or not self._begun or self.spool.is_full:
            raise StoreUnavailable("the server takes no calls now")

    def live(self, account: str, call_id: str) -> Call | None:
        """A leg of an account that is going on, as it is now; None: there is none."""
        world = self._legs.get(call_id)
        if world is None or world.account != account:
            return None
        call = world.conversation.legs.get(call_id)
        return None if call is None or call.is_final else call

    def roots(self, account: str) -> list[Call]:
        """The calls of an account that are going on, as they are now, the oldest first."""
        mine = (world for world in self._worlds.values() if world.account == account)
        calls = (world.conversation.legs.get(world.conversation.leg) for world in mine)
        return [call for call in calls if call is not None and not call.is_final]

    async def hang_up(self, account: str, call_id: str) -> Call:
        """Ends a leg; with a root, the call. Raises NotFound, Conflict (it is over), StoreUnavailable."""
        world, call = await self._live(account, call_id)
        world.conversation.hang_up(call_id)
        return call

    async def instruct(self, account: str, call_id: str, first: Start | NewDocument) -> Call:
        """Gives a call another document; what is going on is stopped. Raises NotFound, Conflict (it is over, not answered yet, or a
        leg that another call made), StoreUnavailable."""
        world, call = await self._live(account, call_id)
        if not call.is_root:
            raise Conflict(f"the leg belongs to the call {call.root}: that takes documents")
        if isinstance(first, Start):
            # Asked as a document would have it asked: with the call's cookies, its tries and its fallback.
            first = NewDocument("", Document((Redirect(url=first.url, method=first.method),)))
        if not world.conversation.instruct(first.url, first.document):
            raise Conflict("the call is not answered yet: its document is asked for when it is")
        return call

    async def _live(self, account: str, call_id: str) -> tuple[CallWorld, Call]:
        call = self.live(account, call_id)
        if call is not None:
            return self._legs[call_id], call
        stored = await self.engine.in_thread(lambda: self.engine.store.call(account, call_id))
        if stored is None:
            raise NotFound("no such call")
        raise Conflict("the call is over" if stored.call.is_final else "the call is not one that is steered from here")

    @property
    def count(self) -> int:
        """How many conversations there are."""
        return len(self._worlds)

    # What nobody tells
    async def _watch(self) -> None:
        """Looks after calls that the switch has forgotten, until it is cancelled."""
        while True:
            await asyncio.sleep(WATCH_S)
            self.look_after(self.clock.now_ms())

    def look_after(self, now_ms: int) -> None:
        """One round: a call of which nothing was heard for as long as its account allows is hung up; one that was hung up and does
        not end is lost."""
        for world in list(self._worlds.values()):
            limit_s = self.engine.book.accounts[world.account].call_limit_s
            if world.ending_ms and now_ms - max(world.ending_ms, world.heard_ms) > LOST_S * 1000:
                log.error("call %s: the switch does not tell its end", world.conversation.leg)
                world.conversation.lose()
            elif not world.ending_ms and now_ms - world.heard_ms > limit_s * 1000:
                log.warning("call %s: nothing was heard of it for %d s", world.conversation.leg, limit_s)
                world.conversation.hang_up()
