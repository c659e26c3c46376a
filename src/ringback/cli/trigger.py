"""`ringback trigger`: one sample webhook of a dialect, sent to an URL through the real sender, with both sides printed."""

import asyncio
import random

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.text import Text

from ringback.delivery.addresses import read_allowed_network
from ringback.delivery.egress import SenderSettings
from ringback.delivery.sender import Sender
from ringback.dialects.contract import HttpRequest
from ringback.dialects.trial import ACCOUNT, find_dialect, trial
from ringback.ids import now_ms
from ringback.webhooks.credentials import split_credentials
from ringback.webhooks.model import Method, Outcome

_EVERYWHERE = (read_allowed_network("0.0.0.0/0"), read_allowed_network("::/0"))


class Trigger(Struct, frozen=True, kw_only=True):
    """What the command was told."""

    dialect: str
    event: str
    to: str
    secret: str | None = None
    method: Method | None = None
    dry_run: bool = False


async def trigger(told: Trigger) -> int:
    """Sends and prints. The exit code: 0 if the dialect counts the answer as delivered. Raises InvalidInput."""
    dialect = find_dialect(told.dialect)
    if told.secret is None and (made := dialect.new_secret(random.randbytes(32))) is not None:
        told = msgspec.structs.replace(told, secret=made)
        Console(stderr=True).print(
            f"signed with a secret made for this request: {made}", style="dim", highlight=False, soft_wrap=True
        )
    url, basic = split_credentials(told.to)
    request = trial(dialect, told.event, url, now_ms(), secret=told.secret, method=told.method)
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(f"{request.method} {request.url}", "bold"))
    for name, value in request.headers:
        console.print(Text(f"{name}: {value}"))
    if request.body:
        console.print(Text("\n" + request.body.decode("utf-8", "replace")))
    if told.dry_run:
        return 0
    outcome = await _send(request, dialect.timeout_s, basic)
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


async def _send(request: HttpRequest, timeout_s: float, basic: str | None) -> Outcome:
    """Through the real sender. It is the user's own machine and the user's own words: no address is refused."""
    loop = asyncio.get_running_loop()
    sender = Sender(SenderSettings(allow_http=True, allow_networks=_EVERYWHERE), loop)
    ended: asyncio.Future[Outcome] = loop.create_future()
    sender.send(request, key=1, account=ACCOUNT, timeout_s=timeout_s, basic=basic, headers=(), done=ended.set_result)
    try:
        return await asyncio.wait_for(ended, timeout_s + 5)
    finally:
        await sender.close()
