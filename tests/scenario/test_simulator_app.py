"""The simulator against live applications: the example of the docs by its command line, and applications that misbehave."""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from msgspec.structs import replace

from ringback.calls.directory import Voice
from ringback.live.expectations import read_expectation
from ringback.live.judging import judge
from ringback.live.simulation import Setup, run
from ringback.live.telling import text_of
from ringback.live.transcript import Problem, Replied, Requested, Transcript

ROOT = Path(__file__).resolve().parents[2]
RINGBACK = [sys.executable, "-m", "ringback", "voxml", "run"]
SUM = '"To show that you are human: how much is 3 plus 2?"'
MENU = '"For the weather press 1, to leave a message press 2, to talk to somebody press 3."'

WALK = f"""\
call   inbound from +14025550100 to +17015550123 (2026-11-20T12:00:00.000Z, sim-91b72265b1f5)
app    ← POST URL (CallStatus=ringing)
app    → 200, 4 verbs: Answer Set Do Redirect
call   answered
say    {SUM}
caller pressed 1
say    "That is not it."
say    {SUM}
caller pressed 2
say    "That is not it."
say    {SUM}
caller pressed 5
var    captchaAnswer = "5"
var    _captcha.digits = "5"
var    _captcha.speech = ""
app    ← POST /captcha (CallStatus=in-progress, Vars={{"captchaAnswer":"5","_captcha":{{"digits":"5","speech":""}}}})
app    → 200, 3 verbs: Unset Say Redirect
say    "Thank you."
var    captchaAnswer removed
app    ← POST /menu (CallStatus=in-progress, Vars={{"_captcha":{{"digits":"5","speech":""}}}})
app    → 200, 2 verbs: Gather Redirect
say    {MENU}
caller pressed 1
var    _menu.digits = "1"
var    _menu.speech = ""
app    ← POST /choice (CallStatus=in-progress, Vars=VARS)
app    → 200, 2 verbs: Gather Redirect
say    "Please enter your five digit ZIP code."
caller pressed 68102
"""
VARS = '{"_captcha":{"digits":"5","speech":""},"_menu":{"digits":"1","speech":""}}'


@pytest.fixture(scope="module")
def example() -> Iterator[str]:
    """The example application, as a person starts it; its URL."""
    command = [sys.executable, str(ROOT / "examples" / "captcha-menu" / "app.py"), "--port", "0", "--seed", "7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


def ringback(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*RINGBACK, *words], capture_output=True, text=True, timeout=60, check=False)


def test_the_example_is_walked_through_at_a_terminal(example: str) -> None:
    """The captcha is wrong twice, then right; then the menu, the weather, and the caller hangs up."""
    script = "digits 1, digits 2, digits 5, digits 1, digits 68102, wait 4s, hangup"
    words = ["--seed", "1", "--now", "2026-11-20T12:00:00Z", "--script", script]
    done = ringback(
        example,
        *words,
        "--expect",
        "never dials",
        "--expect",
        "asks /weather with Vars._zip.digits=68102",
        "--expect",
        "says 'Omaha'",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    told = "".join(f"{line[8:]}\n" for line in lines).replace(example, "URL")
    assert told.startswith(WALK.replace("VARS", VARS))
    times = [line[:7] for line in lines if line[2:3] == ":"]
    assert times == sorted(times)
    assert done.stdout.endswith("✓ never dials\n✓ asks /weather with Vars._zip.digits=68102 (00:24.1)\n✓ says 'Omaha' (00:24.1)\n")


def test_the_example_sends_a_robot_away(example: str) -> None:
    done = ringback(
        example, "--script", "digits 1, digits 2, digits 3", "--expect", "says sure", "--expect", "asks /menu", "--seed", "1"
    )
    assert done.returncode == 1
    assert "✓ says sure" in done.stdout
    assert "✗ asks /menu: the nearest of 2: 00:" in done.stdout


def test_the_same_as_json(example: str) -> None:
    done = ringback(example, "--json", "--script", "answer, hangup", "--dialect", "voc", "--expect", "webhook inboundCallEnd")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [one["kind"] for one in told]
    assert kinds[0] == "began"
    assert kinds[-2:] == ["ended", "expectation"]
    assert told[-1]["ok"]
    assert told[told[-1]["at"]]["name"] == "inboundCallEnd"
    request = told[kinds.index("request")]
    parameters = dict(request["parameters"])
    assert (parameters["From"], parameters["FromState"], parameters["CallStatus"]) == ("+14025550100", "NE", "ringing")
    assert dict(request["headers"])["User-Agent"].startswith("Ringback/")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--script", "dance"], "script, character 1"),
        (["--expect", "syas x"], "'says'?"),
        (["--direction", "sideways"], "--direction is inbound or outbound"),
        (["--var", "x"], "is not written as NAME=VALUE"),
        (["--now", "yesterday"], "--now is not an RFC 3339 time"),
        (["--dialect", "latin"], "no dialect 'latin'"),
        (["--allow-network", "nowhere"], "nowhere"),
    ],
)
def test_what_was_given_wrongly_ends_with_2(words: list[str], why: str) -> None:
    done = ringback("http://127.0.0.1:1/", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr


# Applications that misbehave


def test_an_error_fails_the_command_unless_it_was_expected(tmp_path: Path) -> None:
    (tmp_path / "endless.xml").write_text(
        '<Response><Do expression="1==1" maxLoops="1000000"><Set output="a" expression="1"/></Do></Response>'
    )
    (tmp_path / "menu.xml").write_text("<Response><Redirect>nowhere</Redirect></Response>")
    (tmp_path / "after.xml").write_text("<Response><Say>All the same.</Say></Response>")
    endless, menu = [str(tmp_path / "endless.xml")], [str(tmp_path / "menu.xml"), "--fallback", str(tmp_path / "after.xml")]
    heard = ["--expect", "says 'All the same.'"]
    assert ringback(*endless).returncode == 1
    assert ringback(*endless, "--expect", "warns 'without end'").returncode == 0
    assert ringback(*endless, "--expect", "never warns 'something else'").returncode == 1
    assert ringback(*menu, *heard).returncode == 1
    done = ringback(*menu, "--expect", "warns nowhere", *heard)
    assert (done.returncode, "the fallback URL is asked instead" in done.stdout) == (0, True), done.stdout


class Application:
    """Answers as it is told, by path, and keeps what it was sent."""

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[int, bytes]]] = {}
        self.headers: dict[str, str] = {}
        self.got: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.answering = threading.Event()
        """While it is not set, nothing is answered."""
        self.answering.set()
        application = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                application.got.append((self.path, dict(parse_qsl(body, keep_blank_values=True)), dict(self.headers)))
                waiting = application.answers.get(self.path, [(404, b"")])
                application.answering.wait(10)
                status, content = waiting.pop(0) if len(waiting) > 1 else waiting[0]
                self.send_response(status)
                for name, value in application.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def says(self, path: str, *documents: str, status: int = 200) -> None:
        self.answers[path] = [(status, document.encode()) for document in documents]


@pytest.fixture
def app() -> Iterator[Application]:
    application = Application()
    with application.server as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        with contextlib.ExitStack() as stack:
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            yield application


def call(app: Application, script: str = "", **more: Any) -> Transcript:
    return run(Setup(**{"document": f"{app.url}/voice", "script": script, "seed": 1, **more}))


def holds(transcript: Transcript, *expectations: str) -> None:
    failed = [str(one) for one in judge(map(read_expectation, expectations), transcript) if not one.ok]
    assert failed == [], text_of(transcript)


def test_what_the_transcript_shows_is_what_the_application_got(app: Application) -> None:
    app.headers = {"Set-Cookie": "call=1"}
    app.says("/voice", '<Response><Gather output="g" numDigits="2" action="next?a=b"><Say>Two?</Say></Gather></Response>')
    app.says("/next?a=b", "<Response><Hangup/></Response>")
    transcript = call(app, "digits 12")
    requests = transcript.of(Requested)
    assert [request.name for request in requests] == ["incoming-call", "gather-action"]
    assert [request.page for request in requests] == [f"{app.url}/voice", "/next?a=b"]
    for request, (_, form, _) in zip(requests, app.got, strict=True):
        shown = {name: value for name, value in request.parameters if not name.startswith("Vars.") and name != "a"}
        assert shown == form
    assert "Cookie" not in app.got[0][2]
    assert app.got[1][2]["Cookie"] == "call=1"
    holds(transcript, "asks", "asks '/next?a=b' with Digits=12", "var g.digits=12")


BROKEN: list[tuple[int, str, str]] = [
    (404, "<Response/>", "answered 404"),
    (500, "", "answered 500"),
    (302, "", "redirects are not followed"),
    (200, "no document", "no document"),
    (200, "<Response><Sya>x</Sya></Response>", "Sya"),
    (200, "<Response>" + " " * 70_000 + "</Response>", "larger than 64 kB"),
]


@pytest.mark.parametrize(("status", "content", "why"), BROKEN, ids=[f"{row[0]} {row[2]}" for row in BROKEN])
def test_an_application_without_a_document_fails_the_call(app: Application, status: int, content: str, why: str) -> None:
    app.says("/voice", content, status=status)
    transcript = call(app)
    assert transcript.errors != []
    assert why.lower() in text_of(transcript).lower()
    holds(transcript, "says 'We are sorry.'", "status completed")
    assert transcript.of(Replied)[0].status == status


@pytest.mark.parametrize(
    ("status", "content", "code"), [(500, "", "11200"), (200, "<Response><Sya>x</Sya></Response>", "12100")], ids=["500", "bad"]
)
def test_the_fallback_url_is_asked_as_by_a_live_call(app: Application, status: int, content: str, code: str) -> None:
    app.says("/voice", content, status=status)
    app.says("/after?a=b", "<Response><Say>Good as new.</Say></Response>")
    transcript = call(app, voice=Voice(url="", fallback_url=f"{app.url}/after?a=b", say="Nobody is here."))
    shown = [type(entry) for entry in transcript if isinstance(entry, Requested | Replied | Problem)]
    assert shown == [Requested, Replied, Problem, Requested, Replied]
    first, second = transcript.of(Requested)
    assert (second.page, second.name, second.try_) == ("/after?a=b", "incoming-call", 1)
    told = dict(second.parameters)
    assert (told["ErrorCode"], told["ErrorUrl"], told["CallSid"]) == (code, f"{app.url}/voice", dict(first.parameters)["CallSid"])
    assert "ErrorCode" not in dict(first.parameters)
    assert len(transcript.errors) == 1
    holds(transcript, "asks /voice", "asks /after with ErrorCode=*", "says 'Good as new.'", "never says 'Nobody is here.'")


def test_without_an_answer_of_the_fallback_url_the_number_says_what_is_done(app: Application) -> None:
    app.says("/voice", "", status=500)
    app.says("/after", "", status=404)
    number = Voice(url="", fallback_url=f"{app.url}/after", say="Nobody is here.")
    transcript = call(app, voice=number)
    assert [(error.message, error.hint) for error in transcript.errors] == [
        ("answered 500", "the fallback URL is asked instead"),
        ("answered 404", "the caller hears an apology instead"),
    ]
    holds(transcript, "says 'Nobody is here.'")
    forwarded = call(app, "; callee: answer, hangup", voice=replace(number, fallback_url=None, forward="+13005550100"))
    assert [error.hint for error in forwarded.errors] == ["the caller is put through to +13005550100 instead"]
    holds(forwarded, "dials +13005550100", "connects")
    placed = call(app, "answer", voice=number, direction="outbound")
    assert [request.page for request in placed.of(Requested)] == [f"{app.url}/voice"], (
        "a call that is placed has no number's settings"
    )


def test_nobody_there(app: Application) -> None:
    transcript = run(Setup(document="http://127.0.0.1:1/voice"))
    assert [(request.try_, request.page) for request in transcript.of(Requested)] == [
        (1, "http://127.0.0.1:1/voice"),
        (2, "/voice"),
    ]
    assert [reply.error for reply in transcript.of(Replied)] == ["connect", "connect"]
    assert len(transcript.errors) == 1
    holds(transcript, "says 'We are sorry.'")


def test_what_is_neither_local_nor_public_is_refused(app: Application) -> None:
    app.says("/voice", "<Response><Redirect>http://169.254.169.254/latest</Redirect></Response>")
    transcript = call(app)
    assert [reply.error for reply in transcript.of(Replied)] == ["", "blocked"]
    assert len(transcript.errors) == 1


def test_real_time_is_bounded(app: Application) -> None:
    app.says("/voice", "<Response><Say>Hi.</Say></Response>")
    app.answering.clear()
    transcript = call(app, timeout_s=0.3)
    app.answering.set()
    assert [error.message for error in transcript.errors] == ["the call is not over after 0.3 real seconds"]
    assert transcript.ended.status == "ringing"


def test_a_slow_application_takes_none_of_the_calls_time(app: Application) -> None:
    app.says("/voice", "<Response><Say>Hi.</Say></Response>")
    app.answering.clear()
    threading.Timer(0.3, app.answering.set).start()
    assert call(app).ended.duration_s == 0


def test_recordings_and_payments_are_told(app: Application) -> None:
    told = 'recordingStatusCallback="/rec" recordingStatusCallbackEvent="in-progress completed"'
    app.says(
        "/voice",
        f'<Response><Record maxLength="5" finishOnKey="" {told}/>'
        '<Pay statusCallback="/pay" postalCode="false" securityCode="false" output="p"/></Response>',
    )
    app.says("/rec", "", status=204)
    app.says("/pay", "", status=500)
    transcript = call(app, "digits 4539578763621486, digits 1239")
    holds(
        transcript,
        "tells /rec with RecordingStatus=in-progress",
        "tells /rec with RecordingStatus=completed, RecordingDuration=5",
        "tells /pay with For=payment-card-number",
        "tells /pay with Result=success",
        "var p.result=success",
    )
    assert transcript.errors == []
    assert {problem.message for problem in transcript.of(Problem)} == {"answered 500"}
    last = [form for path, form, _ in app.got if path == "/pay"][-1]
    assert (last["PaymentCardNumber"], last["ExpirationDate"]) == ("xxxxxxxxxxxx1486", "1239")
    assert "1486" not in text_of(transcript, whole=True)


def test_a_real_payment_connector(app: Application, tmp_path: Path) -> None:
    app.says(
        "/voice", '<Response><Pay postalCode="false" securityCode="false" paymentConnector="Ours" chargeAmount="5"/></Response>'
    )
    app.says("/charge", '{"token":"t-1","confirmation":"c-1"}')
    connectors = tmp_path / "connectors.json"
    connectors.write_text(json.dumps({"Ours": {"url": f"{app.url}/charge"}}))
    transcript = call(app, "digits 4539578763621486, digits 1239", connectors=connectors)
    holds(transcript, "pays approved", "status completed")
    assert "t-1" in text_of(transcript)
    assert "4539578763621486" not in text_of(transcript, whole=True)
    assert [path for path, *_ in app.got] == ["/voice", "/charge"]


def test_what_is_asked_at_once_is_asked_one_after_another(app: Application) -> None:
    """Two numbers of a Dial have a document to hear first: the requests are in the same order each time."""
    numbers = "".join(f'<Number url="/whisper?{n}">+1300555010{n}</Number>' for n in range(3))
    app.says("/voice", f"<Response><Dial>{numbers}</Dial></Response>")
    for n in range(3):
        app.says(f"/whisper?{n}", "<Response><Say>A call for you.</Say></Response>")
    shown = [text_of(call(app, "wait 20s, hangup; callee: answer, wait 60s", now_ms=1_790_000_000_000)) for _ in range(3)]
    assert shown[0] == shown[1] == shown[2]
    assert shown[0].count("← POST /whisper") == 3
