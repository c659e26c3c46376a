"""What the pages of the log and of calls ask of the API beyond the first issues: all that waits, and calls by their crm_id."""

from harness import Api, Receiver, until


def test_waiting_is_all_that_is_not_done(api: Api, receiver: Receiver) -> None:
    receiver.answer = lambda got: 500
    endpoint = api.endpoint(receiver.url, "standard")["id"]
    call = {"id": "w-1", "direction": "inbound", "from": "+61288880000", "to": "+611800111222"}
    api.send({"type": "call.starting", "at": "2026-11-20T12:00:00Z", "call": call})
    (row,) = until(lambda: api.deliveries(state="retrying"))
    assert [one["id"] for one in api.deliveries(state="waiting")] == [row["id"]]
    assert api.deliveries(state="waiting", endpoint=endpoint, event="call.starting")[0]["state"] == "retrying"
    assert api.raw("GET", "/v1/deliveries.csv?state=waiting")[2].count(b"\n") == 2
    api.call("PATCH", f"/v1/endpoints/{endpoint}", {"enabled": False})
    until(lambda: api.deliveries(state="cancelled"))
    assert api.deliveries(state="waiting") == []


def test_calls_are_found_by_the_id_that_a_crm_knows_them_by(api: Api) -> None:
    call = {"direction": "inbound", "from": "+61288880000", "to": "+611800111222"}
    api.send(
        {"type": "call.starting", "at": "2026-11-20T12:00:00Z", "call": {**call, "id": "c-1", "crm_id": "lead/55 é"}},
        {"type": "call.starting", "at": "2026-11-20T12:00:00Z", "call": {**call, "id": "c-2"}},
        {"type": "call.facts", "at": "2026-11-20T12:00:01Z", "call": {"id": "c-2", "crm_id": "lead-56"}},
    )

    def found(text: str) -> list[str]:
        return [one["id"] for one in api.get(f"/v1/calls?crm_id={text}")["items"]]

    assert found("lead%2F55%20%C3%A9") == ["c-1"]
    assert found("lead-56") == ["c-2"]
    assert found("lead-56&status=completed") == []
    assert found("nothing") == []
    api.send({"type": "call.facts", "at": "2026-11-20T12:00:02Z", "call": {"id": "c-1", "crm_id": "lead-56"}})
    assert found("lead-56") == ["c-2", "c-1"]
    assert found("lead%2F55%20%C3%A9") == []
