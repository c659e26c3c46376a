"""The log and the calls as CSV: what the lists say, for spreadsheets, and nothing that runs there."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from harness import Api, Receiver, Server

NewCall = Callable[..., Callable[..., dict[str, Any]]]


def table(api: Api, path: str) -> list[dict[str, str]]:
    status, headers, body = api.raw("GET", path)
    assert status == 200, body
    assert headers["content-type"] == "text/csv; charset=utf-8"
    name = path.rpartition("/")[2].partition("?")[0]
    assert headers["content-disposition"] == f'attachment; filename="{name}"'
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


def test_the_log_as_a_table_says_what_the_list_says(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    receiver.answer = lambda got: 500 if "2" in got.json["data"]["call"]["id"] else 200
    endpoint = api.endpoint(receiver.url)["id"]
    api.send(*(new_call(f"c-{number}")("starting") for number in range(4)))
    api.settled(4)
    rows = table(api, "/v1/deliveries.csv")
    listed = api.deliveries()
    assert [row["id"] for row in rows] == [one["id"] for one in listed]
    shown = {name: "" if value is None else str(value) for name, value in listed[0].items()}
    assert rows[0] == shown
    for query in ("state=retrying", f"endpoint={endpoint}&call=c-1", "number=%2B61288880000", "event=none"):
        got = [row["id"] for row in table(api, f"/v1/deliveries.csv?{query}")]
        assert got == [one["id"] for one in api.get(f"/v1/deliveries?{query}")["items"]], query
    assert api.call("GET", "/v1/deliveries.csv?state=lost")[0] == 422


def test_the_calls_as_a_table_say_what_the_list_says(api: Api, new_call: NewCall) -> None:
    say = new_call("c-1")
    api.send(
        *(say(kind, at) for at, kind in enumerate(("starting", "ringing", "ongoing", "completed"))), new_call("c-2")("starting")
    )
    rows = table(api, "/v1/calls.csv")
    assert [row["id"] for row in rows] == ["c-2", "c-1"]
    call = api.get("/v1/calls/c-1")["call"]
    whole = {name: "" if call.get(name) is None else str(call[name]).replace("False", "false") for name in rows[1]}
    assert rows[1] == whole
    assert rows[1]["from"] == "+61288880000"
    assert [row["id"] for row in table(api, "/v1/calls.csv?status=completed")] == ["c-1"]
    assert [row["id"] for row in table(api, "/v1/calls.csv?number=%2B000")] == []
    assert api.call("GET", "/v1/calls.csv?status=lost")[0] == 422


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+61288880000", "+61288880000"),
        ("+cmd|'/c calc'!A1", "'+cmd|'/c calc'!A1"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("alice", "alice"),
        ('a"b,c', 'a"b,c'),
    ],
)
def test_no_cell_is_a_formula(api: Api, new_call: NewCall, text: str, cell: str) -> None:
    api.send(new_call("formula", **{"from": text})("starting"))
    (row,) = table(api, "/v1/calls.csv")
    assert row["from"] == cell


def test_a_long_table_comes_whole(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    api.endpoint(receiver.url)
    api.send(*(new_call(f"long-{number}")("starting") for number in range(1101)))
    rows = table(api, "/v1/calls.csv")
    assert len(rows) == len({row["id"] for row in rows}) == 1101
    assert len(table(api, "/v1/deliveries.csv")) == 1101


def test_a_table_is_the_account_s_own(server: Server, api: Api, new_call: NewCall) -> None:
    api.send(new_call("mine")("starting"))
    assert table(server.account(), "/v1/calls.csv") == []
    assert len(table(server.operator, f"/v1/calls.csv?account={api.account}")) == 1
    assert server.operator.call("GET", "/v1/calls.csv")[0] == 422
