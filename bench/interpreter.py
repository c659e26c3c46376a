"""The VoXML interpreter by itself, on one core: how many events of calls it handles a second, and what calls in progress weigh.

    python bench/interpreter.py SECONDS       measures in this process, prints JSON

A call asks, is answered, hears a menu twice, presses a wrong key and a right one, is put through while it is recorded, hangs up.
Its documents are parsed once, as a server's are, whose applications send the same text again and again; for the worst case, calls
in progress are also weighed with a document of their own each.
"""

import gc
import json
import os
import subprocess
import sys
import time

from blackbox import memory_mb, pinned
from figures import Plan, Result
from scene import BENCH, ENGINE_CORE

from ringback.calls.live import Answered, HungUp, Key, PlayEnded, RecordEnded
from ringback.voxml import interpreter
from ringback.voxml.document import Document
from ringback.voxml.model import Event, Instructed
from ringback.voxml.parse import parse
from ringback.voxml.state import CallFacts, Start, State, is_over

CALLS = 10_000
URL = "https://app.example/v/start"
MENU = """<Response>
  <Answer/>
  <Do expression="${{menu.digits}}!~'^(1|2)$'" maxLoops="3">
    <Gather input="dtmf speech" numDigits="1" timeout="6" speechTimeout="auto" output="menu">
      <Say voice="Polly.Joanna-Neural" language="en-US">For sales press 1, for support press 2. {number}</Say>
    </Gather>
  </Do>
  <If expression="${{menu.digits}}=='1'"><Set output="department">sales</Set><Redirect>/v/sales</Redirect></If>
  <If expression="${{menu.digits}}=='2'"><Redirect>/v/support</Redirect></If>
  <Hangup/>
</Response>"""
DIAL = """<Response>
  <Say>We put you through.</Say>
  <Dial action="/v/after" timeout="25" output="xfer" record="record-from-answer">
    <Number>+13005550100</Number><Number>+13005550101</Number>
  </Dial>
</Response>"""
MENU_EVENTS = 4


def begin(number: int) -> State:
    """A call that comes in."""
    facts = CallFacts(leg=f"call-{number}", first=Start(URL), from_=f"+1402555{number:04}", to="+17015550123", today=(2026, 11))
    return interpreter.begin(facts, 0)[0]


def happenings(leg: str, menu: Document, dial: Document, after: Document) -> tuple[Event, ...]:
    """What happens to it. The ops are those that the interpreter gives: the same for every call."""
    return (
        Instructed(1, URL, menu),
        PlayEnded(leg, 3),
        Key(leg, "7"),
        PlayEnded(leg, 7),
        Key(leg, "1"),
        Instructed(10, URL, dial),
        PlayEnded(leg, 11),
        Answered(f"{leg}-1"),
        HungUp(f"{leg}-2", "cancelled"),
        HungUp(f"{leg}-1"),
        RecordEnded(leg, 13, "stopped", url="https://calls.example/r/1.wav"),
        Instructed(16, URL, after),
        HungUp(leg),
    )


def run(number: int, documents: tuple[Document, Document, Document], events: int | None = None) -> State:
    """A call to its end, or so far."""
    state = begin(number)
    for event in happenings(state.call.leg, *documents)[:events]:
        state = interpreter.step(state, event, 0)[0]
    return state


def measure(seconds: float) -> Result:
    """In this process."""
    menu, dial, after = parse(MENU.format(number="")), parse(DIAL), parse("<Response/>")
    documents = (menu, dial, after)
    assert is_over(run(0, documents)), "the call did not come to its end"
    steps_each = len(happenings("", *documents)) + 1
    for number in range(500):
        run(number, documents)
    begun, calls = time.perf_counter(), 0
    while (passed := time.perf_counter() - begun) < seconds:
        run(calls % CALLS, documents)
        calls += 1
    result: Result = {"value": round(calls * steps_each / passed), "step_us": round(1e6 * passed / calls / steps_each, 1)}
    for kind in ("shared", "own"):
        gc.collect()
        before = memory_mb(os.getpid())["rss"]
        held = [
            run(number, (menu if kind == "shared" else parse(MENU.format(number=number)), dial, after), MENU_EVENTS)
            for number in range(CALLS)
        ]
        after_mb = memory_mb(os.getpid())["rss"]
        result |= {f"{kind}_mb": round(after_mb, 1), f"{kind}_kb_each": round((after_mb - before) * 1024 / len(held), 2)}
        del held
    return result


def voxml(plan: Plan) -> Result:
    """The VoXML interpreter: steps a second, and the memory of 10,000 calls in progress."""
    words = pinned(ENGINE_CORE, [sys.executable, str(BENCH / "interpreter.py"), str(plan.seconds)])
    rows = [json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout) for _ in range(plan.runs)]
    middle = sorted(rows, key=lambda row: float(row["value"]))[len(rows) // 2]
    plan.say(f"voxml: {middle}")
    return {**middle, "all": rows}


if __name__ == "__main__":
    print(json.dumps(measure(float(sys.argv[1]))))
