"""What is told, and exactly where: in each document `➤` stands before what is wrong, in the order of the codes beside it."""

import re

import pytest

from ringback.voxml.parse import check, parse, read
from ringback.voxml.problem import CODES, BadDocument

MARK = "➤"
LONG = "word " * 601

CASES: list[tuple[str, str]] = [
    # The text
    ("xml", f"{MARK}"),
    ("xml", f"{MARK}  \n"),
    ("xml", f"{MARK}<Response>"),
    ("xml", f"<Response>\n  {MARK}<Say>Hello.\n"),
    ("xml", f"<Response>\n  <Say>Hello.{MARK}</Set>\n</Response>"),
    ("xml", f"<Response><Say>{MARK}& you</Say></Response>"),
    ("xml", f"<Response>\r\n<Redirect>/a?b=1{MARK}&c=2</Redirect></Response>"),
    ("xml", f'<Response><If expression="a {MARK}&& b"/></Response>'),
    ("xml", f'<Response><If expression="a {MARK}< b"/></Response>'),
    ("xml", f"<Response><Say>1 {MARK}< 2</Say></Response>"),
    ("xml", f"<Response><Say loop={MARK}2>x</Say></Response>"),
    ("xml", f'<Response><Say loop="1" {MARK}loop="2">x</Say></Response>'),
    ("xml", f'<Response><Say voice="a"{MARK}loop="2">x</Say></Response>'),
    ("xml", f"<Response/>{MARK}<Response/>"),
    ("xml", f"<Response/>\n{MARK}text"),
    ("xml", f"{MARK}text"),
    ("xml", f'\n{MARK}<?xml version="1.0"?><Response/>'),
    ("xml", f"<Response><Say>{MARK}&#0;</Say></Response>"),
    ("xml", f"<Response><Say>é{MARK}\x01</Say></Response>"),
    ("entity", f"<Response><Say>a{MARK}&nbsp;b</Say></Response>"),
    ("doctype", f"<?xml version='1.0'?>\n{MARK}<!DOCTYPE Response><Response/>"),
    ("doctype", f'{MARK}<!DOCTYPE Response [<!ENTITY a "b">]><Response>&a;</Response>'),
    ("encoding", f"<?xml version='1.0' encoding='{MARK}ISO-8859-1'?><Response/>"),
    ("nul", f"<Response>\n{MARK}\0</Response>"),
    ("too-deep", "<Response>" + "<If expression=''>" * 31 + f"{MARK}<Hangup/>" + "</If>" * 31 + "</Response>"),
    ("too-many-elements", "<Response>" + "<Answer/>" * 1_999 + f"{MARK}<Answer/></Response>"),
    # Elements
    ("root", f"<!-- a menu -->\n{MARK}<response><Say>x</Say></response>"),
    ("root", f"{MARK}<VXML/>"),
    ("unknown-element", f"<Response>\n\t{MARK}<Conference>room</Conference></Response>"),
    ("unknown-element", f"<Response>{MARK}<say>x</say></Response>"),
    ("unknown-element", f"<Response>{MARK}<v:Say>x</v:Say></Response>"),
    ("unknown-element", f'<Response><Dial action="/x">{MARK}<Sip>sip:a@example.com</Sip></Dial></Response>'),
    ("unknown-element unknown-element", f"<Response>{MARK}<A/><If expression=''>{MARK}<B/></If></Response>"),
    ("wrong-place", f"<Response>{MARK}<Number>1</Number></Response>"),
    ("wrong-place", f'<Response><Gather output="a">{MARK}<Hangup/></Gather></Response>'),
    ("wrong-place", f"<Response><Say>Hello {MARK}<Pause/></Say></Response>"),
    ("wrong-place", f"<Response><Hangup>{MARK}<Hangup/></Hangup></Response>"),
    ("wrong-place", f"<Response>{MARK}<Response/></Response>"),
    ("unexpected-text", f"<Response>\n  <Hangup/>\n  {MARK}stray\n</Response>"),
    ("unexpected-text", f"<Response><Pause>\n {MARK}2</Pause></Response>"),
    ("unexpected-text", f"<Response><Answer/><!-- why --> <![CDATA[{MARK}x]]></Response>"),
    ("unexpected-text", f"<Response><Answer/>{MARK}é</Response>"),
    ("missing-body", f"<Response>{MARK}<Redirect/></Response>"),
    ("missing-body", f"<Response>{MARK}<Redirect> \n </Redirect></Response>"),
    ("missing-body", f"<Response>{MARK}<Play/></Response>"),
    ("missing-body", f'<Response>{MARK}<Play digits=" "/></Response>'),
    ("missing-body", f"<Response>{MARK}<Dial/></Response>"),
    ("missing-body", f"<Response><Dial>{MARK}<Number/></Dial></Response>"),
    ("missing-body", f"<Response>{MARK}<Connect/></Response>"),
    ("missing-body", f"<Response><Connect>{MARK}<Flow/></Connect></Response>"),
    ("two-bodies", f"<Response><Dial> {MARK}1<Number>2</Number></Dial></Response>"),
    ("two-bodies", f'<Response><Play digits="1">{MARK}/x.wav</Play></Response>'),
    ("two-bodies", f"<Response><Connect><Flow>a</Flow>{MARK}<Flow>b</Flow></Connect></Response>"),
    ("too-many-numbers", "<Response><Dial>" + "<Number>1</Number>" * 10 + f"{MARK}<Number>1</Number></Dial></Response>"),
    # Attributes and bodies
    ("missing-attribute", f"<Response>{MARK}<Set>x</Set></Response>"),
    ("missing-attribute", f'<Response>{MARK}<Unset output=" "/></Response>'),
    ("bad-value", f'<Response><Reject\n   {MARK}reason="no"/></Response>'),
    ("bad-value", f"<Response><Redirect>\n  {MARK}ftp://x/</Redirect></Response>"),
    ("bad-value", f"<Response><Connect><Flow>{MARK}a b</Flow></Connect></Response>"),
    ("bad-value", f"<Response><Dial>{MARK}" + "1" * 129 + "</Dial></Response>"),
    ("out-of-range", f"<Response><Pause {MARK}length='61'/></Response>"),
    ("bad-value out-of-range", f'<Response><Gather action="/a" {MARK}method="x" {MARK}timeout="0"/></Response>'),
    ("bad-expression", f'<Response><If {MARK}expression="${{a"/></Response>'),
    ("unknown-attribute", f"<Response><Play {MARK}loops='2'>/a.mp3</Play></Response>"),
    (
        "unknown-attribute",
        f"<Response><Dial callerId='sip:&gt;>@x'\n {MARK}callerID = '+13005550100' timeout='9'>1</Dial></Response>",
    ),
    ("value-case", f"<Response><Record {MARK}playBeep='True'/></Response>"),
    ("empty-value", f'<Response><Record {MARK}action=""/></Response>'),
    ("long-value", f'<Response><Set output="a">{MARK}' + "x" * 51 + "</Set></Response>"),
    # What runs
    ("lowered", f'<Response><Dial {MARK}timeout="601">1</Dial></Response>'),
    ("empty-document", f"{MARK}<Response/>"),
    ("nothing-said", f"<Response>{MARK}<Say> </Say></Response>"),
    ("runs-once", f"<Response>{MARK}<Do expression=\"${{do.n}} == '0'\"><Answer/></Do></Response>"),
    ("input-lost", f"<Response>{MARK}<Gather/></Response>"),
    ("no-effect", f'<Response><Record {MARK}method="GET"/></Response>'),
    ("no-effect no-effect", f'<Response><Dial {MARK}recordingTrack="both" {MARK}recordingStatusCallback="/r">1</Dial></Response>'),
    ("long-text", f"<Response><Say>\n{MARK}{LONG}</Say></Response>"),
    ("voice-language", f'<Response><Say {MARK}language="de-DE">Hallo</Say></Response>'),
    ("unknown-voice", f'<Response><Say {MARK}voice="Poly.Joanna">x</Say></Response>'),
    ("unknown-language", f'<Response><Gather output="a" {MARK}language="de-DE"/></Response>'),
    ("unknown-ssml", f"<Response><Say>a{MARK}<brake/></Say></Response>"),
    ("tags-in-text", f"<Response><Say>{MARK}a&lt;break time='1s'/&gt;b</Say></Response>"),
    ("tags-in-text", f"<Response><Say><![CDATA[{MARK}a<break/>]]></Say></Response>"),
    ("variable-in-text", f"<Response><Say>{MARK}Hello ${{name}}</Say></Response>"),
    ("variable-in-text", f"<Response><Redirect>{MARK}/x?n=${{name}}</Redirect></Response>"),
    ("variable-in-text", f'<Response><Record {MARK}action="/x?n=${{name}}"/></Response>'),
    ("reserved-name", f'<Response><Unset {MARK}output="do.n"/></Response>'),
    ("several-keys", f'<Response><Gather output="a" {MARK}finishOnKey="*#"/></Response>'),
    ("number-form", f"<Response><Dial>{MARK}0412345678</Dial></Response>"),
    ("number-form", f"<Response><Dial><Number>{MARK}anonymous</Number></Dial></Response>"),
    ("not-https", f"<Response><Play>{MARK}http://example.com/a.wav</Play></Response>"),
    ("namespace", f'<Response {MARK}xmlns="urn:x"><Answer/></Response>'),
    ("namespace", f'<Response><Say {MARK}xml:lang="en">x</Say></Response>'),
    ("late-reject", f"<Response><Answer/>{MARK}<Reject/></Response>"),
    ("late-reject", f"<Response><Say>No.</Say>{MARK}<Reject/></Response>"),
    ("late-reject", f"<Response><Dial>1</Dial><If expression=''>{MARK}<Reject/></If></Response>"),
    ("unreachable", f"<Response><Redirect>/x</Redirect>\n{MARK}<Hangup/></Response>"),
    ("unreachable", f"<Response><Hangup/>{MARK}<Say>x</Say><Say>y</Say></Response>"),
    ("unreachable", f"<Response><Reject/>{MARK}<Say>x</Say></Response>"),
    ("unreachable", f"<Response><Connect><Flow>f</Flow></Connect>{MARK}<Hangup/></Response>"),
    ("unreachable", f'<Response><Dial action="/x">1</Dial>{MARK}<Hangup/></Response>'),
    ("unreachable", f'<Response><Record action="/x"/>{MARK}<Hangup/></Response>'),
    ("unreachable", f'<Response><Pay action="/x"/>{MARK}<Hangup/></Response>'),
    ("unreachable", f'<Response><Gather action="/x" actionOnEmptyResult="true"/>{MARK}<Hangup/></Response>'),
    ("unreachable", f"<Response><If expression=''><Hangup/>{MARK}<Answer/></If><Answer/></Response>"),
    # Several at once, in the document's order
    (
        "unknown-attribute late-reject value-case unreachable unexpected-text",
        f'<Response>\n <Answer {MARK}now="1"/>\n {MARK}<Reject {MARK}reason="Busy"/>\n {MARK}<Say>x</Say>\n {MARK}x</Response>',
    ),
]
FINE = [
    '<Response><Gather action="/x" numDigits="1"><Say>Press 1.</Say></Gather><Hangup/></Response>',
    "<Response><Dial>1</Dial><Record/><Hangup/></Response>",
    "<Response><Set output='a'>b</Set><If expression=''><Reject/></If></Response>",
    "<Response><Dial answerOnBridge='true'>13005550100</Dial><Dial>sip:a@example.com</Dial><Dial>7000</Dial></Response>",
    "<Response><Say>You owe $20 {sic}.</Say><Set output='a'/></Response>",
    '<Response><Say voice="Polly.Aditi" language="hi-IN">x</Say><Say voice="Nova" language="xx">x</Say></Response>',
    '<Response><Say voice="Google.de-DE-Wavenet-A" language="de-DE">x</Say></Response>',
    '<Response><Say voice="Polly.Marlene">Hallo</Say></Response>',
    "<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n<?pi x?><!-- <a> & --><Response><!-- & --><Answer/></Response>",
]


@pytest.mark.parametrize(("codes", "marked"), CASES, ids=[f"{n}-{codes[:40]}" for n, (codes, _) in enumerate(CASES)])
def test_every_problem_is_told_where_it_is(codes: str, marked: str) -> None:
    places = [(marked.count("\n", 0, one.start()) + 1, marked[: one.start()]) for one in re.finditer(MARK, marked)]
    expected = [(line, len(before.rpartition("\n")[2].replace(MARK, "")) + 1) for line, before in places]
    document = marked.replace(MARK, "")
    for content in (document, document.encode(), b"\xef\xbb\xbf" + document.encode()):
        problems = check(content)
        assert [one.code for one in problems] == codes.split()
        assert [(one.line, one.column) for one in problems] == expected
        assert all(one.severity == CODES[one.code].severity for one in problems)


def test_every_code_is_told_of_something() -> None:
    told = {code for codes, _ in CASES for code in codes.split()}
    assert told == CODES.keys() - {"too-large"}
    assert [one.code for one in check(b"<Response/>" + b" " * 65_536)] == ["too-large"]


@pytest.mark.parametrize("document", FINE)
def test_nothing_is_told_of_what_is_fine(document: str) -> None:
    assert check(document) == []


@pytest.mark.parametrize(("codes", "marked"), CASES, ids=[f"{n}-{codes[:40]}" for n, (codes, _) in enumerate(CASES)])
def test_what_a_call_does_is_what_the_table_says(codes: str, marked: str) -> None:
    document = marked.replace(MARK, "")
    kinds = [CODES[code] for code in codes.split()]
    for strict in (False, True):
        stopping = [kind for kind in kinds if not kind.runs or (strict and kind.severity == "error")]
        if not stopping:
            assert parse(document, strict=strict) == read(document).document
            continue
        with pytest.raises(BadDocument) as raised:
            parse(document, strict=strict)
        assert raised.value.problems == tuple(check(document))
        assert CODES[raised.value.first.code] == stopping[0]
        assert str(raised.value) == str(raised.value.first)
        assert raised.value.status == 422


HINTS = [
    ("<Play loops='2'>/x</Play>", '"loops" is no attribute of <Play>', 'did you mean "loop"?'),
    ("<Dial callerID='1'>1</Dial>", '"callerID" is no attribute of <Dial>', 'did you mean "callerId"?'),
    ("<Record trim='x'/>", '"trim" is no attribute of <Record>', "TwiML has it, VoXML does not"),
    ("<Pause duration='x'/>", '"duration" is no attribute of <Pause>; expected length, history', ""),
    ("<Conference/>", "<Conference> is no element of VoXML; expected a verb", "VoXML has no conferences"),
    (
        "<Gather action='/a'><Sey/></Gather>",
        "<Sey> is no element of VoXML; expected <Say>, <Play> or <Pause>",
        'did you mean "Say"?',
    ),
    ("<Redirct>/x</Redirct>", "<Redirct> is no element of VoXML; expected a verb", 'did you mean "Redirect"?'),
    ("<Say>a<Hangup/></Say>", "<Hangup> may not be in <Say>; expected text or SSML", "is a </Say> missing before it?"),
    ("<Dial><Say>a</Say></Dial>", "<Say> may not be in <Dial>; expected text or <Number>", "is a </Dial> missing before it?"),
    ("<Hangup><Number>1</Number></Hangup>", "<Number> may not be in <Hangup>; expected nothing in it", ""),
    ("\n<Say>a</Set>", "</Set> closes <Say> of line 2; expected </Say>", ""),
    ("\n<Say>a", "</Response> closes <Say> of line 2; expected </Say>", ""),
    ("<Say>a & b</Say>", "a lone & is not XML", "write &amp; (and &amp;&amp; for &&)"),
    (
        "<Say>&copy;</Say>",
        '"&copy;" is no entity of XML; expected &amp; &lt; &gt; &quot; &apos;',
        "write the character itself, or its number, as &#160;",
    ),
    ("<Reject reason='buzy'/>", 'reason of <Reject>: "buzy" is not rejected or busy', 'did you mean "busy"?'),
    (
        "<Set output='${a}'>1</Set>",
        'output of <Set>: "${a}" is not a name of letters, digits and _ (and dots between), of at most 50 characters',
        'write the name alone, "a"',
    ),
    ("<Pause length='61'/>", 'length of <Pause>: "61" is not a whole number from 1 to 60 seconds', ""),
    ("<Say language='de-DE'>x</Say>", 'language of <Say>: "Polly.Joanna" speaks en-US, not de-DE', ""),
    (
        "\n<Redirect>/x</Redirect><Say>a</Say><Say>b</Say><Say>c</Say>",
        "<Say> and what follows it (2 more) is never run: <Redirect> of line 2 goes on with another document",
        "",
    ),
    ("<If expression=\"${a} === '1'\"/>", "expression of <If>: a text or a variable is missing (character 8)", ""),
    (
        "<Dial><Number>0412</Number><Number>0412345678</Number></Dial>",
        '<Number>: "0412345678" is no international number; expected a number such as +13005550100, an extension or a SIP address',
        "write + and the country's code",
    ),
    ("<Answer/><Reject/>", "<Reject> comes after the call was answered: it hangs up", ""),
    ("<Pause/><Reject/>", "<Reject> is not first: the vendor's pages know it as the first verb alone", ""),
]


@pytest.mark.parametrize(("document", "message", "hint"), HINTS)
def test_a_problem_says_what_is_wrong_what_was_expected_and_what_was_meant(document: str, message: str, hint: str) -> None:
    problem = check(f"<Response>{document}</Response>")[0]
    assert problem.message.startswith(message)
    assert problem.hint == hint


def test_the_root_is_told_by_its_name() -> None:
    problem = check("<Respons/>")[0]
    assert (problem.message, problem.hint) == ("the root is <Respons>; expected <Response>", 'did you mean "Response"?')


def test_an_element_that_is_never_closed_is_told_where_it_begins() -> None:
    assert str(check("<Response>\n<Say>a")[0]) == "line 2, column 1: <Say> is never closed; expected </Say>"


def test_what_a_document_says_is_shown_short_and_on_one_line() -> None:
    problem = check(f"<Response><Reject reason='a\u202e{'&#10;b' * 500}'/></Response>")[0]
    assert "\n" not in problem.message
    assert "\u202e" not in problem.message
    assert len(problem.message) < 200


def test_not_more_than_five_hundred_errors_and_as_many_warnings_are_told() -> None:
    document = "<Response>" + "<Say/>" * 900 + "<Bad/>" * 900 + "</Response>"
    problems = check(document)
    assert [one.code for one in problems].count("nothing-said") == 500
    assert [one.code for one in problems].count("unknown-element") == 500
    with pytest.raises(BadDocument):
        parse(document)
