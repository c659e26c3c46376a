"""An account as a form, and sizes for people."""

import pytest
from litestar.datastructures import FormMultiDict

from ringback.portal.operators import account_of, flows_of, size_text


def test_what_is_empty_is_no_limit_and_what_is_no_number_is_left_to_the_api() -> None:
    told = account_of(FormMultiDict([("name", " Tide "), ("country", "au"), ("events_per_s", "2.5"), ("pending_max", "many")]))
    assert (told["name"], told["country"], told["events_per_s"], told["pending_max"]) == ("Tide", "AU", 2.5, "many")
    assert (told["retention_days"], told["call_prefixes"], told["flows"]) == (None, None, {})
    assert "call_limit_s" not in told
    assert (told["mask_numbers"], told["bird_catch_all"]) == (False, "literal")


def test_beginnings_of_numbers_count_only_if_they_are_chosen() -> None:
    fields = [("call_prefixes", "+61, +64\n112")]
    assert account_of(FormMultiDict(fields))["call_prefixes"] is None
    assert account_of(FormMultiDict([*fields, ("reach", "some")]))["call_prefixes"] == ["+61", "+64", "112"]


def test_flows_stand_a_line_each() -> None:
    assert flows_of("a = https://x/?b=c\r\n\n b=\nlost") == {"a": "https://x/?b=c", "b": "", "lost": ""}


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5 * 1024**3, "5.0 GiB"), (3 * 1024**5, "3072.0 TiB")]
)
def test_sizes(count: int, text: str) -> None:
    assert size_text(count) == text
