"""Bodies: decoded, capped, and the same however they are cut."""

import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.delivery.body import Body

CAP = 1_000


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


CODERS = {
    "": bytes,
    "gzip": gzip.compress,
    "X-Gzip": gzip.compress,
    " deflate ": zlib.compress,
    "deflate": raw_deflate,
    "br": bytes,
}


def fed(parts: list[bytes], coding: str) -> tuple[bytes, bool]:
    body = Body(CAP, coding)
    for part in parts:
        body.feed(part)
    return body.text(), body.cut


@given(st.binary(max_size=CAP + 50), st.sampled_from(sorted(CODERS)), st.lists(st.integers(0, 1_100), max_size=4))
def test_what_comes_out_is_what_went_in_up_to_the_cap(data: bytes, coding: str, cuts: list[int]) -> None:
    coded = CODERS[coding](data)
    edges = [0, *sorted(min(cut, len(coded)) for cut in cuts), len(coded)]
    parts = [coded[a:b] for a, b in pairwise(edges)]
    assert fed(parts, coding) == (data[:CAP], len(data) > CAP)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_bomb_is_cut(coding: str) -> None:
    coded = CODERS[coding](bytes(5_000_000))
    assert fed([coded], coding) == (bytes(CAP), True)


def test_a_coded_body_that_says_nothing_is_cut_too() -> None:
    empty_blocks = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + b"\x00\x00\x00\xff\xff" * 1_000
    assert fed([empty_blocks], "gzip") == (b"", True)


@pytest.mark.parametrize(
    "broken",
    [b"nonsense", b"", b"\x1f", gzip.compress(b"x" * 100)[:20], gzip.compress(b"ok") + b"more"],
    ids=["nonsense", "empty", "one byte", "cut", "more behind it"],
)
def test_a_broken_coding_keeps_what_could_be_read(broken: bytes) -> None:
    text, cut = fed([broken, b"after"], "gzip")
    assert text in (b"", b"ok") or set(text) == {ord("x")}
    assert not cut


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate"]))
def test_any_bytes_are_taken(data: bytes, coding: str) -> None:
    fed([data, data], coding)
