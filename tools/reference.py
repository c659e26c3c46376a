"""Writes the tables of docs/reference/ from what the program itself knows: settings, commands, routes, events.

A page is written by hand around blocks that begin with `<!-- made: NAME -->` and end with `<!-- end -->`; only what stands between
is written here. `python tools/reference.py` writes, `--check` says whether something is old (1) or not (0).
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import typer
from openapi import described
from typer.main import get_command

from ringback.calls.model import Context, Geo
from ringback.cli.main import app
from ringback.dialects import load_dialects
from ringback.dialects.contract import HttpRequest
from ringback.dialects.trial import trial
from ringback.settings import HELP, Settings

FOLDER: Final = Path(__file__).resolve().parent.parent / "docs" / "reference"
PAGES: Final = ("settings.md", "command-line.md", "api.md", "events.md")
_VENDORS: Final = ("/bird/",)
"""APIs of platforms, which docs/leaving tells of."""
_BLOCK: Final = re.compile(r"(<!-- made: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_BODIES: Final = (
    "NewAccount",
    "AccountChange",
    "NewProperty",
    "NewNumber",
    "ChangedNumber",
    "NewEndpoint",
    "ChangedEndpoint",
    "NewSecret",
    "NewTest",
    "NewKey",
    "NewResend",
    "ResendFilter",
    "NewReplay",
    "NewPortalLink",
)


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]] | list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _code(text: object) -> str:
    return f"`{text}`"


# Settings and commands


def settings() -> str:
    """Every setting: its option, its variable, its default, what it means."""
    options = {parameter.name: parameter.opts[-1] for parameter in _commands()["serve"].params}

    def rows() -> Iterator[tuple[str, ...]]:
        for field in msgspec.structs.fields(Settings):
            default = (
                "" if field.default in (None, ()) else _code(str(field.default).lower() if field.type is bool else field.default)
            )
            option = _code(options[field.name]) if field.name in options else ""
            yield option, _code(f"RINGBACK_{field.name.upper()}"), default, HELP[field.name]

    return _table(("option", "variable", "default", "meaning"), rows())


def _commands() -> Mapping[str, Any]:
    group: Any = get_command(app)
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        found |= {name: command} if inner is None else {f"{name} {word}": below for word, below in inner.items()}
    return found


def commands() -> str:
    """Each command: what it does, its arguments and options, an example."""
    return "\n".join(_command(name, command) for name, command in _commands().items())


def _command(name: str, command: Any) -> str:
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    usage = " ".join(["ringback", name, *(parameter.name.upper() for parameter in arguments), "[OPTIONS]"])
    text = f"## {name}\n{_code(usage)}\n\n{_plain(command.help)}\n\n"
    if name == "serve":
        text += "Its options are the [settings](settings.md).\n\n"
    else:
        text += _table(("argument or option", "default", "meaning"), [_parameter(parameter) for parameter in command.params]) + "\n"
    examples = [part.strip() for part in re.findall(r"\[bold\](.*?)\[/bold\]", command.epilog or "", re.DOTALL)]
    return text + "```sh\n" + "".join(f"{example}\n" for example in examples) + "```\n"


def _parameter(parameter: Any) -> tuple[str, ...]:
    if parameter.param_type_name == "argument":
        shown = _code(parameter.name.upper())
    else:
        shown = ", ".join(_code(flag) for flag in (*parameter.opts, *parameter.secondary_opts))
    default = parameter.default if parameter.default not in (None, False, ()) and not parameter.required else None
    said = " ".join(getattr(parameter, "help", "").split())
    variable = getattr(parameter, "envvar", None)
    required = " Required." if parameter.required else ""
    return shown, "" if default is None else _code(default), said + required + (f" Variable: `{variable}`." if variable else "")


def _plain(text: str | None) -> str:
    return "\n\n".join(" ".join(part.split()) for part in (text or "").split("\n\n"))


# The API


def routes() -> str:
    """Every route: its method, its path, what it does, its parameters."""

    def rows() -> Iterator[tuple[str, ...]]:
        for path, item in sorted(described()["paths"].items()):
            if path.startswith(_VENDORS):
                continue
            for method, operation in item.items():
                query = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "query" and p["name"] != "account"]
                yield _code(f"{method.upper()} {path}"), operation["description"], " ".join(map(_code, query))

    return _table(("route", "what it does", "query"), rows())


def bodies() -> str:
    """The fields that a request's body may have."""
    return _schemas(_BODIES, required=True)


def answers() -> str:
    """The fields of what is shown."""
    names = sorted(name for name in described()["components"]["schemas"] if name.endswith("View") or name == "Note")
    return _schemas(tuple(names), required=False)


def _schemas(names: tuple[str, ...], *, required: bool) -> str:
    schemas = described()["components"]["schemas"]
    parts = []
    for name in names:
        schema = schemas[name]
        needed = set(schema.get("required", ())) if required else set()
        rows = [(_code(field), _kind(kind), "required" if field in needed else "") for field, kind in schema["properties"].items()]
        head = ("field", "value", "") if required else ("field", "value")
        said = " ".join(schema.get("description", "").split())
        parts.append(f"**{name}**: {said}\n\n" + _table(head, [row[: len(head)] for row in rows]))
    return "\n".join(parts)


def _kind(schema: dict[str, Any]) -> str:
    """A JSON schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    either = schema.get("oneOf") or schema.get("anyOf")
    if either:
        return " or ".join(dict.fromkeys(_kind(one) for one in either))
    if "enum" in schema:
        return ", ".join(_code(value) for value in schema["enum"] if value is not None)
    if "const" in schema:
        return _code(schema["const"])
    kind = schema.get("type", "any")
    kinds = [kind] if isinstance(kind, str) else list(kind)
    if "array" in kinds:
        inner = _kind(schema["items"]) if schema.get("items") else "any"
        return f"list of {inner}"
    limits = [f"{word} {schema[key]:g}" for key, word in _LIMITS.items() if key in schema]
    words = {"string": "text", "integer": "number", "number": "number", "boolean": "true or false", "null": "null"}
    return " or ".join(words.get(one, one) for one in kinds) + (f" ({', '.join(limits)})" if limits else "")


_LIMITS: Final = {"minLength": "at least", "maxLength": "at most", "minimum": "from", "maximum": "to"}


# Events


def context() -> str:
    """The context of a call, field by field."""
    _, schemas = msgspec.json.schema_components([Context], ref_template="{name}")

    def rows(name: str, prefix: str) -> Iterator[tuple[str, ...]]:
        for field, schema in schemas[name]["properties"].items():
            inner = [one["$ref"] for one in schema.get("anyOf", ()) if "$ref" in one]
            if inner and inner[0] in schemas:
                yield from rows(inner[0], f"{prefix}{field}.")
            else:
                yield _code(f"{prefix}{field}"), _kind(schema).removeprefix("null or ").removesuffix(" or null")

    return _table(("field", "value"), rows("Context", ""))


def samples() -> str:
    """What goes out for each event of each dialect: its sample, as `ringback trigger` sends it."""
    parts = []
    for name, dialect in load_dialects().items():
        parts.append(f"### {name}\n")
        for event in dialect.events:
            geo = Geo(country="GB", region="England", city="London")
            request = trial(dialect, event, "https://example.com/hook", geo=geo)
            parts.append(f"`{event}`\n\n```http\n{_request(request)}```\n")
    return "\n".join(parts)


def _request(request: HttpRequest) -> str:
    parts = urlsplit(request.url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"{request.method} {target}", *(f"{name}: {value}" for name, value in request.headers)]
    if request.body:
        lines += ["", request.body.decode()]
    return "".join(f"{line}\n" for line in lines)


BLOCKS: Final[Mapping[str, Callable[[], str]]] = {
    "settings": settings,
    "commands": commands,
    "routes": routes,
    "bodies": bodies,
    "answers": answers,
    "context": context,
    "samples": samples,
}


def made(text: str) -> str:
    """A page with its blocks as they must be. Raises KeyError for a block that nobody makes."""
    return _BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found[2]]()}{found[3]}", text)


def main() -> None:
    """Writes the pages, or says with `--check` which are old."""
    old = []
    for name in PAGES:
        page = FOLDER / name
        text = page.read_text("utf-8")
        now = made(text)
        if now != text:
            old.append(name)
            if "--check" not in sys.argv:
                page.write_text(now, "utf-8")
    if old and "--check" in sys.argv:
        raise SystemExit(f"old: {', '.join(old)}; run python tools/reference.py")
    typer.echo(f"{', '.join(old) or 'nothing'} {'is old' if '--check' in sys.argv else 'written'}")


if __name__ == "__main__":
    main()
