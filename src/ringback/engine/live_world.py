"""What one conversation of a server lives in (`live.conversation.World`): the switch behind the limits, the ledger behind the
spool, the application behind the asker."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from ringback.calls.live import Dial, HangUp, HungUp, Order, RecordEnded
from ringback.calls.model import FINAL, Update
from ringback.dialects.contract import HttpRequest
from ringback.dialects.instructions import instruction_request
from ringback.engine.callbacks import recording_names
from ringback.engine.placing import StatusCallback
from ringback.errors import CallerError, OurError, StoreUnavailable
from ringback.intake.turn import Answer
from ringback.live import reports
from ringback.live.asking import PAY_STATUS, Asking, Question, Reply, name_of
from ringback.live.conversation import Conversation, View
from ringback.live.cookies import Jar
from ringback.live.fallback import fallback_of
from ringback.switch.port import Clock
from ringback.voxml import model
from ringback.voxml.document import Document
from ringback.webhooks.model import Method

if TYPE_CHECKING:
    from ringback.engine.live_calls import LiveCalls

log = logging.getLogger("ringback.live")

TRIES: Final = 5
"""So often a recording is offered to a store that cannot take it."""
PAUSE_S: Final = 1.0


class CallWorld:
    """See the module. Lives on the loop."""

    __slots__ = (
        "_asking",
        "_calls",
        "_jar",
        "account",
        "clock",
        "conversation",
        "ending_ms",
        "heard_ms",
        "source",
        "status_callback",
    )

    def __init__(self, calls: "LiveCalls", account: str, leg: str) -> None:
        """`leg`: the root's id."""
        engine = calls.engine
        self.account = account
        self.clock: Clock = calls.clock
        self.source = calls.source
        self.conversation = Conversation(self, account, leg, engine.book.accounts[account].country)
        self.status_callback: StatusCallback | None = None
        self.heard_ms = calls.clock.now_ms()
        """When something of the call was heard last."""
        self.ending_ms = 0
        """When the switch was told to hang it up; 0: it was not."""
        self._calls = calls
        self._jar = Jar()
        self._asking: dict[int, Asking] = {}

    # The switch
    def obey(self, order: Order) -> None:
        """Has the switch do it, if the account may."""
        if isinstance(order, Dial) and order.parent:
            try:
                self._calls.begin(order.leg, self, order.to)
            except CallerError as refused:
                self.clock.call_later(0, partial(self._refused, order.leg, str(refused)))
                return
        if isinstance(order, HangUp) and order.leg == self.conversation.leg and not self.ending_ms:
            self.ending_ms = self.clock.now_ms()
        self._calls.obey(order)

    def _refused(self, leg: str, why: str) -> None:
        self.conversation.happened(HungUp(leg, "failed", "us"), why)

    # The ledger
    def tell(self, update: Update) -> None:
        """An update for the ledger, in order; an end is told to the call's own callback too."""
        wanted = self.status_callback
        if wanted is not None and update.call.id == self.conversation.leg and update.type.removeprefix("call.") in FINAL:
            self._calls.spool.put(self.account, update, partial(self._tell_end, wanted))
        else:
            self._calls.spool.put(self.account, update)

    def _tell_end(self, wanted: StatusCallback, answer: Answer) -> None:
        self._calls.engine.callbacks.follow(self.account, answer.event, wanted.url, wanted.method, frozenset(wanted.events))

    def tell_of_recording(self, update: Update, followers: tuple[model.NotifyRecording, ...]) -> None:
        """The same, of a recording, and to those who follow it."""
        self._calls.spool.put(self.account, update, partial(self._tell_followers, followers) if followers else None)

    def _tell_followers(self, followers: tuple[model.NotifyRecording, ...], answer: Answer) -> None:
        for one in followers:
            wanted = recording_names(one.events)
            self._calls.engine.callbacks.follow(self.account, answer.event, one.url, one.method, wanted)

    # Recordings
    def keep(self, ended: RecordEnded, followers: tuple[model.NotifyRecording, ...], done: Callable[[RecordEnded], None]) -> None:
        """Takes a finished recording's file over; `done` is told where it can be fetched, or that it failed."""
        if ended.file:
            self._calls.engine.spawn(self._keep(ended, followers, done))
        else:
            self.tell_of_recording(reports.recording_ended(ended, self.clock.now_ms(), self.source), followers)
            self.clock.call_later(0, partial(done, ended))

    async def _keep(
        self, ended: RecordEnded, followers: tuple[model.NotifyRecording, ...], done: Callable[[RecordEnded], None]
    ) -> None:
        kept = replace(ended, why="failed", file="")
        try:
            kept = await self._taken_over(ended, followers)
        except (CallerError, OurError) as error:
            log.error("call %s: a recording is lost: %s", ended.leg, error)
            self.tell_of_recording(reports.recording_ended(kept, self.clock.now_ms(), self.source), followers)
        finally:
            done(kept)

    async def _taken_over(self, ended: RecordEnded, followers: tuple[model.NotifyRecording, ...]) -> RecordEnded:
        """Raises CallerError, OurError."""
        tries = 0
        while True:
            # The call must be in the store before a recording of it can be.
            await self._calls.spool.settled()
            tries += 1
            try:
                taken = await self._calls.engine.recordings.take_over(self.account, ended.leg, Path(ended.file), ended)
            except StoreUnavailable:
                if tries == TRIES:
                    raise
                await asyncio.sleep(PAUSE_S)
            else:
                self._tell_followers(followers, Answer(taken.event, ended.leg))
                return replace(ended, file="", url=taken.url)

    # The application
    def ask(self, view: View, ask: model.Ask, done: Callable[[str, Document], None]) -> None:
        """Asks the application."""
        inbound = view.root.direction == "inbound"
        voice = self._calls.engine.book.place_of(view.root).number.voice if inbound else None
        question = replace(
            self._question(view, name_of(ask.purpose, view.root.direction), ask.url, ask.method, ask.results),
            fallback=fallback_of(voice, ask.purpose),
        )
        self._asking[ask.op] = self._calls.asker.ask(question, partial(self._answered, ask.op, done))

    def _answered(self, op: int, done: Callable[[str, Document], None], reply: Reply) -> None:
        self._asking.pop(op, None)
        for line in reply.failures:
            log.warning("call %s of account %s: %s", self.conversation.leg, self.account, line)
        done(reply.url, reply.document)

    def notify(self, view: View, notify: model.Notify) -> None:
        """Tells the application of a payment's progress."""
        self._calls.asker.tell(self._question(view, PAY_STATUS, notify.url, notify.method, notify.parameters))

    def _question(self, view: View, name: str, url: str, method: Method, results: model.Pairs) -> Question:
        place = self._calls.engine.book.place_of(view.root)

        def make(url: str, method: Method, extra: model.Pairs) -> HttpRequest:
            return instruction_request(view.leg, view.root, place, url=url, method=method, results=results, extra=extra)

        return Question(account=self.account, leg=view.leg.id, name=name, url=url, method=method, make=make, jar=self._jar)

    def charge(self, view: View, charge: model.Charge, done: Callable[[model.Charged], None]) -> None:
        """Has a payment made."""
        self._calls.payments.charge(charge, account=self.account, call=view.leg.id, done=done)

    def over(self, conversation: Conversation) -> None:
        """Nothing more comes of it."""
        for asking in self._asking.values():
            asking.cancel()
        self._asking.clear()
        self._calls.over(conversation)
