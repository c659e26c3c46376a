"""Dial: numbers are called, one is put through."""

from interpreter_rows import CALLER, END, GONE, LEG, NEXT, Row, Run, answer, given, play, problem, says_next, table, variables

from ringback.calls.live import (
    Answer,
    Answered,
    Bridge,
    Collect,
    Dial,
    HangUp,
    HungUp,
    Key,
    Play,
    PlayEnded,
    Rang,
    Record,
    RecordEnded,
    Reject,
    RingTone,
    StopCollect,
    StopPlay,
    StopRecord,
    Tones,
)
from ringback.voxml import document as d
from ringback.voxml.dialling import MAX_NUMBERS
from ringback.voxml.model import Ask, Finish, NotifyRecording, Timer, TimeUp
from ringback.voxml.turn import FILING_S

A, B, C = "c-1-1", "c-1-2", "c-1-3"
ONE = (d.Number(number="+13005550100"),)
TWO = (*ONE, d.Number(number="+13005550101"))
RING, QUIET = Play(LEG, 1, (RingTone("us"),)), StopPlay(LEG, 1)
FOUR_HOURS = 14_400


def calls(leg: str, number: str = "+13005550100", caller: str = CALLER, timeout: int = 30) -> Dial:
    return Dial(leg, LEG, number, caller, timeout)


def asked(op: int, status: str, leg: str = A, *more: tuple[str, str]) -> Ask:
    results = (("DialCallStatus", status), ("DialCallSid", leg), *more)
    return Ask(op, LEG, "https://app.example/after", "POST", "dial", results)


ONE_CALLED = (None, [RING, calls(A)])
TWO_CALLED = (None, [RING, calls(A), calls(B, "+13005550101")])
THROUGH = (Answered(A), [QUIET, Bridge(LEG, A), Timer(2, FOUR_HOURS)])


@table(
    Row(
        "the caller hears ringing, the two are put through, the action is asked when it is over",
        (d.Dial(action="/after", numbers=ONE), NEXT),
        (
            ONE_CALLED,
            (Rang(A), []),
            THROUGH,
            (Answered(A), []),
            (HungUp(A), [asked(3, "completed", A, ("DialCallDuration", "20"))]),
            (answer(3, NEXT), says_next(4)),
        ),
    ),
    Row("without action the next verb runs", (d.Dial(numbers=ONE), NEXT), (ONE_CALLED, THROUGH, (HungUp(A), says_next(3)))),
    Row(
        "the method is the action's",
        (d.Dial(action="/after", method="GET", numbers=ONE),),
        (
            ONE_CALLED,
            (
                HungUp(A, "busy"),
                [QUIET, Ask(2, LEG, "https://app.example/after", "GET", "dial", (("DialCallStatus", "busy"), ("DialCallSid", A)))],
            ),
        ),
    ),
    Row(
        "callerId, timeout and ringTone go along",
        (d.Dial(caller_id="+17015550123", timeout=12, ring_tone="de", numbers=ONE),),
        ((None, [Play(LEG, 1, (RingTone("de"),)), calls(A, caller="+17015550123", timeout=12)]),),
    ),
    Row("busy", (d.Dial(action="/after", numbers=ONE),), (ONE_CALLED, (HungUp(A, "busy"), [QUIET, asked(2, "busy")]))),
    Row(
        "no answer", (d.Dial(action="/after", numbers=ONE),), (ONE_CALLED, (HungUp(A, "no-answer"), [QUIET, asked(2, "no-answer")]))
    ),
    Row("failed", (d.Dial(action="/after", numbers=ONE),), (ONE_CALLED, (HungUp(A, "failed"), [QUIET, asked(2, "failed")]))),
    Row(
        "cancelled by somebody else",
        (d.Dial(action="/after", numbers=ONE),),
        (ONE_CALLED, (HungUp(A, "cancelled"), [QUIET, asked(2, "canceled")])),
    ),
    Row(
        "the outcome is a variable too",
        (d.Dial(output="xfer", numbers=ONE), d.Redirect(url="/on")),
        (
            ONE_CALLED,
            (HungUp(A, "busy"), [QUIET, variables(xfer__status="busy"), Ask(2, LEG, "https://app.example/on", "POST", "redirect")]),
        ),
    ),
    Row(
        "a Dial of nobody has failed",
        (d.Dial(action="/after"),),
        ((None, [Ask(1, LEG, "https://app.example/after", "POST", "dial", (("DialCallStatus", "failed"),))]),),
    ),
    Row(
        "a second Dial makes further legs",
        (d.Dial(numbers=ONE), d.Dial(numbers=ONE)),
        (ONE_CALLED, (HungUp(A, "busy"), [QUIET, Play(LEG, 2, (RingTone("us"),)), calls(B)])),
    ),
    Row(
        "an incoming call is answered for it",
        (d.Dial(numbers=ONE),),
        ((None, [Answer(LEG), RING, calls(A)]),),
        answered=False,
    ),
    Row(
        "answerOnBridge: the caller hears the network's ringing, and is answered when the callee is",
        (d.Dial(answer_on_bridge=True, numbers=ONE),),
        ((None, [calls(A)]), (Answered(A), [Answer(LEG), Bridge(LEG, A), Timer(1, FOUR_HOURS)]), (HungUp(A), END)),
        answered=False,
    ),
    Row(
        "answerOnBridge: nobody answers, nobody is answered",
        (d.Dial(answer_on_bridge=True, numbers=ONE), d.Reject(reason="busy")),
        ((None, [calls(A)]), (HungUp(A, "no-answer"), [Reject(LEG, "busy")])),
        answered=False,
    ),
    Row("answerOnBridge of a call that is answered rings as ever", (d.Dial(answer_on_bridge=True, numbers=ONE),), (ONE_CALLED,)),
    Row(
        "the time limit ends the callee's leg",
        (d.Dial(time_limit=60, numbers=ONE), NEXT),
        (
            ONE_CALLED,
            (Answered(A), [QUIET, Bridge(LEG, A), Timer(2, 60)]),
            (TimeUp(9), []),
            (TimeUp(2), [HangUp(A)]),
            (HungUp(A), says_next(3)),
        ),
    ),
    Row(
        "hangupOnStar: the star ends the callee's leg, once",
        (d.Dial(hangup_on_star=True, action="/after", numbers=ONE),),
        (
            ONE_CALLED,
            (Key(LEG, "*"), []),
            (Answered(A), [QUIET, Bridge(LEG, A), Collect(LEG, 2), Timer(3, FOUR_HOURS)]),
            (Key(LEG, "1"), []),
            (Key(A, "*"), []),
            (Key(LEG, "*"), [StopCollect(LEG, 2), HangUp(A)]),
            (Key(LEG, "*"), []),
            (HungUp(A), [asked(4, "completed", A, ("DialCallDuration", "50"))]),
        ),
    ),
    Row(
        "hangupOnStar: whoever hangs up first, keys are wanted no longer",
        (d.Dial(hangup_on_star=True, numbers=ONE),),
        (
            ONE_CALLED,
            (Answered(A), [QUIET, Bridge(LEG, A), Collect(LEG, 2), Timer(3, FOUR_HOURS)]),
            (HungUp(A), [StopCollect(LEG, 2), *END]),
        ),
    ),
)
def test_dial(row: Row) -> None:
    play(row)


@table(
    Row(
        "the first to answer wins; the others are hung up",
        (d.Dial(action="/after", numbers=TWO),),
        (
            TWO_CALLED,
            (Rang(A), []),
            (Rang(B), []),
            (Answered(B), [HangUp(A), QUIET, Bridge(LEG, B), Timer(2, FOUR_HOURS)]),
            (Answered(A), []),
            (HungUp(A, "cancelled"), []),
            (HungUp(B), [asked(3, "completed", B, ("DialCallDuration", "30"))]),
        ),
    ),
    Row(
        "one is lost, the other rings on",
        (d.Dial(numbers=TWO),),
        (
            TWO_CALLED,
            (HungUp(A, "failed"), []),
            (HungUp(A, "busy"), []),
            (Answered(B), [QUIET, Bridge(LEG, B), Timer(2, FOUR_HOURS)]),
        ),
    ),
    Row(
        "all are lost: busy tells more than no answer",
        (d.Dial(action="/after", numbers=TWO),),
        (TWO_CALLED, (HungUp(A, "busy"), []), (HungUp(B, "no-answer"), [QUIET, asked(2, "busy", A)])),
    ),
    Row(
        "no answer tells more than failure",
        (d.Dial(action="/after", numbers=TWO),),
        (TWO_CALLED, (HungUp(A, "failed"), []), (HungUp(B, "no-answer"), [QUIET, asked(2, "no-answer", B)])),
    ),
    Row(
        "legs of others are nobody's business",
        (d.Dial(numbers=TWO),),
        (TWO_CALLED, (HungUp("x"), []), (Answered("x"), []), (Rang("x"), []), (Key("x", "1"), [])),
    ),
)
def test_several_numbers(row: Row) -> None:
    play(row)


def test_ten_numbers_are_called_at_most() -> None:
    many = tuple(d.Number(number=f"+1300555010{n}") for n in range(MAX_NUMBERS + 1))
    begun = Run(d.Dial(numbers=many)).begun
    assert begun[0] == problem("a Dial calls 10 numbers at once; the others are not called")
    assert sum(isinstance(command, Dial) for command in begun) == MAX_NUMBERS


@table(
    Row(
        "keys are sent before the two are put through; by then it has won",
        (d.Dial(numbers=(d.Number(number="+13005550100", send_digits="ww12"), *ONE)),),
        (
            (None, [RING, calls(A), calls(B)]),
            (Answered(A), [HangUp(B), Play(A, 2, (Tones("ww12"),))]),
            (PlayEnded(A, 1), []),
            (PlayEnded(A, 2), [QUIET, Bridge(LEG, A), Timer(3, FOUR_HOURS)]),
        ),
    ),
    Row(
        "hung up while keys are sent: nobody was put through",
        (d.Dial(action="/after", numbers=(d.Number(number="+13005550100", send_digits="1"),)),),
        (
            ONE_CALLED,
            (Answered(A), [Play(A, 2, (Tones("1"),))]),
            (HungUp(A), [QUIET, asked(3, "no-answer", A)]),
        ),
    ),
)
def test_send_digits(row: Row) -> None:
    play(row)


FILE = "https://calls.example/r/1.wav"


def done(op: int, why: str = "stopped", url: str = FILE) -> RecordEnded:
    return RecordEnded(LEG, op, why, url=url, duration_s=9)  # type: ignore[arg-type]


def takes(op: int, channels: int = 1, track: str = "both", limit: int = FOUR_HOURS + 30) -> Record:
    return Record(LEG, op, limit, channels=channels, track=track)  # type: ignore[arg-type]


@table(
    Row(
        "from the answer: when they are put through; the action waits for the file",
        (d.Dial(action="/after", record="record-from-answer", numbers=ONE),),
        (
            ONE_CALLED,
            (Answered(A), [QUIET, takes(2), Bridge(LEG, A), Timer(3, FOUR_HOURS)]),
            (HungUp(A), [StopRecord(LEG, 2), Timer(4, FILING_S)]),
            (done(8), []),
            (done(2), [asked(5, "completed", A, ("DialCallDuration", "10"), ("RecordingUrl", FILE))]),
        ),
    ),
    Row(
        "without action nobody waits",
        (d.Dial(record="record-from-answer", numbers=ONE), NEXT),
        (
            ONE_CALLED,
            (Answered(A), [QUIET, takes(2), Bridge(LEG, A), Timer(3, FOUR_HOURS)]),
            (HungUp(A), [StopRecord(LEG, 2), *says_next(4)]),
            (done(2), []),
        ),
    ),
    Row(
        "from ringing, in two channels, one direction, followed",
        (
            d.Dial(
                record="record-from-ringing-dual",
                recording_track="outbound",
                callback=d.RecordingCallback("/cb"),
                time_limit=60,
                numbers=ONE,
            ),
        ),
        (
            (
                None,
                [
                    NotifyRecording(LEG, 1, "https://app.example/cb", "POST", ("completed",)),
                    takes(1, 2, "outbound", 90),
                    Play(LEG, 2, (RingTone("us"),)),
                    calls(A),
                ],
            ),
            (Answered(A), [StopPlay(LEG, 2), Bridge(LEG, A), Timer(3, 60)]),
        ),
    ),
    Row(
        "from ringing of a caller who is not answered: from the answer",
        (d.Dial(record="record-from-ringing", answer_on_bridge=True, numbers=ONE),),
        ((None, [calls(A)]), (Answered(A), [Answer(LEG), takes(1), Bridge(LEG, A), Timer(2, FOUR_HOURS)])),
        answered=False,
    ),
    Row(
        "a recording that is over before the call is told with it",
        (d.Dial(action="/after", record="record-from-answer", numbers=ONE),),
        (
            ONE_CALLED,
            (Answered(A), [QUIET, takes(2), Bridge(LEG, A), Timer(3, FOUR_HOURS)]),
            (done(2, "limit"), []),
            (HungUp(A), [asked(4, "completed", A, ("DialCallDuration", "20"), ("RecordingUrl", FILE))]),
        ),
    ),
    Row(
        "nobody was reached, the ringing was recorded",
        (d.Dial(action="/after", record="record-from-ringing", numbers=ONE),),
        (
            (None, [takes(1), Play(LEG, 2, (RingTone("us"),)), calls(A)]),
            (HungUp(A, "busy"), [StopPlay(LEG, 2), StopRecord(LEG, 1), Timer(3, FILING_S)]),
            (done(1), [asked(4, "busy", A, ("RecordingUrl", FILE))]),
        ),
    ),
    Row(
        "a file that does not come is not waited for",
        (d.Dial(action="/after", record="record-from-ringing", numbers=ONE),),
        (
            (None, [takes(1), Play(LEG, 2, (RingTone("us"),)), calls(A)]),
            (HungUp(A, "busy"), [StopPlay(LEG, 2), StopRecord(LEG, 1), Timer(3, FILING_S)]),
            (TimeUp(2), []),
            (TimeUp(3), [problem("the recording's end was not told in time"), asked(4, "busy", A)]),
        ),
    ),
    Row(
        "the caller hangs up while the file is awaited",
        (d.Dial(action="/after", record="record-from-ringing", numbers=ONE),),
        (
            (None, [takes(1), Play(LEG, 2, (RingTone("us"),)), calls(A)]),
            (HungUp(A, "busy"), [StopPlay(LEG, 2), StopRecord(LEG, 1), Timer(3, FILING_S)]),
            (GONE, []),
            (done(1), [asked(4, "busy", A, ("RecordingUrl", FILE))]),
            (answer(4, NEXT), [Finish(LEG)]),
        ),
    ),
)
def test_recording(row: Row) -> None:
    play(row)


@table(
    Row(
        "the caller gives up while it rings",
        (d.Dial(action="/after", output="x", numbers=TWO), NEXT),
        (
            TWO_CALLED,
            (GONE, [HangUp(A), HangUp(B), variables(x__status="canceled"), asked(2, "canceled", A)]),
            (HungUp(A, "cancelled"), []),
            (answer(2, NEXT), [Finish(LEG)]),
            (HungUp(B, "cancelled"), []),
        ),
    ),
    Row(
        "the caller hangs up on the callee; what was recorded is told",
        (d.Dial(action="/after", record="record-from-answer", hangup_on_star=True, numbers=ONE),),
        (
            ONE_CALLED,
            (Answered(A), [QUIET, takes(2), Bridge(LEG, A), Collect(LEG, 3), Timer(4, FOUR_HOURS)]),
            (GONE, [HangUp(A), Timer(5, FILING_S)]),
            (HungUp(A), []),
            (done(2, "hangup"), [asked(6, "completed", A, ("DialCallDuration", "10"), ("RecordingUrl", FILE))]),
            (answer(6), [Finish(LEG)]),
        ),
    ),
    Row(
        "without action that is the end",
        (d.Dial(numbers=ONE), NEXT),
        (ONE_CALLED, THROUGH, (GONE, [HangUp(A), Finish(LEG)]), (HungUp(A), [])),
    ),
    Row(
        "a new document while it rings",
        (d.Dial(action="/after", numbers=TWO),),
        (TWO_CALLED, (given(NEXT), [QUIET, HangUp(A), HangUp(B), *says_next(2)]), (Answered(A), []), (HungUp(A), [])),
    ),
    Row(
        "a new document in the middle of the conversation",
        (d.Dial(action="/after", record="record-from-answer", hangup_on_star=True, numbers=ONE),),
        (
            ONE_CALLED,
            (Answered(A), [QUIET, takes(2), Bridge(LEG, A), Collect(LEG, 3), Timer(4, FOUR_HOURS)]),
            (given(NEXT), [StopCollect(LEG, 3), StopRecord(LEG, 2), HangUp(A), *says_next(5)]),
            (HungUp(A), []),
            (done(2), []),
        ),
    ),
)
def test_interrupted(row: Row) -> None:
    play(row)
