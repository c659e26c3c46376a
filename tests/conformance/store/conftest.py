"""Every test here runs against every back end."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from store_backends import BACKENDS, Backend
from store_values import ACCOUNT, OTHER

from ringback.store.port import Account, Store


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """An empty database."""
    return BACKENDS[request.param](tmp_path)


@pytest.fixture
def opens(backend: Backend) -> Iterator[Callable[[], Store]]:
    """Opens the database, each time as another writer; all are closed at the end."""
    opened: list[Store] = []

    def open_one() -> Store:
        opened.append(backend.open())
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(opens: Callable[[], Store]) -> Store:
    """An open store with two accounts."""
    made = opens()
    for account in (ACCOUNT, OTHER):
        made.put_account(Account(id=account, name="an account", created_at_ms=1))
    return made
