"""The fixtures of the black-box tests; what they are made of is in harness.py."""

from harness import api, new_call, receiver, receivers, server

__all__ = ["api", "new_call", "receiver", "receivers", "server"]
