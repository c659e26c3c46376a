"""docs/first-call.md, as it is written, with pjsua2 as the softphone: only ports are changed."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Api, free_port, until
from sip_calls import Line, passes
from sip_phones import PhoneProcess, needs_phones, read_wav, seconds_of

pytestmark = needs_phones
PAGE = (Path(__file__).parents[2] / "docs" / "first-call.md").read_text()


class Desk:
    """A folder as the page makes it, and its commands with ports of our own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {"5060": str(free_port()), "8080": str(free_port()), "8000": str(free_port())}
        self.shell = self.blocks("sh")
        (folder / "sip.json").write_text(self.blocks("json")[0])
        for name, text in zip(("hello.xml", "message.xml"), self.blocks("xml"), strict=True):
            (folder / name).write_text(text)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("RINGBACK_")}
        self.environment = {**clean, "PATH": f"{Path(sys.executable).parent}:{clean['PATH']}"}

    def blocks(self, language: str) -> list[str]:
        found: list[str] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
        return [re.sub("5060|8080|8000", lambda port: self.ports[port[0]], text) for text in found]

    def run(self, command: str) -> str:
        """A command of the page."""
        done = subprocess.run(
            ["bash", "-ec", command], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def starts(self, command: str, log: str) -> "subprocess.Popen[bytes]":
        with (self.folder / log).open("wb") as out:
            words = command.replace("\\\n", " ").removesuffix(" &\n")
            return subprocess.Popen(
                ["bash", "-c", f"exec env {words}"], cwd=self.folder, env=self.environment, stdout=out, stderr=out
            )


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    server = made.starts(made.shell[1], "server.log")
    documents = made.starts(made.shell[2], "documents.log")
    try:
        listening = f"127.0.0.1:{made.ports['8080']}"
        until(lambda: listening in (tmp_path / "server.log").read_text(), 20)
        yield made
    finally:
        documents.terminate()
        documents.wait()
        server.terminate()
        assert server.wait(20) == 0, (tmp_path / "server.log").read_text()


def test_a_softphone_calls_the_document_and_is_called(desk: Desk) -> None:
    made = json.loads(desk.run(desk.shell[3]))
    assert made["number"] == "100"
    port = int(desk.ports["5060"])
    with PhoneProcess() as phone:
        uri = phone.register(port, "desk", "a long password")
        phone.wait("registered", status=200)
        line = Line(phone, phone.call("100", port, uri)).is_up()
        heard = line.records(desk.folder / "heard.wav")
        passes(1.0)
        line.presses("1")
        passes(3.5)
        line.hums(desk.folder, 700, 1.5)
        passes(1.8)
        line.presses("#")
        line.is_over()
        assert max(map(abs, read_wav(heard)[0])) > 1_000
        api = Api(int(desk.ports["8080"]), json.loads((desk.folder / "account.json").read_text())["key"])
        until(lambda: api.get("/v1/calls")["items"][0]["status"] == "completed")
        shown = until(lambda: desk.run(desk.shell[4]))
        assert json.loads(shown)["call"]["from"] == "7000"
        assert seconds_of(read_wav(desk.folder / "message.wav")[0], 700) > 1.2
        desk.run(desk.shell[5])
        Line(phone, phone.incoming()).answers().is_up().is_over()


def test_the_pages_table_of_the_port_range_is_true() -> None:
    from ringback.switch.embedded.settings import EmbeddedSettings

    settings = EmbeddedSettings()
    assert f"{settings.rtp_ports[0]} to {settings.rtp_ports[1]}" in PAGE
    assert (settings.media_timeout_s, settings.port) == (30.0, 5060)


def test_there_are_as_many_commands_as_are_tested() -> None:
    assert len(re.findall(r"```sh\n", PAGE)) == 6
