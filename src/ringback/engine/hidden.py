"""Endpoints that nobody set up: where calls send what a number, a document or a REST call names by its URL. The log shows requests
by endpoint, and the dispatcher keeps callbacks in order by it, so each such URL has one, found again by the next call.

They take no events by themselves and stand in no list. One that was not used for as long as the account keeps what is over goes,
for nothing refers to it any more; beyond MOST_KEPT the one that was used longest ago goes earlier (a URL may carry a token of its
own for each call), and what it was sent stays in the log.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ringback.ids import now_ms
from ringback.store.port import Account
from ringback.webhooks.credentials import split_credentials
from ringback.webhooks.model import Endpoint, Method

if TYPE_CHECKING:
    from ringback.engine.server import Engine

MOST_KEPT: Final = 1_000
"""Of an installation, beside those that were used just now: each costs memory as every endpoint does."""
IN_USE_MS: Final = 3_600_000
"""One that was used so lately is left alone, whatever else is: a delivery may be on its way to the store."""
DIALECT: Final = "voxtelesys"

_Key = tuple[str, str, str, str | None]


class Hidden:
    """See the module. Lives on the loop."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._making = asyncio.Lock()
        started = now_ms()
        mine = [endpoint for endpoint in engine.book.replays.values() if endpoint.of_calls]
        self._found = {_key(endpoint): endpoint.id for endpoint in mine}
        self._used_ms = {endpoint.id: started for endpoint in mine}

    async def find(self, account: str, url: str, method: Method) -> Endpoint:
        """The endpoint of an account that sends to this URL with this method, made if there is none. Its fragment does not count;
        its credentials do. Raises InvalidInput for credentials that cannot be sent, StoreUnavailable."""
        bare, basic = split_credentials(url.partition("#")[0])
        async with self._making:
            found = self._engine.book.endpoint(self._found.get((account, bare, method, basic), 0))
            if found is None:
                at = now_ms()
                found = Endpoint(
                    id=self._engine.writer.new_id(),
                    account=account,
                    url=bare,
                    basic=basic,
                    method=method,
                    dialect=DIALECT,
                    description="named by calls",
                    only_replays=True,
                    of_calls=True,
                    created_at_ms=at,
                    updated_at_ms=at,
                )
                await self._engine.endpoints.make(found)
                self._found[_key(found)] = found.id
            self._used_ms[found.id] = now_ms()
            return found

    def idle(self, now: int, kept_ms: Callable[[Account | None], int]) -> list[Endpoint]:
        """Those that may go. `kept_ms`: how long an account keeps what is over."""
        book = self._engine.book
        there = [(at, endpoint) for number, at in self._used_ms.items() if (endpoint := book.replays.get(number)) is not None]
        self._used_ms = {endpoint.id: at for at, endpoint in there}
        self._found = {_key(endpoint): endpoint.id for _, endpoint in there}
        unused = sorted(((at, one) for at, one in there if at < now - IN_USE_MS), key=lambda pair: -pair[0])
        room = max(0, MOST_KEPT - (len(there) - len(unused)))
        return [
            endpoint
            for place, (at, endpoint) in enumerate(unused)
            if place >= room or at < now - kept_ms(book.accounts.get(endpoint.account))
        ]


def _key(endpoint: Endpoint) -> _Key:
    return (endpoint.account, endpoint.url, endpoint.method, endpoint.basic)
