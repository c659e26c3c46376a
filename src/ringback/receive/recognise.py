"""Whose webhook is it? Told by what only that platform sends: header names, or parameters.

Standard Webhooks' and Bird's headers, Fone Dynamics' `Action=Webhook`, Voxtelesys' `CallSid`, VOC's `callid`.
"""

from collections.abc import Mapping
from typing import Final

_HEADERS: Final[Mapping[str, str]] = {
    "webhook-id": "standard",
    "webhook-signature": "standard",
    "webhook-timestamp": "standard",
    "messagebird-request-id": "bird",
    "messagebird-signature": "bird",
    "messagebird-request-timestamp": "bird",
}
_STRANGERS: Final[Mapping[str, str]] = {
    "svix-signature": "Svix, under its own header names (Standard Webhooks' begin with webhook-)",
    "messagebird-signature-jwt": "MessageBird's older API",
    "x-twilio-signature": "Twilio",
    "x-hub-signature-256": "GitHub or Meta",
    "stripe-signature": "Stripe",
}


def platform_of(method: str, url: str, headers: Mapping[str, str], body: bytes) -> str:
    """The dialect's name, empty if it is none that is known. `headers` have names in lower case."""
    for name, dialect in _HEADERS.items():
        if name in headers:
            return dialect
    text = parameters_of(method, url, body)
    if "Action=Webhook" in text:
        return "fonedynamics"
    if "CallSid=" in text:
        return "voxtelesys"
    return "voc" if "callid=" in query_of(url) else ""


def stranger(headers: Mapping[str, str]) -> str:
    """Another sender whose webhook it is, in words; empty if nothing tells. `headers` have names in lower case."""
    return next((who for name, who in _STRANGERS.items() if name in headers), "")


def query_of(url: str) -> str:
    """What follows the `?`, without a fragment."""
    return url.partition("#")[0].partition("?")[2]


def parameters_of(method: str, url: str, body: bytes) -> str:
    """The parameters of a request that has them in a form, or in its query."""
    return query_of(url) if method == "GET" or not body else body.decode("utf-8", "replace")
