"""Every attribute of every word: what it may be at both ends of its range, what it may not, what holds without it.

The table is written from the vendor's pages, not from ours: it holds `words.py` to them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from ringback.voxml.parse import check, parse, read
from ringback.voxml.problem import CODES, BadDocument
from ringback.voxml.words import NOUNS, VERBS, WORDS

EVENTS = {
    "in-progress": ("in-progress",),
    "completed failed": ("completed", "failed"),
    "failed  in-progress": ("failed", "in-progress"),
}
URLS = {
    "https://example.com/a?b=1&amp;c=2#rc=2": "https://example.com/a?b=1&c=2#rc=2",
    "/next": "/next",
    " ./new ": "./new",
    "?x=1": "?x=1",
}
BAD_URLS = [
    "ftp://example.com/",
    "https://",
    "https://example.com:99999/",
    "mailto:a@example.com",
    "/a b",
    "https://[::1",
    "/" + "a" * 4_000,
]
METHODS = {"GET": "GET", "POST": "POST"}
BAD_METHODS = ["PUT", "GET POST"]
HISTORIES = {"disable": "disable", "compact": "compact", "full": "full"}
FLAGS = {"true": True, "false": False, " true ": True}
BAD_FLAGS = ["yes", "1", "truefalse"]
NAMES = {"menu": "menu", "_captcha": "_captcha", "a1": "a1", "A" * 50: "A" * 50}
BAD_NAMES = ["A" * 51, "a-b", "a b", "${a}", "a.b", "é"]
DOTTED = {**NAMES, "menu.digits": "menu.digits"}
BAD_DOTTED = ["A" * 51, "a-b", ".a", "a.", "a..b"]
CARDS = {"visa": ("visa",), "amex visa": ("amex", "visa"), "enroute diners-club jcb": ("enroute", "diners-club", "jcb")}
TONES = {"1ww23": "1ww23", "*#": "*#", "ABCD": "ABCD", "1W": "1w", "9" * 100: "9" * 100, "": ""}
BAD_TONES = ["1x", "9" * 101, "E"]
LANGUAGES_PAID = "en-AU en-IN en-GB en-US es-ES es-US es-MX fr-CA fr-FR de-DE it-IT"
LANGUAGES_HEARD = (
    "zh-CN zh-TW da nl en-US en-AU en-IN en-NZ en-GB fr fr-CA de hi hi-Latn id it ja ko no pl pt pt-BR pt-PT ru es es-419 sv ta tr "
    "uk"
)
TONE_COUNTRIES = "au be cn cz de dk es fi fr hu il in jp pl uk us"


def numbers(least: int, most: int) -> dict[str, int]:
    return {str(least): least, str(most): most, f" 0{most} ": most}


def beyond(least: int, most: int | None = None) -> list[str]:
    return [str(least - 1), "-1", "x", "1.5", "1e1", "+1", "٣", *([] if most is None else [str(most + 1), "9" * 5_000])]


class Row(NamedTuple):
    """`good`: text → value; `without`: the value without the attribute. `lowered`: a text over a limit of ours, and what it
    becomes."""

    word: str
    name: str
    good: dict[str, Any]
    bad: list[str]
    without: Any
    field: str = ""
    lowered: tuple[str, int] | None = None


def words(*names: str) -> dict[str, str]:
    return {name: name for name in names}


def recording(word: str) -> list[Row]:
    url = "recordingStatusCallback"
    return [
        Row(word, url, URLS, BAD_URLS, None, "callback.url"),
        Row(word, f"{url}Method", METHODS, BAD_METHODS, "POST", "callback.method"),
        Row(word, f"{url}Event", EVENTS, ["absent", "completed,failed", "done"], ("completed",), "callback.events"),
    ]


def action(word: str) -> list[Row]:
    return [Row(word, "action", URLS, BAD_URLS, None), Row(word, "method", METHODS, BAD_METHODS, "POST")]


ROWS = [
    *(
        Row(word, "history", HISTORIES, ["off", "compact full"], "disable", "flow_history" if word == "Flow" else "")
        for word in [*VERBS, "Number", "Flow", "Prompt"]
    ),
    Row(
        "Say",
        "voice",
        words("Polly.Joanna-Neural", "Google.en-US-Wavenet-A", "Joanna"),
        ["Polly Joanna", "/x", "."],
        "Polly.Joanna",
    ),
    Row("Say", "language", words("en-US", "de-DE", "es-419"), ["english!", "e", "en_US"], "en-US"),
    Row("Say", "loop", numbers(1, 1_000), beyond(1), 1, lowered=("1001", 1_000)),
    Row("Play", "loop", numbers(1, 1_000), beyond(1), 1, lowered=("9" * 5_000, 1_000)),
    Row("Play", "digits", TONES, BAD_TONES, ""),
    Row("Pause", "length", numbers(1, 60), beyond(1, 60), 1),
    *action("Gather"),
    Row("Gather", "actionOnEmptyResult", FLAGS, BAD_FLAGS, False),
    Row("Gather", "finishOnKey", {"#": "#", "*": "*", "0": "0", "": "", "9": "9", "*#": "*#"}, ["A", "w", "#x"], "#"),
    Row("Gather", "language", words(*LANGUAGES_HEARD.split()), ["english!"], "en-US"),
    Row("Gather", "numDigits", numbers(1, 128), beyond(1), None, lowered=("129", 128)),
    Row("Gather", "output", NAMES, BAD_NAMES, None),
    Row("Gather", "profanityFilter", FLAGS, BAD_FLAGS, False),
    Row("Gather", "speechTimeout", {**numbers(1, 3_600), "auto": "auto"}, beyond(1), None, lowered=("3601", 3_600)),
    Row("Gather", "timeout", numbers(1, 3_600), beyond(1), 5, lowered=("3601", 3_600)),
    *action("Record"),
    Row("Record", "timeout", numbers(0, 14_400), ["-1", "x"], 5, lowered=("14401", 14_400)),
    Row("Record", "finishOnKey", {"#": "#", "1, 2 *": "12*", "": "", "0123456789*#": "0123456789*#"}, ["A", "1x"], "1234567890*#"),
    Row("Record", "maxLength", numbers(1, 14_400), beyond(1, 14_400), 3_600),
    Row("Record", "playBeep", FLAGS, BAD_FLAGS, True),
    *recording("Record"),
    *action("Dial"),
    Row("Dial", "answerOnBridge", FLAGS, BAD_FLAGS, False),
    Row(
        "Dial",
        "callerId",
        words("+13005550100", "13005550100", "7000", "anonymous", "sip:a@example.com"),
        ["1" * 129, "a\x7fb"],
        None,
    ),
    Row("Dial", "hangupOnStar", FLAGS, BAD_FLAGS, False),
    Row("Dial", "ringTone", words(*TONE_COUNTRIES.split()), ["ca", "usa"], "us"),
    Row("Dial", "timeout", numbers(1, 600), beyond(1), 30, lowered=("601", 600)),
    Row("Dial", "timeLimit", numbers(1, 86_400), beyond(1), 14_400, lowered=("86401", 86_400)),
    Row(
        "Dial",
        "record",
        words("do-not-record", "record-from-ringing", "record-from-answer", "record-from-ringing-dual", "record-from-answer-dual"),
        ["true", "record"],
        "do-not-record",
    ),
    Row("Dial", "recordingTrack", words("inbound", "outbound", "both"), ["all"], "both"),
    *recording("Dial"),
    Row("Dial", "output", NAMES, BAD_NAMES, None),
    Row("Number", "sendDigits", TONES, BAD_TONES, ""),
    Row("Number", "url", URLS, BAD_URLS, None),
    Row("Number", "method", METHODS, BAD_METHODS, "POST"),
    Row("Redirect", "method", METHODS, BAD_METHODS, "POST"),
    Row("Reject", "reason", words("rejected", "busy"), ["no"], "rejected"),
    Row("Set", "output", DOTTED, BAD_DOTTED, ""),
    Row("Unset", "output", DOTTED, BAD_DOTTED, ""),
    Row("Flow", "resume", FLAGS, BAD_FLAGS, False),
    Row("If", "expression", {"${a} == '1'": "${a} == '1'", "": ""}, ["${a", "=="], ""),
    Row("Do", "expression", {"${a} !~ '^1'": "${a} !~ '^1'"}, ["${a", "'(' =~ '('"], ""),
    Row("Do", "maxLoops", numbers(1, 10_000), beyond(1), 1, lowered=("10001", 10_000)),
    *action("Pay"),
    Row(
        "Pay",
        "bankAccountType",
        words("consumer-checking", "consumer-savings", "commercial-checking"),
        ["checking"],
        "consumer-checking",
    ),
    Row("Pay", "chargeAmount", words("0", "20.45", "1.5", "999999.99"), ["-1", "1.234", "1000000", "x", "1,5"], "0"),
    Row("Pay", "currency", words("usd"), ["eur"], "usd"),
    Row("Pay", "description", {"": "", "a" * 1_000: "a" * 1_000}, ["a" * 1_001], ""),
    Row("Pay", "language", words(*LANGUAGES_PAID.split()), ["pt-BR"], "en-US"),
    Row("Pay", "maxAttempts", numbers(1, 3), beyond(1, 3), 2),
    Row("Pay", "minPostalCodeLength", numbers(1, 16), beyond(1), None, lowered=("17", 16)),
    Row("Pay", "output", NAMES, BAD_NAMES, None),
    Row("Pay", "paymentConnector", words("Default", "a" * 100), ["a" * 101], "Default"),
    Row("Pay", "paymentMethod", words("credit-card", "ach-debit"), ["card"], "credit-card"),
    Row("Pay", "postalCode", FLAGS, BAD_FLAGS, True),
    Row("Pay", "securityCode", FLAGS, BAD_FLAGS, True),
    Row("Pay", "statusCallback", URLS, BAD_URLS, None),
    Row("Pay", "statusCallbackMethod", METHODS, BAD_METHODS, "POST"),
    Row("Pay", "timeout", numbers(1, 3_600), beyond(1), 5, lowered=("3601", 3_600)),
    Row("Pay", "tokenType", words("one-time", "reusable", "payment-method"), ["once"], "reusable"),
    Row("Pay", "validCardTypes", CARDS, ["visa master", "visa,amex"], ("visa", "mastercard", "amex")),
    Row(
        "Prompt",
        "for",
        words(
            "payment-card-number", "expiration-date", "security-code", "postal-code", "bank-account-number", "bank-routing-number"
        ),
        ["card"],
        "postal-code",
        "for_",
    ),
    Row("Prompt", "attempt", {"1": (1,), "2 3": (2, 3), "3 1 3": (3, 1)}, ["0", "4", "1,2"], (), "attempts"),
    Row("Prompt", "cardType", CARDS, ["visa master"], (), "card_types"),
    Row(
        "Prompt",
        "errorType",
        {
            "input-timeout invalid-card-number": ("input-timeout", "invalid-card-number"),
            "invalid-security-code invalid-card-type invalid-date": ("invalid-security-code", "invalid-card-type", "invalid-date"),
            "invalid-postal-code invalid-bank-routing-number": ("invalid-postal-code", "invalid-bank-routing-number"),
            "invalid-bank-account-number input-matching-failed": ("invalid-bank-account-number", "input-matching-failed"),
        },
        ["timeout"],
        (),
        "error_types",
    ),
    Row("Prompt", "requireMatchingInputs", FLAGS, BAD_FLAGS, False),
]
APART = {("Gather", "input"), ("Pay", "input"), ("Parameter", "name"), ("Parameter", "value")}
"""Their values have another form; tests of their own are below."""

FRAMES = {
    "Say": "<Say{}>x</Say>",
    "Play": "<Play{}>/x</Play>",
    "Gather": "<Gather{}/>",
    "Record": "<Record{}/>",
    "Dial": "<Dial{}>1</Dial>",
    "Number": "<Dial><Number{}>1</Number></Dial>",
    "Pay": "<Pay{}/>",
    "Prompt": "<Pay><Prompt{}/></Pay>",
    "Parameter": "<Pay><Parameter{}/></Pay>",
    "Redirect": "<Redirect{}>/x</Redirect>",
    "Set": "<Set{}>x</Set>",
    "Connect": "<Connect{}><Flow>f</Flow></Connect>",
    "Flow": "<Connect><Flow{}>f</Flow></Connect>",
}
NEEDED = {
    "Set": ("output", "a"),
    "Unset": ("output", "a"),
    "If": ("expression", ""),
    "Do": ("expression", ""),
    "Prompt": ("for", "postal-code"),
}
"""What must be there beside the attribute that is looked at."""
COMPANIONS = {
    "recordingStatusCallbackMethod": ' recordingStatusCallback="/r"',
    "recordingStatusCallbackEvent": ' recordingStatusCallback="/r"',
}


def of_rows(wanted: Callable[[Row], bool]) -> pytest.MarkDecorator:
    rows = [row for row in ROWS if wanted(row)]
    return pytest.mark.parametrize("row", rows, ids=[f"{row.word} {row.name}" for row in rows])


def is_needed(row: Row) -> bool:
    return NEEDED.get(row.word, ("",))[0] == row.name


def kind_of(row: Row) -> str:
    return type(next(one for one in WORDS[row.word].attributes if one.name == row.name).kind).__name__


def is_lower(text: str) -> bool:
    return text.isalpha() and text.islower()


def document(row: Row, text: str | None) -> str:
    given = "" if text is None else f' {row.name}="{text}"'
    if row.name in COMPANIONS:
        given += COMPANIONS[row.name]
    needed = NEEDED.get(row.word)
    if needed and (needed[0] != row.name or (text is None and row.word == "Prompt")):
        given += f' {needed[0]}="{needed[1]}"'
    frame = FRAMES.get(row.word, f"<{row.word}{{}}/>")
    if row.word == "Play" and row.name == "digits" and text:
        frame = "<Play{}/>"
    return f"<Response>{frame.format(given)}</Response>"


def value(row: Row, made: Any) -> Any:
    """The field of the value that was made."""
    held = made.body[0]
    if row.word == "Number":
        held = held.numbers[0]
    elif row.word == "Prompt":
        held = held.prompts[0]
    field = row.field or "".join(f"_{char.lower()}" if char.isupper() else char for char in row.name)
    for name in field.split("."):
        held = None if held is None else getattr(held, name)
    return held


def codes(text: str) -> list[str]:
    return [one.code for one in check(text)]


def test_the_table_has_every_attribute() -> None:
    known = {(word.name, one.name) for word in WORDS.values() for one in word.attributes}
    assert {(row.word, row.name) for row in ROWS} | APART == known
    assert len(ROWS) + len(APART) == len(known)


@of_rows(lambda _: True)
def test_what_it_may_be(row: Row) -> None:
    for text, expected in row.good.items():
        made = parse(document(row, text), strict=True)
        assert value(row, made) == expected, text


@of_rows(lambda _: True)
def test_what_it_may_not_be(row: Row) -> None:
    for text in row.bad:
        problems = check(document(row, text))
        stopping = [one for one in problems if not CODES[one.code].runs]
        assert stopping, text
        assert stopping[0].code in ("bad-value", "out-of-range", "bad-expression"), text
        assert stopping[0].message.startswith(f"{row.name} of <{row.word}>: "), text
        with pytest.raises(BadDocument):
            parse(document(row, text))


@of_rows(lambda row: not is_needed(row))
def test_what_holds_without_it(row: Row) -> None:
    assert value(row, parse(document(row, None), strict=True)) == row.without


@of_rows(lambda row: row.lowered is not None)
def test_what_is_over_a_limit_of_ours_is_lowered(row: Row) -> None:
    assert row.lowered is not None
    text, expected = row.lowered
    made = read(document(row, text))
    assert "lowered" in [one.code for one in made.problems]
    assert made.document is not None
    assert value(row, made.document) == expected


@pytest.mark.parametrize(("word", "needed"), NEEDED.items())
def test_what_must_be_there(word: str, needed: tuple[str, str]) -> None:
    frame = FRAMES.get(word, f"<{word}{{}}/>")
    assert "missing-attribute" in codes(f"<Response>{frame.format('')}</Response>")
    with pytest.raises(BadDocument, match=f"<{word}> has no {needed[0]}; expected"):
        parse(f"<Response>{frame.format('')}</Response>")


@of_rows(lambda row: not is_needed(row) and kind_of(row) not in ("Keys", "Tones", "Text"))
def test_an_empty_one_is_an_error_of_the_checker_and_as_if_it_were_not_there(row: Row) -> None:
    text = document(row, " ")
    assert "empty-value" in codes(text)
    with pytest.raises(BadDocument):
        parse(text, strict=True)
    assert value(row, parse(text)) == row.without


@of_rows(lambda row: kind_of(row) in ("OneOf", "SomeOf", "Flag") and any(map(is_lower, row.good)))
def test_a_known_word_in_other_capitals_is_taken_as_meant_by_a_call_alone(row: Row) -> None:
    word = next(filter(is_lower, row.good))
    text = document(row, word.capitalize())
    problem = next(one for one in check(text) if one.severity == "error")
    assert (problem.code, problem.hint) == ("value-case", f'did you mean "{word}"?')
    assert value(row, parse(text)) == row.good[word]
    with pytest.raises(BadDocument):
        parse(text, strict=True)


@pytest.mark.parametrize("word", [*VERBS, *NOUNS])
def test_an_attribute_that_is_not_known_is_an_error_of_the_checker_alone(word: str) -> None:
    row = Row(word, "nonsense", {}, [], None)
    given = document(row, "1") if word != "Parameter" else '<Response><Pay><Parameter name="a" nonsense="1"/></Pay></Response>'
    problem = next(one for one in check(given) if one.severity == "error")
    assert problem.code == "unknown-attribute"
    assert problem.message == f'"nonsense" is no attribute of <{word}>; expected ' + ", ".join(
        one.name for one in WORDS[word].attributes
    )
    parse(given)
    with pytest.raises(BadDocument, match="nonsense"):
        parse(given, strict=True)


@pytest.mark.parametrize(
    ("text", "dtmf", "speech"),
    [("", True, False), ('input="dtmf"', True, False), ('input="speech"', False, True), ('input="dtmf speech"', True, True)],
)
def test_the_input_of_a_gather(text: str, dtmf: bool, speech: bool) -> None:
    made: Any = parse(f"<Response><Gather {text}/></Response>", strict=True).body[0]
    assert (made.dtmf, made.speech) == (dtmf, speech)


def test_the_input_of_a_gather_in_the_other_order_or_of_another_kind() -> None:
    made: Any = parse('<Response><Gather input="speech  dtmf"/></Response>', strict=True).body[0]
    assert made.dtmf
    assert made.speech
    assert codes('<Response><Gather output="a" input="voice dtmf"/></Response>') == ["bad-value"]


def test_pay_takes_keys_alone() -> None:
    assert codes('<Response><Pay input="dtmf"/></Response>') == []
    assert codes('<Response><Pay input="speech"/></Response>') == ["bad-value"]


def test_parameters_of_a_payment() -> None:
    made: Any = parse('<Response><Pay><Parameter name="a" value="1"/><Parameter name="b"/></Pay></Response>', strict=True).body[0]
    assert made.parameters == (("a", "1"), ("b", ""))
    assert codes('<Response><Pay><Parameter value="1"/></Pay></Response>') == ["missing-attribute"]
    assert codes(f'<Response><Pay><Parameter name="{"a" * 101}" value="{"b" * 1001}"/></Pay></Response>') == ["out-of-range"] * 2
