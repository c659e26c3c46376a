"""One value of a webhook against what the phones say it must be. Pure; the rules are described in `tools/derive_expected.py`."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

_SECOND = timedelta(seconds=1)


def value_at(fields: Mapping[str, Any], path: str) -> Any:
    """The value at a path, a name of its own first, then level by level; None if there is none, or if it is empty."""
    found: Any = fields
    for part in [path] if path in fields else path.split("/"):
        found = found.get(part) if isinstance(found, Mapping) else None
    return None if found in ("", [], {}) else found


def moment_of(value: Any) -> datetime | None:
    """A time as the parsers leave it in JSON (RFC 3339), None if it is none."""
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def fits(rule: Any, value: Any, tolerance_ms: int) -> bool:
    """Does a value keep a rule? `id_of` is not one value's matter and is not asked here."""
    if not isinstance(rule, dict):
        return bool(value == rule)
    off = timedelta(milliseconds=tolerance_ms)
    ((kind, wanted),) = rule.items()
    if kind == "seconds":
        # Whole seconds, cut: of any length within the tolerance.
        return isinstance(value, int) and wanted - off.total_seconds() - 1 < value <= wanted + off.total_seconds()
    at = moment_of(value)
    if at is None:
        return False
    first, last = (datetime.fromisoformat(text) for text in (wanted if kind == "between" else (wanted, wanted)))
    return first - off - (_SECOND if kind == "second" else timedelta()) < at <= last + off


def in_words(rule: Any) -> str:
    """A rule for people."""
    if not isinstance(rule, dict):
        return "nothing" if rule is None else repr(rule)
    ((kind, wanted),) = rule.items()
    if kind == "between":
        return f"between {wanted[0]} and {wanted[1]}"
    return {"near": f"about {wanted}", "second": f"the second of {wanted}", "seconds": f"the {wanted} s that the phones saw"}[kind]
