"""Is this request from the platform whose secret I hold? What an application calls before it believes a webhook.

    from ringback.receive.verify import VerificationError, verify_standard
    verify_standard(request.headers, request.body, "whsec_…", time.time())

The body must be the bytes as they came in: parsed and written again, they are other bytes and no signature holds.
"""

import hmac
from collections.abc import Iterable, Mapping

from ringback.dialects.signing import (
    PRIVATE_PREFIX,
    PUBLIC_PREFIX,
    check_receiver_secret,
    hmac_key,
    is_v1a,
    sign_bird,
    standard_content,
    v1,
)
from ringback.errors import InvalidInput, RingbackError

_LONGEST_TIMESTAMP = 15


class VerificationError(RingbackError):
    """The request is not to be believed. `reason` says why, in one line without secrets; answer 401 (or 400)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def verify_standard(
    headers: Mapping[str, str], body: bytes, secrets: str | Iterable[str], now_s: float, tolerance_s: float = 300
) -> str:
    """Check a Standard Webhooks 1.0.0 request; the `webhook-id` is returned, to be remembered: an id that was seen is a repeat.

    `headers`: names in any case. `secrets`: one, or several while the sender rotates them: `whsec_…` (or its base64 alone),
    `whpk_…` or `whsk_…` for Ed25519. One signature that holds for one of them is enough. `now_s`: Unix seconds, now; the request's
    timestamp may be `tolerance_s` off on either side.
    Raises VerificationError, and InvalidInput if a secret is none (the application's own mistake).
    """
    held = [secrets] if isinstance(secrets, str) else list(secrets)
    if not held:
        raise InvalidInput("no secret was given", "secret")
    for secret in held:  # a list with one that is none is a mistake on every request, not only on some
        check_receiver_secret(secret)
    given = _lower(headers)
    message_id, timestamp, signatures = (_need(given, name) for name in ("webhook-id", "webhook-timestamp", "webhook-signature"))
    late_s = now_s - _seconds(timestamp, "webhook-timestamp")
    if late_s > tolerance_s:
        raise VerificationError(
            f"webhook-timestamp is {late_s:.0f} s old, {tolerance_s:.0f} are allowed: sent again, or a clock is wrong"
        )
    if late_s < -tolerance_s:
        raise VerificationError(
            f"webhook-timestamp is {-late_s:.0f} s in the future, {tolerance_s:.0f} are allowed: a clock is wrong"
        )
    listed = signatures.split(" ")
    content = standard_content(message_id, timestamp, body)
    if any(_holds(secret, content, listed) for secret in held):
        return message_id
    raise VerificationError("no signature holds: another secret, or a body that is not the bytes that were sent")


def verify_bird(headers: Mapping[str, str], url: str, body: bytes, key: str) -> str:
    """Check a Bird request; the `messagebird-request-id` is returned (empty if there is none).

    `url` is the one that was subscribed, byte for byte. `key` is the signing key as it was given: it is not decoded. No age limit:
    Bird's retries carry the first timestamp, up to eight hours later; tell repeats by `payload.id` and `payload.status`.
    Raises VerificationError, whose reason names the proxy's change where the signature holds for an URL that a proxy may have made
    of this one, or the other way about; InvalidInput for an empty key.
    """
    if not key:
        raise InvalidInput("the signing key is empty", "key")
    given = _lower(headers)
    signature, timestamp = (_need(given, name) for name in ("messagebird-signature", "messagebird-request-timestamp"))
    _seconds(timestamp, "messagebird-request-timestamp")
    if _same(sign_bird(key, timestamp, url, body), signature):
        return given.get("messagebird-request-id", "")
    for change, variant in _variants(url):
        if _same(sign_bird(key, timestamp, variant, body), signature):
            raise VerificationError(f"the signature holds for this URL {change}: use the one that was subscribed, byte for byte")
    raise VerificationError(
        "the signature does not hold: another key, an URL other than the one that was subscribed (behind a proxy, take it from "
        "your settings), or a body that is not the bytes that were sent"
    )


def _holds(secret: str, content: bytes, signatures: list[str]) -> bool:
    if secret.startswith((PRIVATE_PREFIX, PUBLIC_PREFIX)):
        return any(is_v1a(secret, content, text) for text in signatures if text.startswith("v1a,"))
    expected = v1(hmac_key(secret), content)
    return any(_same(expected, text) for text in signatures)


def _same(expected: str, given: str) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


def _variants(url: str) -> list[tuple[str, str]]:
    """What proxies make of an URL, in words and done: TLS ended before the application, a slash added or cut at the end."""
    scheme, _, rest = url.partition("://")
    other = "http" if scheme == "https" else "https"
    slash, turned = ("without the slash at its end", rest[:-1]) if rest.endswith("/") else ("with a slash at its end", f"{rest}/")
    return [
        (f"with {other}://", f"{other}://{rest}"),
        (slash, f"{scheme}://{turned}"),
        (f"with {other}:// and {slash}", f"{other}://{turned}"),
    ]


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _need(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if not value:
        raise VerificationError(f"{name} is missing")
    return value


def _seconds(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_TIMESTAMP):
        raise VerificationError(f"{name} is not a number of seconds")
    return int(text)
