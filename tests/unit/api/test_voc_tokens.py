"""The tokens that VOC's login gives."""

import base64
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.api.voc.tokens import LIFETIME_S, Claims, issue, read

NOW = 1_795_190_400_000
OLD, NEW = b"o" * 32, b"n" * 32
ACCOUNT = "b9c7a1de-2f6b-4d0c-8a51-7f0f4f1f2b6e"


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def forged(header: object, claims: object, key: bytes) -> str:
    signed = f"{text(json.dumps(header).encode())}.{text(json.dumps(claims).encode())}"
    return f"{signed}.{text(hmac.digest(key, signed.encode(), 'sha256'))}"


def test_a_token_is_a_jwt_that_holds_for_an_hour() -> None:
    token, expires_ms = issue([NEW, OLD], ACCOUNT, 77, NOW)
    assert expires_ms == NOW + LIFETIME_S * 1000
    header, payload, signature = token.split(".")
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {"alg": "HS256", "typ": "JWT"}
    assert json.loads(base64.urlsafe_b64decode(payload + "==")) == {"sub": ACCOUNT, "kid": 77, "exp": expires_ms // 1000}
    assert base64.urlsafe_b64decode(signature + "=") == hmac.digest(NEW, f"{header}.{payload}".encode(), "sha256")
    assert read([NEW], token, NOW) == read([OLD, NEW], token, expires_ms - 1) == Claims(ACCOUNT, 77, expires_ms // 1000)
    assert read([NEW], token, expires_ms) is None
    assert read([OLD], token, NOW) is None


@pytest.mark.parametrize(
    "header",
    [{"alg": "none", "typ": "JWT"}, {"alg": "HS512", "typ": "JWT"}, {"typ": "JWT", "alg": "HS256"}, {}],
)
def test_nobody_else_chooses_how_a_token_is_checked(header: object) -> None:
    claims = {"sub": ACCOUNT, "kid": 77, "exp": NOW // 1000 + 10}
    assert read([NEW], forged(header, claims, NEW), NOW) is None
    assert read([NEW], forged(header, claims, NEW).rpartition(".")[0] + ".", NOW) is None


def test_what_was_changed_is_no_token() -> None:
    token, _ = issue([NEW], ACCOUNT, 77, NOW)
    for place in range(len(token)):
        other = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        found = read([NEW], other, NOW)
        # The last character of a base64 text may carry bits that mean nothing; the text is compared, so even these are noticed.
        assert found is None


@given(st.one_of(st.text(max_size=60), st.from_regex(r"[\w-]*\.[\w-]*\.[\w-]*", fullmatch=True)))
def test_any_text_is_read_without_harm(token: str) -> None:
    assert read([NEW], token, NOW) is None


def test_long_texts_are_not_looked_at() -> None:
    assert read([NEW], "a" * 100_000, NOW) is None
