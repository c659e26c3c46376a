"""Numbers as forms, and where in a document something is wrong."""

import pytest
from litestar.datastructures import FormMultiDict

from ringback.portal.excerpts import Row, excerpts
from ringback.portal.number_form import body_of, field_of, sentence_of


def form(**fields: str) -> FormMultiDict:
    return FormMultiDict(list(fields.items()))


def test_what_is_empty_keeps_its_default_and_nobody_is_asked() -> None:
    assert body_of(form(number=" +61 ", name="", pool=""), is_new=True) == {
        "number": "+61",
        "webhooks_enabled": False,
        "voice": None,
    }


def test_the_local_fallback_is_the_chosen_one() -> None:
    told = body_of(
        form(voice_url="https://a", local="forward", local_say="Hello", local_forward="+61", webhooks_enabled="on"), is_new=False
    )
    assert told["webhooks_enabled"] is True
    assert told["voice"] == {
        "url": "https://a",
        "method": "POST",
        "fallback_url": None,
        "fallback_method": "POST",
        "local_fallback": {"forward": "+61"},
    }


def test_a_fallback_alone_is_left_to_the_api_and_told_in_words() -> None:
    told = body_of(form(fallback_url="https://a"), is_new=False)
    assert told["voice"]["url"] == ""
    assert "cannot be left out" in sentence_of(told, "voice.url", "too short")
    assert sentence_of({"voice": {"url": "x"}}, "voice.url", "no URL") == "no URL"
    assert (field_of("voice.url"), field_of("name")) == ("voice_url", "name")


def problem(line: int, column: int) -> dict[str, object]:
    return {"line": line, "column": column}


def test_the_caret_stands_under_the_place() -> None:
    document = "<a>\r\n\t<b c='1'/>\r\n</a>"
    (one,) = excerpts(document, [problem(2, 5)])
    assert one.rows == (Row(1, "<a>", None), Row(2, " <b c='1'/>", 4))


@pytest.mark.parametrize("column", [1, 31, 200, 499, 500, 900])
def test_of_a_long_line_the_place_is_shown(column: int) -> None:
    line = "".join(chr(97 + number % 26) for number in range(500))
    (one,) = excerpts(line, [problem(1, column)])
    (row,) = one.rows
    assert len(row.text) <= 92
    assert row.caret is not None
    if column <= 500:
        assert row.text[row.caret] == line[column - 1]


def test_no_line_no_excerpt() -> None:
    assert [one.rows for one in excerpts("", [problem(0, 0), problem(7, 1)])] == [(), ()]
