"""The fixtures of the black-box tests; what they are made of is in harness.py and live_harness.py."""

from harness import api, new_call, receiver, receivers, server
from live_harness import application, applications, live_api, switchboard

__all__ = ["api", "application", "applications", "live_api", "new_call", "receiver", "receivers", "server", "switchboard"]
