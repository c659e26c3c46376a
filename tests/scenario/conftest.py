"""The fixtures of the black-box tests; what they are made of is in harness.py and live_harness.py."""

from harness import api, new_call, receiver, receivers, server
from live_harness import application, applications, live_api, switchboard
from sip_calls import exchange, lines_are_quiet, sip_api

__all__ = [
    "api",
    "application",
    "applications",
    "exchange",
    "lines_are_quiet",
    "live_api",
    "new_call",
    "receiver",
    "receivers",
    "server",
    "sip_api",
    "switchboard",
]
