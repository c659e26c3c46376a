"""Examples of the description. A body's is put together from one value for each field's name (examples.json), so that a new route
has its example as soon as its fields are known there. A field of which nothing is known leaves the example out: a test fails."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

_PREFIX: Final = "#/components/schemas/"
_JSON: Final = ("application/json", "application/problem+json")


class _Table(msgspec.Struct, frozen=True):
    """`bodies`: whole, by the schema's name. `of`: a field of one schema, as `Schema.field`; one that may be absent is there if it
    is named so. `fields`: a field by its name alone. `parameters`: of paths and queries. `routes`: what has no schema with fields,
    as `GET /metrics 200 text/plain`; of a request, `body` stands instead of the status."""

    bodies: dict[str, Any]
    of: dict[str, Any]
    fields: dict[str, Any]
    parameters: dict[str, Any]
    routes: dict[str, Any]


class Unknown(Exception):
    """There is no value for a field; its name."""


@cache
def _table() -> _Table:
    return msgspec.json.decode((Path(__file__).parent / "examples.json").read_bytes(), type=_Table)


def put_examples(document: dict[str, Any]) -> None:
    """Puts an example to every body and parameter of the paths of a description, where its values are known."""
    schemas, table = document["components"]["schemas"], _table()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in table.parameters:
                    parameter.setdefault("example", table.parameters[parameter["name"]])
            for place, content in _contents(operation):
                for media_type, one in content.items():
                    _complete(one, f"{method.upper()} {path} {place} {media_type}", media_type, schemas)


def _contents(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "body", operation.get("requestBody", {}).get("content", {})
    for status, response in operation["responses"].items():
        yield status, response.get("content", {})


def _complete(content: dict[str, Any], where: str, media_type: str, schemas: Mapping[str, Any]) -> None:
    if where in _table().routes:
        content.setdefault("example", _table().routes[where])
    elif media_type in _JSON and "schema" in content:
        try:
            content.setdefault("example", example_of(content["schema"], schemas))
        except Unknown:
            return


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any], owner: str = "", name: str = "") -> Any:
    """A value that fits a schema. `owner`, `name`: of which schema it is which field. Raises Unknown."""
    table = _table()
    if f"{owner}.{name}" in table.of:
        return table.of[f"{owner}.{name}"]
    if "$ref" in schema:
        owner = schema["$ref"].removeprefix(_PREFIX)
        return table.bodies[owner] if owner in table.bodies else example_of(schemas[owner], schemas, owner)
    if "example" in schema:
        return schema["example"]
    if "properties" in schema:
        return _of_object(schema, schemas, owner)
    if "$ref" in (schema.get("items") or {}):
        return [example_of(schema["items"], schemas, owner, f"{name}[]")]
    if name in table.fields:
        return table.fields[name]
    for word in ("oneOf", "anyOf"):
        if word in schema:
            return _of_either(schema[word], schemas, owner, name)
    if schema.get("items"):
        return [example_of(schema["items"], schemas, owner, f"{name}[]")]
    return _plain(schema, f"{owner}.{name}")


def _of_object(schema: Mapping[str, Any], schemas: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Its fields that are always there, and those that have a default or a value of their own."""
    needed = set(schema.get("required", ()))
    return {
        field: example_of(kind, schemas, owner, field)
        for field, kind in schema["properties"].items()
        if field in needed or "default" in kind or f"{owner}.{field}" in _table().of
    }


def _of_either(kinds: list[Mapping[str, Any]], schemas: Mapping[str, Any], owner: str, name: str) -> Any:
    """The first that says more than null; null, if there is nothing to say of it."""
    try:
        return example_of(next(kind for kind in kinds if kind.get("type") != "null"), schemas, owner, name)
    except Unknown:
        if {"type": "null"} in kinds:
            return None
        raise


def _plain(schema: Mapping[str, Any], what: str) -> Any:
    for word in ("const", "default"):
        if word in schema:
            return schema[word]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "boolean":
        return False
    if kind in ("integer", "number"):
        return int(schema.get("minimum", 1))
    if kind == "null":
        return None
    if kind == "array":
        return []
    raise Unknown(what)
