"""Lanes under any interleaving of commits, hand-overs, readings, attempts and time: nothing is lost, nothing is doubled, order is
kept, caps and memory hold.

The machine plays the rest of the engine: a store whose results are committed late, a writer that hands over late, readings that
answer late with what they saw when they looked, and receivers that do as they please.
"""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, precondition, rule
from msgspec.structs import replace

from ringback.calls.model import Call, Event
from ringback.delivery.lanes import Lane
from ringback.delivery.limits import Budget, Limits
from ringback.delivery.readings import Need, Read
from ringback.delivery.timers import Timers
from ringback.webhooks.deliveries import FINAL
from ringback.webhooks.health import HEALTHY, Health
from ringback.webhooks.model import Delivery, Endpoint
from ringback.webhooks.records import Job

CALL = Call(account="a", id="c", root="c")
EVENT = Event(id=1, type="call.ringing", at_ms=0, seq=1, call=CALL, root=CALL)
LIMITS = Limits(window=4, blocked=9, jobs=1_000, ids=1_000, horizon_ms=1_000, settle_ms=2_000)
LANES = (1, 2)
ROOTS = st.integers(1, 3)
LANE = st.sampled_from(LANES)


class Engine(RuleBasedStateMachine):
    """See the module. `truth` is each delivery as the lanes were told it is; `rows` as the store has it."""

    drafts = Bundle("drafts")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.last_id = 0
        self.rows: dict[int, Delivery] = {}
        self.truth: dict[int, Delivery] = {}
        self.uncommitted: list[tuple[int, Delivery]] = []
        self.to_offer: list[tuple[int, Job]] = []
        self.sent: dict[int, int] = {}
        self.share: int | None = None
        self.flying: dict[int, Job] = {}
        self.reading: dict[int, tuple[int, Need, Read | None]] = {}
        self.budget = Budget(LIMITS)
        self.timers: Timers[Lane] = Timers()
        self.lanes: dict[int, Lane] = {}

    @initialize(
        orders=st.tuples(*[st.sampled_from(["call", "strict", "none"])] * 2),
        caps=st.tuples(*[st.integers(1, 5)] * 2),
        left_open=st.lists(st.tuples(LANE, ROOTS, st.integers(0, 2), st.integers(-5, 5_000)), max_size=12),
    )
    def begin(self, orders: tuple[Any, ...], caps: tuple[int, ...], left_open: list[tuple[int, int, int, int]]) -> None:
        """A start with work that an earlier life left open."""
        for number, order, cap in zip(LANES, orders, caps, strict=True):
            endpoint = Endpoint(id=number, account="a", url="https://x/", dialect="d", order=order, max_in_flight=cap)
            self.lanes[number] = Lane(number, endpoint, self.budget, self.timers)
        first: set[tuple[int, int]] = set()
        for endpoint_id, root, attempts, due in left_open:
            # Only what its order allowed can have been attempted: everything in `none` and `call`, one a conversation in `strict`.
            tried = attempts if self.order(endpoint_id) != "strict" or (endpoint_id, root) not in first else 0
            if self.order(endpoint_id) == "call" and any(
                row.endpoint == endpoint_id and row.root == root and not row.attempts for row in self.rows.values()
            ):
                tried = 0
            first.add((endpoint_id, root))
            self.commit_new(
                self.draft(
                    endpoint_id, root, attempts=tried, state="retrying" if tried else "pending", next_at_ms=due if tried else 0
                )
            )
        for lane in self.lanes.values():
            lane.await_start()
        has_open = {row.endpoint for row in self.rows.values()}
        for lane in self.lanes.values():
            lane.started(lane.number in has_open, self.now)
            self.pump(lane)

    # What is true
    def order(self, endpoint: int) -> str:
        found = self.lanes[endpoint].endpoint
        assert found is not None
        return found.order

    def draft(self, endpoint: int, root: int, **fields: Any) -> Delivery:
        self.last_id += 1
        return Delivery(id=self.last_id, endpoint=endpoint, event=1, root=root, name="x", **fields)

    def commit_new(self, delivery: Delivery) -> None:
        self.rows[delivery.id] = self.truth[delivery.id] = delivery

    def pump(self, lane: Lane) -> None:
        while True:
            before = len(lane.flying), lane.late_flying
            job = lane.take(self.now, self.share)
            if job is None:
                return
            self.check_taken(lane, job, *before)
            self.flying[job.delivery.id] = job

    def check_taken(self, lane: Lane, job: Job, flying: int, late_flying: int) -> None:
        delivery, endpoint = job.delivery, lane.endpoint
        assert endpoint is not None
        assert delivery.endpoint == lane.number
        assert delivery.id not in self.flying, "the same delivery twice at once"
        now_true = self.truth[delivery.id]
        assert now_true.state not in FINAL, "sent again after its end"
        assert now_true.attempts == delivery.attempts, "sent as it was before an attempt"
        assert now_true.next_at_ms <= self.now, "sent before its time"
        cap = 1 if lane.health.condition == "failing" else endpoint.max_in_flight
        assert flying < cap
        if self.share is not None and self.share < cap:
            cap = self.share
            firsts = flying - late_flying
            assert flying < cap or (lane.late_flying == late_flying and firsts < max(1, cap // 4)), "more than its share"
        if lane.late_flying > late_flying and cap > 1:
            assert late_flying < cap - max(1, cap // 4), "the room of first attempts"
        if delivery.kind == "event" and endpoint.order != "none" and not delivery.attempts:
            for other in self.truth.values():
                if (
                    other.kind == "event"
                    and other.endpoint == lane.number
                    and other.root == delivery.root
                    and other.id < delivery.id
                ):
                    over = other.state in FINAL or (endpoint.order == "call" and other.attempts > 0)
                    assert over, f"{delivery.id} before {other.id}"

    # Events come in
    @rule(endpoint=LANE, root=ROOTS, hold=st.sampled_from([0, 0, 0, 500, 5_000]), count=st.sampled_from([1, 1, 2, 4, 20]))
    def accept(self, endpoint: int, root: int, hold: int, count: int) -> None:
        for _ in range(count):
            made = self.draft(endpoint, root, held=hold > 0, next_at_ms=self.now + hold if hold else 0)
            self.commit_new(made)
            self.to_offer.append((self.now, Job(made, EVENT)))

    @rule(target=drafts, endpoint=LANE, root=ROOTS, kind=st.sampled_from(["resend", "test", "replay"]))
    def think_of_a_resend(self, endpoint: int, root: int, kind: Any) -> Delivery:
        return self.draft(endpoint, root, kind=kind)

    @rule(made=consumes(drafts))
    def commit_a_resend(self, made: Delivery) -> None:
        """Its id is older than those of events that were committed meanwhile."""
        self.commit_new(made)
        self.to_offer.append((self.now, Job(made, EVENT)))

    @precondition(lambda self: self.to_offer)
    @rule(count=st.sampled_from([1, 2, 5, 50]))
    def hand_over(self, count: int) -> None:
        for _, job in self.to_offer[:count]:
            lane = self.lanes[job.delivery.endpoint]
            lane.offer(job, self.now)
            self.pump(lane)
        del self.to_offer[:count]

    @rule(which=st.integers(0, 1_000))
    def release(self, which: int) -> None:
        held = [row for row in self.rows.values() if row.held and not row.attempts and row.next_at_ms > self.now]
        if not held:
            return
        row = replace(held[which % len(held)], held=False, next_at_ms=0)
        self.commit_new(row)
        waiting = self.timers.get(row.id)
        lane = self.lanes[row.endpoint]
        if waiting is not None:
            self.timers.remove(row.id)
            lane.time_come(waiting[1])
        else:
            lane.offer_due(Job(row, EVENT), self.now)
        self.pump(lane)

    # Attempts end
    @precondition(lambda self: self.flying)
    @rule(which=st.integers(0, 1_000), end=st.sampled_from(["ok", "ok", "give_up", 0, 300, 900, 4_000]))
    def finish(self, which: int, end: Any) -> None:
        number = sorted(self.flying)[which % len(self.flying)]
        job = self.flying.pop(number)
        lane = self.lanes[job.delivery.endpoint]
        state = {"ok": "succeeded", "give_up": "exhausted"}.get(end, "retrying")
        due = self.now + end if state == "retrying" else 0
        after = replace(job.delivery, state=state, attempts=job.delivery.attempts + 1, next_at_ms=due)
        self.truth[number] = after
        self.sent[number] = self.sent.get(number, 0) + 1
        self.uncommitted.append((self.now, after))
        assert lane.over(job, after, self.now)
        assert not lane.over(job, after, self.now), "an attempt that ends twice"
        self.pump(lane)

    @precondition(lambda self: self.uncommitted)
    @rule(count=st.integers(1, 9))
    def commit_results(self, count: int) -> None:
        for _, delivery in self.uncommitted[:count]:
            self.rows[delivery.id] = delivery
        del self.uncommitted[:count]

    @rule(endpoint=LANE, failing=st.booleans())
    def health(self, endpoint: int, failing: bool) -> None:
        self.lanes[endpoint].health = Health("failing", 5, 0) if failing else HEALTHY
        self.pump(self.lanes[endpoint])

    @rule(share=st.sampled_from([None, 2, 3, 4]))
    def share_out(self, share: int | None) -> None:
        """Connections become scarce, or are no more."""
        self.share = share
        for lane in self.lanes.values():
            self.pump(lane)

    # Readings
    @rule(endpoint=LANE)
    def ask(self, endpoint: int) -> None:
        if endpoint not in self.reading:
            lane = self.lanes[endpoint]
            wanted = lane.wants()
            need = lane.begin()
            assert (need is not None) == wanted
            if need is not None:
                self.reading[endpoint] = (self.now, need, None)

    @rule(endpoint=LANE)
    def look(self, endpoint: int) -> None:
        if endpoint in self.reading:
            begun, need, _ = self.reading[endpoint]
            self.reading[endpoint] = (begun, need, self.read(need))

    def read(self, need: Need) -> Read:
        mine = [row for row in self.rows.values() if row.endpoint == need.endpoint and row.state not in FINAL]
        open_ = sorted((row for row in mine if row.id > need.cursor), key=lambda row: row.id)[: need.open_limit]
        until = self.now + LIMITS.horizon_ms
        due = sorted(
            (row for row in mine if (row.held or row.state == "retrying") and row.next_at_ms <= until and row.id <= need.cursor),
            key=lambda row: (row.next_at_ms, row.id),
        )[: need.due_limit]
        single = {number: Job(self.rows[number], EVENT) for number, _ in need.turns + need.bulk}
        return Read([Job(row, EVENT) for row in open_], [Job(row, EVENT) for row in due], single)

    @rule(endpoint=LANE, store_fails=st.sampled_from([False, False, False, True]))
    def answer(self, endpoint: int, store_fails: bool) -> None:
        if endpoint not in self.reading:
            return
        _, need, found = self.reading.pop(endpoint)
        lane = self.lanes[endpoint]
        if store_fails:
            lane.failed(need)
        else:
            lane.absorb(need, found or self.read(need), self.now)
        self.pump(lane)

    @rule(endpoint=LANE)
    def poke(self, endpoint: int) -> None:
        self.lanes[endpoint].poke()

    @rule()
    def look_round(self) -> None:
        has_open = {row.endpoint for row in self.rows.values() if row.state not in FINAL}
        for lane in self.lanes.values():
            lane.look_round(lane.number in has_open, self.now)

    # Time
    @rule(passed=st.sampled_from([1, 100, 500, 1_000]))
    def time_passes(self, passed: int) -> None:
        """A job is handed over, a result committed, and a reading answers, before what settled is forgotten."""
        latest = self.now + passed - LIMITS.settle_ms // 2
        self.hand_over(sum(1 for committed, _ in self.to_offer if committed <= latest))
        self.commit_results(sum(1 for ended, _ in self.uncommitted if ended <= latest))
        for endpoint, (begun, _, _) in list(self.reading.items()):
            if begun <= latest:
                self.answer(endpoint, False)
        self.now += passed
        while (due := self.timers.pop(self.now)) is not None:
            lane, job = due
            lane.time_come(job)
            self.pump(lane)

    # What always holds
    @invariant()
    def counts_hold(self) -> None:
        assert len(self.timers) == sum(lane.timed for lane in self.lanes.values())
        in_memory = [lane.queued + len(lane.flying) for lane in self.lanes.values()]
        assert self.budget.known == sum(in_memory)
        assert 0 <= self.budget.ids <= self.budget.known
        assert sum(1 for count in in_memory if count) <= self.budget.busy <= len(self.lanes)
        for lane in self.lanes.values():
            assert lane.late_flying >= 0
            assert lane.late_flying <= len(lane.flying)
            assert set(lane.flying) == {number for number, job in self.flying.items() if job.delivery.endpoint == lane.number}

    @invariant()
    def memory_holds(self) -> None:
        window = LIMITS.window
        for lane in self.lanes.values():
            events = sum(1 for job in lane.fresh if job.delivery.kind == "event")
            assert events <= 4 * window, "a window, and what came due or got its turn meanwhile"
            assert len(lane.late) + lane.timed <= window
            assert lane.jobs <= len(lane.fresh) + window + window // 2 + window + len(lane.flying)

    def teardown(self) -> None:
        """Everything that was ever accepted comes to an end once receivers and store behave."""
        if not self.lanes:
            return
        for _ in range(400):
            self.hand_over(len(self.to_offer) or 1)
            while self.flying:
                self.finish(0, "ok")
            self.look_round()
            for endpoint in LANES:
                self.health(endpoint, False)
                for _ in range(10):
                    self.ask(endpoint)
                    self.answer(endpoint, False)
                    while self.flying:
                        self.finish(0, "ok")
            self.commit_results(len(self.uncommitted))
            self.time_passes(500)
            if all(row.state in FINAL for row in self.rows.values()):
                break
        lost = [row for row in self.rows.values() if row.state not in FINAL]
        assert not lost
        for number, row in self.rows.items():
            assert row == self.truth[number]
        for lane in self.lanes.values():
            assert lane.queued == 0
            assert lane.jobs == 0
        assert (self.budget.busy, self.budget.known, self.budget.ids) == (0, 0, 0)


Engine.TestCase.settings = settings(stateful_step_count=60)
TestEngine = Engine.TestCase
