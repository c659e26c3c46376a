"""`ringback serve`, with an application that is asked all the while: beside whatever else the server does, on the same loop.

    BENCH_ASK_URL=http://127.0.1.250:18201/voice BENCH_ASK_FILE=asked.txt python bench/asking_server.py ringback serve --data …

Each line of the file is one request: the monotonic second at which it was due, the milliseconds from then to its document, and
those of them before it was made. What a busy loop delays counts.
"""

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Final

from ringback.calls.directory import Place, default_number
from ringback.calls.model import Call
from ringback.cli import serve as serving
from ringback.cli.main import app
from ringback.dialects.contract import HttpRequest
from ringback.dialects.instructions import instruction_request
from ringback.engine.server import Engine
from ringback.live.asking import Asked, Asker, Question, Reply
from ringback.live.cookies import Jar
from ringback.settings import Settings
from ringback.voxml.model import Pairs
from ringback.voxml.parse import parse
from ringback.webhooks.model import Method

EVERY_S: Final = 0.02
ACCOUNT: Final = "5f0e3a52-0000-4000-8000-000000000001"
NUMBER: Final = "+61288800000"
CALL: Final = Call(
    account=ACCOUNT, id="asked", root="asked", direction="inbound", from_="+61255500001", to=NUMBER, status="starting"
)
PLACE: Final = Place(organization_id=ACCOUNT, account=ACCOUNT, number=default_number(ACCOUNT, NUMBER))

_serve = serving.serve


class Application:
    """Asked every EVERY_S."""

    def __init__(self, engine: Engine, url: str, file: Path) -> None:
        self._loop = engine.loop
        self._asker = Asker(loop=engine.loop, sender=engine.sender, parse=parse, log=self)
        self._url = url
        self._file = file.open("a")
        self._due = engine.loop.time()
        self._lines: list[str] = []

    def asked(self, told: Asked) -> None:
        """Nothing of it goes into the store: its account is nobody's."""

    def ask(self) -> None:
        """One request, and the next one's time."""
        due, made = self._due, time.monotonic()

        def done(reply: Reply) -> None:
            if reply.source != "application":
                raise RuntimeError(f"no answer: {reply.failures}")
            # Both loops count from the same moment as the monotonic clock; uvloop's own reading is as old as its turn.
            self._lines.append(f"{due:.6f} {(time.monotonic() - due) * 1000:.3f} {(made - due) * 1000:.3f}\n")
            if len(self._lines) >= 50:
                self._file.writelines(self._lines)
                self._file.flush()
                self._lines = []

        question = Question(account=ACCOUNT, leg="asked", name="incoming-call", url=self._url, method="POST", make=_make, jar=Jar())
        self._asker.ask(question, done)
        self._due += EVERY_S
        self._loop.call_at(self._due, self.ask)


def _make(url: str, method: Method, extra: Pairs) -> HttpRequest:
    return instruction_request(CALL, CALL, PLACE, url=url, method=method, extra=extra)


async def _with_application(settings: Settings, stop: asyncio.Event | None = None) -> int:
    def started(engine: Engine, _port: int) -> None:
        Application(engine, os.environ["BENCH_ASK_URL"], Path(os.environ["BENCH_ASK_FILE"])).ask()

    return await _serve(settings, started, stop)


if __name__ == "__main__":
    serving.serve = _with_application  # type: ignore[assignment]
    app(sys.argv[2:])
