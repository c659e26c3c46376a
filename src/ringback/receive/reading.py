"""Whatever comes in: which platform's webhook it is, whether it is to be believed, and what it says.

For a receiver that takes several formats, and for `ringback listen`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from ringback.errors import InvalidInput
from ringback.receive.forms import parse_fonedynamics, parse_voc, parse_voxtelesys
from ringback.receive.parse import parse_bird, parse_standard_or_notice
from ringback.receive.recognise import parameters_of, platform_of, query_of
from ringback.receive.verify import VerificationError, verify_bird, verify_standard

Trust = Literal["signature", "form", "unchecked", "refused"]
"""`signature`: it holds. `form`: the platform has no signature (or none was asked for) and every parameter is as its tables say.
`unchecked`: signed, but no secret was given. `refused`: see `reason`."""


_STANDARD_SECRETS = ("whsec_", "whpk_", "whsk_")


class Reading(Struct, frozen=True, kw_only=True):
    """One request, read. `dialect` and `event` are empty if it is no webhook that is known. `fields` are the body's or the query's,
    by the platform's names; `id` is the delivery's own id where the platform has one."""

    dialect: str = ""
    event: str = ""
    trust: Trust
    reason: str = ""
    id: str = ""
    fields: dict[str, Any] = {}


def read_webhook(
    *, method: str, url: str, headers: Mapping[str, str], body: bytes, secrets: Sequence[str] = (), now_s: float
) -> Reading:
    """Reads one request. `url` is the one that was subscribed, with the query that came; `headers` have names in any case;
    `secrets` are tried one by one (`whsec_…` for standard, the signing key for bird)."""
    lower = {name.lower(): value for name, value in headers.items()}
    dialect = platform_of(method, url, lower, body)
    if dialect == "standard":
        return _standard(lower, body, [secret for secret in secrets if secret.startswith(_STANDARD_SECRETS)], now_s)
    if dialect == "bird":
        return _bird(lower, url, body, [secret for secret in secrets if not secret.startswith(_STANDARD_SECRETS)])
    if dialect == "voc":
        return _form("voc", "event", parse_voc, query_of(url))
    if dialect == "fonedynamics":
        return _form("fonedynamics", "Event", parse_fonedynamics, parameters_of(method, url, body))
    if dialect == "voxtelesys":
        reading = _form("voxtelesys", "", parse_voxtelesys, parameters_of(method, url, body))
        recording = reading.fields.get("RecordingStatus")
        event = f"recording.{recording}" if recording else reading.fields.get("CallStatus", "")
        return msgspec.structs.replace(reading, event=event)
    return Reading(trust="refused", reason="not a webhook of a platform that is known")


def _standard(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now_s: float) -> Reading:
    message_id = headers.get("webhook-id", "")
    try:
        fields = msgspec.to_builtins(parse_standard_or_notice(body))
        event = str(fields["type"])
        if not secrets:
            return Reading(dialect="standard", event=event, trust="unchecked", id=message_id, fields=fields)
        verify_standard(headers, body, secrets, now_s)
    except (VerificationError, InvalidInput) as error:
        return Reading(dialect="standard", trust="refused", reason=str(error), id=message_id)
    return Reading(dialect="standard", event=event, trust="signature", id=message_id, fields=fields)


def _bird(headers: Mapping[str, str], url: str, body: bytes, keys: Sequence[str]) -> Reading:
    request_id = headers.get("messagebird-request-id", "")
    reason = "unsigned, though a key was given" if keys and "messagebird-signature" not in headers else ""
    try:
        fields = msgspec.to_builtins(parse_bird(body))
    except InvalidInput as error:
        return Reading(dialect="bird", trust="refused", reason=str(error), id=request_id)
    event = str(fields["event"])
    if "messagebird-signature" not in headers:
        return Reading(
            dialect="bird", event=event, trust="refused" if reason else "form", reason=reason, id=request_id, fields=fields
        )
    for key in keys:
        try:
            verify_bird(headers, url, body, key)
        except VerificationError as error:
            reason = error.reason
        else:
            return Reading(dialect="bird", event=event, trust="signature", id=request_id, fields=fields)
    return Reading(
        dialect="bird", event=event, trust="refused" if keys else "unchecked", reason=reason, id=request_id, fields=fields
    )


def _form(dialect: str, event_field: str, parse: Any, text: str) -> Reading:
    try:
        fields = parse(text)
    except InvalidInput as error:
        return Reading(dialect=dialect, trust="refused", reason=f"{error.field}: {error}")
    plain = msgspec.to_builtins(fields)
    return Reading(dialect=dialect, event=str(plain.get(event_field, "")), trust="form", fields=plain)
