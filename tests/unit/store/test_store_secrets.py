"""Secrets at rest: what opens, what does not, and where keys come from."""

import base64
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.errors import BadSettings
from ringback.store.secrets import SecretBox, secret_keys

OLD, NEW = b"o" * 32, b"n" * 32


@given(st.binary(max_size=300), st.text(max_size=20))
def test_what_is_sealed_opens_for_its_own_row(plain: bytes, owner: str) -> None:
    box = SecretBox([NEW])
    sealed = box.seal(plain, owner)
    assert box.open(sealed, owner) == plain
    assert len(plain) < 6 or plain not in sealed
    with pytest.raises(BadSettings, match="does not open"):
        box.open(sealed, owner + "x")


def test_nothing_is_sealed_the_same_twice() -> None:
    box = SecretBox([NEW])
    assert len({box.seal(b"x", "e") for _ in range(100)}) == 100


def test_any_altered_byte_is_noticed() -> None:
    box = SecretBox([NEW])
    sealed = box.seal(b"secret", "e")
    for place in range(len(sealed)):
        with pytest.raises(BadSettings):
            box.open(sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :], "e")


def test_a_key_is_changed_by_putting_the_new_one_in_front() -> None:
    sealed = SecretBox([OLD]).seal(b"secret", "e")
    both = SecretBox([NEW, OLD])
    assert both.open(sealed, "e") == b"secret"
    again = both.seal(b"secret", "e")
    assert SecretBox([NEW]).open(again, "e") == b"secret"
    with pytest.raises(BadSettings, match="RINGBACK_SECRET_KEY"):
        SecretBox([NEW]).open(sealed, "e")
    SecretBox([NEW, OLD]).check([sealed[:4], again[:4]])
    with pytest.raises(BadSettings, match="lacks a key"):
        SecretBox([NEW]).check([sealed[:4], again[:4]])


def test_a_box_tells_nothing() -> None:
    assert repr(SecretBox([NEW])) == "SecretBox(***)"


FB = b"\xfb" * 32


@pytest.mark.parametrize(
    "text", [base64.b64encode(FB).decode(), base64.urlsafe_b64encode(FB).decode(), "fb" * 32, " " + "FB" * 32 + "\n"]
)
def test_keys_as_text(text: str, tmp_path: Path) -> None:
    assert secret_keys([text, "00" * 32], tmp_path) == [FB, bytes(32)]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "short", "g" * 64, "ä" * 64, *(base64.b64encode(b"x" * n).decode() for n in (31, 33))])
def test_what_is_no_key(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="RINGBACK_SECRET_KEY: a key is 32 bytes") as caught:
        secret_keys([text], tmp_path)
    assert not text or text not in str(caught.value)


def test_a_file_is_made_that_only_its_owner_reads(tmp_path: Path) -> None:
    (tmp_path / "secret.tmp").write_text("left by a crash")
    keys = secret_keys([], tmp_path)
    file = tmp_path / "secret.key"
    assert [len(key) for key in keys] == [32]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secret_keys([], tmp_path) == keys
    file.write_text(f"{NEW.hex()}\n\n{file.read_text()}")
    assert secret_keys([], tmp_path) == [NEW, *keys]
    file.chmod(0o640)
    with pytest.raises(BadSettings, match="chmod 600"):
        secret_keys([], tmp_path)


def test_an_empty_file_is_no_key(tmp_path: Path) -> None:
    file = tmp_path / "secret.key"
    file.touch(mode=0o600)
    with pytest.raises(BadSettings, match="is empty"):
        secret_keys([], tmp_path)


def test_keys_for_other_purposes_are_others_and_stay_the_same() -> None:
    box = SecretBox([NEW, OLD])
    new, old = box.derived("links")
    assert len(new) == len(old) == 32
    assert SecretBox([NEW]).derived("links") == (new,)
    assert SecretBox([OLD, NEW]).derived("links") == (old, new)
    assert len({NEW, OLD, *box.derived("links"), *box.derived("tokens")}) == 6
