"""What pages say in place of codes: states, conditions, error classes with what to do about them. Tables, so that a word is changed
in one place."""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Said(NamedTuple):
    """`tone`: the badge's colour: good, bad, warn, info, idle."""

    text: str
    tone: str


STATES: Final[Mapping[str, Said]] = {
    "pending": Said("waiting", "info"),
    "sending": Said("sending", "info"),
    "succeeded": Said("succeeded", "good"),
    "retrying": Said("retrying", "warn"),
    "exhausted": Said("gave up", "bad"),
    "cancelled": Said("cancelled", "idle"),
    "skipped": Said("skipped", "idle"),
    "running": Said("running", "info"),
    "done": Said("done", "good"),
    "healthy": Said("healthy", "good"),
    "failing": Said("failing", "warn"),
    "disabled": Said("stopped", "bad"),
    "off": Said("paused", "idle"),
    "accepted": Said("accepted", "info"),
    "starting": Said("starting", "info"),
    "ringing": Said("ringing", "info"),
    "ongoing": Said("ongoing", "good"),
    "completed": Said("completed", "idle"),
    "no-answer": Said("no answer", "idle"),
    "busy": Said("busy", "idle"),
    "failed": Said("failed", "bad"),
}
"""States of deliveries, jobs, endpoints and calls, as badges."""


class Fault(NamedTuple):
    """An error class in plain words, and what to do about it."""

    what: str
    do: str


FAULTS: Final[Mapping[str, Fault]] = {
    "status": Fault("It answered, with a status that does not count as success.", "Look at the answer: it is the receiver's own."),
    "dns": Fault("The name did not resolve.", "Check the host in the URL and its DNS records."),
    "blocked": Fault(
        "The address is one that webhooks may not go to.",
        "Use a public https URL, or ask the operator to allow the network (--allow-network, --allow-http).",
    ),
    "connect": Fault(
        "Nothing listens there, or it cannot be reached.", "Check that the receiver runs and that a firewall lets us in."
    ),
    "connect_timeout": Fault("No connection came about in time.", "Check that a firewall does not drop our packets."),
    "tls": Fault("The TLS handshake failed.", "Check that the port speaks TLS 1.2 or 1.3."),
    "certificate": Fault(
        "The certificate is not one that we trust.", "Renew it, send the whole chain, or give the endpoint your own CA."
    ),
    "reset": Fault("The connection was closed before a whole answer came.", "Look for a crash or a proxy's limit at the receiver."),
    "timeout": Fault("Connected, but no whole answer came in time.", "Answer first and work afterwards."),
    "protocol": Fault("What came back is no HTTP.", "Check the scheme and the port of the URL."),
    "too_large": Fault("The answer's headers are too large.", "Send fewer or shorter headers."),
    "proxy": Fault("The installation's own proxy failed.", "Ask the operator."),
    "request": Fault("The request could not be made.", "Look at what is said beside it; ask the operator if it stays."),
    "document": Fault("The answer is no VoXML document.", "Check the document with the VoXML checker."),
}

DIALECTS: Final[Mapping[str, tuple[str, str]]] = {
    "standard": ("Standard Webhooks", "Signed JSON by an open standard; the one to choose for new receivers."),
    "bird": ("Bird", "Signed JSON as Bird (MessageBird) sends it."),
    "fonedynamics": ("Fone Dynamics", "Flat parameters by GET or POST; Call.Complete waits for announced facts."),
    "voc": ("Voice Over Cloud", "Everything in the query string, no body, exactly 200 counts."),
    "voxtelesys": ("Voxtelesys", "Status callbacks as a form, by GET or POST."),
}
"""Title and one line for each dialect that is built in; others are shown by their name."""

ORDERS: Final[Mapping[str, tuple[str, str]]] = {
    "call": ("By call", "The next event of a call waits until the one before has been tried once."),
    "strict": ("Strict", "The next event of a call waits until the one before has arrived or was given up."),
    "none": ("None", "Nothing waits for anything."),
}
FILTER_KEYS: Final[Mapping[str, str]] = {
    "status": "Status",
    "channelId": "Channel id",
    "direction": "Direction",
    "number": "Number",
    "extension": "Extension",
}
