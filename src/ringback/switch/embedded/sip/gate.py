"""Who may call in: trunks by their address, phones by their password, nobody else. Pure but for the log: the time is passed in.

Nothing that is said to a stranger tells whether a user exists: unknown users and wrong passwords are answered alike.
"""

import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct

from ringback.switch.embedded.sip import digest
from ringback.switch.embedded.sip.limits import Bucket, Interval
from ringback.switch.embedded.sip.registrar import LONGEST_S
from ringback.switch.embedded.sip.settings import Phone, SipSettings, Trunk

log = logging.getLogger("ringback.sip")

_LOG_S = 60.0
_MOST_FRIENDS = 1_000
_NOBODY = secrets.token_hex()  # the password of a user that does not exist


class Known(Struct, frozen=True):
    """Let in."""

    who: Trunk | Phone


class Asked(Struct, frozen=True):
    """401 with these challenges."""

    challenges: tuple[str, ...]


class Refused(Struct, frozen=True):
    """An answer that says no."""

    status: int


Verdict = Known | Asked | Refused


class Gate:
    """See the module."""

    def __init__(self, settings: SipSettings) -> None:
        self._settings = settings
        self._nonces = digest.Nonces(secrets.token_bytes(32))
        self._packets = Bucket(at_once=200, per_s=50)
        # sippy remembers each packet's answer for a minute: this bounds what strangers, of however many addresses, can fill.
        self._all_packets = Bucket(at_once=1_000, per_s=300)
        self._friends: OrderedDict[str, float] = OrderedDict()
        self._wrong_user = Bucket(at_once=3, per_s=3 / 60)
        self._wrong_address = Bucket(at_once=20, per_s=20 / 60)
        self._said = Interval(_LOG_S)

    def room(self, address: str, now: float, request: bool, in_call: Callable[[], bool] = lambda: False) -> bool:
        """False if a packet is to be dropped unread: of somebody who is no trunk and sends more than can be meant well, or of a
        stranger whom silence is the answer to. `in_call`: does a request belong to a call that is going on? Then whoever sends it
        is no stranger: a trunk without addresses, or one that hangs up from another address than it was called at."""
        if self._settings.trunk_at(address) is not None or (request and in_call()):
            return True
        if request and self._settings.strangers == "silence" and not self._settings.phones_at(address):
            self._note("sip.stranger", address, now)
            return False
        friend = self._friends.get(address, now) > now
        return self._packets.take(address, now) and (friend or self._all_packets.take("", now))

    def caller(self, address: str, authorization: str | None, now: float) -> Verdict:
        """Who sends an INVITE."""
        trunk = self._settings.trunk_at(address)
        return Known(trunk) if trunk is not None else self.phone("INVITE", address, authorization, now)

    def phone(self, method: str, address: str, authorization: str | None, now: float) -> Verdict:
        """Who sends a request that a phone has to give its password with."""
        if not self._settings.phones_at(address):
            return self.stranger(address, now)
        credentials = digest.read_credentials(authorization) if authorization is not None else None
        if credentials is None or credentials.realm != self._settings.realm:
            return self._ask(address, now)
        if credentials.algorithm not in self._settings.algorithms:
            return self._ask(address, now)
        judged = self._nonces.judge(credentials, address, now)
        if judged != "good":
            return self._ask(address, now, stale=judged == "stale")
        tried = f"{address} {credentials.username}"
        if self._wrong_user.empty(tried, now) or self._wrong_address.empty(address, now):
            return Refused(403)
        phone = next((phone for phone in self._settings.phones if phone.user == credentials.username), None)
        if digest.fits(credentials, phone.password if phone else _NOBODY, method) and phone is not None:
            self._befriend(address, now)
            return Known(phone)
        self._wrong_user.take(tried, now)
        self._wrong_address.take(address, now)
        self._note("sip.wrong_password", address, now)
        return Refused(403) if self._wrong_user.empty(tried, now) else self._ask(address, now)

    def _befriend(self, address: str, now: float) -> None:
        """A phone is there: strangers do not take its room."""
        self._friends.pop(address, None)
        self._friends[address] = now + LONGEST_S
        if len(self._friends) > _MOST_FRIENDS:
            self._friends.popitem(last=False)

    def stranger(self, address: str, now: float) -> Refused:
        """Somebody who is nobody."""
        self._note("sip.stranger", address, now)
        return Refused(403)

    def _ask(self, address: str, now: float, stale: bool = False) -> Asked:
        nonce = self._nonces.make(address, now)
        return Asked(tuple(digest.challenges(self._settings.realm, nonce, self._settings.algorithms, stale)))

    def _note(self, what: str, address: str, now: float) -> None:
        times = self._said.due(f"{what} {address}", now)
        if times:
            log.warning("%s address=%s times=%d", what, address, times)
