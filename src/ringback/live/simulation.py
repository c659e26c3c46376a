"""A call without a carrier: scripts play the caller and whoever is called, time jumps to the next thing due, and everything else is
as on a server, with the same code: the interpreter, the conversation, the asker, the ledger, the dialects. No server and no store.

    setup ──▶ switch · conversation · application ──▶ transcript
                        └── update ──▶ ledger ──▶ event ──▶ subscribers
"""

import asyncio
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from ringback.calls.directory import Place, Voice, default_number
from ringback.calls.ledger import fold
from ringback.calls.live import Dial, Happening, Incoming, Order, RecordEnded
from ringback.calls.model import Call, Direction, Event, Update
from ringback.delivery.addresses import AllowedNetwork, read_allowed_network
from ringback.delivery.egress import SenderSettings
from ringback.delivery.sender import Sender
from ringback.dialects import voxtelesys
from ringback.dialects.contract import HttpRequest
from ringback.dialects.instructions import instruction_request
from ringback.dialects.trial import ACCOUNT, ORGANIZATION
from ringback.errors import InvalidInput
from ringback.ids import IdMaker, now_ms
from ringback.live import reports
from ringback.live.application import Application, Errand
from ringback.live.asking import PAY_STATUS, name_of
from ringback.live.conversation import Conversation, Outgoing, View
from ringback.live.fallback import Fallback, fallback_of
from ringback.live.folder import Documents, Folder, Sheet
from ringback.live.payments import Payments, read_connectors
from ringback.live.subscribers import Subscribers
from ringback.live.transcript import Ended, Entry, Paid, Transcript, Webhook
from ringback.live.watcher import Watcher
from ringback.switch.clock import VirtualClock
from ringback.switch.port import Clock
from ringback.switch.simulated.script import Script, parse_script
from ringback.switch.simulated.switch import SimulatedSwitch
from ringback.voxml import model
from ringback.voxml.document import Document
from ringback.voxml.payment import Payment
from ringback.voxml.state import CallFacts, Start
from ringback.webhooks.model import Delivery, Endpoint, Method

LOCAL: Final = tuple(
    map(read_allowed_network, ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
)
"""Where a developer's own application is: allowed beside all public addresses."""
RECORDINGS: Final = "https://recordings.example/{}-{}.wav"
"""Where recordings are said to be. There are none."""
_PAYMENT_S: Final = 1.0
_NOTHING: Final = Fallback()
_AT_A_TIME: Final = 256
"""Jumps of the clock before others on the loop have their turn."""


class Setup(Struct, frozen=True, kw_only=True):
    """What a simulated call is made of. `document`: an absolute http(s) URL, or a file's name. `script`: `switch.simulated.script`.
    `flows`: documents by flow id, each as `document` is. `dialects`: whose webhooks are in the transcript. `networks`: allowed
    beside public and local ones. `voice`: what is done when the application has no answer, as a number's settings say (its `url` is
    not asked; its `fallback_url` is written as `document` is). `payment`: what the built-in connector answers, whatever a Pay calls
    it; `connectors`: a file with real ones instead. `seed`: the same ids each time; `now_ms`: the moment, in Unix milliseconds, at
    which the call begins. `timeout_s`: real seconds for all of it. For a server, which trusts nobody: `text`, the first document
    itself, which `document` is then the name of; `egress`, what may be reached, in place of LOCAL and `networks`; `most_entries`,
    after which the call is given up."""

    document: str
    script: str = ""
    direction: Direction = "inbound"
    from_: str = "+14025550100"
    to: str = "+17015550123"
    caller_name: str = ""
    method: Method = "POST"
    voice: Voice | None = None
    variables: Mapping[str, str] = {}
    flows: Mapping[str, str] = {}
    dialects: tuple[str, ...] = ()
    networks: tuple[AllowedNetwork, ...] = ()
    payment: Literal["approve", "decline"] = "approve"
    connectors: Path | None = None
    seed: int | None = None
    now_ms: int | None = None
    timeout_s: float = 60.0
    text: str | None = None
    egress: SenderSettings | None = None
    most_entries: int | None = None


def run(setup: Setup, told: Callable[[Entry], None] | None = None) -> Transcript:
    """Simulates a call on a thread and a loop of its own, so that it may be called with a loop running or without. `told` gets each
    entry when it is whole, on that thread. Raises as `simulate`."""
    result: list[Transcript] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            result.append(asyncio.run(simulate(setup, told)))
        except BaseException as error:  # whatever it is, it is raised where it was waited for
            failure.append(error)

    thread = threading.Thread(target=work, name="ringback-simulation", daemon=True)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return result[0]


async def simulate(setup: Setup, told: Callable[[Entry], None] | None = None) -> Transcript:
    """Simulates a call to its end. `told` gets each entry when it is whole.

    Raises InvalidInput for a script, a file, a dialect or a flow that cannot be read, BadSettings for connectors that cannot.
    """
    return await _Simulation(setup, told).run()


class _Simulation:
    """The world that the conversation lives in."""

    source = "simulated"

    def __init__(self, setup: Setup, told: Callable[[Entry], None] | None) -> None:
        self._setup = setup
        self._script = parse_script(setup.script)
        rng = Random(setup.seed)
        self._time = VirtualClock(now_ms() if setup.now_ms is None else setup.now_ms)
        self.clock: Clock = self._time
        self._leg = f"sim-{rng.getrandbits(48):012x}"
        own = setup.to if setup.direction == "inbound" else setup.from_
        self._place = Place(organization_id=ORGANIZATION, account=ACCOUNT, number=default_number(ACCOUNT, own))
        self._watcher = Watcher(self.clock, self._leg, setup.direction, told)
        self._settings = setup.egress or SenderSettings(allow_http=True, allow_networks=(*LOCAL, *setup.networks))
        self._connectors = read_connectors(setup.connectors, self._settings)
        self._sender: Sender | None = None
        self._folder, self._first = _located(setup)
        self._voice = _settled(self._folder, setup)
        self._flows = {name: _located_in(self._folder, "flow", where) for name, where in setup.flows.items()}
        self._application = Application(self._watcher, self.clock, self._folder, self._the_sender)
        self._subscribers = Subscribers(setup.dialects, self._place, self.clock, rng, self._webhook)
        self._legs: dict[str, Call] = {}
        self._ids = IdMaker()
        self._webhooks: dict[str, int] = {}
        self._over = False
        self._ended_at_ms = 0
        self._switch = SimulatedSwitch(self.clock, name=self.source, note=self._watcher.noted)
        self._switch.listen(self._happened)
        self._conversation = Conversation(self, ACCOUNT, self._leg)

    async def run(self) -> Transcript:
        """To the end."""
        try:
            async with asyncio.timeout(self._setup.timeout_s):
                self._begin(self._script)
                await self._live()
        except TimeoutError:
            self._application.stop()
            self._problem(f"the call is not over after {self._setup.timeout_s:g} real seconds")
        finally:
            if self._sender is not None:
                await self._sender.close()
        self._end()
        return self._watcher.transcript

    def _begin(self, script: Script) -> None:
        setup = self._setup
        if setup.direction == "inbound":
            self._switch.call_in(setup.from_, setup.to, script, leg=self._leg, caller_name=setup.caller_name)
            return
        self._switch.prepare(self._leg, script)
        self._watcher.began(setup.from_, setup.to)
        dial = Dial(self._leg, "", setup.to, setup.from_)
        self._conversation.go_out(Outgoing(dial=dial, facts=self._facts(answered=True)))

    async def _live(self) -> None:
        """Time stands still while the application is at work, and jumps otherwise."""
        jumps, most = 0, self._setup.most_entries
        while not self._over or self._application.busy or self._subscribers.waiting:
            if self._application.busy:
                await self._application.until_quiet()
            elif not self._time.advance():
                self._problem("nothing more happens, and the call is not over")
                return
            if most is not None and len(self._watcher.transcript) > most:
                self._application.stop()
                self._problem(f"more than {most} things happen on this call: it is given up")
                return
            jumps += 1
            if jumps % _AT_A_TIME == 0:
                await asyncio.sleep(0)

    def _end(self) -> None:
        root = self._legs.get(self._leg)
        self._watcher.flush()
        transcript = self._watcher.transcript
        self._watcher.add(
            Ended(
                at_ms=self._ended_at_ms or self._watcher.at_ms,
                status="" if root is None or root.status is None else root.status,
                ended_by="" if root is None else root.ended_by or "",
                duration_s=0 if root is None else root.duration_s,
                answered_s=0 if root is None else root.answered_duration_s,
                requests=self._application.requests,
                documents=self._application.documents,
                webhooks=self._webhooks,
                variables=dict(self._watcher.variables),
                errors=len(transcript.errors),
            )
        )

    def _facts(self, *, answered: bool) -> CallFacts:
        setup = self._setup
        today = datetime.fromtimestamp(self.clock.now_ms() // 1000, UTC)
        return CallFacts(
            leg=self._leg,
            first=Start(self._first, setup.method),
            from_=setup.from_,
            to=setup.to,
            answered=answered,
            flows=self._flows,
            today=(today.year, today.month),
            variables=dict(setup.variables),
        )

    def _happened(self, told: Happening) -> None:
        self._watcher.happened(told)
        if isinstance(told, RecordEnded) and told.why == "failed":
            self._watcher.recorded(told)
        if isinstance(told, Incoming):
            self._conversation.come_in(told, self._facts(answered=False))
        else:
            self._conversation.happened(told)

    # The conversation's world
    def obey(self, order: Order) -> None:
        """The switch does it."""
        self._watcher.ordered(order)
        self._switch.obey(order)

    def tell(self, update: Update) -> None:
        """The ledger's event goes to whoever subscribes."""
        self._watcher.updated(update)
        self._subscribers.tell(self._fold(update))

    def tell_of_recording(self, update: Update, followers: tuple[model.NotifyRecording, ...]) -> None:
        """The same, and to those who follow the recording."""
        status = update.data["status"]
        if status == "in-progress":
            self._watcher.recording(update.call.id)
        event = self._fold(update)
        self._subscribers.tell(event)
        for follower in followers:
            if status in follower.events:
                name = f"recording.{status}"
                self._errand(follower.leg, name, follower.url, follower.method, partial(self._recording_webhook, event, name))

    def keep(self, ended: RecordEnded, followers: tuple[model.NotifyRecording, ...], done: Callable[[RecordEnded], None]) -> None:
        """There is no file, and a URL all the same."""
        kept = replace(ended, url=RECORDINGS.format(ended.leg, ended.op))
        self._watcher.recorded(kept)
        self.tell_of_recording(reports.recording_ended(kept, self.clock.now_ms(), self.source), followers)
        self.clock.call_later(0, partial(done, kept))

    def ask(self, view: View, ask: model.Ask, done: Callable[[str, Document], None]) -> None:
        """The application, when its turn has come."""
        self._watcher.know(view.variables)
        name = name_of(ask.purpose, self._setup.direction)
        make = partial(self._instruction_request, view, ask.results)
        self._errand(ask.leg, name, ask.url, ask.method, make, fallback_of(self._voice, ask.purpose), done)

    def notify(self, view: View, notify: model.Notify) -> None:
        """The application, when its turn has come."""
        make = partial(self._instruction_request, view, notify.parameters)
        self._errand(notify.leg, PAY_STATUS, notify.url, notify.method, make)

    def charge(self, view: View, charge: model.Charge, done: Callable[[model.Charged], None]) -> None:
        """The built-in connector, or a real one."""
        paid = partial(self._paid, charge, done)
        if self._setup.connectors is not None:
            self._application.do(partial(self._charge, view, charge, paid))
        elif self._setup.payment == "approve":
            token, confirmation = "tok_simulated", "simulated" if charge.payment.terms.is_charge else ""
            self.clock.call_later(_PAYMENT_S, partial(paid, model.Charged(charge.op, token=token, confirmation=confirmation)))
        else:
            self.clock.call_later(_PAYMENT_S, partial(paid, model.Charged(charge.op, error="declined", code="simulated")))

    def over(self, conversation: Conversation) -> None:
        """Nothing more comes of it, beside webhooks that wait for something."""
        del conversation
        self._over = True
        self._ended_at_ms = self._watcher.at_ms

    # Inside
    def _fold(self, update: Update) -> Event:
        leg = self._legs.get(update.call.id)
        parent = update.call.parent if leg is None else leg.parent
        folded = fold(ACCOUNT, leg, self._legs.get(parent or ""), update, self._new_id)
        self._legs[folded.root.id] = folded.root
        self._legs[folded.leg.id] = folded.leg
        return folded.events[0]

    def _new_id(self) -> int:
        return self._ids.next(self.clock.now_ms())

    def _webhook(self, dialect: str, name: str, request: HttpRequest) -> None:
        self._webhooks[dialect] = self._webhooks.get(dialect, 0) + 1
        self._watcher.add(
            Webhook(
                at_ms=self._watcher.at_ms,
                dialect=dialect,
                name=name,
                method=request.method,
                url=request.url,
                headers=request.headers,
                body=request.body.decode("utf-8", "replace"),
            )
        )

    def _errand(
        self,
        leg: str,
        name: str,
        url: str,
        method: Method,
        make: Callable[..., HttpRequest],
        fallback: Fallback = _NOTHING,
        done: Callable[[str, Document], None] | None = None,
    ) -> None:
        self._application.run(
            Errand(account=ACCOUNT, leg=leg, name=name, url=url, method=method, make=make, fallback=fallback, done=done)
        )

    def _instruction_request(self, view: View, results: model.Pairs, url: str, method: Method, extra: model.Pairs) -> HttpRequest:
        return instruction_request(view.leg, view.root, self._place, url=url, method=method, results=results, extra=extra)

    def _recording_webhook(self, event: Event, name: str, url: str, method: Method, extra: model.Pairs) -> HttpRequest:
        del extra
        endpoint = Endpoint(id=1, account=ACCOUNT, url=url, dialect="voxtelesys", method=method)
        delivery = Delivery(id=event.id, endpoint=1, event=event.id, root=1, name=name)
        return voxtelesys.DIALECT.render(event, endpoint, delivery, self._place, self.clock.now_ms())

    def _charge(self, view: View, charge: model.Charge, paid: Callable[[model.Charged], None]) -> None:
        sender = self._the_sender()
        payments = Payments(sender, self._connectors, sender.loop)
        payments.charge(charge, account=ACCOUNT, call=view.root.id, done=partial(self._charged, paid))

    def _charged(self, paid: Callable[[model.Charged], None], charged: model.Charged) -> None:
        self.clock.call_later(0, partial(paid, charged))
        self._application.free()

    def _paid(self, charge: model.Charge, done: Callable[[model.Charged], None], charged: model.Charged) -> None:
        payment: Payment = charge.payment
        self._watcher.add(
            Paid(
                at_ms=self._watcher.at_ms,
                connector=charge.connector,
                amount=payment.terms.amount,
                currency=payment.terms.currency,
                error=charged.error,
                code=charged.code,
                confirmation=charged.confirmation,
                token=charged.token,
            )
        )
        done(charged)

    def _problem(self, message: str) -> None:
        self._watcher.problem(message, severity="error")

    def _the_sender(self) -> Sender:
        if self._sender is None:
            self._sender = Sender(self._settings, asyncio.get_running_loop())
        return self._sender


def _located(setup: Setup) -> tuple[Documents | None, str]:
    """Where the first document is: a folder (None: an application), and its URL."""
    document = setup.document
    if setup.text is not None:
        sheet = Sheet(document, setup.text)
        return sheet, sheet.url
    if document.startswith(("http://", "https://")):
        return None, document
    path = Path(document)
    folder = Folder(path.parent)
    return folder, folder.url_of(path)


def _settled(folder: Documents | None, setup: Setup) -> Voice | None:
    """The settings of the number that is called; a call that is placed has none."""
    voice = setup.voice
    if voice is None or setup.direction == "outbound":
        return None
    return voice if voice.fallback_url is None else replace(voice, fallback_url=_located_in(folder, "fallback", voice.fallback_url))


def _located_in(folder: Documents | None, what: str, where: str) -> str:
    if where.startswith(("http://", "https://")):
        return where
    if folder is None:
        raise InvalidInput(f"the {what} {where!r} is a file, and the first document is an application's: give its URL")
    return folder.url_of(Path(where))
