"""What a receiver reads from the three platforms that send a query or a form: text in, a dict with typed values out.

Written from the vendors' tables and from nothing else, so that it can judge what Ringback sends. Names are the vendor's own.
Parameters that no table has (a receiver's own in the URL, a vendor's new ones) are kept as text; of a name that comes twice the
last one counts, for the platforms append theirs to the URL's own.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from ringback.errors import InvalidInput

Read = Callable[[str], Any]

_MAX_FIELDS = 1000
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def _text(value: str) -> str:
    return value


def _whole(value: str) -> int:
    """Seconds and other counts: decimal digits alone."""
    if not (value.isascii() and value.isdigit()):
        raise ValueError("must be decimal digits")
    return int(value)


def _integer(value: str) -> int:
    """A whole number that may be negative."""
    return -_whole(value[1:]) if value.startswith("-") else _whole(value)


def _moment(value: str) -> datetime:
    """`2024-01-01 19:00:00`, which is UTC."""
    try:
        return datetime.strptime(value, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        raise ValueError("must be a date as YYYY-MM-DD hh:mm:ss") from None


def _mail_moment(value: str) -> datetime:
    """`Fri, 20 Nov 2026 12:00:00 +0000` (RFC 2822)."""
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        raise ValueError("must be a date as RFC 2822 has it") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _entries(value: str) -> list[str]:
    return value.split(",") if value else []


def _object(value: str) -> dict[str, Any]:
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise ValueError("must be a JSON object")
    return parsed


def _one_of(*words: str) -> Read:
    def read(value: str) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return value

    return read


def _matching(pattern: str, what: str) -> Read:
    form = re.compile(pattern)

    def read(value: str) -> str:
        if form.fullmatch(value) is None:
            raise ValueError(f"must be {what}")
        return value

    return read


def _nullable(read: Read) -> Read:
    """A value that may be missing: None for the empty text."""
    return lambda value: read(value) if value else None


def _filled(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    return value


# Voice Over Cloud: the tables of its page on webhooks
_VOC_NUMBER = _matching("(?s)[^+].*", "a number without a plus")
_VOC_CALLER: Mapping[str, Read] = {"date": _moment, "inboundNumber": _VOC_NUMBER, "callerid": _VOC_NUMBER, "callid": _filled}
_VOC_DIALLER: Mapping[str, Read] = {
    "date": _moment,
    "extension": _nullable(_text),
    "destination": _VOC_NUMBER,
    "callid": _filled,
}
_VOC_LENGTHS = {"duration": _whole, "answeredDuration": _whole}
_VOC_CRM: Mapping[str, Read] = {"crm_id": _nullable(_text)}
_VOC_LATER = {"date": _moment, "callid": _filled, **_VOC_CRM}

VOC_TABLES: Mapping[str, Mapping[str, Read]] = {
    "inboundCallStart": {**_VOC_CALLER, **_VOC_CRM},
    "inboundCallRinging": {**_VOC_CALLER, "extension": _filled, **_VOC_CRM},
    "inboundCallAnswered": {**_VOC_CALLER, "extension": _filled, **_VOC_CRM},
    "inboundCallEnd": {**_VOC_CALLER, "extension": _nullable(_text), **_VOC_LENGTHS, **_VOC_CRM},
    "outboundCallStart": {**_VOC_DIALLER, **_VOC_CRM},
    "outboundCallAnswered": {**_VOC_DIALLER, **_VOC_CRM},
    "outboundCallEnd": {**_VOC_DIALLER, **_VOC_LENGTHS, **_VOC_CRM},
    "ivrOption": {**_VOC_CALLER, "ivrOption": _one_of(*"0123456789*#"), **_VOC_CRM},
    "callRecordingAvailable": _VOC_LATER,
    "callTranscriptionAvailable": _VOC_LATER,
}
"""Each event's parameters beside `event`, in the vendor's order."""
_VOC_MAY_LACK = frozenset({"crm_id", "extension"})


class Row(NamedTuple):
    """One row of a table: how to read the value, whether it must come, and with which events (None: with every one)."""

    read: Read
    must: bool = True
    only: str | None = None


_SID = _matching("[A-Z]{32}", "32 capital letters")
_COMPLETE = "Call.Complete"

FONE_TABLE: Mapping[str, Row] = {
    "Action": Row(_one_of("Webhook")),
    "Event": Row(_one_of("Call.Initiate", _COMPLETE)),
    "Account.Sid": Row(_SID),
    "Property.Sid": Row(_SID),
    "Property.Name": Row(_filled),
    "Property.Type": Row(_filled),
    "Call.Sid": Row(_SID),
    "Call.StartDate": Row(_moment),
    "Call.From": Row(_filled),
    "Call.From.Country": Row(_text),
    "Call.From.Region": Row(_text),
    "Call.From.City": Row(_text),
    "Call.To": Row(_filled),
    "Call.To.Type": Row(_one_of("Static", "Dynamic"), only=_COMPLETE),
    "Call.To.Name": Row(_filled),
    "Call.Duration": Row(_whole, only=_COMPLETE),
    "Call.Disposition": Row(_one_of("ANSWERED", "NO ANSWER", "BUSY", "IVR", "FAILED"), only=_COMPLETE),
    "Call.Recording.Uri": Row(_filled, False, _COMPLETE),
    "Call.Endpoint": Row(_filled, False),
    "Call.Survey.Type": Row(_filled, False, _COMPLETE),
    "Call.Survey.Value": Row(_integer, False, _COMPLETE),
    "Call.Survey.Custom1": Row(_filled, False, _COMPLETE),
    "Call.Survey.Custom2": Row(_filled, False, _COMPLETE),
    "Call.Survey.Custom3": Row(_filled, False, _COMPLETE),
    "Call.Survey.UniqueCode": Row(_filled, False, _COMPLETE),
    "Call.Prompts.Postcode": Row(_entries, False, _COMPLETE),
    "Call.Prompts.Keys": Row(_entries, False, _COMPLETE),
    "Attribution.Source": Row(_text),
    "Attribution.Medium": Row(_text),
    "Attribution.Campaign": Row(_text),
    "Attribution.Content": Row(_text),
    "Session.Traffic.Type": Row(_one_of("Campaign", "Direct", "Organic", "Referral", "Unattributed"), False),
    "Session.Keywords": Row(_filled, False),
    "Session.ConversionUri": Row(_text, False),
    "Session.LandingUri": Row(_text, False),
    **{f"AnalyticsSession.CustomDimension{n}": Row(_filled, False) for n in range(1, 21)},
    "Google.Analytics.ClientId": Row(_filled, False),
    "Google.AdWords.ClickId": Row(_filled, False),
}
"""Fone Dynamics: the tables of its page on voice webhooks, with 20 custom dimensions where the page prints the first one twice."""
_FONE_SESSION = ("Session.Traffic.Type", "Session.ConversionUri", "Session.LandingUri")

VOX_TABLE: Mapping[str, Row] = {
    "CallSid": Row(_filled),
    "AccountID": Row(_filled),
    "TrunkID": Row(_filled),
    "From": Row(_filled),
    "To": Row(_filled),
    "CallStatus": Row(_filled),
    "ApiVersion": Row(_filled),
    "Direction": Row(_one_of("inbound", "outbound-api", "outbound-dial")),
    "CallerName": Row(_text),
    "ParentCallSid": Row(_filled, False),
    "Vars": Row(_object, False),
    "CallDuration": Row(_whole, False),
    "SipResponseCode": Row(_whole, False),
    "SequenceNumber": Row(_whole, False),
    "Timestamp": Row(_mail_moment, False),
    "RecordingDuration": Row(_whole, False),
    "RecordingChannels": Row(_whole, False),
}
"""Voxtelesys: the basic parameters of its page, and the later ones whose values are more than text; all else is text."""


def parse_voc(query: str | bytes) -> dict[str, Any]:
    """The query string of a Voice Over Cloud webhook (what follows the `?`).

    `date` is a datetime in UTC, durations are int seconds; `crm_id` and `extension` are None without a value, however it was sent.
    Raises InvalidInput with the parameter's name: unknown event, a parameter that is missing or has a wrong value.
    """
    pairs = _decode(query)
    event = pairs.get("event", "")
    table = VOC_TABLES.get(event)
    if table is None:
        raise InvalidInput("must name one of the vendor's ten events", "event")
    absent = dict.fromkeys(_VOC_MAY_LACK & table.keys(), "")
    return {**pairs, **_typed(absent | pairs, {name: Row(read) for name, read in table.items()}, event)}


def parse_fonedynamics(text: str | bytes) -> dict[str, Any]:
    """The query string (GET) or the form (POST) of a Fone Dynamics webhook; names keep their dots.

    A blank parameter is the empty text, one that was left out is no key. `Call.StartDate` is a datetime in UTC, `Call.Duration` and
    `Call.Survey.Value` are int, `Call.Prompts.*` lists. Raises InvalidInput with the parameter's name: missing, wrong, of the other
    event, or one of a web session without the rest of it.
    """
    pairs = _decode(text)
    values = _typed(pairs, FONE_TABLE, pairs.get("Event", ""))
    present = [name for name in _FONE_SESSION if name in values]
    if present and len(present) < len(_FONE_SESSION):
        raise InvalidInput("comes together with the other parameters of a web session", present[0])
    return {**pairs, **values}


def parse_voxtelesys(text: str | bytes) -> dict[str, Any]:
    """The query string (GET) or the form (POST) of a Voxtelesys webhook.

    `Vars` is a dict, counts and seconds are int, `Timestamp` is an aware datetime. Raises InvalidInput with the parameter's name.
    """
    pairs = _decode(text)
    return {**pairs, **_typed(pairs, VOX_TABLE, "")}


PARSERS: Mapping[str, Callable[[str | bytes], dict[str, Any]]] = {
    "voc": parse_voc,
    "fonedynamics": parse_fonedynamics,
    "voxtelesys": parse_voxtelesys,
}
"""By the name of the dialect."""


def _decode(text: str | bytes) -> dict[str, str]:
    """`a=1&b=%20` as a dict of decoded text. Raises InvalidInput if it is not ASCII, has half an escape, or is not UTF-8 within."""
    try:
        raw = text.decode("ascii") if isinstance(text, bytes) else text
        if not raw.isascii() or _BAD_ESCAPE.search(raw):
            raise InvalidInput("must be percent-encoded ASCII")
        return dict(parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS))
    except ValueError:
        raise InvalidInput("must be percent-encoded UTF-8, of a reasonable number of parameters") from None


def _typed(pairs: Mapping[str, str], table: Mapping[str, Row], event: str) -> dict[str, Any]:
    """The values of a table's rows, read; `pairs` without a row are not looked at."""
    values: dict[str, Any] = {}
    for name, row in table.items():
        text = pairs.get(name)
        if text is None:
            if row.must and row.only in (None, event):
                raise InvalidInput("is missing", name)
            continue
        if row.only not in (None, event):
            raise InvalidInput(f"comes only with {row.only}", name)
        try:
            values[name] = row.read(text)
        except ValueError as error:
            raise InvalidInput(str(error), name) from None
    return values
