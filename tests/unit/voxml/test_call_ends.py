"""How calls begin and end, what bounds them, and what they leave in the record."""

from typing import Any

import pytest
from interpreter_rows import (
    CALLER,
    END,
    GONE,
    LEG,
    NEXT,
    URL,
    Row,
    Run,
    answer,
    ended,
    given,
    play,
    problem,
    says_next,
    table,
    variables,
)
from msgspec.structs import replace

from ringback.calls.live import (
    Answer,
    Answered,
    Collect,
    HangUp,
    HungUp,
    Incoming,
    Key,
    Play,
    Privacy,
    Rang,
    Reject,
    Speech,
    StopCollect,
    StopListening,
    StopPlay,
)
from ringback.voxml import document as d
from ringback.voxml import interpreter
from ringback.voxml.interpreter import MAX_IDLE_STEPS, MAX_STEPS
from ringback.voxml.model import Ask, Charge, Charged, Event, Finish, Instructed, Notify, Report, Timer, TimeUp
from ringback.voxml.state import CallFacts, Start, is_over
from ringback.voxml.turn import MAX_DOCUMENTS, MAX_HISTORY, MAX_PROBLEMS

HELLO = d.Say(text="hello")
SPOKEN = Play(LEG, 1, (Speech("hello"),))
ENDLESS = problem("the document runs without end; the call is ended", ends_call=True)


def test_a_call_that_comes_in_asks_and_is_not_answered() -> None:
    facts = CallFacts(leg=LEG, first=Start("https://app.example/start", "GET"), from_=CALLER, to="+17015550123")
    state, commands = interpreter.begin(facts, 0)
    assert commands == [Ask(1, LEG, "https://app.example/start", "GET", "start")]
    state, commands = interpreter.step(state, answer(1, d.Answer(), HELLO), 0)
    assert commands == [Answer(LEG), Play(LEG, 2, (Speech("hello"),))]
    assert not is_over(state)


def test_a_call_that_was_answered_asks_or_runs_what_was_given() -> None:
    _, commands = interpreter.begin(CallFacts(leg=LEG, first=Start("https://app.example/"), answered=True), 0)
    assert commands == [Ask(1, LEG, "https://app.example/", "POST", "start")]
    _, commands = interpreter.begin(CallFacts(leg=LEG, first=given(HELLO, url=""), answered=True), 0)
    assert commands == [SPOKEN]


def test_a_call_may_begin_with_variables() -> None:
    facts = CallFacts(leg=LEG, first=given(d.If(expression="${a}==1", body=(HELLO,))), answered=True, variables={"a": "1"})
    assert interpreter.begin(facts, 0)[1] == [SPOKEN]


@table(
    Row(
        "hung up while it is asked: the answer is of no use",
        (d.Redirect(url="/on"),),
        ((GONE, []), (answer(1, NEXT), [Finish(LEG)]), (GONE, [])),
    ),
    Row("while something is played", (HELLO, NEXT), ((GONE, [Finish(LEG)]), (ended(1), []))),
    Row("in a pause", (d.Pause(), NEXT), ((GONE, [Finish(LEG)]), (TimeUp(1), []))),
    Row(
        "in a Gather: nothing is owed",
        (d.Gather(action="/got", action_on_empty_result=True),),
        ((GONE, [Finish(LEG)]), (TimeUp(2), []), (Key(LEG, "1"), [])),
    ),
    Row("after a Hangup", (d.Hangup(),), ((HungUp(LEG, by="us"), [Finish(LEG)]),)),
    Row("after a Reject", (d.Reject(),), ((HungUp(LEG, "no-answer", "us"), [Finish(LEG)]),), answered=False),
    Row("the end of another leg is not the call's", (HELLO,), ((HungUp("c-2"), []),)),
    Row("a new document comes too late for a call that is gone", (HELLO,), ((GONE, [Finish(LEG)]), (given(NEXT), []))),
    Row("or that is being ended", (d.Hangup(),), ((given(NEXT), []), (GONE, [Finish(LEG)]))),
    Row(
        "what is told beside does no harm",
        (HELLO,),
        ((Incoming(LEG, "a", "b"), []), (Rang(LEG), []), (Answered(LEG), []), (Charged(1), []), (ended(0), [])),
    ),
    Row(
        "answered by somebody else",
        (d.Pause(), HELLO, d.Answer()),
        ((Answered(LEG), []), (TimeUp(1), [Play(LEG, 2, (Speech("hello"),))]), (ended(2), END)),
        answered=False,
    ),
)
def test_hung_up(row: Row) -> None:
    play(row)


@table(
    Row(
        "while it is asked: the open answer is waited for before the end",
        (d.Redirect(url="/on"),),
        ((given(NEXT), says_next(2)), (GONE, []), (answer(1), [Finish(LEG)])),
    ),
    Row("while something is played", (HELLO,), ((given(NEXT), [StopPlay(LEG, 1), *says_next(2)]), (ended(1), []))),
    Row("in a pause", (d.Pause(),), ((given(NEXT), says_next(2)), (TimeUp(1), []))),
    Row(
        "while prompts are played",
        (d.Gather(prompts=(HELLO,)),),
        ((given(NEXT), [StopPlay(LEG, 2), StopCollect(LEG, 1), *says_next(3)]),),
    ),
    Row(
        "while somebody speaks",
        (d.Gather(speech=True),),
        ((given(NEXT), [StopListening(LEG, 2), StopCollect(LEG, 1), *says_next(4)]),),
    ),
    Row(
        "its URLs are relative to its own",
        (HELLO,),
        (
            (
                given(d.Redirect(url="x"), url="https://new.example/a"),
                [StopPlay(LEG, 1), Ask(2, LEG, "https://new.example/x", "POST", "redirect")],
            ),
        ),
    ),
    Row("it may be empty", (HELLO,), ((given(), [StopPlay(LEG, 1), *END]),)),
)
def test_a_new_document(row: Row) -> None:
    play(row)


def test_variables_and_history_are_reported_at_the_end() -> None:
    run = Run(d.Set(output="a", value="1", history="compact"), d.Say(text="hi", history="compact"))
    history = [{"verb": "Set", "payload": {"output": "a", "value": "1"}}, {"verb": "Say", "payload": {"text": "hi"}}]
    news = [variables(a="1"), Report(LEG, "call.facts", context={"history": history})]
    assert run(GONE) == [*news, Finish(LEG)]
    run = Run(d.Set(output="a", value="1", history="compact"), d.Say(text="hi", history="compact"))
    assert run(ended(1)) == [*news, HangUp(LEG)]
    assert run(GONE) == [Finish(LEG)]
    rejected = Run(d.Set(output="a", value="1"), d.Reject(), answered=False)
    assert rejected.begun == [variables(a="1"), Reject(LEG)]


# What bounds a call
def test_a_document_that_does_nothing_without_end_is_ended() -> None:
    run = Run(d.Do(max_loops=10**9, body=(d.Set(output="a", value="1"),)))
    assert run.begun == [ENDLESS, variables(a="1"), HangUp(LEG)]
    assert run.state.thread.steps == MAX_IDLE_STEPS + 1


def test_an_empty_loop_is_ended_too() -> None:
    assert Run(d.Do(max_loops=10**9), answered=False).begun == [ENDLESS, Reject(LEG)]
    nested = d.Do(max_loops=10**9, body=(d.Do(max_loops=10**9, body=(d.If(expression="1==2", body=(HELLO,)),)),))
    assert Run(nested).begun == [ENDLESS, HangUp(LEG)]


def test_one_that_takes_its_time_may_take_many_steps() -> None:
    run = Run(d.Do(max_loops=10**9, body=(d.Pause(),)))
    for passed in range(MAX_STEPS):
        (command,) = run(TimeUp(passed + 1))[-1:]
        if not isinstance(command, Timer):
            break
    assert command == HangUp(LEG)
    assert passed > MAX_STEPS // 3


def test_a_long_expression_counts_for_more() -> None:
    long = "||".join(["1==2"] * 150)
    run = Run(d.Do(expression=f"{long}||1==1", max_loops=10**9, body=(d.If(expression=long),)))
    assert run.begun == [ENDLESS, HangUp(LEG)]


def test_a_call_asks_for_so_many_documents_at_most() -> None:
    run = Run(d.Redirect(url="/on"))
    for number in range(1, MAX_DOCUMENTS):
        assert run(answer(number, d.Redirect(url="/on"))) == [Ask(number + 1, LEG, "https://app.example/on", "POST", "redirect")]
    assert run(answer(MAX_DOCUMENTS, d.Redirect(url="/on"))) == [
        problem("the call has asked for 100 documents, and is ended", ends_call=True),
        HangUp(LEG),
    ]
    assert run(GONE) == [Finish(LEG)]


def test_what_is_owed_at_the_end_of_a_long_call_is_not_asked() -> None:
    run = Run(d.Redirect(url="/on"))
    for number in range(1, MAX_DOCUMENTS):
        run(answer(number, d.Redirect(url="/on")))
    dial = d.Dial(action="/after", numbers=(d.Number(number="+1"),))
    run(answer(MAX_DOCUMENTS, dial))
    assert run(GONE) == [
        HangUp("c-1-1"),
        problem("the call has asked for 100 documents, and is ended", ends_call=True),
        Finish(LEG),
    ]


def test_the_same_problem_is_not_reported_for_ever() -> None:
    run = Run(d.Do(max_loops=100, body=(d.Set(output=""),)))
    assert sum(isinstance(command, Report) for command in run.begun) == MAX_PROBLEMS


def test_the_history_has_an_end() -> None:
    twice = (d.Unset(output="a", history="compact"),) * 2
    run = Run(d.Do(max_loops=MAX_HISTORY // 2 + 10, body=twice), d.Pause())
    assert len(run.state.history) == MAX_HISTORY


# What stays in the record
@pytest.mark.parametrize(
    ("verb", "compact", "full"),
    [
        (d.Answer(), {}, {}),
        (d.Say(text="x", ssml=False), {"text": "x"}, {"text": "x", "voice": "Polly.Joanna", "language": "en-US", "loop": 1}),
        (d.Play(url="/x.wav"), {"url": "/x.wav"}, {"url": "/x.wav", "loop": 1}),
        (d.Play(digits="12"), {"digits": "12"}, {"digits": "12", "loop": 1}),
        (d.Pause(length=3), {"length": 3}, {"length": 3}),
        (d.Redirect(url="/x"), {"url": "/x"}, {"url": "/x", "method": "POST"}),
        (d.Reject(reason="busy"), {"reason": "busy"}, {"reason": "busy"}),
        (d.Set(output="a", value="1"), {"output": "a", "value": "1"}, {"output": "a", "value": "1"}),
        (d.Unset(output="a"), {"output": "a"}, {"output": "a"}),
        (d.Connect(flow="f"), {}, {}),
        (d.Hangup(), {}, {}),
        (d.If(expression="1==1"), {"expression": "1==1"}, {"expression": "1==1"}),
        (d.Do(expression="1==1", max_loops=2), {"expression": "1==1"}, {"expression": "1==1", "maxLoops": 2}),
        (
            d.Gather(speech=True),
            {"input": "dtmf speech"},
            {"input": "dtmf speech", "numDigits": None, "timeout": 5, "output": None},
        ),
        (d.Record(), {"timeout": 5}, {"timeout": 5, "maxLength": 3600}),
        (
            d.Dial(numbers=(d.Number(number="+1"),)),
            {"numbers": ["+1"]},
            {"numbers": ["+1"], "callerId": None, "timeout": 30, "timeLimit": 14_400, "record": "do-not-record"},
        ),
    ],
)
def test_history(verb: Any, compact: dict[str, Any], full: dict[str, Any]) -> None:
    name = type(verb).__name__
    assert Run(verb).state.history == ()
    assert Run(replace(verb, history="compact")).state.history[0] == {"verb": name, "payload": compact}
    assert Run(replace(verb, history="full")).state.history[0] == {"verb": name, "payload": full}


def test_history_of_what_stands_inside() -> None:
    assert Run(d.Connect(flow="f", resume=True, flow_history="full")).state.history == (
        {"verb": "Flow", "payload": {"resume": True}},
    )
    numbers = (d.Number(number="+1", history="compact"), d.Number(number="+2", url="/w", history="full"), d.Number(number="+3"))
    assert Run(d.Dial(numbers=numbers)).state.history == (
        {"verb": "Number", "payload": {"number": "+1"}},
        {"verb": "Number", "payload": {"number": "+2", "url": "/w", "method": "POST"}},
    )


# Pay, as one of the verbs
PAY = d.Pay(action="/paid", payment_method="ach-debit", output="pay", history="compact", timeout=3)


def keyed(run: Run, digits: str) -> list[Any]:
    return [command for digit in digits for command in run(Key(LEG, digit))]


def test_pay_takes_keys_charges_and_goes_on_with_its_action() -> None:
    run = Run(PAY, answered=False)
    assert run.begun[:3] == [Answer(LEG), Privacy(LEG, on=True), Collect(LEG, 1)]
    keyed(run, "021000021")
    commands = keyed(run, "123456789#")
    assert Privacy(LEG, on=False) in commands
    charge = next(command for command in commands if isinstance(command, Charge))
    asked = run(Charged(charge.op, token="tok_1"))[-1]
    assert isinstance(asked, Ask)
    assert (asked.purpose, asked.url, asked.op) == ("pay", "https://app.example/paid", charge.op + 1)
    assert dict(asked.results)["Result"] == "success"
    assert run.state.variables["pay.token"] == "tok_1"
    assert run.state.history == ({"verb": "Pay", "payload": {"result": "success"}},)
    assert run(answer(asked.op, NEXT)) == says_next(asked.op + 1)


def test_pay_without_action_goes_on() -> None:
    run = Run(d.Pay(payment_method="ach-debit", max_attempts=1), NEXT)
    assert run(Key(LEG, "*"))[-1] == says_next(run.state.next_op - 1)[0]


def test_the_caller_hangs_up_in_pay() -> None:
    run = Run(PAY)
    commands = run(GONE)
    assert not any(isinstance(command, StopPlay | StopCollect | Privacy) for command in commands)
    assert isinstance(ask := commands[-2], Ask)
    assert dict(ask.results)["Result"] == "caller-hung-up"
    assert run(answer(ask.op, NEXT)) == [Finish(LEG)]


def test_a_charge_that_is_under_way_is_waited_for() -> None:
    run = Run(PAY)
    keyed(run, "021000021")
    charge = next(command for command in keyed(run, "123456789#") if isinstance(command, Charge))
    assert run(GONE) == []
    asked = [command for command in run(Charged(charge.op, token="tok_1")) if isinstance(command, Ask)]
    assert len(asked) == 1
    assert run(answer(asked[0].op)) == [Finish(LEG)]


def test_a_new_document_ends_pay() -> None:
    run = Run(PAY)
    assert run(given(NEXT))[-2:] == [Privacy(LEG, on=False), says_next(run.state.next_op - 1)[0]]


def test_pay_tells_its_progress_with_the_variables_as_they_are() -> None:
    run = Run(d.Set(output="a", value="1"), d.Pay(status_callback="/status"))
    kinds = [type(command) for command in run.begun]
    assert kinds.index(Report) < kinds.index(Notify)
    assert run.begun[kinds.index(Report)] == variables(a="1")


@pytest.mark.parametrize("event", [TimeUp(99), Instructed(99, URL, d.Document((NEXT,))), Rang("x")])
def test_nothing_unknown_changes_a_call(event: Event) -> None:
    run = Run(d.Gather(prompts=(HELLO,)))
    before = run.state
    assert run(event) == []
    assert run.state == before
