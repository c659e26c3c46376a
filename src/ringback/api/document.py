"""The description of the API (OpenAPI 3.1): what the framework knows of the routes, and what only we know: problem documents, the
operator's `?account=`, the events route that reads its body by itself, and the webhooks that go out."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from ringback.api.bird.errors import BirdError
from ringback.api.voc.replies import LOGIN, LoginRefused, VocError
from ringback.api.webhooks import webhooks
from ringback.calls.audio import EXTENSIONS
from ringback.calls.model import CallRef
from ringback.calls.updates import TYPES
from ringback.dialects.contract import Dialect
from ringback.webhooks.model import Filter

_REF: Final = "#/components/schemas/{name}"
_LINKED: Final = frozenset({"/recordings/{name}", "/transcriptions/{name}"})
"""What a signed link leads to."""
_OPEN: Final = frozenset({"/healthz", "/readyz", LOGIN}) | _LINKED
_OF_AN_ACCOUNT: Final = frozenset({"numbers", "endpoints", "deliveries", "calls"})
_SENTENCE: Final = re.compile(r"(.+?[.:])(?:\s|$)", re.DOTALL)

_LIST: Final = re.compile(rb"Page_[\w.]*?(\w+?)_(?=\")")

_REPLY: Final = re.compile(rb"\b(?:Reply|Rows)_[\w.]+_(?=\")")

_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "RFC 9457: what is wrong, and in `field` where, as a JSON path.",
    "properties": {
        name: {"type": "integer" if name == "status" else "string"} for name in ("type", "title", "status", "detail", "field")
    },
    "required": ["type", "title", "status"],
}
_UPDATE: Final[dict[str, Any]] = {
    "type": "object",
    "description": "What a source says about a call.",
    "properties": {
        "id": {"type": "string", "maxLength": 200, "description": "Dedupe key, unique in the account for 72 hours."},
        "type": {"type": "string", "enum": sorted(TYPES)},
        "at": {"type": "string", "format": "date-time"},
        "account": {"type": "string", "format": "uuid", "description": "With the operator's key: whose call it is."},
        "call": {"$ref": _REF.format(name="CallRef")},
        "data": {"type": "object"},
    },
    "required": ["type", "at", "call"],
    "example": {
        "id": "sw1-000123",
        "type": "call.ringing",
        "at": "2026-11-20T12:00:00.250Z",
        "call": {
            "id": "c-9f31",
            "direction": "inbound",
            "from": "+61288880000",
            "to": "+611800111222",
            "extension": "280085",
            "crm_id": "lead-55",
        },
        "data": {},
    },
}
_TAKEN: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "event_id": {"type": ["string", "null"]},
        "call_id": {"type": "string"},
        "deliveries": {"type": "integer"},
        "duplicate": {"type": "boolean"},
        "late": {"type": "boolean", "description": "There if it came too late to be sent: it is in the record alone."},
        "error": {"$ref": _REF.format(name="Problem")},
    },
    "description": "One update's outcome, or the `error` for which it was refused.",
}
_EVENTS_TAKEN: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "accepted": {"type": "integer"},
        "duplicates": {"type": "integer"},
        "results": {"type": "array", "items": {"$ref": _REF.format(name="Taken")}},
    },
    "required": ["accepted", "duplicates", "results"],
}
_OURS: Final = ("a problem document", "application/problem+json", "Problem")
_VENDORS: Final = {
    "bird": ("in Bird's form", "application/json", BirdError.__name__),
    "voc": ("in VOC's form", "application/json", VocError.__name__),
    LOGIN: ("in VOC's form", "application/json", LoginRefused.__name__),
}
"""How a refusal looks, by the whole path or by its first part."""
_ACCOUNT: Final[dict[str, Any]] = {
    "name": "account",
    "in": "query",
    "required": False,
    "schema": {"type": "string", "format": "uuid"},
    "description": "With the operator's key: the account that is meant. An account's own key needs none.",
}


def describe(document: dict[str, Any], dialects: Mapping[str, Dialect]) -> dict[str, Any]:
    """The whole description, from the one that the framework made of the routes."""
    components = document["components"]
    _, call_ref = msgspec.json.schema_components([CallRef, BirdError, VocError, LoginRefused], ref_template=_REF)
    ours = {"Problem": _PROBLEM, "Update": _UPDATE, "Taken": _TAKEN, "EventsTaken": _EVENTS_TAKEN}
    components["schemas"] = components["schemas"] | call_ref | ours
    for name, said in _docstrings():
        if name in components["schemas"]:
            components["schemas"][name]["description"] = said
    for path, item in document["paths"].items():
        for operation in item.values():
            _complete(path, operation)
    _describe_events(document["paths"]["/v1/events"]["post"])
    _describe_files(document["paths"])
    return _well_named(document) | {"webhooks": webhooks(dialects)}


def _docstrings() -> Iterator[tuple[str, str]]:
    """(name, docstring) of the structs that the routes take and give; the framework shows their fields alone."""
    pending: list[type[msgspec.Struct]] = [msgspec.Struct]
    while pending:
        for kind in pending.pop().__subclasses__():
            pending.append(kind)
            if kind.__module__.startswith("ringback.api.") or kind is Filter:
                yield kind.__name__, " ".join((kind.__doc__ or "").split())


def _well_named(document: dict[str, Any]) -> dict[str, Any]:
    """The framework names a list by the whole Python path of what it lists."""
    named = _LIST.sub(_list_name, msgspec.json.encode(document))
    return dict(msgspec.json.decode(_REPLY.sub(_reply_name, named)))


def _list_name(found: re.Match[bytes]) -> bytes:
    return b"CallPage" if found[1] == b"Any" else found[1].removesuffix(b"View") + b"Page"


def _reply_name(found: re.Match[bytes]) -> bytes:
    """`Reply_…Rows_…CallRow_` → `CallRowRowsReply`."""
    words = [part.rpartition(b".")[2] for part in found[0].split(b"_") if part]
    return b"".join(word[:1].upper() + word[1:] for word in reversed(words))


def _complete(path: str, operation: dict[str, Any]) -> None:
    said = " ".join(operation.get("description", "").split())
    first = _SENTENCE.match(said)
    operation["summary"] = (first[1] if first else said).rstrip(".:")
    operation["description"] = said
    operation["responses"].pop("400", None)
    operation["responses"]["default"] = _refused(*(_VENDORS.get(path) or _VENDORS.get(path.split("/", 2)[1], _OURS)))
    if path in _OPEN:
        operation["security"] = []
    if _OF_AN_ACCOUNT.intersection(operation.get("tags", ())):
        operation.setdefault("parameters", []).append(_ACCOUNT)


def _describe_files(paths: dict[str, Any]) -> None:
    """Recordings and transcripts as files: what the framework does not see of them."""
    sound = {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in EXTENSIONS}
    of_a_call = paths["/v1/calls/{call_id}/recording"]
    of_a_call["put"]["requestBody"] = {"required": True, "description": "The file itself.", "content": sound}
    for path in ("/v1/calls/{call_id}/recording", *_LINKED):
        content = {"application/json": {}} if path.startswith("/trans") else sound
        for method, operation in paths[path].items():
            if method in ("get", "head"):
                body = {"content": content} if method == "get" else {}
                operation["responses"] |= {
                    "200": {"description": "All of it.", **body},
                    "206": {"description": "The range that was asked for.", **body},
                    "304": {"description": "It is still what `If-None-Match` names."},
                }


def _refused(form: str, media_type: str, schema: str) -> dict[str, Any]:
    content = {media_type: {"schema": {"$ref": _REF.format(name=schema)}}}
    return {"description": f"Refused, or our fault: {form}.", "content": content}


def _describe_events(operation: dict[str, Any]) -> None:
    update = {"$ref": _REF.format(name="Update")}
    operation["requestBody"] = {
        "required": True,
        "description": "One update, an array of updates, or NDJSON. They are taken in the order given.",
        "content": {
            "application/json": {"schema": {"oneOf": [update, {"type": "array", "items": update}]}},
            "application/x-ndjson": {"schema": {"type": "string", "description": "One update a line."}},
        },
    }
    operation["responses"]["202"] = {
        "description": "All of it is on disk.",
        "content": {"application/json": {"schema": {"$ref": _REF.format(name="EventsTaken")}}},
    }
