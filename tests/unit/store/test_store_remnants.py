"""Digits are found in a file wherever they stand, between two blocks too, and each once."""

from pathlib import Path

import pytest

from ringback.store.sqlite.keeping import SCAN_BYTES, count_in_file

DIGITS = "61288880000"


@pytest.mark.parametrize("places", [[0], [100, 200], [SCAN_BYTES - 5], [SCAN_BYTES - 11], [SCAN_BYTES], [2 * SCAN_BYTES - 1], []])
def test_each_is_counted_once(tmp_path: Path, places: list[int]) -> None:
    made = bytearray(2 * SCAN_BYTES + 100)
    for place in places:
        made[place : place + len(DIGITS)] = DIGITS.encode()
    (tmp_path / "f").write_bytes(made)
    assert count_in_file(tmp_path / "f", DIGITS) == len(places)


def test_a_longer_number_is_another_one_and_no_file_has_none(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"\xacx612888800001 9" + DIGITS.encode())
    assert count_in_file(tmp_path / "f", DIGITS) == 0
    assert count_in_file(tmp_path / "none", DIGITS) == 0
