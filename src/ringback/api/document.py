"""The description of the API (OpenAPI 3.1): what the framework knows of the routes, and what only we know: how they refuse, the
operator's `?account=`, the routes that read their body by themselves, examples, and the webhooks that go out."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import msgspec

from ringback.api.bird.errors import BirdError
from ringback.api.examples import put_examples
from ringback.api.idempotency import takes_key
from ringback.api.refusals import form_of, put_refusals
from ringback.api.voc.replies import LOGIN, LoginRefused, VocError
from ringback.api.voxml import XML, VoxmlDocument
from ringback.api.voxtelesys.errors import VoxtelesysError
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
_OF_AN_ACCOUNT: Final = frozenset({"keys", "numbers", "endpoints", "deliveries", "calls", "erasures", "audit", "portal"})
_SENTENCE: Final = re.compile(r"(.+?[.:])(?:\s|$)", re.DOTALL)

_LIST: Final = re.compile(rb"(?:Search)?Page_[\w.]*?(\w+?)_(?=\")")

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
        "id": {"type": ["string", "null"], "maxLength": 200, "description": "Dedupe key, unique in the account for 72 hours."},
        "type": {"type": "string", "enum": sorted(TYPES)},
        "at": {"type": "string", "format": "date-time"},
        "account": {"type": ["string", "null"], "format": "uuid", "description": "With the operator's key: whose call it is."},
        "call": {"$ref": _REF.format(name="CallRef")},
        "data": {"type": ["object", "null"]},
    },
    "required": ["type", "at", "call"],
    "additionalProperties": False,
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
_TAGS: Final = {
    "events": "What happened to calls, from a source.",
    "accounts": "Tenants.",
    "keys": "Who may look, and who may change.",
    "numbers": "Numbers of an account, and the sites and campaigns that they belong to.",
    "endpoints": "Where an account wants events, and in which dialect.",
    "calls": "Conversations with their legs and events, their recordings and transcripts.",
    "deliveries": "The log of webhooks: what was sent, what was not and why, and what is sent again.",
    "recordings": "What signed links lead to.",
    "erasures": "Numbers and calls that are forgotten on demand.",
    "audit": "Who changed what, when, and from where.",
    "portal": "Who is in the portal.",
    "sources": "Switches that calls are reported by.",
    "voxml": "Documents that say what happens on a call.",
    "system": "Health, counts, notes.",
    "bird": "Bird's own API, for the code that speaks it already.",
    "voc": "Voice Over Cloud's own API, for the code that speaks it already.",
    "voxtelesys": "Voxtelesys' own API, for the code that speaks it already.",
}
"""What each group of routes is about."""
_TRANSCRIPT: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"text": {"type": "string"}, "summary": {"type": "string"}},
    "example": {"text": "Hello, you are speaking with Kim. How may I help?", "summary": "Asked for a quote."},
}
_ACCOUNT: Final[dict[str, Any]] = {
    "name": "account",
    "in": "query",
    "required": False,
    "schema": {"type": "string", "format": "uuid"},
    "description": "With the operator's key: the account that is meant. An account's own key needs none.",
}


_IDEMPOTENCY_KEY: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "description": "The same request with the same key within 24 hours makes nothing more and gets the same answer "
    "(`Idempotent-Replayed: true`). Another request with it is refused with 422, one while the first is worked on with 409.",
    "example": "order-4711",
}


def operation_id(method: str, parts: Collection[str | Any]) -> str:
    """`getEndpointsByEndpointId`: of the method and the path alone, so that it stays as long as the route does. `parts` of the
    path: text, and parameters, which have a `name`."""
    words = (part if isinstance(part, str) else f"by-{part.name}" for part in parts if part != "v1")
    return method.lower() + "".join(word[:1].upper() + word[1:] for part in words for word in re.split(r"[^A-Za-z0-9]", part))


def describe(document: dict[str, Any], dialects: Mapping[str, Dialect], of_the_operator: Collection[str]) -> dict[str, Any]:
    """The whole description, from the one that the framework made of the routes. `of_the_operator`: the routes that are the
    operator's alone, as `GET /v1/accounts`."""
    components = document["components"]
    _, call_ref = msgspec.json.schema_components(
        [CallRef, BirdError, VocError, LoginRefused, VoxtelesysError, VoxmlDocument], ref_template=_REF
    )
    ours = {"Problem": _PROBLEM, "Update": _UPDATE, "Taken": _TAKEN, "EventsTaken": _EVENTS_TAKEN}
    components["schemas"] = components["schemas"] | call_ref | ours
    for schema in components["schemas"].values():
        # How a docstring is indented depends on the version of Python.
        if "description" in schema:
            schema["description"] = " ".join(schema["description"].split())
    for kind in _structs():
        schema = components["schemas"].get(kind.__name__)
        if schema is not None:
            schema["description"] = " ".join((kind.__doc__ or "").split())
            if kind.__struct_config__.forbid_unknown_fields:
                schema["additionalProperties"] = False
    for path, item in document["paths"].items():
        for method, operation in item.items():
            _complete(path, operation)
            if takes_key(method.upper(), path):
                operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    _describe_events(document["paths"]["/v1/events"]["post"])
    _describe_files(document["paths"])
    _describe_voxml(document["paths"]["/v1/voxml/check"]["post"])
    resends = document["paths"]["/v1/resends"]["post"]["responses"]
    resends["200"] = {**resends["202"], "description": "A dry run: the count alone."}
    _describe_records(document["paths"]["/v1/sources/freeswitch/cdr"]["post"])
    document = _well_named(document)
    put_refusals(document, of_the_operator)
    put_examples(document)
    outgoing = webhooks(dialects)
    return document | {"webhooks": outgoing, "tags": _tags(document, outgoing)}


def _tags(document: dict[str, Any], outgoing: dict[str, Any]) -> list[dict[str, str]]:
    """Every group that there is an operation of, in the order of the table; those of webhooks behind them."""
    paths = {tag for item in document["paths"].values() for operation in item.values() for tag in operation["tags"]}
    sent = sorted({tag for item in outgoing.values() for operation in item.values() for tag in operation["tags"]})
    known = [{"name": tag, "description": said} for tag, said in _TAGS.items() if tag in paths]
    return known + [{"name": tag, "description": f"What goes out in the dialect {tag.rpartition(' ')[2]}."} for tag in sent]


def _structs() -> Iterator[type[msgspec.Struct]]:
    """What the routes take and give. The framework shows their fields alone: not what they say of themselves, nor that there may be
    no more."""
    pending: list[type[msgspec.Struct]] = [msgspec.Struct]
    while pending:
        for kind in pending.pop().__subclasses__():
            pending.append(kind)
            if kind.__module__.startswith("ringback.api.") or kind is Filter:
                yield kind


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
    # The framework keeps what is in the path as a set.
    operation.get("parameters", []).sort(key=lambda one: path.index(f"{{{one['name']}}}") if one["in"] == "path" else len(path))
    form = form_of(path)
    media_type = "application/problem+json" if form == "Problem" else "application/json"
    content = {media_type: {"schema": {"$ref": _REF.format(name=form)}}}
    operation["responses"]["default"] = {"description": "Our fault, or not now: see Retry-After.", "content": content}
    if path in _OPEN:
        operation["security"] = []
    if _OF_AN_ACCOUNT.intersection(operation.get("tags", ())) and path != "/v1/dialects":
        operation.setdefault("parameters", []).append(_ACCOUNT)


def _describe_files(paths: dict[str, Any]) -> None:
    """Recordings and transcripts as files: what the framework does not see of them."""
    sound = {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in EXTENSIONS}
    of_a_call = paths["/v1/calls/{call_id}/recording"]
    of_a_call["put"]["requestBody"] = {"required": True, "description": "The file itself.", "content": sound}
    for path in ("/v1/calls/{call_id}/recording", *_LINKED):
        content = {"application/json": {"schema": _TRANSCRIPT}} if path.startswith("/trans") else sound
        for method, operation in paths[path].items():
            if method in ("get", "head"):
                body = {"content": content} if method == "get" else {}
                operation["responses"] |= {
                    "200": {"description": "All of it.", **body},
                    "206": {"description": "The range that was asked for.", **body},
                    "304": {"description": "It is still what `If-None-Match` names."},
                }


def _describe_records(operation: dict[str, Any]) -> None:
    """What mod_json_cdr posts: JSON, or a form with the JSON in it."""
    document = {"type": "object", "description": "A call record of FreeSWITCH."}
    form = {"type": "object", "properties": {"cdr": {"type": "string", "description": "The JSON."}}, "required": ["cdr"]}
    operation["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": document}, "application/x-www-form-urlencoded": {"schema": form}},
    }


def _describe_voxml(operation: dict[str, Any]) -> None:
    """A document, as itself or in JSON."""
    document = {"type": "string", "description": "A VoXML document, of 64 kB at most."}
    operation["requestBody"] = {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": _REF.format(name=VoxmlDocument.__name__)}},
            **{media_type: {"schema": document} for media_type in XML},
        },
    }


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
