"""Every story here is a coroutine that is told on each bench: `async def test_…(bench)`."""

import asyncio
import inspect
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from embedded_bench import REAL, EmbeddedBench, Together
from switch_benches import BENCHES, Bench

_together = pytest.StashKey[dict[str, Together]]()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """pjsua2 has no wheel for every Python that Ringback runs on."""
    if "bench" in metafunc.fixturenames:
        metafunc.parametrize("bench", [*BENCHES, *(REAL if find_spec("pjsua2") else ())], indirect=True)


@pytest.fixture
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    """A switch that has not begun yet."""
    make = BENCHES.get(request.param) or REAL[request.param]
    return make(tmp_path / "recordings")


@pytest.fixture(scope="session", autouse=True)
def _ends(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    for together in request.session.stash.get(_together, {}).values():
        together.close()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a story between the switch's start and its stop."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    if isinstance(pyfuncitem.funcargs.get("bench"), EmbeddedBench):
        _stories(pyfuncitem).ends[pyfuncitem.nodeid].result()
        return True
    wanted = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    asyncio.run(_told(pyfuncitem.obj, wanted))
    return True


def _stories(item: pytest.Function) -> Together:
    """Those of the item's module that are to be told with real phones, all begun with the first."""
    known = item.session.stash.setdefault(_together, {})
    module = str(item.path)
    if module not in known:
        items = [one for one in item.session.items if isinstance(one, pytest.Function) and str(one.path) == module]
        real = [one for one in items if one.callspec.params.get("bench") in REAL]
        known[module] = Together(real, item.funcargs["tmp_path"])
    return known[module]


async def _told(story: Any, wanted: dict[str, Any]) -> None:
    async with wanted["bench"]:
        await story(**wanted)
