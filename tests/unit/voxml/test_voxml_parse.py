"""What a document's text becomes: values, with their places; and what is kept of it."""

import pytest

from ringback.voxml import kinds, turn, words
from ringback.voxml.document import (
    Answer,
    Connect,
    Dial,
    Do,
    Document,
    Gather,
    Hangup,
    If,
    Number,
    Pause,
    Pay,
    Play,
    Prompt,
    Record,
    RecordingCallback,
    Redirect,
    Reject,
    Say,
    Set,
    Unset,
)
from ringback.voxml.examples import example, names
from ringback.voxml.parse import _Kept, check, parse, read
from ringback.voxml.problem import BadDocument
from ringback.voxml.voices import languages_of, speaks


def body_of(text: str) -> tuple[object, ...]:
    return parse(f"<Response>{text}</Response>", strict=True).body


def said(text: str) -> Say:
    say = parse(f"<Response>{text}</Response>").body[0]
    assert isinstance(say, Say)
    return say


# Values


def test_verbs_become_values_with_their_places() -> None:
    document = parse('<?xml version="1.0"?>\n<Response>\n  <Answer history="full"/>\n\t<Say>é</Say><Hangup/>\n</Response>')
    assert document == Document(
        (Answer(line=3, column=3, history="full"), Say(line=4, column=2, text="é"), Hangup(line=4, column=14))
    )


def test_a_byte_order_mark_is_no_column() -> None:
    assert parse(b"\xef\xbb\xbf<Response><Hangup/></Response>").body == (Hangup(line=1, column=11),)


def test_every_verb_alone_has_its_defaults() -> None:
    place = {"line": 1, "column": 11}
    assert body_of("<Play>/a.wav</Play>") == (Play(**place, url="/a.wav"),)
    assert body_of('<Play digits="1"/>') == (Play(**place, digits="1"),)
    assert body_of("<Pause/>") == (Pause(**place),)
    assert body_of("<Gather/>") == (Gather(**place),)
    assert body_of("<Record/>") == (Record(**place),)
    assert body_of("<Dial>1</Dial>") == (Dial(**place, numbers=(Number(number="1", line=1, column=17),)),)
    assert body_of("<Redirect>/x</Redirect>") == (Redirect(**place, url="/x"),)
    assert body_of("<Reject/>") == (Reject(**place),)
    assert body_of('<Set output="a">b</Set>') == (Set(**place, output="a", value="b"),)
    assert body_of('<Unset output="a"/>') == (Unset(**place, output="a"),)
    assert body_of("<Connect><Flow>f</Flow></Connect>") == (Connect(**place, flow="f"),)
    assert body_of('<If expression=""/>') == (If(**place),)
    assert body_of('<Do expression=""/>') == (Do(**place),)
    assert body_of("<Pay/>") == (Pay(**place),)


def test_what_is_in_a_verb() -> None:
    assert body_of('<If expression="a"><Do expression="b"><Hangup/></Do></If>') == (
        If(
            line=1,
            column=11,
            expression="a",
            body=(Do(line=1, column=30, expression="b", body=(Hangup(line=1, column=49),)),),
        ),
    )
    (gather,) = body_of('<Gather output="a"><Say>x</Say><Play>/y</Play><Pause/></Gather>')
    assert isinstance(gather, Gather)
    assert [type(one) for one in gather.prompts] == [Say, Play, Pause]
    (dial,) = body_of(
        '<Dial><Number sendDigits="1w" url="/w" method="GET" history="full">+13005550100</Number><Number>2</Number></Dial>'
    )
    assert isinstance(dial, Dial)
    assert dial.numbers == (
        Number(number="+13005550100", send_digits="1w", url="/w", method="GET", history="full", line=1, column=17),
        Number(number="2", line=1, column=99),
    )
    (connect,) = body_of('<Connect history="full"><Flow resume="true" history="compact">8d5f0c1a-7d0e</Flow></Connect>')
    assert connect == Connect(line=1, column=11, history="full", flow="8d5f0c1a-7d0e", resume=True, flow_history="compact")
    (pay,) = body_of('<Pay><Prompt for="postal-code"><Say>x</Say><Play>/y</Play></Prompt><Prompt for="security-code"/></Pay>')
    assert isinstance(pay, Pay)
    assert pay.prompts == (
        Prompt(
            for_="postal-code",
            prompts=(Say(line=1, column=42, text="x"), Play(line=1, column=54, url="/y")),
            line=1,
            column=16,
        ),
        Prompt(for_="security-code", line=1, column=78),
    )


def test_a_recordings_callback() -> None:
    (record,) = body_of(
        '<Record recordingStatusCallback="/r" recordingStatusCallbackMethod="GET" recordingStatusCallbackEvent="failed"/>'
    )
    assert isinstance(record, Record)
    assert record.callback == RecordingCallback("/r", "GET", ("failed",))
    without = parse('<Response><Record recordingStatusCallbackMethod="GET"/></Response>').body[0]
    assert isinstance(without, Record)
    assert without.callback is None


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("+13005550100", "+13005550100"),
        ("\n  13005550100\n", "13005550100"),
        ("<!-- the desk -->7000", "7000"),
        ("<![CDATA[sip:a@example.com]]>", "sip:a@example.com"),
        ("+1 (300) 555-0100", "+1 (300) 555-0100"),
    ],
)
def test_numbers_are_left_as_they_are_written_but_for_blanks_around(inside: str, text: str) -> None:
    (dial,) = body_of(f"<Dial>{inside}</Dial>")
    assert isinstance(dial, Dial)
    assert [one.number for one in dial.numbers] == [text]


def test_a_variables_value_keeps_its_blanks_within() -> None:
    (first, second) = body_of('<Set output="a"> b  c </Set><Set output="a"/>')
    assert isinstance(first, Set)
    assert isinstance(second, Set)
    assert (first.value, second.value) == ("b  c", "")


# What is said


@pytest.mark.parametrize(
    ("inside", "text", "ssml"),
    [
        ("Hello.", "Hello.", False),
        ("\n   One\n   two\t three  ", "One two three", False),
        ("a &lt; b &amp; c", "a < b & c", False),
        ("<![CDATA[a & b]]>", "a & b", False),
        ("a<!-- x -->b", "ab", False),
        ("a <break/> b", "a <break/> b", True),
        ("<break  time='1s' strength=\"x\" ></break>", '<break strength="x" time="1s"/>', True),
        ("<p>One &amp; <s>two</s></p>", "<p>One &amp; <s>two</s></p>", True),
        ("<sub alias='a \"b\" &lt;'>c</sub>", '<sub alias="a &quot;b&quot; &lt;">c</sub>', True),
        ('<amazon:effect name="whispered">x</amazon:effect>', '<amazon:effect name="whispered">x</amazon:effect>', True),
        ('<lang xml:lang="fr-FR">oui</lang>', '<lang xml:lang="fr-FR">oui</lang>', True),
        ("<speak>a <break/></speak>", "a <break/>", True),
        ("\n<speak>plain</speak>\n", "plain", False),
        ("x<speak>a</speak>", "x<speak>a</speak>", True),
    ],
)
def test_ssml_is_kept_as_markup_and_always_written_alike(inside: str, text: str, ssml: bool) -> None:
    say = said(f"<Say>{inside}</Say>")
    assert (say.text, say.ssml) == (text, ssml)
    if ssml:
        again = said(f"<Say>{say.text}</Say>")
        assert (again.text, again.ssml) == (text, True)


def test_tags_do_not_count_as_text() -> None:
    tags = '<break time="1s"/>' * 300
    assert check(f"<Response><Say>{'a' * 3_000}{tags}</Say></Response>") == []
    assert [one.code for one in check(f"<Response><Say>{'a' * 3_001}{tags}</Say></Response>")] == ["long-text"]
    assert len(said(f"<Say>{'a' * 3_001}</Say>").text) == 3_001


@pytest.mark.parametrize(
    ("voice", "languages"),
    [
        ("Polly.Joanna", ("en-US",)),
        ("Polly.Joanna-Neural", ("en-US",)),
        ("Joanna", ("en-US",)),
        ("Polly.Aditi", ("en-IN", "hi-IN")),
        ("Google.de-DE-Chirp3-HD-Aoede", ("de-DE",)),
        ("Deepgram.aura-2-thalia-en", ("en",)),
        ("Deepgram.aura-asteria-en", ("en",)),
        ("Polly.Nobody", ()),
        ("Acme.Joanna", ()),
        ("Google.Journey", ()),
    ],
)
def test_which_languages_a_voice_speaks(voice: str, languages: tuple[str, ...]) -> None:
    assert languages_of(voice) == languages


@pytest.mark.parametrize(
    ("voice", "language", "fits"),
    [
        ("Polly.Joanna", "en-US", True),
        ("Polly.Joanna", "en-us", True),
        ("Polly.Joanna", "en-GB", False),
        ("Polly.Joanna", "en", True),
        ("Polly.Zhiyu", "cmn-CN", True),
        ("Polly.Zeina", "arb", True),
        ("Polly.Hala", "ar", True),
        ("Polly.Aditi", "hi-IN", True),
        ("Deepgram.aura-asteria-en", "en-AU", True),
        ("Deepgram.aura-asteria-en", "de-DE", False),
        ("Acme.Anybody", "xx-XX", True),
    ],
)
def test_whether_a_voice_speaks_a_language(voice: str, language: str, fits: bool) -> None:
    assert speaks(voice, language) is fits


# What is kept


def test_the_same_text_gives_the_same_document() -> None:
    text = "<Response><Say>shared</Say></Response>"
    assert parse(text) is parse(text)
    assert parse(text.encode()) is parse(text)
    assert parse(text, strict=True) is parse(text)
    assert parse(text + " ") is not parse(text)


def test_leniency_is_of_the_call_not_of_what_is_kept() -> None:
    text = "<Response><Say loops='2'>kept</Say></Response>"
    assert parse(text) is parse(text)
    for _ in range(2):
        with pytest.raises(BadDocument):
            parse(text, strict=True)
    assert parse(text) is parse(text)


def test_what_came_last_is_kept_as_far_as_there_is_room() -> None:
    kept, reading = _Kept(100), read("<Response><Hangup/></Response>")
    for key in (b"a", b"b"):
        kept.put(key, 40, reading)
    assert kept.get(b"a") is reading
    kept.put(b"c", 40, reading)
    assert (kept.get(b"a"), kept.get(b"b"), kept.get(b"c")) == (reading, None, reading)
    kept.put(b"d", 101, reading)
    assert [kept.get(key) for key in (b"a", b"c", b"d")] == [None] * 3
    kept.put(b"e", 100, reading)
    kept.put(b"e", 100, reading)
    assert kept.get(b"e") is reading


# The examples, and what others count on


@pytest.mark.parametrize("name", names())
def test_an_example_is_without_fault(name: str) -> None:
    assert check(example(name)) == []
    assert parse(example(name), strict=True).body


def test_every_word_has_an_example_that_shows_it() -> None:
    for word in (*words.VERBS.values(), *words.NOUNS.values()):
        assert f"<{word.name}".encode() in example(word.example), word.name


def test_there_is_no_other_example() -> None:
    assert {word.example for word in words.WORDS.values()} - {""} == set(names())
    with pytest.raises(KeyError):
        example("../__init__")


def test_the_interpreter_and_the_checker_have_the_same_limits() -> None:
    assert (turn.MAX_NAME, turn.MAX_VALUE) == (kinds.MOST_NAME, words.MOST_VALUE)
