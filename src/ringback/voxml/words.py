"""The words of VoXML: every element with its attributes, its text, its children, and who says so. The parser, the checker and the
docs (`docs/voxml.md`) come from these tables. What an attribute is when it is not there stands in `document`, once.

Source: the vendor's pages under `developer.voxtelesys.com/voxml/voice`, its SDK and its demo; each row says which.
"""

from typing import Final

from ringback.voxml import document as values
from ringback.voxml.grammar import (
    HISTORY,
    HOUR_S,
    LANGUAGE,
    LOOPS,
    METHODS,
    SECONDS,
    Attribute,
    Body,
    Note,
    Word,
    action,
    choices,
    output,
    recording,
)
from ringback.voxml.kinds import Expression, Flag, Flow, Keys, Language, Name, OneOf, Phone, SomeOf, Text, Tones, Url, Voice, Whole
from ringback.voxml.words_of_pay import PARAMETER, PAY, PROMPT

MOST_NUMBERS: Final = 10
MOST_SPOKEN: Final = 3_000
MOST_VALUE: Final = 50
_SSML: Final = "audio break desc emphasis lang mark media p par phoneme prosody s say-as seq speak sub voice w"
SSML: Final = frozenset(_SSML.split())
"""Elements that may stand in a Say: those of the W3C's SSML 1.1 and of Amazon's. Names with a colon are a speech engine's own."""

_LANGUAGES_HEARD: Final = (
    "zh-CN zh-TW da nl en-US en-AU en-IN en-NZ en-GB fr fr-CA de hi hi-Latn id it ja ko no pl pt pt-BR pt-PT ru es es-419 sv ta tr "
    "uk"
)
_RING_TONES: Final = "au be cn cz de dk es fi fr hu il in jp pl uk us"
_VARIABLE: Final = Attribute(
    name="output", kind=Name(dots=True), about="Its name.", needed=True, note="documented: 50 characters; ours: dots in it"
)

_VERBS: Final = (
    Word(
        name="Answer",
        makes=values.Answer,
        about="Answers a call that is still being set up.",
        attributes=(HISTORY,),
        notes=(
            Note("documented", "Only the first has an effect; after that it does nothing."),
            Note("ours", "Gather, Record, Pay, and Dial without `answerOnBridge` answer by themselves."),
            Note("ours", "Say and Play do too, unless an Answer, a Reject or a Dial with `answerOnBridge` comes later."),
        ),
        example="answer",
    ),
    Word(
        name="Say",
        makes=values.Say,
        about="Speaks a text.",
        attributes=(
            Attribute(
                name="voice",
                kind=Voice(),
                about="Who speaks, as `<engine>.<voice>`.",
                note="inferred: a name without an engine is Polly's; which voices there are is up to the speech engine",
            ),
            Attribute(name="language", kind=Language(), about=f"{LANGUAGE} The voice must speak it."),
            Attribute(name="loop", kind=LOOPS, about="How often."),
            HISTORY,
        ),
        body=Body(kind=Text(MOST_SPOKEN, "long-text"), about="What is said, as text or with SSML in it.", field="text"),
        notes=(
            Note("documented", "At most 3,000 characters, SSML's tags not counted. A longer text is said all the same (ours)."),
            Note("documented", "SSML elements may stand in it."),
            Note("ours", "Blanks and line ends in a row are one blank. A `speak` element around everything may be there or not."),
        ),
        example="say",
    ),
    Word(
        name="Play",
        makes=values.Play,
        about="Plays a sound file, or sends digits.",
        attributes=(
            Attribute(name="loop", kind=LOOPS, about="How often."),
            Attribute(
                name="digits",
                kind=Tones(),
                about="Digits to send instead of a file; each `w` waits half a second.",
                unset="none",
                note="documented: digits and `w`; ours: `*`, `#`, A to D, and 100 at most",
            ),
            HISTORY,
        ),
        body=Body(kind=Url(), about="The file's URL, WAV or MP3; nothing if there are `digits`.", field="url", needed=True),
        example="play",
    ),
    Word(
        name="Pause",
        makes=values.Pause,
        about="Waits.",
        attributes=(Attribute(name="length", kind=Whole(1, 60, "seconds"), about="How long."), HISTORY),
        example="pause",
    ),
    Word(
        name="Gather",
        makes=values.Gather,
        about="Takes keys or speech, while its children are played, and after.",
        attributes=(
            *action("Where what was entered is sent, and the next document comes from."),
            Attribute(
                name="actionOnEmptyResult",
                kind=Flag(),
                about="Ask `action` when nothing was entered too; otherwise the document goes on.",
                beside=("action",),
            ),
            Attribute(
                name="input",
                kind=SomeOf(("dtmf", "speech")),
                about="What is taken: keys, speech, or whichever comes first.",
                unset="`dtmf`",
                note="inferred: in either order",
            ),
            Attribute(
                name="finishOnKey",
                kind=Keys(one=True),
                about="The key that ends it; it is not part of the digits. Empty: none does.",
                note="ours: of several keys each ends it",
            ),
            Attribute(
                name="numDigits",
                kind=Whole(1, 128, ours=True),
                about="After so many keys it ends.",
                unset="any number",
                note="inferred: that it ends then",
            ),
            Attribute(
                name="timeout",
                kind=SECONDS,
                about="How long to wait for a key, or for the first word.",
                note="ours: it begins once what is played has ended, and anew with each key",
            ),
            Attribute(
                name="speechTimeout",
                kind=Whole(1, HOUR_S, "seconds", ours=True, word="auto"),
                about="The silence that ends speech; `auto`: the recogniser decides.",
                unset="as `timeout`",
                beside=("input",),
            ),
            Attribute(
                name="language",
                kind=Language(tuple(_LANGUAGES_HEARD.split())),
                about=f"{LANGUAGE} For speech.",
                note="inferred: the list, the SDK's",
            ),
            Attribute(name="profanityFilter", kind=Flag(), about="Keep swear words out of what was heard.", beside=("input",)),
            output("A variable: `<output>.digits` and `<output>.speech` are set."),
            HISTORY,
        ),
        children=("Say", "Play", "Pause"),
        notes=(
            Note("documented", "With `action` the call goes on with the document that comes back; without, with the next verb."),
            Note(
                "documented",
                "When nothing was entered in time, the next verb follows, with `action` too, unless `actionOnEmptyResult`.",
            ),
            Note("ours", "The first key stops what is played. Speech is listened for once it has ended, until a key is pressed."),
            Note("ours", "A Gather of one digit is a menu: its key is the event `call.ivr-option`."),
        ),
        example="gather",
    ),
    Word(
        name="Record",
        makes=values.Record,
        about="Records a message.",
        attributes=(
            *action("Where the recording is told, and the next document comes from."),
            Attribute(
                name="timeout",
                kind=Whole(0, 14_400, "seconds", ours=True),
                about="The silence that ends it; 0: none does.",
            ),
            Attribute(
                name="finishOnKey",
                kind=Keys(),
                about="The keys that end it, any of them.",
                note="ours: blanks and commas between are taken, and empty means that none does",
            ),
            Attribute(name="maxLength", kind=Whole(1, 14_400, "seconds"), about="How long it may be."),
            Attribute(name="playBeep", kind=Flag(), about="Whether a tone tells that it begins."),
            *recording(),
            HISTORY,
        ),
        notes=(Note("documented", "What follows is never run if there is an `action`."),),
        example="record",
    ),
    Word(
        name="Dial",
        makes=values.Dial,
        about="Calls somebody and puts the two through.",
        attributes=(
            *action("Where the outcome is told once the dialled call is over, and the next document comes from."),
            Attribute(
                name="answerOnBridge",
                kind=Flag(),
                about="Leave a call that is not answered ringing until the other side answers.",
            ),
            Attribute(name="callerId", kind=Phone(caller=True), about="Who is shown to call.", unset="the caller's own"),
            Attribute(name="hangupOnStar", kind=Flag(), about="Whether the caller may end the dialled call with `*`."),
            Attribute(
                name="ringTone",
                kind=OneOf(tuple(_RING_TONES.split())),
                about="The country whose ringing the caller hears.",
                note="inferred: the list, the SDK's",
            ),
            Attribute(name="timeout", kind=Whole(1, 600, "seconds", ours=True), about="How long it rings."),
            Attribute(name="timeLimit", kind=Whole(1, 86_400, "seconds", ours=True), about="How long the two may talk."),
            Attribute(
                name="record",
                kind=choices(values.Dial, "record"),
                about="Whether the two are recorded, from when, on one track or two.",
            ),
            Attribute(
                name="recordingTrack",
                kind=choices(values.Dial, "recording_track"),
                about="Which side is recorded.",
                beside=("record",),
            ),
            *recording("record"),
            output("A variable: `<output>.status` is set."),
            HISTORY,
        ),
        children=("Number",),
        body=Body(kind=Phone(), about="The number, if there are no Numbers.", field="numbers", needed=True),
        notes=(
            Note("documented", "A number as text, or one or more Numbers. Both is an error."),
            Note("inferred", "Numbers ring at once, the first answer wins; at most ten."),
            Note("documented", "What follows is never run if there is an `action`."),
            Note("ours", "Extensions and SIP addresses may be dialled as numbers are."),
        ),
        example="dial",
    ),
    PAY,
    Word(
        name="Redirect",
        makes=values.Redirect,
        about="Goes on with another document.",
        attributes=(Attribute(name="method", kind=METHODS, about="How it is asked for."), HISTORY),
        body=Body(kind=Url(), about="Its URL, absolute or relative to this one's.", field="url", needed=True),
        notes=(Note("documented", "What follows is never run."),),
        example="redirect",
    ),
    Word(
        name="Reject",
        makes=values.Reject,
        about="Refuses a call that is not answered.",
        attributes=(
            Attribute(
                name="reason",
                kind=choices(values.Reject, "reason"),
                about="How the call ends: `rejected` as `no-answer`, `busy` as `busy`.",
            ),
            HISTORY,
        ),
        notes=(
            Note("documented", "As the first verb: the call is never answered."),
            Note("ours", "After the call was answered it hangs up."),
        ),
        example="reject",
    ),
    Word(name="Hangup", makes=values.Hangup, about="Ends the call.", attributes=(HISTORY,), source="inferred", example="hangup"),
    Word(
        name="Set",
        makes=values.Set,
        about="Sets a variable of the call.",
        attributes=(_VARIABLE, HISTORY),
        body=Body(kind=Text(MOST_VALUE, "long-value"), about="Its value; a longer one is cut.", field="value"),
        example="set",
    ),
    Word(
        name="Unset",
        makes=values.Unset,
        about="Removes a variable of the call.",
        attributes=(_VARIABLE, HISTORY),
        example="set",
    ),
    Word(
        name="Connect",
        makes=values.Connect,
        about="Hands the call to a flow.",
        attributes=(HISTORY,),
        children=("Flow",),
        notes=(
            Note("ours", "A flow's id stands for the URL of a document, in the account's settings. What follows is never run."),
        ),
        example="connect",
    ),
    Word(
        name="If",
        makes=values.If,
        about="Runs what is in it if a condition holds.",
        attributes=(Attribute(name="expression", kind=Expression(), about="The condition.", needed=True), HISTORY),
        children=("*",),
        notes=(Note("documented", "There is no else: write a second If with the contrary."),),
        example="if",
    ),
    Word(
        name="Do",
        makes=values.Do,
        about="Runs what is in it as long as a condition holds.",
        attributes=(
            Attribute(name="expression", kind=Expression(), about="The condition, looked at before each pass.", needed=True),
            Attribute(name="maxLoops", kind=Whole(1, 10_000, ours=True), about="The most passes."),
            HISTORY,
        ),
        children=("*",),
        notes=(Note("documented", "`${do.n}` is the number of the pass, from 0."),),
        example="do",
    ),
)

_NOUNS: Final = (
    Word(
        name="Number",
        makes=values.Number,
        about="One number of a Dial.",
        attributes=(
            Attribute(
                name="sendDigits", kind=Tones(), about="Digits that are sent once it answers.", source="inferred", unset="none"
            ),
            Attribute(
                name="url",
                kind=Url(),
                about="A document that the callee hears before the two are put through.",
                source="inferred",
                unset="none",
            ),
            Attribute(name="method", kind=METHODS, about="How it is asked for.", source="inferred", beside=("url",)),
            Attribute(name="history", kind=HISTORY.kind, about=HISTORY.about, source="inferred"),
        ),
        body=Body(kind=Phone(), about="The number.", field="number", needed=True),
        notes=(
            Note("inferred", "The attributes are known from the vendor's demo; what `url` and `sendDigits` do is as in TwiML."),
        ),
        example="dial",
    ),
    Word(
        name="Flow",
        makes=values.Connect,
        about="The flow of a Connect.",
        attributes=(
            Attribute(name="resume", kind=Flag(), about="Go on after the widget that the document came from; else from the start."),
            Attribute(name="history", kind=HISTORY.kind, about=HISTORY.about, field="flow_history"),
        ),
        body=Body(kind=Flow(), about="The flow's GUID. Ours: other ids too.", field="flow", needed=True),
        example="connect",
    ),
    PROMPT,
    PARAMETER,
)

ROOT: Final = Word(
    name="Response", about="The root of every document: its verbs are run from top to bottom.", children=("*",), source="documented"
)
VERBS: Final = {word.name: word for word in _VERBS}
"""Every verb; they may stand in the root, in If and in Do."""
NOUNS: Final = {word.name: word for word in _NOUNS}
"""What stands in verbs alone."""
WORDS: Final = {ROOT.name: ROOT, **VERBS, **NOUNS}


def children_of(word: Word) -> tuple[str, ...]:
    """The elements that may be in one."""
    return tuple(VERBS) if word.children == ("*",) else word.children
