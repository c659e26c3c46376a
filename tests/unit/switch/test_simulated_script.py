"""The script of a simulated call: every step, every mistake with its place, and what it takes for which number."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ringback.errors import InvalidInput
from ringback.switch.simulated.script import (
    LONGEST,
    STEPS,
    Callee,
    Hear,
    Leave,
    PickUp,
    Press,
    Refuse,
    Ring,
    SayNothing,
    Script,
    ScriptError,
    Speak,
    Step,
    Wait,
    check_caller,
    parse_script,
)

ALL: dict[str, Step] = {
    "ring": Ring(),
    "ring 2s": Ring(2.0),
    "answer": PickUp(),
    "answer human": PickUp("human"),
    "answer machine": PickUp("machine"),
    "answer machine 8s": PickUp("machine", 8.0),
    "busy": Refuse("busy"),
    "reject": Refuse("reject"),
    "no answer": Refuse("no answer"),
    "fail": Refuse("fail"),
    "digits 1": Press("1"),
    "digits 12#": Press("12#"),
    "digits 1w2": Press("1w2"),
    "digits *ABCD0": Press("*ABCD0"),
    "digits! 1": Press("1", over=True),
    "speech 'sales'": Speak("sales"),
    'speech "don\'t, please; hang up: now"': Speak("don't, please; hang up: now"),
    "speech 'sales' confidence 0.25": Speak("sales", 0.25),
    "speech! 'sales' confidence 1": Speak("sales", 1.0, over=True),
    "say nothing": SayNothing(),
    "hear": Hear(),
    "wait 2s": Wait(2.0),
    "wait 2": Wait(2.0),
    "wait 1.5s": Wait(1.5),
    "wait 500ms": Wait(0.5),
    "hangup": Leave(),
}


def steps(text: str) -> list[Step]:
    """Without their places."""
    return [replace(step, at=0) for step in parse_script(text).steps]


@pytest.mark.parametrize("text", ALL)
def test_every_step(text: str) -> None:
    assert steps(text) == [ALL[text]]


def test_every_step_that_is_documented_is_tried_here() -> None:
    def words(text: str) -> str:
        return " ".join(re.findall(r"^[a-z]+!?|(?<=^no )answer|(?<=^say )nothing", text))

    assert {words(step) for step in STEPS} == {words(text) for text in ALL}


def test_steps_know_their_places() -> None:
    assert parse_script("ring,  answer,\n digits 1") == Script((Ring(at=1), PickUp(at=8), Press("1", at=17)))


def test_words_may_be_in_capitals() -> None:
    assert steps("Ring, ANSWER, Wait 2S") == [Ring(), PickUp(), Wait(2.0)]


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_a_party_who_does_nothing(text: str) -> None:
    assert parse_script(text) == Script()


def test_callees_by_number_and_for_any_other() -> None:
    script = parse_script(
        "answer; callee +13005550100: ring 2s, answer, hangup; callee 'sip:alice@example.com': fail; callee: busy"
    )
    assert [(callee.number, len(callee.steps)) for callee in script.callees] == [
        ("+13005550100", 3),
        ("sip:alice@example.com", 1),
        ("", 1),
    ]


def test_a_script_may_be_of_callees_alone() -> None:
    assert parse_script("callee: busy") == Script((), (Callee("", (Refuse("busy", at=9),)),))
    assert len(parse_script("; callee: busy").callees) == 1


@pytest.mark.parametrize("number", ["+13005550100", "13005550100", "+1 (300) 555-0100"])
def test_a_number_is_the_same_however_it_is_written(number: str) -> None:
    script = parse_script("callee: busy; callee '+1 300 555 0100': fail")
    assert script.at_number(number) == (Refuse("fail", at=41),)
    assert script.at_number("+1300555010") == (Refuse("busy", at=9),)


def test_a_number_that_nothing_is_said_of() -> None:
    assert parse_script("answer; callee 7000: busy").at_number("7001") is None


MISTAKES = [
    ("anser", 1, "did you mean 'answer'?"),
    ("ring, press 1", 7, "did you mean 'digits'?"),
    ("digit! 1", 1, "did you mean 'digits!'?"),
    ("sleep 2s", 1, "did you mean 'wait'?"),
    ("silence", 1, "did you mean 'say nothing'?"),
    ("xyzzy", 1, "there are: ring [TIME], answer"),
    ("1", 1, "expected a step, found '1'"),
    ("'x'", 1, "expected a step, found 'x'"),
    ("ring,", 6, "expected a step, found the end"),
    ("ring,, answer", 6, "expected a step, found ','"),
    ("ring answer", 6, "expected a time such as 2s, 1.5s or 500ms, found 'answer'"),
    ("wait", 5, "expected a time such as 2s, 1.5s or 500ms, found the end"),
    ("wait 2m", 6, "expected a time such as"),
    ("wait -1s", 6, "expected a time such as"),
    ("wait 1e9", 6, "expected a time such as"),
    ("wait 86401s", 6, "expected a day at most"),
    ("wait '2s'", 6, "expected a time such as"),
    ("digits", 7, "expected keys"),
    ("digits '1'", 8, "expected keys"),
    ("digits 1x", 8, "expected keys"),
    ("digits ww", 1, "no key among the waits"),
    ("digits 1 2", 10, "expected ',' and a step, ';' and a callee, or the end, found '2'"),
    ("speech sales", 8, "expected what is said, in quotes, found 'sales'"),
    ("speech 'sales", 8, "a text that begins with ' and does not end"),
    ("speech 'it's'", 13, "a text that begins with ' and does not end"),
    ("speech ' '", 1, "nothing is said: 'say nothing' lets a question go by"),
    ("speech 'a' confidence 1.5", 23, "expected a confidence from 0 to 1"),
    ("speech 'a' confidence", 22, "expected a confidence from 0 to 1"),
    ("say 'sales'", 5, "speech 'TEXT'"),
    ("no", 3, "expected 'answer' after 'no'"),
    ("hangup, wait 2s", 9, "nothing can follow a step that ends the call"),
    ("callee: busy, answer", 15, "nothing can follow a step that ends the call"),
    ("answer, ring", 9, "'ring' cannot come after 'answer'"),
    ("answer, wait 1s, answer", 18, "'answer' cannot come after 'answer'"),
    ("answer, busy", 9, "'busy' cannot come after 'answer'"),
    ("answer;", 8, "expected 'callee', perhaps a number, and ':'"),
    ("answer; busy", 9, "expected 'callee', perhaps a number, and ':'"),
    ("callee busy", 12, "expected ':' after the callee"),
    ("callee +1300 busy", 14, "expected ':' after the callee"),
    ("callee; busy", 7, "expected a number or ':' after 'callee'"),
    ("callee:", 8, "expected a step, found the end"),
    ("callee: busy callee: fail", 14, "expected ',' and a step, ';' and a callee, or the end"),
    ("callee: busy; callee: fail", 15, "a second part for any other number"),
    ("callee +1300: busy; callee 1300: fail", 21, "a second part for 1300"),
    ("wait 2s," * 2_000, LONGEST + 1, "a script has 10,000 characters at most"),
]


@pytest.mark.parametrize(("text", "at", "message"), MISTAKES, ids=[text[:30] for text, _, _ in MISTAKES])
def test_every_mistake_is_told_with_its_place(text: str, at: int, message: str) -> None:
    with pytest.raises(ScriptError) as raised:
        parse_script(text)
    assert raised.value.at == at
    assert str(raised.value).startswith(f"script, character {at}: ")
    assert message in str(raised.value)


def test_a_mistake_is_the_callers() -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_script("what")
    assert raised.value.field == "script"


def test_a_caller_cannot_refuse_the_call() -> None:
    with pytest.raises(ScriptError, match="a caller cannot 'busy'") as raised:
        check_caller(parse_script("ring, busy"))
    assert raised.value.at == 7
    check_caller(parse_script("ring, answer, digits 1, hangup; callee: busy"))


@given(st.text(alphabet=st.sampled_from(" ,;:'\"12sw#*callee+digitspwhanu!\N{SNOWMAN}"), max_size=60) | st.text(max_size=40))
def test_any_text_is_read_or_refused_with_a_place_in_it(text: str) -> None:
    at = 1
    try:
        parse_script(text)
    except ScriptError as error:
        at = error.at
    assert 1 <= at <= len(text) + 1


@given(st.lists(st.sampled_from(sorted(set(ALL) - {"busy", "reject", "no answer", "fail", "hangup"})), min_size=1, max_size=8))
def test_what_is_written_is_what_is_read(written: list[str]) -> None:
    answers = [index for index, text in enumerate(written) if text.startswith("answer")]
    before = written[: answers[0] + 1] if answers else written
    after = [text for text in written[len(before) :] if not text.startswith(("answer", "ring"))]
    assert steps(", ".join(before + after)) == [ALL[text] for text in before + after]
