"""Checks of an endpoint that more than one dialect makes. Each raises InvalidInput with the field's path."""

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from ringback.errors import InvalidInput
from ringback.webhooks.model import Endpoint, Method


def check_method(endpoint: Endpoint, methods: tuple[Method, ...]) -> None:
    """Only the methods that the platform uses."""
    if endpoint.method not in methods:
        raise InvalidInput(f"{endpoint.dialect} sends {' or '.join(methods)}", "method")


def check_url(endpoint: Endpoint, *, allow_http: bool) -> None:
    """`https://` (and `http://` where the operator allows it) and a host."""
    try:
        parts = urlsplit(endpoint.url)
    except ValueError:
        raise InvalidInput("is not a URL", "url") from None
    if parts.scheme == "http" and not allow_http:
        raise InvalidInput("must begin with https://: this installation allows no plain http", "url")
    if parts.scheme not in ("http", "https"):
        raise InvalidInput("must begin with https://", "url")
    if not parts.hostname:
        raise InvalidInput("must name a host", "url")


def check_events(endpoint: Endpoint, known: Collection[str]) -> None:
    """Only events that the dialect has."""
    unknown = sorted((endpoint.events or frozenset()) - set(known))
    if unknown:
        raise InvalidInput(f"{endpoint.dialect} has no event {unknown[0]!r}", "events")


def check_filters(endpoint: Endpoint, values: Mapping[str, Collection[str] | None]) -> None:
    """Only the keys of `values`, each with one of its values (None: any that is not empty)."""
    for i, wish in enumerate(endpoint.filters):
        if wish.key not in values:
            raise InvalidInput(f"{endpoint.dialect} filters by {', '.join(sorted(values))}", f"filters[{i}].key")
        allowed = values[wish.key]
        if not wish.value or (allowed is not None and wish.value not in allowed):
            listed = f": {', '.join(allowed)}" if allowed else ""
            raise InvalidInput(f"no such {wish.key} for this endpoint{listed}", f"filters[{i}].value")
