"""`ringback import bird`: webhook subscriptions from a saved answer of Bird's list become endpoints here.

Each stands for itself: what cannot be taken over is told with its reason, the rest goes on. What is here already (same URL, event
and filters) is left alone, so that the command may be run again.
"""

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlencode

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.text import Text

from ringback.cli.child import Client
from ringback.dialects.bird import DIALECT, distinct_filters
from ringback.errors import BadSettings, InvalidInput, OurError
from ringback.webhooks.model import Endpoint, Filter, Secret

Outcome = Literal["made", "here", "refused"]

_COLOURS: Final[dict[Outcome, str]] = {"made": "green", "here": "dim", "refused": "red"}
_MOST_TRIES: Final = 30
_NO_KEY: Final = "has no signingKey: Bird's list leaves it out. Write it into the file, or say --unsigned"


class Import(Struct, frozen=True, kw_only=True):
    """What the command was told. `account`: whose endpoints they become, where the key is the operator's."""

    file: Path
    server: str | None = None
    key: str | None = None
    account: str | None = None
    unsigned: bool = False
    dry_run: bool = False


class Item(Struct, frozen=True, kw_only=True):
    """One subscription of the file. `problem`: why it cannot be taken over; empty: it can."""

    place: int
    id: str
    event: str = ""
    url: str = ""
    filters: tuple[Filter, ...] = ()
    key: str | None = None
    active: bool = True
    template: str | None = None
    problem: str = ""

    @property
    def identity(self) -> tuple[str, str, frozenset[Filter]]:
        """What makes it the same as an endpoint that is here."""
        return self.url, self.event, frozenset(self.filters)

    def endpoint(self) -> dict[str, Any]:
        """As `POST /v1/endpoints` takes it."""
        made: dict[str, Any] = {
            "url": self.url,
            "dialect": DIALECT.name,
            "events": [self.event],
            "filters": [msgspec.to_builtins(wish) for wish in self.filters],
            "enabled": self.active,
            "description": f"Bird subscription {self.id}"[:500],
        }
        return made if self.key is None else {**made, "secret": self.key}


class _Subscription(Struct, frozen=True, rename="camel"):
    """As much of Bird's resource as is taken over; what else it has is left aside."""

    service: str
    event: str
    url: str
    event_filters: list[Filter] | None = None
    signing_key: str | None = None
    template: str | None = None
    status: str = "active"


def read_subscriptions(data: bytes) -> list[Any]:
    """The subscriptions in a file: a list reply, several of them one after another, an array, one subscription. Not checked yet.

    Raises InvalidInput if it is none of these.
    """
    found: list[Any] = []
    for document in _documents(data):
        if isinstance(document, list):
            found += document
        elif isinstance(document, dict) and isinstance(document.get("results"), list):
            found += document["results"]
        elif isinstance(document, dict) and "event" in document:
            found.append(document)
        else:
            raise InvalidInput("there is neither a list reply of Bird's (`results`) nor a subscription in the file")
    return found


def _documents(data: bytes) -> Iterator[Any]:
    """JSON documents, one after another: pages that were appended to one file."""
    try:
        text = data.decode("utf-8-sig").strip()
        read = json.JSONDecoder().raw_decode
        while text:
            document, end = read(text)
            yield document
            text = text[end:].lstrip()
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"the file is not JSON: {error}") from None


def planned(raw: Any, place: int, unsigned: bool) -> Item:
    """What is to be made of one subscription, or why it cannot be."""
    number = str(raw.get("id", "")) if isinstance(raw, dict) else ""
    try:
        told = msgspec.convert(raw, _Subscription)
        item = Item(
            place=place,
            id=number,
            event=told.event,
            url=told.url,
            filters=distinct_filters(told.event_filters or ()),
            key=told.signing_key or None,
            active=told.status != "inactive",
            template=told.template,
        )
    except msgspec.ValidationError as error:
        return Item(place=place, id=number, problem=str(error))
    return msgspec.structs.replace(item, problem=_problem(told, item, unsigned))


def _problem(told: _Subscription, item: Item, unsigned: bool) -> str:
    if told.service != "channels":
        return f"service {told.service!r}: only voice events of channels are known here"
    if told.event not in DIALECT.events:
        return f"event {told.event!r}: only {' and '.join(DIALECT.events)} are known here"
    endpoint = Endpoint(
        id=0,
        account="",
        url=item.url,
        dialect=DIALECT.name,
        events=frozenset((item.event,)),
        filters=item.filters,
        secrets=() if item.key is None else (Secret(value=item.key),),
    )
    try:
        # Which URLs may be called is the server's to say.
        DIALECT.check_endpoint(endpoint, allow_http=True, allow_network=True)
    except InvalidInput as error:
        return f"{error.field.replace('filters', 'eventFilters')}: {error}"
    return _NO_KEY if item.key is None and not unsigned else ""


def remarks(items: Sequence[Item]) -> list[str]:
    """What somebody should know who takes these over."""
    good = [item for item in items if not item.problem]
    said = []
    for event in DIALECT.events:
        live = [item for item in good if item.active and item.event == event]
        filtered = [item for item in live if item.filters]
        if filtered and len(filtered) < len(live):
            said.append(
                f"{event}: {len(live) - len(filtered)} without filters get no event that one with filters takes, as Bird's page "
                'says (the catch-all clause); PATCH /v1/accounts/{id} {"bird_catch_all":"off"} sends it to all.'
            )
    unsigned = sum(1 for item in good if item.key is None)
    if unsigned:
        said.append(f"{unsigned} will be sent unsigned, as --unsigned says: a receiver that checks signatures refuses them.")
    if any(item.template for item in good):
        said.append("`template` is not taken over: what it means is not published.")
    return said


def import_bird(told: Import) -> int:
    """Takes over, and tells of each as it is done. The exit code: 0 if all is here now (or could be), else 1.

    Raises InvalidInput, BadSettings, OurError.
    """
    if (told.server is None) != (told.key is None) or (told.server is None and not told.dry_run):
        raise BadSettings("--server and --key go together; without them there is only --dry-run")
    raw = read_subscriptions(told.file.read_bytes())
    if not raw:
        raise InvalidInput("there is no subscription in the file")
    items = [planned(one, place, told.unsigned) for place, one in enumerate(raw, 1)]
    counted = {"made": 0, "here": 0, "refused": 0}
    console = Console(highlight=False, soft_wrap=True)
    with contextlib.ExitStack() as stack:
        client = None
        if told.server is not None and told.key is not None:
            client = stack.enter_context(contextlib.closing(Client(told.server, told.key)))
        known = set() if client is None else _known(client, told)
        for item in items:
            outcome, said = _take_over(client, told, item, known)
            counted[outcome] += 1
            console.print(_line(item, len(items)))
            console.print(Text(f"    {said}", _COLOURS[outcome]))
    for remark in remarks(items):
        console.print(Text(remark, "yellow"))
    verb = "would be made" if told.dry_run else "made"
    console.print(
        f"{len(items)} in {told.file.name}: {counted['made']} {verb}, {counted['here']} there already, "
        f"{counted['refused']} not taken over"
    )
    return 1 if counted["refused"] else 0


def _line(item: Item, count: int) -> Text:
    filters = " ".join(f"{wish.key}={wish.value}" for wish in item.filters) or "no filters"
    about = (
        item.event,
        filters,
        "active" if item.active else "inactive",
        "signed" if item.key is not None else "unsigned",
        item.url,
    )
    told = "  ".join(about) if item.event else ""
    return Text(f"{item.place}/{count} {item.id}  {told}".rstrip())


def _take_over(
    client: Client | None, told: Import, item: Item, known: set[tuple[str, str, frozenset[Filter]]]
) -> tuple[Outcome, str]:
    """What became of one, and in words. Raises OurError."""
    if item.problem:
        return "refused", f"not taken over: {item.problem}"
    if item.identity in known:
        return "here", "there already"
    if client is None or told.dry_run:
        return "made", "would be made"
    number, problem = _make(client, told, item)
    return ("refused", f"not taken over: {problem}") if problem else ("made", f"made: {number}")


def _known(client: Client, told: Import) -> set[tuple[str, str, frozenset[Filter]]]:
    """What is here already. Raises OurError."""
    found = set()
    cursor = None
    while True:
        try:
            status, page, _ = client.ask("GET", _path(told, limit="1000", **({"cursor": cursor} if cursor else {})))
        except OSError as error:
            raise OurError(f"{told.server}: {error.strerror or error}") from None
        if status != 200:
            raise OurError(f"the server answered {status}: {(page or {}).get('detail', '')}")
        for endpoint in page["items"]:
            if endpoint["dialect"] == DIALECT.name:
                filters = frozenset(Filter(wish["key"], wish["value"]) for wish in endpoint["filters"])
                found |= {(endpoint["url"], event, filters) for event in endpoint["events"] or DIALECT.events}
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def _make(client: Client, told: Import, item: Item) -> tuple[str, str]:
    """The new endpoint's id, or why it was refused. Raises OurError when the server stays away or knows no such key."""
    for _ in range(_MOST_TRIES):
        status, answer, headers = client.ask("POST", _path(told), item.endpoint())
        answer = answer or {}
        if status == 201:
            return answer["id"], ""
        if status not in (429, 503):
            if status in (401, 403, 404):
                raise OurError(f"the server answered {status}: {answer.get('detail', '')}")
            return "", f"{answer.get('field', '')}: {answer.get('detail', f'the server answered {status}')}".removeprefix(": ")
        time.sleep(float(headers.get("retry-after", "1")))
    raise OurError("the server kept asking for patience")


def _path(told: Import, **query: str) -> str:
    if told.account is not None:
        query["account"] = told.account
    return "/v1/endpoints" + (f"?{urlencode(query)}" if query else "")
