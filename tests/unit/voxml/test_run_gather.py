"""Gather: keys, speech, or whichever comes first."""

from interpreter_rows import END, LEG, NEXT, URL, Row, Run, ended, play, problem, says_next, table, variables

from ringback.calls.live import (
    Answer,
    Collect,
    Heard,
    Key,
    Listen,
    Play,
    Silence,
    Sound,
    Speech,
    StopCollect,
    StopListening,
    StopPlay,
)
from ringback.voxml import document as d
from ringback.voxml.gathering import MAX_DIGITS
from ringback.voxml.model import Ask, Report, Timer, TimeUp

ASK = d.Say(text="menu")
MENU = Play(LEG, 2, (Speech("menu"),))
ON, OFF = Collect(LEG, 1), StopCollect(LEG, 1)
ACTION = "https://app.example/got"


def key(which: str) -> Key:
    return Key(LEG, which)


def option(which: str) -> Report:
    return Report(LEG, "call.ivr-option", {"option": which})


def asked(op: int, *results: tuple[str, str], method: str = "POST") -> Ask:
    return Ask(op, LEG, ACTION, method, "gather", results)  # type: ignore[arg-type]


@table(
    Row(
        "prompts, then the time, then the next verb",
        (d.Gather(prompts=(ASK, d.Pause(length=2), d.Play(url="beep.wav"))), NEXT),
        (
            (None, [ON, Play(LEG, 2, (Speech("menu"), Silence(2), Sound("https://app.example/a/beep.wav")))]),
            (ended(2), [Timer(3, 5)]),
            (TimeUp(3), [OFF, *says_next(4)]),
        ),
    ),
    Row("without prompts the time runs at once", (d.Gather(timeout=9),), ((None, [ON, Timer(2, 9)]), (TimeUp(2), [OFF, *END]))),
    Row(
        "the first key stops the prompts; each key gives its time anew",
        (d.Gather(prompts=(ASK,), timeout=4), NEXT),
        (
            (None, [ON, MENU]),
            (key("1"), [StopPlay(LEG, 2), Timer(3, 4)]),
            (ended(2), []),
            (key("2"), [Timer(4, 4)]),
            (TimeUp(3), []),
            (TimeUp(4), [OFF, *says_next(5)]),
        ),
    ),
    Row(
        "numDigits ends it at once; one key is a menu's",
        (d.Gather(num_digits=1, action="/got"),),
        ((None, [ON, Timer(2, 5)]), (key("1"), [OFF, option("1"), asked(3, ("Digits", "1"))])),
    ),
    Row(
        "a star can be the key of a menu",
        (d.Gather(num_digits=1),),
        ((None, [ON, Timer(2, 5)]), (key("*"), [OFF, option("*"), *END])),
    ),
    Row(
        "a longer entry may be a PIN: nobody is told but the action",
        (d.Gather(num_digits=4, action="/got", method="GET"),),
        (
            (None, [ON, Timer(2, 5)]),
            (key("1"), [Timer(3, 5)]),
            (key("2"), [Timer(4, 5)]),
            (key("3"), [Timer(5, 5)]),
            (key("4"), [OFF, asked(6, ("Digits", "1234"), method="GET")]),
        ),
    ),
    Row(
        "a short entry of a longer one is taken when the time is up, and is no menu's",
        (d.Gather(num_digits=4, action="/got"),),
        ((None, [ON, Timer(2, 5)]), (key("1"), [Timer(3, 5)]), (TimeUp(3), [OFF, asked(4, ("Digits", "1"))])),
    ),
    Row(
        "# finishes, and is not part of it",
        (d.Gather(action="/got"),),
        ((None, [ON, Timer(2, 5)]), (key("7"), [Timer(3, 5)]), (key("#"), [OFF, asked(4, ("Digits", "7"))])),
    ),
    Row(
        "another key finishes, and # is a digit",
        (d.Gather(action="/got", finish_on_key="*"),),
        ((None, [ON, Timer(2, 5)]), (key("#"), [Timer(3, 5)]), (key("*"), [OFF, asked(4, ("Digits", "#"))])),
    ),
    Row(
        "no key finishes",
        (d.Gather(action="/got", finish_on_key=""),),
        ((None, [ON, Timer(2, 5)]), (key("#"), [Timer(3, 5)]), (TimeUp(3), [OFF, asked(4, ("Digits", "#"))])),
    ),
    Row(
        "finished before it began: nothing was entered",
        (d.Gather(action="/got"), NEXT),
        ((None, [ON, Timer(2, 5)]), (key("#"), [OFF, *says_next(3)])),
    ),
    Row(
        "nothing entered, and the action is wanted all the same",
        (d.Gather(action="/got", action_on_empty_result=True), NEXT),
        ((None, [ON, Timer(2, 5)]), (TimeUp(2), [OFF, asked(3, ("Digits", ""))])),
    ),
    Row(
        "keys of another leg, and A to D, are none",
        (d.Gather(),),
        ((None, [ON, Timer(2, 5)]), (Key("c-2", "1"), []), (key("A"), [])),
    ),
    Row(
        "what could not be played is reported",
        (d.Gather(prompts=(ASK,)),),
        ((None, [ON, MENU]), (ended(2, "no voice"), [problem("no voice"), Timer(3, 5)])),
    ),
    Row("an incoming call is answered for it", (d.Gather(),), ((None, [Answer(LEG), ON, Timer(2, 5)]),), answered=False),
)
def test_keys(row: Row) -> None:
    play(row)


SPEECH = {"dtmf": False, "speech": True}


@table(
    Row(
        "speech is listened for once the prompts are over",
        (d.Gather(prompts=(ASK,), action="/got", **SPEECH),),
        (
            (None, [Play(LEG, 1, (Speech("menu"),))]),
            (key("1"), []),
            (ended(1), [Listen(LEG, 2, start_s=5, end_s=5)]),
            (Heard(LEG, 2, "sales please", 0.875), [asked(3, ("SpeechResult", "sales please"), ("Confidence", "0.875"))]),
        ),
    ),
    Row(
        "language, filter and speechTimeout go along",
        (d.Gather(language="de", profanity_filter=True, timeout=8, speech_timeout=2, **SPEECH),),
        ((None, [Listen(LEG, 1, "de", 8, 2, True)]),),
    ),
    Row(
        "auto leaves the end of speech to the recogniser",
        (d.Gather(speech_timeout="auto", **SPEECH),),
        ((None, [Listen(LEG, 1, start_s=5, end_s=None)]),),
    ),
    Row(
        "nothing heard",
        (d.Gather(action="/got", **SPEECH), NEXT),
        ((None, [Listen(LEG, 1, end_s=5)]), (Heard(LEG, 1), says_next(2))),
    ),
    Row(
        "both: a key ends the listening",
        (d.Gather(speech=True, num_digits=2, action="/got"),),
        (
            (None, [ON, Listen(LEG, 2, end_s=5), Timer(3, 5)]),
            (key("1"), [StopListening(LEG, 2), Timer(4, 5)]),
            (Heard(LEG, 2, "late", 1.0), []),
            (key("2"), [OFF, asked(5, ("Digits", "12"))]),
        ),
    ),
    Row(
        "both: speech ends the keys",
        (d.Gather(speech=True, action="/got"),),
        (
            (None, [ON, Listen(LEG, 2, end_s=5), Timer(3, 5)]),
            (Heard(LEG, 2, "two", 0.5), [OFF, asked(4, ("SpeechResult", "two"), ("Confidence", "0.5"))]),
        ),
    ),
    Row(
        "both: whoever speaks when the time is up may finish",
        (d.Gather(speech=True, action="/got"),),
        (
            (None, [ON, Listen(LEG, 2, end_s=5), Timer(3, 5)]),
            (TimeUp(3), []),
            (Heard(LEG, 2, "two", 0.5), [OFF, asked(4, ("SpeechResult", "two"), ("Confidence", "0.5"))]),
        ),
    ),
    Row(
        "both: nothing came of either",
        (d.Gather(speech=True), NEXT),
        (
            (None, [ON, Listen(LEG, 2, end_s=5), Timer(3, 5)]),
            (Heard(LEG, 2), []),
            (TimeUp(3), [OFF, *says_next(4)]),
        ),
    ),
    Row(
        "both: the recogniser was the last to give up",
        (d.Gather(speech=True), NEXT),
        ((None, [ON, Listen(LEG, 2, end_s=5), Timer(3, 5)]), (TimeUp(3), []), (Heard(LEG, 2), [OFF, *says_next(4)])),
    ),
    Row(
        "neither keys nor speech: the time passes", (d.Gather(dtmf=False), NEXT), ((None, [Timer(1, 5)]), (TimeUp(1), says_next(2)))
    ),
)
def test_speech(row: Row) -> None:
    play(row)


@table(
    Row(
        "keys set .digits, and .speech to nothing",
        (d.Gather(num_digits=1, output="menu", action="/got"),),
        (
            (None, [ON, Timer(2, 5)]),
            (key("1"), [OFF, option("1"), variables(menu__digits="1", menu__speech=""), asked(3, ("Digits", "1"))]),
        ),
    ),
    Row(
        "speech sets .speech; what is longer than a variable is cut there alone",
        (d.Gather(output="m", action="/got", **SPEECH),),
        (
            (None, [Listen(LEG, 1, end_s=5)]),
            (
                Heard(LEG, 1, "x" * 60, 1.0),
                [
                    problem("the value of m.speech is longer than 50 characters, and is cut"),
                    variables(m__digits="", m__speech="x" * 50),
                    asked(2, ("SpeechResult", "x" * 60), ("Confidence", "1")),
                ],
            ),
        ),
    ),
    Row(
        "nothing entered sets both to nothing",
        (d.Set(output="m.digits", value="9"), d.Gather(output="m")),
        ((None, [ON, Timer(2, 5)]), (TimeUp(2), [OFF, variables(m__digits="", m__speech=""), *END])),
    ),
)
def test_output(row: Row) -> None:
    play(row)


def test_an_entry_without_end_has_one() -> None:
    run = Run(d.Gather(action="/got", finish_on_key=""))
    for _ in range(MAX_DIGITS - 1):
        assert isinstance(run(key("5"))[0], Timer)
    assert run(key("5"))[-1] == Ask(run.state.next_op - 1, LEG, ACTION, "POST", "gather", (("Digits", "5" * MAX_DIGITS),))
    assert URL.startswith("https://app.example/a/")
