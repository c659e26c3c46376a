"""What `POST /calls` takes: every field that the vendor's SDK or its n8n node sends, with their ranges and defaults.

Times are seconds, but for the thresholds of machine detection, which are milliseconds.
"""

import re
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from ringback.api.call_fields import checked_url, one_of, read_document, start_of_flow, start_of_url
from ringback.calls.live import Detection
from ringback.engine.placing import Placing, Recorded, StatusCallback
from ringback.engine.server import Engine
from ringback.errors import InvalidInput
from ringback.voxml.document import RecordingEvent
from ringback.voxml.model import NewDocument
from ringback.voxml.state import Start

GUID: Final = r"^\{?[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\}?$"
Guid = Annotated[str, Meta(pattern=GUID)]
E164 = Annotated[str, Meta(pattern=r"^\+?[1-9][0-9]{6,14}$")]
Tag = Annotated[str, Meta(max_length=256)]
Url = Annotated[str, Meta(min_length=1, max_length=2048)]
Method = Literal["POST", "GET"]
Ending = Literal["completed", "failed", "busy", "no-answer"]

INSTRUCTIONS: Final = ("voxxml", "url", "flow_guid")
"""Exactly one of them."""
ROUTES: Final = ("route_profile_guid", "byoc")
"""One of them at the most."""
_STATES: Final[tuple[RecordingEvent, ...]] = ("in-progress", "completed", "failed")


class VoxtelesysStatusCallback(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is told of the call's end. `events`: of which ends; none: of `completed`."""

    url: Url
    method: Method = "POST"
    events: Annotated[list[Ending], Meta(max_length=4)] = []


class NewVoxtelesysCall(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call to be placed. Exactly one of `voxxml`, `url` and `flow_guid` says what is done once it is answered. `timeout`: seconds
    that it may ring. `tag` and `bulk_tag` come back in webhooks (`Tag`, `BulkTag`). `recording_…` count with `record` alone,
    `machine_detection_…` with `machine_detection`. `route_profile_guid` and `byoc` are kept in the call's record: the switch has
    one way to call anybody."""

    to: E164
    from_: E164 = msgspec.field(name="from")
    voice_trunk_group_id: Annotated[int, Meta(gt=0, le=2**53)]
    voxxml: Annotated[str, Meta(min_length=1, max_length=65_536)] | None = None
    url: Url | None = None
    method: Method = "POST"
    flow_guid: Guid | None = None
    timeout: Annotated[int, Meta(ge=0, le=600)] = 60
    tag: Tag | None = None
    bulk_tag: Tag | None = None
    status_callback: VoxtelesysStatusCallback | None = None
    record: bool = False
    recording_track: Literal["inbound", "outbound", "both"] = "both"
    recording_channel: Literal["mono", "dual"] = "mono"
    recording_status_callback: Url | None = None
    recording_status_callback_method: Method = "POST"
    recording_status_callback_event: Annotated[str, Meta(max_length=100)] = "completed"
    machine_detection: Literal["enable", "detect_message_end"] | None = None
    machine_detection_timeout: Annotated[int, Meta(ge=3, le=59)] = 30
    machine_detection_human_residence_speech_threshold: Annotated[int, Meta(ge=1000, le=6000)] = 2000
    machine_detection_human_business_speech_threshold: Annotated[int, Meta(ge=1000, le=6000)] = 3200
    machine_detection_speech_end_threshold: Annotated[int, Meta(ge=500, le=5000)] = 1000
    machine_detection_silence_timeout: Annotated[int, Meta(ge=2000, le=10000)] = 5000
    route_profile_guid: Guid | None = None
    byoc: Guid | None = None


async def placing(engine: Engine, account: str, data: NewVoxtelesysCall) -> Placing:
    """What the request asks for. Raises InvalidInput."""
    if data.route_profile_guid is not None and data.byoc is not None:
        raise InvalidInput(f"cannot be combined with {ROUTES[0]}", ROUTES[1])
    context = {"trunk_id": str(data.voice_trunk_group_id), "tag": data.tag, "bulk_tag": data.bulk_tag}
    return Placing(
        to=_with_plus(data.to),
        from_=_with_plus(data.from_),
        first=await _first(engine, account, data),
        timeout_s=float(data.timeout),
        detection=_detection(data),
        record=_recorded(engine, account, data),
        status_callback=_callback(engine, account, data.status_callback),
        context={name: value for name, value in context.items() if value},
        data={name: value for name in ROUTES if (value := getattr(data, name)) is not None},
    )


def _with_plus(number: str) -> str:
    """The vendor's older documents wrote numbers without."""
    return f"+{number.removeprefix('+')}"


async def _first(engine: Engine, account: str, data: NewVoxtelesysCall) -> Start | NewDocument:
    given: dict[str, Any] = {name: getattr(data, name) for name in INSTRUCTIONS}
    name = one_of(given, INSTRUCTIONS)
    if name == "voxxml":
        return await read_document(given[name], name)
    if name == "flow_guid":
        return start_of_flow(engine, account, given[name].strip("{}").lower(), name)
    return start_of_url(engine, account, given[name], data.method)


def _detection(data: NewVoxtelesysCall) -> Detection | None:
    if data.machine_detection is None:
        return None
    return Detection(
        until_message_end=data.machine_detection == "detect_message_end",
        timeout_s=float(data.machine_detection_timeout),
        residence_speech_s=data.machine_detection_human_residence_speech_threshold / 1000,
        business_speech_s=data.machine_detection_human_business_speech_threshold / 1000,
        speech_end_s=data.machine_detection_speech_end_threshold / 1000,
        silence_s=data.machine_detection_silence_timeout / 1000,
    )


def _recorded(engine: Engine, account: str, data: NewVoxtelesysCall) -> Recorded | None:
    events = _recording_events(data.recording_status_callback_event)
    url = data.recording_status_callback
    if url is not None:
        checked_url(engine, account, url, "recording_status_callback")
    if not data.record:
        return None
    channels: Literal[1, 2] = 2 if data.recording_channel == "dual" else 1
    return Recorded(channels, data.recording_track, url, data.recording_status_callback_method, events)


def _recording_events(text: str) -> tuple[RecordingEvent, ...]:
    """One state, or several with blanks between, as in VoXML. Raises InvalidInput."""
    words = re.split(r"[ ,]+", text.strip())
    events = tuple(state for state in _STATES if state in words)
    if len(events) != len(set(words)):
        raise InvalidInput(f"expected {', '.join(_STATES)}, or several of them", "recording_status_callback_event")
    return events


def _callback(engine: Engine, account: str, data: VoxtelesysStatusCallback | None) -> StatusCallback | None:
    if data is None:
        return None
    url = checked_url(engine, account, data.url, "status_callback.url")
    return StatusCallback(url, data.method, tuple(data.events) or ("completed",))
