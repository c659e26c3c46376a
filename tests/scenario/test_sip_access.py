"""Who may call: a trunk by its address, a phone by its password, nobody else; and a hundred at once."""

import re
import socket
import subprocess
from pathlib import Path

import pytest
from harness import Api, until
from live_harness import SALES, Application, over
from sip_calls import BOB, Exchange, Line, number_with, passes
from sip_phones import HERE, PhoneProcess, needs_phones, read_wav, seconds_of

pytestmark = needs_phones
AT_HOME, STRANGE = "127.0.0.3", "127.0.0.9"
SCENARIOS = Path(__file__).parents[1] / "data" / "sipp"


def test_a_phone_registers_calls_and_is_called(exchange: Exchange, sip_api: Api, application: Application, tmp_path: Path) -> None:
    exchange.server.operator.call("PATCH", f"/v1/accounts/{sip_api.account}", {"call_extensions": True})
    application.documents = {"/voice": "<Dial answerOnBridge='true'>7001</Dial>", "/mine": "<Answer/><Pause/><Hangup/>"}
    with PhoneProcess(AT_HOME) as desk:
        uri = desk.register(exchange.sip_port, BOB["user"], BOB["password"])
        desk.wait("registered", status=200)
        caller = exchange.calls(number_with(sip_api, application.url("/voice")))
        callee = Line(desk, desk.incoming()).answers(180).answers().is_up()
        heard = caller.is_up().records(tmp_path / "heard.wav")
        callee.hums(tmp_path, 770, 1.0)
        passes(1.5)
        callee.hangs_up()
        caller.is_over()
        assert seconds_of(read_wav(heard)[0], 770) > 0.6
        other = exchange.account()
        mine = Line(desk, desk.call(number_with(other, application.url("/mine")), exchange.sip_port, uri)).is_up()
        mine.is_over()
        assert over(other, exchange.call_id(other))["call"]["from"] == "7001"


def test_a_wrong_password_opens_nothing(exchange: Exchange, sip_api: Api, application: Application) -> None:
    number = number_with(sip_api, application.url("/voice"))
    with PhoneProcess(AT_HOME) as desk:
        uri = desk.register(exchange.sip_port, BOB["user"], "not it")
        assert desk.wait("registered")["status"] in (401, 403)
        assert Line(desk, desk.call(number, exchange.sip_port, uri)).is_over() in (401, 403)
    assert sip_api.get("/v1/calls")["items"] == []
    assert application.receiver.all == []


def test_a_stranger_is_refused(exchange: Exchange, sip_api: Api, application: Application) -> None:
    number = number_with(sip_api, application.url("/voice"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind((STRANGE, 0))
        phone.settimeout(5)
        where = f"{STRANGE}:{phone.getsockname()[1]}"
        lines = (
            f"INVITE sip:{number}@{HERE}:{exchange.sip_port} SIP/2.0",
            f"Via: SIP/2.0/UDP {where};branch=z9hG4bK-stranger",
            f"From: <sip:+13005550100@{where}>;tag=1",
            f"To: <sip:{number}@{HERE}>",
            f"Call-ID: stranger@{STRANGE}",
            "CSeq: 1 INVITE",
            f"Contact: <sip:me@{where}>",
            "Max-Forwards: 70",
            "Content-Length: 0",
        )
        phone.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(), (HERE, exchange.sip_port))
        answer = phone.recv(4096)
    assert answer.startswith(b"SIP/2.0 403 ")
    assert sip_api.get("/v1/calls")["items"] == []


def test_a_number_of_nobody_is_refused_and_listed(exchange: Exchange) -> None:
    assert exchange.calls("+61299990001").is_over() == 603


@pytest.mark.needs("sipp")
def test_a_hundred_calls_at_once(exchange: Exchange, sip_api: Api, application: Application, tmp_path: Path) -> None:
    application.documents = {"/voice": "<Answer/><Say>Please hold on.</Say><Pause length='3'/><Hangup/>"}
    number = number_with(sip_api, application.url("/voice"))
    errors = tmp_path / "errors"
    command = ["sipp", f"{HERE}:{exchange.sip_port}", "-sf", str(SCENARIOS / "callee_hangs_up.xml"), "-i", HERE, "-s", number]
    command += ["-m", "100", "-l", "100", "-r", "50", "-nostdin", "-timeout", "60s", "-timeout_error", "-trace_err"]
    done = subprocess.run([*command, "-error_file", str(errors)], cwd=tmp_path, stdout=subprocess.PIPE, check=False, timeout=80)
    assert done.returncode == 0, errors.read_text()[:2_000] if errors.exists() else done.stdout[-2_000:]
    peak = re.findall(rb"Peak was (\d+) calls", done.stdout)
    assert int(peak[-1]) >= 90, "they were at once"

    def all_over() -> bool:
        shown = sip_api.get("/v1/calls?limit=200")["items"]
        return len(shown) == 100 and {call["status"] for call in shown} == {"completed"}

    until(all_over, 20)
    assert len(application.asked("/voice")) == 100


def test_a_document_may_not_call_who_the_account_may_not(exchange: Exchange, sip_api: Api, application: Application) -> None:
    exchange.server.operator.call("PATCH", f"/v1/accounts/{sip_api.account}", {"call_prefixes": ["+1"]})
    application.documents = {"/voice": f"<Answer/><Dial action='/after'>{SALES}</Dial>", "/after": "<Hangup/>"}
    exchange.calls(number_with(sip_api, application.url("/voice"))).is_up().is_over()
    (after,) = application.asked("/after")
    assert after["DialCallStatus"] == "failed"
