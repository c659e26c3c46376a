"""VOC's click-to-dial on the simulated switch: what it takes, what it refuses, what it counts, and how it is told."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from harness import Api, Receiver, Server, running_receiver, until
from live_harness import SALES, events, over, start_with_switch

DESK, BUSY, DECLINES, LEAVES = "280085", "280086", "280087", "280088"
TAKEN, OFF, RINGS, COLLEAGUE = "+61299990002", "+61299990003", "+61299990004", "280089"
WORLD = (
    f"callee {DESK}: ring 0.1s, answer, wait 60s; callee {BUSY}: ring 0.1s, busy; callee {DECLINES}: ring 0.1s, reject; "
    f"callee {LEAVES}: answer, wait 0.3s, hangup; callee {SALES}: ring 0.1s, answer, wait 1.2s, hangup; "
    f"callee {TAKEN}: ring 0.1s, busy; callee {OFF}: ring 0.1s, reject; callee {RINGS}: ring 60s; callee: answer, wait 60s"
)
MINE = "+61288880000"
PATH = "/voc/api/v1"


@pytest.fixture(scope="module")
def pbx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start_with_switch(tmp_path_factory.mktemp("dial") / "data", "--simulate", WORLD)
    yield running
    assert running.stop() == 0, running.log.read_text()
    assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="module")
def crm() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def mine(pbx: Server, crm: Receiver) -> Api:
    """The account of the extensions, whose webhooks the CRM gets."""
    api = pbx.account()
    for number in (DESK, BUSY, DECLINES, LEAVES, COLLEAGUE, MINE):
        api.post("/v1/numbers", {"number": number})
    pbx.operator.call("PATCH", f"/v1/accounts/{api.account}", {"call_extensions": True, "country": "AU"})
    api.endpoint(f"{crm.url}/voc", "voc")
    return api


def dial(api: Api, headers: dict[str, str] | None = None, **query: str) -> tuple[int, dict[str, str], Any]:
    status, got, body = api.raw("POST", f"{PATH}/dial?{urlencode(query)}", None, headers)
    assert got["content-type"] == "application/json"
    return status, got, json.loads(body)


def dialled(api: Api, **query: str) -> Any:
    """What a dial that is taken answers."""
    status, _, answer = dial(api, **query)
    assert (status, answer["status"], answer["message"]) == (200, 200, "OK"), answer
    return answer["data"]


def refused(api: Api, **query: str) -> tuple[int, str]:
    status, _, answer = dial(api, **query)
    assert (answer["status"], answer["data"]) == (status, None)
    return status, answer["message"]


def told(crm: Receiver, call: str, last: str = "outboundCallEnd") -> list[dict[str, str]]:
    """VOC's webhooks of a call, once the last of them has come."""

    def heard() -> list[dict[str, str]]:
        hooks = [dict(parse_qsl(urlsplit(got.path).query, keep_blank_values=True)) for got in list(crm.all)]
        mine = [hook for hook in hooks if hook["callid"] == call]
        return mine if mine and mine[-1]["event"] == last else []

    return list(until(heard, 15))


def names(hooks: list[dict[str, str]]) -> list[str]:
    return [hook["event"].removeprefix("outboundCall") for hook in hooks]


# What is told
def test_a_call_that_is_answered(mine: Api, crm: Receiver) -> None:
    data = dialled(mine, extension=DESK, destination=SALES.lstrip("+"), crm_id="lead 55/ä#", caller_id="61288880000")
    assert data == {
        "id": data["callid"],
        "callid": data["id"],
        "extension": DESK,
        "destination": "61298765432",
        "callerid": "61288880000",
        "crm_id": "lead 55/ä#",
    }
    shown = over(mine, data["id"])
    hooks = told(crm, data["id"])
    assert names(hooks) == ["Start", "Answered", "End"]
    assert {(hook["extension"], hook["destination"], hook["crm_id"]) for hook in hooks} == {(DESK, "61298765432", "lead 55/ä#")}
    assert 1 <= int(hooks[2]["answeredDuration"]) <= int(hooks[2]["duration"])
    root, (leg,) = shown["call"], shown["legs"]
    assert (root["from"], root["to"], root["direction"], root["ended_by"]) == (DESK, SALES, "outbound", "callee")
    assert (leg["from"], leg["to"], leg["status"]) == (MINE, SALES, "completed")
    assert root["answered_at"] >= leg["ringing_at"]
    assert events(shown, root["id"]) == ["accepted", "starting", "ringing", "ongoing", "completed"]


def test_what_comes_after_the_call_carries_the_crms_id_too(mine: Api, crm: Receiver) -> None:
    call = dialled(mine, extension=DESK, destination=TAKEN, crm_id="lead-56")["id"]
    over(mine, call)
    for kind in ("recording", "transcription"):
        data = {"status": "completed", "url": "https://example.com/a.wav"} if kind == "recording" else {"text": "Hello."}
        mine.send({"type": f"call.{kind}", "at": "2026-11-20T12:00:00Z", "call": {"id": call}, "data": data})
    hooks = told(crm, call, "callTranscriptionAvailable")
    assert [hook["event"] for hook in hooks[1:]] == ["outboundCallEnd", "callRecordingAvailable", "callTranscriptionAvailable"]
    assert {hook["crm_id"] for hook in hooks} == {"lead-56"}


@pytest.mark.parametrize(
    ("extension", "to", "status", "by", "legs"),
    [
        (BUSY, SALES, "busy", "caller", []),
        (DECLINES, SALES, "no-answer", "caller", []),
        (DESK, TAKEN, "busy", "callee", ["busy"]),
        (DESK, OFF, "no-answer", "callee", ["no-answer"]),
        (LEAVES, RINGS, "cancelled", "caller", ["cancelled"]),
    ],
)
def test_a_call_that_comes_to_nothing(
    mine: Api, crm: Receiver, extension: str, to: str, status: str, by: str, legs: list[str]
) -> None:
    call = dialled(mine, extension=extension, destination=to)["id"]
    shown = over(mine, call)
    assert (shown["call"]["status"], shown["call"]["ended_by"]) == (status, by)
    assert [leg["status"] for leg in shown["legs"]] == legs
    hooks = told(crm, call)
    assert names(hooks) == ["Start", "End"]
    assert (hooks[1]["answeredDuration"], hooks[1]["crm_id"]) == ("0", "")


def test_it_is_ended_from_outside(mine: Api, crm: Receiver) -> None:
    call = dialled(mine, extension=DESK, destination=RINGS)["id"]
    until(lambda: any(event == "starting" for event in events(mine.get(f"/v1/calls/{call}"), f"{call}-1")), 15)
    assert mine.call("POST", f"/v1/calls/{call}/document", {"document": "<Response><Hangup/></Response>"})[0] == 409
    assert mine.call("POST", f"/v1/calls/{call}/hang-up")[0] == 202
    shown = over(mine, call)
    assert (shown["call"]["status"], shown["call"]["ended_by"]) == ("cancelled", "switch")
    assert names(told(crm, call)) == ["Start", "End"]


def test_extension_to_extension(mine: Api, crm: Receiver) -> None:
    data = dialled(mine, extension=LEAVES, destination=COLLEAGUE)
    assert (data["destination"], data["callerid"]) == (COLLEAGUE, LEAVES)
    assert over(mine, data["id"])["legs"][0]["from"] == LEAVES
    assert {hook["destination"] for hook in told(crm, data["id"])} == {COLLEAGUE}


def test_the_lists_have_it(mine: Api) -> None:
    call = dialled(mine, extension=DESK, destination="(02) 9999 0002")["id"]
    over(mine, call)
    _, _, body = mine.raw("GET", f"{PATH}/calls/get/{call}")
    row = json.loads(body)["data"]
    assert (row["id"], row["direction"], row["extension"], row["desination_number"]) == (call, "outbound", DESK, "61299990002")
    _, _, body = mine.raw("GET", f"{PATH}/calls/outbound?extension={DESK}&perPage=1")
    assert json.loads(body)["data"]["data"] == [row]


def test_what_the_destination_sees(mine: Api) -> None:
    for given, seen in (("", MINE), ("anonymous", "anonymous"), ("61299990009", "+61299990009"), (DESK, DESK)):
        call = dialled(mine, extension=DESK, destination=TAKEN, **({"caller_id": given} if given else {}))["id"]
        assert over(mine, call)["legs"][0]["from"] == seen


# What is refused
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"destination": SALES}, "extension: is needed, in the query string"),
        ({"extension": " ", "destination": SALES}, "extension: is needed, in the query string"),
        ({"extension": "280099", "destination": SALES}, "extension: no phone registers as that"),
        ({"extension": "x" * 200, "destination": SALES}, "extension: is not a number or an extension"),
        ({"extension": DESK}, "destination: is needed, in the query string"),
        ({"extension": DESK, "destination": "nobody"}, "destination: is not a number or an extension"),
        ({"extension": DESK, "destination": "sip:ann@example.com"}, "destination: is not a number or an extension"),
        ({"extension": DESK, "destination": "anonymous"}, "destination: is not a number or an extension"),
        ({"extension": DESK, "destination": "12 ab"}, "destination: is not a number or an extension"),
        ({"extension": DESK, "destination": DESK}, "destination: is the extension itself"),
        ({"extension": DESK, "destination": SALES, "caller_id": "Ann Smith"}, "caller_id: is not a number"),
        ({"extension": DESK, "destination": SALES, "crm_id": "a\nb"}, "crm_id: has 256 characters at most"),
        ({"extension": DESK, "destination": SALES, "crm_id": "a" * 257}, "crm_id: has 256 characters at most"),
    ],
)
def test_what_does_not_fit_dials_nobody(mine: Api, query: dict[str, str], said: str) -> None:
    before = mine.get("/v1/calls?limit=1")["items"]
    status, message = refused(mine, **query)
    assert (status, message[: len(said)]) == (422, said)
    assert mine.get("/v1/calls?limit=1")["items"] == before


def test_another_accounts_extension_is_none(pbx: Server, mine: Api) -> None:
    assert refused(pbx.account(), extension=DESK, destination=SALES)[0] == 422


def test_without_a_switch_there_is_nobody_to_dial(server: Server) -> None:
    status, message = refused(server.account(), extension=DESK, destination=SALES)
    assert (status, message[:23]) == (409, "no switch is configured")


def test_a_viewer_may_not_dial(mine: Api) -> None:
    viewer = Api(mine.port, mine.post("/v1/keys", {"name": "v", "role": "viewer"})["key"])
    assert refused(viewer, extension=DESK, destination=SALES) == (403, "this key may only look")
    assert refused(Api(mine.port, None), extension=DESK, destination=SALES)[0] == 401


# What it counts
def extension_of(api: Api) -> str:
    """An extension of its own for each account; whoever is called there answers and stays."""
    extension = f"31{int(api.account[:6], 16) % 10_000:04}"
    api.post("/v1/numbers", {"number": extension})
    return extension


def limited(server: Server, api: Api, **limits: Any) -> None:
    assert server.operator.call("PATCH", f"/v1/accounts/{api.account}", limits)[0] == 200


def test_the_destination_is_one_that_the_account_may_call(pbx: Server) -> None:
    api = pbx.account()
    extension = extension_of(api)
    limited(pbx, api, call_prefixes=["+61"])
    assert refused(api, extension=extension, destination="14025550100") == (
        403,
        "call_prefixes: the account may not call +14025550100",
    )
    assert refused(api, extension=extension, destination="000")[0] == 403
    assert refused(api, extension=extension, destination="280089")[0] == 403, "extensions are not among those"
    assert api.get("/v1/calls")["items"] == []
    over(api, dialled(api, extension=extension, destination=TAKEN)["id"])


def test_there_must_be_room_for_both(pbx: Server) -> None:
    api = pbx.account()
    extension = extension_of(api)
    limited(pbx, api, calls_at_once=1)
    status, headers, answer = dial(api, extension=extension, destination=SALES)
    assert (status, headers["retry-after"], answer["message"][:13]) == (429, "5", "calls_at_once")
    limited(pbx, api, calls_at_once=2)
    call = dialled(api, extension=extension, destination=RINGS)["id"]
    assert refused(api, extension=extension, destination=SALES)[0] == 429
    api.call("POST", f"/v1/calls/{call}/hang-up")
    over(api, call)
    over(api, dialled(api, extension=extension, destination=TAKEN)["id"])
    over(api, dialled(api, extension=extension, destination=TAKEN)["id"])


def test_an_extension_that_is_busy_leaves_the_room_of_the_other_one(pbx: Server, mine: Api) -> None:
    limited(pbx, mine, calls_at_once=2)
    for _ in range(3):
        over(mine, dialled(mine, extension=BUSY, destination=SALES)["id"])
    limited(pbx, mine, calls_at_once=None)


def test_it_is_one_call_of_the_minute(pbx: Server) -> None:
    api = pbx.account()
    extension = extension_of(api)
    limited(pbx, api, calls_per_min=1)
    assert over(api, dialled(api, extension=extension, destination=TAKEN)["id"])["call"]["status"] == "busy"
    assert refused(api, extension=extension, destination=TAKEN)[0] == 429


# Once
def test_the_same_request_with_the_same_key_dials_once(mine: Api) -> None:
    query = {"extension": DESK, "destination": TAKEN}
    login = mine.raw("POST", f"{PATH}/authentication?{urlencode({'username': mine.account, 'password': mine.key})}")
    token = {"Authorization": f"Bearer {json.loads(login[2])['token']}"}
    first = dial(mine, {"Idempotency-Key": "lead-57", **token}, **query)
    again = dial(mine, {"Idempotency-Key": "lead-57"}, **query)
    assert (first[0], again[0], again[2], again[1]["idempotent-replayed"]) == (200, 200, first[2], "true")
    over(mine, first[2]["data"]["id"])
    status, _, answer = dial(mine, {"Idempotency-Key": "lead-57"}, **{**query, "destination": OFF})
    assert (status, answer["status"], answer["message"][:16], answer["data"]) == (422, 422, "Idempotency-Key:", None)
    other = dial(mine, {"Idempotency-Key": "lead-58"}, **query)[2]["data"]["id"]
    assert other != first[2]["data"]["id"]
    over(mine, other)


def test_a_refused_request_frees_its_key(mine: Api) -> None:
    key = {"Idempotency-Key": "lead-59"}
    assert dial(mine, key, extension="280099", destination=TAKEN)[0] == 422
    status, _, answer = dial(mine, key, extension=DESK, destination=TAKEN)
    assert status == 200
    over(mine, answer["data"]["id"])
