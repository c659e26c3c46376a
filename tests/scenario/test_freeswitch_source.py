"""A source stays with its switch through cuts, losses, repeats, restarts and a store that is away, and says what it missed."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from freeswitch_server import PASSWORD, Event, FakeSwitch, frame, recording, switch

from ringback.calls.model import CallRef, Update
from ringback.switch.freeswitch.client import FreeswitchSource
from ringback.switch.freeswitch.frames import json_event
from ringback.switch.freeswitch.link import Connection
from ringback.switch.freeswitch.mapping import EVENTS, EventMapper, Reported
from ringback.switch.freeswitch.settings import FreeswitchSettings, Side

SETTINGS = FreeswitchSettings(account="acme", inside=Side(contexts=("from-sip",)), outside=Side(endpoints=("alice",)))
QUICK: dict[str, Any] = {
    "first_wait_s": 0.01,
    "most_wait_s": 0.05,
    "check_every_s": 0.05,
    "late_s": 0.02,
    "confirm_s": 0.05,
    "reply_timeout_s": 5.0,
}


class Consumer:
    """Keeps what it is handed; away while `away` is set."""

    def __init__(self) -> None:
        self.taken: list[Reported] = []
        self.gaps: list[str] = []
        self.away = False
        self.looks = 0

    async def accept(self, updates: list[Reported]) -> None:
        await asyncio.sleep(0)
        while self.away:
            self.looks += 1
            await asyncio.sleep(0.005)
        self.taken.extend(updates)

    @property
    def updates(self) -> list[Update]:
        return [update for _, update in self.taken]

    def told(self, leg: str | None = None) -> list[str]:
        return [update.type.removeprefix("call.") for update in self.updates if leg in (None, update.call.id)]


@contextlib.asynccontextmanager
async def source(
    fake: FakeSwitch, consumer: Consumer, mapper: EventMapper | None = None, **options: Any
) -> AsyncIterator[FreeswitchSource]:
    connection = Connection(**({"port": fake.port, "password": PASSWORD} | QUICK | options))
    made = FreeswitchSource(connection, mapper or EventMapper(SETTINGS), consumer.accept, on_gap=consumer.gaps.append)
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - the other side is a socket: polled, with a deadline
            await asyncio.sleep(0.005)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def directly(events: list[Event]) -> list[Reported]:
    """What the mapping makes of events that all arrive."""
    mapper = EventMapper(SETTINGS)
    return [made for event in events for made in mapper.feed(json_event(json.dumps(event).encode()))]


def legs(events: list[Event]) -> list[str]:
    return [event["Unique-ID"] for event in events if event["Event-Name"] == "CHANNEL_CREATE"]


def test_a_call_comes_in_as_it_happened_however_the_stream_is_cut() -> None:
    async def scenario() -> None:
        events = recording("blind_transfer")
        consumer = Consumer()
        async with switch() as fake, source(fake, consumer) as made:
            await fake.subscribed.wait()
            await fake.play_in_pieces(events, size=701)
            await until(lambda: made.events == len(events) and made.health().waiting == 0)
            assert made.health().state == "connected"
            assert (made.health().events, made.health().waiting) == (len(events), 0)
        assert consumer.taken == directly(events)
        assert consumer.gaps == []
        assert fake.commands[0] == f"auth {PASSWORD}"
        assert fake.commands[1] == f"event json {' '.join(EVENTS)} HEARTBEAT"

    run(scenario())


def test_events_that_are_sent_twice_are_told_once() -> None:
    async def scenario() -> None:
        events = recording("inbound_answered")
        consumer = Consumer()
        async with switch() as fake, source(fake, consumer) as made:
            await fake.subscribed.wait()
            fake.play(events, times=3)
            await until(lambda: made.events == 3 * len(events) and made.health().waiting == 0)
        assert consumer.taken == directly(events)

    run(scenario())


def test_calls_that_end_and_begin_while_the_connection_is_down_are_noticed() -> None:
    async def scenario() -> None:
        before, after = recording("inbound_answered"), recording("queue_first_agent")
        talking = next(i for i, event in enumerate(before) if event["Event-Name"] == "CHANNEL_BRIDGE")
        begun = next(i for i, event in enumerate(after) if event.get("Channel-Call-State") == "ACTIVE")
        consumer = Consumer()
        async with switch() as fake, source(fake, consumer) as made:
            await fake.subscribed.wait()
            fake.play(before[:talking])
            await until(lambda: consumer.told().count("ongoing") == 2)
            fake.drop(last_words=frame(before[talking])[:200])  # in the middle of a frame
            fake.happen(*before[talking:], *after[: begun + 1])
            await until(lambda: consumer.gaps)
            await until(lambda: consumer.told().count("starting") == 3)
            caller, callee = legs(before)
            for leg in (caller, callee):
                ended = [update for update in consumer.updates if update.call.id == leg][-1]
                assert (ended.type, ended.inferred) == ("call.completed", True)
            assert consumer.told(legs(after)[0]) == ["starting", "ongoing"]
            fake.play(after[begun + 1 :])
            await until(lambda: not fake.rows and made.health().waiting == 0)
            await until(lambda: consumer.told(legs(after)[1])[-1:] == ["completed"])
        (gap,) = consumer.gaps
        assert "no connection for" in gap
        assert "2 calls ended unseen, 1 began or moved on unseen" in gap
        ends = [update for update in consumer.updates if update.call.id == legs(after)[0] and update.type == "call.completed"]
        assert [end.inferred for end in ends] == [False]

    run(scenario())


@pytest.mark.parametrize("everything", [False, True])
def test_an_end_that_does_not_arrive_is_noticed_by_its_number(everything: bool) -> None:
    async def scenario() -> None:
        events = recording("inbound_answered")
        caller = legs(events)[0]
        lost = ("CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY")
        consumer = Consumer()
        async with switch() as fake, source(fake, consumer, everything=everything):
            await fake.subscribed.wait()
            fake.play(events, lost=lambda event: event["Event-Name"] in lost and event["Unique-ID"] == caller)
            await until(lambda: consumer.told(caller)[-1:] == ["completed"])
            assert consumer.updates[-1].inferred
            await until(lambda: consumer.gaps)
        assert "1 calls ended unseen" in consumer.gaps[0]
        assert ("ALL" in fake.commands[1]) == everything

    run(scenario())


def test_an_answer_that_does_not_arrive_is_found_by_asking() -> None:
    async def scenario() -> None:
        events = recording("inbound_answered")
        caller, callee = legs(events)
        talking = next(i for i, event in enumerate(events) if event["Event-Name"] == "CHANNEL_BRIDGE")
        consumer = Consumer()
        async with switch() as fake, source(fake, consumer):
            await fake.subscribed.wait()
            fake.play(events[: talking + 1], lost=lambda event: event["Event-Name"] == "CHANNEL_ANSWER")
            await until(lambda: "ongoing" in consumer.told(caller) and "ongoing" in consumer.told(callee))
            fake.play(events[talking + 1 :])
            await until(lambda: consumer.told(caller)[-1] == "completed" and consumer.told(callee)[-1] == "completed")
        assert consumer.told(caller) == ["starting", "ringing", "ongoing", "completed"]
        assert not any(update.inferred for update in consumer.updates)

    run(scenario())


def test_a_list_that_lags_ends_no_call() -> None:
    async def scenario() -> None:
        events = recording("inbound_answered")
        talking = next(i for i, event in enumerate(events) if event["Event-Name"] == "CHANNEL_BRIDGE")
        consumer = Consumer()
        async with switch() as fake, source(fake, consumer, check_every_s=0.02):
            await fake.subscribed.wait()
            await until(lambda: fake.commands.count("api show channels as json") == 1)
            fake.stale_lists = [[]]  # the switch has not written its calls down yet
            fake.play(events[:talking])
            await until(lambda: fake.commands.count("api show channels as json") >= 3)
            fake.play(events[talking:])
            await until(lambda: consumer.told().count("completed") == 2)
        assert consumer.taken == directly(events)
        assert consumer.gaps == []

    run(scenario())


def test_a_call_that_came_in_and_has_not_rung_yet_is_not_said_to_ring() -> None:
    async def scenario() -> None:
        events = recording("ivr_dtmf")
        answered = next(i for i, event in enumerate(events) if event["Event-Name"] == "CHANNEL_ANSWER")
        consumer = Consumer()
        async with switch() as fake, source(fake, consumer):
            await fake.subscribed.wait()
            await until(lambda: fake.commands.count("api show channels as json") == 1)
            fake.play(events[:answered])
            await until(lambda: fake.commands.count("api show channels as json") >= 2)
            assert fake.rows[legs(events)[0]]["callstate"] == "RINGING"
            fake.play(events[answered:])
            await until(lambda: consumer.told()[-1:] == ["completed"])
        assert consumer.taken == directly(events)
        assert consumer.gaps == []

    run(scenario())


def test_nothing_is_lost_or_reordered_while_the_store_is_away_and_what_is_kept_is_bounded() -> None:
    async def scenario() -> None:
        runs = [recording("blind_transfer"), recording("inbound_answered")]
        events = [event for run in runs for event in run]
        for number in range(40):  # as many calls as do not fit
            for event in recording("busy"):
                renamed = {key: f"{value}-{number}" if str(value).count("-") == 4 else value for key, value in event.items()}
                events.append(renamed | {"Event-Sequence": str(10_000 + number * 100 + int(event["Event-Sequence"]) - 576)})
        wanted = directly(events)
        consumer = Consumer()
        consumer.away = True
        async with switch() as fake, source(fake, consumer, most_waiting=20, reply_timeout_s=0.2, silence_s=0.2) as made:
            await fake.subscribed.wait()
            fake.play(events)
            await until(lambda: consumer.looks >= 200)
            assert made.health().waiting < len(wanted)
            assert made.health().state == "connected"
            connections = fake.connections
            consumer.away = False
            await until(lambda: len(consumer.taken) >= len(wanted))
            assert fake.connections == connections == 1
        assert consumer.taken == wanted

    run(scenario())


def test_what_was_read_is_handed_on_before_the_source_stops() -> None:
    async def scenario() -> None:
        events = recording("busy")
        consumer = Consumer()
        consumer.away = True
        async with switch() as fake, source(fake, consumer) as made:
            await fake.subscribed.wait()
            fake.play(events)
            await until(lambda: made.events == len(events))
            consumer.away = False
        assert consumer.taken == directly(events)

    run(scenario())


def test_a_wrong_password_is_said_in_words_that_do_not_hold_it(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        consumer = Consumer()
        async with switch() as fake, source(fake, consumer, password="not-this-one") as made:
            await until(lambda: fake.connections >= 3)
            await until(lambda: made.health().state == "waiting")
            assert made.health().error == "the switch refused the password"

    with caplog.at_level(logging.DEBUG):
        run(scenario())
    assert "refused the password" in caplog.text
    assert "not-this-one" not in caplog.text


@pytest.mark.parametrize(
    ("greeting", "error"),
    [
        (b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n", "access list"),
        (b"Content-Length: 999999999\n\n", "bytes"),
        (b"HTTP/1.1 400 Bad Request\n\nContent-Type: text/disconnect-notice\n\n", "closed the connection"),
    ],
)
def test_a_switch_that_does_not_let_us_in_is_asked_again_later(greeting: bytes, error: str) -> None:
    async def scenario() -> None:
        consumer = Consumer()
        async with switch() as fake, source(fake, consumer) as made:
            fake.greeting = greeting
            fake.drop()
            await until(lambda: error in made.health().error)
            fake.greeting = b"Content-Type: auth/request\n\n"
            await until(lambda: made.health().state == "connected")
            await until(lambda: consumer.gaps)
        assert "no connection for" in consumer.gaps[0]

    run(scenario())


def test_a_switch_that_comes_up_later_is_found() -> None:
    async def scenario() -> None:
        consumer = Consumer()
        async with switch() as fake:
            await fake.stop()
            async with source(fake, consumer) as made:
                await until(lambda: made.health().state == "waiting")
                await fake.start()
                await until(lambda: made.health().state == "connected")
                fake.play(recording("busy"))
                await until(lambda: consumer.told().count("busy") == 2)

    run(scenario())


def test_a_connection_that_falls_silent_is_given_up() -> None:
    async def scenario() -> None:
        consumer = Consumer()
        async with switch() as fake, source(fake, consumer, silence_s=0.05, reply_timeout_s=0.1):
            await until(lambda: "api uptime" in fake.commands)  # asked, and answered: it lives
            assert fake.connections == 1
            fake.mute = True
            await until(lambda: fake.connections >= 2)
            fake.mute = False
            await until(lambda: consumer.gaps)
        assert "fell silent" in consumer.gaps[0] or "does not answer" in consumer.gaps[0]

    run(scenario())


def test_a_restart_of_the_switch_ends_its_calls() -> None:
    async def scenario() -> None:
        events = recording("inbound_answered")
        talking = next(i for i, event in enumerate(events) if event["Event-Name"] == "CHANNEL_BRIDGE")
        consumer = Consumer()
        async with switch() as fake, source(fake, consumer):
            await fake.subscribed.wait()
            fake.play(events[:talking])
            await until(lambda: consumer.told().count("ongoing") == 2)
            fake.rows.clear()
            fake.send(frame({"Event-Name": "HEARTBEAT", "Core-UUID": "another", "Event-Sequence": "1"}))
            await until(lambda: consumer.told().count("completed") == 2)
            await until(lambda: consumer.gaps)
        assert "the switch was restarted; 2 calls ended unseen" in consumer.gaps[0]

    run(scenario())


def test_an_event_that_cannot_be_read_is_noted_and_the_next_ones_are_taken() -> None:
    async def scenario() -> None:
        consumer = Consumer()
        async with switch() as fake, source(fake, consumer) as made:
            await fake.subscribed.wait()
            fake.send(b"Content-Length: 3\nContent-Type: text/event-json\n\n[1]")
            fake.play(recording("busy"))
            await until(lambda: consumer.told().count("busy") == 2)
            await until(lambda: consumer.gaps)
            assert made.health().unreadable == 1
        assert "could not be read" in consumer.gaps[0]

    run(scenario())


def test_a_long_run_of_numbers_that_do_not_arrive_is_noted_though_no_call_changed() -> None:
    async def scenario() -> None:
        consumer = Consumer()
        async with switch() as fake, source(fake, consumer, everything=True):
            await fake.subscribed.wait()
            for number in (1, 100):
                fake.send(frame({"Event-Name": "HEARTBEAT", "Core-UUID": "core", "Event-Sequence": str(number)}))
            await until(lambda: consumer.gaps)
        assert "98 events in a row did not arrive; 0 calls ended unseen" in consumer.gaps[0]

    run(scenario())


def test_a_call_from_before_the_start_is_ended_when_the_switch_has_it_no_more() -> None:
    async def scenario() -> None:
        mapper = EventMapper(SETTINGS)
        mapper.resume("acme", CallRef(id="old", direction="inbound", from_="alice", to="bob"), answered=True, last_ms=1)
        consumer = Consumer()
        async with switch() as fake, source(fake, consumer, mapper):
            await until(lambda: consumer.told("old") == ["completed"])
        assert consumer.updates[0].inferred

    run(scenario())


def test_keys_outside_a_menu_reach_neither_updates_nor_logs(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        events = recording("ivr_dtmf")
        consumer = Consumer()
        async with switch() as fake, source(fake, consumer):
            await fake.subscribed.wait()
            fake.play(events, lost=lambda event: event["Event-Name"].startswith("CHANNEL_HANGUP"))
            await until(lambda: "completed" in consumer.told())
        assert "1234" not in repr(consumer.taken) + repr(consumer.gaps)
        assert "ivr-option" not in consumer.told()

    with caplog.at_level(logging.DEBUG):
        run(scenario())
    assert "1234" not in caplog.text


def test_a_fault_of_the_consumer_that_is_not_the_stores_ends_the_source_loudly() -> None:
    async def broken(updates: list[Reported]) -> None:
        raise ZeroDivisionError

    async def scenario() -> None:
        async with switch() as fake:
            connection = Connection(**({"port": fake.port, "password": PASSWORD} | QUICK))
            made = FreeswitchSource(connection, EventMapper(SETTINGS), broken, on_gap=lambda text: None)
            task = asyncio.create_task(made.run())
            await fake.subscribed.wait()
            fake.play(recording("busy"))
            with pytest.raises(ZeroDivisionError):
                await asyncio.wait_for(task, 10)

    run(scenario())
