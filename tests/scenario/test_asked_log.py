"""What calls ask and tell stands in the log like any other delivery, and its endpoints come and go by themselves. A whole engine is
asked."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from asking_harness import HANGUP, LOCAL, Application, answer, parse
from awkward_receivers import receiving
from harness import Api, Receiver, start_server
from msgspec.structs import replace

from ringback.calls.model import CallRef, Update
from ringback.dialects.contract import HttpRequest
from ringback.dialects.instructions import instruction_request
from ringback.engine.book import key_hash
from ringback.engine.callbacks import recording_names
from ringback.engine.hidden import IN_USE_MS
from ringback.engine.server import Engine
from ringback.errors import OurError
from ringback.live.asking import Asker, Question, Reply
from ringback.live.cookies import Jar
from ringback.live.fallback import Fallback
from ringback.settings import Settings
from ringback.store.port import Account, DeliveryFilter, DeliveryRow, Key

MINE, THEIRS = "0b1c3a0e-7d0a-4bd0-8c62-000000000001", "0b1c3a0e-7d0a-4bd0-8c62-000000000002"
DAY_MS = 86_400_000
OURS, CALLEE = "+17015550123", "+14025550100"


@asynccontextmanager
async def running(data: Path) -> AsyncIterator[Engine]:
    """An engine with two accounts."""
    settings = Settings(data=data, allow_http=True, allow_network=("127.0.0.0/8",), drain_s=1.0)
    engine = Engine(settings, "operator-key", [("127.0.0.1", 1)])
    for account in (MINE, THEIRS):
        engine.store.put_account(Account(id=account, name="a", created_at_ms=1))
    engine.book.read_accounts()
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


def inside(data: Path, work: Callable[[Engine], Awaitable[None]]) -> None:
    async def main() -> None:
        async with running(data) as engine:
            await work(engine)

    asyncio.run(asyncio.wait_for(main(), 30))


async def until(condition: Callable[[], Any], within_s: float = 10) -> Any:
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)
    return value


async def say(engine: Engine, kind: str, leg: str, account: str = MINE, data: dict[str, Any] | None = None, **ref: Any) -> int:
    """An update of a call; the event that it made."""
    told = CallRef(id=leg, **{"direction": "outbound", "from_": OURS, "to": CALLEE, **ref})
    (made,) = await engine.accept([(account, Update(type=kind, at_ms=int(time.time() * 1000), call=told, data=data or {}))])
    assert not made.error
    return made.event


def asks(engine: Engine, leg: str, url: str, account: str = MINE, spare: str | None = None) -> Question:
    def make(to: str, method: Any, extra: Any) -> HttpRequest:
        stored = engine.store.call(account, leg)
        assert stored is not None
        return instruction_request(
            stored.call, stored.call, engine.book.place_of(stored.call), url=to, method=method, extra=extra, results=()
        )

    fallback = Fallback(url=spare, document=LOCAL)
    return Question(account=account, leg=leg, name="gather-action", url=url, method="POST", make=make, jar=Jar(), fallback=fallback)


async def asked(engine: Engine, question: Question) -> Reply:
    future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    Asker(loop=engine.loop, sender=engine.sender, parse=parse, log=engine.asked).ask(question, future.set_result)
    return await future


def rows(engine: Engine, account: str = MINE, **narrowed: Any) -> list[DeliveryRow]:
    """Oldest first."""
    return engine.store.deliveries(DeliveryFilter(account=account, **narrowed))[::-1]


def test_each_url_that_was_asked_is_a_delivery_with_its_attempts(tmp_path: Path) -> None:
    app, spare = Application(answer(b"<broken")), Application(answer(HANGUP))
    with receiving(app) as at, receiving(spare) as beside:

        async def work(engine: Engine) -> None:
            await say(engine, "call.starting", "c-1")
            await say(engine, "call.starting", "c-1-1", parent="c-1", to="+13005550100")
            reply = await asked(engine, asks(engine, "c-1", at.url("/voice?t=1"), spare=beside.url("/spare")))
            assert reply.document == HANGUP
            first, second = await until(lambda: len(found := rows(engine)) == 2 and found)
            shown = [(row.delivery.kind, row.delivery.name, row.delivery.state, row.call_id) for row in (first, second)]
            assert shown == [
                ("instruction", "gather-action", "exhausted", "c-1"),
                ("instruction", "gather-action", "succeeded", "c-1"),
            ]
            assert (first.status, first.error, first.delivery.attempts) == (200, "document", 1)
            endpoint = engine.book.endpoint(first.delivery.endpoint)
            assert endpoint is not None
            assert (endpoint.url, endpoint.account, endpoint.id in engine.book.endpoints) == (at.url("/voice"), MINE, False)
            await until(lambda: engine.store.attempts(first.delivery.id))
            assert engine.dispatcher.stats().in_flight == 0

        inside(tmp_path / "data", work)
    assert len(app.requests) == 1, "nobody sends it again"


def test_people_see_what_was_asked_and_cannot_ask_it_again(tmp_path: Path) -> None:
    app = Application(answer(b"<broken"))
    with receiving(app) as at:

        async def work(engine: Engine) -> None:
            engine.store.put_key(Key(id=1, hash=key_hash("mine"), account=MINE, role="developer"))
            await say(engine, "call.starting", "c-1")
            await asked(engine, asks(engine, "c-1", at.url("/voice?t=1#rc=0")))

        inside(tmp_path / "data", work)
    server = start_server(tmp_path / "data")
    try:
        api = Api(server.port, "mine", MINE)
        (item,) = api.deliveries(call="c-1")
        assert (item["kind"], item["event"], item["state"], item["error"]) == (
            "instruction",
            "gather-action",
            "exhausted",
            "document",
        )
        (attempt,) = api.get(f"/v1/deliveries/{item['id']}")["log"]
        assert attempt["request"]["body"].encode() == app.requests[0].partition(b"\r\n\r\n")[2]
        assert (attempt["request"]["url"], attempt["response"]["body"]) == (at.url("/voice?t=1"), "<broken")
        assert attempt["detail"] == "not a VoXML document: line 1, column 5: not well-formed"
        status, problem = api.call("POST", f"/v1/deliveries/{item['id']}/resend")
        assert (status, problem["detail"].partition(":")[0]) == (409, "an instruction request cannot be sent again")
        assert api.post("/v1/resends", {"filter": {}, "dry_run": True}, 200) == {"count": 0}
        assert api.get("/v1/endpoints")["items"] == []
        assert api.deliveries(event="gather-action") == api.deliveries(state="exhausted") == [item]
    finally:
        assert server.stop() == 0


def test_the_same_url_has_one_endpoint_in_each_account(tmp_path: Path) -> None:
    with receiving(Application(answer(HANGUP))) as at:

        async def work(engine: Engine) -> None:
            for account, leg, url in ((MINE, "a", "/v?call=1"), (MINE, "b", "/v?call=2#rc=0"), (THEIRS, "c", "/v")):
                await say(engine, "call.starting", leg, account)
                await asked(engine, asks(engine, leg, at.url(url), account))
            mine = await until(lambda: len(found := rows(engine)) == 2 and found)
            (theirs,) = await until(lambda: rows(engine, THEIRS))
            assert len({row.delivery.endpoint for row in mine}) == 1
            assert theirs.delivery.endpoint != mine[0].delivery.endpoint
            assert len(rows(engine, endpoint=mine[0].delivery.endpoint)) == 2

        inside(tmp_path / "data", work)

        async def after_a_restart(engine: Engine) -> None:
            (before,) = {row.delivery.endpoint for row in rows(engine)}
            assert (await engine.hidden.find(MINE, at.url("/v"), "POST")).id == before

        inside(tmp_path / "data", after_a_restart)


def test_an_endpoint_goes_when_nothing_refers_to_it_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringback.engine.hidden.MOST_KEPT", 2)

    async def work(engine: Engine) -> None:
        find = engine.hidden.find
        made = [await find(MINE, f"https://a.example/{n}?t=1", "POST") for n in range(3)]
        assert (await find(MINE, "https://ann:x@a.example/0?t=1", "POST")).id not in {one.id for one in made}
        now = int(time.time() * 1000)

        def kept() -> set[int]:
            return set(engine.book.replays)

        await engine.housekeeping.tidy(now)
        assert len(kept()) == 4, "all were used just now"
        await engine.housekeeping.tidy(now + IN_USE_MS + 1_000)
        assert len(kept()) == 2, "no more are kept than that"
        await engine.housekeeping.tidy(now + 31 * DAY_MS)
        assert not kept()
        assert (await find(MINE, "https://a.example/0?t=1", "POST")).id not in {one.id for one in made}

    inside(tmp_path / "data", work)


def test_a_call_s_end_is_told_to_its_status_callback(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answer = lambda got: 503 if len(receiver.all) < 2 else 200

    async def work(engine: Engine) -> None:
        def follow(event: int, wanted: set[str], account: str = MINE) -> None:
            engine.callbacks.follow(account, event, receiver.url + "/s?t=8c1f#rc=2", "POST", wanted)

        for kind in ("call.starting", "call.ongoing"):
            follow(await say(engine, kind, "c-1"), {"completed"})
        event = await say(engine, "call.completed", "c-1")
        follow(event, {"busy"})
        follow(event, {"completed"}, THEIRS)
        follow(event, {"completed", "busy"})
        (row,) = await until(lambda: rows(engine, state="retrying"))
        assert (row.delivery.name, row.delivery.kind, row.status, row.call_id) == ("completed", "event", 503, "c-1")
        assert (len(rows(engine)), rows(engine, THEIRS)) == (1, [])
        again = await engine.deliver_again(MINE, event, row.delivery.endpoint, "resend", "completed")
        await until(lambda: [one for one in rows(engine, state="succeeded") if one.delivery.id == again])

    inside(tmp_path / "data", work)
    first = receiver.all[0]
    assert (first.method, first.path) == ("POST", "/s?t=8c1f")
    told = dict(parse_qsl(first.body.decode(), keep_blank_values=True))
    wanted = {"CallStatus": "completed", "Direction": "outbound-api", "CallbackSource": "call-progress-events", "From": OURS}
    assert {name: told[name] for name in wanted} == wanted


def test_a_recording_s_states_are_told_as_asked_and_in_order(tmp_path: Path, receiver: Receiver) -> None:
    async def work(engine: Engine) -> None:
        for leg in ("c-1", "c-2"):
            await say(engine, "call.starting", leg, direction="inbound")
            for status in ("in-progress", "completed"):
                event = await say(engine, "call.recording", leg, data={"status": status, "url": "https://r.example/1.wav"})
                wanted = ("completed", "failed") if leg == "c-1" else ("in-progress", "completed")
                engine.callbacks.follow(MINE, event, f"{receiver.url}/{leg}", "GET", recording_names(wanted))
        await until(lambda: len(rows(engine, state="succeeded")) == 3)

    inside(tmp_path / "data", work)
    told = [(got.method, got.path[:5], dict(parse_qsl(got.path.partition("?")[2]))["RecordingStatus"]) for got in receiver.all]
    assert sorted(told) == [("GET", "/c-1?", "completed"), ("GET", "/c-2?", "completed"), ("GET", "/c-2?", "in-progress")]
    assert [status for _, path, status in told if path == "/c-2?"] == ["in-progress", "completed"]


def test_a_stop_leaves_no_callback_behind(tmp_path: Path, receiver: Receiver) -> None:
    async def work(engine: Engine) -> None:
        await say(engine, "call.starting", "c-1")
        event = await say(engine, "call.completed", "c-1")
        engine.callbacks.follow(MINE, event, receiver.url, "POST", {"completed"})

    inside(tmp_path / "data", work)

    async def after_a_restart(engine: Engine) -> None:
        await until(lambda: rows(engine, state="succeeded"))

    inside(tmp_path / "data", after_a_restart)


def test_what_the_store_cannot_take_is_written_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringback.engine.asked.AGAIN_S", 0.01)
    with receiving(Application(answer(HANGUP))) as at:

        async def work(engine: Engine) -> None:
            await say(engine, "call.starting", "c-1")
            question = asks(engine, "c-1", at.url())
            write, away = engine.write_down, 2

            async def sometimes(*given: Any) -> list[str]:
                nonlocal away
                if away:
                    away -= 1
                    raise OurError("the disk is full")
                return await write(*given)

            monkeypatch.setattr(engine, "write_down", sometimes)
            # Asked before the ledger has heard of the call: a spool may be behind.
            await asked(engine, replace(question, leg="c-2"))
            await asked(engine, question)
            await until(lambda: rows(engine))
            await say(engine, "call.starting", "c-2")
            found = await until(lambda: len(told := rows(engine)) == 2 and told)
            assert [row.call_id for row in found] == ["c-1", "c-2"]

        inside(tmp_path / "data", work)
