"""Sample webhooks of a dialect as they would go out: for `ringback trigger`, tests, and the API's description of our webhooks."""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from ringback.calls.directory import Place, default_number
from ringback.calls.model import Call, Event, Geo
from ringback.dialects import load_dialects
from ringback.dialects.contract import Dialect, HttpRequest
from ringback.errors import InvalidInput
from ringback.ids import IdMaker
from ringback.webhooks.model import Delivery, Endpoint, Method, Secret

ACCOUNT: Final = "00000000-0000-4000-8000-000000000001"
ORGANIZATION: Final = "00000000-0000-4000-8000-000000000000"
_URL: Final = "https://example.com/hook"
_SECRETS: Final[Mapping[str, str]] = {"bird": "mysecretkey", "standard": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
"""Example secrets, so that the examples show the signature too."""
_GEO: Final = Geo(country="GB", region="England", city="London")
"""Given, since to look it up would load tables of 100 MB into the server."""


def find_dialect(name: str, dialects: Mapping[str, Dialect] | None = None) -> Dialect:
    """A dialect by name. Raises InvalidInput, naming those that there are."""
    known = dialects or load_dialects()
    if name not in known:
        raise InvalidInput(f"no dialect {name!r}; there are {', '.join(known)}", "dialect")
    return known[name]


def sample(dialect: Dialect, event: str) -> Event:
    """The dialect's sample for an event name. Raises InvalidInput, naming those that there are."""
    found = dialect.samples().get(event)
    if found is None:
        raise InvalidInput(f"{dialect.name} has no event {event!r}; it has {', '.join(dialect.events)}", "event")
    return found


def sample_of(told: Event, account: str, number: int, at_ms: int) -> Event:
    """A sample as an event of an account that happens at `at_ms`; its calls keep the times that they have."""
    root = replace(told.root, account=account)
    call = root if told.call is told.root else replace(told.call, account=account)
    return replace(told, id=number, at_ms=at_ms, call=call, root=root)


def trial(
    dialect: Dialect,
    event: str,
    url: str,
    at_ms: int | None = None,
    *,
    secret: str | None = None,
    method: Method | None = None,
    geo: Geo | None = None,
) -> HttpRequest:
    """The sample of `event` as a test's request, as if it had happened at `at_ms` (None: at the sample's own time).

    `geo`: where both sides are, if the sample does not say, so that nothing need be looked up.

    Raises InvalidInput for an event that the dialect does not have, and for an endpoint that breaks the platform's rules; plain
    http or a local address breaks none here.
    """
    told = sample(dialect, event)
    at_ms = told.at_ms if at_ms is None else at_ms
    ids = IdMaker()
    told = sample_of(told, ACCOUNT, ids.next(at_ms), at_ms)
    told = replace(told, call=_placed(told.call, geo), root=_placed(told.root, geo))
    own = told.root.to if told.root.direction == "inbound" else told.root.from_
    place = Place(organization_id=ORGANIZATION, account=ACCOUNT, number=default_number(ACCOUNT, own))
    endpoint = Endpoint(
        id=1,
        account=ACCOUNT,
        url=url,
        dialect=dialect.name,
        secrets=() if secret is None else (Secret(value=secret),),
        method=method or dialect.methods[0],
    )
    dialect.check_endpoint(endpoint, allow_http=True, allow_network=True)
    delivery = Delivery(id=ids.next(at_ms), endpoint=1, event=told.id, root=1, name=event, kind="test")
    return dialect.render(told, endpoint, delivery, place, at_ms)


def _placed(call: Call, geo: Geo | None) -> Call:
    context = call.context
    return replace(call, context=replace(context, from_geo=context.from_geo or geo, to_geo=context.to_geo or geo))


def sample_requests(dialect: Dialect) -> Mapping[str, tuple[HttpRequest, ...]]:
    """Each event's sample as a request, one for each method that an endpoint may choose, signed where the platform signs. Nothing
    is looked up for it."""
    secret = _SECRETS.get(dialect.name) or dialect.new_secret(bytes(range(32)))
    return {
        event: tuple(trial(dialect, event, _URL, secret=secret, method=method, geo=_GEO) for method in dialect.methods)
        for event in dialect.events
    }


def header_names(dialect: Dialect) -> frozenset[str]:
    """The names of all headers that a dialect sets, in lower case."""
    found = (request for requests in sample_requests(dialect).values() for request in requests)
    return frozenset(name.lower() for request in found for name, _ in request.headers)
