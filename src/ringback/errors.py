"""Every failure that Ringback raises, in one tree that says whose fault it was.

    RingbackError
    ├── CallerError            the one who asked: a bad request, a wrong key            (4xx)
    │   ├── InvalidInput       a field that is wrong; `field` is its JSON path          (422)
    │   ├── Unauthorized       no key, or a key that is not known                       (401)
    │   ├── Forbidden          a key that may not do this                               (403)
    │   ├── NotFound           no such thing in this account                            (404)
    │   ├── Conflict           it is there already, or was changed meanwhile            (409)
    │   ├── TooLarge           body over the cap                                        (413)
    │   ├── WrongMedia         a file of a kind that is not taken                       (415)
    │   └── TooMany            rate or pending cap                                      (429)
    ├── EndpointError          the receiver: refused, timed out, answered wrongly (recorded as an attempt, never raised)
    │   └── Blocked            the guard refused the address or the scheme
    ├── SwitchError            a switch that spoke out of turn or went away
    └── OurError               us
        ├── StoreUnavailable   disk full, database away: nothing was accepted           (503)
        └── BadSettings        the installation's settings do not hold together        (exit 2)

A customer-facing message never carries operator detail or a secret.
"""


class RingbackError(Exception):
    """Root of the tree. `str(error)` is safe to show to the one whose fault it was."""


class CallerError(RingbackError):
    """The request was wrong. `status` is the HTTP status that says so."""

    status = 400


class InvalidInput(CallerError):
    """A field of the input is wrong. `field` is its JSON path (`call.from`), empty for the whole."""

    status = 422

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class Unauthorized(CallerError):
    """No key, or one that is not known."""

    status = 401


class Forbidden(CallerError):
    """A known key that may not do this."""

    status = 403


class NotFound(CallerError):
    """No such thing, or not this account's: the two are not told apart."""

    status = 404


class Conflict(CallerError):
    """It exists already, or was changed meanwhile."""

    status = 409


class TooLarge(CallerError):
    """The body is over the cap."""

    status = 413


class WrongMedia(CallerError):
    """A file of a kind that is not taken, by its Content-Type or by its first bytes."""

    status = 415


class TooMany(CallerError):
    """A rate or a cap was met. `retry_after_s` says when to come again."""

    status = 429

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class EndpointError(RingbackError):
    """The receiver's fault: kept as an attempt, never raised to a producer."""


class Blocked(EndpointError):
    """The guard refused the URL's scheme or the address behind it."""


class SwitchError(RingbackError):
    """A switch broke its protocol, or went away."""


class OurError(RingbackError):
    """Our own fault, or our installation's."""


class StoreUnavailable(OurError):
    """The store could not take it: nothing of the request was accepted."""

    retry_after_s = 1


class BadSettings(OurError):
    """The settings do not hold together; the message names the setting."""
