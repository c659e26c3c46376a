"""Hypothesis' profiles: `ci` (the default) is the same on every run, `HYPOTHESIS_PROFILE=deep` looks further."""

import os

from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=100, database=None)
settings.register_profile("deep", deadline=None, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
