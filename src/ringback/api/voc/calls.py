"""Calls, and what was recorded of them: this is how VOC's receivers fetch what `callRecordingAvailable` announced.

A call is a conversation, so a root of ours; the id in its path is the `callid` of the webhooks."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Annotated, Final
from urllib.parse import unquote

from litestar import Controller, get
from litestar.params import Parameter
from msgspec import Struct

from ringback.api.common import TheEngine
from ringback.api.voc.access import AccountOf, Caller
from ringback.api.voc.pages import LOOKED_AT, MOST_A_PAGE, Rows, page_of
from ringback.api.voc.queries import DateFrom, DateTo, Page, PerPage, span
from ringback.api.voc.replies import Reply
from ringback.api.words import listener
from ringback.calls.model import Call, Direction, Geo
from ringback.dialects.story import answering_extension, calling_extension
from ringback.dialects.voc import caller_text, date_text, number_text
from ringback.engine.book import Identity
from ringback.engine.server import Engine
from ringback.errors import InvalidInput, NotFound
from ringback.ids import now_ms
from ringback.webhooks.records import StoredCall

FromId = Annotated[str | None, Parameter(query="fromId", description="The calls that are newer than the one with this id.")]

_READ_AT_ONCE: Final = 200


class CallRow(Struct, frozen=True):
    """A call. The vendor misspells `desination_number`, and its clients read both. `billed_seconds` are those after answer. Null:
    `call_cost`, because nobody is billed here, and whatever the call's source did not tell."""

    id: str
    date: str
    direction: Direction
    extension: str | None
    desination_number: str
    destination_number: str
    destination_geo_tag: str | None
    callerid: str
    callerid_name: str | None
    billed_seconds: int
    call_cost: None
    download_url: str | None
    call_summary: str | None
    has_transcription: bool


class CallTranscript(Struct, frozen=True):
    """A call's transcript; null if only its place elsewhere was told."""

    id: str
    date: str
    transcription: str | None
    summary: str | None


class Calls(Controller):
    """The account's calls."""

    path = "/calls"
    tags = ("voc",)

    @get("/inbound")
    async def inbound(
        self,
        engine: TheEngine,
        identity: Caller,
        page: Page = 1,
        per_page: PerPage = MOST_A_PAGE,
        date_from: DateFrom = None,
        date_to: DateTo = None,
        service_number: Annotated[str | None, Parameter(query="serviceNumber", description="The number that was dialled.")] = None,
        from_id: FromId = None,
    ) -> Reply[Rows[CallRow]]:
        """Lists inbound calls, newest first. The dates are those at which the calls were first reported."""
        number = (service_number or "").removeprefix("+")

        def fits(root: Call) -> bool:
            return root.direction == "inbound" and number in ("", number_text(root.to))

        return await _listed(engine, identity, fits, (page, per_page), span(date_from, date_to), from_id)

    @get("/outbound")
    async def outbound(
        self,
        engine: TheEngine,
        identity: Caller,
        page: Page = 1,
        per_page: PerPage = MOST_A_PAGE,
        date_from: DateFrom = None,
        date_to: DateTo = None,
        extension: Annotated[str | None, Parameter(description="Who called.")] = None,
        from_id: FromId = None,
    ) -> Reply[Rows[CallRow]]:
        """Lists outbound calls, newest first. The dates are those at which the calls were first reported."""

        def fits(root: Call) -> bool:
            return root.direction == "outbound" and (not extension or extension == calling_extension(root))

        return await _listed(engine, identity, fits, (page, per_page), span(date_from, date_to), from_id)

    @get("/get/{call_id:str}")
    async def show(self, call_id: str, engine: TheEngine, account: AccountOf, identity: Caller) -> Reply[CallRow]:
        """Shows one call by its `callid`; `download_url` is its recording, once there is one."""
        return Reply(await engine.in_thread(lambda: _view(engine, _root(engine, account, unquote(call_id)), identity)))

    @get("/get/{call_id:str}/transcription")
    async def show_transcription(
        self, call_id: str, engine: TheEngine, account: AccountOf, identity: Caller
    ) -> Reply[CallTranscript]:
        """Shows the transcript of a call by its `callid`."""
        listener(identity)
        stored = await engine.in_thread(lambda: _root(engine, account, unquote(call_id)))
        found = await engine.recordings.transcript(account, stored.call.id)
        return Reply(CallTranscript(stored.call.id, date_text(stored.call.first_at_ms), found.text, found.summary))


async def _listed(
    engine: Engine,
    identity: Identity,
    fits: Callable[[Call], bool],
    page: tuple[int, int],
    dates: tuple[int | None, int | None],
    from_id: str | None,
) -> Reply[Rows[CallRow]]:
    account = str(identity.account)

    def read() -> Rows[CallRow]:
        after = 0 if not from_id else _newer_than(engine, account, from_id)
        looked_at = islice(_read(engine, account, after, dates), LOOKED_AT)
        found = page_of((stored for stored in looked_at if stored.call.is_root and fits(stored.call)), *page)
        return Rows([_view(engine, stored, identity) for stored in found.data], found.total, found.total_pages)

    return Reply(await engine.in_thread(read))


def _newer_than(engine: Engine, account: str, call_id: str) -> int:
    stored = engine.store.call(account, call_id)
    if stored is None:
        raise InvalidInput("no such call", "fromId")
    return stored.n


def _read(engine: Engine, account: str, after: int, dates: tuple[int | None, int | None]) -> Iterator[StoredCall]:
    """The account's legs, newest first, down to a number. Reads the store as it goes."""
    since, until = dates
    before: int | None = None
    while True:
        rows = engine.store.calls(account, before, _READ_AT_ONCE, since_ms=since, until_ms=until)
        for row in rows:
            if row.n <= after:
                return
            yield row
        if len(rows) < _READ_AT_ONCE:
            return
        before = rows[-1].n


def _root(engine: Engine, account: str, call_id: str) -> StoredCall:
    stored = engine.store.call(account, call_id)
    if stored is None or not stored.call.is_root:
        raise NotFound("no such call")
    return stored


def _view(engine: Engine, stored: StoredCall, identity: Identity) -> CallRow:
    """A call; for a key that may only look, without what was said on it."""
    root, may_listen = stored.call, identity.role != "viewer"
    inbound, context, destination = root.direction == "inbound", root.context, number_text(root.to)
    transcription = context.transcription
    return CallRow(
        id=root.id,
        date=date_text(root.first_at_ms),
        direction=root.direction,
        extension=answering_extension(root) if inbound else calling_extension(root),
        desination_number=destination,
        destination_number=destination,
        destination_geo_tag=_place(context.to_geo),
        callerid=caller_text(root.from_),
        callerid_name=context.caller_name,
        billed_seconds=root.answered_duration_s,
        call_cost=None,
        download_url=_download_url(engine, stored) if may_listen else None,
        call_summary=transcription.summary if transcription is not None and may_listen else None,
        has_transcription=transcription is not None,
    )


def _download_url(engine: Engine, stored: StoredCall) -> str | None:
    """Where the recording is. A link of ours is made anew: it was made for the webhook, perhaps long ago."""
    recording = stored.call.context.recording
    if recording is None or recording.url is None or recording.status not in (None, "completed"):
        return None

    def is_its_own(number: int) -> bool:
        return number == stored.n or any(leg.n == number for leg in engine.store.legs(stored.root_n))

    return engine.recordings.links.renewed(recording.url, is_its_own, now_ms())


def _place(geo: Geo | None) -> str | None:
    """As the source told it; not looked up."""
    return None if geo is None else ", ".join(filter(None, (geo.city, geo.region, geo.country))) or None
