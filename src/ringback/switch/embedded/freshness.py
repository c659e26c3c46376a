"""How long a fetched sound may be played without asking again: RFC 9111 as far as a private cache of GETs needs it. Pure.

Without a word of the server's it is asked each time (heuristic freshness, §4.2.2, is left out: a changed announcement is to be
heard), with what it gave to ask with.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from msgspec import Struct

_DIRECTIVE = re.compile(r'([a-z-]+)(?:\s*=\s*(?:"([^"]*)"|([^\s,;]*)))?')
MOST_AGE_S = 365 * 86_400
"""A longer time is taken for this (RFC 9111 §1.2.2 lets large numbers be cut)."""


class Freshness(Struct, frozen=True, kw_only=True):
    """What an answer allows. `store`: it may be kept. `until_ms`: it is fresh until then. `stale_ok`: it may be played later too
    when the server cannot be asked (§4.2.4). `etag` and `modified`: what to ask with, empty if there is nothing."""

    store: bool = True
    until_ms: int = 0
    stale_ok: bool = True
    etag: str = ""
    modified: str = ""


def read_freshness(headers: Mapping[str, str], now_ms: int) -> Freshness:
    """What the headers of an answer say (names in lower case, several of one name joined with commas)."""
    told = directives(headers.get("cache-control", ""))
    etag, modified = headers.get("etag", "").strip(), headers.get("last-modified", "").strip()
    age_s = _seconds(headers.get("age", "")) or 0
    life_s = _seconds(told["max-age"]) if "max-age" in told else _from_expires(headers, now_ms)
    if "no-cache" in told or life_s is None:
        life_s = 0
    return Freshness(
        store="no-store" not in told and headers.get("vary", "").strip() != "*",
        until_ms=now_ms + max(0, life_s - age_s) * 1000,
        stale_ok=not {"no-cache", "must-revalidate"} & told.keys(),
        etag=etag if _is_plain(etag) else "",
        modified=modified if _is_plain(modified) else "",
    )


def again(known: Freshness, headers: Mapping[str, str], now_ms: int) -> Freshness:
    """What a 304 makes of it: its headers stand for those of the answer before (§4.3.4)."""
    fresh = read_freshness(headers, now_ms)
    return Freshness(
        store=fresh.store,
        until_ms=fresh.until_ms,
        stale_ok=fresh.stale_ok,
        etag=fresh.etag or known.etag,
        modified=fresh.modified or known.modified,
    )


def directives(text: str) -> dict[str, str]:
    """Cache-Control's directives with their arguments. Of two of one name the first stands."""
    told: dict[str, str] = {}
    for found in _DIRECTIVE.finditer(text.lower()):
        told.setdefault(found[1], found[2] or found[3] or "")
    return told


def _seconds(text: str) -> int | None:
    """Delta-seconds; None: it is no number, which counts as stale (§4.2.1)."""
    text = text.strip()
    return min(int(text[:12]), MOST_AGE_S) if text.isascii() and text.isdigit() else None


def _from_expires(headers: Mapping[str, str], now_ms: int) -> int | None:
    expires = _date_ms(headers.get("expires", ""))
    if expires is None:
        return None
    since = _date_ms(headers.get("date", ""))
    return max(0, min((expires - (now_ms if since is None else since)) // 1000, MOST_AGE_S))


def _date_ms(text: str) -> int | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return round((date - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)


def _is_plain(value: str) -> bool:
    """It goes back into a header."""
    return value.isprintable() and len(value) <= 1_000
