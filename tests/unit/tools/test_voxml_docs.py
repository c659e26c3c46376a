"""docs/voxml.md says what documents are read by and run by."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))
import voxml_docs

from ringback.voxml.parse import check
from ringback.voxml.problem import CODES
from ringback.voxml.words import WORDS

PAGE = voxml_docs.PAGE.read_text("utf-8")


def test_the_page_is_what_the_tables_say() -> None:
    assert voxml_docs.made(PAGE) == PAGE, "docs/voxml.md is old: run python tools/voxml_docs.py"


@pytest.mark.parametrize("word", WORDS.values(), ids=lambda word: word.name)
def test_every_attribute_says_what_holds_without_it_and_who_says_so(word: voxml_docs.Word) -> None:
    for one in word.attributes:
        assert voxml_docs.default_of(word, one), one.name
        assert f"| `{one.name}` |" in PAGE
        assert one.about.endswith("."), one.name


def test_every_element_and_every_problem_is_there() -> None:
    assert [name for name in WORDS if name != "Response" and f"\n### {name}\n" not in PAGE] == []
    assert [code for code in CODES if f"| `{code}` |" not in PAGE] == []


def test_every_document_on_the_page_is_without_fault() -> None:
    documents = re.findall(r"```xml\n(.*?)```", PAGE, re.DOTALL)
    assert len(documents) > len(WORDS) - 5
    assert [check(document) for document in documents if check(document)] == []
