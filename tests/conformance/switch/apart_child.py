"""The process of a switch under test: the embedded one, with doubles for speech. `Begin.more`: the file that `Knowing` reads."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from switch_doubles import Humming, Knowing

from ringback.switch.apart.child import Hosted, run
from ringback.switch.apart.messages import Begin
from ringback.switch.clock import LoopClock
from ringback.switch.embedded.switch import EmbeddedSwitch


def make(begin: Begin, recordings: Path, account_of: Callable[[str], str]) -> Hosted:
    switch = EmbeddedSwitch(
        LoopClock(asyncio.get_running_loop()),
        begin.sip,
        speaker=Humming(),
        library=Humming(),
        recogniser=Knowing(Path(begin.more.decode())),
        recordings=recordings,
        account_of=account_of,
    )

    async def close() -> None:
        """There is nothing to let go of."""

    return Hosted(switch, close)


if __name__ == "__main__":
    sys.exit(run(make))
