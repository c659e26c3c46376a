"""What the operator's own pages have in common: who may see them, and an account as a form. Pure, but for the check."""

from collections.abc import Mapping
from typing import Any, Final

from litestar.datastructures import FormMultiDict as Form

from ringback.errors import NotFound
from ringback.portal.visit import Visit

LIMITS: Final[Mapping[str, type[int] | type[float]]] = {
    "events_per_s": float,
    "pending_max": int,
    "retention_days": int,
    "calls_at_once": int,
    "calls_per_min": int,
}
"""Fields of an account that are numbers, and empty for no limit of its own."""


def check_operator(visit: Visit) -> None:
    """For everybody else the page is not there. Raises NotFound."""
    if not visit.is_operator:
        raise NotFound("there is no such page")


def account_of(form: Form) -> dict[str, Any]:
    """The body for `PATCH /v1/accounts/{id}`: what the form says. What is no number stays text, for the API to refuse."""
    body: dict[str, Any] = {"name": _text(form, "name"), "country": _text(form, "country").upper() or None}
    body |= {name: _number(_text(form, name), kind) for name, kind in LIMITS.items()}
    if _text(form, "call_limit_s"):
        body["call_limit_s"] = _number(_text(form, "call_limit_s"), int)
    body |= {name: form.get(name) == "on" for name in ("mask_numbers", "transcribe", "call_extensions")}
    body["bird_catch_all"] = "off" if form.get("bird_catch_all") == "off" else "literal"
    body["call_prefixes"] = _text(form, "call_prefixes").replace(",", " ").split() if form.get("reach") == "some" else None
    body["flows"] = flows_of(str(form.get("flows", "")))
    return body


def flows_of(text: str) -> dict[str, str]:
    """`id = URL`, a line each. A line without a URL is left to the API to refuse."""
    found = {}
    for line in text.splitlines():
        name, _, url = line.partition("=")
        if name.strip():
            found[name.strip()] = url.strip()
    return found


def _text(form: Form, name: str) -> str:
    return str(form.get(name, "")).strip()


def _number(text: str, kind: type[int] | type[float]) -> Any:
    try:
        return kind(text) if text else None
    except ValueError:
        return text


def size_text(count: int) -> str:
    """`38.4 GiB`: bytes for people."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
