"""One simulated call, as each of the five platforms tells it: what is expected was written by hand from their own tables."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Api, Got, Receiver
from live_harness import Application, over, start_with_switch

EXPECTED = json.loads((Path(__file__).parents[1] / "data" / "live" / "menu-sales-dial.json").read_text("utf-8"))
CHANNEL = "b827924e-9789-4c2f-a4d5-b352175354f6"
DIALECTS = ("voc", "fonedynamics", "bird", "voxtelesys", "standard")
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
MEANING = {
    "DATE": r"\d{4}-\d\d-\d\d%20\d\d%3A\d\d%3A\d\d",
    "TIME": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    "STAMP": r"[^&]+",
    "UUID": UUID,
    "SID": r"[A-Z]{30}",
    "DIGITS": r"\d{6}",
    "INT": r"\d+",
    "LINK": r"http%3A%2F%2F127\.0\.0\.1%3A\d+%2Frecordings%2Frec_[\w-]+\.wav%3Fexpires%3D\d+%26signature%3D[\w-]{43}",
    "PLACE": r"[^&]*",
}
GEOGRAPHY = re.compile(r"&(From|To)(City|State|Zip|Country)=[^&]*")


def filled(text: str, legs: dict[str, str]) -> re.Pattern[str]:
    """What an expectation with braces matches."""
    known = {**MEANING, **{name: re.escape(leg) for name, leg in legs.items()}}
    parts = re.split(r"\{([A-Z]+)\}", text)
    return re.compile("".join(known[part] if place % 2 else re.escape(part) for place, part in enumerate(parts)))


def fits(value: Any, expected: Any, legs: dict[str, str]) -> bool:
    """Does JSON match an expectation?"""
    if isinstance(expected, dict):
        same = isinstance(value, dict) and value.keys() == expected.keys()
        return same and all(fits(value[name], inner, legs) for name, inner in expected.items())
    if isinstance(expected, str):
        return type(value) in (str, int) and filled(expected, legs).fullmatch(str(value)) is not None
    return bool(value == expected)


@pytest.fixture
def heard(
    tmp_path: Path, application: Application, receivers: Callable[[], Receiver]
) -> tuple[dict[str, list[Got]], dict[str, str], Application]:
    """What each dialect's endpoint was sent, and the legs' ids."""
    server = start_with_switch(tmp_path / "data")
    api = server.account()
    server.operator.call("PATCH", f"/v1/accounts/{api.account}", {"call_extensions": True})
    site = api.post("/v1/properties", {"name": "www.example.com.au"})["id"]
    number = {"name": "Web pool", "channel_id": CHANNEL, "trunk_id": "90001", "property": site}
    api.post("/v1/numbers", {"number": EXPECTED["call"]["to"], "voice": {"url": application.url("/voice")}, **number})
    application.documents = EXPECTED["documents"]
    ends = {dialect: receivers() for dialect in DIALECTS}
    for dialect, receiver in ends.items():
        api.endpoint(f"{receiver.url}/{dialect}", dialect)
    call = api.post("/v1/simulated-calls", EXPECTED["call"])["id"]
    shown = over(api, call)
    got = {dialect: receiver.take(len(EXPECTED[dialect])) for dialect, receiver in ends.items()}
    assert all(receiver.nothing(0.1) for receiver in ends.values())
    _nothing_is_left(api)
    assert server.stop() == 0, server.log.read_text()
    phone, desk = (leg["id"] for leg in shown["legs"])
    return got, {"CALL": call, "PHONE": phone, "DESK": desk}, application


def _nothing_is_left(api: Api) -> None:
    assert {one["state"] for one in api.get("/v1/deliveries?limit=1000")["items"]} == {"succeeded"}


def test_all_five_dialects_tell_the_simulated_call(heard: tuple[dict[str, list[Got]], dict[str, str], Application]) -> None:
    got, legs, application = heard
    assert [one.path for one in application.receiver.all] == EXPECTED["asked"]
    lines = {
        "voc": [one.path for one in got["voc"]],
        "fonedynamics": [one.body.decode() for one in got["fonedynamics"]],
        "voxtelesys": [GEOGRAPHY.sub("", one.body.decode()) for one in got["voxtelesys"]],
        "standard": [_told(one.json) for one in got["standard"]],
    }
    for dialect, told in lines.items():
        wrong = [
            (line, wanted) for line, wanted in zip(told, EXPECTED[dialect], strict=True) if not filled(wanted, legs).fullmatch(line)
        ]
        assert not wrong, (dialect, wrong)
    wanted_calls = EXPECTED["bird_calls"]
    for one, wanted in zip(got["bird"], EXPECTED["bird"], strict=True):
        payload = {**wanted_calls[wanted["is"]], **wanted["payload"]}
        body = {"service": "channels", "event": wanted["event"], "payload": payload}
        assert fits(one.json, body, legs), (one.json, body)


def _told(body: dict[str, Any]) -> str:
    """Type, leg, and what is particular to it."""
    data = body["data"]
    particular = (
        data.get("option") or data.get("recording", {}).get("status") if "recording" in body["type"] else data.get("option")
    )
    return " ".join(filter(None, (body["type"], data["call"]["id"], particular)))
