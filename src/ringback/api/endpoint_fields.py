"""What a person may say of an endpoint, and the rules for it: the same when one is made and when one is changed."""

import secrets
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from ringback.api.common import NO_CONTROLS
from ringback.delivery.sender import check_ca_pem, check_headers, check_url
from ringback.dialects.contract import Dialect
from ringback.dialects.trial import header_names
from ringback.engine.server import Engine
from ringback.errors import InvalidInput
from ringback.webhooks.credentials import (
    MASK,
    Headers,
    has_bearer,
    is_bearer,
    split_credentials,
    with_bearer,
    with_password_kept,
    without_bearer,
)
from ringback.webhooks.model import Endpoint, Filter, Secret

Url = Annotated[str, Meta(min_length=1, max_length=2048)]
Events = Annotated[list[str], Meta(min_length=1, max_length=100)]
Filters = Annotated[list[Filter], Meta(max_length=200)]
SecretText = Annotated[str, Meta(min_length=1, max_length=500)]
Text = Annotated[str, Meta(max_length=500, pattern=NO_CONTROLS)]
Hold = Annotated[int, Meta(ge=0, le=3600)]
HeaderName = Annotated[str, Meta(min_length=1, max_length=100)]
HeaderValue = Annotated[str, Meta(max_length=4096)]
OwnHeaders = Annotated[dict[HeaderName, HeaderValue], Meta(max_length=32)]
Bearer = Annotated[str, Meta(min_length=1, max_length=4096)]
CaPem = Annotated[str, Meta(min_length=1, max_length=65_536)]
Rate = Annotated[float, Meta(gt=0, le=100_000)]
InFlight = Annotated[int, Meta(ge=1, le=1_000)]
OrderName = Literal["call", "strict", "none"]
MethodName = Literal["POST", "GET"]


class NewEndpoint(Struct, frozen=True, forbid_unknown_fields=True):
    """`url` and `dialect` are all it takes. `events`: names in the dialect's own words; without them, all about calls that it
    knows. `secret`: the dialect's key as given. `hold_s`: how long Call.Complete may wait for announced facts. `omit_null` (voc):
    leave absent values out instead of sending them empty. `headers`: headers of your own, whose values are kept encrypted.
    `bearer`: a token for `Authorization: Bearer`. `ca_pem`: PEM certificates that the receiver is checked against, instead of the
    public ones. `rate_per_s`, `max_in_flight`: requests that begin in a second, and that are under way at once, at the most."""

    url: Url
    dialect: str
    events: Events | None = None
    filters: Filters = []
    secret: SecretText | None = None
    method: MethodName | None = None
    order: OrderName | None = None
    description: Text = ""
    enabled: bool = True
    hold_s: Hold = 30
    omit_null: bool = False
    headers: OwnHeaders = {}
    bearer: Bearer | None = None
    ca_pem: CaPem | None = None
    rate_per_s: Rate | None = None
    max_in_flight: InFlight = 64


class ChangedEndpoint(Struct, frozen=True, forbid_unknown_fields=True):
    """What is sent is changed; null clears. `headers` replaces all of them. The dialect stays, and `rotate-secret` is for the
    secret."""

    url: Url | UnsetType = UNSET
    dialect: str | UnsetType = UNSET
    events: Events | UnsetType | None = UNSET
    filters: Filters | UnsetType = UNSET
    method: MethodName | UnsetType = UNSET
    order: OrderName | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    hold_s: Hold | UnsetType = UNSET
    omit_null: bool | UnsetType = UNSET
    headers: OwnHeaders | UnsetType = UNSET
    bearer: Bearer | UnsetType | None = UNSET
    ca_pem: CaPem | UnsetType | None = UNSET
    rate_per_s: Rate | UnsetType | None = UNSET
    max_in_flight: InFlight | UnsetType = UNSET


_AS_SENT: Final = (*("method", "order", "description", "enabled", "hold_s", "omit_null", "ca_pem", "rate_per_s", "max_in_flight"),)
"""Fields that are kept as they are sent."""
_JUDGED: Final = frozenset({"url", "events", "filters", "method", "secret"})
"""Fields that the platform has rules for."""


def given_fields(data: NewEndpoint | ChangedEndpoint) -> dict[str, Any]:
    """What a body says, by field."""
    return {name: value for name in data.__struct_fields__ if (value := getattr(data, name)) is not UNSET}


def new_endpoint(data: NewEndpoint, engine: Engine, account: str, now_ms: int) -> tuple[Endpoint, str | None]:
    """The endpoint that a body asks for, not stored yet, and its secret, which may have been made for it. Raises InvalidInput."""
    dialect = engine.dialects.get(data.dialect)
    if dialect is None:
        raise InvalidInput(f"no such dialect; there are {', '.join(sorted(engine.dialects))}", "dialect")
    secret = data.secret if data.secret is not None else dialect.new_secret(secrets.token_bytes(32))
    bare = Endpoint(
        id=engine.writer.new_id(),
        account=account,
        url="",
        dialect=data.dialect,
        secrets=() if secret is None else (Secret(value=secret),),
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
    )
    defaults = {"method": dialect.methods[0], "order": dialect.default_order}
    given = {name: defaults.get(name) if value is None else value for name, value in given_fields(data).items()}
    return edited(bare, given, dialect, engine), secret


def edited(before: Endpoint, given: dict[str, Any], dialect: Dialect, engine: Engine) -> Endpoint:
    """The endpoint with what is given put in, if it breaks no rule, ours or the dialect's. An endpoint whose URL the operator has
    forbidden since can still be disabled. Raises InvalidInput."""
    changes: dict[str, Any] = {name: given[name] for name in _AS_SENT if name in given}
    if "url" in given:
        changes["url"], basic = split_credentials(given["url"])
        changes["basic"] = with_password_kept(basic, before.basic)
    if "events" in given:
        _check_events(given["events"] or [], dialect)
        changes["events"] = None if given["events"] is None else frozenset(given["events"])
    if "filters" in given:
        _check_filters(given["filters"], dialect)
        changes["filters"] = tuple(given["filters"])
    if "headers" in given or "bearer" in given:
        changes["headers"] = _headers(before.headers, given)
    after = replace(before, **changes)
    _check_own(after, given, dialect)
    if _JUDGED & given.keys() or (after.enabled and not before.enabled):
        _check_platform(after, dialect, engine)
    return after


def _check_events(names: list[str], dialect: Dialect) -> None:
    for index, name in enumerate(names):
        if name not in dialect.events:
            raise InvalidInput(f"{dialect.name} has no event of that name; it has {', '.join(dialect.events)}", f"events[{index}]")


def _check_filters(filters: list[Filter], dialect: Dialect) -> None:
    for index, item in enumerate(filters):
        if item.key not in dialect.filter_keys:
            raise InvalidInput(f"{dialect.name} filters by {', '.join(sorted(dialect.filter_keys))}", f"filters[{index}].key")


def _headers(before: Headers, given: dict[str, Any]) -> Headers:
    """The endpoint's own headers, the bearer token last."""
    named = before
    if "headers" in given:
        named = tuple(given["headers"].items())
        for name, value in named:
            _check_header(name, value)
        token = next((value[7:] for name, value in before if is_bearer(name, value)), None)
        named = with_bearer(named, token)
    if "bearer" in given:
        token = given["bearer"]
        if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
            raise InvalidInput("must be visible ASCII characters", "bearer")
        if token == MASK:
            raise InvalidInput("is the mask that is shown for a token: send the token itself", "bearer")
        named = with_bearer(named, token)
    return named


def _check_header(name: str, value: str) -> None:
    field = f"headers.{name}"
    if value == MASK:
        raise InvalidInput("is the mask that is shown for a value: send the value itself, or leave `headers` out", field)
    if is_bearer(name, value):
        raise InvalidInput("a bearer token is sent as `bearer`", field)
    if any(char != "\t" and not char.isprintable() for char in value):
        raise InvalidInput("has a control character", field)


def _check_own(endpoint: Endpoint, given: dict[str, Any], dialect: Dialect) -> None:
    """Our own rules for what goes beside the platform's request."""
    if given.get("ca_pem") is not None:
        check_ca_pem(given["ca_pem"])
    if endpoint.ca_pem is not None and ("ca_pem" in given or "url" in given) and not endpoint.url.lower().startswith("https:"):
        raise InvalidInput("only an https URL has a receiver that can be checked", "ca_pem")
    if not {"headers", "bearer", "url"} & given.keys():
        return
    check_headers(endpoint.headers)
    names = [name.lower() for name, _ in endpoint.headers]
    for name, _ in without_bearer(endpoint.headers):
        if name.lower() in header_names(dialect):
            raise InvalidInput(f"{dialect.name} sets this header itself", f"headers.{name}")
        if names.count(name.lower()) > 1:
            raise InvalidInput("there may be one of each name, whatever its case", f"headers.{name}")
    if endpoint.basic is not None and "authorization" in names:
        field = "bearer" if has_bearer(endpoint.headers) else "headers.Authorization"
        raise InvalidInput("the credentials in the URL say it already: one of the two", field)


def _check_platform(endpoint: Endpoint, dialect: Dialect, engine: Engine) -> None:
    if endpoint.method not in dialect.methods:
        raise InvalidInput(f"{dialect.name} sends by {' or '.join(dialect.methods)}", "method")
    check_url(endpoint.url, engine.sender_settings, endpoint.account)
    settings = engine.settings
    dialect.check_endpoint(endpoint, allow_http=settings.allow_http, allow_network=bool(settings.allow_network))
