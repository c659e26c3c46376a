"""The fixtures of the browser tests; what they are made of is in browser_harness.py."""

import pytest
from browser_harness import browser, sample, visit

__all__ = ["browser", "sample", "visit"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this directory is a browser test."""
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
