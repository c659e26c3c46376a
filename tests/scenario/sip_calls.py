"""A server with the embedded switch, real phones that call it and are called, and what was on their lines.

Everything is on loopback: the phones of 127.0.0.1 are the trunk `carrier`, which takes calls to numbers too; a phone that registers
is at 127.0.0.3, and 127.0.0.9 is nobody's.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import Api, Server, start_server, until
from live_harness import has_number
from sip_phones import HERE, PhoneProcess, tone, write_wav

BOB = {"user": "bob", "password": "builder's", "extension": "7001"}


class Line:
    """One call of a phone."""

    def __init__(self, phone: PhoneProcess, call: str) -> None:
        self.phone, self.call = phone, call

    def do(self, order: str, **more: Any) -> None:
        self.phone.do(order, call=self.call, **more)

    def is_up(self) -> "Line":
        self.phone.state(self.call, "CONFIRMED")
        self.phone.wait("media", call=self.call, active=True)
        return self

    def rings(self) -> "Line":
        self.phone.state(self.call, "EARLY")
        return self

    def answers(self, status: int = 200) -> "Line":
        self.do("status", status=status)
        return self

    def hangs_up(self) -> None:
        self.do("hangup")
        self.is_over()

    def is_over(self, within_s: float = 20) -> int:
        """Its last SIP status."""
        status = int(self.phone.state(self.call, "DISCONNECTED", within_s)["status"])
        self.phone.wait("gone", call=self.call)
        return status

    def presses(self, keys: str) -> None:
        self.do("press", keys=keys)

    def hums(self, folder: Path, hz: int, seconds: float) -> None:
        self.do("play", file=str(write_wav(folder / f"{hz}-{seconds}.wav", tone(hz, seconds))))

    def records(self, file: Path) -> Path:
        self.do("record", file=str(file))
        return file


class Exchange:
    """The server and its phones."""

    def __init__(self, server: Server, sip_port: int, caller: PhoneProcess, carrier: PhoneProcess) -> None:
        self.server, self.sip_port, self.caller, self.carrier = server, sip_port, caller, carrier

    def account(self) -> Api:
        return self.server.account()

    def calls(self, to: str, from_: str = "+13005550100") -> Line:
        """Somebody calls a number."""
        return Line(self.caller, self.caller.call(to, self.sip_port, from_))

    def called(self) -> Line:
        """The next call that comes to the carrier. To be made before it is: `next_call = exchange.expects()`."""
        return self.expects()()

    def expects(self) -> Any:
        """Waits, when it is called, for the call that comes to the carrier next from now on."""
        before = self._came_in()

        def came(number: int = 1) -> Line:
            name = until(lambda: self._came_in()[len(before) + number - 1 :], 20)[0]
            return Line(self.carrier, name)

        return came

    def _came_in(self) -> list[str]:
        return [told["call"] for told in list(self.carrier.events) if told["event"] == "incoming"]

    def call_id(self, api: Api) -> str:
        """The id of the account's latest call; its legs are none."""
        return str(until(lambda: [call for call in api.get("/v1/calls")["items"] if not call.get("parent")])[0]["id"])


def sip_config(folder: Path, carrier: int, **more: Any) -> Path:
    """A file for --sip-config."""
    trunk = {"name": "carrier", "addresses": [f"{HERE}/32"], "host": HERE, "port": carrier}
    told = {"trunks": [trunk], "phones": [BOB], "phones_from": ["127.0.0.3/32"], "rtp_ports": [22_000, 25_999], **more}
    file = folder / "sip.json"
    file.write_text(json.dumps(told))
    return file


def sip_port_of(server: Server) -> int:
    """Where it listens for SIP, from its log."""
    lines = until(lambda: [line for line in server.log.read_text().splitlines() if "sip.listening" in line])
    return int(lines[-1].split("port=")[1].split()[0])


def start_exchange(data: Path, config: Path, *options: str, **more: Any) -> Server:
    """A server with the embedded switch on a free port."""
    wanted = ("--switch", "embedded", "--sip-config", str(config), "--sip-listen", f"{HERE}:0", "--drain-s", "1")
    return start_server(data, *wanted, *options, **more)


@pytest.fixture(scope="session")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    """One for all: an account of its own for each test."""
    folder = tmp_path_factory.mktemp("exchange")
    with PhoneProcess() as caller, PhoneProcess() as carrier:
        server = start_exchange(folder / "data", sip_config(folder, carrier.port))
        yield Exchange(server, sip_port_of(server), caller, carrier)
        assert server.stop() == 0, server.log.read_text()
    log = server.log.read_text()
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:5_000]


@pytest.fixture(autouse=True)
def lines_are_quiet(request: pytest.FixtureRequest) -> Iterator[None]:
    """No phone takes a call of one test into the next."""
    yield
    if "exchange" in request.fixturenames:
        known: Exchange = request.getfixturevalue("exchange")
        known.caller.clear()
        known.carrier.clear()


@pytest.fixture
def sip_api(exchange: Exchange) -> Api:
    return exchange.account()


def number_with(api: Api, url: str, **voice: Any) -> str:
    """A number of the account whose calls an application is asked about."""
    return has_number(api, None, voice={"url": url, **voice})


def recording_of(api: Api, call: str, file: Path) -> Path:
    """The call's recording, from the API."""

    def there() -> bytes:
        status, _, body = api.raw("GET", f"/v1/calls/{call}/recording")
        return body if status == 200 else b""

    file.write_bytes(until(there, 15))
    return file


def passes(seconds: float) -> None:
    """Time on the line, which nothing can make shorter."""
    time.sleep(seconds)
