"""Standard Webhooks signatures: the vectors of the reference libraries, and the form of secrets."""

import base64
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from ringback.dialects.signing import (
    check_standard_secret,
    hmac_key,
    hmac_secret,
    is_v1a,
    sign_standard,
    standard_content,
    v1,
)
from ringback.errors import InvalidInput

VECTORS = json.loads((Path(__file__).parents[2] / "data" / "vectors" / "standard_webhooks.json").read_text())["vectors"]
WHSK = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
WHPK = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="


@pytest.mark.parametrize("row", [row for row in VECTORS if row["op"] == "sign"], ids=lambda row: row["name"])
def test_signs_as_the_reference_libraries_do(row: dict[str, Any]) -> None:
    signed = sign_standard([row["secret"]], row["msg_id"], str(row["timestamp"]), row["payload"].encode())
    assert signed == row["expect"]


def test_several_secrets_sign_in_their_order() -> None:
    rows = [row for row in VECTORS if row["name"] in ("sign-basic", "sign-ed25519")]
    basic, asymmetric = rows
    secrets = [asymmetric["secret"], basic["secret"]]
    signed = sign_standard(secrets, basic["msg_id"], str(basic["timestamp"]), basic["payload"].encode())
    assert signed == f"{asymmetric['expect']} {basic['expect']}"


def test_ed25519_holds_for_the_public_key_alone() -> None:
    row = next(row for row in VECTORS if row["name"] == "sign-ed25519")
    content = standard_content(row["msg_id"], str(row["timestamp"]), row["payload"].encode())
    assert is_v1a(WHPK, content, row["expect"])
    assert is_v1a(WHSK, content, row["expect"])
    assert not is_v1a(WHPK, content + b" ", row["expect"])


def test_another_text_of_the_same_signature_bytes_does_not_hold() -> None:
    """Base64 of 64 bytes ends in a character with four spare bits: 16 texts decode alike, one is the signature."""
    row = next(row for row in VECTORS if row["name"] == "sign-ed25519")
    content = standard_content(row["msg_id"], str(row["timestamp"]), row["payload"].encode())
    twin = row["expect"][:-3] + "h=="
    assert row["expect"].endswith("g==")
    assert base64.b64decode(twin[4:]) == base64.b64decode(row["expect"][4:])
    assert not is_v1a(WHPK, content, twin)


@pytest.mark.parametrize("length", [24, 32, 64])
def test_secrets_of_24_to_64_bytes_are_taken(length: int) -> None:
    secret = hmac_secret(bytes(range(length)))
    check_standard_secret(secret)
    assert hmac_key(secret) == bytes(range(length))
    assert secret == "whsec_" + base64.b64encode(bytes(range(length))).decode()


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_%%%",
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        base64.b64encode(bytes(32)).decode(),
        "mysecretkey",
        WHPK,
        "whsk_",
        "whsk_" + base64.b64encode(bytes(32)).decode(),
        "whsk_" + base64.b64encode(bytes(range(64))).decode(),
    ],
)
def test_a_secret_of_another_form_is_refused_and_not_echoed(secret: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_standard_secret(secret)
    assert refused.value.field == "secret"
    if len(secret) > 6:
        assert secret not in str(refused.value)


def test_an_ed25519_pair_is_taken() -> None:
    check_standard_secret(WHSK)


@pytest.mark.parametrize("length", [0, 1, 2046, 2047, 2048, 4094, 4095, 100_000])
def test_long_content_is_signed_in_pieces_to_the_same_end(length: int) -> None:
    key, content = b"k" * 32, bytes(range(256)) * (length // 256 + 1)
    expected = base64.b64encode(hmac.digest(key, content[:length], "sha256")).decode()
    assert v1(key, content[:length]) == f"v1,{expected}"
