"""The program that the embedded switch's process runs: `python -m ringback.engine.switch_process`, with the number of its pipe.

What it imports is what it needs, and nothing of the web's: it has to be there within a second.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from ringback.delivery.resolver import Resolver
from ringback.engine.speech import SoundParts
from ringback.engine.switch_told import understood
from ringback.switch.apart.child import Hosted, run
from ringback.switch.apart.messages import Begin
from ringback.switch.clock import LoopClock
from ringback.switch.embedded.switch import EmbeddedSwitch


def make(begin: Begin, recordings: Path, account_of: Callable[[str], str]) -> Hosted:
    """The embedded switch, with its sound. Raises BadSettings."""
    loop = asyncio.get_running_loop()
    settings, nameservers = understood(begin.more)
    resolver = Resolver(loop, nameservers=nameservers, give_up_s=settings.sender.connect_timeout_s)
    parts = SoundParts(settings, loop, resolver)
    parts.speaker.start()
    switch = EmbeddedSwitch(
        LoopClock(loop),
        begin.sip,
        speaker=parts.speaker,
        library=parts.sounds,
        recogniser=parts.listening,
        recordings=recordings,
        account_of=account_of,
    )

    async def close() -> None:
        await parts.close()
        await resolver.close()

    return Hosted(switch, close)


if __name__ == "__main__":
    sys.exit(run(make))
