"""The sounds that a document names: WAV and MP3 by URL, fetched as instruction requests are (through the guard, in the account's
name), decoded to telephone sound, kept as long as their server allows.

get ──▶ kept and fresh ──────────────────────────────────────────────▶ done
  └───▶ asked: 304 ──▶ what is kept, fresh again ────────────────────▶ done
               200 ──▶ decoded (in a thread) ──▶ kept ───────────────▶ done
               no answer, 5xx ──▶ what is kept, if that is allowed ──▶ done

Each account has its own: what one may reach is not for another.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urljoin, urlsplit

from ringback.dialects.contract import HttpRequest
from ringback.errors import InvalidInput
from ringback.ids import now_ms
from ringback.switch.embedded.freshness import Freshness, again, read_freshness
from ringback.switch.embedded.sound_files import Known, SoundFiles
from ringback.switch.once import ByteCache, InThread, Once
from ringback.switch.port import Handle
from ringback.switch.speech.audio import decode
from ringback.switch.speech.port import Clip, SpeechFailed
from ringback.switch.web import Sender, exchange
from ringback.webhooks.credentials import split_credentials
from ringback.webhooks.model import Outcome

log = logging.getLogger("ringback.sounds")

T = TypeVar("T")

FETCH_S: Final = 10.0
"""For all of it: redirects, and asking whether it is still the same."""
MOST_BYTES: Final = 20 * 1024 * 1024
"""Of a file, as it comes: the sender that is given must take answers of this size."""
MOST_S: Final = 1_800.0
"""Of a sound."""
AT_ONCE: Final = 8
"""Fetched at a time: each may hold a file in memory."""
REDIRECTS: Final = 3
MEMORY_BYTES: Final = 128 * 1024 * 1024
"""So that a hundred calls that hear the same music hold it once."""
DISK_BYTES: Final = 512 * 1024 * 1024
_MOVED: Final = frozenset((301, 302, 303, 307, 308))
_ASKED: Final = (("Accept", "audio/wav, audio/mpeg, audio/*;q=0.5"),)

_Key = tuple[str, str]
"""Whose, and the URL."""


class _Unreachable(SpeechFailed):
    """Its server cannot be asked now: what is kept may do."""


class Sounds:
    """See the module. Lives on the loop."""

    def __init__(
        self,
        sender: Sender,
        *,
        loop: asyncio.AbstractEventLoop,
        in_thread: InThread,
        folder: Path,
        clock_ms: Callable[[], int] = now_ms,
        disk_bytes: int = DISK_BYTES,
        fetch_s: float = FETCH_S,
    ) -> None:
        """`sender` takes answers of MOST_BYTES. `in_thread` runs what blocks. `folder`: the cache's own; it need not exist."""
        self._sender = sender
        self._loop = loop
        self._in_thread = in_thread
        self._clock_ms = clock_ms
        self._fetch_s = fetch_s
        self._files = SoundFiles(folder, disk_bytes)
        self._disk = asyncio.Lock()
        self._memory: ByteCache[_Key, Known] = ByteCache(MEMORY_BYTES, lambda known: len(known.pcm))
        self._places = asyncio.Semaphore(AT_ONCE)
        self._getting: Once[_Key, Clip] = Once(loop, self._get)

    def get(self, account: str, url: str, done: Callable[[Clip], None]) -> Handle:
        """A sound for one of an account's calls. `done` is called once, later on the loop, never from within; not at all after
        `cancel`. Its clip is empty, with an error, where the sound cannot be had."""
        key = account, url.partition("#")[0]
        known = self._memory.get(key)
        if known is not None and self._is_fresh(known):
            return self._loop.call_soon(partial(done, Clip(known.pcm)))
        return self._getting.ask(key, done)

    async def close(self) -> None:
        """Stops what is being fetched; nobody is told."""
        await self._getting.close()

    def _is_fresh(self, known: Known) -> bool:
        return self._clock_ms() < known.fresh.until_ms

    async def _get(self, key: _Key) -> Clip:
        try:
            return Clip(await self._got(*key))
        except SpeechFailed as error:
            return Clip(b"", f"{_shown(key[1])}: {error}")
        except Exception:  # whatever it is, a caller waits
            log.exception("a sound")
            return Clip(b"", f"{_shown(key[1])}: it could not be fetched")

    async def _got(self, account: str, url: str) -> bytes:
        """The sound. Raises SpeechFailed."""
        known = self._memory.get((account, url)) or await self._on_disk(partial(self._files.get, account, url))
        if known is not None and self._is_fresh(known):
            self._memory.put((account, url), known)
            return known.pcm
        try:
            async with asyncio.timeout(self._fetch_s), self._places:
                found = await self._fetch(account, url, known)
        except (_Unreachable, TimeoutError) as error:
            why = str(error) or "it did not come in time"
            if known is None or not known.fresh.stale_ok:
                raise SpeechFailed(why) from None
            log.warning("an older copy of %s is played: %s", _shown(url), why)
            return known.pcm
        await self._keep(account, found, known)
        return found.pcm

    async def _keep(self, account: str, found: Known, before: Known | None) -> None:
        key = account, found.url
        if found.fresh.store:
            self._memory.put(key, found)
            await self._on_disk(partial(self._files.put, account, found))
        elif before is not None:
            self._memory.drop(key)
            await self._on_disk(partial(self._files.drop, account, found.url))

    async def _on_disk(self, work: Callable[[], T]) -> T:
        async with self._disk:
            return await self._in_thread(work)

    async def _fetch(self, account: str, url: str, known: Known | None) -> Known:
        """Raises SpeechFailed; _Unreachable, if what is kept may do."""
        conditions = () if known is None else _conditions(known.fresh)
        outcome = await self._answer(account, url, conditions)
        headers = _joined(outcome)
        if outcome.status == 304 and known is not None:
            return Known(url, again(known.fresh, headers, self._clock_ms()), known.pcm)
        if outcome.status != 200:
            raise _failure(outcome)
        if outcome.body_cut:
            raise SpeechFailed(f"it is larger than {MOST_BYTES // 1024 // 1024} MiB")
        fresh = read_freshness(headers, self._clock_ms())
        pcm = await self._in_thread(partial(decode, outcome.body, MOST_S))
        if not pcm:
            raise SpeechFailed("there is no sound in the file")
        return Known(url, fresh, pcm)

    async def _answer(self, account: str, url: str, conditions: tuple[tuple[str, str], ...]) -> Outcome:
        """The answer at the end of all redirects, each of which the guard judges. Credentials stay with the host that they are for.
        Raises SpeechFailed."""
        basic: str | None = None
        host = ""
        for _ in range(REDIRECTS + 1):
            try:
                bare, given = split_credentials(url)
                before, host = host, urlsplit(bare).netloc
            except (InvalidInput, ValueError):
                raise SpeechFailed("the URL cannot be read") from None
            basic = given or (basic if host == before else None)
            request = HttpRequest("GET", bare, (*_ASKED, *conditions))
            outcome = await exchange(self._sender, request, account=account, timeout_s=self._fetch_s, basic=basic)
            if outcome.status not in _MOVED:
                return outcome
            target = next((value for name, value in outcome.headers if name.lower() == "location"), "")
            if not target:
                return outcome
            url = urljoin(bare, target).partition("#")[0]
        raise SpeechFailed(f"it is redirected more than {REDIRECTS} times")


def _conditions(fresh: Freshness) -> tuple[tuple[str, str], ...]:
    """RFC 9110 §13.1: an entity tag says more than a date."""
    if fresh.etag:
        return (("If-None-Match", fresh.etag),)
    return (("If-Modified-Since", fresh.modified),) if fresh.modified else ()


def _failure(outcome: Outcome) -> SpeechFailed:
    status = outcome.status
    if status is None:
        # What the guard forbids is not made up for by what it let through once.
        return (SpeechFailed if outcome.error in ("blocked", "request") else _Unreachable)(outcome.detail)
    return (_Unreachable if status >= 500 or status == 429 else SpeechFailed)(f"its server answered {status}")


def _joined(outcome: Outcome) -> dict[str, str]:
    """Headers by lower-case name, several of one name as RFC 9110 §5.3 joins them."""
    joined: dict[str, str] = {}
    for name, value in outcome.headers:
        lower = name.lower()
        joined[lower] = f"{joined[lower]}, {value}" if lower in joined else value
    return joined


def _shown(url: str) -> str:
    """A URL as it may stand in a call's record: no credentials, and nothing of a signed link's query."""
    try:
        bare = split_credentials(url)[0]
    except InvalidInput:
        return "the sound"
    return bare.partition("?")[0][:200]
