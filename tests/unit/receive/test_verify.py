"""What a receiver calls: every vector, every byte changed, and reasons that help."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.dialects.signing import sign_bird, sign_standard
from ringback.errors import InvalidInput
from ringback.receive.verify import VerificationError, verify_bird, verify_standard

VECTORS = Path(__file__).parents[2] / "data" / "vectors"
STANDARD = json.loads((VECTORS / "standard_webhooks.json").read_text())["vectors"]
BIRD = json.loads((VECTORS / "bird.json").read_text())
NOW = 1_795_176_000
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WHSK = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
WHPK = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
URL = "https://example.com/hooks/bird?tenant=7"
SECRETS = [(WHSEC, WHSEC), (WHSK, WHPK)]


def reference_signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """As the specification's text says, with nothing of ours."""
    text = secret.removeprefix("whsec_")
    key = base64.b64decode(text + "=" * (-len(text) % 4))
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def signed_headers(secret: str, body: bytes, timestamp: str = str(NOW)) -> dict[str, str]:
    signature = sign_standard([secret], "msg_1", timestamp, body)
    return {"webhook-id": "msg_1", "webhook-timestamp": timestamp, "webhook-signature": signature}


def from_vector(row: dict[str, Any]) -> dict[str, str]:
    """The headers of a `verify` row: signed well, then changed as the row says."""
    change = row["mutation"]
    timestamp = str(NOW - change.get("age_s", 0))
    good = reference_signature(change.get("sign_with", row["secret"]), row["msg_id"], timestamp, row["payload"].encode())
    good = good[: change.get("truncate_signature", len(good))]
    headers = {"webhook-id": row["msg_id"], "webhook-timestamp": timestamp, "webhook-signature": good}
    headers |= {name: value.replace("{GOOD}", good) for name, value in change.get("set", {}).items()}
    headers.pop(change.get("drop", ""), None)
    return headers


@pytest.mark.parametrize("row", [row for row in STANDARD if row["op"] == "verify"], ids=lambda row: row["name"])
def test_judges_as_the_reference_libraries_do(row: dict[str, Any]) -> None:
    body = row["payload"].encode()
    if row["expect"] == "accept":
        assert verify_standard(from_vector(row), body, row["secret"], NOW) == row["msg_id"]
    elif row["expect"] == "reject":
        with pytest.raises(VerificationError):
            verify_standard(from_vector(row), body, row["secret"], NOW)
    else:
        headers = {"webhook-id": row["msg_id"], "webhook-timestamp": str(NOW), "webhook-signature": "v1,x"}
        with pytest.raises(InvalidInput):
            verify_standard(headers, body, row["secret"], NOW)


@pytest.mark.parametrize("row", [row for row in STANDARD if row["op"] == "sign"], ids=lambda row: row["name"])
def test_believes_what_the_reference_libraries_signed(row: dict[str, Any]) -> None:
    headers = {"Webhook-Id": row["msg_id"], "WEBHOOK-TIMESTAMP": str(row["timestamp"]), "webhook-signature": row["expect"]}
    body = row["payload"].encode()
    assert verify_standard(headers, body, row.get("public_key", row["secret"]), row["timestamp"] + 300) == row["msg_id"]
    with pytest.raises(VerificationError, match="301 s old"):
        verify_standard(headers, body, row["secret"], row["timestamp"] + 301)
    with pytest.raises(VerificationError, match="in the future"):
        verify_standard(headers, body, row["secret"], row["timestamp"] - 301)


@given(body=st.binary(max_size=200), which=st.sampled_from(SECRETS))
def test_what_was_signed_is_believed(body: bytes, which: tuple[str, str]) -> None:
    sender, receiver = which
    assert verify_standard(signed_headers(sender, body), body, receiver, NOW) == "msg_1"


@given(body=st.binary(min_size=1, max_size=60), which=st.sampled_from(SECRETS), data=st.data())
def test_a_changed_byte_anywhere_is_refused(body: bytes, which: tuple[str, str], data: st.DataObject) -> None:
    sender, receiver = which
    headers = signed_headers(sender, body)
    part = data.draw(st.sampled_from(["body", *headers]))
    raw = bytearray(body if part == "body" else headers[part].encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 127))
    if part == "body":
        body = bytes(raw)
    else:
        headers[part] = raw.decode("latin-1")
    with pytest.raises(VerificationError):
        verify_standard(headers, body, receiver, NOW, tolerance_s=float("inf"))


def test_one_of_several_secrets_is_enough() -> None:
    headers = signed_headers(WHSEC, b"{}")
    assert verify_standard(headers, b"{}", [WHPK, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", WHSEC], NOW) == "msg_1"
    with pytest.raises(VerificationError):
        verify_standard(headers, b"{}", [WHPK], NOW)


@pytest.mark.parametrize("secrets", [[], "", "whsec_", [WHSEC, ""], [WHSEC, "whpk_AAAA"], "whsk_AAAA", "%%%"])
def test_a_secret_that_is_none_is_the_applications_mistake(secrets: Any) -> None:
    with pytest.raises(InvalidInput):
        verify_standard(signed_headers(WHSEC, b"{}"), b"{}", secrets, NOW)


@pytest.mark.parametrize("text", ["-1", "1.5", "1e9", " 1795176000", "١٧٩٥١٧٦٠٠٠", "9" * 5000, "1_795_176_000"])
def test_a_timestamp_is_plain_digits(text: str) -> None:
    headers = signed_headers(WHSEC, b"{}", text)
    with pytest.raises(VerificationError, match="webhook-timestamp is not a number of seconds"):
        verify_standard(headers, b"{}", WHSEC, NOW, tolerance_s=float("inf"))


def test_the_reason_names_what_is_missing() -> None:
    with pytest.raises(VerificationError) as refused:
        verify_standard({}, b"{}", WHSEC, NOW)
    assert refused.value.reason == "webhook-id is missing" == str(refused.value)


def bird_headers(row: dict[str, Any]) -> dict[str, str]:
    return {
        "MessageBird-Signature": row["signature"],
        "messagebird-request-timestamp": row["timestamp"],
        "messagebird-request-id": "4f1c",
    }


@pytest.mark.parametrize("row", BIRD["vectors"], ids=lambda row: row["name"])
def test_believes_birds_vectors(row: dict[str, Any]) -> None:
    assert verify_bird(bird_headers(row), row["url"], row["body"].encode(), row["key"]) == "4f1c"


@pytest.mark.parametrize("wrong", BIRD["wrong"], ids=lambda row: row["name"])
def test_refuses_birds_known_mistakes(wrong: dict[str, Any]) -> None:
    row = next(row for row in BIRD["vectors"] if row["name"] == wrong["of"])
    with pytest.raises(VerificationError):
        verify_bird(bird_headers(row) | {"MessageBird-Signature": wrong["signature"]}, row["url"], row["body"].encode(), row["key"])


KEYS = st.text(min_size=1, max_size=40)


@given(body=st.binary(max_size=200), key=KEYS)
def test_what_bird_signed_is_believed(body: bytes, key: str) -> None:
    headers = {"messagebird-signature": sign_bird(key, str(NOW), URL, body), "messagebird-request-timestamp": str(NOW)}
    assert verify_bird(headers, URL, body, key) == ""


@given(body=st.binary(min_size=1, max_size=60), data=st.data())
def test_a_changed_byte_anywhere_is_refused_by_bird_too(body: bytes, data: st.DataObject) -> None:
    parts = {
        "body": body,
        "url": URL.encode(),
        "key": b"mysecretkey",
        "messagebird-signature": sign_bird("mysecretkey", str(NOW), URL, body).encode(),
        "messagebird-request-timestamp": str(NOW).encode(),
    }
    part = data.draw(st.sampled_from(sorted(parts)))
    raw = bytearray(parts[part])
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 127))
    parts[part] = bytes(raw)
    text = {name: value.decode("latin-1") for name, value in parts.items() if name != "body"}
    with pytest.raises(VerificationError):
        verify_bird(text, text["url"], parts["body"], text["key"])


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        ("http://example.com/hooks/", "with https://"),
        ("https://example.com/hooks", "with a slash at its end"),
        ("http://example.com/hooks", "with https:// and with a slash at its end"),
    ],
)
def test_says_what_a_proxy_made_of_the_url(seen: str, says: str) -> None:
    headers = {
        "messagebird-signature": sign_bird("k", str(NOW), "https://example.com/hooks/", b"{}"),
        "messagebird-request-timestamp": str(NOW),
    }
    with pytest.raises(VerificationError) as refused:
        verify_bird(headers, seen, b"{}", "k")
    assert refused.value.reason.startswith(f"the signature holds for this URL {says}:")
    assert seen not in refused.value.reason


def test_an_unsigned_bird_request_is_refused() -> None:
    with pytest.raises(VerificationError, match="messagebird-signature is missing"):
        verify_bird({"messagebird-request-timestamp": str(NOW)}, URL, b"{}", "k")
    with pytest.raises(InvalidInput):
        verify_bird({}, URL, b"{}", "")


@given(st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text(max_size=30)))
def test_no_header_makes_it_fall_over(headers: dict[str, str]) -> None:
    with pytest.raises(VerificationError):
        verify_standard(headers, b"{}", [WHSEC, WHPK], NOW, tolerance_s=float("inf"))


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_bird_header_makes_it_fall_over(signature: str, timestamp: str) -> None:
    headers = {"messagebird-signature": signature, "messagebird-request-timestamp": timestamp}
    with pytest.raises(VerificationError):
        verify_bird(headers, URL, b"{}", "mysecretkey")
