"""mod_json_cdr: the switch's own record of a leg, posted when it is over, as updates with the true times. Pure.

A record says what the events said, under the same dedupe ids: where all was heard it makes nothing; where something was missed it
fills the story in, and its end replaces one that was only inferred. Set `log-b-leg` to `true` in json_cdr.conf.xml for child legs.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from ringback.calls.model import CallRef, Update
from ringback.errors import InvalidInput, SwitchError
from ringback.switch.freeswitch.channels import (
    Owner,
    channel_of_record,
    identity_of,
    is_leg_id,
    micros_to_ms,
    nobody,
    record_variables,
)
from ringback.switch.freeswitch.ending import ending_of
from ringback.switch.freeswitch.frames import lenient_json
from ringback.switch.freeswitch.legs import life_key, status_id
from ringback.switch.freeswitch.mapping import Reported
from ringback.switch.freeswitch.settings import FreeswitchSettings

_CONNECTED = ("bridge_uuid", "last_bridge_to", "originate_disposition", "originated_legs")
"""A leg that has one of these had another at its side: its own record does not tell which of the two ended it."""


def read_record(content_type: str, body: bytes) -> dict[str, Any]:
    """The document of a request as the module sends it: JSON, or a form's `cdr=`, plain, URL-encoded or in base64.

    Raises InvalidInput if it is none.
    """
    if body.startswith(b"cdr="):
        body = body[4:]
        if "base64" in content_type:
            try:
                body = base64.b64decode(unquote_to_bytes(body).rstrip(b"\0"), validate=False).rstrip(b"\0")
            except binascii.Error:
                raise InvalidInput("is not base64", "cdr") from None
        elif not body.lstrip().startswith(b"{"):
            body = unquote_to_bytes(body)  # the module leaves + as it is: it is a number's
    try:
        document = lenient_json(body)
    except SwitchError:
        document = None
    if not isinstance(document, dict):
        raise InvalidInput("expected a call record of mod_json_cdr: a JSON object")
    return document


def updates_of_record(document: Mapping[str, Any], settings: FreeswitchSettings, owner: Owner = nobody) -> list[Reported]:
    """What a record says of its leg: start, ringing, answer, end, each with its time, in order. `owner` as for the mapping.

    Raises InvalidInput (field `variables.uuid` or `variables.end_uepoch`) for a record without its leg or its end.
    """
    variables = record_variables(document)
    channel = channel_of_record(document)
    if not is_leg_id(channel.id):
        raise InvalidInput("a record needs the id of its leg", "variables.uuid")
    ended_ms = micros_to_ms(variables.get("end_uepoch"))
    if not ended_ms:
        raise InvalidInput("a record needs the time of its end, in microseconds", "variables.end_uepoch")
    if channel.is_loopback:
        return []
    identity = identity_of(channel, settings, None, owner)
    key = life_key(channel.id, variables.get("start_uepoch", ""))
    context: dict[str, Any] = {}
    if channel.made_for is not None and identity.extension:
        context["extension"] = identity.extension
    call = CallRef(
        id=channel.id, parent=channel.made_for, direction=identity.direction, from_=identity.from_, to=identity.to, **context
    )
    made: list[Update] = []
    for status, names in (
        ("starting", ("start_uepoch",)),
        ("ringing", ("progress_uepoch", "progress_media_uepoch")),
        ("ongoing", ("answer_uepoch",)),
    ):
        at_ms = min((at for name in names if (at := micros_to_ms(variables.get(name)))), default=0)
        if at_ms:
            made.append(Update(type=f"call.{status}", at_ms=at_ms, call=call, id=status_id(key, status)))
    answered = micros_to_ms(variables.get("answer_uepoch")) > 0
    ending = ending_of(variables, outgoing=channel.outgoing, answered=answered, at_ms=ended_ms, peer=None)
    data = dict(ending.data)
    if ending.by == "switch" and (channel.made_for is not None or any(name in variables for name in _CONNECTED)):
        del data["ended_by"]
    passed_on = {name: variables[name][:1024] for name in settings.vars if variables.get(name)}
    if passed_on:
        call = msgspec.structs.replace(call, vars=passed_on)
    made.append(Update(type=f"call.{ending.status}", at_ms=ended_ms, call=call, data=data, id=status_id(key, "end")))
    return [(identity.account, update) for update in made]
