"""What an address is."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.calls.numbers import classify


@pytest.mark.parametrize(
    ("text", "kind", "e164"),
    [
        ("+61288880000", "e164", "+61288880000"),
        (" +61 (2) 8888-0000 ", "e164", "+61288880000"),
        ("+6834000", "e164", "+6834000"),
        ("+123456789012345", "e164", "+123456789012345"),
        ("tel:+61-2-8888-0000", "e164", "+61288880000"),
        ("+1234567890123456", "unknown", None),
        ("+0288880000", "unknown", None),
        ("+611", "unknown", None),
        ("+", "unknown", None),
        ("7000", "extension", None),
        ("280085", "extension", None),
        ("101", "extension", None),
        ("alice", "extension", None),
        ("bob.smith-2", "extension", None),
        ("tel:7000", "extension", None),
        ("sip:alice@10.0.0.1:5060", "sip", None),
        ("<sips:alice@pbx.example;transport=tls>", "sip", None),
        ("alice@pbx.example", "sip", None),
        ("sip:+61288880000@trunk.example;user=phone", "sip", "+61288880000"),
        ("sip:10.0.0.1", "sip", None),
        ("000", "short", None),
        ("112", "short", None),
        ("911", "short", None),
        ("*98", "short", None),
        ("#21#", "short", None),
        ("", "anonymous", None),
        ("   ", "anonymous", None),
        ("anonymous", "anonymous", None),
        ("Anonymous", "anonymous", None),
        ("RESTRICTED", "anonymous", None),
        ("unavailable", "anonymous", None),
        ("Private", "anonymous", None),
        ("withheld", "anonymous", None),
        ("<unknown>", "anonymous", None),
        ("sip:anonymous@anonymous.invalid", "anonymous", None),
        ("sip:x@anonymous.invalid", "anonymous", None),
        ("anonymous@anonymous.invalid", "anonymous", None),
        ("61288880000", "unknown", None),
        ("0288880000", "unknown", None),
        ("1300123", "unknown", None),
        ("PJSIP/bob-00000001", "unknown", None),
        ("two words", "unknown", None),
        ("tel:", "unknown", None),
        ("٧٠٠٠", "unknown", None),
    ],
)
def test_without_a_country(text: str, kind: str, e164: str | None) -> None:
    address = classify(text, None)
    assert (address.kind, address.e164, address.text) == (kind, e164, text.strip())


@pytest.mark.parametrize(
    ("text", "country", "kind", "e164"),
    [
        ("0288880000", "AU", "e164", "+61288880000"),
        ("(02) 8888 0000", "au", "e164", "+61288880000"),
        ("61288880000", "AU", "e164", "+61288880000"),
        ("2025550123", "US", "e164", "+12025550123"),
        ("020 7946 0018", "GB", "e164", "+442079460018"),
        ("+442079460018", "AU", "e164", "+442079460018"),
        ("131008", "AU", "short", None),
        ("106", "AU", "short", None),
        ("110", "DE", "short", None),
        ("411", "US", "short", None),
        ("118118", "GB", "short", None),
        ("7000", "AU", "extension", None),
        ("7000", "US", "extension", None),
        ("280085", "AU", "extension", None),
        ("110", "AU", "extension", None),
        ("99999999999", "AU", "unknown", None),
        ("0288880000", "ZZ", "unknown", None),
        ("7000", "ZZ", "extension", None),
        ("alice", "AU", "extension", None),
    ],
)
def test_with_a_country(text: str, country: str, kind: str, e164: str | None) -> None:
    address = classify(text, country)
    assert (address.kind, address.e164) == (kind, e164)


@given(st.text(max_size=40), st.none() | st.sampled_from(["AU", "US", "", "??"]))
def test_nothing_is_refused(text: str, country: str | None) -> None:
    address = classify(text, country)
    assert address.text == text.strip()
    assert (address.kind == "e164") <= (address.e164 is not None)


def test_the_tables_are_loaded_only_when_they_are_needed() -> None:
    """100 MB and a third of a second must not be paid for a number that tells its kind by itself, nor by whoever imports this."""
    code = (
        "import sys\n"
        "from ringback.calls import geography, ledger, numbers, updates\n"
        "for text in ('+61288880000', '7000', 'sip:a@b', '', '61288880000'): numbers.classify(text, None)\n"
        "geography.geo_for(None, '7000')\n"
        "assert 'phonenumbers' not in sys.modules\n"
        "numbers.classify('0288880000', 'AU')\n"
        "assert 'phonenumbers' in sys.modules\n"
        "assert 'phonenumbers.geodata' not in sys.modules\n"
        "geography.geo_for(None, '+61288880000')\n"
        "assert 'phonenumbers.geodata' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
