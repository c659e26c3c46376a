"""G.711 by its tables and by what must hold for any sound."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from media_sounds import linear, samples

from ringback.switch.embedded.media.g711 import PCMA, PCMU, SAMPLES, Law, transcode

LAWS = pytest.mark.parametrize("law", [PCMU, PCMA], ids=lambda law: law.name)
ANY = st.integers(-32_768, 32_767)


@pytest.mark.parametrize(
    ("law", "code", "value"),
    [
        # ITU-T G.711 tables 1a/1b (A-law, in 13 bits, here times 8) and 2a/2b (µ-law, in 14 bits, here times 4)
        (PCMU, 0xFF, 0),
        (PCMU, 0x7F, 0),
        (PCMU, 0xFE, 8),
        (PCMU, 0xEF, 132),
        (PCMU, 0x80, 32_124),
        (PCMU, 0x00, -32_124),
        (PCMA, 0xD5, 8),
        (PCMA, 0x55, -8),
        (PCMA, 0xC5, 264),
        (PCMA, 0xAA, 32_256),
        (PCMA, 0x2A, -32_256),
    ],
)
def test_codes_have_the_values_of_the_tables(law: Law, code: int, value: int) -> None:
    assert law.values[code] == value
    assert samples(law.decode(bytes([code]))) == [value]


@LAWS
@pytest.mark.parametrize(("value", "same_as"), [(32_767, 32_124), (-32_768, -32_124), (0, 0)])
def test_the_loudest_and_the_softest(law: Law, value: int, same_as: int) -> None:
    coded = law.encode(linear([value]))
    assert coded == law.encode(linear([same_as]))


@LAWS
def test_every_code_is_its_own_code_again(law: Law) -> None:
    codes = bytes(range(256))
    again = law.encode(law.decode(codes))
    differing = [code for code in codes if again[code] != code]
    assert differing == ([0x7F] if law is PCMU else [])  # µ-law's negative zero


@LAWS
@given(value=ANY)
def test_no_step_is_wider_than_the_law_allows(law: Law, value: int) -> None:
    (back,) = samples(law.decode(law.encode(linear([value]))))
    assert abs(back - value) <= max(16, abs(value) // 24 + 4, 644 if abs(value) > 32_124 else 0)


@LAWS
@given(one=ANY, other=ANY)
def test_what_is_louder_is_never_softer(law: Law, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert samples(law.decode(law.encode(linear([low])))) <= samples(law.decode(law.encode(linear([high]))))


@given(coded=st.binary(min_size=1, max_size=320))
def test_the_other_law_says_nearly_the_same(coded: bytes) -> None:
    for one, other in ((PCMU, PCMA), (PCMA, PCMU)):
        there = samples(other.decode(transcode(coded, one, other)))
        assert all(abs(a - b) <= max(16, abs(a) // 24 + 4) for a, b in zip(samples(one.decode(coded)), there, strict=True))
        assert transcode(coded, one, one) is coded


@LAWS
@given(pairs=st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), min_size=1, max_size=160))
def test_a_mix_is_the_sum_cut_where_it_does_not_fit(law: Law, pairs: list[tuple[int, int]]) -> None:
    one, other = bytes(a for a, _ in pairs), bytes(b for _, b in pairs)
    wanted = [max(-32_768, min(32_767, law.values[a] + law.values[b])) for a, b in pairs]
    assert samples(law.mix(one, other)) == wanted


@LAWS
@given(coded=st.binary(min_size=1, max_size=320))
def test_a_level_is_the_mean_magnitude(law: Law, coded: bytes) -> None:
    values = struct.unpack(f"<{len(coded)}h", law.decode(coded))
    assert law.level(coded) == sum(map(abs, values)) // len(values)


@LAWS
def test_silence_is_silent(law: Law) -> None:
    assert len(law.silence) == SAMPLES
    assert law.level(law.silence) <= 8
    assert law.encode(bytes(2 * SAMPLES)) == law.silence
