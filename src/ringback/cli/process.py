"""What every command's process does: its failures become one line and an exit code, its coroutine runs on the chosen loop.

Imports nothing large, so that a command which only says what is wrong says it at once.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec

from ringback.errors import BadSettings, CallerError, RingbackError

_T = TypeVar("_T")


def guarded(work: Callable[[], int]) -> int:
    """Runs a command's work; its failures become one line on stderr and an exit code: 2 for what the user gave, 1 else."""
    try:
        return work()
    except (BadSettings, CallerError, msgspec.ValidationError) as error:
        print(f"ringback: {error}", file=sys.stderr)
        return 2
    except (RingbackError, ConnectionError, TimeoutError) as error:
        print(f"ringback: {error}", file=sys.stderr)
        return 1


def run_on_loop(loop: str, main: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Runs a coroutine on the event loop that the settings choose: uvloop where it is installed, unless told otherwise."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if loop != "asyncio":
        try:
            import uvloop

            factory = uvloop.new_event_loop
        except ImportError:
            if loop == "uvloop":
                raise BadSettings("loop: uvloop is not installed; pip install 'ringback[fast]'") from None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main())
