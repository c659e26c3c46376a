"""`ringback verify`: a request in a file, from a pipe, or piece by piece, and what is wrong with it."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from harness import run_ringback

NOW = 1_795_176_000
AT = ["--received-at", "2026-11-20T12:00:00Z"]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = "mysecretkey"
BODY = b'{"type":"call.busy","timestamp":"2026-11-20T12:00:00.000Z","data":{"version":1}}'
URL = "https://hooks.example.com/bird?tenant=7"


def standard_signature(body: bytes = BODY, at: int = NOW) -> str:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, f"msg_1.{at}.".encode() + body, "sha256")).decode()


def bird_signature(body: bytes = BODY, url: str = URL) -> str:
    content = f"{NOW}\n{url}\n".encode() + hashlib.sha256(body).digest()
    return base64.b64encode(hmac.digest(KEY.encode(), content, "sha256")).decode()


def as_http(body: bytes = BODY, end: str = "\r\n", signature: str = "", **headers: str) -> bytes:
    lines = ["POST /hook HTTP/1.1", "Host: hooks.example.com", "webhook-id: msg_1", f"webhook-timestamp: {NOW}"]
    lines += [f"webhook-signature: {signature or standard_signature()}", *(f"{name}: {value}" for name, value in headers.items())]
    return end.join([*lines, "", ""]).encode() + body


def piped(data: bytes, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RINGBACK_")}
    plain = {"NO_COLOR": "1", "TERM": "dumb", **environment}
    command = [sys.executable, "-m", "ringback", "verify", *arguments]
    return subprocess.run(command, input=data, capture_output=True, check=False, timeout=30, env={**clean, **plain})


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    path = tmp_path / "request.http"
    path.write_bytes(as_http())
    return path


def test_a_request_that_holds(request_file: Path) -> None:
    done = run_ringback("verify", str(request_file), *AT, RINGBACK_WEBHOOK_SECRET=SECRET)
    assert (done.returncode, done.stderr) == (0, "")
    first, about = done.stdout.splitlines()
    assert first == "✓ holds: The signature holds."
    assert about == f"  standard, body {len(BODY)} bytes, its SHA-256 {hashlib.sha256(BODY).hexdigest()}"


def test_a_body_behind_its_content_length_is_not_the_requests(request_file: Path) -> None:
    request_file.write_bytes(as_http(BODY + b"\n", "\n", **{"Content-Length": str(len(BODY))}))
    assert run_ringback("verify", str(request_file), "--secret", SECRET, *AT).returncode == 0
    request_file.write_bytes(as_http(BODY + b"\n", "\n"))
    done = run_ringback("verify", str(request_file), "--secret", SECRET, *AT)
    assert done.returncode == 1
    assert done.stdout.startswith("✗ body-newline: The signature fits the body without the line end behind it.")


def test_stdin_json_and_several_secrets() -> None:
    request = {"headers": dict(line.split(": ", 1) for line in as_http().decode().split("\r\n")[1:5]), "body": BODY.decode()}
    listened = {**request, "method": "POST", "target": "/hook", "at": "2026-11-20T12:00:01.000+00:00", "trust": "unchecked"}
    older = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    done = piped(json.dumps(listened).encode(), "-", "--json", RINGBACK_WEBHOOK_SECRET=f"{older} {SECRET}")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["ok"], answer["dialect"]) == (0, True, "standard")
    assert [found["code"] for found in answer["findings"]] == ["older-secret"]
    encoded = {**request, "body": "", "body_base64": base64.b64encode(BODY).decode(), "received_at": "2026-11-20T13:00:00Z"}
    assert b"timestamp-old" in piped(json.dumps(encoded).encode(), "-", "--secret", SECRET).stdout


def test_piece_by_piece(tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_bytes(BODY)
    pieces = ["--header", f"messagebird-signature: {bird_signature()}", "--header", f"messagebird-request-timestamp:{NOW}"]
    told = ["verify", *pieces, "--body-file", str(body), "--secret", KEY]
    assert run_ringback(*told, "--url", URL).returncode == 0
    done = run_ringback(*told, "--url", "http://hooks.example.com:8080/bird?tenant=7")
    assert (done.returncode, [line.split(":")[0] for line in done.stdout.splitlines()[:2]]) == (1, ["✗ url-scheme", "✗ url-port"])
    known = run_ringback(*told, "--url", "http://inside/", "--subscribed-url", URL)
    assert "✗ url-path: " in known.stdout
    assert piped(BODY, *told[1:5], "--body-file", "-", "--url", URL, "--secret", KEY).returncode == 0
    assert "other-dialect" in run_ringback(*told, "--url", URL, "--dialect", "standard").stdout


def test_a_form_is_read_and_its_first_wrong_parameter_named() -> None:
    url = (
        "https://crm.example.com/hook?event=inboundCallStart&date=2026-11-20%2012%3A00%3A00&inboundNumber=%2B61&callerid=1&callid=c"
    )
    done = run_ringback("verify", "--url", url)
    assert done.returncode == 1
    assert done.stdout.startswith("✗ parameter: The parameter inboundNumber must be a number without a plus.")


def test_neither_secret_nor_signature_is_printed(tmp_path: Path) -> None:
    for body in (BODY, BODY + b" ", b"{}"):
        for secret in (SECRET, "whsec_not/base64!"):
            for form in ([], ["--json"]):
                printed = piped(as_http(body), "-", *form, *AT, "--secret", secret)
                for hidden in (secret.removeprefix("whsec_"), standard_signature()[3:], standard_signature(body)[3:]):
                    assert hidden.encode() not in printed.stdout + printed.stderr


def test_without_a_time_it_came_now() -> None:
    now = int(time.time())
    fresh = as_http(signature=standard_signature(at=now)).replace(str(NOW).encode(), str(now).encode())
    assert piped(fresh, "-", "--secret", SECRET).returncode == 0


WRONG: dict[str, tuple[list[str], bytes, str]] = {
    "nothing": ([], b"", "no request was given"),
    "a file that is not there": (["/nowhere/request.http"], b"", "/nowhere/request.http: No such file"),
    "no HTTP": (["-"], b"hello", "does not begin as HTTP does"),
    "no JSON": (["-"], b'{"headers":7}', "the request is no JSON object that is read here"),
    "two requests": (["-"], b'{"headers":{}}\n{"headers":{}}', "one at a time"),
    "a header without a colon": (["--header", "x"], b"", "a header is written as 'Name: value'"),
    "stdin twice": (["-", "--body-file", "-"], b"", "stdin cannot be both"),
    "no time": (["-", "--received-at", "noon"], b'{"headers":{}}', "is not an RFC 3339 time"),
    "an unknown dialect": (["-", "--dialect", "acme"], b'{"headers":{}}', "no such dialect; there are bird,"),
    "Bird without a URL": (
        ["-", "--secret", KEY],
        b'{"headers":{"messagebird-signature":"x","messagebird-request-timestamp":"1"}}',
        "Bird signs it",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_in_one_line(name: str) -> None:
    arguments, data, said = WRONG[name]
    done = piped(data, *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("ringback: ")
    assert said in line


def test_help_has_examples() -> None:
    done: Any = run_ringback("verify", "--help")
    assert "Examples: ringback verify request.http" in done.stdout
    assert "RINGBACK_WEBHOOK_SECRET" in done.stdout


def test_the_secrets_variable_is_none_of_the_servers_settings(tmp_path: Path) -> None:
    done = run_ringback("serve", "--data", str(tmp_path), "--port", "70000", RINGBACK_WEBHOOK_SECRET=SECRET)
    assert done.stderr == "ringback: port: expected 0 to 65535\n"
