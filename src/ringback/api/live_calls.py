"""Live calls: placed, given another document, ended; and, on the simulated switch, made to come in."""

from typing import Annotated, Any, Literal
from urllib.parse import unquote

import msgspec
from litestar import post
from msgspec import Meta, Struct

from ringback.api.call_fields import address, checked_url, one_of, read_document, read_script, start_of_flow, start_of_url
from ringback.api.common import NO_CONTROLS, AccountId, TheEngine
from ringback.api.endpoint_fields import MethodName, Url
from ringback.api.log import Calls
from ringback.calls.live import Detection
from ringback.calls.model import Call, Direction
from ringback.engine.placing import Placing, Recorded, StatusCallback
from ringback.engine.server import Engine
from ringback.voxml.document import RecordingEvent
from ringback.voxml.model import NewDocument
from ringback.voxml.state import Start

Address = Annotated[str, Meta(min_length=1, max_length=128, pattern="^[!-~]+$")]
CallerId = Annotated[str, Meta(min_length=1, max_length=128, pattern="^[!-~]+$")]
Text = Annotated[str, Meta(max_length=256, pattern=NO_CONTROLS)]
DocumentText = Annotated[str, Meta(min_length=1, max_length=65_536)]
ScriptText = Annotated[str, Meta(max_length=10_000)]
VariableName = Annotated[str, Meta(min_length=1, max_length=50, pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$")]
VariableValue = Annotated[str, Meta(max_length=50, pattern=NO_CONTROLS)]
Ending = Literal["completed", "failed", "busy", "no-answer"]

_FIRST = ("url", "document", "flow")


def _completed() -> list[Any]:
    return ["completed"]


class NewStatusCallback(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is told of the call's end, in Voxtelesys' form. `events`: which ends (`completed` alone, if nothing is said); a
    call that was cancelled is a `no-answer` there."""

    url: Url
    method: MethodName = "POST"
    events: Annotated[list[Ending], Meta(min_length=1, max_length=4)] = msgspec.field(default_factory=_completed)


class NewRecordingCallback(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is told of the recording's states. `events`: which of them (`completed` alone, if nothing is said)."""

    url: Url
    method: MethodName = "POST"
    events: Annotated[list[RecordingEvent], Meta(min_length=1, max_length=3)] = msgspec.field(default_factory=_completed)


class NewCallRecording(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole call is recorded, from its answer on. `channels` 2: callee left, what it hears right. `track`: `inbound`, what the
    callee says; `outbound`, what it hears."""

    channels: Literal[1, 2] = 1
    track: Literal["inbound", "outbound", "both"] = "both"
    status_callback: NewRecordingCallback | None = None


class NewDetection(Struct, frozen=True, forbid_unknown_fields=True):
    """Answering-machine detection; what it finds is `AnsweredBy` of the request for the document. `until_message_end`: a machine is
    told when its message is over. The rest are seconds: until it is given up; speech that is still a person's at home, or at
    work; silence after speech; silence from the beginning."""

    until_message_end: bool = False
    timeout_s: Annotated[float, Meta(ge=3, le=59)] = 30.0
    residence_speech_s: Annotated[float, Meta(ge=1, le=6)] = 2.0
    business_speech_s: Annotated[float, Meta(ge=1, le=6)] = 3.2
    speech_end_s: Annotated[float, Meta(ge=0.5, le=5)] = 1.0
    silence_s: Annotated[float, Meta(ge=2, le=10)] = 5.0


class NewCall(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call to be placed. Once it is answered, exactly one of: `url` is asked (with `method`), `document` (VoXML) is run, `flow`,
    one of the account's, is run. `timeout`: seconds that it may ring. `tag` comes back in webhooks (`Tag`) and stands in the
    record, as `crm_id` does. `vars`: variables that the document begins with. `script`: on the simulated switch, what the callee
    does."""

    to: Address
    from_: CallerId = msgspec.field(name="from")
    url: Url | None = None
    method: MethodName = "POST"
    document: DocumentText | None = None
    flow: Annotated[str, Meta(max_length=100)] | None = None
    timeout: Annotated[int, Meta(ge=1, le=600)] = 60
    tag: Text | None = None
    status_callback: NewStatusCallback | None = None
    record: NewCallRecording | None = None
    machine_detection: NewDetection | None = None
    crm_id: Text | None = None
    vars: Annotated[dict[VariableName, VariableValue], Meta(max_length=100)] = {}
    script: ScriptText | None = None


class NewCallDocument(Struct, frozen=True, forbid_unknown_fields=True):
    """What the call goes on with: `url` is asked (with `method`), or `document` (VoXML) is run; one of the two."""

    url: Url | None = None
    method: MethodName = "POST"
    document: DocumentText | None = None


class NewSimulatedCall(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call that comes in on the simulated switch. `to`: a number of the account. `script`: what the caller does; without one,
    what `--simulate` says. `caller_name`: as a carrier would tell it."""

    to: Address
    from_: CallerId = msgspec.field(name="from")
    script: ScriptText | None = None
    caller_name: Text = ""


class LiveCallView(Struct, frozen=True, kw_only=True):
    """A call that goes on, as it is now; `GET /v1/calls/{id}` shows all of it."""

    id: str
    status: str | None
    direction: Direction
    from_: str = msgspec.field(name="from")
    to: str
    live: bool = True


class SimulatedCallView(Struct, frozen=True):
    """A call that is about to come in."""

    id: str


class LiveCalls(Calls):
    """All calls, and how those are steered that are live."""

    @post()
    async def place(self, data: NewCall, engine: TheEngine, account: AccountId) -> LiveCallView:
        """Places a call. It is on disk when this is answered, and dialled at once; 403 or 429 if the account may not."""
        wanted = await _placing(engine, account, data)
        return _view(await engine.live_calls.place(account, wanted))

    @post("/{call_id:str}/hang-up", status_code=202)
    async def hang_up(self, call_id: str, engine: TheEngine, account: AccountId) -> LiveCallView:
        """Ends a live call, or one of its legs. Its end is told by the ledger, as any other."""
        return _view(await engine.live_calls.hang_up(account, unquote(call_id)))

    @post("/{call_id:str}/document", status_code=202)
    async def instruct(self, call_id: str, data: NewCallDocument, engine: TheEngine, account: AccountId) -> LiveCallView:
        """Gives a live call another document. What is going on is stopped."""
        first = await _first(engine, account, data, ("url", "document"))
        return _view(await engine.live_calls.instruct(account, unquote(call_id), first))


@post("/v1/simulated-calls", tags=["calls"])
async def simulate_call(data: NewSimulatedCall, engine: TheEngine, account: AccountId) -> SimulatedCallView:
    """Has a call come in to a number of the account, on the simulated switch."""
    script = read_script(engine, data.script)
    return SimulatedCallView(engine.live_calls.simulate(account, data.from_, data.to, script, data.caller_name))


async def _first(engine: Engine, account: str, data: NewCall | NewCallDocument, names: tuple[str, ...]) -> Start | NewDocument:
    given = {name: getattr(data, name) for name in names}
    name = one_of(given, names)
    if name == "document":
        return await read_document(given[name], name)
    if name == "flow":
        return start_of_flow(engine, account, given[name], name)
    return start_of_url(engine, account, given[name], data.method)


async def _placing(engine: Engine, account: str, data: NewCall) -> Placing:
    """What the request asks for. Raises InvalidInput, Conflict."""
    detection = data.machine_detection
    context: dict[str, Any] = {"crm_id": data.crm_id, "tag": data.tag}
    return Placing(
        to=address(engine, account, data.to),
        from_=address(engine, account, data.from_),
        first=await _first(engine, account, data, _FIRST),
        timeout_s=float(data.timeout),
        detection=None if detection is None else Detection(**msgspec.structs.asdict(detection)),
        record=_recorded(engine, account, data.record),
        status_callback=_callback(engine, account, data.status_callback),
        context={name: value for name, value in context.items() if value},
        variables=data.vars,
        script=read_script(engine, data.script),
    )


def _callback(engine: Engine, account: str, data: NewStatusCallback | None) -> StatusCallback | None:
    if data is None:
        return None
    url = checked_url(engine, account, data.url, "status_callback.url")
    return StatusCallback(url, data.method, tuple(data.events))


def _recorded(engine: Engine, account: str, data: NewCallRecording | None) -> Recorded | None:
    if data is None:
        return None
    told = data.status_callback
    if told is None:
        return Recorded(data.channels, data.track)
    url = checked_url(engine, account, told.url, "record.status_callback.url")
    return Recorded(data.channels, data.track, url, told.method, tuple(told.events))


def _view(call: Call) -> LiveCallView:
    return LiveCallView(id=call.id, status=call.status, direction=call.direction, from_=call.from_, to=call.to)
