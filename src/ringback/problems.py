"""RFC 9457 problem documents: how every refusal looks to a program."""

from typing import Any

import msgspec

from ringback.errors import CallerError, InvalidInput, RingbackError, StoreUnavailable, TooMany

CONTENT_TYPE = "application/problem+json"
_TITLES = {
    400: "Bad request",
    401: "No valid key",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Body too large",
    415: "Unsupported media type",
    422: "Invalid input",
    429: "Too many requests",
    500: "Internal error",
    503: "Temporarily unavailable",
}


def problem(status: int, detail: str, field: str = "", **more: Any) -> dict[str, Any]:
    """A problem document. `field` is the JSON path of what is wrong (`call.from`), left out when the whole is."""
    title = _TITLES.get(status, "Error")
    document: dict[str, Any] = {"type": f"urn:ringback:problem:{title.lower().replace(' ', '-')}", "title": title, "status": status}
    if detail:
        document["detail"] = detail
    if field:
        document["field"] = field
    return document | more


def status_of(error: RingbackError) -> int:
    """The HTTP status that says whose fault it was."""
    if isinstance(error, CallerError):
        return error.status
    return 503 if isinstance(error, StoreUnavailable) else 500


def problem_of(error: RingbackError) -> dict[str, Any]:
    """The document for a failure; ours carry no detail beyond what their author wrote for the customer."""
    field = error.field if isinstance(error, InvalidInput) else ""
    return problem(status_of(error), str(error), field)


def retry_after(error: RingbackError) -> int | None:
    """Seconds for a Retry-After header, if coming again may help."""
    if isinstance(error, TooMany | StoreUnavailable):
        return error.retry_after_s
    return None


def encode(document: dict[str, Any]) -> bytes:
    """The document's bytes."""
    return msgspec.json.encode(document)
