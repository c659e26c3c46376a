"""What the API shows of an endpoint. Secrets never get here: of what is secret, only that it is there."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from ringback.api.views import when
from ringback.calls.model import to_rfc3339
from ringback.ids import to_text
from ringback.webhooks.credentials import MASK, has_bearer, shown_url, without_bearer
from ringback.webhooks.health import Health
from ringback.webhooks.model import Endpoint, Filter
from ringback.webhooks.rotation import live


class HealthView(Struct, frozen=True):
    """How an endpoint fares: `healthy`, `failing` (one request at a time), `disabled`. `failures` in a row, the first of them at
    `since`. The condition is what it is since `changed_at`, for the `reason`; null: it never was another."""

    condition: str
    failures: int
    since: str | None
    changed_at: str | None
    reason: str | None


class SecretView(Struct, frozen=True):
    """A secret that signs, without its text. `until`: when an old one stops; null: it is the current one."""

    until: str | None


class EndpointView(Struct, frozen=True):
    """Where an account wants events. `secret` is there once, in the answer that made it; `secrets` are those that sign now, newest
    first. The password in `url`, the token (`auth` is `bearer`) and the values of `headers` are masked."""

    id: str
    url: str
    dialect: str
    events: list[str] | None
    filters: list[Filter]
    method: str
    order: str
    description: str
    enabled: bool
    hold_s: int
    omit_null: bool
    signed: bool
    secrets: list[SecretView]
    auth: str | None
    headers: dict[str, str]
    ca_pem: str | None
    rate_per_s: float | None
    max_in_flight: int
    health: HealthView
    created_at: str
    updated_at: str
    secret: str | UnsetType = UNSET


class MissedView(Struct, frozen=True):
    """What an endpoint that was enabled again has missed between `since` and `until`: events that it takes, of which it has no
    delivery, or only such as were given up or cancelled. `complete` false: at least `count`, the rest was not counted. `resend`:
    the body to POST to /v1/resends, to have them sent."""

    count: int
    complete: bool
    since: str
    until: str
    resend: dict[str, Any]


class ChangedEndpointView(EndpointView, frozen=True):
    """An endpoint after a change; `missed` if the change enabled it again."""

    missed: MissedView | UnsetType = UNSET


def endpoint_view(endpoint: Endpoint, health: Health, now_ms: int, secret: str | None = None) -> EndpointView:
    """See EndpointView."""
    return EndpointView(**_shown(endpoint, health, now_ms), secret=secret or UNSET)


def changed_view(endpoint: Endpoint, health: Health, now_ms: int, missed: MissedView | None) -> ChangedEndpointView:
    """See ChangedEndpointView."""
    return ChangedEndpointView(**_shown(endpoint, health, now_ms), missed=missed or UNSET)


def _shown(endpoint: Endpoint, health: Health, now_ms: int) -> dict[str, Any]:
    living = live(endpoint, now_ms)
    return {
        "id": to_text("ep", endpoint.id),
        "url": shown_url(endpoint.url, endpoint.basic),
        "dialect": endpoint.dialect,
        "events": None if endpoint.events is None else sorted(endpoint.events),
        "filters": list(endpoint.filters),
        "method": endpoint.method,
        "order": endpoint.order,
        "description": endpoint.description,
        "enabled": endpoint.enabled,
        "hold_s": endpoint.hold_s,
        "omit_null": endpoint.omit_null,
        "signed": bool(living),
        "secrets": [SecretView(when(secret.until_ms)) for secret in living],
        "auth": _auth(endpoint),
        "headers": {name: MASK for name, _ in without_bearer(endpoint.headers)},
        "ca_pem": endpoint.ca_pem,
        "rate_per_s": endpoint.rate_per_s,
        "max_in_flight": endpoint.max_in_flight,
        "health": HealthView(
            health.condition,
            health.failures,
            when(health.since_ms or None),
            when(health.changed_at_ms or None),
            health.reason or None,
        ),
        "created_at": to_rfc3339(endpoint.created_at_ms),
        "updated_at": to_rfc3339(endpoint.updated_at_ms),
    }


def _auth(endpoint: Endpoint) -> str | None:
    if endpoint.basic is not None:
        return "basic"
    return "bearer" if has_bearer(endpoint.headers) else None
