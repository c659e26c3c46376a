"""Numbers as viewers see them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.calls.masking import masked, masked_json


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("+61288880000", "+6128888****"),
        ("0288880000", "028888****"),
        ("sip:+61288880000@example.com", "sip:+6128888****@example.com"),
        ("call me on +61288880000, please", "call me on +6128888****, please"),
        ("5551234", "555****"),
        ("7000", "7000"),
        ("anonymous", "anonymous"),
        ("2026-11-20T12:00:00.250Z", "2026-11-20T12:00:00.250Z"),
        ("evt_00akd0fpz80000", "evt_00akd0fpz80000"),
        ("c-12345678", "c-12345678"),
    ],
)
def test_numbers_are_masked_and_nothing_else(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_ids_and_urls_of_a_document_stay() -> None:
    document = {"id": "12345678", "from": "12345678", "list": ["12345678", 12345678], "in": {"url": "https://x/?n=12345678"}}
    shown = json.loads(masked_json(json.dumps(document, separators=(",", ":")).encode()))
    assert shown == {"id": "12345678", "from": "1234****", "list": ["1234****", 12345678], "in": {"url": "https://x/?n=12345678"}}


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.from_regex(r"\+?[0-9]{7,15}", fullmatch=True),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(_values)
def test_it_stays_json_of_the_same_length(value: Any) -> None:
    for text in (json.dumps(value, ensure_ascii=False, separators=(",", ":")), json.dumps(value, separators=(",", ":"))):
        document = text.encode("utf-8", "replace")
        shown = masked_json(document)
        assert len(shown) == len(document)
        json.loads(shown)
