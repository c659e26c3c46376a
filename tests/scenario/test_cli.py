"""The command line as somebody at a terminal meets it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from harness import Api, Receiver, free_port, run_ringback, until

CAPTURES = Path(__file__).parents[2] / "src" / "ringback" / "demo" / "captures"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
COMMANDS = ("serve", "demo", "listen", "trigger", "replay")

# Help


def test_alone_it_says_what_it_can_do() -> None:
    done = run_ringback()
    assert done.stderr == ""
    for command in COMMANDS:
        assert re.search(rf"\b{command}\b", done.stdout), command
    assert run_ringback("--help").stdout.strip() == done.stdout.strip()


def test_its_version() -> None:
    done = run_ringback("--version")
    assert done.returncode == 0
    assert re.fullmatch(r"ringback \d+\.\d+\.\d+\S*\n", done.stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    done = run_ringback(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.lstrip().startswith(f"Usage: ringback {command}")
    assert re.search(rf"Examples?: .*ringback {command}\b", done.stdout)


# What the user gave is wrong: one line, and 2

WRONG: dict[str, tuple[list[str], dict[str, str], str]] = {
    "an unknown variable": (["serve"], {"RINGBACK_COLOUR": "blue"}, "RINGBACK_COLOUR: no such setting"),
    "another database": (["serve", "--database", "postgresql://x"], {}, "database: only sqlite:"),
    "a network that is none": (["serve", "--allow-network", "intranet"], {}, "allow-network 'intranet'"),
    "a host that is nowhere": (["serve", "--host", "203.0.113.1"], {}, "cannot listen on 203.0.113.1"),
    "a proxy that is none": (["serve", "--proxy", "socks"], {}, "proxy: "),
    "a source that is none": (["serve", "--source-address", "here"], {}, "source-address: "),
    "a switch that is none": (["serve", "--freeswitch", "pbx:esl"], {}, "freeswitch: expected host:port"),
    "a switch's settings that are not there": (["serve", "--freeswitch-config", "/nowhere.json"], {}, "freeswitch_config: "),
    "payment connectors that are not there": (["serve", "--payment-connectors", "/nowhere.json"], {}, "payment_connectors: "),
    "an unknown dialect": (["trigger", "twilio", "x", "--to", "http://127.0.0.1:9/"], {}, "no dialect 'twilio'; there are bird,"),
    "an unknown event": (
        ["trigger", "voc", "x", "--to", "http://127.0.0.1:9/"],
        {},
        "voc has no event 'x'; it has inboundCallStart,",
    ),
    "a method that is not used": (
        ["trigger", "voc", "ivrOption", "--to", "http://127.0.0.1:9/", "--method", "GET"],
        {},
        "voc sends",
    ),
    "a URL that is none": (["trigger", "voc", "ivrOption", "--to", "file:///etc/passwd"], {}, "must begin with https://"),
    "a secret that is none": (
        ["trigger", "standard", "call.completed", "--to", "http://127.0.0.1:9/", "--secret", "zz"],
        {},
        "must begin with",
    ),
    "no recording": (["replay", __file__], {}, "test_cli.py is no recording that is read here"),
    "a recording of another switch": (["replay", __file__, "--from", "phone"], {}, "no recordings of 'phone' are read here"),
    "a server without a key": (["replay", __file__, "--server", "http://127.0.0.1:9"], {}, "--server and --key go together"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, name: str) -> None:
    arguments, environment, said = WRONG[name]
    if arguments[0] == "serve":
        arguments = [*arguments, "--data", str(tmp_path / "data"), *([] if "--port" in arguments else ["--port", "0"])]
    done = run_ringback(*arguments, **environment)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("ringback: ")
    assert said in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["dance"],
        ["serve", "--colour", "blue"],
        ["serve", "--port", "many"],
        ["trigger", "voc"],
        ["replay", "/nowhere"],
        ["listen", "x"],
    ],
)
def test_what_no_command_knows_is_refused_with_a_hint(arguments: list[str]) -> None:
    done = run_ringback(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--help" in done.stderr
    assert "Traceback" not in done.stderr


# listen and trigger


@contextmanager
def listening(*options: str, log: Path) -> Iterator[tuple[int, "subprocess.Popen[str]"]]:
    port = free_port()
    command = [sys.executable, "-m", "ringback", "listen", "--port", str(port), *options]
    with log.open("w") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env={**os.environ, "NO_COLOR": "1"})
    assert process.stdout is not None
    with process.stdout:
        try:
            until(lambda: f"http://127.0.0.1:{port}/" in log.read_text() or process.poll() is not None, 20)
            yield port, process
        finally:
            process.kill()
            process.wait()


EVENTS = [
    ("bird", "voice.inbound", ["--secret", "mysecretkey"], "signature"),
    ("fonedynamics", "Call.Complete", [], "form"),
    ("fonedynamics", "Call.Initiate", ["--method", "GET"], "form"),
    ("standard", "call.completed", ["--secret", SECRET], "signature"),
    ("voc", "inboundCallEnd", [], "form"),
    ("voxtelesys", "no-answer", [], "form"),
]


def test_what_trigger_sends_listen_believes(tmp_path: Path) -> None:
    options = ["--json", "--secret", SECRET, "--secret", "mysecretkey", "--count", str(len(EVENTS))]
    with listening(*options, log=tmp_path / "log") as (port, process):
        url = f"http://127.0.0.1:{port}/hook?tenant=7"
        for dialect, event, more, _ in EVENTS:
            done = run_ringback("trigger", dialect, event, "--to", url, *more)
            assert (done.returncode, done.stderr) == (0, ""), done
            assert done.stdout.splitlines()[0].startswith(f"{'GET' if 'GET' in more else 'POST'} {url}")
            assert re.search(r"→ 200 in \d+ ms: delivered", done.stdout)
        assert process.wait(10) == 0
        lines = [json.loads(line) for line in process.stdout or ()]
    assert [(line["dialect"], line["event"], line["trust"]) for line in lines] == [(d, e, trust) for d, e, _, trust in EVENTS]
    assert all(line["target"].startswith("/hook?tenant=7") for line in lines)


def test_listen_says_what_it_does_not_believe(tmp_path: Path) -> None:
    with listening("--secret", SECRET, "--count", "2", "--status", "418", log=tmp_path / "log") as (port, process):
        url = f"http://127.0.0.1:{port}/"
        wrong = "whsec_" + "QUJD" * 8
        done = run_ringback("trigger", "standard", "call.completed", "--to", url, "--secret", wrong)
        assert done.returncode == 1
        assert "→ 418 in" in done.stdout
        assert "not delivered" in done.stdout
        run_ringback("trigger", "voc", "ivrOption", "--to", url)
        assert process.wait(10) == 1
        text = process.stdout.read() if process.stdout else ""
    assert "✗" in text
    assert "✓" in text
    assert SECRET not in text


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_listen_ends_cleanly_on_ctrl_c(tmp_path: Path, how: signal.Signals) -> None:
    with listening(log=tmp_path / "log") as (_, process):
        process.send_signal(how)
        assert process.wait(10) == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_trigger_tells_what_it_would_send_and_sends_nothing(receiver: Receiver) -> None:
    done = run_ringback("trigger", "standard", "call.ringing", "--to", receiver.url + "/x", "--secret", SECRET, "--dry-run")
    assert done.returncode == 0
    head, _, body = done.stdout.partition("\n\n")
    assert head.splitlines()[0] == f"POST {receiver.url}/x"
    assert "webhook-signature: v1," in head
    assert json.loads(body)["type"] == "call.ringing"
    assert receiver.nothing(0.05)


def test_trigger_turns_credentials_into_a_header(receiver: Receiver) -> None:
    done = run_ringback("trigger", "voc", "inboundCallStart", "--to", f"http://user:pa%20ss@127.0.0.1:{receiver.port}/voc")
    assert done.returncode == 0, done
    got = receiver.next()
    assert got.headers["authorization"] == "Basic dXNlcjpwYSBzcw=="
    assert got.path.startswith("/voc?event=inboundCallStart&date=")
    assert "pa%20ss" not in done.stdout


def test_trigger_says_why_nothing_was_delivered() -> None:
    done = run_ringback("trigger", "voc", "ivrOption", "--to", "http://127.0.0.1:9/")
    assert done.returncode == 1
    assert "→ connect: " in done.stdout
    assert "not delivered" in done.stdout


# replay


def test_replay_sends_a_recording_to_a_server(api: Api, receiver: Receiver) -> None:
    api.endpoint(receiver.url)
    server = f"http://127.0.0.1:{api.port}"
    done = run_ringback("replay", str(CAPTURES / "answered.jsonl"), "--server", server, "--key", api.key or "")
    assert (done.returncode, done.stdout) == (0, ""), done
    found = re.search(r"(\d+) updates sent, (\d+) accepted, 0 known already, (\d+) deliveries", done.stderr)
    assert found, done.stderr
    assert int(found[1]) == int(found[2]) > 3
    got = receiver.take(int(found[3]))
    assert "call.completed" in {one.json["type"] for one in got}
    calls = {call["id"] for call in api.get("/v1/calls")["items"]}
    # Each run makes new calls, unless it is told not to.
    again = run_ringback("replay", str(CAPTURES / "answered.jsonl"), RINGBACK_SERVER=server, RINGBACK_KEY=api.key or "")
    assert again.returncode == 0
    assert len(api.get("/v1/calls")["items"]) == 2 * len(calls)
    kept = ["replay", str(CAPTURES / "busy.jsonl"), "--server", server, "--key", api.key or "", "--keep-ids"]
    assert re.search(r" 0 known already", run_ringback(*kept).stderr)
    assert re.search(r" 0 accepted, [1-9]\d* known already, 0 deliveries", run_ringback(*kept).stderr)


def test_replay_brings_a_server_of_its_own() -> None:
    done = run_ringback("replay", str(CAPTURES / "busy.jsonl"))
    assert done.returncode == 0, done
    assert "a server of its own" in done.stderr


@pytest.mark.parametrize(
    ("more", "said"),
    [({"key": "wrong"}, "the server answered 401"), ({"server": "http://127.0.0.1:9"}, "127.0.0.1:9")],
)
def test_replay_that_is_not_acknowledged_ends_with_1(api: Api, more: dict[str, Any], said: str) -> None:
    told = {"server": f"http://127.0.0.1:{api.port}", "key": api.key, **more}
    done = run_ringback("replay", str(CAPTURES / "busy.jsonl"), "--server", told["server"], "--key", told["key"])
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
