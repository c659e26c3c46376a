"""Rotating an endpoint's secret: a new one signs from now on, the old ones beside it for a while where the platform can."""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from ringback.errors import Conflict, InvalidInput
from ringback.webhooks.model import Endpoint, Secret

LIVE_SECRETS: Final[Mapping[str, int]] = {"standard": 5, "bird": 1}
"""How many secrets may sign at once: Standard Webhooks sends a signature for each, Bird has one header for one. Platforms that are
not named do not sign."""
KEEP_OLD_S: Final = 86_400
"""A day: the time that a receiver has by default to take over the new secret."""


def live(endpoint: Endpoint, now_ms: int) -> tuple[Secret, ...]:
    """The secrets that sign now, newest first."""
    return tuple(secret for secret in endpoint.secrets if secret.until_ms is None or secret.until_ms >= now_ms)


def rotated(endpoint: Endpoint, fresh: str, keep_old_for_s: int | None, now_ms: int) -> Endpoint:
    """The endpoint with a new secret. `keep_old_for_s`: how long those before may sign still, at the most; None: a day, or not at
    all where only one may sign.

    Raises InvalidInput (the platform does not sign, or has one key only and the old one is to be kept; the secret is one that it
    has), Conflict (as many sign as may).
    """
    most = LIVE_SECRETS.get(endpoint.dialect, 0)
    if not most:
        raise InvalidInput(f"{endpoint.dialect} does not sign its webhooks: there is no secret to rotate")
    if most == 1 and keep_old_for_s:
        raise InvalidInput(f"{endpoint.dialect} signs with one key: it is replaced at once", "keep_old_for_s")
    kept = live(endpoint, now_ms)
    if any(secret.value == fresh for secret in kept):
        raise InvalidInput("is one that the endpoint has already", "secret")
    keep_s = (KEEP_OLD_S if most > 1 else 0) if keep_old_for_s is None else keep_old_for_s
    until_ms = now_ms + keep_s * 1000
    old = [replace(secret, until_ms=until_ms if secret.until_ms is None else min(secret.until_ms, until_ms)) for secret in kept]
    if not keep_s:
        old = []
    if len(old) >= most:
        raise Conflict(f"{most} secrets sign already: wait until an old one ends, or keep none (keep_old_for_s 0)")
    return replace(endpoint, secrets=(Secret(value=fresh), *old))
