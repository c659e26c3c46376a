"""Digest authentication: the RFC's own numbers, and what strangers write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.switch.embedded.sip import digest
from ringback.switch.embedded.sip.digest import Credentials, Nonces

MUFASA = {
    "username": "Mufasa",
    "realm": "http-auth@example.org",
    "uri": "/dir/index.html",
    "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    "nc": "00000001",
    "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    "qop": "auth",
}


def credentials(**changed: str) -> Credentials | None:
    return digest.read_credentials("Digest " + ", ".join(f'{name}="{value}"' for name, value in {**MUFASA, **changed}.items()))


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_numbers_of_rfc_7616(algorithm: str, response: str) -> None:
    said = credentials(algorithm=algorithm, response=response)
    assert said is not None
    assert digest.fits(said, "Circle of Life", "GET")
    assert not digest.fits(said, "Circle of life", "GET")
    assert not digest.fits(said, "Circle of Life", "POST")


def test_the_oldest_form_too() -> None:
    """RFC 2069's, without qop; the numbers are those of its erratum."""
    said = digest.read_credentials(
        'Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'uri="/dir/index.html", response="1949323746fe6a43ef61f9606e7febea"'
    )
    assert said is not None
    assert digest.fits(said, "CircleOfLife", "GET")


@pytest.mark.parametrize("name", ["MD5", "SHA-256"])
def test_we_are_understood_by_ourselves(name: str) -> None:
    challenge = digest.best(digest.challenges("here", "n-1", [name], stale=False))
    assert challenge is not None
    said = digest.read_credentials(digest.answer(challenge, "us", 'pass, "word"'.replace('"', ""), "INVITE", "sip:x@y", "c", 3))
    assert said is not None
    assert (said.username, said.count, said.algorithm) == ("us", "00000003", name)
    assert digest.fits(said, "pass, word", "INVITE")


def test_the_strongest_challenge_is_chosen() -> None:
    asked = ['Digest realm="r", nonce="1"', 'Digest realm="r", nonce="2", algorithm=SHA-256, qop="auth,auth-int"', "Basic realm=r"]
    best = digest.best(asked)
    assert best is not None
    assert (best.nonce, best.qop) == ("2", True)
    assert digest.best(['Digest realm="r", nonce="1", algorithm=FANCY', 'Digest realm="r", nonce="1", qop="auth-int"', ""]) is None


def test_a_challenge_without_qop_or_algorithm_is_answered_in_kind() -> None:
    asked = digest.read_challenge('Digest realm="r", nonce="n", opaque="o"')
    assert asked is not None
    said = digest.answer(asked, "us", "secret", "BYE", "sip:x", "c")
    assert "qop" not in said
    assert "algorithm" not in said
    assert 'opaque="o"' in said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Digest",
        "Basic dXNlcjpwYXNz",
        'Digest username="a"',
        'Digest username="a", realm="r", nonce="n", uri="u", response="x", qop=auth-int, nc=1, cnonce="c"',
        'Digest username="a", realm="r", nonce="n", uri="u", response="x", qop=auth, nc=1, cnonce="c"',
        'Digest username="a", realm="r", nonce="n", uri="u", response="x", algorithm=MD4',
        'Digest username="a", realm="r", nonce="n", uri="u", response="x", ' + "y=z," * 2_000,
    ],
)
def test_what_is_no_answer(text: str) -> None:
    assert digest.read_credentials(text) is None


@given(st.text(max_size=300) | st.from_regex(r'Digest ([a-z]+="[^"]*",? ?){0,9}', fullmatch=True))
def test_whatever_is_written(text: str) -> None:
    said = digest.read_credentials(text)
    assert said is None or not digest.fits(said, "secret", "INVITE")
    digest.read_challenge(text)


def test_a_nonce_is_good_once_for_its_address_and_not_for_long() -> None:
    nonces = Nonces(b"key")
    made = nonces.make("192.0.2.1", 1_000.0)

    def judged(nonce: str, address: str, now: float, count: str = "00000001") -> str:
        said = credentials(response="x", nonce=nonce, nc=count)
        assert said is not None
        return nonces.judge(said, address, now)

    assert made != nonces.make("192.0.2.1", 1_000.0)
    assert judged(made, "192.0.2.2", 1_000.0) == "bad"
    assert judged(made + "0", "192.0.2.1", 1_000.0) == "bad"
    assert judged("x", "192.0.2.1", 1_000.0) == "bad"
    assert judged(made, "192.0.2.1", 1_001.0) == "good"
    assert judged(made, "192.0.2.1", 1_002.0) == "stale"
    assert judged(made, "192.0.2.1", 1_002.0, "0000000a") == "good"
    assert judged(made, "192.0.2.1", 1_002.0, "00000009") == "stale"
    assert judged(made, "192.0.2.1", 1_000.0 + digest.NONCE_S + 1, "0000000b") == "stale"
    assert Nonces(b"other").judge(credentials(response="x", nonce=made), "192.0.2.1", 1_001.0) == "bad"


def test_nothing_is_shown() -> None:
    assert "secret" not in repr(credentials(response="secret"))
