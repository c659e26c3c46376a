"""Bird's page tokens."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.api.bird.pages import MOST_CHARACTERS, page_token, row_behind
from ringback.errors import InvalidInput

# The token that the vendor's page shows.
PUBLISHED = "WyIyMDI0LTExLTE1VDEzOjM0OjQ1Ljc3NTYzMDE0OVoiLCJhMGEwM2IxOS0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDEiXQ=="


def token_of(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def test_a_token_is_the_moment_and_the_id_of_the_last_row() -> None:
    token = page_token(1_731_677_685_775, "a0a03b19-0000-4000-8000-000000000001")
    assert json.loads(base64.b64decode(token)) == ["2024-11-15T13:34:45.775Z", "a0a03b19-0000-4000-8000-000000000001"]


def test_the_vendors_own_form_with_nine_digits_is_read() -> None:
    assert row_behind(PUBLISHED) == row_behind(PUBLISHED.rstrip("=")) == "a0a03b19-0000-4000-8000-000000000001"


@given(st.integers(0, 4_000_000_000_000), st.uuids())
def test_what_is_given_is_read_and_needs_no_escaping_in_a_query(made_at_ms: int, row: object) -> None:
    token = page_token(made_at_ms, str(row))
    assert row_behind(token) == str(row)
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789=")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "%%%%",
        "AAAA",
        base64.b64encode(b"\xff\xfe").decode(),
        token_of([]),
        token_of(["2024-11-15T13:34:45Z"]),
        token_of(["2024-11-15T13:34:45Z", 5]),
        token_of(["yesterday", "a"]),
        token_of(["2024-11-15T13:34:45", "a"]),
        token_of(["2024-11-15T13:34:45Z", "a", "b"]),
        token_of({"createdAt": "2024-11-15T13:34:45Z"}),
        token_of(["2024-11-15T13:34:45Z", "a" * MOST_CHARACTERS]),
    ],
)
def test_what_no_list_gave_is_refused(token: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        row_behind(token)
    assert refused.value.field == "pageToken"
