"""Certificates that an endpoint names: what is taken and what is refused, and that a context is made once for each."""

from datetime import UTC, datetime, timedelta

import pytest
import trustme

from ringback.delivery.tls import MOST_PEM, Trusts, check_ca_pem
from ringback.errors import InvalidInput

CA = trustme.CA()
PEM = CA.cert_pem.bytes().decode()
KEY = CA.private_key_pem.bytes().decode()
PAST = datetime(2020, 1, 1, tzinfo=UTC)
EXPIRED = CA.issue_cert("a.test", not_before=PAST, not_after=PAST + timedelta(days=30)).cert_chain_pems[0].bytes().decode()


@pytest.mark.parametrize("text", [PEM, PEM + trustme.CA().cert_pem.bytes().decode(), f"# our CA\n{PEM}", EXPIRED + PEM])
def test_certificates_are_taken(text: str) -> None:
    check_ca_pem(text)
    assert Trusts().context(text).check_hostname


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "must be PEM certificates"),
        ("abc", "must be PEM certificates"),
        (PEM.replace("CERTIFICATE", "CERTIFICATE REQUEST"), "must be PEM certificates"),
        (PEM + KEY, "private key"),
        (KEY, "private key"),
        (PEM[:200] + "\n-----END CERTIFICATE-----\n", "cannot be read"),
        ("-----BEGIN CERTIFICATE-----\nä\n-----END CERTIFICATE-----\n", "cannot be read"),
        ("-----BEGIN CERTIFICATE-----\n\ud800\n-----END CERTIFICATE-----\n", "cannot be read"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read"),
        (EXPIRED, "expired"),
        ("-----BEGIN CERTIFICATE-----" + "A" * MOST_PEM, "larger"),
    ],
)
def test_anything_else_is_refused_and_not_repeated(text: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as refused:
        check_ca_pem(text)
    assert refused.value.field == "ca_pem"
    assert KEY[40:80] not in str(refused.value)


def test_one_context_for_each_and_another_without() -> None:
    trusts = Trusts()
    assert trusts.context(PEM) is trusts.context(PEM)
    assert trusts.context(PEM) is not trusts.context()
    assert trusts.context() is trusts.context()
    for number in range(300):
        trusts.context(f"# {number}\n{PEM}")
    assert len(trusts._private) < 300
