"""Where the registered phones are (RFC 3261 §10.3), in memory: after a restart they register again. Pure: the time is passed in."""

from typing import Literal

from msgspec import Struct

LONGEST_S = 3_600
SHORTEST_S = 60
_MOST = 5
"""Contacts of one phone."""


class Contact(Struct, frozen=True, kw_only=True):
    """One place that a phone is at. `uri`: what it wants to be called by. `source`, `transport`: where it registered from, which
    is where it is reached, whatever stands in between."""

    uri: str
    source: tuple[str, int]
    transport: Literal["udp", "tcp"]
    until: float


class Registrar:
    """By user."""

    def __init__(self) -> None:
        self._contacts: dict[str, dict[str, Contact]] = {}

    def add(self, user: str, contact: Contact) -> None:
        """Adds or renews one; the oldest makes room."""
        contacts = self._contacts.setdefault(user, {})
        contacts.pop(contact.uri, None)
        contacts[contact.uri] = contact
        while len(contacts) > _MOST:
            del contacts[next(iter(contacts))]

    def remove(self, user: str, uri: str | None = None) -> None:
        """Removes one, or all of a user's."""
        if uri is None:
            self._contacts.pop(user, None)
        elif user in self._contacts:
            self._contacts[user].pop(uri, None)

    def contacts(self, user: str, now: float) -> list[Contact]:
        """Where a user is, the latest first."""
        contacts = self._contacts.get(user, {})
        for uri in [uri for uri, contact in contacts.items() if contact.until <= now]:
            del contacts[uri]
        return list(reversed(contacts.values()))

    def users(self, now: float) -> tuple[str, ...]:
        """Who is anywhere. May be asked by another thread."""
        known = [(user, list(contacts.values())) for user, contacts in list(self._contacts.items())]
        return tuple(user for user, contacts in known if any(contact.until > now for contact in contacts))


def granted_s(asked: str | None) -> int | None:
    """Seconds that a registration is good for. 0: it ends. None: it would be too short (423)."""
    if asked is None or not (asked.isascii() and asked.isdigit()):
        return LONGEST_S
    seconds = min(int(asked[:10]), LONGEST_S)
    return None if 0 < seconds < SHORTEST_S else seconds
