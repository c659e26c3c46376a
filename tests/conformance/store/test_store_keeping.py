"""What is erased is gone, what is beside it stays, and who changed what is kept by account."""

from typing import Any

import pytest
from msgspec.structs import replace
from store_values import ACCOUNT, FROM, OTHER, TO, Maker, after, commit, done

from ringback.store.keeping import AuditLine, Erasure
from ringback.webhooks.model import Outcome
from ringback.webhooks.records import Attempt, StoredCall, pack
from ringback.webhooks.resends import BulkResend, Wanted

END = (1 << 63) - 1
JOB = Erasure(id=1, account=ACCOUNT, number=FROM)


def ended(make: Maker, store: Any, name: str, account: str = ACCOUNT, **fields: Any) -> StoredCall:
    """A call that has come and gone, its two deliveries done and logged together."""
    first = make.fold(make.begin(name, account=account, **fields), "starting", [7], update_id=f"{name}-1")
    last = make.fold(after(first), "completed", [7], update_id=f"{name}-2")
    commit(store, first, last)
    commit(store, results=[done(fold.deliveries[0]) for fold in (first, last)])
    return after(last)


def log(store: Any, *calls: StoredCall) -> dict[int, list[Attempt]]:
    """An attempt for each delivery of the calls, all in one block."""
    numbers = [number for call in calls for number, _ in store.conversation(call.n).deliveries]
    made = [
        Attempt(
            delivery=number,
            number=1,
            method="POST",
            url="https://x/",
            headers=(),
            body=b"%d" % number,
            outcome=Outcome(started_at_ms=1),
        )
        for number in numbers
    ]
    store.log_attempts([pack(one) for one in made])
    return {attempt.delivery: [attempt] for attempt in made}


def test_a_conversation_goes_and_its_neighbour_stays_to_the_byte(store: Any) -> None:
    make = Maker()
    gone, kept = ended(make, store, "gone"), ended(make, store, "kept", from_="+1")
    attempts = log(store, gone, kept)
    found = store.conversation(gone.n)
    assert (found.calls, found.call_ids, len(found.deliveries)) == ((gone.n,), ("gone",), 2)
    assert store.erase_attempts([number for number, _ in found.deliveries]) == 2
    counts, left = store.erase(ACCOUNT, [found], JOB)
    assert left == []
    assert (counts.conversations, counts.calls, counts.events, counts.deliveries) == (1, 1, 2, 2)
    assert store.call(ACCOUNT, "gone") is None
    assert store.conversations_of_number(ACCOUNT, [FROM], END) == []
    assert store.conversation(gone.n).calls == ()
    assert len(store.events(kept.n)) == 2
    for number, _ in store.conversation(kept.n).deliveries:
        assert store.attempts(number) == attempts[number]
    # Of the ids that were taken nothing is forgotten: a duplicate is one still.
    assert store.load([], [(ACCOUNT, "gone-1")]).seen


@pytest.mark.parametrize("tidied", [False, True])
def test_conversations_are_found_by_either_number_of_any_leg(store: Any, tidied: bool) -> None:
    make = Maker()
    root = ended(make, store, "root", from_="+1", to="+2")
    first = make.fold(make.begin("leg", root=root, from_="+3", to="+4"), "starting", root=root)
    commit(store, first)
    ended(make, store, "elsewhere", account=OTHER, from_="+3")
    if tidied:
        store.tidy()
    for number in ("+1", "+2", "+3", "+4"):
        assert store.conversations_of_number(ACCOUNT, [number], END) == [root.n], number
    assert store.conversations_of_number(ACCOUNT, ["+1"], root.n - 1) == []
    assert store.conversations_of_call(ACCOUNT, "leg") == [root.n]
    assert store.conversations_of_call(OTHER, "leg") == []
    # The leg has not ended.
    assert store.conversation(root.n) is None


def test_a_number_is_found_where_only_an_event_tells_it_and_no_longer_number_is(store: Any) -> None:
    make = Maker()
    told = ended(make, store, "told", from_="sip:+61299990123@example.com")
    ended(make, store, "longer", from_="+612999901234")
    ended(make, store, "elsewhere", account=OTHER, from_="+61299990123")
    found, after_n = store.conversations_telling(ACCOUNT, "61299990123", 0, END, 4)
    assert (found, after_n is not None) == ([told.n], True)
    rest, after_n = store.conversations_telling(ACCOUNT, "61299990123", after_n, END, 4)
    assert rest == []
    assert store.conversations_telling(ACCOUNT, "61299990123", after_n, END, 4) == ([], None)


def test_what_something_came_to_meanwhile_stays(store: Any) -> None:
    make = Maker()
    call = ended(make, store, "late")
    found = store.conversation(call.n)
    again = make.delivery(store.events(call.n)[0], call.n, 7)
    commit(store, replace(make.fold(call, "completed"), calls=(), events=(), event_calls=(), deliveries=(again,)))
    counts, left = store.erase(ACCOUNT, [found], JOB)
    assert (left, counts.conversations) == ([call.n], 0)
    assert len(store.events(call.n)) == 2


def test_a_job_is_found_until_it_is_done_and_is_its_accounts_alone(store: Any) -> None:
    store.put_erasure(JOB)
    assert store.running_erasures() == [JOB]
    assert store.erasure(OTHER, 1) is None
    over = replace(JOB, state="done", number="", shown="+6128888****")
    store.put_erasure(over)
    assert (store.running_erasures(), store.erasure(ACCOUNT, 1)) == ([], over)
    assert store.erasures(ACCOUNT, None, 9) == [over]
    assert store.erasures(ACCOUNT, 1, 9) == store.erasures(OTHER, None, 9) == []
    assert store.last_id() >= 1


def test_mentions_go_from_everything_that_names_it(store: Any) -> None:
    line = AuditLine(
        id=1, account=ACCOUNT, actor="developer", action="PUT /v1/calls/{call_id}/recording", objects={"call_id": "gone"}
    )
    store.add_audit(line)
    store.add_audit(replace(line, id=2, objects={"call_id": "kept"}))
    store.add_audit(replace(line, id=3, account=OTHER))
    job = BulkResend(id=4, account=ACCOUNT, wanted=Wanted(number=FROM), bound=1)
    store.put_resend(job)
    store.note("stray", f"call from {FROM} to {TO}", 1)
    store.note("gap", "nothing of it", 1)
    assert store.erase_mentions(ACCOUNT, FROM[1:], ["gone"]) == 3
    assert [line.objects["call_id"] for line in store.audit(ACCOUNT, None, 9)] == ["kept", "erased"]
    assert store.audit(OTHER, None, 9)[0].objects == {"call_id": "gone"}
    assert store.resend(ACCOUNT, 4).wanted.number == "erased"
    assert [kind for _, kind, _ in store.notes(None, 9)] == ["gap"]


def test_the_audit_log_page_by_page(store: Any) -> None:
    lines = [AuditLine(id=n, account=[ACCOUNT, OTHER, None][n % 3], actor="operator", action="x") for n in range(1, 8)]
    for line in lines:
        store.add_audit(line)
    newest = lines[::-1]
    assert store.audit(None, None, 3) == newest[:3]
    assert store.audit(None, newest[2].id, 9) == newest[3:]
    assert store.audit(ACCOUNT, None, 9) == [line for line in newest if line.account == ACCOUNT]
    assert store.last_id() >= 7


def test_everything_sealed_is_sealed_anew_once(store: Any) -> None:
    assert store.reseal() == 0
