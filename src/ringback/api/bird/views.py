"""What Bird's API takes and shows, in its words. Members that are not known or not set are left out, never null."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from ringback.api.bird.subscriptions import event_of
from ringback.calls.model import to_rfc3339
from ringback.dialects.bird import request_id_of
from ringback.ids import time_of
from ringback.store.port import DeliveryRow
from ringback.webhooks.credentials import shown_url
from ringback.webhooks.model import Delivery, Endpoint, Filter, State
from ringback.webhooks.records import Attempt

Service = Literal["channels", "numbers", "payments", "conversations"]
Status = Literal["active", "inactive"]
Execution = Literal["succeeded", "failed", "retrying", "suppressed"]
"""`succeeded` is in the vendor's sample; the others are ours. `suppressed`: by the catch-all clause, never sent."""

SHOWN_BYTES = 4096
"""Of a receiver's answer."""

Url = Annotated[str, Meta(min_length=1, max_length=2048)]
Filters = Annotated[list[Filter], Meta(max_length=200)]
Key = Annotated[str, Meta(max_length=500)]
Template = Annotated[str, Meta(max_length=500)]

EXECUTIONS: dict[State, Execution] = {
    "pending": "retrying",
    "sending": "retrying",
    "retrying": "retrying",
    "succeeded": "succeeded",
    "exhausted": "failed",
    "cancelled": "failed",
    "skipped": "suppressed",
}
_SUPPRESSED = "suppressed by an explicit filter: the catch-all clause, see another subscription of this event that has filters"


class NewBirdSubscription(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A subscription to be made. Without `signingKey` what it gets is not signed. `template` is kept and shown, no more."""

    service: Service
    event: str
    url: Url
    event_filters: Filters | None = None
    template: Template | UnsetType = UNSET
    signing_key: Key | UnsetType = UNSET


class BirdSubscriptionChange(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What is not sent stays. `eventFilters` replaces the whole list. `service` and `event` cannot be changed."""

    url: Url | UnsetType = UNSET
    event_filters: Filters | UnsetType | None = UNSET
    template: Template | UnsetType = UNSET
    signing_key: Key | UnsetType = UNSET
    status: Status | UnsetType = UNSET


class BirdSubscription(Struct, frozen=True, rename="camel"):
    """A webhook subscription. `signingKey` is there only in the answer to the request that set it."""

    id: str
    organization_id: str
    workspace_id: str
    service: Service
    event: str
    url: str
    status: Status
    created_at: str
    updated_at: str
    event_filters: list[Filter] | UnsetType = UNSET
    template: str | UnsetType = UNSET
    signing_key: str | UnsetType = UNSET


class BirdSubscriptionList(Struct, frozen=True, rename="camel"):
    """A page of subscriptions, newest first. `nextPageToken` is absent on the last."""

    results: list[BirdSubscription]
    next_page_token: str | UnsetType = UNSET


class BirdLogEntry(Struct, frozen=True, rename="camel"):
    """One webhook, all its attempts together. `httpStatusCode` is absent as long as nobody answered."""

    request_id: str
    attempt_count: int
    execution_status: Execution
    created_at: str
    http_status_code: int | UnsetType = UNSET


class BirdLog(Struct, frozen=True, rename="camel"):
    """A page of the log, newest first. `nextPageToken` is absent on the last."""

    results: list[BirdLogEntry]
    next_page_token: str | UnsetType = UNSET


class BirdLogAttempt(Struct, frozen=True, rename="camel"):
    """One attempt. `responseBody` is cut at 4 KiB; `error` says why there is no answer."""

    request_id: str
    attempt: int
    url: str
    execution_status: Execution
    created_at: str
    request_headers: dict[str, str] | UnsetType = UNSET
    request_body: str | UnsetType = UNSET
    http_status_code: int | UnsetType = UNSET
    response_body: str | UnsetType = UNSET
    error: str | UnsetType = UNSET
    duration_ms: int | UnsetType = UNSET


class BirdLogDetails(Struct, frozen=True):
    """The attempts of one webhook, oldest first."""

    results: list[BirdLogAttempt]


class BirdSent(Struct, frozen=True, rename="camel"):
    """A webhook that is on its way: the id that the log has it under."""

    request_id: str


def subscription_view(endpoint: Endpoint, number: str, organization: str, key: str | UnsetType = UNSET) -> BirdSubscription:
    """See BirdSubscription. `number`: its id; `key`: the signing key, where it was set just now."""
    return BirdSubscription(
        id=number,
        organization_id=organization,
        workspace_id=endpoint.account,
        service="channels",
        event=event_of(endpoint),
        url=shown_url(endpoint.url, endpoint.basic),
        status="active" if endpoint.enabled else "inactive",
        created_at=to_rfc3339(endpoint.created_at_ms),
        updated_at=to_rfc3339(endpoint.updated_at_ms),
        event_filters=list(endpoint.filters) or UNSET,
        template=UNSET if endpoint.template is None else endpoint.template,
        signing_key=key,
    )


def log_entry(account: str, row: DeliveryRow) -> BirdLogEntry:
    """See BirdLogEntry."""
    delivery = row.delivery
    return BirdLogEntry(
        request_id=request_id_of(account, delivery.id),
        attempt_count=delivery.attempts,
        execution_status=EXECUTIONS[delivery.state],
        created_at=to_rfc3339(time_of(delivery.id)),
        http_status_code=UNSET if row.status is None else row.status,
    )


def log_details(endpoint: Endpoint, delivery: Delivery, attempts: list[Attempt]) -> BirdLogDetails:
    """See BirdLogDetails. What was suppressed has one entry without a request, which says so."""
    request_id = request_id_of(endpoint.account, delivery.id)
    if delivery.state == "skipped":
        made_at = to_rfc3339(time_of(delivery.id))
        url = shown_url(endpoint.url, endpoint.basic)
        return BirdLogDetails([BirdLogAttempt(request_id, 0, url, "suppressed", made_at, error=_SUPPRESSED)])
    return BirdLogDetails([_detail(request_id, delivery, attempt) for attempt in attempts])


def without_bodies(shown: BirdLogDetails) -> BirdLogDetails:
    """The attempts of a webhook as a key that may only look sees them."""
    return replace(shown, results=[replace(one, request_body=UNSET, response_body=UNSET) for one in shown.results])


def _detail(request_id: str, delivery: Delivery, attempt: Attempt) -> BirdLogAttempt:
    outcome = attempt.outcome
    answered = not outcome.error
    return BirdLogAttempt(
        request_id=request_id,
        attempt=attempt.number,
        url=attempt.url,
        # All but the last were followed by another: what became of the webhook is what became of its last attempt.
        execution_status=EXECUTIONS[delivery.state] if attempt.number >= delivery.attempts else "retrying",
        created_at=to_rfc3339(outcome.started_at_ms),
        request_headers=dict(attempt.headers),
        request_body=attempt.body.decode("utf-8", "replace"),
        http_status_code=UNSET if outcome.status is None else outcome.status,
        response_body=outcome.body[:SHOWN_BYTES].decode("utf-8", "replace") if answered else UNSET,
        error=UNSET if answered else f"{outcome.error}: {outcome.detail}" if outcome.detail else outcome.error,
        duration_ms=round(outcome.total_ms),
    )
