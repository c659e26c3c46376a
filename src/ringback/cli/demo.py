"""`ringback demo`: a real call, and recordings of others, become webhooks in five formats, and each is checked as it arrives.

Three processes as in real life: this one plays phone, application and switch and judges, a server of its own, and a receiver
(`ringback listen`). What arrives is compared with what the phones of those calls saw (`ringback.demo`), never with what the server
says of itself.
"""

import contextlib
import http.client
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.live import Live

from ringback.calls.model import to_rfc3339
from ringback.cli.child import Child, Client, environment, free_port, own_server, running
from ringback.cli.demo_call import application, faults, leave_message, sip_port
from ringback.cli.replay import send
from ringback.demo import live
from ringback.demo.board import Board, complaint, finished, picture, plain_line
from ringback.demo.expectation import FOLDER, Expectation, Script, read_expectation, read_script
from ringback.demo.judge import Arrival, Judge, Verdict
from ringback.errors import OurError
from ringback.ids import now_ms
from ringback.intake.captures import read_capture
from ringback.switch.freeswitch.capture import FreeswitchCapture
from ringback.switch.freeswitch.settings import read_freeswitch_settings

PACE = 12.0
"""Times real time, on a terminal: eight calls in three seconds, slow enough to watch."""
_SILENCE_S = 10.0
"""How long nothing may arrive before what is missing counts as lost."""
_GRACE_S = 0.3
"""How long something more may arrive after all has: it would be one too many."""
_READY_S = 20.0
_POLL_S = 0.02
_LOG_WIDTH = 160

_ENDPOINTS: dict[str, dict[str, Any]] = {
    "standard": {},
    "bird": {},
    "fonedynamics": {"method": "GET"},
    "voc": {},
    "voxtelesys": {},
}


class Demo(Struct, frozen=True, kw_only=True):
    """What the command was told. `speed` 1 is real time, 0 as fast as the server takes it; None: a pace to watch on a terminal, 0
    elsewhere. `folder` holds the calls and what must come of them."""

    keep: bool = False
    speed: float | None = None
    svg: Path | None = None
    folder: Path = FOLDER


class Stage(Struct, frozen=True):
    """What runs, and the keys to it."""

    data: Path
    server: Child
    account_key: str
    receiver_url: str
    receiver: "subprocess.Popen[bytes]"
    log: Path
    sip_port: int


def demo(told: Demo) -> int:
    """Runs it. The exit code: 0 if every webhook was as the phones say, 1 if not, 130 if it was interrupted. Raises OurError."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_LOG_WIDTH)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal that has no ✓ shows a ?
    played = False
    with _interruptible() as calm, contextlib.ExitStack() as stack:
        data = Path(tempfile.mkdtemp(prefix="ringback-demo-"))
        try:
            if not told.keep:
                stack.callback(shutil.rmtree, data, ignore_errors=True)
            script = read_script(told.folder)
            console.print("starting a server and a receiver, each a process of its own", style="dim")
            stage = _set(stack, data, script)
            last_line, code = _play(told, stage, script, console)
            played = True  # from here on an interrupt is the wish to end what is over
            print(last_line, flush=True)
            if told.keep:
                _until(lambda: False, stage, None)
        except KeyboardInterrupt:
            return code if played else 130
        except ConnectionError:
            raise OurError(f"the server went away:\n{(data / 'server.log').read_text(errors='replace')[-2000:]}") from None
        except OSError as error:
            raise OurError(str(error)) from None
        finally:
            calm()
            if told.keep:
                print(f"demo: ended; its data stays in {data}", file=sys.stderr)
    return code


def _set(stack: contextlib.ExitStack, data: Path, script: Script) -> Stage:
    """A server, an account with its numbers and endpoints, and a receiver that knows the secrets."""
    switch = ("--switch", "embedded", "--sip-listen", "127.0.0.1:0")
    voice = stack.enter_context(application())
    server = stack.enter_context(own_server(data, "--allow-network", "127.0.0.0/8", "--allow-http", *switch))
    with contextlib.closing(server.client()) as operator:
        account = operator.make("/v1/accounts", {"name": "demo"})
    url = f"http://127.0.0.1:{free_port()}"
    held = [secrets.token_urlsafe(24)]
    with contextlib.closing(server.client(account["key"])) as client:
        site = client.make("/v1/properties", {"name": script.property})
        for number in script.numbers:
            client.make("/v1/numbers", {**msgspec.to_builtins(number), "property": site["id"]})
        called = {**msgspec.to_builtins(live.NUMBER), "property": site["id"], "voice": {"url": f"{voice}/voice"}}
        client.make("/v1/numbers", called)
        for dialect, more in _ENDPOINTS.items():
            signing = {"secret": held[0]} if dialect == "bird" else {}
            made = client.make("/v1/endpoints", {"url": f"{url}/{dialect}", "dialect": dialect, **signing, **more})
            if dialect == "standard":
                held.append(made["secret"])
    log = data / "webhooks.jsonl"
    command = [sys.executable, "-m", "ringback", "listen", "--json", "--port", url.rpartition(":")[2]]
    command += [word for secret in held for word in ("--secret", secret)]
    receiver = stack.enter_context(running(command, log, environment()))
    stage = Stage(data, server, account["key"], url, receiver, log, sip_port(data / "server.log"))
    _until(lambda: b"ringback listen: " in log.read_bytes(), stage)
    return stage


def _play(told: Demo, stage: Stage, script: Script, console: Console) -> tuple[str, int]:
    """Makes a call, replays the others, and judges until all is there or nothing comes any more: the verdict in a line, and the
    exit code."""
    heard = leave_message(stage.sip_port, lambda text: console.print(text, style="dim", highlight=False))
    expectation = read_expectation(told.folder)
    expectation = Expectation(expectation.tolerance_ms, [live.wanted_of(heard.seen), *expectation.calls])
    judge = Judge(expectation, [live.CALL, *script.calls])
    on_terminal = console.is_terminal and not console.is_dumb_terminal
    speed = told.speed if told.speed is not None else PACE if on_terminal else 0.0
    board = Board(judge.verdicts, expectation.count)
    with contextlib.ExitStack() as showing:
        if on_terminal:
            showing.enter_context(Live(board, console=console, refresh_per_second=15, transient=True))
        follower = showing.enter_context(_Follower(stage.log, judge, None if on_terminal else console))
        promised = _replay(told, stage, script, speed)
        _settle(stage, follower, max(promised, expectation.count))
    wrong = [verdict for verdict in judge.verdicts if verdict.wrong] + judge.missing()
    table = finished(judge.verdicts)
    console.print(table)
    if told.svg is not None:
        told.svg.write_text(picture(table))
    if told.keep:
        print(_leaflet(stage))
    unheard = faults(heard, _recording(stage))
    for text in (*map(complaint, wrong), *(f"{live.CALL.capture} ({live.CALL.story}): {text}" for text in unheard)):
        print(f"demo: {text}")
    good = [verdict for verdict in judge.verdicts if not verdict.wrong]
    if wrong or unheard:
        return f"demo: FAILED: {len(good)} of {expectation.count} webhooks verified, {len(wrong)} not as they must be", 1
    return f"demo: {len(good)} webhooks verified in {len({verdict.dialect for verdict in good})} dialects", 0


def _recording(stage: Stage) -> bytes:
    """The live call's message, as a customer fetches it. Raises OurError."""
    with contextlib.closing(stage.server.client(stage.account_key)) as client:
        (call,) = [one for one in client.ask("GET", "/v1/calls?limit=1000")[1]["items"] if one["to"] == live.NUMBER.number]
    connection = http.client.HTTPConnection("127.0.0.1", stage.server.port, timeout=_READY_S)
    with contextlib.closing(connection):
        connection.request("GET", f"/v1/calls/{call['id']}/recording", headers={"Authorization": f"Bearer {stage.account_key}"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise OurError(f"the message's recording cannot be fetched: {answer.status}")
        return answer.read()


def _replay(told: Demo, stage: Stage, script: Script, speed: float) -> int:
    """Sends all calls, one after the other. How many deliveries the server promised."""
    source = FreeswitchCapture(read_freeswitch_settings((told.folder / "freeswitch.json").read_bytes()))
    promised = 0
    with contextlib.closing(stage.server.client(stage.account_key)) as client:
        for call in script.calls:
            promised += _send(client, told.folder / "captures" / f"{call.capture}.jsonl", source, speed)
    return promised


def _send(client: Client, file: Path, source: FreeswitchCapture, speed: float) -> int:
    totals = send(client, read_capture(file, [source]), speed)
    if totals.refused:
        raise OurError(f"{file.name}: the server refused {totals.refused} updates: {totals.first_refusal}")
    return totals.deliveries


class _Follower:
    """Reads what the receiver writes, as it writes it, in a thread of its own, and has it judged; prints a line for each where
    nothing else shows them."""

    def __init__(self, log: Path, judge: Judge, console: Console | None) -> None:
        self._log = log
        self._judge = judge
        self._console = console
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="follower")
        self.failure: Exception | None = None
        self.last_s = time.monotonic()

    @property
    def seen(self) -> int:
        """How many have arrived."""
        return len(self._judge.verdicts)

    def __enter__(self) -> "_Follower":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _follow(self) -> None:
        try:
            rest = b""
            with self._log.open("rb") as file:
                while not self._ending.is_set():
                    *lines, rest = (rest + file.read()).split(b"\n")
                    for line in lines:
                        if line.startswith(b"{"):  # not the receiver's own words
                            self._take(msgspec.json.decode(line, type=Arrival))
                    self._ending.wait(_POLL_S)
        except Exception as error:  # the main thread raises it: it must not wait for what nobody reads
            self.failure = error

    def _take(self, arrival: Arrival) -> None:
        verdict: Verdict = self._judge.take(arrival)
        self.last_s = time.monotonic()
        if self._console is not None:
            self._console.print(plain_line(verdict), soft_wrap=True, markup=False, highlight=False)


def _settle(stage: Stage, follower: _Follower, wanted: int) -> None:
    """Waits until all has arrived and nothing more does, or until nothing arrives."""

    def quiet() -> bool:
        if follower.failure is not None:
            raise OurError(f"what the receiver wrote cannot be read: {follower.failure}")
        return time.monotonic() - follower.last_s > (_GRACE_S if follower.seen >= wanted else _SILENCE_S)

    follower.last_s = time.monotonic()
    _until(quiet, stage, None)


def _until(condition: Callable[[], bool], stage: Stage, within_s: float | None = _READY_S) -> None:
    """Polls. Raises OurError with its last words if the receiver ends meanwhile, or does not come."""
    deadline = None if within_s is None else time.monotonic() + within_s
    while not condition():
        if stage.receiver.poll() is not None or (deadline is not None and time.monotonic() > deadline):
            raise OurError(f"the receiver does not run:\n{stage.log.read_text(errors='replace')[-2000:]}")
        time.sleep(_POLL_S)


def _leaflet(stage: Stage) -> str:
    """What runs, and what to try."""
    url, key = stage.server.url, stage.account_key
    bearer = f"-H 'Authorization: Bearer {key}'"
    call = '{"id":"mine-1","direction":"inbound","from":"+61491570110","to":"+61255500101"}'
    event = f'{{"type":"call.starting","at":"{to_rfc3339(now_ms())}","call":{call}}}'
    return f"""
It stays up until Ctrl-C.
  server           {url}
  operator's key   {stage.server.key}
  account's key    {key}
  receiver         {stage.receiver_url}/<dialect>
  webhooks         {stage.log}
  data             {stage.data}

Try next:
  # a call of your own; then look at the end of the webhooks
  curl -s {bearer} -d '{event}' {url}/v1/events
  tail -n 3 {stage.log}
  # what was sent, and one delivery with its attempts
  curl -s {bearer} '{url}/v1/deliveries?limit=3'
  curl -s {bearer} {url}/v1/deliveries/ID
  # a delivery once more
  curl -s {bearer} -X POST {url}/v1/deliveries/ID/resend
"""


@contextlib.contextmanager
def _interruptible() -> Iterator[Callable[[], None]]:
    """Ctrl-C, SIGTERM and a closed terminal end the demo in order: the first one raises KeyboardInterrupt. What is yielded keeps
    later ones from disturbing the ending. A closed terminal that was to be ignored (nohup) still is; SIGINT never is, though a
    shell's background jobs begin so."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    if before[signal.SIGHUP] == signal.SIG_IGN:
        del before[signal.SIGHUP]

    def calm() -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)

    def first(_number: int, _frame: object) -> None:
        calm()
        raise KeyboardInterrupt

    for number in before:
        signal.signal(number, first)
    try:
        yield calm
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
