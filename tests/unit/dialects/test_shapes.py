"""Ids in the platforms' shapes, and times."""

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.calls.model import to_rfc3339
from ringback.dialects.shapes import (
    as_digits,
    as_sid,
    as_uuid,
    carried_number,
    carrying_uuid,
    decode_base64,
    is_uuid,
    life,
    rfc3339,
)

ACCOUNT = "0a0b3c52-7d0e-4f6a-9d55-2b0f6c1c7e01"
OTHER = "1a0b3c52-7d0e-4f6a-9d55-2b0f6c1c7e01"
IDS = st.text(min_size=1, max_size=128)


@pytest.mark.parametrize("kept", ["5f0e3a52-9a0c-4f7e-9a63-0f6f1c1d8a11", "5F0E3A52-9A0C-4F7E-9A63-0F6F1C1D8A11"])
def test_a_uuid_is_kept(kept: str) -> None:
    assert is_uuid(kept)
    assert as_uuid(ACCOUNT, kept) == kept


@pytest.mark.parametrize(
    "text",
    [
        "c-9f31",
        "5f0e3a529a0c4f7e9a630f6f1c1d8a11",
        "{5f0e3a52-9a0c-4f7e-9a63-0f6f1c1d8a11}",
        "5f0e3a52-9a0c-4f7e-9a63-0f6f1c1d8a11\n",
        "5f0e3a52-9a0c-4f7e-9a63-0f6f1c1d8a1g",
        "5f0e3a52-9a0c-4f7e-9a63-0f6f1c1d8a1١",
    ],
)
def test_what_is_no_uuid_becomes_one(text: str) -> None:
    assert not is_uuid(text)
    derived = as_uuid(ACCOUNT, text)
    assert derived != text
    assert uuid.UUID(derived).version == 5


def test_derived_ids_stay_what_they_are_for_ever() -> None:
    """Literals: a receiver's stored ids would break if the derivation changed."""
    assert as_uuid(ACCOUNT, "c-9f31") == "2b1e78e7-087b-5550-8d75-59f2ed9fd228"
    assert as_sid("CA", ACCOUNT, "c-9f31") == "CASOIQLFCBHFFCVKHIPQAKXXCSGDCHWU"
    assert as_digits(ACCOUNT, "c-9f31", 6) == "659062"
    assert carrying_uuid(ACCOUNT, "delivery", 388263456789012345) == "52c84f85-9a0f-5741-afa2-5075dc601d50"


@given(st.integers(0, 2**63 - 1), st.sampled_from(["delivery", "subscription"]))
def test_a_uuid_carries_a_number_within_its_account_and_kind(number: int, kind: str) -> None:
    text = carrying_uuid(ACCOUNT, kind, number)
    assert str(uuid.UUID(text)) == text
    assert (uuid.UUID(text).version, uuid.UUID(text).variant) == (5, uuid.RFC_4122)
    assert carried_number(ACCOUNT, kind, text) == carried_number(ACCOUNT, kind, text.upper()) == number
    assert carried_number(OTHER, kind, text) is None
    assert carried_number(ACCOUNT, "another", text) is None


@given(st.uuids())
def test_a_uuid_of_somebody_else_carries_no_number(foreign: uuid.UUID) -> None:
    assert carried_number(ACCOUNT, "delivery", str(foreign)) is None


@given(st.integers(0, 2**63 - 1), st.integers(0, 127))
def test_a_uuid_with_one_bit_changed_carries_no_number(number: int, bit: int) -> None:
    text = carrying_uuid(ACCOUNT, "delivery", number)
    assert carried_number(ACCOUNT, "delivery", str(uuid.UUID(int=uuid.UUID(text).int ^ 1 << bit))) is None


@pytest.mark.parametrize("text", ["", "c-9f31", "0158c8af60d850dd8a47e26157a04cc7"])
def test_what_is_no_uuid_carries_no_number(text: str) -> None:
    assert carried_number(ACCOUNT, "delivery", text) is None


@given(IDS)
def test_a_derived_uuid_is_one_and_is_kept_from_then_on(text: str) -> None:
    assert is_uuid(as_uuid(ACCOUNT, text))
    assert as_uuid(ACCOUNT, as_uuid(ACCOUNT, text)) == as_uuid(ACCOUNT, text)


@given(IDS)
def test_a_sid_is_32_capital_letters(text: str) -> None:
    assert re.fullmatch("CA[A-Z]{30}", as_sid("CA", ACCOUNT, text))
    assert as_sid("CA", ACCOUNT, as_sid("CA", ACCOUNT, text)) == as_sid("CA", ACCOUNT, text)


@given(IDS, st.integers(1, 12))
def test_digits_are_digits(text: str, length: int) -> None:
    derived = as_digits(ACCOUNT, text, length)
    assert re.fullmatch("[0-9]+", derived)
    assert as_digits(ACCOUNT, derived, length) == derived
    if derived != text:
        assert len(derived) == length
        assert derived[0] != "0"


def test_a_sid_of_another_kind_is_not_kept() -> None:
    sid = "CAQWERTYUIOPASDFGHJKLZXCVBNMQWER"
    assert as_sid("CA", ACCOUNT, sid) == sid
    assert as_sid("AC", ACCOUNT, sid) != sid
    assert as_sid("AC", ACCOUNT, sid).startswith("AC")


@given(IDS)
def test_accounts_whose_switches_count_alike_share_no_derived_id(text: str) -> None:
    if not is_uuid(text):
        assert as_uuid(ACCOUNT, text) != as_uuid(OTHER, text)
    assert as_sid("CA", ACCOUNT, text) != as_sid("CA", OTHER, text)


def test_each_life_of_an_id_has_its_own() -> None:
    kept = "5f0e3a52-9a0c-4f7e-9a63-0f6f1c1d8a11"
    assert life(kept, 1) == kept
    assert len({as_uuid(ACCOUNT, life(kept, n)) for n in range(1, 5)}) == 4


@given(st.integers(0, 4_102_444_800_000))
def test_times_are_those_of_the_model(at_ms: int) -> None:
    assert rfc3339(at_ms) == to_rfc3339(at_ms)


def test_milliseconds_are_cut() -> None:
    assert rfc3339(1_795_176_000_999) == "2026-11-20T12:00:00.999Z"
    assert rfc3339(1_795_176_001_000) == "2026-11-20T12:00:01.000Z"


@pytest.mark.parametrize(
    ("text", "raw"),
    [("TWE=", b"Ma"), ("TWE", b"Ma"), ("TWFu", b"Man"), ("", b""), ("T", None), ("T!E=", None), ("TWE=x", None), ("TWÉ", None)],
)
def test_base64_with_padding_or_without(text: str, raw: bytes | None) -> None:
    assert decode_base64(text) == raw
