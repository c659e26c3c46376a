"""What counts as an answer of the application, and what went wrong if it is none: the table of failures, with Twilio's numbers for
`ErrorCode` (`twilio.com/docs/api/errors`), which receivers of such a fallback request know."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from ringback.live.overrides import Policy
from ringback.voxml.document import Document
from ringback.voxml.problem import BadDocument
from ringback.webhooks.model import ErrorClass, Outcome

log = logging.getLogger("ringback.live")

Parse = Callable[[bytes], Document]
"""Reads a document. Raises BadDocument."""


class Failure(Struct, frozen=True):
    """Why there is no document. `error`: the attempt's class. `code`: the number for `ErrorCode`. `retried_by`: the policy that
    has it tried again, None: none. `detail`: one line in plain words."""

    error: ErrorClass
    code: int
    retried_by: Policy | None
    detail: str


FAILURES: Final[Mapping[ErrorClass, tuple[int, Policy | None]]] = {
    "status": (11200, None),  # its policy is the answer's class
    "dns": (11210, "ct"),
    "blocked": (11200, None),
    "connect": (11205, "ct"),
    "connect_timeout": (11205, "ct"),
    "tls": (11220, "ct"),
    "certificate": (11220, None),  # it is the same the next time
    "reset": (11206, "rt"),
    "timeout": (11200, "rt"),
    "protocol": (11206, None),
    "too_large": (11750, None),
    "proxy": (11205, "ct"),
    "request": (11100, None),
    "document": (12100, None),
}
"""Number and policy by error class."""


def failure(error: ErrorClass, detail: str) -> Failure:
    """A failure of the table."""
    code, policy = FAILURES[error]
    return Failure(error, code, policy, detail)


def judge_answer(outcome: Outcome, parse: Parse) -> Document | Failure:
    """The document in an answer. What parses is one, however it is labelled; nothing at all is an empty one."""
    if (wrong := judge_status(outcome)) is not None:
        return wrong
    if outcome.body_cut:
        return failure("too_large", "the document is larger than 64 kB")
    if not outcome.body.strip():
        return Document()
    try:
        return parse(outcome.body)
    except BadDocument as error:
        return failure("document", f"not a VoXML document: {error}")
    except Exception as error:  # whatever a document does to the parser, the caller must not be left in silence
        log.exception("a document could not be read")
        return failure("document", f"not a VoXML document: {type(error).__name__}")


def judge_status(outcome: Outcome) -> Failure | None:
    """What went wrong with an exchange whose body does not matter; None: nothing, it was answered 2xx."""
    if outcome.error or outcome.status is None:
        return failure(outcome.error or "reset", outcome.detail)
    if 200 <= outcome.status < 300:
        return None
    if 300 <= outcome.status < 400:
        return failure("status", f"answered {outcome.status}: redirects are not followed")
    policy: Policy | None = "4xx" if outcome.status < 500 else "5xx" if outcome.status < 600 else None
    return Failure("status", FAILURES["status"][0], policy, f"answered {outcome.status}")
