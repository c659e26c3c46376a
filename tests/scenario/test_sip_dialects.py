"""One real call, as each of the five platforms tells it: the same expectation as of the simulated one, since nobody could tell."""

from collections.abc import Callable
from pathlib import Path

from harness import Receiver
from live_harness import Application, over
from sip_calls import Exchange, passes
from sip_phones import needs_phones
from test_live_dialects import CHANNEL, DIALECTS, EXPECTED, GEOGRAPHY, _told, filled, fits

pytestmark = needs_phones


def test_all_five_dialects_tell_the_real_call(
    exchange: Exchange, application: Application, receivers: Callable[[], Receiver], tmp_path: Path
) -> None:
    api = exchange.account()
    exchange.server.operator.call("PATCH", f"/v1/accounts/{api.account}", {"call_extensions": True})
    site = api.post("/v1/properties", {"name": "www.example.com.au"})["id"]
    wanted = EXPECTED["call"]
    number = {"name": "Web pool", "channel_id": CHANNEL, "trunk_id": "90001", "property": site}
    api.post("/v1/numbers", {"number": wanted["to"], "voice": {"url": application.url("/voice")}, **number})
    application.documents = EXPECTED["documents"]
    ends = {dialect: receivers() for dialect in DIALECTS}
    for dialect, receiver in ends.items():
        api.endpoint(f"{receiver.url}/{dialect}", dialect)
    came = exchange.expects()
    caller = exchange.calls(wanted["to"], f'"ACME" <sip:{wanted["from"]}@127.0.0.1>').is_up()
    passes(0.3)
    caller.presses("1")
    came(1).answers(180)
    desk = came(2).answers(180).answers().is_up()
    passes(1.4)
    desk.hangs_up()
    caller.is_over()
    shown = over(api, exchange.call_id(api))
    got = {dialect: receiver.take(len(EXPECTED[dialect])) for dialect, receiver in ends.items()}
    assert all(receiver.nothing(0.1) for receiver in ends.values())
    phone_leg, desk_leg = (leg["id"] for leg in shown["legs"])
    legs = {"CALL": shown["call"]["id"], "PHONE": phone_leg, "DESK": desk_leg}
    assert [one.path for one in application.receiver.all] == EXPECTED["asked"]
    lines = {
        "voc": [one.path for one in got["voc"]],
        "fonedynamics": [one.body.decode() for one in got["fonedynamics"]],
        "voxtelesys": [GEOGRAPHY.sub("", one.body.decode()) for one in got["voxtelesys"]],
        "standard": [_told(one.json) for one in got["standard"]],
    }
    for dialect, told in lines.items():
        expected = EXPECTED[dialect]
        assert [filled(line, legs).fullmatch(one) is not None for line, one in zip(expected, told, strict=True)] == [True] * len(
            expected
        ), (dialect, told)
    for one, expected in zip(got["bird"], EXPECTED["bird"], strict=True):
        payload = {**EXPECTED["bird_calls"][expected["is"]], **expected["payload"]}
        assert fits(one.json, {"service": "channels", "event": expected["event"], "payload": payload}, legs), one.json
