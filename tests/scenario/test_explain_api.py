"""Silence is visible: for each rule, why nothing was sent, before and after the rule is changed."""

from collections.abc import Callable
from typing import Any

from harness import Api, Receiver, Server, until

NewCall = Callable[..., Callable[..., dict[str, Any]]]
DEAD = "http://127.0.0.1:9/hook"
OURS = "%2B611800111222"


def event_of(api: Api, update: dict[str, Any]) -> str:
    """Reports it; the event's id."""
    return str(api.send(update)["results"][0]["event_id"])


def why(api: Api, event: str, endpoint: dict[str, Any]) -> Any:
    return api.get(f"/v1/explain?event={event}&endpoint={endpoint['id']}")


def marks(answer: Any) -> list[tuple[str, bool | None, bool]]:
    return [(reason["rule"], reason["then"], reason["now"]) for reason in answer["reasons"]]


def test_what_was_sent_names_its_delivery(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    endpoint = api.endpoint(receiver.url)
    event = event_of(api, new_call("sent-1")("starting"))
    receiver.next()
    until(lambda: why(api, event, endpoint)["deliveries"][0]["state"] == "succeeded")
    answer = why(api, event, endpoint)
    assert (answer["sent"], answer["sent_now"], answer["reasons"], answer["changed_since"]) == (True, True, [], [])
    assert answer["deliveries"][0]["id"].startswith("dlv_")
    assert (answer["event_id"], answer["endpoint_id"], answer["call_id"]) == (event, endpoint["id"], "sent-1")
    assert (answer["type"], answer["name"], answer["seq"]) == ("call.starting", "call.starting", 1)


def test_event_not_chosen_and_filters(api: Api, new_call: NewCall) -> None:
    chosen = api.endpoint(DEAD, events=["call.busy"])
    filtered = api.endpoint(DEAD, filters=[{"key": "direction", "value": "outbound"}])
    event = event_of(api, new_call()("starting"))
    answer = why(api, event, chosen)
    assert (answer["sent"], marks(answer), answer["deliveries"]) == (False, [("not-chosen", True, True)], [])
    answer = why(api, event, filtered)
    assert marks(answer) == [("filter", True, True)]
    assert answer["reasons"][0] == {
        "rule": "filter",
        "text": "A filter wants direction outbound, and this event's is inbound.",
        "then": True,
        "now": True,
        "key": "direction",
        "wanted": ["outbound"],
        "actual": "inbound",
    }


def test_disabled_from_the_start(api: Api, new_call: NewCall) -> None:
    disabled = api.endpoint(DEAD, enabled=False)
    event = event_of(api, new_call()("starting"))
    assert marks(why(api, event, disabled)) == [("disabled", True, True)]


def test_an_endpoint_that_was_disabled_meanwhile(api: Api, receiver: Receiver, new_call: NewCall) -> None:
    receiver.answer = lambda _: 410
    endpoint = api.endpoint(receiver.url)
    first = event_of(api, new_call()("starting"))
    until(lambda: not api.get(f"/v1/endpoints/{endpoint['id']}")["enabled"])
    answer = why(api, first, endpoint)
    assert (answer["sent"], answer["sent_now"], marks(answer)) == (True, False, [("disabled", False, True)])
    assert [change["what"] for change in answer["changed_since"]] == ["endpoint"]
    changed_at = answer["changed_since"][0]["at"]
    assert changed_at == api.get(f"/v1/endpoints/{endpoint['id']}")["updated_at"]

    def asked_later() -> Any:
        later = why(api, event_of(api, new_call()("starting")), endpoint)
        return later if not later["changed_since"] else None

    later = until(asked_later)
    assert (later["sent"], marks(later)) == (False, [("disabled", True, True)])


def test_rules_of_an_endpoint_before_and_after_they_are_changed(api: Api, new_call: NewCall) -> None:
    cases: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("not-chosen", {"events": ["call.busy"]}, {"events": None}),
        ("filter", {"filters": [{"key": "status", "value": "busy"}]}, {"filters": []}),
        ("disabled", {"enabled": False}, {"enabled": True}),
    ]
    endpoints = {rule: api.endpoint(DEAD, **before) for rule, before, _ in cases}
    kept_out = event_of(api, new_call()("starting"))
    for rule, before, lifted in cases:
        endpoint = endpoints[rule]
        assert marks(why(api, kept_out, endpoint)) == [(rule, True, True)]
        status, changed = api.call("PATCH", f"/v1/endpoints/{endpoint['id']}", lifted)
        assert status == 200, changed
        answer = why(api, kept_out, endpoint)
        assert (answer["sent"], answer["sent_now"], marks(answer)) == (False, True, [("changed-since", None, False)])
        assert answer["changed_since"] == [{"what": "endpoint", "id": endpoint["id"], "at": changed["updated_at"]}]
        sent = event_of(api, new_call()("starting"))
        assert why(api, sent, endpoint)["sent"]
        assert api.call("PATCH", f"/v1/endpoints/{endpoint['id']}", before)[0] == 200
        answer = why(api, sent, endpoint)
        assert (answer["sent"], answer["sent_now"], marks(answer)) == (True, False, [(rule, False, True)])
        assert marks(why(api, kept_out, endpoint)) == [(rule, None, True)], "the rule as it is now: what it was is not kept"


def test_the_accounts_switch_for_the_catch_all_clause(server: Server, new_call: NewCall) -> None:
    api = server.account()
    silent = api.endpoint(DEAD, "bird")
    api.endpoint(DEAD, "bird", filters=[{"key": "status", "value": "starting"}])
    before = event_of(api, new_call()("starting"))
    assert server.operator.call("PATCH", f"/v1/accounts/{api.account}", {"bird_catch_all": "off"})[0] == 200
    after = event_of(api, new_call()("starting"))
    answer = why(api, before, silent)
    assert (answer["sent"], answer["sent_now"], marks(answer)) == (False, True, [("catch-all", True, False)])
    assert why(api, after, silent)["sent"]
    assert server.operator.call("PATCH", f"/v1/accounts/{api.account}", {"bird_catch_all": "literal"})[0] == 200
    answer = why(api, after, silent)
    assert (answer["sent"], answer["sent_now"], marks(answer)) == (True, False, [("catch-all", False, True)])


def test_a_test_is_explained_like_an_event(api: Api) -> None:
    endpoint, other = api.endpoint(DEAD, events=["call.busy"]), api.endpoint(DEAD)
    made = api.post(f"/v1/endpoints/{endpoint['id']}/test", {"event": "call.starting"}, 202)
    event = api.get(f"/v1/deliveries/{made['delivery_id']}")["event_id"]
    answer = why(api, event, endpoint)
    assert (answer["sent"], marks(answer)) == (True, [("not-chosen", False, True)])
    assert [delivery["kind"] for delivery in answer["deliveries"]] == ["test"]
    answer = why(api, event, other)
    assert (answer["sent"], answer["sent_now"], marks(answer)) == (False, False, [("others-test", True, True)])


def test_catch_all_clause_names_the_endpoint_that_took_it(api: Api, new_call: NewCall) -> None:
    silent = api.endpoint(DEAD, "bird")
    taker = api.endpoint(DEAD, "bird", filters=[{"key": "status", "value": "starting"}])
    say = new_call()
    event = event_of(api, say("starting"))
    answer = why(api, event, silent)
    assert marks(answer) == [("catch-all", True, True)]
    assert answer["reasons"][0]["by"] == [taker["id"]]
    assert why(api, event, taker)["sent"]
    assert api.call("DELETE", f"/v1/endpoints/{taker['id']}")[0] == 204
    answer = why(api, event, silent)
    assert (marks(answer), answer["sent_now"]) == ([("catch-all", True, False)], True)
    assert answer["reasons"][0]["by"] == [taker["id"]], "the delivery is the witness, though its endpoint is gone"
    assert why(api, event_of(api, say("ringing", 1)), silent)["sent"]
    again = api.endpoint(DEAD, "bird", filters=[{"key": "status", "value": "ongoing"}])
    event = event_of(api, say("ongoing", 2))
    assert why(api, event, silent)["reasons"][0]["by"] == [again["id"]]


def test_number_without_webhooks_before_and_after_the_switch(server: Server, new_call: NewCall) -> None:
    api = server.account()
    api.post("/v1/numbers", {"number": "+611800111222", "webhooks_enabled": False})
    endpoint = api.endpoint(DEAD, "voc")

    def silent() -> Any:
        event = event_of(api, new_call()("starting"))
        answer = why(api, event, endpoint)
        return (event, answer) if answer["reasons"][0]["then"] else None

    event, answer = until(silent)
    assert (answer["sent"], marks(answer)) == (False, [("number-webhooks-off", True, True)])
    assert answer["name"] is None
    assert api.call("PATCH", f"/v1/numbers/{OURS}", {"webhooks_enabled": True})[0] == 200
    answer = why(api, event, endpoint)
    assert (answer["sent"], answer["sent_now"], marks(answer)) == (False, True, [("changed-since", None, False)])
    assert [(change["what"], change["id"]) for change in answer["changed_since"]] == [("number", "+611800111222")]
    assert answer["changed_since"][0]["at"] in answer["reasons"][0]["text"]
    later = event_of(api, new_call()("starting"))
    assert why(api, later, endpoint)["sent"]
    assert api.call("PATCH", f"/v1/numbers/{OURS}", {"webhooks_enabled": False})[0] == 200
    answer = why(api, later, endpoint)
    assert (answer["sent"], marks(answer)) == (True, [("number-webhooks-off", False, True)])


def test_late_status_and_an_endpoint_made_after(api: Api, new_call: NewCall) -> None:
    endpoint = api.endpoint(DEAD)
    say = new_call()
    first = event_of(api, say("ongoing", 2))
    late = api.send(say("ringing", 1))["results"][0]
    assert late["late"] is True
    answer = why(api, late["event_id"], endpoint)
    assert marks(answer)[0] == ("late", True, True)
    assert answer["sent_now"] is False
    younger = api.endpoint(DEAD)
    answer = why(api, first, younger)
    assert (marks(answer), answer["sent_now"]) == ([("made-after", True, False)], True)
    assert younger["created_at"] in answer["reasons"][0]["text"]


def test_no_such_event_in_the_dialect(api: Api, new_call: NewCall) -> None:
    dialects = {name: api.endpoint(DEAD, name) for name in ("fonedynamics", "voc", "voxtelesys", "bird")}
    event = event_of(api, new_call(direction="outbound", to="*98")("ringing"))
    for name, says in [("fonedynamics", "outbound"), ("voc", "internal service"), ("voxtelesys", "call.ringing is neither")]:
        answer = why(api, event, dialects[name])
        assert marks(answer) == [("no-event", True, True)]
        assert says in answer["reasons"][0]["text"]
    assert why(api, event, dialects["bird"])["sent"]
    leg = event_of(api, {**new_call("leg-1", parent="root-1", direction="outbound", to="7000")("ringing")})
    assert "a leg to an extension" in why(api, leg, dialects["bird"])["reasons"][0]["text"]


def test_a_call_lists_every_event_with_its_reason(api: Api, new_call: NewCall) -> None:
    endpoint = api.endpoint(DEAD, "voc", events=["inboundCallStart", "inboundCallEnd", "ivrOption", "callRecordingAvailable"])
    say = new_call("whole/call 1")
    answers = api.send(say("starting"), say("ongoing", 2, answered_by="ivr"), say("ringing", 3, extension="101"), say("facts", 4))
    answer = api.get(f"/v1/explain?call=whole%2Fcall%201&endpoint={endpoint['id']}")
    assert (answer["call_id"], answer["endpoint_id"], answer["reasons"]) == ("whole/call 1", endpoint["id"], [])
    assert [event["event_id"] for event in answer["events"]] == [result["event_id"] for result in answers["results"]]
    told = [(event["type"], event["name"], event["sent"], [r["rule"] for r in event["reasons"]]) for event in answer["events"]]
    assert told == [
        ("call.starting", "inboundCallStart", True, []),
        ("call.ongoing", None, False, ["no-event"]),
        ("call.ringing", "inboundCallRinging", False, ["not-chosen"]),
        ("call.facts", None, False, ["no-event"]),
    ]
    untold = {item["name"]: item["text"] for item in answer["untold"]}
    assert set(untold) == {"inboundCallEnd", "ivrOption", "callRecordingAvailable"}
    assert "only while a menu is announced" in untold["ivrOption"], "a key outside a menu is no event"
    assert untold["inboundCallEnd"] == "No end was reported so far."


def test_a_leg_asks_for_its_whole_conversation(api: Api, new_call: NewCall) -> None:
    endpoint = api.endpoint(DEAD)
    api.send(new_call("conv-1")("starting"))
    api.send(new_call("conv-1-leg", parent="conv-1", direction="outbound", to="7000")("ringing", 1))
    answer = api.get(f"/v1/explain?call=conv-1-leg&endpoint={endpoint['id']}")
    assert [event["call_id"] for event in answer["events"]] == ["conv-1", "conv-1-leg"]


def test_a_call_whose_account_was_not_known_is_among_the_operators_notes(server: Server, new_call: NewCall) -> None:
    api = server.account()
    endpoint = api.endpoint(DEAD)
    stray = new_call("stray call from afar", **{"to": "+15550001111", "from": "+15550002222"})("starting")
    status, problem = server.operator.call("POST", "/v1/events", stray)
    assert (status, problem["field"]) == (422, "account")
    path = f"/v1/explain?call=stray%20call%20from%20afar&endpoint={endpoint['id']}"
    until(lambda: server.operator.call("GET", f"{path}&account={api.account}")[0] == 200)
    answer = server.operator.get(f"{path}&account={api.account}")
    assert (answer["events"], marks(answer)) == ([], [("account-not-known", True, True)])
    assert "Name the account, or register one of the numbers" in answer["reasons"][0]["text"]
    assert server.operator.call("GET", f"/v1/explain?call=afar&endpoint={endpoint['id']}&account={api.account}")[0] == 404
    status, problem = api.call("GET", path)
    assert (status, problem["detail"]) == (404, "no such call"), "an account does not read the operator's notes"


def test_one_account_never_sees_anothers(server: Server, new_call: NewCall) -> None:
    mine, other = server.account("mine"), server.account("other")
    endpoint, foreign = mine.endpoint(DEAD), other.endpoint(DEAD)
    event, their_event = event_of(mine, new_call("shared")("starting")), event_of(other, new_call("theirs")("starting"))
    for path in (
        f"event={their_event}&endpoint={endpoint['id']}",
        f"event={event}&endpoint={foreign['id']}",
        f"call=theirs&endpoint={endpoint['id']}",
        f"call=shared&endpoint={foreign['id']}",
        f"event={event}&endpoint={endpoint['id']}&account={other.account}",
    ):
        assert mine.call("GET", f"/v1/explain?{path}")[0] == 404, path
    assert server.operator.get(f"/v1/explain?event={event}&endpoint={endpoint['id']}&account={mine.account}")["sent"]
    assert server.operator.call("GET", f"/v1/explain?event={event}&endpoint={endpoint['id']}&account={other.account}")[0] == 404


def test_what_is_asked_wrongly_says_so(api: Api, new_call: NewCall) -> None:
    endpoint = api.endpoint(DEAD)["id"]
    event = event_of(api, new_call("asked")("starting"))
    for query, field in [
        (f"endpoint={endpoint}", "event"),
        (f"endpoint={endpoint}&event={event}&call=asked", "event"),
        (f"endpoint={endpoint}&event=evt_nonsense", "event"),
        (f"endpoint=nonsense&event={event}", "endpoint"),
        (f"event={event}", "endpoint"),
    ]:
        status, problem = api.call("GET", f"/v1/explain?{query}")
        assert (status, problem.get("field")) == (422, field), (query, problem)
    for query in (f"endpoint={endpoint}&event=evt_00000000000001", f"endpoint=ep_00000000000001&event={event}"):
        assert api.call("GET", f"/v1/explain?{query}")[0] == 404, query
