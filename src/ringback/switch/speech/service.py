"""A speech service of the operator's: asked over HTTP, with one more try where the first could not do anything.

The operator named its URL, so no account's wish leads there and the guard lets it be inside. What is wrong with it stands in the
operator's log; the account is told that it failed, not how.
"""

import asyncio
import logging
from typing import Final
from urllib.parse import urlsplit

from ringback.dialects.contract import HttpRequest
from ringback.errors import InvalidInput
from ringback.switch.speech.port import SpeechFailed
from ringback.switch.web import Sender, exchange
from ringback.webhooks.credentials import split_credentials
from ringback.webhooks.model import Outcome

log = logging.getLogger("ringback.speech")

GUARDED_AS: Final = "speech-services"
"""The account in whose name the sender is asked to send. Account ids are UUIDs, so none can have that name."""
_PAUSE_S: Final = 0.3
_COMPLAINT: Final = 300
_FINAL: Final = frozenset((400, 413, 415, 422))
"""It was understood, and will never be taken. Anything else may be different later, a wrong key too."""
_NO_CONNECTION: Final = frozenset(("dns", "connect", "connect_timeout", "reset"))


class Refused(SpeechFailed):
    """The service answered, and not with what was asked for. `status`: its HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the speech service answered {status}", transient=status not in _FINAL)
        self.status = status


class Service:
    """See the module."""

    def __init__(self, sender: Sender, url: str, key: str | None) -> None:
        """`key`: a bearer token. Raises InvalidInput for a URL whose credentials cannot be read, or that has some
        beside a key."""
        self.url, self._basic = split_credentials(url)
        if key is not None and self._basic is not None:
            raise InvalidInput("it has a key, and credentials in its URL: one of the two")
        self._sender = sender
        self._headers = () if key is None else (("Authorization", f"Bearer {key}"),)
        self._host = urlsplit(self.url).netloc

    async def ask(self, request: HttpRequest, timeout_s: float) -> Outcome:
        """A whole answer with status 200; `timeout_s` bounds each of two tries. Raises SpeechFailed; Refused, if it answered."""
        try:
            return await self._once(request, timeout_s)
        except SpeechFailed as failed:
            if not failed.transient:
                raise
        await asyncio.sleep(_PAUSE_S)
        return await self._once(request, timeout_s)

    async def _once(self, request: HttpRequest, timeout_s: float) -> Outcome:
        outcome = await exchange(
            self._sender, request, account=GUARDED_AS, timeout_s=timeout_s, basic=self._basic, headers=self._headers
        )
        status = outcome.status
        if status is None:
            log.error("speech service %s: %s", self._host, outcome.detail)
            why = "did not answer in time" if outcome.error == "timeout" else "cannot be reached"
            raise SpeechFailed(f"the speech service {why}", transient=outcome.error in _NO_CONNECTION)
        if status != 200:
            complaint = " ".join(outcome.body[:_COMPLAINT].decode("utf-8", "replace").split())
            log.error("speech service %s: %s %s", self._host, status, complaint)
            raise Refused(status)
        if outcome.body_cut:
            log.error("speech service %s: its answer is too large", self._host)
            raise SpeechFailed("the speech service answered too much")
        return outcome
