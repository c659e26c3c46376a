"""A server with a simulated switch, and applications that answer with VoXML."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from harness import Api, Got, Receiver, Server, running_receiver, start_server, until

CALLER, NUMBER, SALES = "+61288880000", "+611800111222", "+61298765432"
FINAL = ("completed", "no-answer", "busy", "failed", "cancelled")


def start_with_switch(data: Path, *options: str, **more: Any) -> Server:
    """A server whose calls are played by scripts."""
    return start_server(data, "--switch", "simulated", "--drain-s", "1", *options, **more)


@pytest.fixture(scope="session")
def switchboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start_with_switch(tmp_path_factory.mktemp("switchboard") / "data")
    yield running
    assert running.stop() == 0, running.log.read_text()
    log = running.log.read_text()
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:5_000]


@pytest.fixture
def live_api(switchboard: Server) -> Api:
    return switchboard.account()


class Application:
    """Answers with the document of the path that is asked; an unknown path ends the call."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.documents: dict[str, str | Callable[[dict[str, str]], str]] = {}
        receiver.answer = self._answer

    def url(self, path: str) -> str:
        return self.receiver.url + path

    def asked(self, path: str) -> list[dict[str, str]]:
        """The parameters of every request to a path."""
        return [parameters(got) for got in list(self.receiver.all) if urlsplit(got.path).path == path]

    def _answer(self, got: Got) -> tuple[int, dict[str, str], bytes]:
        document = self.documents.get(urlsplit(got.path).path, "")
        text = document if isinstance(document, str) else document(parameters(got))
        return 200, {"Content-Type": "application/xml"}, f"<Response>{text}</Response>".encode()


@pytest.fixture
def application() -> Iterator[Application]:
    with running_receiver() as receiver:
        yield Application(receiver)


@pytest.fixture
def applications() -> Iterator[Callable[[], Application]]:
    with contextlib.ExitStack() as stack:
        yield lambda: Application(stack.enter_context(running_receiver()))


def parameters(got: Got) -> dict[str, str]:
    """What a request carries, in its query or its form."""
    text = urlsplit(got.path).query if got.method == "GET" else got.body.decode()
    return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True, strict_parsing=bool(text)).items()}


def number_of(api: Api) -> str:
    """A number of its own for each account: one server serves all tests."""
    digits = "".join(str(int(digit, 16) % 10) for digit in api.account.replace("-", "")[:9])
    return f"+61{digits}"


def has_number(api: Api, voice_url: str | None, number: str | None = None, **more: Any) -> str:
    """Registers a number whose calls an application is asked about."""
    number = number or number_of(api)
    voice = {} if voice_url is None else {"voice": {"url": voice_url}}
    api.post("/v1/numbers", {"number": number, **voice, **more})
    return number


def comes_in(api: Api, to: str, script: str, from_: str = CALLER, **more: Any) -> str:
    """A call comes in; its id."""
    return str(api.post("/v1/simulated-calls", {"from": from_, "to": to, "script": script, **more})["id"])


def placed(api: Api, **call: Any) -> str:
    """A call is placed; its id."""
    return str(api.post("/v1/calls", {"to": CALLER, "from": NUMBER, **call})["id"])


def call_of(api: Api, call: str) -> dict[str, Any]:
    """The call, or nothing as long as nobody knows it."""
    status, answer = api.call("GET", f"/v1/calls/{call}")
    return dict(answer) if status == 200 else {}


def in_status(api: Api, call: str, *statuses: str, within_s: float = 15) -> dict[str, Any]:
    """The call with its legs and events, once it is in one of these states."""

    def there() -> dict[str, Any]:
        found = call_of(api, call)
        return found if found and found["call"].get("status") in statuses else {}

    return dict(until(there, within_s))


def over(api: Api, call: str, within_s: float = 20) -> dict[str, Any]:
    """The call with its legs and events, once all of it has ended and is not live any more."""

    def there() -> dict[str, Any]:
        found = call_of(api, call)
        legs = [found["call"], *found["legs"]] if found else []
        return found if legs and all(leg.get("status") in FINAL and "live" not in leg for leg in legs) else {}

    return dict(until(there, within_s))


def events(call: dict[str, Any], leg: str | None = None) -> list[str]:
    """The types of a call's events, in order; of one leg, if it is named."""
    return [event["type"].removeprefix("call.") for event in call["events"] if leg is None or event["call_id"] == leg]
