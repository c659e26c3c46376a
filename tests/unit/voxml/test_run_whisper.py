"""What a callee hears, and may do, before it is put through."""

from interpreter_rows import CALLER, END, GONE, LEG, NEXT, URL, Row, Run, answer, given, play, problem, table, variables

from ringback.calls.live import (
    Answered,
    Bridge,
    Collect,
    Dial,
    HangUp,
    HungUp,
    Key,
    Play,
    PlayEnded,
    RecordEnded,
    RingTone,
    Speech,
    StopCollect,
    StopPlay,
    Tones,
)
from ringback.voxml import document as d
from ringback.voxml.model import Ask, Finish, Instructed, Timer, TimeUp
from ringback.voxml.turn import MAX_DOCUMENTS

A, B = "c-1-1", "c-1-2"
SCREENED = d.Number(number="+13005550100", url="/whisper")
PLAIN = d.Number(number="+13005550101")
RING, QUIET = Play(LEG, 1, (RingTone("us"),)), StopPlay(LEG, 1)
ONE = (None, [RING, Dial(A, LEG, "+13005550100", CALLER)])
TWO = (None, [RING, Dial(A, LEG, "+13005550100", CALLER), Dial(B, LEG, "+13005550101", CALLER)])
WHISPER = Ask(2, A, "https://app.example/whisper", "POST", "whisper")
HI = d.Say(text="a call for you")
SAID = [Play(A, 3, (Speech("a call for you"),))]


def through(op: int, leg: str = A) -> list[object]:
    return [QUIET, Bridge(LEG, leg), Timer(op, 14_400)]


@table(
    Row(
        "it hears its document, then the two are put through",
        (d.Dial(numbers=(SCREENED,)),),
        (
            ONE,
            (Answered(A), [WHISPER]),
            (answer(2, HI), SAID),
            (PlayEnded(A, 3), through(4)),
            (HungUp(A), END),
        ),
    ),
    Row(
        "an empty document puts through at once",
        (d.Dial(numbers=(SCREENED,)),),
        (ONE, (Answered(A), [WHISPER]), (answer(2), through(3))),
    ),
    Row(
        "keys first, then the document; the method is the number's",
        (d.Dial(numbers=(d.Number(number="+13005550100", url="w", method="GET", send_digits="1"),)),),
        (
            ONE,
            (Answered(A), [Play(A, 2, (Tones("1"),))]),
            (PlayEnded(A, 2), [Ask(3, A, "https://app.example/a/w", "GET", "whisper")]),
        ),
    ),
    Row(
        "it declines by a Hangup in its document: nobody was put through",
        (d.Dial(action="/after", numbers=(SCREENED,)),),
        (
            ONE,
            (Answered(A), [WHISPER]),
            (answer(2, d.Hangup()), [HangUp(A)]),
            (
                HungUp(A),
                [
                    QUIET,
                    Ask(
                        3,
                        LEG,
                        "https://app.example/after",
                        "POST",
                        "dial",
                        (("DialCallStatus", "no-answer"), ("DialCallSid", A)),
                    ),
                ],
            ),
        ),
    ),
    Row(
        "it hangs up in the middle of it; the answer to its request is nobody's",
        (d.Dial(numbers=(SCREENED,)), NEXT),
        (
            ONE,
            (Answered(A), [WHISPER]),
            (HungUp(A), [QUIET, Play(LEG, 3, (Speech("next"),))]),
            (answer(2, HI), []),
        ),
    ),
    Row(
        "the others ring on meanwhile, and the first to answer without a document wins",
        (d.Dial(numbers=(SCREENED, PLAIN)),),
        (
            TWO,
            (Answered(A), [WHISPER]),
            (answer(2, HI), SAID),
            (Answered(B), [HangUp(A), *through(4, B)]),
            (PlayEnded(A, 3), []),
            (HungUp(A), []),
        ),
    ),
    Row(
        "once its document is over it wins, and the others are hung up",
        (d.Dial(numbers=(SCREENED, PLAIN)),),
        (TWO, (Answered(A), [WHISPER]), (answer(2), [HangUp(B), *through(3)])),
    ),
    Row(
        "two hear their documents at once; keys and ends go to whom they belong",
        (d.Dial(numbers=(SCREENED, SCREENED)),),
        (
            (None, [RING, Dial(A, LEG, "+13005550100", CALLER), Dial(B, LEG, "+13005550100", CALLER)]),
            (Answered(A), [WHISPER]),
            (Answered(B), [Ask(3, B, "https://app.example/whisper", "POST", "whisper")]),
            (answer(3, d.Gather(num_digits=1)), [Collect(B, 4), Timer(5, 5)]),
            (answer(2, d.Pause(length=2), d.Pause(length=3)), [Timer(6, 2)]),
            (Key(A, "1"), []),
            (TimeUp(6), [Timer(7, 3)]),
            (Key(B, "1"), [StopCollect(B, 4), HangUp(A), *through(8, B)]),
            (TimeUp(7), []),
        ),
    ),
    Row(
        "variables are the call's, and what it sets is known to the caller's documents",
        (d.Set(output="who", value="sales"), d.Dial(numbers=(SCREENED,)), d.Redirect(url="/on")),
        (
            ONE,
            (Answered(A), [variables(who="sales"), WHISPER]),
            (
                answer(2, d.If(expression="${who}=='sales'", body=(d.Set(output="took", value="yes"),)), d.Hangup()),
                [HangUp(A)],
            ),
            (HungUp(A), [QUIET, variables(who="sales", took="yes"), Ask(3, LEG, "https://app.example/on", "POST", "redirect")]),
        ),
    ),
    Row(
        "its URLs are relative to its own document, the caller's to the caller's",
        (d.Dial(numbers=(SCREENED,)), d.Redirect(url="on")),
        (
            ONE,
            (Answered(A), [WHISPER]),
            (
                answer(2, d.Redirect(url="more"), url="https://agents.example/x/y"),
                [Ask(3, A, "https://agents.example/x/more", "POST", "redirect")],
            ),
            (HungUp(A), [QUIET, Ask(4, LEG, "https://app.example/a/on", "POST", "redirect")]),
        ),
    ),
    Row(
        "it cannot dial; a Reject hangs it up",
        (d.Dial(numbers=(SCREENED,)),),
        (
            ONE,
            (Answered(A), [WHISPER]),
            (
                answer(2, d.Dial(numbers=(PLAIN,)), d.Answer(), d.Reject()),
                [problem("a document that a callee hears cannot dial; the Dial is passed over", A), HangUp(A)],
            ),
        ),
    ),
    Row(
        "what it keys is no menu of the caller's",
        (d.Dial(numbers=(SCREENED,)),),
        (
            ONE,
            (Answered(A), [WHISPER]),
            (answer(2, d.Gather(num_digits=1, action="/got")), [Collect(A, 3), Timer(4, 5)]),
            (Key(A, "1"), [StopCollect(A, 3), Ask(5, A, "https://app.example/got", "POST", "gather", (("Digits", "1"),))]),
        ),
    ),
    Row(
        "the caller hangs up meanwhile; the request that is open is waited for",
        (d.Dial(numbers=(SCREENED,)),),
        (ONE, (Answered(A), [WHISPER]), (GONE, [HangUp(A)]), (HungUp(A), []), (answer(2, HI), [Finish(LEG)])),
    ),
    Row(
        "a new document for the caller ends it",
        (d.Dial(numbers=(SCREENED,)),),
        (
            ONE,
            (Answered(A), [WHISPER]),
            (answer(2, HI), SAID),
            (given(NEXT), [QUIET, HangUp(A), Play(LEG, 4, (Speech("next"),))]),
            (PlayEnded(A, 3), []),
        ),
    ),
    Row(
        "a recording of its leg that is over later is nobody's",
        (d.Dial(numbers=(SCREENED,)),),
        (ONE, (Answered(A), [WHISPER]), (HungUp(A), [QUIET, *END]), (RecordEnded(A, 9, "hangup"), [])),
    ),
)
def test_whisper(row: Row) -> None:
    play(row)


def test_its_documents_count_as_the_calls() -> None:
    run = Run(d.Dial(numbers=(SCREENED,)))
    commands = run(Answered(A))
    for _ in range(MAX_DOCUMENTS):
        ask = commands[-1]
        assert isinstance(ask, Ask)
        commands = run(Instructed(ask.op, URL, d.Document((d.Redirect(url="/again"),))))
    assert commands == [problem("the call has asked for 100 documents, and is ended", A, ends_call=True), HangUp(A)]
