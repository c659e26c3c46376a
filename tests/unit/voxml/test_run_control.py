"""Verbs that take no time: answering and ending, going on elsewhere, variables, decisions."""

import pytest
from interpreter_rows import END, LEG, NEXT, REFUSED, URL, Row, Run, answer, play, problem, says_next, table, variables

from ringback.calls.live import Answer, HangUp, Play, PlayEnded, Reject, Sound, Speech
from ringback.voxml import document as d
from ringback.voxml.model import Ask, Command, Instructed, Report
from ringback.voxml.turn import MAX_VARIABLES

ON = d.Redirect(url="/on")
ASKED = Ask(1, LEG, "https://app.example/on", "POST", "redirect")


@table(
    Row("a Hangup ends the call", (d.Hangup(), NEXT), ((None, END),)),
    Row("off the end, the call ends", (), ((None, END),)),
    Row("off the end of a call that nobody answered, it is refused", (), ((None, REFUSED),), answered=False),
    Row("so it is by a Hangup", (d.Hangup(),), ((None, REFUSED),), answered=False),
    Row("a Reject refuses", (d.Reject(), NEXT), ((None, [Reject(LEG, "rejected")]),), answered=False),
    Row("as busy", (d.Reject(reason="busy"),), ((None, [Reject(LEG, "busy")]),), answered=False),
    Row("a Reject that comes late hangs up", (d.Answer(), d.Reject()), ((None, [Answer(LEG), HangUp(LEG)]),), answered=False),
    Row("a Redirect asks", (ON, NEXT), ((None, [ASKED]), (answer(1, NEXT), says_next(2)))),
    Row("by its method", (d.Redirect(url="/on", method="GET"),), ((None, [Ask(1, LEG, ASKED.url, "GET", "redirect")]),)),
    Row("it does not answer", (ON,), ((None, [ASKED]), (answer(1), REFUSED)), answered=False),
    Row(
        "the answer to something else is none",
        (ON,),
        ((None, [ASKED]), (answer(7, NEXT), []), (answer(1, NEXT), says_next(2)), (answer(1, NEXT), [])),
    ),
)
def test_answering_and_ending(row: Row) -> None:
    play(row)


GUID = "6d2b1c1e-0000-4000-8000-000000000001"
FLOWS = {GUID: "https://flows.example/f?x=1"}


@table(
    Row(
        "a flow is a document",
        (d.Connect(flow=GUID), NEXT),
        (
            (None, [Ask(1, LEG, FLOWS[GUID], "POST", "flow", (("FlowGuid", GUID), ("FlowResume", "false")))]),
            (answer(1, NEXT), says_next(2)),
        ),
        flows=FLOWS,
    ),
    Row(
        "that may go on after where it left",
        (d.Connect(flow=GUID, resume=True),),
        ((None, [Ask(1, LEG, FLOWS[GUID], "POST", "flow", (("FlowGuid", GUID), ("FlowResume", "true")))]),),
        flows=FLOWS,
    ),
    Row(
        "an unknown one is passed over",
        (d.Connect(flow="x"), NEXT),
        ((None, [problem("the account's settings know no flow x"), *says_next(1)]),),
        flows=FLOWS,
    ),
)
def test_connect(row: Row) -> None:
    play(row)


@pytest.mark.parametrize(
    ("base", "url", "whole"),
    [
        # The vendor's three examples, on the page on Redirect.
        ("https://fake.com", "/next", "https://fake.com/next"),
        ("https://fake.com/file/path", "/", "https://fake.com/"),
        ("https://fake.com/file/path", "./new", "https://fake.com/file/new"),
        ("https://a.example/b/c?d=e", "f?g", "https://a.example/b/f?g"),
        ("https://a.example/b/c?d=e", "", "https://a.example/b/c?d=e"),
        ("https://a.example/b/c", "//other.example/x", "https://other.example/x"),
        ("https://a.example/b/c", "http://other.example/x#ct=1", "http://other.example/x#ct=1"),
        ("https://a.example/b/c", "http://[", "http://["),
        ("", "/next", "/next"),
        ("", "https://a.example/", "https://a.example/"),
    ],
)
def test_urls_are_relative_to_the_document(base: str, url: str, whole: str) -> None:
    run = Run(ON)
    (ask,) = run(Instructed(1, base, d.Document((d.Redirect(url=url),))))
    assert isinstance(ask, Ask)
    assert ask.url == whole
    run = Run(ON)
    if url:
        assert run(Instructed(1, base, d.Document((d.Play(url=url),)))) == [Play(LEG, 2, (Sound(whole),))]


def told(*verbs: d.Verb) -> list[Command]:
    """What is told before the next request."""
    return Run(*verbs, ON).begun[:-1]


@pytest.mark.parametrize(
    ("verbs", "commands"),
    [
        ((), []),
        ((d.Set(output="a", value="1"),), [variables(a="1")]),
        ((d.Set(output="a", value="1"), d.Set(output="b.c", value="")), [variables(a="1", b__c="")]),
        ((d.Set(output="a", value="1"), d.Set(output="a", value="2")), [variables(a="2")]),
        ((d.Set(output="n" * 50, value="v" * 50),), [variables(**{"n" * 50: "v" * 50})]),
        (
            (d.Set(output="a", value="v" * 51),),
            [problem("the value of a is longer than 50 characters, and is cut"), variables(a="v" * 50)],
        ),
        ((d.Set(output="n" * 51, value="1"),), [problem("a variable's name has 1 to 50 characters; nothing is set")]),
        ((d.Set(value="1"),), [problem("a variable's name has 1 to 50 characters; nothing is set")]),
        ((d.Set(output="a", value="1"), d.Unset(output="a")), [variables()]),
        ((d.Set(output="m.digits", value="1"), d.Set(output="mm", value="2"), d.Unset(output="m")), [variables(mm="2")]),
        ((d.Unset(output="a"),), []),
    ],
)
def test_variables(verbs: tuple[d.Verb, ...], commands: list[Command]) -> None:
    assert told(*verbs) == commands


def test_variables_are_told_once_until_they_change() -> None:
    run = Run(d.Set(output="a", value="1"), ON)
    assert run.begun == [variables(a="1"), ASKED]
    assert run(answer(1, d.Set(output="a", value="1"), ON)) == [Ask(2, LEG, "https://app.example/on", "POST", "redirect")]
    assert run(answer(2, d.Set(output="a", value="2"), d.Hangup())) == [variables(a="2"), HangUp(LEG)]


def test_there_are_so_many_variables_at_most() -> None:
    commands = told(*(d.Set(output=f"v{n}", value="x") for n in range(MAX_VARIABLES + 1)), d.Set(output="v0", value="y"))
    assert commands[0] == problem("the call has 200 variables; v200 is not set")
    assert isinstance(report := commands[1], Report)
    assert len(report.context["vars"]) == MAX_VARIABLES
    assert report.context["vars"]["v0"] == "y"


def sets(name: str, value: str = "x") -> d.Set:
    return d.Set(output=name, value=value)


@pytest.mark.parametrize(
    ("why", "verbs", "known"),
    [
        ("an If that holds", (d.If(expression="1==1", body=(sets("a"),)), sets("z")), "az"),
        ("one that does not", (d.If(expression="1==2", body=(sets("a"),)), sets("z")), "z"),
        ("one without an expression holds", (d.If(body=(sets("a"),)),), "a"),
        ("an empty one does no harm", (d.If(expression="1==1"), sets("z")), "z"),
        (
            "nested",
            (d.If(expression="1==1", body=(sets("a"), d.If(expression="${a}==x", body=(sets("b"),)), sets("c"))), sets("z")),
            "abcz",
        ),
        ("a Do runs once by itself", (d.Do(expression="1==1", body=(sets("a"),)),), "a"),
        ("or not at all", (d.Do(expression="1==2", max_loops=9, body=(sets("a"),)),), ""),
        ("until its expression does not hold", (d.Do(expression="${a}!=x", max_loops=9, body=(sets("a"),)), sets("z")), "az"),
        ("do.n counts from 0", (d.Do(max_loops=3, body=(d.If(expression="${do.n}==2", body=(sets("a"),)),)),), "a"),
        ("not from 1", (d.Do(max_loops=3, body=(d.If(expression="${do.n}==3", body=(sets("a"),)),)),), ""),
        ("do.n is known to its own expression", (d.Do(expression="${do.n}=='0'", max_loops=9, body=(sets("a"),)),), "a"),
        (
            "do.n is the innermost Do's",
            (d.Do(max_loops=1, body=(d.Do(max_loops=3, body=(d.If(expression="${do.n}==2", body=(sets("a"),)),)),)),),
            "a",
        ),
        (
            "and the outer one's again afterwards",
            (
                d.Do(
                    max_loops=2,
                    body=(d.Do(max_loops=3, body=(sets("i"),)), d.If(expression="${do.n}==1", body=(sets("a"),))),
                ),
            ),
            "ia",
        ),
        ("there is no do.n outside", (d.Do(body=(sets("a"),)), d.If(expression="${do.n}==''", body=(sets("b"),))), "ab"),
    ],
)
def test_decisions(why: str, verbs: tuple[d.Verb, ...], known: str) -> None:
    run = Run(*verbs, ON)
    assert "".join(run.state.variables) == known, why


def test_a_verb_in_a_loop_takes_its_time_in_each_pass() -> None:
    run = Run(d.Do(max_loops=2, body=(NEXT,)), d.Hangup())
    assert run.begun == says_next(1)
    assert run(PlayEnded(LEG, 1)) == [Play(LEG, 2, (Speech("next"),))]
    assert run(PlayEnded(LEG, 2)) == END


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("1=1", "the expression cannot be read: `=` is not expected here (character 2)"),
        ("x=~${a}", "a pattern that came out of a variable is none: missing )"),
    ],
)
def test_what_cannot_be_judged_does_not_hold_and_is_reported_with_its_place(expression: str, why: str) -> None:
    run = Run(sets("a", "("), d.If(expression=expression, body=(d.Hangup(),), line=3, column=5), ON)
    assert run.begun[0] == Report(LEG, "call.facts", {"problem": why, "line": 3, "column": 5})
    assert run.begun[-1] == ASKED
    assert URL.endswith("/doc")
