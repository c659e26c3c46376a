"""A number as a form: what the form says, as the API's body, and what a number is, as the form's values. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from litestar.datastructures import FormMultiDict as Form

_PLAIN: Final = ("name", "pool", "property", "channel_id", "trunk_id")
"""Fields that keep their default while they are empty."""
LOCAL: Final[Mapping[str, str]] = {"say": "Say a text and hang up", "forward": "Put the caller through to a number"}


def body_of(form: Form, *, is_new: bool) -> dict[str, Any]:
    """The body for `POST /v1/numbers` or `PATCH`: what the form says."""
    body: dict[str, Any] = {name: text for name in _PLAIN if (text := _text(form, name))}
    body["webhooks_enabled"] = form.get("webhooks_enabled") == "on"
    body["voice"] = _voice(form)
    return body | ({"number": _text(form, "number")} if is_new else {})


def _text(form: Form, name: str) -> str:
    return str(form.get(name, "")).strip()


def _voice(form: Form) -> dict[str, Any] | None:
    """Nothing in any of its fields: nobody is asked. A fallback alone is for the API to refuse."""
    fallback, kind = _text(form, "fallback_url"), _text(form, "local")
    local = _text(form, f"local_{kind}") if kind in LOCAL else ""
    if not (_text(form, "voice_url") or fallback or local):
        return None
    return {
        "url": _text(form, "voice_url"),
        "method": _text(form, "voice_method") or "POST",
        "fallback_url": fallback or None,
        "fallback_method": _text(form, "fallback_method") or "POST",
        "local_fallback": {kind: local} if local else None,
    }


BLANK: Final[Mapping[str, Any]] = {
    "number": "",
    "name": "",
    "pool": "static",
    "property": "",
    "channel_id": "",
    "trunk_id": "",
    "webhooks_enabled": True,
    "voice": None,
}
"""The values of a form for a new number. Ids that are empty are made."""

BLANK_VOICE: Final[Mapping[str, Any]] = {
    "url": "",
    "method": "POST",
    "fallback_url": None,
    "fallback_method": "POST",
    "local_fallback": None,
}

_FIELDS: Final = {
    "voice.url": "voice_url",
    "voice.fallback_url": "fallback_url",
    "voice.local_fallback": "local",
    "voice.local_fallback.say": "local",
    "voice.local_fallback.forward": "local",
}


def sentence_of(body: Mapping[str, Any], path: str, detail: str) -> str:
    """What a refusal says to whoever filled in the form."""
    if path == "voice.url" and not (body.get("voice") or {}).get("url"):
        return "is asked first: it cannot be left out while there is a fallback."
    return detail


def field_of(path: str) -> str:
    """The form's field that a JSON path of a refusal belongs to."""
    return _FIELDS.get(path, path)
