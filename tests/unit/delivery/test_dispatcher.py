"""The dispatcher in jumping time: what is sent when, what is recorded, what survives trouble around it."""

import asyncio
import itertools
from typing import Any

import pytest
from dispatch_bench import START_MS, Bench, endpoint, in_jumping_time, job, with_state
from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.calls.model import Call, Context, Recording
from ringback.delivery.courier import masked_url
from ringback.errors import InvalidInput
from ringback.webhooks.health import Health
from ringback.webhooks.model import Outcome, RetryPolicy

DAY_S = 86_400


async def started(bench: Bench, *endpoints: Any) -> None:
    """Endpoints are known, the store has been asked."""
    for one in endpoints or (endpoint(),):
        bench.dispatcher.set_endpoint(one)
    bench.dispatcher.start()
    await asyncio.sleep(0.1)


class TestDelivering:
    """The straight way, and the schedule."""

    def test_an_offered_delivery_goes_out_at_once_and_is_recorded(self) -> None:
        async def main(bench: Bench) -> None:
            await started(
                bench, endpoint(url="https://user:pass@host.example/in?a=b", basic="user:pass", headers=(("X-Own", "1"),))
            )
            begun = bench.loop.time()
            bench.accept(job(1))
            await bench.until_done()
            assert bench.receiver.sent[0][0] == begun
            (result,), (attempt,) = bench.rows.results, bench.rows.attempts
            assert (result.delivery.state, result.delivery.attempts, result.status, result.error) == ("succeeded", 1, 200, "")
            assert result.delivery.signed_at_s == START_MS // 1000
            assert (attempt.delivery, attempt.number, attempt.method) == (1, 1, "POST")
            assert attempt.url == "https://***@host.example/in?a=b"
            assert attempt.headers == (("Content-Type", "text/plain"), ("X-Own", "1"), ("Authorization", "***"))
            assert attempt.body == f"1 0 {START_MS // 1000} -".encode()
            assert bench.dispatcher.stats().in_flight == bench.dispatcher.stats().queued == 0

        in_jumping_time(main)

    def test_retries_keep_the_schedule_near_and_far(self) -> None:
        async def main(bench: Bench) -> None:
            bench.receiver.answer = lambda key, request: 500
            await started(bench)
            bench.accept(job(1))
            await bench.until_done()
            times = [at for at, _, _ in bench.receiver.sent]
            waits = [round(later - sooner, 2) for sooner, later in itertools.pairwise(times)]
            assert waits == pytest.approx([5.0, 300.0, 1_800.0], abs=0.01)
            assert [result.delivery.state for result in bench.rows.results] == ["retrying"] * 3 + ["exhausted"]
            assert [attempt.number for attempt in bench.rows.attempts] == [1, 2, 3, 4]
            signed = {result.delivery.signed_at_s for result in bench.rows.results}
            assert signed == {(START_MS + 100) // 1000}, "the first signature stays"

        in_jumping_time(main)

    def test_a_retry_may_succeed(self) -> None:
        async def main(bench: Bench) -> None:
            bench.receiver.answer = lambda key, request: 200 if len(bench.receiver.sent) > 2 else 503
            await started(bench)
            bench.accept(job(1))
            await bench.until_done()
            assert [result.delivery.state for result in bench.rows.results] == ["retrying", "retrying", "succeeded"]

        in_jumping_time(main)

    def test_a_retry_at_once_is_one(self) -> None:
        async def main(bench: Bench) -> None:
            bench.receiver.answer = lambda key, request: 500
            await started(bench)
            bench.accept(job(1))
            await bench.until_done()
            assert [round(at, 2) for at, _, _ in bench.receiver.sent] == [0.1, 0.1, 1.1]

        in_jumping_time(main, retry=RetryPolicy(delays_s=(0, 1)))

    @pytest.mark.parametrize("order", ["call", "strict", "none"])
    def test_order(self, order: Any) -> None:
        async def main(bench: Bench) -> list[str]:
            bench.receiver.answer = lambda key, request: 500 if request.body.startswith(b"1 0") else 200
            await started(bench, endpoint(order=order))
            bench.accept(*(job(number, root=9) for number in (1, 2, 3)))
            await bench.until_done()
            return [body.split(" ")[0] for body in bench.receiver.bodies()]

        expected = {"call": ["1", "2", "3", "1"], "strict": ["1", "1", "2", "3"], "none": ["1", "2", "3", "1"]}
        assert in_jumping_time(main) == expected[order]

    def test_in_call_order_the_next_waits_for_the_answer(self) -> None:
        async def main(bench: Bench) -> None:
            bench.receiver.takes_s = 0.5
            await started(bench)
            bench.accept(job(1, root=9), job(2, root=9))
            await bench.until_done()
            assert [round(at, 2) for at, _, _ in bench.receiver.sent] == [0.1, 0.6]

        in_jumping_time(main)

    def test_a_rate_is_kept(self) -> None:
        async def main(bench: Bench) -> None:
            await started(bench, endpoint(rate_per_s=10.0))
            bench.accept(*(job(number) for number in range(1, 52)))
            await bench.until_done()
            assert bench.receiver.sent[-1][0] - bench.receiver.sent[0][0] == pytest.approx(5.0, abs=0.1)

        in_jumping_time(main)


class TestPressure:
    """Intake has the first call on the core."""

    def test_while_intake_is_pressed_little_is_sent_and_lanes_take_turns(self) -> None:
        async def main(bench: Bench) -> None:
            await started(bench, *(endpoint(number) for number in (1, 2, 3)))
            begun, bench.pressed = bench.loop.time(), True
            bench.accept(*(job(number, to=number % 3 + 1) for number in range(1, 301)))
            await asyncio.sleep(0.1)
            early = [(at, key) for at, key, _ in bench.receiver.sent if at < begun + 0.0999]
            assert 15 <= len(early) <= 25
            assert {key for _, key in early} == {1, 2, 3}
            bench.pressed = False
            await bench.until_done()
            assert len(bench.receiver.sent) == 300
            assert bench.receiver.sent[-1][0] < begun + 1

        in_jumping_time(main)


class TestIsolation:
    """One endpoint's trouble is not another's."""

    def test_hung_endpoints_delay_nobody_else(self) -> None:
        hung = range(1, 21)

        async def main(bench: Bench) -> None:
            def answer(key: int, request: Any) -> Any:
                return Outcome(started_at_ms=0, error="timeout", total_ms=10_000) if key in hung else 200

            bench.receiver.answer = answer
            await started(bench, *(endpoint(number) for number in range(1, 101)))
            number = 0
            for _ in range(30):
                batch = []
                for to in range(1, 101):
                    for _ in range(10):
                        number += 1
                        batch.append(job(number, to=to))
                bench.accept(*batch)
                await asyncio.sleep(0.1)
            healthy = [at for at, key, _ in bench.receiver.sent if key not in hung]
            assert len(healthy) == 80 * 300
            assert max(bench.receiver.most_in_flight[key] for key in hung) == 64
            stats = bench.dispatcher.stats()
            assert all(stats.lanes[key].queued + stats.lanes[key].in_flight == 0 for key in range(21, 101))
            await asyncio.sleep(120)
            assert all(lane.health.condition == "failing" for key, lane in bench.dispatcher.stats().lanes.items() if key in hung)
            before = {key: sum(1 for _, at, _ in bench.receiver.sent if at == key) for key in hung}
            await asyncio.sleep(60)
            for key in hung:
                assert bench.receiver.in_flight[key] == 1, "one request at a time"
                assert sum(1 for _, at, _ in bench.receiver.sent if at == key) - before[key] <= 7

        in_jumping_time(main)

    def test_an_endpoint_that_fails_at_once_is_asked_ten_times_a_second_until_it_recovers(self) -> None:
        async def main(bench: Bench) -> None:
            bench.receiver.answer = lambda key, request: Outcome(started_at_ms=0, error="connect")
            await started(bench)
            bench.accept(*(job(number) for number in range(1, 501)))
            await asyncio.sleep(1)
            before = len(bench.receiver.sent)
            assert before <= 64 + 5 + 10
            await asyncio.sleep(3)
            assert 25 <= len(bench.receiver.sent) - before <= 31
            bench.receiver.answer = lambda key, request: 200
            await asyncio.sleep(0.5)
            assert len({body.split(" ")[0] for body in bench.receiver.bodies()}) == 500

        in_jumping_time(main)

    def test_a_dead_endpoints_overdue_retries_hide_nobody_elses(self) -> None:
        async def main(bench: Bench) -> None:
            dead = [with_state(job(n, to=1), attempts=1, state="retrying", next_at_ms=START_MS - 9_000 + n) for n in range(1, 301)]
            other = with_state(job(1_000, to=2), attempts=1, state="retrying", next_at_ms=START_MS + 60_000)
            bench.rows.add(*dead, other)
            bench.receiver.answer = lambda key, request: None if key == 1 else 200
            await started(bench, endpoint(1), endpoint(2))
            await asyncio.sleep(61)
            assert bench.receiver.bodies(2) == [f"1000 1 {START_MS // 1000 + 60} -"]

        in_jumping_time(main, window=10)

    def test_a_backlogs_overdue_held_ones_do_not_hide_the_retries_before_it(self) -> None:
        async def main(bench: Bench) -> None:
            heads = [with_state(job(n, root=n), attempts=1, state="retrying", next_at_ms=START_MS + 60_000) for n in range(1, 6)]
            blocked = [job(100 + n, root=1 + n % 5) for n in range(50)]
            held = [job(1_000 + n, root=500 + n, held=True, next_at_ms=START_MS - 5_000) for n in range(200)]
            bench.rows.add(*heads, *blocked, *held)
            await started(bench, endpoint(order="strict"))
            await bench.until_done(within_s=120)
            assert len(bench.receiver.sent) == 255

        in_jumping_time(main, window=4, blocked=20)

    def test_a_recovered_endpoint_gets_its_backlog_at_full_width(self) -> None:
        async def main(bench: Bench) -> None:
            bench.receiver.answer = lambda key, request: 500
            await started(bench, endpoint(order="none"))
            bench.accept(*(job(number) for number in range(1, 101)))
            await asyncio.sleep(1)
            assert bench.dispatcher.stats().lanes[1].health.condition == "failing"
            bench.receiver.answer = lambda key, request: 200
            bench.accept(job(101))
            await bench.until_done()
            assert {result.delivery.state for result in bench.rows.results[-100:]} == {"succeeded"}
            assert [notice.kind for notice in bench.notices] == ["endpoint.failing", "endpoint.recovered"]
            assert bench.dispatcher.health(1) == bench.dispatcher.health(99) == Health()
            assert list(bench.dispatcher.sending(1)) == list(bench.dispatcher.sending(99)) == []

        in_jumping_time(main)


class TestStarting:
    """What an earlier life left open."""

    def test_what_was_in_flight_at_a_kill_is_sent_again_and_is_no_retry(self) -> None:
        async def main(bench: Bench) -> None:
            bench.rows.add(job(1), job(2, root=9), job(3, root=9))
            await started(bench)
            await bench.until_done()
            assert [body.split(" ")[:2] for body in bench.receiver.bodies()] == [["1", "0"], ["2", "0"], ["3", "0"]]
            assert {result.delivery.attempts for result in bench.rows.results} == {1}

        in_jumping_time(main)

    def test_overdue_retries_go_at_once_and_later_ones_at_their_time(self) -> None:
        async def main(bench: Bench) -> None:
            for number, due_s in ((1, -50), (2, 20), (3, 4_000)):
                bench.rows.add(
                    with_state(job(number), attempts=1, state="retrying", next_at_ms=START_MS + due_s * 1000, signed_at_s=7)
                )
            await started(bench)
            await bench.until_done()
            assert [round(at) for at, _, _ in bench.receiver.sent] == [0, 20, 4_000]
            assert bench.receiver.bodies()[0] == "1 1 7 -"

        in_jumping_time(main)

    def test_a_million_pending_are_not_read_at_the_start(self) -> None:
        async def main(bench: Bench) -> None:
            each = 200
            for to in range(1, 101):
                bench.rows.add(*(job(to * 10_000 + number, to=to) for number in range(each)))
            bench.receiver.answer = lambda key, request: None
            await started(bench, *(endpoint(number, max_in_flight=4) for number in range(1, 101)))
            await asyncio.sleep(5)
            stats = bench.dispatcher.stats()
            assert stats.in_flight == 400
            assert stats.jobs <= 2_000 + 400
            assert bench.rows.rows_read <= 2_000 + 1_000
            assert all(lane.more for lane in stats.lanes.values())

        in_jumping_time(main, window=100, jobs=2_000)

    def test_a_backlog_many_windows_long_is_delivered_whole_and_once(self) -> None:
        async def main(bench: Bench) -> None:
            bench.rows.add(*(job(number, root=number % 7) for number in range(1, 501)))
            await started(bench)
            for number in range(501, 601):
                bench.accept(job(number, root=number % 7))
                await asyncio.sleep(0.01)
            await bench.until_done()
            sent = [int(body.split(" ")[0]) for body in bench.receiver.bodies()]
            assert sorted(sent) == list(range(1, 601))
            for root in range(7):
                assert [number for number in sent if number % 7 == root] == [n for n in range(1, 601) if n % 7 == root]

        in_jumping_time(main, window=20)

    def test_offers_before_the_store_has_answered_are_neither_lost_nor_doubled(self) -> None:
        async def main(bench: Bench) -> None:
            bench.rows.add(job(1, to=1))
            for number in (1, 2):
                bench.dispatcher.set_endpoint(endpoint(number))
            bench.accept(job(2, to=1), job(3, to=2))
            bench.dispatcher.start()
            bench.accept(job(4, to=1), job(5, to=2))
            await bench.until_done()
            assert sorted(body.split(" ")[0] for body in bench.receiver.bodies()) == ["1", "2", "3", "4", "5"]

        in_jumping_time(main)

    def test_a_store_that_is_away_at_the_start_is_asked_again(self) -> None:
        async def main(bench: Bench) -> None:
            bench.rows.add(job(1))
            bench.rows.away = True
            await started(bench)
            await asyncio.sleep(5)
            assert bench.receiver.sent == []
            bench.rows.away = False
            await bench.until_done(within_s=5)

        in_jumping_time(main)

    def test_a_store_that_goes_away_in_between_is_asked_again(self) -> None:
        async def main(bench: Bench) -> None:
            await started(bench)
            bench.rows.add(job(1))
            bench.rows.away = True
            bench.dispatcher.poke(1)
            await asyncio.sleep(3)
            bench.rows.away = False
            await bench.until_done(within_s=5)

        in_jumping_time(main)

    def test_work_of_a_deleted_endpoint_is_cancelled(self) -> None:
        async def main(bench: Bench) -> None:
            bench.rows.add(*(job(number, to=5) for number in range(1, 51)))
            await started(bench)
            await bench.until_done()
            assert {result.delivery.state for result in bench.rows.results} == {"cancelled"}
            assert bench.rows.attempts == []
            await asyncio.sleep(20)
            assert 5 not in bench.dispatcher.stats().lanes

        in_jumping_time(main, window=10)

    def test_an_endpoint_made_later_is_served(self) -> None:
        async def main(bench: Bench) -> None:
            await started(bench)
            bench.dispatcher.set_endpoint(endpoint(2))
            bench.accept(job(1, to=2))
            await bench.until_done(within_s=1)

        in_jumping_time(main)

    def test_a_lost_hand_over_is_found(self) -> None:
        async def main(bench: Bench) -> None:
            await started(bench)
            bench.rows.add(job(1))
            await bench.until_done(within_s=20)

        in_jumping_time(main)

    def test_a_delivery_on_its_way_is_not_sent_again_by_a_poll(self) -> None:
        async def main(bench: Bench) -> None:
            bench.rows.add(with_state(job(1), attempts=1, state="retrying", next_at_ms=START_MS))
            bench.receiver.takes_s = 45.0
            await started(bench)
            bench.dispatcher.poke(1)
            await bench.until_done()
            assert len(bench.receiver.sent) == 1

        in_jumping_time(main)


class TestHolding:
    """Deliveries that wait for facts."""

    def held(self, number: int = 1, for_s: int = 20) -> Any:
        return job(number, root=77, awaits=True, held=True, next_at_ms=START_MS + for_s * 1000)

    def call_now(self) -> Call:
        return Call(account="a", id="c", root="c", context=Context(awaits=["recording"], recording=Recording(url="rec.wav")))

    def test_it_goes_out_when_due_with_what_is_known_by_then(self) -> None:
        async def main(bench: Bench) -> None:
            await started(bench)
            bench.accept(self.held())
            await asyncio.sleep(10)
            assert bench.receiver.sent == []
            bench.rows.calls[77] = self.call_now()
            await bench.until_done()
            assert round(bench.receiver.sent[0][0], 1) == 20.0
            assert bench.receiver.bodies()[0].endswith("rec.wav")

        in_jumping_time(main)

    @pytest.mark.parametrize("for_s", [20, 900])
    def test_released_it_goes_out_at_once(self, for_s: int) -> None:
        async def main(bench: Bench) -> None:
            await started(bench)
            bench.accept(self.held(for_s=for_s))
            await asyncio.sleep(3)
            bench.rows.calls[77] = self.call_now()
            bench.rows.add(with_state(self.held(), held=False, next_at_ms=0))
            bench.dispatcher.release([1])
            await bench.until_done(within_s=1)
            assert bench.receiver.bodies()[0].endswith("rec.wav")

        in_jumping_time(main)

    def test_the_call_is_read_again_when_the_store_is_back(self) -> None:
        async def main(bench: Bench) -> None:
            await started(bench)
            bench.accept(self.held(for_s=2))
            bench.rows.calls[77] = self.call_now()
            await asyncio.sleep(1)
            bench.rows.away = True
            await asyncio.sleep(5)
            assert bench.receiver.sent == []
            assert list(bench.dispatcher.sending(1)) == [1]
            bench.rows.away = False
            await bench.until_done(within_s=5)
            assert bench.receiver.bodies()[0].endswith("rec.wav")

        in_jumping_time(main)

    def test_released_while_the_store_is_away(self) -> None:
        async def main(bench: Bench) -> None:
            await started(bench)
            bench.accept(self.held(for_s=900))
            await asyncio.sleep(3)
            bench.rows.add(with_state(self.held(), held=False, next_at_ms=0))
            bench.rows.away = True
            bench.dispatcher.release([1])
            await asyncio.sleep(5)
            assert bench.receiver.sent == []
            bench.rows.away = False
            await bench.until_done(within_s=5)
            assert len(bench.receiver.sent) == 1

        in_jumping_time(main)

    def test_a_call_that_was_erased_is_sent_as_it_was(self) -> None:
        async def main(bench: Bench) -> None:
            await started(bench)
            bench.accept(self.held())
            await bench.until_done()
            assert bench.receiver.bodies()[0].endswith(" -")

        in_jumping_time(main)

    def test_an_endpoint_disabled_while_the_call_is_read(self) -> None:
        async def main(bench: Bench) -> None:
            await started(bench)
            bench.accept(self.held(for_s=1))
            await asyncio.sleep(0.9005)
            bench.dispatcher.set_endpoint(endpoint(enabled=False))
            await bench.until_done(within_s=5)
            assert bench.receiver.sent == []
            assert bench.rows.results[0].delivery.state == "cancelled"

        in_jumping_time(main)


class TestTrouble:
    """What is around the dispatcher fails."""

    def test_what_cannot_be_rendered_is_a_failed_attempt_and_no_stuck_lane(self) -> None:
        async def main(bench: Bench) -> None:
            bench.dialect.broken = {1: ZeroDivisionError("secret"), 2: InvalidInput("the body is too large")}
            await started(bench, endpoint(max_in_flight=1))
            bench.accept(*(job(number, root=9) for number in (1, 2, 3)))
            await asyncio.sleep(1)
            assert [body[0] for body in bench.receiver.bodies()] == ["3"]
            first, second = bench.rows.attempts[:2]
            assert (first.outcome.error, first.outcome.detail) == ("request", "the request could not be made: ZeroDivisionError")
            assert (second.outcome.error, second.outcome.detail) == ("request", "the body is too large")
            assert (first.method, first.url, first.headers, first.body) == ("POST", "https://e1/", (), b"")
            assert bench.rows.results[0].delivery.state == "retrying"
            bench.dialect.broken = {}
            await bench.until_done()
            assert {job.delivery.state for job in bench.rows.jobs.values()} == {"succeeded"}

        in_jumping_time(main)

    def test_a_sender_that_refuses_is_a_failed_attempt(self) -> None:
        async def main(bench: Bench) -> None:
            await started(bench, endpoint(url="refuse"))
            bench.accept(job(1))
            await bench.until_done()
            assert {attempt.outcome.error for attempt in bench.rows.attempts} == {"request"}

        in_jumping_time(main, retry=RetryPolicy(delays_s=()))

    def test_an_unknown_dialect_gives_up(self) -> None:
        async def main(bench: Bench) -> None:
            await started(bench, endpoint(dialect="gone"))
            bench.accept(job(1))
            await bench.until_done()
            assert bench.rows.attempts[0].outcome.detail == "no such dialect: gone"

        in_jumping_time(main)

    def test_a_dialect_that_cannot_judge_gives_up(self) -> None:
        async def main(bench: Bench) -> None:
            bench.dialect.cannot_judge = True
            await started(bench)
            bench.accept(job(1))
            await bench.until_done()
            assert bench.rows.results[0].delivery.state == "exhausted"

        in_jumping_time(main)

    def test_a_dialect_that_cannot_say_whether_it_waits_fails_the_attempt_alone(self) -> None:
        async def main(bench: Bench) -> None:
            bench.dialect.cannot_wait = True
            await started(bench)
            bench.accept(job(1))
            await bench.until_done()
            assert bench.rows.results[0].delivery.state == "succeeded"

        in_jumping_time(main)

    def test_headers_that_cannot_be_shown_cost_the_log_and_not_the_result(self) -> None:
        async def main(bench: Bench) -> None:
            bench.receiver.cannot_show = True
            await started(bench)
            bench.accept(job(1))
            await bench.until_done()
            assert bench.rows.attempts[0].headers == ()

        in_jumping_time(main)

    def test_an_outcome_told_twice_counts_once(self) -> None:
        async def main(bench: Bench) -> None:
            bench.receiver.twice = True
            await started(bench, endpoint(max_in_flight=1))
            bench.accept(*(job(number) for number in range(1, 6)))
            await bench.until_done()
            assert len(bench.rows.results) == 5
            assert bench.receiver.most_in_flight[1] == 1

        in_jumping_time(main)

    def test_a_sink_that_fails_stops_no_lane(self) -> None:
        async def main(bench: Bench) -> None:
            bench.rows.refuses_results = True
            await started(bench, endpoint(max_in_flight=1))
            bench.accept(job(1), job(2))
            await asyncio.sleep(1)
            assert len(bench.receiver.sent) == 2

        in_jumping_time(main)

    def test_hooks_that_fail_stop_no_lane(self) -> None:
        async def main(bench: Bench) -> None:
            bench.receiver.answer = lambda key, request: 500
            await started(bench)
            bench.accept(*(job(number) for number in range(1, 11)))
            await bench.until_done()
            assert len(bench.receiver.sent) == 40
            assert bench.notices

        in_jumping_time(main, hooks_fail=True)


class TestChanging:
    """Endpoints that are changed, disabled, deleted while work waits."""

    def test_the_newest_url_is_used(self) -> None:
        async def main(bench: Bench) -> None:
            bench.receiver.answer = lambda key, request: 500
            await started(bench)
            bench.accept(job(1))
            await asyncio.sleep(1)
            bench.receiver.answer = lambda key, request: 200
            bench.dispatcher.set_endpoint(endpoint(url="https://new/"))
            await bench.until_done()
            assert [request.url for _, _, request in bench.receiver.sent] == ["https://e1/", "https://new/"]

        in_jumping_time(main)

    @pytest.mark.parametrize("how", ["disabled", "deleted"])
    def test_what_waits_is_cancelled_unsent(self, how: str) -> None:
        async def main(bench: Bench) -> None:
            bench.receiver.answer = lambda key, request: None
            await started(bench, endpoint(max_in_flight=1))
            bench.accept(
                job(1), job(2), job(3, root=9), job(4, root=9), job(5, awaits=True, held=True, next_at_ms=START_MS + 9_000)
            )
            await asyncio.sleep(1)
            if how == "disabled":
                bench.dispatcher.set_endpoint(endpoint(enabled=False))
            else:
                bench.dispatcher.remove_endpoint(1)
            assert sorted(result.delivery.id for result in bench.rows.results) == [2, 3, 4, 5]
            assert {result.delivery.state for result in bench.rows.results} == {"cancelled"}
            bench.receiver.waiting[0](Outcome(started_at_ms=0, error="timeout"))
            assert (bench.rows.results[-1].delivery.id, bench.rows.results[-1].delivery.state) == (1, "cancelled")
            assert len(bench.rows.attempts) == 1, "the attempt that was on its way is kept"
            bench.accept(job(6))
            await bench.until_done()
            assert bench.rows.results[-1].delivery.state == "cancelled"

        in_jumping_time(main)

    def test_enabled_again_it_is_served_and_well(self) -> None:
        async def main(bench: Bench) -> None:
            await started(bench, endpoint(enabled=False))
            bench.dispatcher.set_endpoint(endpoint(enabled=False), Health("disabled", 9, START_MS))
            bench.dispatcher.set_endpoint(endpoint())
            bench.accept(job(1))
            await bench.until_done()
            assert bench.rows.results[-1].delivery.state == "succeeded"
            assert bench.dispatcher.stats().lanes[1].health.condition == "healthy"

        in_jumping_time(main)

    def test_gone_disables_with_notice_and_cancels_the_rest(self) -> None:
        async def main(bench: Bench) -> None:
            bench.receiver.answer = lambda key, request: 410
            await started(bench, endpoint(max_in_flight=1))
            bench.accept(job(1), job(2))
            await bench.until_done()
            assert bench.disabled == [(1, "it answered 410 Gone")]
            assert [(notice.kind, notice.reason) for notice in bench.notices] == [("endpoint.disabled", "it answered 410 Gone")]
            assert [result.delivery.state for result in bench.rows.results] == ["exhausted", "cancelled"]

        in_jumping_time(main, retry=RetryPolicy(delays_s=(5,), gone_disables=True))

    def test_what_a_replaced_url_answers_does_not_disable(self) -> None:
        async def main(bench: Bench) -> None:
            bench.receiver.answer = lambda key, request: None
            await started(bench)
            bench.accept(job(1))
            await asyncio.sleep(1)
            bench.dispatcher.set_endpoint(endpoint(url="https://new/"))
            bench.receiver.waiting[0](Outcome(started_at_ms=0, status=410))
            assert bench.disabled == []

        in_jumping_time(main, retry=RetryPolicy(delays_s=(5,), gone_disables=True))

    @pytest.mark.parametrize(("disables", "expected"), [(True, [(1, "nothing but failures for days")]), (False, [])])
    def test_five_days_of_nothing_but_failures(self, disables: bool, expected: Any) -> None:
        async def main(bench: Bench) -> None:
            bench.receiver.answer = lambda key, request: 500
            await started(bench)
            for number in range(1, 8):
                bench.accept(job(number))
                await asyncio.sleep(DAY_S)
            assert bench.disabled == expected

        in_jumping_time(main, retry=RetryPolicy(delays_s=(5, 300), gone_disables=disables))

    def test_a_row_of_failures_that_began_before_the_start_counts(self) -> None:
        async def main(bench: Bench) -> None:
            bench.receiver.answer = lambda key, request: 500
            bench.dispatcher.set_endpoint(endpoint(), Health("failing", 9, START_MS - 5 * 86_400_000))
            bench.dispatcher.start()
            bench.accept(job(1))
            await asyncio.sleep(1)
            assert bench.disabled == [(1, "nothing but failures for days")]
            assert bench.dispatcher.health(1).failures == 10

        in_jumping_time(main, retry=RetryPolicy(delays_s=(5,), gone_disables=True))

    def test_every_change_of_health_is_told_with_its_reason(self) -> None:
        async def main(bench: Bench) -> None:
            bench.receiver.answer = lambda key, request: 500
            await started(bench, endpoint(order="none"))
            bench.accept(*(job(number) for number in range(1, 7)))
            await asyncio.sleep(1)
            healths = [health for _, health in bench.healths]
            assert [(health.condition, health.failures) for health in healths] == [
                *(("healthy", number) for number in range(1, 5)), ("failing", 5), ("failing", 6)
            ]  # fmt: skip
            assert healths[-1].reason == "5 attempts in a row failed"
            assert healths[-1].changed_at_ms >= healths[-1].since_ms > 0
            bench.receiver.answer = lambda key, request: 200
            await bench.until_done()
            assert bench.healths[-1] == (1, Health())

        in_jumping_time(main)

    @pytest.mark.parametrize("status", [500, 410])
    def test_tests_say_nothing_about_health(self, status: int) -> None:
        async def main(bench: Bench) -> None:
            bench.receiver.answer = lambda key, request: status
            await started(bench)
            bench.accept(*(job(number, kind="test") for number in range(1, 20)))
            await bench.until_done()
            assert {result.delivery.state for result in bench.rows.results} == {"exhausted"}
            assert (len(bench.receiver.sent), bench.healths, bench.notices, bench.disabled) == (19, [], [], [])
            assert bench.dispatcher.health(1) == Health()

        in_jumping_time(main, retry=RetryPolicy(delays_s=(5, 300), gone_disables=True))

    @pytest.mark.parametrize("awaits", [False, True])
    def test_a_disabled_endpoint_can_be_tested(self, awaits: bool) -> None:
        async def main(bench: Bench) -> None:
            await started(bench, endpoint(enabled=False))
            bench.accept(job(1, kind="test", awaits=awaits), job(2), job(3, kind="resend"))
            await bench.until_done()
            ends = {result.delivery.id: result.delivery.state for result in bench.rows.results}
            assert ends == {1: "succeeded", 2: "cancelled", 3: "cancelled"}

        in_jumping_time(main)

    def test_notices_are_in_no_order_and_are_tried_again(self) -> None:
        async def main(bench: Bench) -> None:
            bench.receiver.answer = lambda key, request: 200 if len(bench.receiver.sent) > 2 else 500
            await started(bench, endpoint(order="strict"))
            bench.accept(job(9, root=5))
            await asyncio.sleep(1)
            bench.accept(job(3, kind="notice"))
            await bench.until_done()
            assert [body.split()[0] for body in bench.receiver.bodies()] == ["9", "3", "9", "3"]

        in_jumping_time(main)

    @pytest.mark.parametrize("error", ["proxy", "request"])
    def test_what_is_not_the_endpoints_doing_does_not_count_against_it(self, error: Any) -> None:
        async def main(bench: Bench) -> None:
            bench.receiver.answer = lambda key, request: Outcome(started_at_ms=0, error=error)
            await started(bench)
            bench.accept(*(job(number) for number in range(1, 31)))
            await bench.until_done()
            assert bench.notices == []
            assert bench.dispatcher.stats().lanes[1].health == Health()

        in_jumping_time(main)


class TestDraining:
    """Stopping."""

    def test_what_is_on_its_way_is_waited_for_and_nothing_new_is_taken(self) -> None:
        async def main(bench: Bench) -> None:
            bench.receiver.takes_s = 2.0
            await started(bench, endpoint(max_in_flight=2))
            bench.accept(*(job(number) for number in range(1, 5)))
            assert await bench.dispatcher.drain(5.0) == 0
            assert bench.loop.time() == pytest.approx(2.1)
            assert [result.delivery.state for result in bench.rows.results] == ["succeeded"] * 2
            bench.dispatcher.offer([job(9)])
            bench.dispatcher.release([3])
            await asyncio.sleep(60)
            assert len(bench.receiver.sent) == 2

        in_jumping_time(main)

    def test_what_hangs_is_left_for_the_next_start(self) -> None:
        async def main(bench: Bench) -> None:
            bench.receiver.answer = lambda key, request: None
            await started(bench)
            bench.accept(job(1))
            assert await bench.dispatcher.drain(3.0) == 1
            bench.receiver.waiting[0](Outcome(started_at_ms=0, error="reset", detail="stopped before an answer came"))
            assert bench.rows.results == []
            bench.receiver.answer = lambda key, request: 200
            bench.dispatcher = bench.new_dispatcher()
            await started(bench)
            await bench.until_done()
            assert bench.rows.results[0].delivery.attempts == 1

        in_jumping_time(main)

    def test_one_whose_call_is_being_read_is_left_too(self) -> None:
        async def main(bench: Bench) -> None:
            await started(bench)
            bench.rows.away = True
            bench.accept(job(1, awaits=True))
            await asyncio.sleep(0.5)
            assert bench.dispatcher.stats().in_flight == 1
            assert await bench.dispatcher.drain(3.0) == 0
            assert bench.receiver.sent == []

        in_jumping_time(main)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.com/a@b", "https://example.com/a@b"),
        ("https://user:pass@example.com/a@b", "https://***@example.com/a@b"),
        ("https://token@example.com?x=1", "https://***@example.com?x=1"),
        ("https://a@b@example.com#f", "https://***@example.com#f"),
        ("https://example.com?mail=a@b", "https://example.com?mail=a@b"),
    ],
)
def test_credentials_in_a_url_are_masked(url: str, shown: str) -> None:
    assert masked_url(url) == shown


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4), st.sampled_from([0.0, 0.01, 2.0])), min_size=1, max_size=60),
    st.lists(st.sampled_from([200, 200, 500, 302, 0]), min_size=1, max_size=50),
    st.sampled_from(["call", "strict", "none"]),
    st.integers(2, 8),
)
def test_whatever_receivers_do_everything_ends_once(
    work: list[tuple[int, int, float]], answers: list[int], order: Any, window: int
) -> None:
    async def main(bench: Bench) -> None:
        script = iter(answers)

        def answer(key: int, request: Any) -> Any:
            status = next(script, 200)
            return status or Outcome(started_at_ms=0, error="timeout", total_ms=10_000)

        bench.receiver.answer = answer
        await started(bench, *(endpoint(number, order=order, max_in_flight=3) for number in (1, 2, 3)))
        for number, (to, root, pause_s) in enumerate(work, 1):
            bench.accept(job(number, to=to, root=root))
            await asyncio.sleep(pause_s)
        await bench.until_done()
        ends = [result.delivery.id for result in bench.rows.results if result.delivery.state != "retrying"]
        assert sorted(ends) == list(range(1, len(work) + 1))
        assert len(bench.rows.attempts) == len(bench.receiver.sent)
        tried = [(attempt.delivery, attempt.number) for attempt in bench.rows.attempts]
        assert len(set(tried)) == len(tried)
        assert max(bench.receiver.most_in_flight.values()) <= 3
        await asyncio.sleep(60)
        stats = bench.dispatcher.stats()
        assert (stats.in_flight, stats.queued, stats.jobs) == (0, 0, 0)

    in_jumping_time(main, window=window)
