"""What happened on a simulated call, as values: who said, keyed, asked and was told what, and when.

The values are what `--json` prints, one object a line, its `kind` first; `live.telling` makes lines for people of them. Times are
milliseconds since the call began, in the call's own time. What was keyed while a payment was taken is never in them: each such
digit is `•`, also where the application gets it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, TypeVar
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from ringback.calls.live import EndedBy, RecordEnd
from ringback.calls.model import Direction
from ringback.dialects.contract import HttpRequest
from ringback.dialects.encoding import Pair

HIDDEN: Final = "•"
"""A digit that nobody may see."""


KEYED: Final = (
    "PaymentCardNumber",
    "ExpirationDate",
    "SecurityCode",
    "PaymentCardPostalCode",
    "BankAccountNumber",
    "BankRoutingNumber",
)
"""Parameters of Pay's webhooks that show something of what was keyed."""
_DIGIT: Final = re.compile(r"[0-9]")
_KEYED_IN_QUERY: Final = re.compile(rf"((?:{'|'.join(KEYED)})=)([^&#]*)")


class Entry(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """One thing that happened."""

    at_ms: int


class Began(Entry, frozen=True, kw_only=True, tag="began"):
    """The call. `at`: RFC 3339, where its time begins."""

    call: str
    direction: Direction
    from_: str
    to: str
    at: str


class Requested(Entry, frozen=True, kw_only=True, tag="request"):
    """A request to the application. `name`: what it is for (`incoming-call`, `gather-action`, `pay-status`,
    `recording.completed`). `asks`: its answer is a document; False: it only tells. `url` without its fragment; `page`: the same, as
    short as it is clear. `try_`: from 1, of one question to one URL."""

    leg: str
    name: str
    asks: bool
    method: str
    url: str
    page: str
    headers: tuple[Pair, ...] = ()
    parameters: tuple[Pair, ...] = ()
    try_: int = 1


class Replied(Entry, frozen=True, kw_only=True, tag="reply"):
    """What came of the request before it. `status` None and `error`, an attempt's class: no answer came. `verbs`: the document's
    outermost, in order; None: there is no document in it. `body`: as it came, decoded."""

    page: str
    status: int | None = None
    error: str = ""
    detail: str = ""
    verbs: tuple[str, ...] | None = None
    body: str = ""


class Played(Entry, frozen=True, kw_only=True, tag="played"):
    """A leg begins to hear something. `value`: the text, the URL, the seconds, the digits or the country."""

    leg: str
    who: str
    what: Literal["speech", "sound", "silence", "tones", "ringing"]
    value: str
    voice: str = ""
    language: str = ""
    ssml: bool = False


class Pressed(Entry, frozen=True, kw_only=True, tag="keys"):
    """Keys that one party pressed, nothing else happening between."""

    leg: str
    who: str
    keys: str


class Spoke(Entry, frozen=True, kw_only=True, tag="spoke"):
    """What was understood of a party. An empty text: nothing."""

    leg: str
    who: str
    text: str
    confidence: float


class Leg(Entry, frozen=True, kw_only=True, tag="leg"):
    """What became of a leg. `to`, `caller_id`: of one that is dialled. `status`, `by`, `cause`, `sip_status`: of one that ended."""

    leg: str
    who: str
    state: Literal["dialled", "rang", "answered", "bridged", "rejected", "ended"]
    to: str = ""
    caller_id: str = ""
    amd: str = ""
    status: str = ""
    by: EndedBy = ""
    cause: int | None = None
    sip_status: int | None = None


class Recorded(Entry, frozen=True, kw_only=True, tag="recording"):
    """A recording begins, or is over: `why`."""

    leg: str
    who: str
    state: Literal["in-progress", "completed", "failed"]
    why: RecordEnd | None = None
    url: str = ""
    duration_s: int = 0
    channels: int = 1


class Variable(Entry, frozen=True, kw_only=True, tag="variable"):
    """A variable of the call was set, or removed (None)."""

    name: str
    value: str | None


class Paid(Entry, frozen=True, kw_only=True, tag="payment"):
    """What a payment connector answered. `amount` is decimal text; zero: a token was asked for. `error` empty: it worked."""

    connector: str
    amount: str
    currency: str
    error: str = ""
    code: str = ""
    confirmation: str = ""
    token: str = ""


class Webhook(Entry, frozen=True, kw_only=True, tag="webhook"):
    """What an endpoint of a dialect would get, as it would get it."""

    dialect: str
    name: str
    method: str
    url: str
    headers: tuple[Pair, ...] = ()
    body: str = ""

    @property
    def parameters(self) -> tuple[Pair, ...]:
        """Its query, form or JSON, by dotted names."""
        return parameters_of(HttpRequest(self.method, self.url, self.headers, self.body.encode()))


class Problem(Entry, frozen=True, kw_only=True, tag="problem"):
    """Something that is not as it should be. An `error` fails the run unless it was expected: a document that cannot be run, an
    application that does not answer, what ended the call. `line`, `column`: in the document, from 1; `source`: that line."""

    severity: Literal["error", "warning"]
    message: str
    page: str = ""
    line: int = 0
    column: int = 0
    source: str = ""
    hint: str = ""


class Ended(Entry, frozen=True, kw_only=True, tag="ended"):
    """The call's end, as the ledger has it. `variables`: as they were then. `webhooks`: how many, by dialect. `errors`: problems
    that fail the run."""

    status: str
    ended_by: str
    duration_s: int
    answered_s: int
    requests: int
    documents: int
    webhooks: dict[str, int] = {}
    variables: dict[str, str] = {}
    errors: int = 0


_E = TypeVar("_E", bound=Entry)


class Transcript:
    """The entries, in the order in which they happened."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        """One more."""
        self.entries.append(entry)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def of(self, kind: type[_E]) -> list[_E]:
        """All of one kind."""
        return [entry for entry in self.entries if isinstance(entry, kind)]

    @property
    def ended(self) -> Ended:
        """How it ended. Raises IndexError while it goes on."""
        return self.of(Ended)[-1]

    @property
    def errors(self) -> list[Problem]:
        """The problems that fail the run."""
        return [problem for problem in self.of(Problem) if problem.severity == "error"]


def parameters_of(request: HttpRequest) -> tuple[Pair, ...]:
    """What a request says, by name: its query, its form, or its JSON with dotted names (`data.call.id`); the variables in `Vars` by
    names of their own beside it (`Vars.menu.digits`)."""
    pairs = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
    kind = next((value for name, value in request.headers if name.lower() == "content-type"), "")
    if kind.startswith("application/json"):
        pairs += _flat("", json.loads(request.body))
    elif request.body:
        pairs += parse_qsl(request.body.decode(), keep_blank_values=True)
    for name, value in list(pairs):
        if name == "Vars":
            pairs += _flat("Vars", _json_or_nothing(value))
    return tuple(pairs)


def without_keyed(parameters: Iterable[Pair]) -> tuple[Pair, ...]:
    """The parameters without the digits that were keyed for a payment. An application gets some of them (the card's last four, its
    expiry); what is printed in a terminal or kept by a CI shows none."""
    return tuple((name, _DIGIT.sub(HIDDEN, value) if name in KEYED else value) for name, value in parameters)


def hide_keyed(url: str) -> str:
    """The same for a URL with such parameters in its query."""
    return _KEYED_IN_QUERY.sub(lambda found: found[1] + _DIGIT.sub(HIDDEN, found[2]), url)


def _json_or_nothing(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {}


def _flat(name: str, value: Any) -> list[Pair]:
    inner: Mapping[Any, Any]
    if isinstance(value, dict):
        inner = value
    elif isinstance(value, list):
        inner = dict(enumerate(value))
    elif value is None:
        return [(name, "")]
    else:
        return [(name, value if isinstance(value, str) else json.dumps(value))]
    return [pair for key, below in inner.items() for pair in _flat(f"{name}.{key}" if name else str(key), below)]
