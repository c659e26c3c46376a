"""What a server's processes have in common: how they log, and what they ask of Python's interpreter."""

import gc
import logging
import sys

_LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"


def log_to_stderr(level: int | str) -> None:
    """Log lines go to standard error, all in one form. `level`: of `logging`, by number or by name."""
    logging.basicConfig(level=level, format=_LINE, stream=sys.stderr)


def hand_over_soon() -> None:
    """Threads share the interpreter: who waits for it has it after a millisecond instead of the default 5, for latency's sake."""
    sys.setswitchinterval(0.001)


def settle() -> None:
    """Everything is made: what is there now stays, so the collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
