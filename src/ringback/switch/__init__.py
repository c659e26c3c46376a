"""Switches as sources of updates (FreeSWITCH)."""
