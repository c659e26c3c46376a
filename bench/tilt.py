"""Makes the full store one that searches find hard, by SQL: what fits two fields at once is few, and old, among many that fit one.

- one endpoint has 600,000 of the million deliveries, all succeeded but the three oldest, which were given up;
- one has 200,000, all given up but the three oldest: an outage;
- the outage's calls come from another number but for the three oldest, and the large endpoint's three oldest calls do, too;
- the large endpoint has no `call.ringing` but the three oldest, and of what was given up in the outage three are `call.completed`;
- 20,000 deliveries of four other endpoints are to be tried again in ten days, and 20,000 calls have no end;
- the outage's 200,000 are what a bulk resend made.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ringback.ids import first_id_at, now_ms, to_text
from ringback.store.open import open_store
from ringback.store.sqlite.keys import Keys
from ringback.webhooks.resends import BulkResend, Wanted

LARGE: Final = 120
LOST: Final = 40
LATER: Final = 4
"""Endpoints whose deliveries become the large one's, those of the outage, and those that are to be tried again."""
CALLS: Final = 20_000
DAYS_MS: Final = 10 * 86_400_000
NO_TIME: Final = 1 << 40
FIRST, SECOND = "+61255500001", "+61255500002"
LISTS: Final = (
    "call_by_account",
    "call_by_number",
    "delivery_by_account",
    "delivery_by_endpoint",
    "delivery_by_name",
    "delivery_by_number",
)
OLDEST: Final = "SELECT id FROM delivery WHERE endpoint = ? {and_} ORDER BY id LIMIT 3"


@dataclass(frozen=True)
class Tilted:
    """The large endpoint and that of the outage, the bulk resend, and the number that the outage's calls are from."""

    large: str
    lost: str
    resend: str
    second: str = SECOND


def tilt(data: Path) -> Tilted:
    """See the module. No server runs on it."""
    connection = sqlite3.connect(data / "ringback.db", isolation_level=None)
    run = connection.execute
    run("PRAGMA cache_size = -400000")
    run("BEGIN")
    account = run("SELECT id FROM account").fetchone()[0]
    keys = Keys(run("SELECT value FROM installation WHERE name = 'salt'").fetchone()[0])
    names = dict(run("SELECT text, n FROM name").fetchall())
    endpoints = [row[0] for row in run("SELECT id FROM endpoint ORDER BY id")]
    large, lost, later, other = endpoints[0], endpoints[LARGE], endpoints[LARGE + LOST], endpoints[LARGE + LOST + LATER]
    run("UPDATE delivery SET endpoint = ?1 WHERE endpoint >= ?1 AND endpoint < ?2", (large, lost))
    job = BulkResend(
        id=first_id_at(now_ms()), account=account, wanted=Wanted(), state="done", total=200_000, finished_at_ms=now_ms()
    )
    run("UPDATE delivery SET endpoint = ?1, state = 6, job = ?3 WHERE endpoint >= ?1 AND endpoint < ?2", (lost, later, job.id))
    tried = (now_ms() + DAYS_MS, NO_TIME, later, other)
    run("UPDATE delivery SET state = 4, next_at = ?, finished_at = ? WHERE endpoint >= ? AND endpoint < ?", tried)
    oldest = OLDEST.format(and_="")
    run(f"UPDATE delivery SET state = 6 WHERE id IN ({oldest})", (large,))
    run(f"UPDATE delivery SET state = 5 WHERE id IN ({oldest})", (lost,))
    for endpoint, name, state in ((large, "call.ringing", 5), (lost, "call.completed", 6)):
        mine = OLDEST.format(and_="AND name = ? AND state = ?")
        changed = (names["call.ongoing"], endpoint, names[name], endpoint, names[name], state)
        run(f"UPDATE delivery SET name = ? WHERE endpoint = ? AND name = ? AND id NOT IN ({mine})", changed)
    run("CREATE TEMP TABLE theirs AS SELECT DISTINCT root FROM delivery WHERE endpoint = ?", (lost,))
    run("DELETE FROM theirs WHERE root IN (SELECT root FROM theirs ORDER BY root LIMIT 3)")
    run("INSERT INTO theirs SELECT DISTINCT root FROM delivery WHERE endpoint = ? ORDER BY root LIMIT 3", (large,))
    run("UPDATE call SET caller = ? WHERE n IN (SELECT root FROM theirs)", (keys.number(account, SECOND),))
    open_calls = "SELECT n FROM call ORDER BY n DESC LIMIT ?"
    run(f"UPDATE call SET status = 0, open_since = ? WHERE n IN ({open_calls})", (now_ms(), CALLS))
    for list_ in LISTS:
        run(f"DELETE FROM {list_}")
    run("UPDATE listed SET up_to = 0")
    run("COMMIT")
    connection.close()
    store = open_store(data)
    try:
        store.put_resend(job)
        store.tidy()
    finally:
        store.close()
    return Tilted(to_text("ep", large), to_text("ep", lost), to_text("rs", job.id))
