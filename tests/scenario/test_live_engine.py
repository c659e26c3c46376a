"""What only somebody inside the server can bring about: a switch that falls silent, calls that fit no account, a store that is
away."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from harness import running_receiver
from live_harness import CALLER, NUMBER, SALES, Application

from ringback.calls.live import HangUp, Order
from ringback.engine import live_calls, live_spool
from ringback.engine.placing import Placing
from ringback.engine.server import Engine
from ringback.errors import StoreUnavailable
from ringback.settings import Settings
from ringback.store.port import Account
from ringback.switch.simulated.script import parse_script
from ringback.voxml.model import NewDocument
from ringback.voxml.parse import parse

ACCOUNT = "5f0e3a52-9a0c-4f7e-9a63-0f6f1c1d8a11"
STAYS = NewDocument("", parse("<Response><Pause length='60'/></Response>"))


def with_engine(folder: Path, scenario: Callable[[Engine], Awaitable[None]], **settings: Any) -> None:
    async def whole() -> None:
        chosen = {"allow_http": True, "allow_network": ("127.0.0.0/8",), "drain_s": 0.1, **settings}
        engine = Engine(Settings(data=folder / "data", switch="simulated", **chosen), "key-of-nobody", [("127.0.0.1", 1)])
        engine.store.put_account(Account(id=ACCOUNT, name="x", created_at_ms=0, call_limit_s=60))
        engine.book.read_accounts()
        await engine.start()
        try:
            await scenario(engine)
        finally:
            await engine.stop()

    asyncio.run(whole())


async def until(condition: Callable[[], Any], within_s: float = 10) -> Any:
    async with asyncio.timeout(within_s):
        while not (value := condition()):  # noqa: ASYNC110 - conditions of all kinds, with a deadline
            await asyncio.sleep(0.01)
        return value


def status(engine: Engine, call: str) -> str | None:
    stored = engine.store.call(ACCOUNT, call)
    return None if stored is None else stored.call.status


def placing(script: str = "answer, wait 60s", **more: Any) -> Placing:
    return Placing(to=CALLER, from_=NUMBER, first=STAYS, script=parse_script(script), **more)


class Deaf:
    """A switch that hears no order to hang up any more."""

    def __init__(self, switch: Any) -> None:
        self._switch = switch
        self.name = switch.name
        self.listen, self.start, self.stop = switch.listen, switch.start, switch.stop

    def obey(self, order: Order) -> None:
        if not isinstance(order, HangUp):
            self._switch.obey(order)


def test_a_call_that_the_switch_has_forgotten_is_hung_up_and_then_lost(tmp_path: Path) -> None:
    async def scenario(engine: Engine) -> None:
        calls = engine.live_calls
        call = await calls.place(ACCOUNT, placing())
        await until(lambda: status(engine, call.id) == "ongoing")
        calls._switch = Deaf(calls._switch)
        now = engine.live_calls.clock.now_ms()
        calls.look_after(now + 59_000)
        assert calls.live(ACCOUNT, call.id) is not None
        calls.look_after(now + 61_000)
        # It was told to hang up now, and has a while to do so
        calls.look_after(now + 20_000)
        assert calls.live(ACCOUNT, call.id) is not None
        calls.look_after(now + 40_000)
        assert (calls.live(ACCOUNT, call.id), calls.count) == (None, 0)
        await until(lambda: status(engine, call.id) == "completed")
        stored = engine.store.call(ACCOUNT, call.id)
        assert stored is not None
        assert stored.call.inferred
        calls.limits.admit_incoming(ACCOUNT)

    with_engine(tmp_path, scenario)


def test_a_stop_does_not_wait_for_a_switch_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_calls, "HANG_UP_S", 0.2)
    found: list[Any] = []

    async def scenario(engine: Engine) -> None:
        call = await engine.live_calls.place(ACCOUNT, placing())
        await until(lambda: status(engine, call.id) == "ongoing")
        engine.live_calls._switch = Deaf(engine.live_calls._switch)
        await engine.live_calls.stop(0)
        found.append(engine.store.call(ACCOUNT, call.id))
        with pytest.raises(StoreUnavailable):
            await engine.live_calls.place(ACCOUNT, placing())

    with_engine(tmp_path, scenario)
    assert (found[0].call.status, found[0].call.inferred) == ("completed", True)


def test_a_call_to_a_number_that_nobody_registered_is_refused_and_listed(tmp_path: Path) -> None:
    async def scenario(engine: Engine) -> None:
        switch = engine.live_calls.simulated()
        switch.call_in(CALLER, NUMBER, parse_script("ring 5s"), leg="stray")
        await until(lambda: engine.strays == 1 and not switch.legs)
        notes = await until(lambda: engine.store.notes("stray", 10))
        assert notes[0][2] == f"call.starting of call stray from {CALLER} to {NUMBER}"
        assert engine.live_calls.count == 0

    with_engine(tmp_path, scenario)


@pytest.mark.parametrize("default", [ACCOUNT, "00000000-0000-4000-8000-000000000000"])
def test_the_operators_default_account_takes_what_fits_no_other(tmp_path: Path, default: str) -> None:
    async def scenario(engine: Engine) -> None:
        engine.live_calls.simulated().call_in(CALLER, NUMBER, parse_script("ring 5s"), leg="somebody")
        if default == ACCOUNT:
            await until(lambda: status(engine, "somebody") == "no-answer")
        else:
            await until(lambda: engine.strays == 1)

    with_engine(tmp_path, scenario, default_account=default)


def test_while_the_store_is_away_calls_go_on_and_everything_is_told_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The conversation asks its application, dials and ends as if nothing were wrong; only new calls are refused."""
    monkeypatch.setattr(live_spool, "RETRY_S", 0.02)

    async def scenario(engine: Engine, application: Application) -> None:
        commit, away = engine.store.commit, True

        def broken(batch: Any) -> Any:
            if away:
                raise StoreUnavailable("the disk is full")
            return commit(batch)

        call = await engine.live_calls.place(ACCOUNT, placing("answer, wait 60s; callee: busy"))
        await until(lambda: status(engine, call.id) == "ongoing")
        monkeypatch.setattr(engine.store, "commit", broken)
        redirect = f"<Response><Redirect>{application.url('/next')}</Redirect></Response>"
        await engine.live_calls.instruct(ACCOUNT, call.id, NewDocument("", parse(redirect)))
        await until(lambda: engine.live_calls.count == 0, 20)
        assert [asked["CallStatus"] for asked in application.asked("/next")] == ["in-progress"]
        assert [asked["DialCallStatus"] for asked in application.asked("/after")] == ["busy"]
        assert status(engine, call.id) == "ongoing"
        with pytest.raises(StoreUnavailable):
            await engine.live_calls.place(ACCOUNT, placing())
        assert engine.live_calls.count == 0
        away = False
        await until(lambda: status(engine, call.id) == "completed")
        stored = engine.store.call(ACCOUNT, call.id)
        assert stored is not None
        told = [(event.call.id, event.type) for event in engine.store.events(stored.root_n)]
        assert [(one.removeprefix(call.id), kind.removeprefix("call.")) for one, kind in told] == [
            *(("", "accepted"), ("", "starting"), ("", "ongoing")),
            *(("-1", "starting"), ("-1", "busy"), ("", "completed")),
        ]

    with running_receiver() as receiver:
        application = Application(receiver)
        application.documents = {"/next": f"<Dial action='/after'>{SALES}</Dial>", "/after": "<Hangup/>"}
        with_engine(tmp_path, lambda engine: scenario(engine, application))
