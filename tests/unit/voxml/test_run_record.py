"""Record: a message."""

from interpreter_rows import END, GONE, LEG, NEXT, Row, answer, given, play, problem, says_next, table

from ringback.calls.live import Answer, Collect, HungUp, Key, Record, RecordEnded, StopCollect, StopRecord
from ringback.voxml import document as d
from ringback.voxml.model import Ask, Finish, NotifyRecording, Timer, TimeUp
from ringback.voxml.turn import FILING_S

ON, OFF = Collect(LEG, 2), StopCollect(LEG, 2)
RECORDED = Record(LEG, 1, 3600, silence_s=5, beep=True, channels=1, track="inbound")
FILE = "https://calls.example/r/1.wav"
MESSAGE = d.Record(action="/rec")
LATE = Timer(3, FILING_S)


def done(why: str = "silence", url: str = FILE) -> RecordEnded:
    return RecordEnded(LEG, 1, why, url=url, duration_s=12 if url else 0)  # type: ignore[arg-type]


def asked(op: int, *results: tuple[str, str], method: str = "POST") -> Ask:
    return Ask(op, LEG, "https://app.example/rec", method, "record", results)  # type: ignore[arg-type]


TOOK = (("RecordingUrl", FILE), ("RecordingDuration", "12"))


@table(
    Row(
        "silence or the length ends it",
        (MESSAGE,),
        ((None, [RECORDED, ON]), (done(), [OFF, asked(3, *TOOK)])),
    ),
    Row("without action the next verb runs", (d.Record(), NEXT), ((None, [RECORDED, ON]), (done(), [OFF, *says_next(3)]))),
    Row(
        "a key ends it, and is told",
        (d.Record(action="/rec", method="GET"),),
        (
            (None, [RECORDED, ON]),
            (Key(LEG, "5"), [OFF, StopRecord(LEG, 1), LATE]),
            (Key(LEG, "6"), []),
            (done("stopped"), [asked(4, *TOOK, ("Digits", "5"), method="GET")]),
        ),
    ),
    Row(
        "only a key of finishOnKey",
        (d.Record(finish_on_key="#"),),
        (
            (None, [RECORDED, ON]),
            (Key(LEG, "5"), []),
            (Key("c-2", "#"), []),
            (Key(LEG, "#"), [OFF, StopRecord(LEG, 1), LATE]),
            (done("stopped"), END),
        ),
    ),
    Row(
        "no keys are wanted if none ends it",
        (d.Record(finish_on_key=""),),
        ((None, [RECORDED]), (Key(LEG, "#"), []), (done(), END)),
    ),
    Row(
        "silence, length and beep go along",
        (d.Record(timeout=0, max_length=60, play_beep=False, finish_on_key=""),),
        ((None, [Record(LEG, 1, 60, silence_s=0, beep=False, channels=1, track="inbound")]),),
    ),
    Row(
        "who follows the recording is said before it begins",
        (d.Record(finish_on_key="", callback=d.RecordingCallback("cb", "GET", ("in-progress", "failed"))),),
        ((None, [NotifyRecording(LEG, 1, "https://app.example/a/cb", "GET", ("in-progress", "failed")), RECORDED]),),
    ),
    Row(
        "one that failed asks all the same: the verbs after it are out of reach",
        (MESSAGE, NEXT),
        (
            (None, [RECORDED, ON]),
            (done("failed", url=""), [problem("the recording failed"), OFF, asked(3, ("RecordingDuration", "0"))]),
        ),
    ),
    Row(
        "one whose end is not told in time is given up",
        (d.Record(action="/rec"),),
        (
            (None, [RECORDED, ON]),
            (Key(LEG, "1"), [OFF, StopRecord(LEG, 1), LATE]),
            (
                TimeUp(3),
                [problem("the recording's end was not told in time"), asked(4, ("RecordingDuration", "0"), ("Digits", "1"))],
            ),
            (done("stopped"), []),
        ),
    ),
    Row(
        "a caller who hangs up has left a message",
        (MESSAGE, NEXT),
        (
            (None, [RECORDED, ON]),
            (GONE, [LATE]),
            (done("hangup"), [asked(4, *TOOK, ("Digits", "hangup"))]),
            (answer(4, NEXT), [Finish(LEG)]),
        ),
    ),
    Row(
        "without action that is the end",
        (d.Record(), NEXT),
        ((None, [RECORDED, ON]), (GONE, [LATE]), (done("hangup"), [Finish(LEG)])),
    ),
    Row(
        "a key, then the hang-up: the key ended it",
        (MESSAGE,),
        (
            (None, [RECORDED, ON]),
            (Key(LEG, "#"), [OFF, StopRecord(LEG, 1), LATE]),
            (GONE, []),
            (done("stopped"), [asked(4, *TOOK, ("Digits", "#"))]),
        ),
    ),
    Row(
        "a new document stops it",
        (MESSAGE,),
        ((None, [RECORDED, ON]), (given(NEXT), [OFF, StopRecord(LEG, 1), *says_next(3)]), (done("stopped"), [])),
    ),
    Row(
        "a new document does not stop it twice",
        (MESSAGE,),
        ((None, [RECORDED, ON]), (Key(LEG, "1"), [OFF, StopRecord(LEG, 1), LATE]), (given(NEXT), says_next(4))),
    ),
    Row("an incoming call is answered for it", (MESSAGE,), ((None, [Answer(LEG), RECORDED, ON]),), answered=False),
    Row("the end of another leg is none", (MESSAGE,), ((None, [RECORDED, ON]), (HungUp("c-2"), []))),
)
def test_record(row: Row) -> None:
    play(row)
