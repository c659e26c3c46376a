"""Ringback: what happens to phone calls becomes webhooks that arrive."""

__version__ = "0.1.0"
