"""Which refusals an operation may answer with, and how they look there: as problem documents (RFC 9457), or in the form of the
vendor whose API it is."""

from collections.abc import Collection
from typing import Any, Final

import msgspec

from ringback import problems
from ringback.api.bird.errors import CODES, BirdError
from ringback.api.voc.replies import LOGIN, LoginRefused, VocError
from ringback.api.voxtelesys.errors import VoxtelesysError

_READS: Final = ("get", "head")
_TEXTS: Final = {
    400: ("The body is no JSON, or nested too deeply.", "the body is not valid JSON"),
    401: ("No key, or none that is known.", "send a key that is known"),
    403: ("A known key that may not do this.", "this key may only look"),
    404: ("There is no such thing, or it is another account's.", "there is none with this id"),
    409: ("It is there already, or its state forbids it.", "it is there already"),
    413: ("The body is too large.", "the body is too large"),
    415: ("A file of a kind that is not taken.", "the file does not begin as audio/wav does"),
    416: ("Nothing of the file lies in the range.", "the file has 352044 bytes"),
    422: ("A value does not fit; where, is told.", "does not fit"),
    429: ("Too much at once: see Retry-After.", "too many requests of this account"),
}
_FIELDS: Final = {422: "limit"}
_UNKEYED_TOO: Final = ("/recordings/", "/transcriptions/")
"""A signed link is refused as a key is."""
_NEVER_AT_ODDS: Final = frozenset({LOGIN, "/v1/events", "/v1/verify", "/v1/sources/freeswitch/cdr", "/v1/voxml/check"})
"""What is posted there meets nothing that it could be at odds with."""
_MORE: Final[dict[tuple[str, str], tuple[int, ...]]] = {
    ("post", "/v1/events"): (429,),
    ("post", "/v1/verify"): (404,),
    ("post", "/v1/voxml/check"): (415,),
    ("post", "/v1/voxml/run"): (404, 429),
    ("get", "/v1/explain"): (404,),
    ("post", LOGIN): (401,),
    ("post", "/voc/api/v1/webhooks/test"): (404,),
    ("post", "/voc/api/v1/dial"): (429,),
    ("put", "/v1/calls/{call_id}/recording"): (415,),
    ("get", "/v1/calls/{call_id}/recording"): (403,),
    ("head", "/v1/calls/{call_id}/recording"): (403,),
    ("get", "/v1/calls/{call_id}/transcription"): (403,),
    ("get", "/voc/api/v1/calls/get/{call_id}/transcription"): (403,),
    ("post", "/v1/calls"): (429,),
    ("post", "/v1/simulated-calls"): (404,),
    ("post", "/voxtelesys/api/v0/calls"): (415, 429),
    ("get", "/voxtelesys/api/v0/calls"): (403,),
}
"""What a route's form does not tell."""
_FORMS: Final = {"bird": BirdError.__name__, "voc": VocError.__name__, "voxtelesys": VoxtelesysError.__name__}
_ERROR_ID: Final = "3f0f7c52-0d7e-4f6a-9d0c-7a1c3b5e9f24"


def refusals(method: str, path: str, operation: dict[str, Any], *, is_operators: bool) -> list[int]:
    """The 4xx that an operation may answer with. `is_operators`: an account's own key is refused there."""
    found = set(_MORE.get((method, path), ()))
    names = {parameter["in"] for parameter in operation.get("parameters", ())}
    named = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"}
    if operation.get("security") != [] or path.startswith(_UNKEYED_TOO):
        found.add(401)
        if is_operators or method not in _READS or path.startswith(_UNKEYED_TOO):
            found.add(403)
    if "path" in names or "account" in named:
        found.add(404)
    if "requestBody" in operation:
        found |= {400, 413, 422}
    if named:
        found.add(422)
    if method not in _READS and path not in _NEVER_AT_ODDS:
        found.add(409)
    if "206" in operation["responses"]:
        found.add(416)
    return sorted(found)


def form_of(path: str) -> str:
    """The schema of the refusals of a path."""
    if path == LOGIN:
        return LoginRefused.__name__
    return _FORMS.get(path.split("/", 2)[1], "Problem")


def response_of(form: str, status: int) -> dict[str, Any]:
    """The response object of a refusal, with an example of it."""
    told, detail = _TEXTS[status]
    media_type = problems.CONTENT_TYPE if form == "Problem" else "application/json"
    content = {"schema": {"$ref": f"#/components/schemas/{form}"}, "example": _example(form, status, detail)}
    return {"description": told, "content": {media_type: content}}


def _example(form: str, status: int, detail: str) -> Any:
    field = _FIELDS.get(status, "")
    said = f"{field}: {detail}" if field else detail
    if form == BirdError.__name__:
        return msgspec.to_builtins(BirdError(CODES.get(status, "Error"), said, {field: [detail]} if field else {}))
    if form == VocError.__name__:
        return msgspec.to_builtins(VocError(status, said))
    if form == VoxtelesysError.__name__:
        return msgspec.to_builtins(VoxtelesysError(_ERROR_ID, said))
    if form == LoginRefused.__name__:
        return msgspec.to_builtins(LoginRefused(said))
    return problems.problem(status, detail, field)


def put_refusals(document: dict[str, Any], of_the_operator: Collection[str]) -> None:
    """Puts the refusals to every operation, each once among the components. `of_the_operator`: the routes that are the operator's
    alone, as `GET /v1/accounts`."""
    shared = document["components"].setdefault("responses", {})
    for path, item in document["paths"].items():
        for method, operation in item.items():
            form = form_of(path)
            for status in refusals(method, path, operation, is_operators=f"{method.upper()} {path}" in of_the_operator):
                shared.setdefault(f"{form}{status}", response_of(form, status))
                operation["responses"].setdefault(str(status), {"$ref": f"#/components/responses/{form}{status}"})
