"""What the platforms without a signature have in common: the rules for their endpoints, and filters over the conversation."""

from collections.abc import Collection

from ringback.calls.directory import Place
from ringback.calls.model import STATUSES, Event
from ringback.dialects.rules import check_events, check_filters, check_method, check_url
from ringback.dialects.story import extension_of
from ringback.errors import InvalidInput
from ringback.webhooks.model import Endpoint, Method


class Unsigned:
    """Base of the dialects whose platform describes no signature: nothing to sign, nothing to wait for, filters by conversation."""

    name: str
    events: tuple[str, ...]
    methods: tuple[Method, ...]
    filter_keys: frozenset[str] = frozenset({"direction", "number", "extension", "status"})
    status_words: Collection[str] = STATUSES

    def filter_value(self, key: str, event: Event, place: Place) -> str | None:
        """`direction` and `number` are the conversation's (the number is the account's own, with its plus); `extension` is the one
        that the event is about; `status` is the event's own, or the leg's for events of another kind."""
        if key == "direction":
            return event.root.direction
        if key == "number":
            return place.number.number
        if key == "extension":
            return extension_of(event)
        return self.status_word(event) if key == "status" else None

    def status_word(self, event: Event) -> str | None:
        """The status that a `status` filter is compared with."""
        status = event.type.removeprefix("call.")
        return status if status in STATUSES else event.call.status

    def check_endpoint(self, endpoint: Endpoint, *, allow_http: bool, allow_network: bool) -> None:
        """The platform's rules for an endpoint; `allow_network` lifts none of them, for no platform here has a rule on hosts.

        Raises InvalidInput with the field: a URL that is not https (or http if `allow_http`), a method that the platform does not
        use, an unknown event or filter, a secret (nothing would be signed with it).
        """
        del allow_network
        check_url(endpoint, allow_http=allow_http)
        check_method(endpoint, self.methods)
        check_events(endpoint, self.events)
        wishes = {"direction": ("inbound", "outbound"), "number": None, "extension": None, "status": self.status_words}
        check_filters(endpoint, wishes)
        if endpoint.secrets:
            raise InvalidInput(f"{self.name} does not sign its webhooks: put a token into the URL instead", "secret")

    def new_secret(self, random_bytes: bytes) -> str | None:
        """None: the platform does not sign."""
        del random_bytes
        return None

    def hold_until_ms(self, event: Event, endpoint: Endpoint) -> int | None:
        """None: nothing waits."""
        del event, endpoint
        return None

    def complete(self, root_now: Event) -> bool:
        """True: nothing waits."""
        del root_now
        return True
