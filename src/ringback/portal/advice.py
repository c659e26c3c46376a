"""What an answer that did not count as success means, and what to do about it: by its status. Pure."""

from collections.abc import Mapping
from typing import Final

from ringback.portal.words import FAULTS, Fault

_STATUSES: Final[Mapping[int, Fault]] = {
    400: Fault("It found fault with the request (400).", "Look at its answer: the receiver says what it misses."),
    401: Fault("It wants somebody it knows (401).", "Give the endpoint credentials, or take the login away from this path."),
    403: Fault("It lets us in, but not there (403).", "Look for a firewall, an allow-list or a signature check at the receiver."),
    404: Fault("There is nothing at that path (404).", "Check the path of the URL, and whether the receiver is deployed."),
    405: Fault("It does not take this method there (405).", "Change the endpoint's method, or the receiver's route."),
    408: Fault("It waited too long for the request (408).", "Look for an overloaded proxy in front of the receiver."),
    410: Fault("It says that it is gone for good (410).", "Switch the endpoint on again once the receiver is back."),
    413: Fault("The body is too large for it (413).", "Raise the limit of the receiver or of the proxy before it."),
    415: Fault("It does not take this kind of body (415).", "Choose the dialect that the receiver was written for."),
    422: Fault("It read the request and refused what it says (422).", "Look at its answer: the receiver says what is wrong."),
    429: Fault("It gets too many (429).", "Give the endpoint a rate, or raise the receiver's limit."),
    502: Fault("The proxy before it got no answer (502).", "Check that the receiver runs behind its proxy."),
    503: Fault("It is not there for now (503).", "Nothing, if it comes back: it is tried again."),
    504: Fault("The proxy before it waited too long (504).", "Answer first and work afterwards."),
}
_RANGES: Final[Mapping[int, Fault]] = {
    2: Fault("It answered well, but not as this platform wants it.", "Answer with the status that the platform counts as success."),
    3: Fault("It sent us elsewhere, and webhooks do not follow.", "Put the address that it names into the endpoint's URL."),
    5: Fault("The receiver failed.", "Look into its own log at this time; then resend."),
}


def of_status(status: int) -> Fault:
    """What such a status means, of an answer that did not count."""
    return _STATUSES.get(status) or _RANGES.get(status // 100) or FAULTS["status"]
