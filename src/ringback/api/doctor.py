"""`POST /v1/verify`: why a webhook's signature does not hold. Neither secrets nor signatures are in any answer."""

from collections.abc import Sequence
from typing import Annotated

from litestar import post
from msgspec import UNSET, Meta, Struct, UnsetType

from ringback.api.common import AnyRequest, TheEngine, Who, account, wanted
from ringback.api.views import read_time
from ringback.engine.server import Engine
from ringback.errors import InvalidInput, NotFound
from ringback.ids import now_ms
from ringback.receive.doctor import MOST_SECRETS, MOST_URL, Diagnosis, Held, Received, examine
from ringback.webhooks.model import Endpoint

Url = Annotated[str, Meta(max_length=MOST_URL)]
SecretText = Annotated[str, Meta(min_length=1, max_length=500)]


class Examined(Struct, frozen=True, forbid_unknown_fields=True):
    """A request as your code has it. `url`: whole, with its query (needed where it is signed, and where parameters are in it).
    `headers`: a name that came twice has a list. `body`: text, or `body_base64`: the exact bytes. `received_at`: RFC 3339, when it
    came; without it, now.

    What it is checked with: `endpoint`, one of yours, whose own secrets, dialect and URL are used; or `secrets`, newest first, and
    `dialect`, which is told from the request without it."""

    headers: Annotated[dict[str, str | list[str]], Meta(max_length=200)]
    url: Url = ""
    method: Annotated[str, Meta(max_length=20)] = "POST"
    body: str = ""
    body_base64: bytes | UnsetType = UNSET
    received_at: str | None = None
    endpoint: str | None = None
    secrets: Annotated[list[SecretText], Meta(max_length=MOST_SECRETS)] = []
    dialect: str | None = None


@post("/v1/verify", status_code=200, tags=["endpoints"])
async def verify(data: Examined, request: AnyRequest, engine: TheEngine, identity: Who) -> Diagnosis:
    """Says which part of a webhook does not match its signature: the key, the URL as seen behind a proxy, a body that was written
    anew, the time, a header. Nothing is stored, and no secret and no signature is in the answer."""
    received = _received(data)
    at_ms = now_ms() if data.received_at is None else _time(data.received_at)
    if data.endpoint is None:
        secrets = [Held(secret) for secret in data.secrets]
        return await engine.in_thread(lambda: examine(received, secrets, now_s=at_ms / 1000, dialect=data.dialect or ""))
    if data.secrets or data.dialect is not None:
        raise InvalidInput("the endpoint has its own secrets and its dialect: leave them out, or the endpoint", "endpoint")
    endpoint = _own(engine, account(request, identity, engine), data.endpoint)
    held = _held(endpoint, at_ms)
    return await engine.in_thread(
        lambda: examine(received, held, now_s=at_ms / 1000, dialect=endpoint.dialect, subscribed_url=endpoint.url)
    )


def _received(data: Examined) -> Received:
    body = data.body.encode("utf-8", "replace")
    if data.body_base64 is not UNSET:
        if body:
            raise InvalidInput("comes instead of body", "body_base64")
        body = data.body_base64
    headers = [(name, value) for name, given in data.headers.items() for value in ([given] if isinstance(given, str) else given)]
    return Received(method=data.method.upper(), url=data.url, headers=tuple(headers), body=body)


def _time(text: str) -> int:
    try:
        return read_time(text)
    except (ValueError, OverflowError):
        raise InvalidInput("is not an RFC 3339 time with its offset, such as 2026-11-20T12:00:00Z", "received_at") from None


def _own(engine: Engine, owner: str, text: str) -> Endpoint:
    """An endpoint of that account. Raises InvalidInput, NotFound."""
    number = wanted("ep", text, "endpoint")
    endpoint = None if number is None else engine.book.endpoint(number)
    if endpoint is None or endpoint.account != owner:
        raise NotFound("no such endpoint")
    return endpoint


def _held(endpoint: Endpoint, at_ms: int) -> Sequence[Held]:
    return [Held(secret.value, secret.until_ms is None or secret.until_ms >= at_ms) for secret in endpoint.secrets[:MOST_SECRETS]]
