"""Values as rows: every field is written, and a result fits where its delivery's row is."""

import sqlite3
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from ringback.calls.model import FINAL, Event
from ringback.store.sqlite import rows
from ringback.webhooks.model import Delivery, ErrorClass, State
from ringback.webhooks.records import Result

DONE = Delivery(id=1 << 60, endpoint=1 << 59, event=1 << 58, root=1 << 57, name="x")


def widths(values: tuple[object, ...]) -> list[int]:
    """Bytes that SQLite needs for each value (its record format, section 2.1)."""
    return [
        0 if value in (0, 1) else next(w for w in (1, 2, 3, 4, 6, 8) if -(1 << 8 * w - 1) <= value < 1 << 8 * w - 1)
        for value in values
    ]  # type: ignore[operator]


@given(
    st.sampled_from(get_args(State)),
    st.sampled_from(get_args(ErrorClass)),
    st.none() | st.integers(200, 999),
    st.integers(1_704_067_200_000, 4_000_000_000_000),
    st.integers(0, 1),
    st.sampled_from([0, 1_795_190_400_000]),
)
def test_a_result_is_as_wide_as_what_it_overwrites(
    state: State, error: ErrorClass, status: int | None, at_ms: int, attempts: int, next_at_ms: int
) -> None:
    before = rows.new_delivery(DONE, 1, 1, 1)[8:15]
    delivery = Delivery(
        **{name: getattr(DONE, name) for name in ("id", "endpoint", "event", "root", "name")},
        state=state,
        attempts=attempts,
        next_at_ms=next_at_ms,
        signed_at_s=at_ms // 2000,
    )
    assert widths(rows.result(Result(delivery, at_ms, status, error))[1:]) == widths(before)


def test_an_event_is_stored_with_every_field() -> None:
    stored = set(rows._BodyIn.__struct_fields__)
    assert stored == set(rows._BodyOut.__struct_fields__) == set(Event.__struct_fields__) - {"id"}


def test_codes_are_what_is_on_disk() -> None:
    assert rows.STATE_CODES == {
        "pending": 2, "sending": 2, "retrying": 4, "succeeded": 5, "exhausted": 6, "cancelled": 7, "skipped": 8,
    }  # fmt: skip
    assert rows.END_CODES == {"completed": 1, "no-answer": 2, "busy": 3, "failed": 4, "cancelled": 5}
    assert rows.END_CODES.keys() == FINAL
    kinds = [("event", 2), ("resend", 3), ("test", 4), ("replay", 5), ("notice", 6), ("instruction", 7)]
    assert list(rows._KIND_CODES.items()) == kinds
    assert rows._ERROR_CODES["status"] == 3
    assert rows._ERROR_CODES["request"] == 15


def test_a_result_moves_no_row(tmp_path: object) -> None:
    """Pages full of pending rows stay as they are when all of them end."""
    connection = sqlite3.connect(":memory:")
    names = (
        "id, account, endpoint, event, root, call, name, kind, state, attempts, next_at, signed_at, finished_at, status, error, job"
    )
    connection.execute(f"CREATE TABLE delivery ({names.replace('id,', 'id INTEGER PRIMARY KEY,', 1)})")
    for number in range(2000):
        row = rows.new_delivery(Delivery(id=(1 << 60) + number, endpoint=1 << 59, event=1 << 58, root=1 << 57, name="x"), 1, 1, 1)
        connection.execute(f"INSERT INTO delivery VALUES ({','.join('?' * 16)})", row)
    before = connection.execute("PRAGMA page_count").fetchone()
    connection.execute("UPDATE delivery SET state = 5, attempts = 1, finished_at = 1795190400000, status = 200, error = 2")
    assert connection.execute("PRAGMA page_count").fetchone() == before
    connection.close()
