"""Lanes, case by case: what a lane takes in, who goes next, what it reads."""

from typing import Any

import pytest

from ringback.calls.model import Call, Event
from ringback.delivery.lanes import PAUSE_MS, Lane
from ringback.delivery.limits import Bucket, Budget, Limits
from ringback.delivery.order import Gates
from ringback.delivery.readings import Read
from ringback.delivery.timers import Timers
from ringback.webhooks.deliveries import cancelled
from ringback.webhooks.health import HEALTHY, Health
from ringback.webhooks.model import Delivery, Endpoint
from ringback.webhooks.records import Job

CALL = Call(account="a", id="c", root="c")
EVENT = Event(id=1, type="call.ringing", at_ms=0, seq=1, call=CALL, root=CALL)
NOW = 1_000_000


def job(number: int, root: int = 0, **fields: Any) -> Job:
    return Job(Delivery(id=number, endpoint=7, event=1, root=root or number, name="x", **fields), EVENT)


def endpoint(**fields: Any) -> Endpoint:
    return Endpoint(id=7, account="a", url="https://x/", dialect="d", **fields)


def lane(*, limits: Limits | None = None, has_open: bool = False, timers: Timers[Lane] | None = None, **fields: Any) -> Lane:
    """A lane that has started."""
    made = Lane(7, endpoint(**fields), Budget(limits or Limits()), Timers() if timers is None else timers)
    made.await_start()
    made.started(has_open, NOW)
    return made


def take_all(of: Lane, now_ms: int = NOW, share: int | None = None) -> list[int]:
    taken = []
    while (found := of.take(now_ms, share)) is not None:
        taken.append(found.delivery.id)
    return taken


def end(of: Lane, number: int, state: Any = "succeeded", next_at_ms: int = 0, now_ms: int = NOW) -> None:
    found = of.flying[number]
    before = found.delivery
    after = Delivery(
        id=before.id, endpoint=7, event=1, root=before.root, name="x", kind=before.kind, state=state,
        attempts=before.attempts + 1, next_at_ms=next_at_ms,
    )  # fmt: skip
    assert of.over(found, after, now_ms)


class TestCaps:
    """How many requests at a time."""

    def test_no_more_than_the_cap(self) -> None:
        made = lane(max_in_flight=3)
        for number in range(1, 6):
            made.offer(job(number), NOW)
        assert take_all(made) == [1, 2, 3]
        end(made, 2)
        assert take_all(made) == [4]

    def test_one_at_a_time_while_failing(self) -> None:
        made = lane(max_in_flight=3)
        made.health = Health("failing", 5, NOW)
        for number in range(1, 4):
            made.offer(job(number), NOW)
        assert take_all(made) == [1]

    def test_no_more_than_the_share(self) -> None:
        made = lane(max_in_flight=5)
        for number in range(1, 10):
            made.offer(job(number), NOW)
        assert take_all(made, share=3) == [1, 2, 3]
        assert take_all(made) == [4, 5]
        end(made, 1)
        assert take_all(made, share=3) == [], "more than its share is in flight already"
        end(made, 2)
        end(made, 3)
        assert take_all(made, share=3) == [6]
        end(made, 6)
        assert take_all(made, share=9) == [7, 8, 9]

    def test_late_ones_that_began_when_there_was_room_leave_first_attempts_their_part_of_the_share(self) -> None:
        made = lane(max_in_flight=16)
        for number in range(1, 13):
            made.offer(job(number, kind="resend"), NOW)
        assert take_all(made) == list(range(1, 13))
        for number in range(21, 26):
            made.offer(job(number), NOW)
        made.offer(job(13, kind="resend"), NOW)
        assert take_all(made, share=8) == [21, 22], "a quarter of eight"
        end(made, 21)
        assert take_all(made, share=8) == [23]

    def test_late_ones_leave_a_quarter_of_the_share(self) -> None:
        made = lane(max_in_flight=64)
        for number in range(1, 13):
            made.offer(job(number, kind="resend"), NOW)
        assert take_all(made, share=2) == [1]
        end(made, 1)
        assert take_all(made, share=8) == [2, 3, 4, 5, 6, 7]

    def test_late_ones_leave_a_quarter_to_first_attempts(self) -> None:
        made = lane(max_in_flight=8, has_open=True)
        need = made.begin()
        assert need
        made.absorb(need, Read(open=[job(number, attempts=1, state="retrying") for number in range(1, 21)]), NOW)
        assert len(take_all(made)) == 6
        made.offer(job(100), NOW)
        assert take_all(made) == [100]

    def test_first_attempts_and_late_ones_take_turns(self) -> None:
        made = lane(has_open=True)
        need = made.begin()
        assert need
        rows = [job(number, attempts=number % 2, state="retrying" if number % 2 else "pending") for number in (1, 3, 5, 2, 4, 6)]
        made.absorb(need, Read(open=sorted(rows, key=lambda one: one.delivery.id)), NOW)
        assert take_all(made) == [2, 1, 4, 3, 6, 5]

    def test_a_failing_lane_does_not_starve_either(self) -> None:
        made = lane(has_open=True)
        made.health = Health("failing", 5, NOW)
        need = made.begin()
        assert need
        made.absorb(
            need, Read(open=[job(n, attempts=int(n > 2), state="retrying" if n > 2 else "pending") for n in range(1, 5)]), NOW
        )
        order = []
        for turn in range(4):
            (number,) = take_all(made, NOW + turn * PAUSE_MS)
            order.append(number)
            end(made, number, "exhausted")
        assert order == [1, 3, 2, 4]

    def test_a_failing_lane_pauses_between_requests(self) -> None:
        made = lane()
        for number in range(1, 6):
            made.offer(job(number), NOW)
        made.health = Health("failing", 5, NOW)
        assert take_all(made) == [1]
        assert not made.starved, "one at a time: it waits for its answer"
        end(made, 1, "exhausted")
        assert take_all(made, NOW + PAUSE_MS - 1) == []
        assert made.starved
        assert made.rate_wait_ms() <= PAUSE_MS
        assert take_all(made, NOW + PAUSE_MS) == [2]
        end(made, 2)
        made.health = HEALTHY
        assert take_all(made, NOW + PAUSE_MS) == [3, 4, 5], "one success ends it"
        for number in (3, 4, 5):
            end(made, number)
        made.health = Health("failing", 5, NOW)
        assert take_all(made, NOW + 2 * PAUSE_MS) == []
        assert not made.starved, "nothing to send, nothing to wake up for"

    def test_a_test_goes_first(self) -> None:
        made = lane()
        for number in (1, 2):
            made.offer(job(number), NOW)
        made.offer(job(3, kind="test"), NOW)
        assert take_all(made) == [3, 1, 2]

    def test_the_rate_holds_and_says_when_to_come_again(self) -> None:
        made = lane(rate_per_s=20.0)
        for number in range(1, 6):
            made.offer(job(number), NOW)
        assert take_all(made) == [1, 2]
        assert made.starved
        assert made.rate_wait_ms() == 50
        assert take_all(made, NOW + 49) == []
        assert take_all(made, NOW + 50) == [3]
        assert take_all(made, NOW + 100_000) == [4, 5]
        assert not made.starved


class TestOrder:
    """Who waits for whom in a conversation."""

    def test_call_waits_for_the_first_attempt_only(self) -> None:
        made = lane(order="call")
        for number in (1, 2, 3):
            made.offer(job(number, root=5), NOW)
        made.offer(job(4, root=6), NOW)
        assert take_all(made) == [1, 4]
        end(made, 1, "retrying", NOW + 20_000)
        assert take_all(made) == [2]

    def test_strict_waits_for_the_end(self) -> None:
        made = lane(order="strict")
        for number in (1, 2):
            made.offer(job(number, root=5), NOW)
        assert take_all(made) == [1]
        end(made, 1, "retrying", NOW)
        assert take_all(made) == [1]
        end(made, 1, "exhausted")
        assert take_all(made) == [2]

    def test_none_waits_for_nothing(self) -> None:
        made = lane(order="none")
        for number in (1, 2, 3):
            made.offer(job(number, root=5), NOW)
        assert take_all(made) == [1, 2, 3]

    @pytest.mark.parametrize("order", ["call", "strict"])
    @pytest.mark.parametrize("kind", ["resend", "replay", "test"])
    def test_what_a_person_sends_neither_waits_nor_blocks(self, order: Any, kind: Any) -> None:
        made = lane(order=order)
        made.offer(job(1, root=5), NOW)
        made.offer(job(2, root=5, kind=kind), NOW)
        made.offer(job(3, root=5), NOW)
        assert sorted(take_all(made)) == [1, 2]
        end(made, 1)
        assert take_all(made) == [3]

    @pytest.mark.parametrize("order", ["call", "strict"])
    def test_a_held_delivery_blocks_its_conversation_until_it_is_due(self, order: Any) -> None:
        timers: Timers[Lane] = Timers()
        made = lane(order=order, timers=timers)
        made.offer(job(1, root=5, held=True, next_at_ms=NOW + 5_000), NOW)
        made.offer(job(2, root=5), NOW)
        assert take_all(made) == []
        assert timers.pop(NOW + 4_999) is None
        due = timers.pop(NOW + 5_000)
        assert due
        due[0].time_come(due[1])
        assert take_all(made) == [1]
        end(made, 1)
        assert take_all(made) == [2]

    def test_in_call_order_a_retry_found_at_the_start_blocks_nobody(self) -> None:
        made = lane(order="call", has_open=True)
        need = made.begin()
        assert need
        rows = [job(1, root=5, attempts=1, state="retrying", next_at_ms=NOW + 9_000), job(2, root=5)]
        made.absorb(need, Read(open=rows), NOW)
        assert take_all(made) == [2]

    def test_in_strict_order_one_that_is_due_in_hours_blocks_from_the_store(self) -> None:
        made = lane(order="strict", has_open=True)
        need = made.begin()
        assert need
        made.absorb(
            need, Read(open=[job(1, root=5, attempts=1, state="retrying", next_at_ms=NOW + 9_000_000), job(2, root=5)]), NOW
        )
        assert take_all(made) == []
        assert made.queued == 1
        later = NOW + 9_000_000
        made.look_round(True, later)
        need = made.begin()
        assert need
        made.absorb(need, Read(due=[job(1, root=5, attempts=1, state="retrying", next_at_ms=later)]), later)
        assert take_all(made, later) == [1]
        end(made, 1, now_ms=later)
        assert take_all(made, later) == [2]

    def test_a_released_one_that_waits_behind_another_goes_when_its_turn_comes(self) -> None:
        made = lane(order="strict")
        made.offer(job(1, root=5), NOW)
        made.offer(job(2, root=5, held=True, next_at_ms=NOW + 20_000), NOW)
        assert take_all(made) == [1]
        made.offer_due(job(2, root=5), NOW)
        end(made, 1)
        assert take_all(made) == [2]

    def test_a_blocked_conversation_starves_no_other(self) -> None:
        made = lane(order="strict", limits=Limits(window=8, blocked=1_000), max_in_flight=2, has_open=True)
        stuck = [job(number, root=5) for number in range(1, 501)]
        others = [job(number, root=number) for number in range(501, 511)]
        rows = stuck + others
        done: list[int] = []
        for _ in range(200):
            need = made.begin()
            if need is not None:
                found = [one for one in rows if one.delivery.id > need.cursor][: need.open_limit]
                made.absorb(need, Read(open=found), NOW)
            for number in take_all(made):
                if number > 1:
                    end(made, number)
                    done.append(number)
        assert done == list(range(501, 511))
        assert made.jobs <= 8 + 4

    def test_the_ids_of_a_blocked_conversation_are_bounded(self) -> None:
        made = lane(order="strict", limits=Limits(window=8, blocked=50))
        for number in range(1, 200):
            made.offer(job(number, root=5), NOW)
        assert made.queued == 50
        assert made.more

    def test_a_waiting_delivery_that_is_gone_passes_its_turn_on(self) -> None:
        made = lane(order="call", limits=Limits(window=2, blocked=50))
        for number in range(1, 5):
            made.offer(job(number, root=5), NOW)
        assert take_all(made) == [1]
        end(made, 1)
        assert take_all(made) == [2]
        end(made, 2)
        need = made.begin()
        assert need
        assert need.turns == ((3, 5),)
        made.absorb(need, Read(single={3: None}), NOW)
        need = made.begin()
        assert need
        assert need.turns == ((4, 5),)
        made.absorb(need, Read(single={4: job(4, root=5)}), NOW)
        assert take_all(made) == [4]
        end(made, 4)
        assert made.queued == 0

    def test_an_order_that_is_lifted_lets_all_go(self) -> None:
        made = lane(order="strict")
        for number in (1, 2, 3):
            made.offer(job(number, root=5), NOW)
        assert take_all(made) == [1]
        made.change(endpoint(order="none"), NOW)
        assert take_all(made) == [2, 3]


class TestWindow:
    """What is in memory and what is only in the store."""

    LIMITS = Limits(window=4)

    def full(self) -> Lane:
        made = lane(limits=self.LIMITS, max_in_flight=1)
        for number in range(1, 9):
            made.offer(job(number), NOW)
        return made

    def test_what_does_not_fit_is_left_to_the_store(self) -> None:
        made = self.full()
        assert made.queued == 4
        assert made.more
        assert made.begin() is None, "the window is full"
        for number in (1, 2):
            assert take_all(made) == [number]
            end(made, number)
        need = made.begin()
        assert need
        assert (need.cursor, need.open_limit) == (4, 2)

    def test_a_reading_that_reached_the_end_closes_the_gap(self) -> None:
        made = self.full()
        for number in (1, 2):
            assert take_all(made) == [number]
            end(made, number)
        need = made.begin()
        assert need
        made.absorb(need, Read(open=[job(5)]), NOW)
        assert not made.more
        made.offer(job(9), NOW)
        for number in (3, 4, 5, 9):
            assert take_all(made) == [number]
            end(made, number)

    def test_what_is_offered_during_a_reading_goes_out_without_another(self) -> None:
        made = lane(has_open=True)
        need = made.begin()
        assert need
        made.offer(job(3), NOW)
        made.offer(job(2), NOW)  # the reading saw it too
        made.absorb(need, Read(open=[job(1), job(2)]), NOW)
        assert take_all(made) == [1, 2, 3]
        assert not made.more

    def test_more_is_offered_during_a_reading_than_there_is_room_for(self) -> None:
        made = lane(has_open=True, limits=self.LIMITS)
        need = made.begin()
        assert need
        for number in range(1, 9):
            made.offer(job(number), NOW)
        made.absorb(need, Read(), NOW)
        assert made.queued == 4
        assert made.more

    def test_what_was_seen_is_not_taken_twice(self) -> None:
        made = lane(has_open=True)
        need = made.begin()
        assert need
        made.absorb(need, Read(open=[job(1)]), NOW)
        made.offer(job(1), NOW)
        assert take_all(made) == [1]
        end(made, 1)
        made.offer(job(1), NOW)
        assert take_all(made) == []

    def test_a_lost_hand_over_is_found_by_looking_round(self) -> None:
        made = lane()
        made.look_round(True, NOW)
        need = made.begin()
        assert need
        made.absorb(need, Read(open=[job(1)]), NOW)
        assert take_all(made) == [1]

    def test_a_store_that_cannot_answer_is_asked_again(self) -> None:
        made = lane(has_open=True)
        need = made.begin()
        assert need
        assert made.begin() is None
        made.failed(need)
        assert made.begin() == need

    def test_a_poke_reads_again_even_while_reading(self) -> None:
        made = lane()
        made.poke()
        need = made.begin()
        assert need
        assert need.open_limit
        assert need.due_limit
        made.poke()
        made.absorb(need, Read(), NOW)
        assert made.wants()

    def test_the_memory_is_shared_between_busy_lanes(self) -> None:
        budget = Budget(Limits(window=100, jobs=1_000))
        assert budget.window() == 100
        budget.busy = 50
        assert budget.window() == 20
        budget.busy = 1_000_000
        assert budget.window() == 16

    def test_when_it_is_used_up_every_lane_may_still_hold_a_little(self) -> None:
        budget = Budget(Limits(window=100, jobs=1_000, blocked=500, ids=700))
        budget.busy = 1
        budget.known, budget.ids = 1_500, 600
        assert (budget.window(), budget.blocked()) == (100, 500)
        budget.known, budget.ids = 1_700, 700
        assert (budget.window(), budget.blocked()) == (16, 16)


class TestDue:
    """Retries, held deliveries, releases."""

    def test_a_retry_soon_waits_here_one_in_an_hour_in_the_store(self) -> None:
        timers: Timers[Lane] = Timers()
        made = lane(timers=timers)
        for number in (1, 2):
            made.offer(job(number), NOW)
        take_all(made)
        end(made, 1, "retrying", NOW + 5_000)
        end(made, 2, "retrying", NOW + 3_600_000)
        assert (made.timed, made.queued, made.stored, timers.next_at_ms()) == (1, 1, True, NOW + 5_000)

    def test_a_row_older_than_what_happened_here_is_passed_over(self) -> None:
        made = lane()
        made.offer(job(1), NOW)
        take_all(made)
        end(made, 1, "retrying", NOW)
        take_all(made)
        end(made, 1, "retrying", NOW + 3_600_000)
        as_it_was = job(1, attempts=1, state="retrying", next_at_ms=NOW)
        made.offer_due(as_it_was, NOW)
        assert made.queued == 0
        as_it_is = job(1, attempts=2, state="retrying", next_at_ms=NOW + 3_600_000)
        made.offer_due(as_it_is, NOW + 3_590_000)
        assert made.timed == 1

    def test_a_row_of_before_the_first_attempt_does_not_hasten_the_retry(self) -> None:
        made = lane()
        made.offer(job(1), NOW)
        take_all(made)
        end(made, 1, "retrying", NOW + 9_000)
        made.offer_due(job(1), NOW)
        assert take_all(made) == []

    def test_a_released_row_moves_up(self) -> None:
        timers: Timers[Lane] = Timers()
        made = lane(timers=timers)
        made.offer(job(1, held=True, next_at_ms=NOW + 9_000), NOW)
        made.offer_due(job(1), NOW)
        assert take_all(made) == [1]
        assert len(timers) == made.timed == 0

    def test_one_that_is_released_before_it_was_read_goes_when_it_is(self) -> None:
        made = lane(has_open=True)
        need = made.begin()
        assert need
        made.offer_due(job(1), NOW)
        made.absorb(need, Read(open=[job(1, held=True, next_at_ms=NOW + 900_000)]), NOW)
        assert take_all(made) == [1]

    def test_an_answer_full_of_known_rows_is_asked_for_with_room_for_others(self) -> None:
        made = lane(limits=Limits(window=2))
        made.offer(job(1, root=5), NOW)
        for number in (2, 3, 4):
            made.offer(job(number, root=5, held=True, next_at_ms=NOW), NOW)
        take_all(made)
        made.poke()
        need = made.begin()
        assert need
        assert need.due_limit == 2 + 1 + 3

    def test_resends_beyond_the_window_wait_as_ids(self) -> None:
        made = lane(limits=Limits(window=2), max_in_flight=2)
        made.offer(job(90), NOW)
        for number in range(1, 8):
            made.offer(job(number, kind="resend"), NOW)
        assert made.jobs == 3
        assert made.queued == 8
        sent = []
        for _ in range(20):
            for number in take_all(made):
                end(made, number)
                sent.append(number)
            need = made.begin()
            if need is not None:
                made.absorb(need, Read(single={number: job(number, kind="resend") for number, _ in need.bulk}), NOW)
        assert sorted(sent) == [*range(1, 8), 90]

    def test_a_resend_that_was_read_before_it_was_offered_goes_once(self) -> None:
        made = lane(has_open=True)
        need = made.begin()
        assert need
        made.absorb(need, Read(open=[job(1, kind="resend")]), NOW)
        made.offer(job(1, kind="resend"), NOW)
        assert take_all(made) == [1]
        end(made, 1)
        made.offer(job(1, kind="resend"), NOW)
        assert take_all(made) == []

    def test_resends_beyond_the_cursor_and_the_window_are_left_to_the_store(self) -> None:
        made = lane(limits=Limits(window=2), max_in_flight=1)
        for number in range(1, 6):
            made.offer(job(number, kind="resend"), NOW)
        assert made.queued == 2
        assert made.more

    def test_what_is_taken_back_is_not_sent(self) -> None:
        timers: Timers[Lane] = Timers()
        made = lane(max_in_flight=1, timers=timers)
        for number in (1, 2, 3):
            made.offer(job(number, kind="resend"), NOW)
        made.offer_due(job(4, kind="resend", state="retrying", attempts=1, next_at_ms=NOW + 500), NOW)
        made.offer_due(job(5, state="retrying", attempts=1, next_at_ms=NOW + 500), NOW)
        assert take_all(made) == [1]
        made.withdraw({1, 2, 4, 99}, NOW)
        assert (made.queued, made.timed, made.jobs) == (2, 1, 3)
        # A row that was read before it was cancelled changes nothing.
        made.offer_due(job(4, kind="resend", state="retrying", attempts=1, next_at_ms=NOW), NOW)
        made.offer(job(2, kind="resend"), NOW)
        end(made, 1)
        assert take_all(made) == [3]
        assert timers.pop(NOW + 500) == (made, job(5, state="retrying", attempts=1, next_at_ms=NOW + 500))
        assert timers.pop(NOW + 500) is None

    def test_what_settled_is_forgotten_after_a_while(self) -> None:
        made = lane()
        made.offer(job(1, kind="resend"), NOW)
        take_all(made)
        end(made, 1)
        made.look_round(False, NOW + 29_999)
        made.offer_due(job(1, kind="resend"), NOW)
        assert made.queued == 0
        made.look_round(False, NOW + 30_000)
        made.offer_due(job(1, kind="resend"), NOW)
        assert made.queued == 1


class TestEnds:
    """Endpoints that are disabled or deleted, attempts that end oddly."""

    @pytest.mark.parametrize("gone", [None, endpoint(enabled=False)])
    def test_everything_is_given_out_to_be_cancelled(self, gone: Endpoint | None) -> None:
        timers: Timers[Lane] = Timers()
        made = lane(order="strict", limits=Limits(window=4), timers=timers, max_in_flight=1, rate_per_s=1.0)
        made.offer(job(1, root=5), NOW)
        for number in (2, 3, 4, 5):
            made.offer(job(number, root=5), NOW)
        made.offer(job(6, root=6, held=True, next_at_ms=NOW + 9_000), NOW)
        assert take_all(made) == [1]
        made.change(gone, NOW)
        taken = take_all(made)
        need = made.begin()
        assert need
        made.absorb(need, Read(single={number: job(number, root=5) for number, _ in need.turns}), NOW)
        taken += take_all(made)
        assert sorted(taken) == [2, 3, 4, 5, 6]
        for number in (1, *taken):
            assert made.over(made.flying[number], cancelled(made.flying[number].delivery), NOW)
        assert (made.queued, made.late_flying, len(timers), made.empty) == (0, 0, 0, True)

    def test_an_attempt_ends_once(self) -> None:
        made = lane()
        made.offer(job(1), NOW)
        taken = made.take(NOW)
        assert taken
        end(made, 1)
        assert not made.over(taken, taken.delivery, NOW)
        assert made.flying == {}

    def test_an_abandoned_one_is_not_in_flight(self) -> None:
        made = lane()
        made.offer(job(1, kind="resend"), NOW)
        taken = made.take(NOW)
        assert taken
        made.abandon(taken)
        assert (made.flying, made.late_flying) == ({}, 0)

    def test_gates_of_rows_that_left_the_store_are_forgotten(self) -> None:
        made = lane(order="strict")
        made.offer(job(1, root=5), NOW)
        take_all(made)
        end(made, 1, "retrying", NOW + 3_600_000)
        made.look_round(False, NOW)
        made.offer(job(2, root=5), NOW)
        assert take_all(made) == [2]


class TestParts:
    """Gates, timers, buckets by themselves."""

    def test_gates_keep_the_order_of_arrival(self) -> None:
        gates = Gates()
        assert gates.enter(job(1, root=5), 1)
        assert gates.enter(job(1, root=5), 1), "its holder comes again"
        assert not gates.enter(job(2, root=5), 1)
        assert not gates.enter(job(3, root=5), 1)
        assert (gates.jobs, gates.ids, len(gates)) == (1, 1, 3)
        assert gates.leave(5, 9) is None
        assert gates.leave(5, 1) == job(2, root=5)
        assert gates.leave(5, 2) == 3
        assert gates.leave(5, 3) is None
        assert len(gates) == 0

    def test_timers_pass_over_what_was_moved_or_removed(self) -> None:
        timers: Timers[str] = Timers()
        timers.add("a", job(1, next_at_ms=5))
        timers.add("b", job(2, next_at_ms=6))
        timers.add("a", job(3, next_at_ms=7))
        timers.add("a", job(3, next_at_ms=1))
        assert timers.pop(0) is None
        assert timers.pop(9) == ("a", job(3, next_at_ms=1))
        assert timers.remove(1) == job(1, next_at_ms=5)
        assert timers.remove(1) is None
        assert timers.get(2) == ("b", job(2, next_at_ms=6))
        assert timers.next_at_ms() == 6
        assert timers.remove_all("b") == [job(2, next_at_ms=6)]
        assert timers.next_at_ms() is None
        assert timers.pop(9) is None
        assert len(timers) == 0

    @pytest.mark.parametrize(("rate", "burst"), [(0.5, 1), (1.0, 1), (10.0, 1), (100.0, 10)])
    def test_a_bucket_keeps_its_rate(self, rate: float, burst: int) -> None:
        bucket = Bucket(rate)
        taken = sum(bucket.take(NOW + moment) for moment in range(60_000))
        assert abs(taken - (60 * rate + burst)) <= 1
