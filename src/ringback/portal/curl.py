"""A request of the log as a command line, that can be pasted into a shell whatever a caller or a receiver has written into it.

Every word is quoted for POSIX shells. curl's own marks are switched off: `@` (a file), `[1-9]` in URLs, `../` in paths. A body that
a terminal would take for more than text (control characters, bytes that are no UTF-8) goes in as base64. Pure.
"""

import base64
import re
import shlex
from collections.abc import Mapping
from typing import Any, Final

_MADE_BY_CURL: Final = frozenset({"host", "content-length", "connection", "transfer-encoding"})
_OWN_DEFAULTS: Final = ("accept", "content-type", "user-agent")
"""Headers that curl would add of its own accord: sent empty, it adds none."""
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What a terminal may act on, or what makes text look like other text (bidirectional marks)."""


def as_curl(request: Mapping[str, Any]) -> str:
    """The command for a `RequestView`. What is masked in the log is masked here."""
    words = ["curl", "--globoff", "--path-as-is", "--request", str(request["method"]), _plain(str(request["url"]))]
    headers = [(str(name), str(value)) for name, value in request["headers"]]
    for name, value in headers:
        if name.lower() not in _MADE_BY_CURL and _TOKEN.fullmatch(name):
            text = _plain(value)
            words += ["--header", f"{name}: {text}" if text else f"{name};"]
    sent = {name.lower() for name, _ in headers}
    body, raw = request.get("body"), request.get("body_base64")
    for name in _OWN_DEFAULTS:
        if name not in sent and (name != "content-type" or body or raw):
            words += ["--header", f"{name}:"]
    if body and not raw and _CONTROLS.search(body):
        raw = base64.b64encode(body.encode()).decode()
    if raw:
        return f"printf %s {shlex.quote(raw)} | base64 -d | {_joined([*words, '--data-binary', '@-'])}"
    return _joined([*words, "--data-raw", body] if body else words)


def _plain(text: str) -> str:
    return _CONTROLS.sub("", text).replace("\n", "").replace("\t", " ")


def _joined(words: list[str]) -> str:
    """One option a line."""
    quoted = [shlex.quote(word) for word in words]
    lines = [" ".join(quoted[:3])]
    rest = quoted[3:]
    while rest:
        count = 2 if rest[0].startswith("--") else 1
        lines.append(" ".join(rest[:count]))
        rest = rest[count:]
    return " \\\n  ".join(lines)
