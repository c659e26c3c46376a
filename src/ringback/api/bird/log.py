"""The log of a subscription: one entry a webhook, and each of its attempts. Bird keeps it for 7 days, and so long it is shown here;
our own API shows what the account keeps."""

from typing import Annotated, Final

from litestar import Controller, get, post
from litestar.params import Parameter
from msgspec import UNSET

from ringback.api.bird.access import Workspace, found
from ringback.api.bird.pages import LIMIT, MOST, page_token, row_behind
from ringback.api.bird.views import EXECUTIONS, BirdLog, BirdLogDetails, BirdSent, Execution, log_details, log_entry, without_bodies
from ringback.api.common import TheEngine, Who
from ringback.dialects.bird import delivery_of, request_id_of
from ringback.dialects.shapes import is_uuid
from ringback.engine.server import Engine
from ringback.errors import InvalidInput, NotFound
from ringback.ids import now_ms, time_of
from ringback.store.port import DeliveryFilter, DeliveryRow
from ringback.webhooks.model import Endpoint, Kind

KEPT_MS: Final = 7 * 86_400_000


class Logs(Controller):
    """What was sent for a subscription."""

    path = "/webhook-subscriptions/{subscription:str}/logs"
    tags = ("bird",)

    @get()
    async def list_some(
        self,
        subscription: str,
        engine: TheEngine,
        account: Workspace,
        limit: Annotated[int, Parameter(ge=1, le=MOST, description="Rows at the most.")] = LIMIT,
        page_token: Annotated[str | None, Parameter(query="pageToken", description="`nextPageToken` of the page before.")] = None,
        execution_status: Annotated[Execution | None, Parameter(query="executionStatus")] = None,
    ) -> BirdLog:
        """Lists the webhooks of the last 7 days, newest first."""
        endpoint = found(engine, account, subscription)
        before = None if page_token is None else _number_behind(account, page_token)
        rows = await engine.in_thread(lambda: _rows(engine, endpoint, execution_status, before, limit + 1))
        entries = [log_entry(account, row) for row in rows[:limit]]
        return BirdLog(entries, _token(account, rows[limit - 1]) if len(rows) > limit else UNSET)

    @get("/details")
    async def show(
        self,
        subscription: str,
        engine: TheEngine,
        account: Workspace,
        identity: Who,
        request_id: Annotated[
            str | None, Parameter(query="requestId", description="`messagebird-request-id` of the webhook; needed.")
        ] = None,
    ) -> BirdLogDetails:
        """Shows each attempt of one webhook; no bodies to a key that may only look."""
        endpoint = found(engine, account, subscription)
        if request_id is None or not is_uuid(request_id):
            raise InvalidInput("must be the UUID of a request", "requestId")
        row = await engine.in_thread(lambda: _row(engine, endpoint, request_id))
        number = row.delivery.id
        by_number = {attempt.number: attempt for attempt in engine.writer.unlogged(number)}
        by_number |= {attempt.number: attempt for attempt in await engine.in_thread(lambda: engine.store.attempts(number))}
        shown = log_details(endpoint, row.delivery, [by_number[place] for place in sorted(by_number)])
        return without_bodies(shown) if identity.role == "viewer" else shown

    @post("/{request_id:str}/resend", status_code=202)
    async def resend(self, subscription: str, request_id: str, engine: TheEngine, account: Workspace) -> BirdSent:
        """Sends a webhook again (ours, not the vendor's): the same body, with a new timestamp, signature and request id."""
        endpoint = found(engine, account, subscription)
        delivery = (await engine.in_thread(lambda: _row(engine, endpoint, request_id))).delivery
        kind: Kind = "test" if delivery.kind == "test" else "resend"
        number = await engine.deliver_again(account, delivery.event, endpoint.id, kind, delivery.name)
        return BirdSent(request_id_of(account, number))


def _rows(engine: Engine, endpoint: Endpoint, wanted: Execution | None, before: int | None, limit: int) -> list[DeliveryRow]:
    """Reads the store. Some words of the vendor's are two states of ours."""
    states = [None] if wanted is None else [state for state, word in EXECUTIONS.items() if word == wanted and state != "sending"]
    since = now_ms() - KEPT_MS
    rows = [
        row
        for state in states
        for row in engine.store.deliveries(
            DeliveryFilter(account=endpoint.account, endpoint=endpoint.id, state=state, since_ms=since, before=before, limit=limit)
        )
    ]
    return sorted(rows, key=lambda row: -row.delivery.id)[:limit]


def _row(engine: Engine, endpoint: Endpoint, request_id: str) -> DeliveryRow:
    """Reads the store. Raises NotFound."""
    number = delivery_of(endpoint.account, request_id)
    if number is not None and time_of(number) >= now_ms() - KEPT_MS:
        read = engine.store.delivery(endpoint.account, number)
        if read is not None and read[0].delivery.endpoint == endpoint.id:
            return read[0]
    raise NotFound("no such request in the last 7 days")


def _token(account: str, row: DeliveryRow) -> str:
    return page_token(time_of(row.delivery.id), request_id_of(account, row.delivery.id))


def _number_behind(account: str, token: str) -> int:
    number = delivery_of(account, row_behind(token))
    if number is None:
        raise InvalidInput("is not a token that this list gave", "pageToken")
    return number
