"""The file of payment connectors, and what a connector's answer comes to."""

import json
from pathlib import Path
from typing import Any

import pytest

from ringback.delivery.egress import SenderSettings
from ringback.delivery.sender import read_allowed_network
from ringback.errors import BadSettings
from ringback.live.payments import GUARDED_AS, Connector, read_answer, read_connectors
from ringback.voxml.model import Charged
from ringback.voxml.payment import Payment, Terms
from ringback.webhooks.model import ErrorClass, Outcome

CARD, CODE = "4111111111111111", "737"
URL = "https://pay.example.com/charge"
PUBLIC = SenderSettings()


def read(tmp_path: Path, told: Any, settings: SenderSettings = PUBLIC) -> Any:
    file = tmp_path / "connectors.json"
    file.write_bytes(told if isinstance(told, bytes) else json.dumps(told).encode())
    return read_connectors(file, settings)


# The file


def test_without_a_file_there_are_none() -> None:
    assert read_connectors(None, PUBLIC) == {}


def test_a_whole_file(tmp_path: Path) -> None:
    told = {"Default": {"url": URL}, "Stripe 1": {"url": f"{URL}?a=1", "secret": "s3cret", "timeout_s": 12.5, "accounts": ["a1"]}}
    assert read(tmp_path, told) == {
        "Default": Connector(url=URL),
        "Stripe 1": Connector(url=f"{URL}?a=1", secret="s3cret", timeout_s=12.5, accounts=("a1",)),
    }


def test_a_connector_is_printed_without_its_secret(tmp_path: Path) -> None:
    connectors = read(tmp_path, {"Default": {"url": URL, "secret": "s3cret"}})
    assert "s3cret" not in repr(connectors)
    assert connectors["Default"].headers == (("Authorization", "Bearer s3cret"),)
    assert Connector(url=URL).headers == ()


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (b"{", "Input data was truncated"),
        (b"\xff", "payment_connectors: "),
        ([], "Expected `object`, got `array`"),
        ({"Default": URL}, "Expected `object`, got `str`"),
        ({"Default": {}}, "missing required field `url`"),
        ({"Default": {"url": URL, "colour": "blue"}}, "unknown field `colour`"),
        ({"Default": {"url": URL, "timeout_s": "many"}}, "$[...].timeout_s"),
        ({"": {"url": URL}}, "a name has 1 to 100"),
        ({"a\n": {"url": URL}}, "a name has 1 to 100"),
        ({"x" * 101: {"url": URL}}, "a name has 1 to 100"),
        ({"Default": {"url": URL, "secret": "s3cret\r\nX: y"}}, "'Default': secret: printable ASCII without blanks"),
        ({"Default": {"url": URL, "secret": ""}}, "secret: "),
        ({"Default": {"url": URL, "secret": "s3crét"}}, "secret: "),
        ({"Default": {"url": URL, "timeout_s": 0.5}}, "timeout_s: expected 1 to 120"),
        ({"Default": {"url": URL, "timeout_s": 121}}, "timeout_s: expected 1 to 120"),
        ({"Default": {"url": "ftp://pay.example.com/"}}, "url: "),
        ({"Default": {"url": "/charge"}}, "url: "),
        ({"Default": {"url": "http://pay.example.com/"}}, "url: only https is allowed"),
        ({"Default": {"url": "https://u:p@pay.example.com/"}}, "url: the URL carries credentials"),
        ({"Default": {"url": "https://10.0.0.5/"}}, "url: 10.0.0.5 is not a public address"),
        ({"Fine": {"url": URL}, "Other": {"url": "https://[::1]/"}}, "'Other': url: ::1"),
    ],
)
def test_what_does_not_hold_ends_the_start(tmp_path: Path, told: Any, said: str) -> None:
    with pytest.raises(BadSettings) as caught:
        read(tmp_path, told)
    assert str(caught.value).startswith("payment_connectors: ")
    assert said in str(caught.value)
    assert "s3cr" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="payment_connectors: No such file"):
        read_connectors(tmp_path / "nowhere.json", PUBLIC)


@pytest.mark.parametrize(
    ("allowed", "account", "good"),
    [
        ("10.0.0.0/8", None, True),
        ("10.0.0.5/32:8443", GUARDED_AS, True),
        ("10.0.0.5/32:443", GUARDED_AS, False),
        ("10.0.0.0/8", "5f0e3a52-9a0c-4f7e-9a63-0f6f1c1d8a11", False),
    ],
)
def test_an_inner_address_needs_the_operators_word(tmp_path: Path, allowed: str, account: str | None, good: bool) -> None:
    settings = SenderSettings(allow_networks=(read_allowed_network(allowed, account),))
    told = {"Default": {"url": "https://10.0.0.5:8443/charge"}}
    if good:
        assert "Default" in read(tmp_path, told, settings)
    else:
        with pytest.raises(BadSettings):
            read(tmp_path, told, settings)


# Answers


def payment(amount: str = "20.45") -> Payment:
    terms: dict[str, Any] = {
        "currency": "usd",
        "description": "",
        "token_type": "reusable",
        "bank_account_type": "consumer-checking",
    }
    made = Payment(
        Terms(
            method="credit-card",
            amount=amount,
            parameters=(),
            valid_card_types=("visa",),
            min_postal_code_length=1,
            today=(2026, 11),
            **terms,
        )
    )
    for item, digits in (("payment-card-number", CARD), ("expiration-date", "1228"), ("security-code", CODE)):
        made.want(item)  # type: ignore[arg-type]
        for digit in digits:
            made.press(digit)
        made.take()
    return made


def answered(status: int | None, body: Any = b"", amount: str = "20.45", **how: Any) -> Charged:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_answer(9, payment(amount), Outcome(started_at_ms=0, status=status, body=data, **how))


UNREADABLE = {"error": "the payment connector answered in a way that cannot be read", "code": "unreadable", "fault": "network"}
NAMELESS = {
    "error": "the payment connector named neither a token nor a confirmation",
    "code": "unreadable",
    "fault": "network",
}
DECLINED = {"error": "declined"}
SHOWING = {"error": "declined, in words that show what was keyed"}


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, {"token": "t"}, {"token": "t"}),
        (
            201,
            {"token": "t", "confirmation": "c", "profile": "p", "more": [1]},
            {"token": "t", "confirmation": "c", "profile": "p"},
        ),
        (200, {"confirmation": "c", "token": None, "error": None}, {"confirmation": "c"}),
        (200, {"confirmation": "c", "error": ""}, {"confirmation": "c"}),
        (200, {}, NAMELESS),
        (204, b"", UNREADABLE),
        (200, b"", UNREADABLE),
        (200, b"<html>", UNREADABLE),
        (200, b'{"token":"t"', UNREADABLE),
        (200, b"\xff\xfe", UNREADABLE),
        (200, [], UNREADABLE),
        (200, {"token": 7}, UNREADABLE),
        (200, {"token": "t" * 1_001}, UNREADABLE),
        (200, {"token": "t\n"}, UNREADABLE),
        (200, {"token": f"tok_{CARD}"}, UNREADABLE),
        (200, {"confirmation": "4111 1111 1111 1111"}, UNREADABLE),
        (200, {"token": f"tok_{CODE}"}, {"token": f"tok_{CODE}"}),
        (200, {"error": "insufficient funds", "code": "51", "token": "t"}, {"error": "insufficient funds", "code": "51"}),
        (402, {"error": "insufficient funds", "code": "51"}, {"error": "insufficient funds", "code": "51"}),
        (422, {"error": "expired", "code": 54}, {"error": "expired", "code": "54"}),
        (402, {"code": "51"}, {"error": "declined", "code": "51"}),
        (402, {}, DECLINED),
        (402, b"no", DECLINED),
        (422, {"error": ["no"]}, DECLINED),
        (402, {"error": f"{CARD} is stolen"}, SHOWING),
        (402, {"error": "4111-1111-1111-1111 is stolen"}, SHOWING),
        (402, {"error": f"code {CODE} is wrong"}, SHOWING),
        (402, {"error": "no", "code": CARD}, {"error": "no"}),
        (402, {"error": "a\nb" + "c" * 2_000}, {"error": "a b" + "c" * 997}),
        *(
            (
                status,
                {"token": "t"},
                {"error": f"the payment connector failed (status {status})", "code": f"status-{status}", "fault": "network"},
            )
            for status in (301, 302, 400, 401, 403, 404, 409, 429, 500, 502, 503)
        ),
    ],
)
def test_what_an_answer_comes_to(status: int, body: Any, told: dict[str, str]) -> None:
    assert answered(status, body) == Charged(9, **told)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"token": "t"}, {"token": "t"}),
        ({"profile": "p"}, {"profile": "p"}),
        ({"confirmation": "c"}, NAMELESS),
    ],
)
def test_without_a_charge_a_token_is_wanted(body: Any, told: dict[str, str]) -> None:
    assert answered(200, body, amount="0.00") == Charged(9, **told)  # type: ignore[arg-type]


def test_an_answer_that_was_cut_is_none() -> None:
    assert answered(200, {"token": "t"}, body_cut=True) == Charged(9, **UNREADABLE)  # type: ignore[arg-type]


REACHED: dict[ErrorClass, str] = {
    "dns": "the payment connector cannot be reached",
    "blocked": "the payment connector cannot be reached",
    "connect": "the payment connector cannot be reached",
    "connect_timeout": "the payment connector cannot be reached",
    "proxy": "the payment connector cannot be reached",
    "tls": "the payment connector cannot be reached safely",
    "certificate": "the payment connector cannot be reached safely",
    "reset": "the payment connector broke off before it answered",
    "timeout": "the payment connector did not answer in time",
    "protocol": UNREADABLE["error"],
    "too_large": UNREADABLE["error"],
}


@pytest.mark.parametrize("error", REACHED)
def test_what_goes_wrong_on_the_way_is_told_without_the_operators_network(error: ErrorClass) -> None:
    told = answered(None, error=error, detail="no connection to 10.0.0.5 port 8443")
    assert told == Charged(9, error=REACHED[error], code=error, fault="network")


def test_what_could_not_be_asked_is_our_fault() -> None:
    assert answered(None, error="request").fault == "internal"


# The docs

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "payment-connector.md").read_text("utf-8")
EXAMPLES = [json.loads(block.partition("```")[0]) for block in PAGE.split("```json\n")[1:]]


def fields(told: dict[str, Any], prefix: str = "") -> list[str]:
    names = []
    for name, value in told.items():
        names.append(prefix + name)
        if isinstance(value, dict) and name != "parameters":
            names += fields(value, f"{name}.")
    return names


def test_the_page_names_every_field_of_a_request() -> None:
    told = payment().reveal() | {
        "call": "",
        "account": "",
        "bank_account": {"type": "", "routing_number": "", "account_number": ""},
    }
    assert [name for name in fields(told) if f"| `{name}` |" not in PAGE] == []
    examples = [example for example in EXAMPLES if "action" in example]
    assert sorted({name for example in examples for name in fields(example)}) == sorted(fields(told))


def test_the_pages_file_can_be_read(tmp_path: Path) -> None:
    settings = SenderSettings(allow_networks=(read_allowed_network("10.0.0.5/32:8443", GUARDED_AS),))
    assert list(read(tmp_path, EXAMPLES[0], settings)) == ["Default", "Hats"]
    assert "--allow-network payment-connectors=10.0.0.5/32:8443" in PAGE


def test_the_pages_answers_are_what_they_say() -> None:
    good, declined = (example for example in EXAMPLES if "token" in example or "error" in example)
    assert answered(200, good) == Charged(9, "tok_8c1f", "A-1093", "cus_77")
    assert answered(402, declined) == Charged(9, error="insufficient funds", code="51")


@pytest.mark.parametrize("code", [*REACHED, "unreadable", "no-connector", "internal", "status-500"])
def test_the_page_names_every_code_of_ours(code: str) -> None:
    assert f"`{code}`" in PAGE
