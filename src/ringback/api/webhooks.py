"""The `webhooks` section of the API's description: each dialect's events as requests, read off the samples that its test button
sends, so that the description cannot drift from what goes out."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from ringback.dialects.contract import Dialect, HttpRequest
from ringback.dialects.trial import sample_requests

_FORM: Final = "application/x-www-form-urlencoded"


def webhooks(dialects: Mapping[str, Dialect]) -> dict[str, Any]:
    """A path item per event, named `<dialect>.<event>`; an operation per method that an endpoint may choose."""
    return {
        f"{name}.{event}": {request.method.lower(): _operation(dialect, event, request) for request in requests}
        for name, dialect in dialects.items()
        for event, requests in sample_requests(dialect).items()
    }


def _operation(dialect: Dialect, event: str, request: HttpRequest) -> dict[str, Any]:
    method = request.method
    operation: dict[str, Any] = {
        "summary": f"{dialect.name}: {event}",
        "operationId": f"{dialect.name}.{event}" + ("" if method == dialect.methods[0] else f".{method.lower()}"),
        "tags": [f"webhooks: {dialect.name}"],
        "responses": {
            ("2XX" if dialect.succeeded(204) else "200"): {"description": "Delivered."},
            "default": {"description": "Not delivered: it is tried again as the dialect's schedule says."},
        },
    }
    parameters = [*_query(request), *_headers(request)]
    if parameters:
        operation["parameters"] = parameters
    body = _body(request)
    if body:
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _query(request: HttpRequest) -> list[dict[str, Any]]:
    pairs = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
    return [{"name": name, "in": "query", "schema": {"type": "string"}, "example": value} for name, value in pairs]


def _headers(request: HttpRequest) -> list[dict[str, Any]]:
    # OpenAPI says it itself: a parameter named Content-Type is ignored, the request body's media type is it.
    return [
        {"name": name, "in": "header", "schema": {"type": "string"}, "example": value}
        for name, value in request.headers
        if name.lower() != "content-type"
    ]


def _body(request: HttpRequest) -> dict[str, Any]:
    if not request.body:
        return {}
    media_type = next((value for name, value in request.headers if name.lower() == "content-type"), "application/octet-stream")
    if media_type.startswith(_FORM):
        example: Any = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    else:
        example = json.loads(request.body)
    return {media_type: {"schema": schema_of(example), "example": example}}


def schema_of(value: Any) -> dict[str, Any]:
    """The JSON Schema that a sample shows: its members and their types; what else may come is left open."""
    if isinstance(value, dict):
        return {"type": "object", "properties": {name: schema_of(inner) for name, inner in value.items()}}
    if isinstance(value, list):
        return {"type": "array", "items": schema_of(value[0])} if value else {"type": "array"}
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int):
        return {"type": "integer"}
    return {"type": "number"} if isinstance(value, float) else {"type": "string"}
