"""The pages of the docs, from the code itself: each dialect's events, parameters, examples and rules, and how a receiver checks
where a webhook comes from. Made once, when they are first asked for. What a page says is what is sent.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from importlib import resources
from typing import Any, Final, NamedTuple

from ringback.dialects.contract import Dialect, Fact, HttpRequest
from ringback.dialects.trial import sample_requests
from ringback.live.transcript import parameters_of
from ringback.webhooks.rotation import LIVE_SECRETS

_TABLES: Final = ("PARAMETERS", "FIELDS")
"""What a dialect's module calls the table of everything that it may send, where it has one."""
_SNIPPETS: Final = resources.files(__package__) / "snippets"
LANGUAGES: Final[Mapping[str, str]] = {"py": "Python", "mjs": "JavaScript", "php": "PHP", "go": "Go"}
"""By the suffix of the snippets."""
_MARKS: Final = ("documented", "inferred", "ours")


class Parameter(NamedTuple):
    """Something that a webhook says. `example` None: the samples have none, it is sent if there is a value. `events`: in whose
    samples it is; empty: in all of them."""

    name: str
    example: str | None
    events: tuple[str, ...]


class Sample(NamedTuple):
    """A sample as it goes out; `body` of JSON is indented here."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: str
    is_indented: bool


class Snippet(NamedTuple):
    """How a webhook's origin is checked in a language. `ran_by`: what our tests ran this very text with; empty: it was not run."""

    language: str
    text: str
    ran_by: str


class Manual(NamedTuple):
    """What the page of a dialect says. `proof`: of PROOFS. `delays`: waits between attempts, in seconds."""

    dialect: Dialect
    samples: Mapping[str, tuple[Sample, ...]]
    parameters: tuple[Parameter, ...]
    facts: tuple[tuple[str, tuple[Fact, ...]], ...]
    snippets: tuple[Snippet, ...]
    is_signed: bool


_made: dict[str, Manual] = {}
"""By the dialect's name, which stands for one object as long as the process lives."""


def manual_of(dialect: Dialect) -> Manual:
    """The page of one dialect."""
    if dialect.name not in _made:
        _made[dialect.name] = _manual(dialect)
    return _made[dialect.name]


def _manual(dialect: Dialect) -> Manual:
    requests = sample_requests(dialect)
    facts: Sequence[Fact] = getattr(_module(dialect), "FACTS", ())
    return Manual(
        dialect=dialect,
        samples={name: tuple(map(_sample, every)) for name, every in requests.items()},
        parameters=tuple(_parameters(dialect, requests)),
        facts=tuple((mark, tuple(fact for fact in facts if fact.mark == mark)) for mark in _MARKS),
        snippets=tuple(_snippets(dialect.name)),
        is_signed=dialect.name in LIVE_SECRETS,
    )


def _module(dialect: Dialect) -> Any:
    return sys.modules.get(type(dialect).__module__)


def _parameters(dialect: Dialect, requests: Mapping[str, tuple[HttpRequest, ...]]) -> Iterator[Parameter]:
    """All that samples say, in the order in which they say it; then what else there is."""
    found: dict[str, str] = {}
    where: dict[str, list[str]] = {}
    for event, (request, *_) in requests.items():
        for name, value in parameters_of(request):
            found[name] = found.get(name) or value
            if event not in where.setdefault(name, []):
                where[name].append(event)
    for name, value in found.items():
        yield Parameter(name, value, () if len(where[name]) == len(requests) else tuple(where[name]))
    for name in dict.fromkeys(_table(dialect)):
        if name not in found:
            yield Parameter(name, None, ())


def _table(dialect: Dialect) -> Iterator[str]:
    for word in _TABLES:
        table = getattr(_module(dialect), word, ())
        if isinstance(table, Mapping):
            yield from (name for names in table.values() for name in names)
        else:
            yield from (one.name for one in table)


def _sample(request: HttpRequest) -> Sample:
    body = request.body.decode("utf-8", "replace")
    try:
        text = json.dumps(json.loads(body), indent=2, ensure_ascii=False) if body else ""
    except ValueError:
        return Sample(request.method, request.url, request.headers, body, False)
    return Sample(request.method, request.url, request.headers, text, bool(text))


def _snippets(dialect: str) -> Iterator[Snippet]:
    """Those that there are; a dialect of an installed package has none."""
    ran = json.loads((_SNIPPETS / "ran.json").read_text("utf-8"))
    for suffix, language in LANGUAGES.items():
        name = f"{dialect}/verify.{suffix}"
        file = _SNIPPETS / dialect / f"verify.{suffix}"
        if file.is_file():
            data = file.read_bytes()
            known = ran.get(name, {})
            by = known["by"] if known.get("sha256") == sha256(data).hexdigest() else ""
            yield Snippet(language, data.decode(), by)


_BASIC: Final = (
    "{} describes no signature. What a receiver can check are credentials in the endpoint's URL, which go out as HTTP Basic "
    "authentication, or a secret in its query."
)
PROOFS: Final[Mapping[str, str]] = {
    "standard": "Every request is signed (Standard Webhooks, HMAC-SHA256 over id, time and body) with the endpoint's secret, which "
    "is shown once, when the endpoint is made. Check the signature before you parse the body, and refuse what is older than five "
    "minutes.",
    "bird": "A request is signed (HMAC-SHA256 over time, subscribed URL and the body's SHA-256) with the endpoint's signing key, "
    "if it has one. A retry carries the first attempt's time and signature, so allow for the eight hours that retries take.",
    "voc": "Voice Over Cloud describes no signature. What a receiver can check is a secret in the endpoint's URL.",
    "fonedynamics": _BASIC.format("Fone Dynamics"),
    "voxtelesys": _BASIC.format("Voxtelesys"),
}
"""How a webhook's origin is known, for each dialect that is built in."""
ADDRESS: Final = (
    "An address is a weaker proof, to be used beside the secret and never instead: ask the operator from which address this "
    "installation sends, and let your firewall pass that one alone."
)
"""Said of every dialect that does not sign."""
