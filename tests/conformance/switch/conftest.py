"""Every story here is a coroutine that is told on each bench: `async def test_…(bench)`."""

import asyncio
import inspect
from pathlib import Path
from typing import Any

import pytest
from switch_benches import BENCHES, Bench


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    """A switch that has not begun yet."""
    return BENCHES[request.param](tmp_path / "recordings")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a story between the switch's start and its stop."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    asyncio.run(_told(pyfuncitem.obj, wanted))
    return True


async def _told(story: Any, wanted: dict[str, Any]) -> None:
    async with wanted["bench"]:
        await story(**wanted)
