"""Hypothesis' profiles: `ci` (the default) is the same on every run, `HYPOTHESIS_PROFILE=deep` looks further. And what a test does
where a real part that it `needs` is missing: it fails, and says what to do."""

import os
import shutil
from importlib.util import find_spec

import pytest
from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=100, database=None)
settings.register_profile("deep", deadline=None, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test that passed over what is missing would look like one that has passed."""
    for mark in item.iter_markers("needs"):
        missing = [name for name in mark.args if shutil.which(name) is None and find_spec(name) is None]
        if missing:
            pytest.fail(f"{', '.join(missing)}: not installed. Run python3 tools/setup.py test", pytrace=False)
