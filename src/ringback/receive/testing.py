"""Tests of a VoXML application with pytest, without a carrier: a fixture that simulates a call to it and says what happened.

    def test_sales(voxml_call):
        call = voxml_call("http://127.0.0.1:5000/voice", "digits 1, hangup")
        assert call.says[0].startswith("For sales")
        assert call.variables["menu.digits"] == "1"
        call.expect("asks /v/sales", "status completed")

The fixture is there wherever Ringback is installed beside pytest (entry point `pytest11`). A call takes milliseconds: its time is
virtual. It runs on a thread and an event loop of its own, so a test may have a loop running or not; a test whose own loop serves
the application calls it with `await asyncio.to_thread(voxml_call, …)`.
"""

import contextlib
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import pytest

# What runs a call is imported when the first one is made: every test run loads this plugin, whether or not it uses it.
if TYPE_CHECKING:
    from ringback.live.transcript import Ended, Problem, Transcript

Document = str | Path | Callable[..., Any]
"""An application's URL, a file, or a WSGI application."""


class Request:
    """One request to the application. `name`: what it is for (`incoming-call`, `gather-action`, `recording.completed`). `asks`: its
    answer is a document. `parameters`: all that it says, the variables in `Vars` also as `Vars.menu.digits`."""

    def __init__(self, name: str, asks: bool, method: str, url: str, parameters: Mapping[str, str]) -> None:
        self.name = name
        self.asks = asks
        self.method = method
        self.url = url
        self.parameters = parameters

    @property
    def path(self) -> str:
        """The URL's path."""
        return urlsplit(self.url).path

    def __repr__(self) -> str:
        return f"<{self.method} {self.url} {self.name}>"


class Webhook:
    """What an endpoint would have got. `name`: the event, in the dialect's words. `parameters`: its query, form or JSON, by dotted
    names (`data.call.id`)."""

    def __init__(
        self, name: str, method: str, url: str, headers: Mapping[str, str], body: str, parameters: Mapping[str, str]
    ) -> None:
        self.name = name
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.parameters = parameters

    def __repr__(self) -> str:
        return f"<{self.name} {self.method} {self.url}>"


class CallResult:
    """What happened on a simulated call. Its text is the transcript."""

    def __init__(self, transcript: "Transcript") -> None:
        self.transcript = transcript
        """Everything, as values (`ringback.live.transcript`), in order."""

    def __str__(self) -> str:
        from ringback.live import transcript
        from ringback.live.telling import text_of

        return text_of(entry for entry in self.transcript if not isinstance(entry, transcript.Webhook))

    @property
    def says(self) -> list[str]:
        """What was said to anybody on the call, in order; what was cut off before it began is not in it."""
        from ringback.live.transcript import Played

        return [played.value for played in self.transcript.of(Played) if played.what == "speech"]

    @property
    def plays(self) -> list[str]:
        """The files that were played, by URL."""
        from ringback.live.transcript import Played

        return [played.value for played in self.transcript.of(Played) if played.what == "sound"]

    @property
    def dials(self) -> list[str]:
        """The numbers that were called."""
        from ringback.live.transcript import Leg

        return [leg.to for leg in self.transcript.of(Leg) if leg.state == "dialled"]

    @property
    def requests(self) -> list[Request]:
        """What the application was asked and told, in order; each try is one."""
        from ringback.live.transcript import Requested

        return [Request(r.name, r.asks, r.method, r.url, dict(r.parameters)) for r in self.transcript.of(Requested)]

    def webhooks(self, dialect: str) -> list[Webhook]:
        """What an endpoint of a dialect (`voc`, `bird`, …) would have got, in order. Raises InvalidInput for a dialect that
        there is not."""
        from ringback.dialects.trial import find_dialect
        from ringback.live import transcript

        find_dialect(dialect)
        told = [one for one in self.transcript.of(transcript.Webhook) if one.dialect == dialect]
        return [Webhook(one.name, one.method, one.url, dict(one.headers), one.body, dict(one.parameters)) for one in told]

    @property
    def ended(self) -> "Ended":
        """How it ended, in full."""
        return self.transcript.ended

    @property
    def status(self) -> str:
        """How it ended: `completed`, `no-answer`, `busy`, `failed` or `cancelled`."""
        return self.ended.status

    @property
    def duration_s(self) -> int:
        """Whole seconds from its beginning to its end, in its own time."""
        return self.ended.duration_s

    @property
    def variables(self) -> dict[str, str]:
        """The call's variables at its end, by name (`menu.digits`)."""
        return self.ended.variables

    @property
    def problems(self) -> "list[Problem]":
        """All that was not as it should be, errors and warnings."""
        from ringback.live.transcript import Problem

        return self.transcript.of(Problem)

    def expect(self, *expectations: str) -> None:
        """Checks expectations as `ringback voxml run --expect` does, in order. Raises AssertionError that says what was there
        instead, with the transcript; ExpectationError for one that cannot be read."""
        __tracebackhide__ = True
        from ringback.live.expectations import read_expectation
        from ringback.live.judging import judge

        verdicts = judge([read_expectation(text) for text in expectations], self.transcript)
        failed = [f"✗ {verdict}" for verdict in verdicts if not verdict.ok]
        if failed:
            raise AssertionError("\n".join([*failed, "", str(self)]))


class VoxmlCall(Protocol):
    """The fixture."""

    def __call__(
        self,
        document: Document,
        script: str = "",
        *,
        path: str = "/",
        expect: Sequence[str] = (),
        allow_problems: bool = False,
        **options: Any,
    ) -> CallResult: ...


def simulate_call(
    document: Document,
    script: str = "",
    *,
    path: str = "/",
    expect: Sequence[str] = (),
    allow_problems: bool = False,
    **options: Any,
) -> CallResult:
    """Simulates a call to an application and waits for its end.

    `document`: a URL (loopback and private addresses, and plain http, are allowed), a file, or a WSGI application, which is served
    on loopback meanwhile and asked at `path`. `script`: what the caller does, and whoever is called. `expect`: see
    `CallResult.expect`. `allow_problems`: a bad document, or an application that does not answer, is no failure. `options`: fields
    of `ringback.live.simulation.Setup` (`from_`, `to`, `direction`, `variables`, `seed`, …); the webhooks of all dialects are there
    unless `dialects` names some.

    Raises AssertionError with the transcript for problems and expectations, InvalidInput for a script or a file that cannot be
    read.
    """
    __tracebackhide__ = True
    from ringback.dialects import load_dialects
    from ringback.live.simulation import Setup, run

    options.setdefault("dialects", tuple(load_dialects()))
    with _located(document, path) as where:
        result = CallResult(run(Setup(document=where, script=script, **options)))
    if result.transcript.errors and not allow_problems:
        raise AssertionError("\n".join([*(f"✗ {problem.message}" for problem in result.transcript.errors), "", str(result)]))
    result.expect(*expect)
    return result


@pytest.fixture
def voxml_call() -> VoxmlCall:
    """Simulates a call to a VoXML application: `voxml_call(url, "digits 1, hangup")` gives a CallResult."""
    return simulate_call


@contextlib.contextmanager
def _located(document: Document, path: str) -> Iterator[str]:
    if isinstance(document, str | Path):
        yield str(document)
        return
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

    class Server(WSGIServer):
        def server_bind(self) -> None:
            """As its parents, without asking the resolver for this machine's name."""
            socketserver.TCPServer.server_bind(self)
            self.server_name, self.server_port = "127.0.0.1", self.server_address[1]
            self.setup_environ()

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Requests are in the transcript."""

    with Server(("127.0.0.1", 0), Quiet) as server:
        server.set_app(document)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, name="wsgi", daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{path}"
        finally:
            server.shutdown()
            thread.join()
