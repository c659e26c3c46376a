"""Dialects: what an endpoint may be told to speak."""

from litestar import Controller, get
from msgspec import Struct

from ringback.api.common import TheEngine, Who
from ringback.api.paging import Page
from ringback.dialects.contract import Dialect, HttpRequest
from ringback.dialects.trial import sample_requests
from ringback.webhooks.rotation import LIVE_SECRETS


class SampleRequest(Struct, frozen=True):
    """A request as a test sends it, to an example URL and signed by an example secret."""

    method: str
    url: str
    headers: list[list[str]]
    body: str


class DialectEvent(Struct, frozen=True):
    """An event that an endpoint may take, with a sample for each method that it may choose."""

    name: str
    samples: list[SampleRequest]


class DialectRetry(Struct, frozen=True):
    """`delays_s[i]`: the wait after the failed attempt number i + 1; after the last one it is given up. `jitter`: 0.2 means ±20 %.
    `retry_after`: whether that header is heeded. `gone_disables`: whether 410 disables the endpoint."""

    delays_s: list[float]
    jitter: float
    retry_after: bool
    gone_disables: bool


class DialectView(Struct, frozen=True):
    """How one platform writes events. The first of `methods`, and `default_order`, hold where an endpoint says nothing.
    `timeout_s`: for one attempt. `live_secrets`: how many secrets may sign at once, 0: it does not sign."""

    name: str
    events: list[DialectEvent]
    filter_keys: list[str]
    methods: list[str]
    default_order: str
    timeout_s: float
    retry: DialectRetry
    live_secrets: int


class Dialects(Controller):
    """What an endpoint may be told to speak."""

    path = "/v1/dialects"
    tags = ("endpoints",)

    @get()
    async def list_all(self, engine: TheEngine, identity: Who) -> Page[DialectView]:
        """Lists the dialects, with all that an endpoint may choose and a sample of every event."""
        return Page([_view(dialect) for _, dialect in sorted(engine.dialects.items())], None)


def _view(dialect: Dialect) -> DialectView:
    retry = dialect.retry
    return DialectView(
        name=dialect.name,
        events=[DialectEvent(name, [_sample(one) for one in requests]) for name, requests in sample_requests(dialect).items()],
        filter_keys=sorted(dialect.filter_keys),
        methods=list(dialect.methods),
        default_order=dialect.default_order,
        timeout_s=dialect.timeout_s,
        retry=DialectRetry(list(retry.delays_s), retry.jitter, retry.retry_after, retry.gone_disables),
        live_secrets=LIVE_SECRETS.get(dialect.name, 0),
    )


def _sample(request: HttpRequest) -> SampleRequest:
    headers = [list(pair) for pair in request.headers]
    return SampleRequest(request.method, request.url, headers, request.body.decode("utf-8", "replace"))
