"""Who would be told of a simulated call: an endpoint of each dialect that takes all of its events, each request rendered by the
dialect itself, and none of them sent."""

from collections.abc import Callable, Iterable
from functools import partial
from random import Random
from typing import Final

from msgspec.structs import replace

from ringback.calls.directory import Place
from ringback.calls.model import Event
from ringback.dialects.contract import Dialect, HttpRequest
from ringback.dialects.trial import find_dialect
from ringback.ids import IdMaker
from ringback.switch.port import Clock
from ringback.webhooks.model import Delivery, Endpoint, Secret

Told = Callable[[str, str, HttpRequest], None]
"""Dialect, event name, request."""

URL: Final = "https://receiver.example/{}"
"""Where an endpoint of a dialect is said to be."""


class _Held:
    """A webhook that waits for facts that were announced."""

    def __init__(self, endpoint: Endpoint, delivery: Delivery) -> None:
        self.endpoint = endpoint
        self.delivery = delivery
        self.sent = False


class Subscribers:
    """See the module."""

    def __init__(self, dialects: Iterable[str], place: Place, clock: Clock, rng: Random, told: Told) -> None:
        """Raises InvalidInput for a dialect that there is not."""
        self._place = place
        self._clock = clock
        self._told = told
        self._ids = IdMaker()
        self._held: list[_Held] = []
        self._last: Event | None = None
        self._endpoints = [
            (dialect, _endpoint(number, dialect, place.account, rng))
            for number, dialect in enumerate(map(find_dialect, dict.fromkeys(dialects)), 1)
        ]

    @property
    def waiting(self) -> bool:
        """Does a webhook wait for facts that were announced?"""
        return any(not held.sent for held in self._held)

    def tell(self, event: Event) -> None:
        """An event of the ledger."""
        self._last = event
        if event.late:
            return
        now = self._clock.now_ms()
        for dialect, endpoint in self._endpoints:
            name = dialect.event_name(event, self._place)
            if name is None:
                continue
            delivery = Delivery(id=self._ids.next(now), endpoint=endpoint.id, event=event.id, root=1, name=name)
            due_ms = dialect.hold_until_ms(event, endpoint)
            if due_ms is None:
                self._send(dialect, endpoint, delivery, event)
            else:
                held = _Held(endpoint, delivery)
                self._held.append(held)
                self._clock.call_later((due_ms - now) / 1000, partial(self._release, dialect, held, event))
        for held in self._held:
            dialect = find_dialect(held.endpoint.dialect)
            if dialect.complete(event):
                self._release(dialect, held, event)

    def _release(self, dialect: Dialect, held: _Held, event: Event) -> None:
        """It waits no longer: it tells of the call as it is now, as it goes out of a server."""
        if not held.sent:
            held.sent = True
            now = self._last or event
            self._send(dialect, held.endpoint, held.delivery, replace(event, call=now.root, root=now.root))

    def _send(self, dialect: Dialect, endpoint: Endpoint, delivery: Delivery, event: Event) -> None:
        request = dialect.render(event, endpoint, delivery, self._place, self._clock.now_ms())
        self._told(dialect.name, delivery.name, request)


def _endpoint(number: int, dialect: Dialect, account: str, rng: Random) -> Endpoint:
    secret = dialect.new_secret(rng.randbytes(32))
    return Endpoint(
        id=number,
        account=account,
        url=URL.format(dialect.name),
        dialect=dialect.name,
        secrets=() if secret is None else (Secret(value=secret),),
        method=dialect.methods[0],
    )
