"""Bird's signature: the vectors, and the mistakes that receivers and senders make."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from ringback.dialects.signing import sign_bird

DATA = json.loads((Path(__file__).parents[2] / "data" / "vectors" / "bird.json").read_text())
VECTORS = {row["name"]: row for row in DATA["vectors"]}


@pytest.mark.parametrize("row", VECTORS.values(), ids=VECTORS.keys())
def test_signs_as_the_vendor_does(row: dict[str, Any]) -> None:
    body = row["body"].encode()
    assert len(body) == row["body_bytes"]
    assert sign_bird(row["key"], row["timestamp"], row["url"], body) == row["signature"]


def test_the_message_of_a_ends_with_the_raw_digest() -> None:
    row = VECTORS["A"]
    digest = hashlib.sha256(row["body"].encode()).hexdigest()
    assert digest == "d11c88552d1146988c936ff60f6da37b048a47c13098439c17f81592300b5d7f"
    head = "313733353638393630300a68747470733a2f2f6578616d706c652e636f6d2f686f6f6b732f626972643f74656e616e743d370a"
    message = bytes.fromhex(head + digest)
    signature = base64.b64encode(hmac.new(b"mysecretkey", message, hashlib.sha256).digest()).decode()
    assert signature == row["signature"]


MISTAKES = {
    "hex_digest": lambda row: (row["key"].encode(), hashlib.sha256(row["body"].encode()).hexdigest().encode()),
    "decoded_key": lambda row: (base64.b64decode(row["key"]), hashlib.sha256(row["body"].encode()).digest()),
}


@pytest.mark.parametrize("wrong", DATA["wrong"], ids=lambda row: row["name"])
def test_the_known_mistakes_give_other_signatures(wrong: dict[str, Any]) -> None:
    row = VECTORS[wrong["of"]]
    key, digest = MISTAKES[wrong["mistake"]](row)
    message = f"{row['timestamp']}\n{row['url']}\n".encode() + digest
    assert base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode() == wrong["signature"]
    assert sign_bird(row["key"], row["timestamp"], row["url"], row["body"].encode()) != wrong["signature"]


def test_a_verifier_that_reads_latin_1_agrees_on_ascii_bodies_only() -> None:
    """The vendor's Node sample turns the body into text and writes it again as Latin-1."""
    for name, agrees in (("D", False), ("E", True)):
        row = VECTORS[name]
        body = row["body"].encode("latin-1", "replace")
        assert (sign_bird(row["key"], row["timestamp"], row["url"], body) == row["signature"]) is agrees
