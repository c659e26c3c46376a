"""SQL in its files: each statement has a name and one line that says why, is used, fits the schema, and goes by an index."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

import ringback.store.sqlite
from ringback.store.sqlite import sql
from ringback.store.sqlite.migrate import migrate

FOLDER = Path(ringback.store.sqlite.__file__).parent
FILES = sorted(file.name for file in FOLDER.glob("*.sql"))
CODE = "\n".join(file.read_text() for file in FOLDER.glob("*.py"))

SMALL = {"account", "api_key", "endpoint", "number", "property", "note", "name", "listed", "seen_turn", "seen_recent"} | {
    "endpoint_health", "resend_job", "erasure", "portal_session", "portal_link", "step", "wanted", "side", "lost", "CONSTANT"
}  # fmt: skip
"""Tables that are read whole: few rows, or all of them are wanted."""
WHOLE = {"find_told", "sealed_answers"}
"""Statements that read a large table whole: by a reader, once for an erasure; or when no server runs."""
SORTS = {"keep_0", "keep_1", "keep_2", "due_among_few", "roots_of_events", "secret_keys_in_use", "count_open_deliveries"}
"""Statements that sort, off the hot path; and those that fill lists in sorted blocks."""

PLANS = {
    "find_calls": "SEARCH c USING INDEX call_key (key=? AND generation=?)",
    "find_seen": "SEARCH seen_0 USING INTEGER PRIMARY KEY (rowid=?)",
    "write_result": "SEARCH delivery USING INTEGER PRIMARY KEY (rowid=?)",
    "open_deliveries": "SEARCH d USING INDEX delivery_open (endpoint=? AND id>?)",
    "endpoints_with_open": "SEARCH delivery USING COVERING INDEX delivery_open (endpoint>?)",
    "busy_endpoints": "SEARCH delivery USING COVERING INDEX delivery_open (endpoint>?)",
    "due": "SEARCH d USING INDEX delivery_due (next_at<?)",
    "due_of_endpoint": "SEARCH d USING INDEX delivery_waiting (endpoint=? AND next_at<?)",
    "held": "SEARCH d USING INDEX delivery_root (root=?)",
    "open_calls": "SEARCH c USING INDEX call_open (n>?)",
    "calls_newest": "SEARCH c USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
    "calls_by_account": "SEARCH list USING PRIMARY KEY (account=? AND n>? AND n<?)",
    "calls_by_number": "SEARCH list USING PRIMARY KEY (number=? AND n>? AND n<?)",
    "calls_ended": "SEARCH ended USING COVERING INDEX call_ended (account=? AND status=? AND n>? AND n<?)",
    "calls_open": "SEARCH open USING COVERING INDEX call_open (n>? AND n<?)",
    "deliveries_by_number": "SEARCH list USING PRIMARY KEY (number=? AND id>? AND id<?)",
    "deliveries_of_number": "SEARCH delivery_by_number USING PRIMARY KEY (number=?)",
    "first_lost": "SEARCH lost USING INDEX delivery_lost (endpoint=? AND state=? AND id>?)",
    "unreceived": "SEARCH event USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
    "legs": "SEARCH c USING INDEX call_legs (root=?)",
    "events": "SEARCH event USING INDEX event_root (root=?)",
    "deliveries_newest": "SEARCH d USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
    "deliveries_by_account": "SEARCH list USING PRIMARY KEY (account=? AND id>? AND id<?)",
    "deliveries_by_endpoint": "SEARCH list USING PRIMARY KEY (endpoint=? AND id>? AND id<?)",
    "deliveries_by_name": "SEARCH list USING PRIMARY KEY (account=? AND name=? AND id>? AND id<?)",
    "deliveries_by_root": "SEARCH d USING INDEX delivery_root (root=? AND id>? AND id<?)",
    "deliveries_failed": "SEARCH failed USING COVERING INDEX delivery_failed (account=? AND state=? AND id>? AND id<?)",
    "deliveries_failed_of_endpoint": "SEARCH failed USING COVERING INDEX delivery_lost (endpoint=? AND state=? AND id>? AND id<?)",
    "deliveries_open": "SEARCH open USING COVERING INDEX delivery_open (endpoint=? AND id>? AND id<?)",
    "look_newest": "SEARCH delivery USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
    "look_by_account": "SEARCH delivery_by_account USING PRIMARY KEY (account=? AND id>? AND id<?)",
    "look_by_endpoint": "SEARCH delivery_by_endpoint USING PRIMARY KEY (endpoint=? AND id>? AND id<?)",
    "look_by_number": "SEARCH delivery_by_number USING PRIMARY KEY (number=? AND id>? AND id<?)",
    "look_by_name": "SEARCH delivery_by_name USING PRIMARY KEY (account=? AND name=? AND id>? AND id<?)",
    "look_failed": "SEARCH delivery USING COVERING INDEX delivery_failed (account=? AND state=? AND id>? AND id<?)",
    "look_failed_of_endpoint": "SEARCH delivery USING COVERING INDEX delivery_lost (endpoint=? AND state=? AND id>? AND id<?)",
    "look_by_root": "SEARCH delivery USING INDEX delivery_root (root=? AND id>? AND id<?)",
    "again": "SEARCH other USING INDEX delivery_root (root=?)",
    "resend_states": "SEARCH delivery USING COVERING INDEX delivery_job (job=?)",
    "resend_waiting": "SEARCH delivery USING COVERING INDEX delivery_job (job=? AND state=?)",
    "open_resends": "SEARCH delivery USING COVERING INDEX delivery_job (job=? AND state<?)",
    "cancel_resends": "SEARCH delivery USING INDEX delivery_job (job=? AND state<?)",
    "resends": "SEARCH resend_job USING INDEX resend_job_account (account=? AND id<?)",
    "running_resends": "SCAN resend_job USING INDEX resend_job_running",
    "roots": "SEARCH list USING PRIMARY KEY (account=? AND n>? AND n<?)",
    "alone": "SEARCH delivery USING INDEX delivery_alone (account=? AND id>? AND id<?)",
    "audit_of_account": "SEARCH audit USING INDEX audit_account (account=? AND id<?)",
    "erasures": "SEARCH erasure USING INDEX erasure_account (account=? AND id<?)",
    "running_erasures": "SCAN erasure USING INDEX erasure_running",
    "roots_of_numbers_unlisted": "SEARCH call USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
    "events_with": "SEARCH event USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
    "activity": "SEARCH activity USING PRIMARY KEY (subject=? AND span=? AND at>?)",
    "forget_activity": "SEARCH activity USING COVERING INDEX activity_at (span=? AND at<?)",
    "given_up": "SEARCH delivery USING INDEX delivery_failed (account=? AND state=? AND id>?)",
    "mark_newest": "SEARCH delivery USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
    "mark_by_account": "SEARCH delivery_by_account USING PRIMARY KEY (account=? AND id>? AND id<?)",
    "mark_by_endpoint": "SEARCH delivery_by_endpoint USING PRIMARY KEY (endpoint=? AND id>? AND id<?)",
    "mark_by_name": "SEARCH delivery_by_name USING PRIMARY KEY (account=? AND name=? AND id>? AND id<?)",
    "mark_by_number": "SEARCH delivery_by_number USING PRIMARY KEY (number=? AND id>? AND id<?)",
    "mark_by_root": "SEARCH delivery USING COVERING INDEX delivery_root (root=? AND id>? AND id<?)",
    "mark_failed": "SEARCH delivery USING COVERING INDEX delivery_failed (account=? AND state=? AND id>? AND id<?)",
    "mark_failed_of_endpoint": "SEARCH delivery USING COVERING INDEX delivery_lost (endpoint=? AND state=? AND id>? AND id<?)",
    "mark_open": "SEARCH delivery USING COVERING INDEX delivery_open (endpoint=? AND id>? AND id<?)",
    "mark_calls_newest": "SEARCH call USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
    "mark_calls_by_account": "SEARCH call_by_account USING PRIMARY KEY (account=? AND n>? AND n<?)",
    "mark_calls_by_number": "SEARCH call_by_number USING PRIMARY KEY (number=? AND n>? AND n<?)",
    "mark_calls_by_crm": "SEARCH call USING COVERING INDEX call_crm (crm=? AND n>? AND n<?)",
    "mark_calls_ended": "SEARCH call USING COVERING INDEX call_ended (account=? AND status=? AND n>? AND n<?)",
    "mark_calls_open": "SEARCH call USING COVERING INDEX call_open (n>? AND n<?)",
    "attempts": "SEARCH attempt USING PRIMARY KEY (delivery=?)",
}


def statements() -> Iterator[tuple[str, str, str]]:
    for file in FILES:
        for name, statement in sql.load(file).items():
            yield file, name, statement


STATEMENTS = [pytest.param(*row, id=f"{row[0]}:{row[1]}") for row in statements()]


@pytest.fixture(scope="module")
def schemas() -> Iterator[dict[str, sqlite3.Connection]]:
    made = {folder: sqlite3.connect(":memory:", isolation_level=None) for folder in ("migrations", "log_migrations")}
    for folder, connection in made.items():
        migrate(connection, folder)
    yield made
    for connection in made.values():
        connection.close()


def plan(schemas: dict[str, sqlite3.Connection], file: str, statement: str) -> list[str]:
    connection = schemas["log_migrations" if file == "attempts.sql" else "migrations"]
    named = set(re.findall(r":(\w+)", statement))
    numbers = max([int(number) for number in re.findall(r"\?(\d+)", statement)], default=0)
    values = dict.fromkeys(named, 1) if named else ["[1]"] * numbers
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]


@pytest.mark.parametrize("file", FILES)
def test_every_file_is_nothing_but_named_statements(file: str) -> None:
    text = (FOLDER / file).read_text()
    assert re.fullmatch(r"(-- name: \w+\n-- [A-Z][^\n]+[.:]\n(?!--)[^;]+;\n(\n|$))+", text)
    names = re.findall(r"-- name: (\w+)", text)
    assert len(names) == len(set(names)) == len(sql.load(file))


@pytest.mark.parametrize(("file", "name", "statement"), STATEMENTS)
def test_every_statement_is_used(file: str, name: str, statement: str) -> None:
    stem = re.sub(r"_(\d|delivery|call)$|^(delivery|call)_", "", name)
    assert f'"{name}"' in CODE or f'"{stem}_{{' in CODE or f'{{list_}}_{stem}"' in CODE


@pytest.mark.parametrize(("file", "name", "statement"), STATEMENTS)
def test_every_statement_goes_by_an_index(schemas: dict[str, sqlite3.Connection], file: str, name: str, statement: str) -> None:
    for step in plan(schemas, file, statement):
        scanned = re.match(r"SCAN (\w+)\b(?! VIRTUAL)", step)
        assert not scanned or scanned[1] in SMALL or name in WHOLE or "COVERING INDEX" in step, step
        assert "TEMP B-TREE" not in step or name in SORTS or name.startswith("fill_"), step


def test_the_searches_go_by_their_own_indexes(schemas: dict[str, sqlite3.Connection]) -> None:
    found = {name: plan(schemas, file, statement) for file, name, statement in statements() if name in PLANS}
    assert {name: [step for step in found[name] if step == wanted] for name, wanted in PLANS.items()} == {
        name: [wanted] for name, wanted in PLANS.items()
    }
