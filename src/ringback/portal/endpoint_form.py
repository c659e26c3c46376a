"""An endpoint as a form: what the form says, as the API's body, and what an endpoint is, as the form's values. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

from litestar.datastructures import FormMultiDict as Form

_TEXTS: Final = ("url", "description", "method", "order")
_NUMBERS: Final = {"hold_s": int, "max_in_flight": int, "rate_per_s": float}
_BOUNDS: Final = {">=": "of at least", "<=": "of at most", ">": "above", "<": "below"}
ALL_EVENTS: Final = "all"
LABELS: Final = {
    "url": "URL",
    "description": "Description",
    "events": "Events",
    "filters": "Filters",
    "method": "Method",
    "order": "Order",
    "rate_per_s": "Requests a second",
    "max_in_flight": "Under way at once",
    "hold_s": "Seconds that Call.Complete waits",
    "headers": "Headers",
    "bearer": "Bearer token",
    "secret": "Secret",
    "ca_pem": "Certificates",
}
"""What a field is called on the page."""


def _list(form: Form, name: str) -> list[str]:
    return [str(value) for value in form.getall(name, [])]


def filters_of(form: Form) -> list[dict[str, str]]:
    """The rows that say something."""
    rows = zip(_list(form, "filter_key"), _list(form, "filter_value"), strict=False)
    return [{"key": key, "value": value.strip()} for key, value in rows if key and value.strip()]


def events_of(form: Form) -> list[str] | None:
    """The chosen events; None: all that the dialect knows."""
    return None if form.get("which_events", ALL_EVENTS) == ALL_EVENTS else _list(form, "event")


def body_of(form: Form, *, is_new: bool) -> dict[str, Any]:
    """The body for `POST /v1/endpoints` or `PATCH`: what the form says. Numbers that are none stay text, for the API to refuse."""
    body: dict[str, Any] = {name: str(form.get(name)).strip() for name in _TEXTS if form.get(name) is not None}
    body["events"] = events_of(form)
    body["filters"] = filters_of(form)
    body["omit_null"] = form.get("omit_null") == "on"
    for name, kind in _NUMBERS.items():
        text = str(form.get(name, "")).strip()
        if text:
            body[name] = _number(text, kind)
        elif name == "rate_per_s":
            body[name] = None
    pem = str(form.get("ca_pem", "")).strip()
    body["ca_pem"] = f"{pem}\n".replace("\r\n", "\n") if pem else None
    names = zip(_list(form, "header_name"), _list(form, "header_value"), strict=False)
    headers = {name.strip(): value for name, value in names if name.strip()}
    bearer = str(form.get("bearer", "")).strip()
    if is_new:
        secret = str(form.get("secret", "")).strip()
        return body | {"headers": headers} | ({"secret": secret} if secret else {}) | ({"bearer": bearer} if bearer else {})
    if form.get("replace_headers") == "on":
        body["headers"] = headers
    if bearer or form.get("drop_bearer") == "on":
        body["bearer"] = bearer or None
    return body


def _number(text: str, kind: type[int] | type[float]) -> Any:
    try:
        return kind(text)
    except ValueError:
        return text


def field_of(path: str) -> str:
    """The form's field that a JSON path of a refusal belongs to: `filters[0].key` → `filters`."""
    return path.partition("[")[0].partition(".")[0]


def told(path: str, said: str) -> str:
    """A refusal in a person's words: what the API says of a type is for programs."""
    name = field_of(path)
    if name in _NUMBERS and said.startswith("expected"):
        kind = "a number" if _NUMBERS[name] is float else "a whole number"
        bound = re.search(r"([<>]=?) ?([\d.]+)", said)
        return f"must be {kind}{f' {_BOUNDS[bound[1]]} {bound[2]}' if bound else ''}"
    return said


def blank(dialect: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a form for a new endpoint of a dialect (as `GET /v1/dialects` shows it)."""
    return {
        "url": "",
        "description": "",
        "events": None,
        "filters": [],
        "method": dialect["methods"][0],
        "order": dialect["default_order"],
        "hold_s": 30,
        "omit_null": False,
        "max_in_flight": 64,
        "rate_per_s": None,
        "ca_pem": None,
        "headers": {},
        "auth": None,
    }
