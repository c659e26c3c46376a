"""The wire form of an update, read strictly: what is wrong is named, and where.

Two steps, because a request may hold many updates and one bad one must not take the others with it: `split_updates` finds the
items of a body without reading them, `parse_update` reads one. The typed decoding does most of the work; what JSON types cannot
say (lengths, characters, ranges) is checked afterwards, each check where it costs nothing for the ordinary update.

Everything is taken as told, nothing is completed: what a missing field means is the ledger's business.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NoReturn

import msgspec
from msgspec import Struct

from ringback.calls.ledger import FACT_TYPES
from ringback.calls.model import FINAL, CallRef, Update, to_ms
from ringback.calls.statuses import WORD
from ringback.errors import InvalidInput

MAX_ITEM_BYTES: Final = 65_536
MAX_ID_CHARS: Final = 200
MAX_CALL_ID_CHARS: Final = 128
MAX_ADDRESS_CHARS: Final = 256
MAX_SAFE_INT: Final = 2**53
"""The largest whole number that every JSON reader keeps exactly."""

TYPES: Final = frozenset(WORD) | FACT_TYPES


class _Wire(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    type: str
    at: str
    call: CallRef
    id: str | None = None
    data: dict[str, Any] | None = None
    account: str | None = None


_decode: Final = msgspec.json.Decoder(_Wire).decode
_decode_raw: Final = msgspec.json.Decoder(msgspec.Raw).decode
_decode_raws: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode

_AT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ]((?:[01]\d|2[0-3]):[0-5]\d):(\d\d)(\.\d+)?(?:[Zz]|([+-](?:[01]\d|2[0-3]):[0-5]\d))", re.ASCII
)
_FIRST_MS: Final = 946_684_800_000  # 2000-01-01
_AFTER_MS: Final = 4_133_980_800_000  # 2101-01-01
_PATH: Final = re.compile(r" - at `\$\.?(.*)`$")
_MISSING: Final = re.compile(r"Object missing required field `(.*)`")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_KEYS: Final = re.compile(r"[0-9*#A-Da-d]{1,128}")
_ONE_OF: Final[Mapping[str, str]] = {
    "call.direction": "inbound, outbound",
    "call.answered_by": "extension, ivr, queue, voicemail, announcement",
    "call.awaits": "recording, survey",
}


def parse_update(raw: bytes) -> tuple[Update, str | None]:
    """One update, and the `account` that it names (only an operator's key may name one: that is the caller's to check).

    Raises InvalidInput with the field's path (`at`, `call.id`, `data.option`; empty for the whole).
    """
    if len(raw) > MAX_ITEM_BYTES:
        raise InvalidInput(f"an update is {MAX_ITEM_BYTES // 1024} KiB at most")
    try:
        wire = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _refuse(error)
    if wire.type not in TYPES:
        raise InvalidInput("is not a type of update", "type")
    if b"\\u0000" in raw:
        _refuse_nul(wire)
    call = wire.call
    _check_name(call.id, MAX_CALL_ID_CHARS, "call.id")
    if call.parent is not None:
        _check_name(call.parent, MAX_CALL_ID_CHARS, "call.parent")
        if call.parent == call.id:
            raise InvalidInput("is the call itself", "call.parent")
    if call.from_ is not None:
        _check_text(call.from_, MAX_ADDRESS_CHARS, "call.from")
    if call.to is not None:
        _check_text(call.to, MAX_ADDRESS_CHARS, "call.to")
    if call.extension is not None:
        _check_text(call.extension, MAX_CALL_ID_CHARS, "call.extension")
    if call.survey is not None or call.recording is not None:
        _check_numbers(call)
    if wire.id is not None:
        _check_name(wire.id, MAX_ID_CHARS, "id")
    if wire.account is not None:
        _check_name(wire.account, MAX_CALL_ID_CHARS, "account")
    data = wire.data or {}
    if data or wire.type in _REQUIRED:
        data = _check_data(wire.type, data)
    return Update(type=wire.type, at_ms=parse_at(wire.at), call=call, data=data, id=wire.id), wire.account


def parse_at(text: str) -> int:
    """Unix milliseconds of an RFC 3339 time with its offset, cut. Years 2000 to 2100. Raises InvalidInput."""
    match = _AT.fullmatch(text)
    if match is None:
        raise InvalidInput("must be an RFC 3339 time with its offset, like 2026-11-20T12:00:00.250Z", "at")
    day, minute, second, fraction, offset = match.groups()
    if second == "60":  # A leap second: RFC 3339 knows it, Python does not. Its last millisecond keeps the order.
        second, fraction = "59", ".999"
    try:
        at_ms = to_ms(datetime.fromisoformat(f"{day}T{minute}:{second}{(fraction or '')[:4]}{offset or '+00:00'}"))
    except (ValueError, OverflowError):
        raise InvalidInput("is not a time that exists", "at") from None
    if not _FIRST_MS <= at_ms < _AFTER_MS:
        raise InvalidInput("must lie between the years 2000 and 2100", "at")
    return at_ms


def split_updates(body: bytes, content_type: str) -> list[bytes]:
    """The items of a body, unread: one object, an array of objects, or NDJSON, told apart by content (`content_type` only helps
    where the content is broken). A broken NDJSON line comes out as it is, to be refused in its place.

    Raises InvalidInput when the body as a whole cannot be taken apart.
    """
    text = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        raise InvalidInput("the body is empty")
    lines = _lines(text) if b"\n" in text and text[:1] != b"[" else [text]
    try:
        if text[:1] == b"[":
            return [bytes(item) for item in _decode_raws(text)]
        if len(lines) == 1 or not _is_ndjson(lines, content_type):
            return [bytes(_decode_raw(text))]
    except RecursionError:
        raise InvalidInput("the JSON is nested too deeply") from None
    except msgspec.DecodeError as error:
        raise InvalidInput(f"not valid JSON: {error}") from None
    return lines


def _lines(text: bytes) -> list[bytes]:
    return [line.rstrip(b"\r") for line in text.split(b"\n") if line.strip()]


def _is_ndjson(lines: list[bytes], content_type: str) -> bool:
    """Several lines are NDJSON if the sender says so, or if one of them is a whole object from its first column on: in an object
    that was spread over lines, nothing but its own braces stands there."""
    if "ndjson" in content_type or "jsonl" in content_type or "json-seq" in content_type:
        return not _is_whole(b"\n".join(lines))
    return any(line[:1] == b"{" and _is_whole(line) for line in lines)


def _is_whole(text: bytes) -> bool:
    try:
        _decode_raw(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _refuse(error: Exception) -> NoReturn:
    """Says what the decoder found, in our words, without echoing values."""
    if isinstance(error, RecursionError):
        raise InvalidInput("the JSON is nested too deeply") from None
    if isinstance(error, UnicodeDecodeError):
        raise InvalidInput("the text is not valid UTF-8") from None
    if not isinstance(error, msgspec.ValidationError):
        raise InvalidInput(f"not valid JSON: {error}") from None
    text = str(error)
    found = _PATH.search(text)
    path = "" if found is None else found.group(1).replace("[...]", "")
    said = text if found is None else text[: found.start()]
    if match := _MISSING.fullmatch(said):
        raise InvalidInput("is required", _below(path, match.group(1))) from None
    if match := _UNKNOWN.fullmatch(said):
        raise InvalidInput("is not a field that an update has", _below(path, match.group(1)[:64])) from None
    if said.startswith("Invalid enum value"):
        raise InvalidInput(
            f"must be one of {_ONE_OF.get(path.partition('[')[0], 'the values in the documentation')}", path
        ) from None
    raise InvalidInput(said[:1].lower() + said[1:], path) from None


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _refuse_nul(wire: _Wire) -> None:
    """`\\u0000` stands in the text: refused if it is a NUL, which databases cannot keep, and not a backslash with digits after
    it."""
    pending: list[tuple[str, Any]] = [("", msgspec.to_builtins(wire))]
    while pending:
        path, value = pending.pop()
        if isinstance(value, str) and "\x00" in value:
            raise InvalidInput("holds a NUL character", path)
        if isinstance(value, dict):
            if any("\x00" in key for key in value):
                raise InvalidInput("holds a NUL character in a name", path)
            pending.extend((_below(path, key), inner) for key, inner in value.items())
        if isinstance(value, list):
            pending.extend((path, inner) for inner in value)


def _check_name(text: str, most: int, field: str) -> None:
    if not 0 < len(text) <= most:
        raise InvalidInput(f"must have 1 to {most} characters", field)
    if not text.isprintable():
        raise InvalidInput("must have printable characters only", field)


def _check_text(text: str, most: int, field: str) -> None:
    if len(text) > most:
        raise InvalidInput(f"must have {most} characters at most", field)
    if not text.isprintable() and _CONTROL.search(text):
        raise InvalidInput("must not have control characters", field)


def _check_numbers(call: CallRef) -> None:
    survey, recording = call.survey, call.recording
    if survey is not None and survey.value is not None and abs(survey.value) > MAX_SAFE_INT:
        raise InvalidInput("is too large", "call.survey.value")
    if recording is not None:
        for name in ("duration_s", "channels"):
            value = getattr(recording, name)
            if value is not None and not 0 <= value <= MAX_SAFE_INT:
                raise InvalidInput("must be a number from 0 up", f"call.recording.{name}")


def _text(most: int) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        good = isinstance(value, str) and len(value) <= most and not _CONTROL.search(value)
        return None if good else f"must be text of {most} characters at most, without control characters"

    return check


def _any_text(value: Any) -> str | None:
    return None if isinstance(value, str) else "must be text"


def _whole(least: int, most: int) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        return None if type(value) is int and least <= value <= most else f"must be a whole number from {least} to {most}"

    return check


def _one_of(*values: str) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        return None if isinstance(value, str) and value in values else f"must be one of {', '.join(values)}"

    return check


def _keys(value: Any) -> str | None:
    return None if isinstance(value, str) and _KEYS.fullmatch(value) else "must be 1 to 128 keys of 0-9 * # A-D"


_END: Final = {"cause": _whole(0, 999), "sip_status": _whole(100, 699), "ended_by": _text(64)}
_CHECKS: Final[Mapping[str, Mapping[str, Callable[[Any], str | None]]]] = {
    **{f"call.{status}": _END for status in FINAL},
    "call.ivr-option": {"option": _one_of(*"0123456789*#ABCD")},
    "call.prompt": {"keys": _keys, "kind": _one_of("keys", "postcode")},
    "call.recording": {
        "status": _one_of("in-progress", "completed", "failed"),
        "url": _text(2048),
        "duration_s": _whole(0, MAX_SAFE_INT),
        "channels": _whole(1, 255),
    },
    "call.transcription": {"text": _any_text, "url": _text(2048), "summary": _any_text},
}
"""What `data` may say, by type. Q.850 causes end at 127; some switches go on to 999 with their own."""

_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "call.ivr-option": ("option",),
    "call.prompt": ("keys", "kind"),
    "call.recording": ("status",),
}


def _check_data(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """`data` without its nulls. Fields that its type does not know are kept for the reader of the event, if they are plain
    values."""
    data = {name: value for name, value in data.items() if value is not None}
    for name in _REQUIRED.get(kind, ()):
        if name not in data:
            raise InvalidInput("is required", f"data.{name}")
    checks = _CHECKS.get(kind, {})
    for name, value in data.items():
        check = checks.get(name)
        wrong = _plain(name, value) if check is None else check(value)
        if wrong is not None:
            raise InvalidInput(wrong, f"data.{name[:64]}")
    return data


def _plain(name: str, value: Any) -> str | None:
    if len(name) > 64 or not name.isprintable():
        return "is not a name for a field"
    if isinstance(value, str | bool | float):
        return None
    if isinstance(value, int):
        return None if abs(value) <= MAX_SAFE_INT else "is too large"
    return "must be text, a number, true or false"
