"""Say, Play and Pause; when a call is answered."""

from interpreter_rows import END, LEG, NEXT, REFUSED, Row, Run, ended, play, problem, says_next, table

from ringback.calls.live import Answer, Play, Silence, Sound, Speech, Tones
from ringback.voxml import document as d
from ringback.voxml.model import Timer, TimeUp
from ringback.voxml.prompting import MAX_ITEMS

HELLO = Speech("hello")


@table(
    Row(
        "a text is spoken, then the call ends",
        (d.Say(text="hello"),),
        ((None, [Play(LEG, 1, (HELLO,))]), (ended(1), END)),
    ),
    Row(
        "voice, language and markup go along",
        (d.Say(text="<emphasis>hi</emphasis>", ssml=True, voice="Polly.Hans", language="de-DE"),),
        ((None, [Play(LEG, 1, (Speech("<emphasis>hi</emphasis>", "Polly.Hans", "de-DE", True),))]),),
    ),
    Row("a loop repeats", (d.Say(text="hello", loop=3),), ((None, [Play(LEG, 1, (HELLO, HELLO, HELLO))]),)),
    Row("a Say without text is nothing", (d.Say(text=" \n"), NEXT), ((None, says_next(1)),)),
    Row(
        "a file is played, relative to the document",
        (d.Play(url="../hold.wav", loop=2),),
        ((None, [Play(LEG, 1, (Sound("https://app.example/hold.wav"),) * 2)]),),
    ),
    Row("digits are sent", (d.Play(digits="1w2"),), ((None, [Play(LEG, 1, (Tones("1w2"),))]),)),
    Row("a Play of nothing is nothing", (d.Play(), NEXT), ((None, says_next(1)),)),
    Row(
        "what could not be played is reported, and the call goes on",
        (d.Play(url="/gone.wav"), NEXT),
        (
            (None, [Play(LEG, 1, (Sound("https://app.example/gone.wav"),))]),
            (ended(1, "404 for gone.wav"), [problem("404 for gone.wav"), *says_next(2)]),
        ),
    ),
    Row("the end of something else is no end", (d.Say(text="hello"), NEXT), ((None, [Play(LEG, 1, (HELLO,))]), (ended(7), []))),
    Row("a pause is a timer", (d.Pause(length=7), NEXT), ((None, [Timer(1, 7)]), (TimeUp(2), []), (TimeUp(1), says_next(2)))),
)
def test_prompting(row: Row) -> None:
    play(row)


SAY = d.Say(text="hello")
SPOKEN = Play(LEG, 1, (HELLO,))


@table(
    Row("a Say answers a document that never does", (SAY,), ((None, [Answer(LEG), SPOKEN]),), answered=False),
    Row("a Play answers too", (d.Play(digits="1"),), ((None, [Answer(LEG), Play(LEG, 1, (Tones("1"),))]),), answered=False),
    Row(
        "before an Answer, a Say is early media",
        (SAY, d.Answer()),
        ((None, [SPOKEN]), (ended(1), [Answer(LEG), *END])),
        answered=False,
    ),
    Row(
        "so it is before a Reject",
        (SAY, d.Reject(reason="busy")),
        ((None, [SPOKEN]), (ended(1), [REFUSED[0].__class__(LEG, "busy")])),
        answered=False,
    ),
    Row(
        "and before a Dial that answers by itself, however deep it stands",
        (SAY, d.Do(max_loops=2, body=(d.If(body=(d.Dial(answer_on_bridge=True),)),))),
        ((None, [SPOKEN]),),
        answered=False,
    ),
    Row(
        "but not before a Dial that does not",
        (SAY, d.Dial(numbers=(d.Number(number="+1"),))),
        ((None, [Answer(LEG), SPOKEN]),),
        answered=False,
    ),
    Row(
        "an Answer that was passed by does not count",
        (d.If(expression="1==2", body=(d.Answer(),)), SAY),
        ((None, [Answer(LEG), SPOKEN]),),
        answered=False,
    ),
    Row(
        "a pause leaves the caller ringing",
        (d.Pause(), d.Answer()),
        ((None, [Timer(1, 1)]), (TimeUp(1), [Answer(LEG), *END])),
        answered=False,
    ),
    Row("only the first Answer has effect", (d.Answer(), d.Answer()), ((None, [Answer(LEG), *END]),), answered=False),
    Row("an outgoing call is answered already", (d.Answer(), SAY), ((None, [SPOKEN]),)),
)
def test_when_a_call_is_answered(row: Row) -> None:
    play(row)


def test_a_loop_without_end_has_one() -> None:
    (spoken,) = Run(d.Say(text="hello", loop=10**9)).begun
    assert isinstance(spoken, Play)
    assert len(spoken.items) == MAX_ITEMS
    many = d.Gather(prompts=(d.Say(text="a", loop=MAX_ITEMS - 1), d.Pause(length=3), d.Say(text="b")))
    spoken = Run(many).begun[-1]
    assert isinstance(spoken, Play)
    assert len(spoken.items) == MAX_ITEMS
    assert spoken.items[-1] == Silence(3)
