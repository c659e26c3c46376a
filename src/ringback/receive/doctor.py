"""The signature doctor: why does this webhook's signature not hold?

A signature cannot be read backwards, but what usually goes wrong can be undone: the request is tried as it is, then with everything
undone that proxies, frameworks and clocks are known to do to one (`variants`), until the signature fits; what was undone is the
finding. If nothing fits, what can be seen by eye is told, and at last that it is most likely another secret.

Only whole signatures are compared: a doctor that told how much of one is right would help to forge it. Neither a secret nor a
signature is in any answer.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

from msgspec import Struct

from ringback.errors import InvalidInput
from ringback.receive.findings import Finding, finding
from ringback.receive.forms import PARSERS
from ringback.receive.recognise import parameters_of, platform_of, query_of, stranger
from ringback.receive.trials import (
    AsymmetricTrial,
    BirdTrial,
    Dimension,
    StandardTrial,
    Trial,
    body_options,
    count,
    given,
    is_asymmetric,
    nearest,
    other_second,
    unreadable,
)

MOST_BODY: Final = 512 * 1024
MOST_HEADERS: Final = 16 * 1024
MOST_URL: Final = 8 * 1024
MOST_SECRETS: Final = 10
MOST_SIGNATURES: Final = 20
"""Bounds on the work of one examination: what is tried grows with each."""
DIALECTS: Final = ("bird", "fonedynamics", "standard", "voc", "voxtelesys")
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "standard": ("webhook-id", "webhook-timestamp", "webhook-signature"),
    "bird": ("messagebird-signature", "messagebird-request-timestamp"),
}
_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "standard": ("type", "timestamp", "data"),
    "bird": ("service", "event", "payload"),
}
"""The body's fields in the order in which senders write them."""
_LONGEST_TIMESTAMP: Final = 15
_BIRD_RETRIES_S: Final = 8 * 3600 + 600
"""Bird's retries carry the first timestamp, up to eight hours later."""
_SENDERS: Final[Mapping[str, str]] = {"fonedynamics": "Fone Dynamics", "voc": "VOC", "voxtelesys": "Voxtelesys"}


class Received(Struct, frozen=True, kw_only=True):
    """A request as the application has it. `url` is whole, with its query; empty where nobody knows it. Headers have names in any
    case, and may come twice."""

    method: str = "POST"
    url: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Held(Struct, frozen=True):
    """A secret that the receiver holds, newest first. `live`: it was to be used when the request came."""

    value: str
    live: bool = True

    def __repr__(self) -> str:
        return "Held(***)"


class Diagnosis(Struct, frozen=True, kw_only=True):
    """`ok`: the request is to be believed, as far as its platform lets one tell. `findings`: what was found, at least one; several
    if only together they explain it. `notes`: what else was seen. `body_bytes` and `body_sha256` (hexadecimal) are of the body that
    was checked: compare them with those in your own code."""

    ok: bool
    dialect: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    body_bytes: int = 0
    body_sha256: str = ""


def examine(
    request: Received,
    secrets: Sequence[Held] = (),
    *,
    now_s: float,
    dialect: str = "",
    subscribed_url: str = "",
    tolerance_s: float = 300,
) -> Diagnosis:
    """Says which part of a request does not match.

    `now_s`: Unix seconds, when it came. `dialect`: what it should be, empty: told from the request. `subscribed_url`: the URL that
    the sender was given, if it is known and may be another than the request's.
    Raises InvalidInput: an unknown dialect, something that is over its bound, an empty secret, no URL where it is signed.
    """
    if dialect and dialect not in DIALECTS:
        raise InvalidInput(f"no such dialect; there are {', '.join(DIALECTS)}", "dialect")
    _check_bounds(request, subscribed_url)
    if len(secrets) > MOST_SECRETS or not all(held.value for held in secrets):
        raise InvalidInput(f"may be {MOST_SECRETS}, none of them empty", "secrets")
    return _Examination(request, secrets, now_s, dialect, subscribed_url, tolerance_s).diagnosis()


class _Examination:
    """One request on the table."""

    def __init__(
        self, request: Received, secrets: Sequence[Held], now_s: float, dialect: str, subscribed_url: str, tolerance_s: float
    ) -> None:
        self._request = request
        self._secrets = secrets
        self._now_s = now_s
        self._tolerance_s = tolerance_s
        self._headers = _joined(request.headers)
        self._url = request.url or subscribed_url
        self._subscribed = subscribed_url
        self._told = platform_of(request.method, self._url, self._headers, request.body)
        self._dialect = dialect or self._told
        self._notes: list[str] = []

    def diagnosis(self) -> Diagnosis:
        ok, findings = self._examined()
        return Diagnosis(
            ok=ok,
            dialect=self._dialect,
            findings=findings,
            notes=tuple(self._notes),
            body_bytes=len(self._request.body),
            body_sha256=sha256(self._request.body).hexdigest(),
        )

    def _examined(self) -> tuple[bool, tuple[Finding, ...]]:
        foreign = stranger(self._headers)
        if not self._dialect:
            return False, (finding("not-known", f"; it looks like one of {foreign}" if foreign else ""),)
        if self._told not in ("", self._dialect):
            return False, (finding("other-dialect", f"a webhook of {self._told}"),)
        if not self._told and foreign:
            return False, (finding("other-dialect", f"a webhook of {foreign}"),)
        return self._signed() if self._dialect in _NEEDED else self._unsigned()

    def _unsigned(self) -> tuple[bool, tuple[Finding, ...]]:
        request = self._request
        only_query = self._dialect == "voc"
        text = query_of(self._url) if only_query else parameters_of(request.method, self._url, request.body)
        if not text:
            where = "the query string of its URL" if only_query else "the query string or the form"
            self._notes.append(f"{_SENDERS[self._dialect]} puts its parameters into {where}, and there are none.")
        try:
            PARSERS[self._dialect](text)
        except InvalidInput as error:
            said = f"The parameter {error.field} {error}." if error.field else f"The parameters are wrong: {error}."
            return False, (finding("parameter", said, error.field),)
        return True, (finding("form", _SENDERS[self._dialect]),)

    def _signed(self) -> tuple[bool, tuple[Finding, ...]]:
        missing = [name for name in _NEEDED[self._dialect] if not self._headers.get(name)]
        if missing == ["messagebird-signature"]:
            return False, (finding("unsigned", field=missing[0]),)
        if missing:
            return False, (finding("missing-header", " and ".join(missing), missing[0]),)
        if not self._secrets:
            return False, (finding("no-secret"),)
        if self._dialect == "bird" and not self._url:
            raise InvalidInput("is needed: Bird signs it", "url")
        body = body_options(self._request.body)
        trials = [self._trial(held.value, body) for held in self._secrets]
        for place, trial in enumerate(trials):
            if trial is not None and trial.fits(given(trial)):
                return self._fitting(place)
        return False, self._searched(trials)

    def _trial(self, secret: str, body: Dimension) -> Trial | None:
        """None: a secret that can neither be read nor be tried otherwise."""
        if self._dialect == "bird":
            return BirdTrial(secret, self._headers, self._url, self._subscribed, body)
        if is_asymmetric(secret):
            return None if unreadable(secret) else AsymmetricTrial(secret, self._headers, body)
        return StandardTrial(secret, self._headers, body)

    def _fitting(self, place: int) -> tuple[bool, tuple[Finding, ...]]:
        """The signature fits the request as it is, by this secret: is it too old, or is the secret?"""
        text = self._headers[_TIMESTAMPS[self._dialect]]
        if not _is_time(text):
            return False, (finding("timestamp-form", field=_TIMESTAMPS[self._dialect]),)
        age_s = self._now_s - int(text)
        if self._dialect == "standard" and abs(age_s) > self._tolerance_s:
            return False, (finding("timestamp-old" if age_s > 0 else "timestamp-future", _span(age_s), "webhook-timestamp"),)
        if self._dialect == "bird" and not -self._tolerance_s <= age_s <= _BIRD_RETRIES_S:
            self._notes.append(
                f"Its timestamp is {_span(age_s)} {'old' if age_s > 0 else 'ahead'}, longer than Bird's retries take."
            )
        if not self._secrets[place].live:
            return False, (finding("expired-secret"),)
        signatures = self._headers.get("webhook-signature", "").split()
        if len(signatures) > 1:
            self._notes.append(f"The request carries {len(signatures)} signatures; one that holds is enough.")
        return True, (finding("older-secret" if place else "holds"),)

    def _searched(self, trials: Sequence[Trial | None]) -> tuple[Finding, ...]:
        """The signature does not fit: what is to be undone so that it does. `trials`: by secret."""
        version = self._other_version()
        if version:
            return (finding("signature-version", version, "webhook-signature"),)
        text = self._headers[_TIMESTAMPS[self._dialect]]
        is_time = _is_time(text)
        found = [(one, place) for place, trial in enumerate(trials) if trial is not None and (one := nearest(trial)) is not None]
        if found:
            findings, place = min(found, key=lambda one: len(one[0]))
            age_s = self._now_s - int(text) if is_time else 0
            stale = self._dialect == "standard" and abs(age_s) > self._tolerance_s
            if stale and all(one.part != "timestamp" for one in findings):
                self._notes.append(f"Beside that, its timestamp is {_span(age_s)} {'old' if age_s > 0 else 'ahead'}.")
            return findings if self._secrets[place].live else (*findings, finding("expired-secret"))
        around = [*([int(text)] if is_time else []), int(self._now_s)]
        for trial in trials:
            second = None if trial is None else other_second(trial, around)
            if second is not None:
                return (second,)
        return (self._by_eye(sum(count(trial) for trial in trials if trial is not None)),)

    def _other_version(self) -> str:
        """The versions that the header carries, if no secret is for one of them; else empty."""
        if self._dialect != "standard":
            return ""
        carried = {text.partition(",")[0] for text in self._headers["webhook-signature"].replace(", ", " ").split() if "," in text}
        wanted = {"v1a" if is_asymmetric(held.value) else "v1" for held in self._secrets}
        known = {version for version in carried if version[:1] == "v" and version[1:2].isdigit()}
        return "" if not known or known & wanted else f"only {' and '.join(sorted(known))} signatures"

    def _by_eye(self, tried: int) -> Finding:
        """Nothing fits: what can be seen all the same."""
        body = self._request.body
        unread = [why for held in self._secrets if self._dialect == "standard" and (why := unreadable(held.value))]
        if len(unread) == len(self._secrets):
            return finding("key-form", unread[0])
        if not body:
            return finding("body-empty")
        length = self._headers.get("content-length", "").strip()
        if length.isdigit() and length != str(len(body)):
            return finding("body-length", f"{len(body)} bytes, where its content-length says {length[:20]}", "content-length")
        try:
            fields = list(json.loads(body))
        except (ValueError, TypeError, RecursionError):
            return finding("body-damaged")
        written = _FIELDS[self._dialect]
        if [field for field in fields if field in written] != [field for field in written if field in fields]:
            return finding("body-order")
        return finding("wrong-key", f"{tried:,}")


_TIMESTAMPS: Final[Mapping[str, str]] = {"standard": "webhook-timestamp", "bird": "messagebird-request-timestamp"}


def _check_bounds(request: Received, subscribed_url: str) -> None:
    if len(request.body) > MOST_BODY:
        raise InvalidInput(f"may have {MOST_BODY:,} bytes", "body")
    if max(len(request.url), len(subscribed_url)) > MOST_URL:
        raise InvalidInput(f"may have {MOST_URL:,} characters", "url")
    if sum(len(name) + len(value) for name, value in request.headers) > MOST_HEADERS:
        raise InvalidInput(f"may have {MOST_HEADERS:,} characters", "headers")
    if sum(value.count(",") for name, value in request.headers if name.lower() == "webhook-signature") > 2 * MOST_SIGNATURES:
        raise InvalidInput(f"may carry {MOST_SIGNATURES} signatures", "headers")


def _is_time(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_TIMESTAMP


def _joined(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Names in lower case; of one that came twice the values, as RFC 9110 section 5.3 joins them."""
    joined: dict[str, str] = {}
    for name, raw in headers:
        lower, value = name.lower(), raw.encode("utf-8", "replace").decode()
        joined[lower] = f"{joined[lower]}, {value}" if lower in joined else value
    return joined


def _span(seconds: float) -> str:
    """A duration as people say it, cut to its largest unit that is over two of it."""
    whole = int(abs(seconds))
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if whole >= 2 * length:
            return f"{whole // length:,} {unit}"
    return f"{whole} seconds"
