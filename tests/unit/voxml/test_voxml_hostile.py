"""Whatever is given, reading it ends at once: with a document, or with BadDocument and nothing else."""

import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.voxml.examples import example, names
from ringback.voxml.parse import check, parse
from ringback.voxml.problem import CODES, BadDocument
from ringback.voxml.read_xml import MOST_BYTES

AT_ONCE_S = 1.0
"""Ample: the slowest of these takes a hundredth of it on an idle core."""

LAUGHS = b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY l0 "lol">' + b"".join(
    b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10)
)
HOSTILE = {
    "billion laughs": (LAUGHS + b"]><Response><Say>&l9;</Say></Response>", "doctype"),
    "quadratic blowup": (
        b'<!DOCTYPE a [<!ENTITY a "' + b"a" * 30_000 + b'">]><Response>' + b"&a;" * 5_000 + b"</Response>",
        "doctype",
    ),
    "external entity": (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Response><Say>&x;</Say></Response>', "doctype"),
    "external subset": (b'<!DOCTYPE Response SYSTEM "http://127.0.0.1:9/x.dtd"><Response/>', "doctype"),
    "parameter entity": (b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/">%x;]><Response/>', "doctype"),
    "an HTML page": (b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>", "doctype"),
    "JSON": (b'{"error": "not found"}', "xml"),
    "deep": (b"<Response>" + b"<If expression=''>" * 3_000, "too-deep"),
    "deep and not known": (b"<a>" * 20_000, "too-deep"),
    "wide": (b"<Response>" + b"<Say/>" * 10_000 + b"</Response>", "too-many-elements"),
    "a huge attribute": (b'<Response><Say voice="' + b"a" * 65_000 + b'">x</Say></Response>', "bad-value"),
    "a huge name": (b"<Response><" + b"a" * 65_000 + b"/></Response>", "unknown-element"),
    "a huge number": (b'<Response><Pause length="' + b"9" * 65_000 + b'"/></Response>', "out-of-range"),
    "many attributes": (
        b"<Response><Say " + b" ".join(b'a%d=""' % n for n in range(6_500)) + b">x</Say></Response>",
        "unknown-attribute",
    ),
    "many words": (b'<Response><Gather input="' + b"x " * 32_000 + b'"/></Response>', "bad-value"),
    "a deep expression": (b'<Response><If expression="' + b"(" * 900 + b'"/></Response>', "bad-expression"),
    "one byte too many": (b"<Response>" + b" " * (MOST_BYTES + 1 - 21) + b"</Response>", "too-large"),
    "a megabyte": (b"<Response>" + b"<Say>x</Say>" * 100_000 + b"</Response>", "too-large"),
    "NUL": (b"<Response><Say>a\0b</Say></Response>", "nul"),
    "NUL alone": (b"\0", "nul"),
    "UTF-16": ("<Response/>".encode("utf-16"), "encoding"),
    "UTF-16 without a mark": ("<Response/>".encode("utf-16-le"), "encoding"),
    "UTF-32": ("<Response/>".encode("utf-32"), "encoding"),
    "Latin-1": ("<Response><Say>é</Say></Response>".encode("latin-1"), "encoding"),
    "half a character": ("<Response><Say>é".encode()[:-1], "encoding"),
    "a surrogate": (b"<Response><Say>\xed\xa0\x80</Say></Response>", "encoding"),
    "a character too long": (b"<Response><Say>\xc0\xbc</Say></Response>", "encoding"),
    "UTF-7 declared": (b'<?xml version="1.0" encoding="UTF-7"?><Response/>', "encoding"),
    "an encoding of no name": (b'<?xml version="1.0" encoding="none-such"?><Response/>', "encoding"),
    "unclosed": (b"<Response><Say>Hello", "xml"),
    "unclosed comment": (b"<Response><!-- ", "xml"),
    "unclosed value": (b'<Response><Say voice="', "xml"),
    "unclosed CDATA": (b"<Response><![CDATA[", "xml"),
    "two roots": (b"<Response/><Response/>", "xml"),
    "nothing": (b"", "xml"),
    "a character number of none": (b"<Response>&#xFFFFFFFFFFFF;</Response>", "xml"),
    "half a character's number": (b"<Response>&#xD800;</Response>", "xml"),
}


def timed(content: bytes | str) -> list[str]:
    """The codes of what is wrong; `check` and `parse` are at one, and quick."""
    began = time.perf_counter()
    problems = check(content)
    errors = [one for one in problems if one.severity == "error"]
    for strict in (False, True):
        stopping = [one for one in errors if strict or not CODES[one.code].runs]
        if not stopping:
            parse(content, strict=strict)
            continue
        with pytest.raises(BadDocument) as raised:
            parse(content, strict=strict)
        assert raised.value.first == stopping[0]
    assert time.perf_counter() - began < AT_ONCE_S
    assert all(one.line >= 1 and one.column >= 1 and one.message for one in problems)
    return [one.code for one in problems]


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_refused_at_once(name: str) -> None:
    content, code = HOSTILE[name]
    assert code in timed(content)


def test_the_largest_document_is_read() -> None:
    filled = b"<Response>" + b" " * (MOST_BYTES - 27) + b"<Hangup/>"
    content = filled.replace(b"   ", b"", 1) + b"</Response>"
    content = content.replace(b"<Hangup/>", b"<Hangup/>" + b" " * (MOST_BYTES - len(content)))
    assert len(content) == MOST_BYTES
    assert timed(content) == []
    assert timed(b"\xef\xbb\xbf" + content) == []
    assert timed(content + b" ") == ["too-large"]


def test_nothing_that_a_document_names_is_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    for declared in (f'<!ENTITY x SYSTEM "{secret.as_uri()}">', f'<!ENTITY % x SYSTEM "{secret.as_uri()}"> %x;'):
        problems = check(f"<!DOCTYPE a [{declared}]><Response><Say>&x;</Say></Response>")
        assert [one.code for one in problems] == ["doctype"]
        assert "secret" not in problems[0].message


def test_text_with_half_a_character_is_refused() -> None:
    assert timed("<Response><Say>\ud800</Say></Response>") == ["encoding"]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    timed(content)
    timed(b"<Response>" + content + b"</Response>")
    timed(b"<Response><Say " + content + b">x</Say></Response>")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(content: str) -> None:
    timed(content)
    timed(f"<Response><Say>{content}</Say></Response>")


PIECES = (
    *(
        b"<",
        b">",
        b"/>",
        b"</",
        b'"',
        b"'",
        b"&",
        b";",
        b"&amp;",
        b"&#0;",
        b"<!--",
        b"-->",
        b"<![CDATA[",
        b"]]>",
        b"<?",
        b"?>",
        b"\r",
    ),
    *(b"<!DOCTYPE", b" ", b"\n", b"=", b"\0", b"\xff", b"\xc3\xa9", b"<Say>", b"</Say>", b"<Response>", b"</Response>", b"<Do "),
    *(b"<If ", b'timeout="', b'expression="', b"${", b"}", b"9" * 40, b"-1", b"http://[", b"<Number>", b"<Pay>", b' loop="0"'),
    *(b"<speak>", b"xml:lang="),
)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(names()), st.integers(0, 2**32), st.integers(1, 6))
def test_a_good_document_that_was_tampered_with_is_read_or_refused(name: str, seed: int, times: int) -> None:
    chance = random.Random(seed)
    content = bytearray(example(name))
    for _ in range(times):
        at, end = sorted((chance.randrange(len(content) + 1), chance.randrange(len(content) + 1)))
        match chance.randrange(5):
            case 0:
                content[at:at] = chance.choice(PIECES)
            case 1:
                del content[at : min(end, at + 20)]
            case 2:
                content[at:at] = content[at : min(end, at + 200)]
            case 3 if at < len(content):
                content[at] = chance.randrange(256)
            case _:
                del content[at:]
        content = content or bytearray(b" ")
    timed(bytes(content))
