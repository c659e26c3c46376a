"""Who is meant by an extension, what a destination sees, and what a click-to-dial asks for."""

import pytest

from ringback.calls.directory import default_number
from ringback.engine.placing import click_to_dial, extension_named, usual_caller_id
from ringback.switch.embedded.sip.settings import Phone

ACCOUNT = "5f0e3a52-9a0c-4f7e-9a63-0f6f1c1d8a11"
DESK, FAR, SHOWN = "280085", "+61288880000", "+611800111222"
PHONES = (
    Phone(user="alice", password="x", extension="7000"),
    Phone(user="bob", password="x", account=ACCOUNT),
    Phone(user="eve", password="x", extension="7009", account="another"),
)


@pytest.mark.parametrize(
    ("name", "found"), [("7000", "7000"), ("alice", "7000"), ("bob", "bob"), ("7009", None), ("eve", None), ("7001", None)]
)
def test_an_extension_is_a_phones_of_the_account_or_of_everybody(name: str, found: str | None) -> None:
    assert extension_named(name, ACCOUNT, PHONES, []) == found


def test_an_extension_is_a_number_that_the_account_has_registered() -> None:
    numbers = [default_number(ACCOUNT, number) for number in (DESK, "+61299990000", "+61288880000")]
    assert extension_named(DESK, ACCOUNT, (), numbers) == DESK
    assert usual_caller_id(DESK, FAR, numbers) == "+61288880000"
    assert usual_caller_id(DESK, "7001", numbers) == DESK
    assert usual_caller_id(DESK, FAR, numbers[:1]) == DESK


def test_a_number_that_is_called_first_sees_no_strangers_number() -> None:
    outside, inside = click_to_dial("+61299990000", FAR, SHOWN, None), click_to_dial(DESK, FAR, SHOWN, None)
    assert (outside.caller is not None, inside.caller is not None) == (True, True)
    assert [wanted.caller.shown for wanted in (outside, inside) if wanted.caller] == [SHOWN, FAR]
    assert "crm_id" not in inside.context
