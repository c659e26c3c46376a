"""Whatever a document says and whatever the parties do: a simulated call ends, once, and tells of it in order."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.calls.model import FINAL
from ringback.live.simulation import Setup, run
from ringback.live.telling import text_of
from ringback.live.transcript import Ended, Webhook

VERBS = st.sampled_from(
    [
        "<Answer/>",
        "<Say>Hello.</Say>",
        '<Say loop="3">Three times.</Say>',
        "<Play>x.wav</Play>",
        '<Play digits="1w2"/>',
        '<Pause length="7"/>',
        '<Gather numDigits="2" output="g"><Say>Two digits?</Say></Gather>',
        '<Gather input="dtmf speech" output="g" action="more" actionOnEmptyResult="true"/>',
        '<Record maxLength="30" action="more" recordingStatusCallback="/rec"/>',
        '<Dial output="d" record="record-from-ringing-dual" timeout="9">+13005550100</Dial>',
        '<Dial answerOnBridge="true" hangupOnStar="true"><Number url="more">+1300</Number><Number>+1301</Number></Dial>',
        '<Pay output="p" maxAttempts="1" statusCallback="/pay"/>',
        "<Redirect>more</Redirect>",
        "<Redirect>first.xml</Redirect>",
        "<Redirect>nowhere</Redirect>",
        "<Reject/>",
        "<Hangup/>",
        '<Set output="x">1</Set>',
        '<Unset output="x"/>',
        "<If expression=\"${x}=='1'\"><Say>One.</Say></If>",
        '<Do expression="${g.digits}==\'\'" maxLoops="3"><Gather numDigits="1" output="g"/></Do>',
        "<Connect><Flow>f</Flow></Connect>",
        "<Sya/>",
    ]
)
STEPS = st.sampled_from(
    [
        "digits 12",
        "digits! 4*",
        "digits 4539578763621486#",
        "speech 'hello'",
        "speech! 'x'",
        "say nothing",
        "hear",
        "wait 3s",
    ]
)
DOCUMENT = st.lists(VERBS, max_size=5).map(lambda verbs: f"<Response>{''.join(verbs)}</Response>")
SCRIPT = st.builds(
    lambda steps, last, callee: f"{', '.join([*steps, *last]) or 'wait 1s'}; callee: {callee}",
    st.lists(STEPS, max_size=5),
    st.sampled_from([(), ("hangup",)]),
    st.sampled_from(["answer, wait 5s, hangup", "ring 1s, answer, digits 5, wait 60s", "busy", "no answer", "answer machine 2s"]),
)


@given(first=DOCUMENT, more=DOCUMENT, script=SCRIPT, outbound=st.booleans())
@settings(max_examples=60)
def test_any_call_ends(first: str, more: str, script: str, outbound: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "first.xml").write_text(first)
        Path(folder, "more.xml").write_text(more)
        transcript = run(
            Setup(
                document=f"{folder}/first.xml",
                script=f"answer, {script}" if outbound else script,
                direction="outbound" if outbound else "inbound",
                flows={"f": f"{folder}/more.xml"},
                dialects=("standard", "voc", "fonedynamics"),
                seed=1,
            )
        )
    shown = text_of(transcript)
    assert transcript.of(Ended) == [transcript.entries[-1]], shown
    assert transcript.ended.status in FINAL, shown
    times = [entry.at_ms for entry in transcript.entries[:-1]]
    assert times == sorted(times), shown
    names = [webhook.name for webhook in transcript.of(Webhook) if webhook.dialect == "voc"]
    assert names.count("outboundCallEnd" if outbound else "inboundCallEnd") == 1, shown
