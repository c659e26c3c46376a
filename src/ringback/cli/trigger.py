"""`ringback trigger`: one sample webhook of a dialect, sent to an URL through the real sender, with both sides printed."""

import asyncio
import random
from collections.abc import Mapping

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.text import Text

from ringback.calls.directory import Place, default_number
from ringback.calls.model import Event
from ringback.delivery.addresses import read_allowed_network
from ringback.delivery.egress import SenderSettings
from ringback.delivery.sender import Sender
from ringback.dialects import load_dialects
from ringback.dialects.contract import Dialect, HttpRequest
from ringback.errors import InvalidInput
from ringback.ids import IdMaker, now_ms
from ringback.webhooks.model import Delivery, Endpoint, Method, Outcome, Secret

ACCOUNT = "00000000-0000-4000-8000-000000000001"
ORGANIZATION = "00000000-0000-4000-8000-000000000000"
_EVERYWHERE = (read_allowed_network("0.0.0.0/0"), read_allowed_network("::/0"))


class Trigger(Struct, frozen=True, kw_only=True):
    """What the command was told."""

    dialect: str
    event: str
    to: str
    secret: str | None = None
    method: Method | None = None
    dry_run: bool = False


def sample(dialect: Dialect, event: str) -> Event:
    """The dialect's sample for an event name. Raises InvalidInput, naming those that there are."""
    found = dialect.samples().get(event)
    if found is None:
        raise InvalidInput(f"{dialect.name} has no event {event!r}; it has {', '.join(dialect.events)}", "event")
    return found


def find_dialect(name: str, dialects: Mapping[str, Dialect] | None = None) -> Dialect:
    """A dialect by name. Raises InvalidInput, naming those that there are."""
    known = dialects or load_dialects()
    if name not in known:
        raise InvalidInput(f"no dialect {name!r}; there are {', '.join(known)}", "dialect")
    return known[name]


def render(told: Trigger, dialect: Dialect, at_ms: int) -> HttpRequest:
    """The sample as a request, as if it had happened at `at_ms`."""
    event = sample(dialect, told.event)
    event = msgspec.structs.replace(event, at_ms=at_ms, id=IdMaker().next(at_ms))
    own = event.root.to if event.root.direction == "inbound" else event.root.from_
    place = Place(organization_id=ORGANIZATION, account=ACCOUNT, number=default_number(ACCOUNT, own))
    secret = told.secret
    endpoint = Endpoint(
        id=1,
        account=ACCOUNT,
        url=told.to,
        dialect=dialect.name,
        secrets=() if secret is None else (Secret(value=secret),),
        method=told.method or dialect.methods[0],
    )
    if endpoint.method not in dialect.methods:
        raise InvalidInput(f"{dialect.name} sends by {' or '.join(dialect.methods)}", "method")
    delivery = Delivery(id=IdMaker().next(at_ms), endpoint=1, event=event.id, root=1, name=told.event, kind="test")
    return dialect.render(event, endpoint, delivery, place, at_ms)


async def trigger(told: Trigger) -> int:
    """Sends and prints. The exit code: 0 if the dialect counts the answer as delivered. Raises InvalidInput."""
    dialect = find_dialect(told.dialect)
    if told.secret is None and (made := dialect.new_secret(random.randbytes(32))) is not None:
        told = msgspec.structs.replace(told, secret=made)
        Console(stderr=True).print(f"signed with a secret made for this request: {made}", style="dim", highlight=False)
    request = render(told, dialect, now_ms())
    console = Console(highlight=False)
    console.print(Text(f"{request.method} {request.url}", "bold"))
    for name, value in request.headers:
        console.print(Text(f"{name}: {value}"))
    if request.body:
        console.print(Text("\n" + request.body.decode("utf-8", "replace")))
    if told.dry_run:
        return 0
    outcome = await _send(request, dialect.timeout_s)
    delivered = not outcome.error and outcome.status is not None and dialect.succeeded(outcome.status)
    verdict = f"{outcome.status}" if not outcome.error else f"{outcome.error}: {outcome.detail}"
    console.print(
        Text(
            f"\n→ {verdict} in {outcome.total_ms:.0f} ms: {'delivered' if delivered else 'not delivered'}",
            "green" if delivered else "red",
        )
    )
    if outcome.body:
        console.print(Text(outcome.body.decode("utf-8", "replace")[:2000], "dim"))
    return 0 if delivered else 1


async def _send(request: HttpRequest, timeout_s: float) -> Outcome:
    """Through the real sender. It is the user's own machine and the user's own words: no address is refused."""
    loop = asyncio.get_running_loop()
    sender = Sender(SenderSettings(allow_http=True, allow_networks=_EVERYWHERE), loop)
    ended: asyncio.Future[Outcome] = loop.create_future()
    sender.send(request, key=1, account=ACCOUNT, timeout_s=timeout_s, basic=None, headers=(), done=ended.set_result)
    try:
        return await asyncio.wait_for(ended, timeout_s + 5)
    finally:
        await sender.close()


def print_dialects() -> None:
    """What can be triggered, by dialect."""
    console = Console()
    for name, dialect in load_dialects().items():
        console.print(Text(f"{name:<14}", "bold") + Text(", ".join(dialect.events)))
