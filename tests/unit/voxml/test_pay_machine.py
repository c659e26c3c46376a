"""Taking a payment: what is asked in which order, how entries end, what is wrong with them, and what comes of it."""

from typing import Any, get_args

import pytest
from pay_caller import (
    ACCOUNT,
    ACCOUNT_KEYS,
    BASE,
    CARD,
    CARD_KEYS,
    CODE,
    EXPIRY,
    LEG,
    POSTAL,
    ROUTING,
    TODAY,
    Caller,
    balanced,
    prompt,
)

from ringback.calls.live import Collect, HungUp, Key, Play, PlayEnded, Privacy, StopCollect, StopPlay
from ringback.voxml import pay_prompts, paying
from ringback.voxml.document import Pay, Prompt, PromptFor
from ringback.voxml.model import Charge, Charged, Notify, Timer, TimeUp
from ringback.voxml.pay_results import OUTPUTS, PARAMETERS, RESULTS, STATUS_PARAMETERS, Result

SHOWN = {
    "PaymentMethod": "credit-card",
    "PaymentCardNumber": "xxxxxxxxxxxx1111",
    "PaymentCardType": "visa",
    "ExpirationDate": EXPIRY,
    "SecurityCode": "xxx",
    "PaymentCardPostalCode": POSTAL,
}
SHOWN_ACCOUNT = {
    "PaymentMethod": "ach-debit",
    "BankAccountNumber": "*******92",
    "BankRoutingNumber": ROUTING,
    "BankAccountType": "consumer-checking",
}


# The way through


def test_a_card_is_taken_and_charged() -> None:
    caller = Caller(charge_amount="20.45", output="p", parameters=(("order", "7"),)).press(CARD_KEYS)
    assert caller.charge.connector == "Default"
    assert caller.payment.reveal()["amount"] == "20.45"
    assert not caller.payment.is_over
    caller.charged(token="tok_1", confirmation="ok-9", profile="cus_3")
    assert caller.results == {
        "Result": "success",
        **SHOWN,
        "PaymentToken": "tok_1",
        "ProfileId": "cus_3",
        "PaymentConfirmationCode": "ok-9",
    }
    assert caller.paid is not None
    assert caller.paid.variables == {
        "p.result": "success",
        "p.token": "tok_1",
        "p.confirmation": "ok-9",
        "p.profile": "cus_3",
        "p.error": "",
    }
    assert (caller.paid.hung_up, caller.paid.history) == (False, [])
    assert caller.payment.is_over
    assert balanced(caller.given)


def test_an_account_is_taken() -> None:
    caller = Caller(payment_method="ach-debit").press(ACCOUNT_KEYS)
    assert caller.payment.reveal()["bank_account"]["account_number"] == ACCOUNT
    caller.charged(token="tok")
    assert caller.results == {"Result": "success", **SHOWN_ACCOUNT, "PaymentToken": "tok"}


@pytest.mark.parametrize(
    ("attributes", "keys", "asked"),
    [
        ({}, CARD_KEYS, ["payment-card-number", "expiration-date", "security-code", "postal-code"]),
        ({"security_code": False}, f"{CARD}{EXPIRY}{POSTAL}#", ["payment-card-number", "expiration-date", "postal-code"]),
        ({"postal_code": False}, f"{CARD}{EXPIRY}{CODE}", ["payment-card-number", "expiration-date", "security-code"]),
        ({"security_code": False, "postal_code": False}, f"{CARD}{EXPIRY}", ["payment-card-number", "expiration-date"]),
        ({"payment_method": "ach-debit"}, ACCOUNT_KEYS, ["bank-routing-number", "bank-account-number"]),
    ],
)
def test_the_order_of_the_questions(attributes: dict[str, Any], keys: str, asked: list[str]) -> None:
    caller = Caller(status_callback="/told", **attributes).press(keys)
    assert [note["For"] for note in caller.notes] == [*asked, "payment-processing"]
    assert [play.items[-1].text for play in caller.all(Play)] == [pay_prompts.QUESTIONS[item] for item in asked]  # type: ignore[index]


def test_the_orders_in_their_order() -> None:
    pay = Pay(security_code=False, postal_code=False, charge_amount="1", status_callback="told")
    caller = Caller(pay, next_op=40)
    begun = [type(command) for command in caller.given]
    assert begun == [Privacy, Collect, Notify, Play]
    caller.given.clear()
    caller.press(CARD[0])
    assert caller.given == [StopPlay(LEG, 41), Timer(42, 5.0)]
    caller.given.clear()
    caller.press(CARD[1:])
    assert [type(command) for command in caller.given] == [*([Timer] * 14), Notify, Play]
    caller.given.clear()
    caller.press(EXPIRY)
    assert [type(command) for command in caller.given[-4:]] == [StopCollect, Privacy, Notify, Charge]
    assert caller.now.next_op == caller.charge.op + 1
    assert caller.all(StopCollect) == [StopCollect(LEG, 40)]
    assert caller.all(Privacy) == [Privacy(LEG, on=False)]


def test_ops_are_never_used_twice() -> None:
    caller = Caller(max_attempts=3).wait().press("12#").press(CARD_KEYS).charged(token="t")
    ops = [command.op for command in caller.given if isinstance(command, Play | Collect | Timer | Charge)]
    assert len(ops) == len(set(ops))
    assert caller.paid is not None
    assert caller.paid.next_op == max(ops) + 1


@pytest.mark.parametrize(("amount", "action"), [("0", "tokenize"), ("0.00", "tokenize"), ("0.01", "charge"), ("12.5", "charge")])
def test_zero_makes_a_token(amount: str, action: str) -> None:
    assert Caller(charge_amount=amount).press(CARD_KEYS).payment.reveal()["action"] == action


@pytest.mark.parametrize("kind", ["one-time", "reusable", "payment-method"])
def test_token_types_are_handed_on(kind: Any) -> None:
    assert Caller(token_type=kind).press(CARD_KEYS).payment.reveal()["token_type"] == kind


def test_what_the_document_says_is_handed_on() -> None:
    said: dict[str, Any] = {"currency": "usd", "description": "a hat", "parameters": (("a", "1"), ("b", "2"))}
    told = Caller(charge_amount="3", **said).press(CARD_KEYS).payment.reveal()
    assert (told["amount"], told["currency"], told["description"], told["parameters"]) == (
        "3.00",
        "usd",
        "a hat",
        {"a": "1", "b": "2"},
    )


# How entries end


def test_a_key_stops_the_prompt_and_every_key_has_its_time() -> None:
    caller = Caller(timeout=3)
    assert caller.timers == []
    caller.listen()
    assert caller.timers == [Timer(9, 3.0)]
    caller.press("4").press("1")
    assert [timer.seconds for timer in caller.timers] == [3.0, 3.0, 3.0]
    assert caller.all(StopPlay) == []


def test_a_time_out_of_an_earlier_key_is_nothing() -> None:
    caller = Caller().press("41")
    caller.happens(TimeUp(caller.timers[0].op))
    assert caller.payment.count == 2


def test_the_end_of_a_prompt_that_was_stopped_is_nothing() -> None:
    caller = Caller()
    assert caller.playing is not None
    op = caller.playing.op
    caller.press("4").happens(PlayEnded(LEG, op))
    assert len(caller.timers) == 1


def test_silence_ends_an_entry_that_was_begun() -> None:
    caller = Caller(status_callback="/told").press(CARD + EXPIRY + CODE + POSTAL).wait()
    assert caller.notes[-1]["For"] == "payment-processing"
    assert Caller().press("4222222222222").wait().payment.shown("payment-card-number") == "xxxxxxxxx2222"


def test_a_pound_before_the_first_digit_belongs_to_the_entry_before() -> None:
    caller = Caller().press(CARD)
    assert caller.playing is not None
    caller.press("#")
    assert caller.playing is not None
    assert caller.press(f"#{EXPIRY}##{CODE}#{POSTAL}#").charge


def test_other_keys_and_other_legs_are_nothing() -> None:
    caller = Caller()
    before = caller.now
    for key in ("A", "D", "", "12", "x", "٣"):
        caller.happens(Key(LEG, key))
    caller.happens(Key("c-2", "*")).happens(HungUp("c-2")).happens(TimeUp(999)).happens(Charged(999)).happens(PlayEnded(LEG, 999))
    assert caller.now is before


@pytest.mark.parametrize("keys", ["", "4", CARD, CARD + EXPIRY + "12", CARD + EXPIRY + CODE + "9"])
def test_a_star_ends_it(keys: str) -> None:
    caller = Caller(output="p").press(keys + "*")
    assert caller.results["Result"] == "caller-interrupted-with-star"
    assert caller.paid is not None
    assert (caller.paid.variables["p.result"], caller.paid.hung_up) == ("caller-interrupted-with-star", False)
    assert caller.payment.is_over
    assert balanced(caller.given)
    assert caller.playing is None


# What is wrong with entries

WRONG: tuple[tuple[str, str, PromptFor, str], ...] = (
    ("", "4111111111111112#", "payment-card-number", "invalid-card-number"),
    ("", "5555555555554445", "payment-card-number", "invalid-card-number"),
    ("", "12#", "payment-card-number", "invalid-card-number"),
    ("", "6011111111111117", "payment-card-number", "invalid-card-type"),
    ("", "6200000000000005#", "payment-card-number", "invalid-card-type"),
    (CARD, "1327", "expiration-date", "invalid-date"),
    (CARD, "1026", "expiration-date", "invalid-date"),
    (CARD, "12#", "expiration-date", "invalid-date"),
    (CARD + EXPIRY, "12#", "security-code", "invalid-security-code"),
    (CARD + EXPIRY + CODE, "941#", "postal-code", "invalid-postal-code"),
)
WRONG_ACCOUNT: tuple[tuple[str, str, PromptFor, str], ...] = (
    ("", "121181977", "bank-routing-number", "invalid-bank-routing-number"),
    ("", "1211#", "bank-routing-number", "invalid-bank-routing-number"),
    (ROUTING, "123#", "bank-account-number", "invalid-bank-account-number"),
)


@pytest.mark.parametrize(
    ("method", "before", "keys", "item", "error"),
    [*(("credit-card", *row) for row in WRONG), *(("ach-debit", *row) for row in WRONG_ACCOUNT)],
)
@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_wrong_entry_is_asked_for_again_as_often_as_allowed(
    method: Any, before: str, keys: str, item: PromptFor, error: str, most: int
) -> None:
    caller = Caller(payment_method=method, min_postal_code_length=5, max_attempts=most, status_callback="/told", output="p")
    caller.press(before)
    for attempt in range(2, most + 1):
        caller.press(keys)
        note = caller.notes[-1]
        assert (note["For"], note["ErrorType"], note["Attempt"]) == (item, error, str(attempt))
        assert caller.said == [pay_prompts.ERRORS[item][error], pay_prompts.QUESTIONS[item]]  # type: ignore[index]
    assert caller.paid is None
    caller.press(keys)
    assert caller.results["Result"] == "too-many-failed-attempts"
    assert caller.results["PaymentError"] == error
    assert caller.paid.variables["p.error"] == error  # type: ignore[union-attr]
    assert caller.payment.is_over
    assert balanced(caller.given)


@pytest.mark.parametrize(
    ("before", "item"), [("", "payment-card-number"), (CARD, "expiration-date"), (CARD + EXPIRY, "security-code")]
)
def test_nothing_keyed_is_a_time_out(before: str, item: str) -> None:
    caller = Caller(status_callback="/told").press(before).wait()
    assert (caller.notes[-1]["For"], caller.notes[-1]["ErrorType"]) == (item, "input-timeout")
    caller.wait()
    assert (caller.results["Result"], caller.results["PaymentError"]) == ("too-many-failed-attempts", "input-timeout")


def test_a_pound_alone_is_nothing_keyed() -> None:
    caller = Caller(status_callback="/told").listen().press("#").wait()
    assert caller.notes[-1]["ErrorType"] == "input-timeout"


def test_attempts_are_counted_for_each_item_anew() -> None:
    caller = Caller(status_callback="/told").wait().press(CARD).wait().press(EXPIRY).wait().press(CODE).wait().press(POSTAL + "#")
    assert [note.get("Attempt") for note in caller.notes] == ["1", "2"] * 4 + [None]
    assert caller.charge


def test_what_was_keyed_wrongly_is_forgotten() -> None:
    caller = Caller().press("4111111111111112#").press(CARD[:4]).wait()
    assert caller.results["PaymentError"] == "invalid-card-number"
    assert Caller().press("12#").press(CARD_KEYS).payment.reveal()["card"]["number"] == CARD


@pytest.mark.parametrize(
    ("types", "card", "type_"),
    [
        (("visa",), CARD, "visa"),
        (("amex",), "378282246310005", "amex"),
        (("discover", "jcb"), "3530111333300000", "jcb"),
        (("diners-club",), "30569309025904#", "diners-club"),
        (("maestro",), "6759649826438453#", "maestro"),
        (("enroute",), "201400000000009", "enroute"),
        (("mastercard",), "2223003122003222", "mastercard"),
        (("discover",), "6011111111111117", "discover"),
        (("mastercard",), CARD, None),
        (("visa",), "378282246310005", None),
    ],
)
def test_only_the_types_that_are_named_are_taken(types: Any, card: str, type_: str | None) -> None:
    caller = Caller(valid_card_types=types, status_callback="/told").press(card)
    assert caller.payment.card_type == type_
    assert caller.notes[-1].get("ErrorType") == (None if type_ else "invalid-card-type")


def test_american_express_has_four() -> None:
    caller = Caller(postal_code=False).press("378282246310005" + EXPIRY)
    assert caller.said == [pay_prompts.FOUR_DIGIT_CODE]
    caller.press("123")
    assert caller.all(Charge) == []
    caller.press("4").charged(token="t")
    assert caller.results["SecurityCode"] == "xxxx"


# Twice the same

TWICE = (
    prompt("bank-account-number", "first"),
    prompt("bank-account-number", "second", require_matching_inputs=True),
    prompt("bank-account-number", "different", error_types=("input-matching-failed",)),
)


def twice(**attributes: Any) -> Caller:
    return Caller(payment_method="ach-debit", prompts=TWICE, status_callback="/told", **attributes).press(ROUTING)


def test_two_entries_that_are_the_same_are_taken() -> None:
    caller = twice()
    assert caller.said == ["first"]
    caller.press(ACCOUNT + "#")
    assert caller.said == ["second"]
    caller.press(ACCOUNT + "#")
    assert caller.payment.reveal()["bank_account"]["account_number"] == ACCOUNT
    assert [note["For"] for note in caller.notes] == ["bank-routing-number", "bank-account-number", "payment-processing"]


@pytest.mark.parametrize("second", ["508862393#", "50886239#", "5088623922#", "1#"])
def test_two_entries_that_differ_begin_again(second: str) -> None:
    caller = twice().press(ACCOUNT + "#").press(second)
    assert caller.said == ["different"]
    assert caller.notes[-1]["ErrorType"] == "input-matching-failed"
    caller.press("1234#")
    assert caller.said == ["second"]
    caller.press("1234#").charged(token="t")
    assert caller.results["BankAccountNumber"] == "**34"


def test_silence_at_the_second_entry_begins_again() -> None:
    caller = twice().press(ACCOUNT + "#").wait()
    assert caller.notes[-1]["ErrorType"] == "input-timeout"
    assert caller.said[-1] == "first"
    caller.press(ACCOUNT + "#").press("1#")
    assert (caller.results["Result"], caller.results["PaymentError"]) == ("too-many-failed-attempts", "input-matching-failed")


def test_a_first_entry_that_is_wrong_is_not_asked_for_twice() -> None:
    assert twice().press("12#").notes[-1]["ErrorType"] == "invalid-bank-account-number"


def test_any_item_can_be_wanted_twice() -> None:
    pay = Pay(prompts=(prompt("payment-card-number", "again", require_matching_inputs=True),), postal_code=False)
    caller = Caller(pay).press(CARD)
    assert caller.said == ["again"]
    assert caller.press(CARD + EXPIRY + CODE).charge


# What the connector answers

ANSWERS: tuple[tuple[dict[str, str], dict[str, str]], ...] = (
    ({}, {"Result": "success"}),
    (
        {"error": "card declined", "code": "51"},
        {
            "Result": "payment-connector-error",
            "PaymentError": "card declined",
            "PayErrorCode": "51",
            "ConnectorError": "51: card declined",
        },
    ),
    (
        {"error": "no", "fault": "connector"},
        {"Result": "payment-connector-error", "PaymentError": "no", "ConnectorError": "no"},
    ),
    (
        {"error": "not in time", "code": "timeout", "fault": "network"},
        {"Result": "payment-connector-error", "PaymentError": "not in time", "PayErrorCode": "timeout"},
    ),
    (
        {"error": "there is none", "code": "no-connector", "fault": "settings"},
        {"Result": "validation-error", "PaymentError": "there is none", "PayErrorCode": "no-connector"},
    ),
    (
        {"error": "oh", "code": "internal", "fault": "internal"},
        {"Result": "internal-error", "PaymentError": "oh", "PayErrorCode": "internal"},
    ),
)


@pytest.mark.parametrize(("answer", "told"), ANSWERS)
@pytest.mark.parametrize("hung_up", [False, True])
def test_what_the_connector_answers_is_told(answer: dict[str, str], told: dict[str, str], hung_up: bool) -> None:
    caller = Caller(output="p", status_callback="/told").press(CARD_KEYS)
    if hung_up:
        caller.hang_up()
        assert caller.paid is None
        assert caller.payment.is_over
    caller.charged(**answer)
    assert caller.results == {**told, **SHOWN}
    assert caller.notes[-1] == caller.results
    assert caller.paid is not None
    assert caller.paid.hung_up is hung_up
    assert caller.paid.variables["p.result"] == told["Result"]
    assert balanced(caller.given)


def test_keys_while_the_connector_is_at_work_are_nothing() -> None:
    caller = Caller().press(CARD_KEYS)
    before = list(caller.given)
    caller.press("*#1")
    assert caller.given == before


@pytest.mark.parametrize("keys", ["", "4", CARD, CARD + EXPIRY + CODE])
def test_hanging_up_ends_it(keys: str) -> None:
    caller = Caller(output="p", status_callback="/told").press(keys).hang_up()
    assert caller.results["Result"] == "caller-hung-up"
    assert caller.notes[-1] == caller.results
    assert caller.paid is not None
    assert (caller.paid.hung_up, caller.paid.variables["p.result"]) == (True, "caller-hung-up")
    assert caller.payment.is_over
    assert balanced(caller.given)


@pytest.mark.parametrize("keys", ["", "41", CARD_KEYS])
def test_it_can_be_stopped(keys: str) -> None:
    caller = Caller().press(keys)
    commands = paying.stop(caller.now)
    assert balanced([*caller.given, *commands])
    assert [type(command) for command in commands if isinstance(command, StopPlay)] == [StopPlay] * (keys == "")
    assert caller.payment.is_over


# What does not hold


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"charge_amount": "-0.5"}, "chargeAmount: expected 0 to 999999.99, got '-0.5'"),
        ({"charge_amount": "ten"}, "chargeAmount: "),
        ({"charge_amount": ""}, "chargeAmount: "),
        ({"charge_amount": "1.005"}, "chargeAmount: "),
        ({"charge_amount": "1000000"}, "chargeAmount: "),
        ({"charge_amount": "1e3"}, "chargeAmount: "),
        ({"charge_amount": "٣"}, "chargeAmount: "),
        ({"max_attempts": 0}, "maxAttempts: "),
        ({"max_attempts": 4}, "maxAttempts: "),
        ({"timeout": 0}, "timeout: "),
        ({"min_postal_code_length": 17}, "minPostalCodeLength: "),
        ({"valid_card_types": ()}, "validCardTypes: "),
    ],
)
def test_what_does_not_hold_is_said_soon(attributes: dict[str, Any], said: str) -> None:
    caller = Caller(output="p", status_callback="/told", **attributes)
    assert [type(command) for command in caller.given] == [Timer]
    assert caller.timers[0].seconds == 0.0
    caller.press("41*").wait()
    assert caller.results["Result"] == "validation-error"
    assert caller.results["PaymentError"].startswith(said)
    assert caller.notes == [caller.results]
    assert balanced(caller.given)


@pytest.mark.parametrize("amount", ["0", "5", "5.", ".5", "5.50", "5.500", "999999.99"])
def test_amounts_that_hold(amount: str) -> None:
    assert Caller(charge_amount=amount).now.stage == "asking"


def test_a_bank_account_needs_no_card_types() -> None:
    assert Caller(payment_method="ach-debit", valid_card_types=()).now.stage == "asking"


# What is told


def test_each_step_is_told_with_what_is_known_by_then() -> None:
    caller = Caller(status_callback="/told", status_callback_method="GET").press(CARD_KEYS).charged(token="t")
    known = list(SHOWN.items())
    assert caller.notes[:-1] == [
        {"For": "payment-card-number", "Attempt": "1", **dict(known[:1])},
        {"For": "expiration-date", "Attempt": "1", **dict(known[:3])},
        {"For": "security-code", "Attempt": "1", **dict(known[:4])},
        {"For": "postal-code", "Attempt": "1", **dict(known[:5])},
        {"For": "payment-processing", **SHOWN},
    ]
    assert {(note.url, note.method, note.leg) for note in caller.all(Notify)} == {("https://app.example.com/told", "GET", LEG)}


@pytest.mark.parametrize(
    ("base", "callback", "url"),
    [
        (BASE, "https://other.example/x?a=1", "https://other.example/x?a=1"),
        (BASE, "told", "https://app.example.com/pay/told"),
        (BASE, "./told", "https://app.example.com/pay/told"),
        (BASE, "/", "https://app.example.com/"),
        ("", "https://other.example/x", "https://other.example/x"),
        ("", "/told", None),
        (BASE, "http://[", "http://["),
        (BASE, "mailto:a@example.com", None),
        (BASE, None, None),
    ],
)
def test_the_status_callback_is_resolved(base: str, callback: str | None, url: str | None) -> None:
    caller = Caller(Pay(status_callback=callback), base_url=base)
    assert [note.url for note in caller.all(Notify)] == ([] if url is None else [url])


def test_the_tables_name_all_that_is_told_and_in_their_order() -> None:
    assert tuple(RESULTS) == get_args(Result)
    names = [*STATUS_PARAMETERS, *PARAMETERS]
    for caller in (
        Caller(status_callback="/told").wait().press(CARD_KEYS).charged(error="no", code="1"),
        Caller(status_callback="/told").press(CARD_KEYS).charged(token="t", confirmation="c", profile="p"),
        Caller(status_callback="/told", payment_method="ach-debit").press(ACCOUNT_KEYS).charged(token="t"),
    ):
        for note in caller.notes:
            assert list(note) == [name for name in names if name in note]
            assert all(note.values())


@pytest.mark.parametrize(("token", "set_"), [("t" * 50, "t" * 50), ("t" * 51, "")])
def test_a_token_that_is_too_long_for_a_variable_is_not_cut(token: str, set_: str) -> None:
    caller = Caller(output="p").press(CARD_KEYS).charged(token=token)
    assert caller.paid is not None
    assert caller.paid.variables["p.token"] == set_
    assert caller.results["PaymentToken"] == token
    assert list(caller.paid.variables) == [f"p.{name}" for name in OUTPUTS]


def test_an_error_is_cut_to_a_variables_length() -> None:
    caller = Caller(output="p").press(CARD_KEYS).charged(error="e" * 80)
    assert caller.paid is not None
    assert caller.paid.variables["p.error"] == "e" * 50


def test_without_output_no_variable_is_set() -> None:
    caller = Caller().press("*")
    assert caller.paid is not None
    assert caller.paid.variables == {}


def test_history_has_the_prompts_that_were_played_and_the_payment() -> None:
    prompts = (
        prompt("payment-card-number", "card", history="compact"),
        prompt("expiration-date", "date", history="full"),
        prompt("postal-code", "code"),
    )
    caller = Caller(Pay(prompts=prompts, history="full", charge_amount="5")).wait().press(CARD_KEYS).charged(confirmation="c")
    assert caller.paid is not None
    date = {"for": "expiration-date", "errorType": "", "attempt": 1, "cardType": "visa", "requireMatchingInputs": False}
    whole = {
        "result": "success",
        "paymentMethod": "credit-card",
        "chargeAmount": "5",
        "currency": "usd",
        "paymentConnector": "Default",
        "tokenType": "reusable",
    }
    card = {"verb": "Prompt", "payload": {"for": "payment-card-number"}}
    assert caller.paid.history == [card, card, {"verb": "Prompt", "payload": date}, {"verb": "Pay", "payload": whole}]


def test_history_in_short() -> None:
    caller = Caller(history="compact").press("*")
    assert caller.paid is not None
    assert caller.paid.history == [{"verb": "Pay", "payload": {"result": "caller-interrupted-with-star"}}]


def test_a_prompt_without_a_word_waits_at_once() -> None:
    caller = Caller(Pay(prompts=(Prompt(for_="payment-card-number"),)))
    assert caller.all(Play) == []
    assert len(caller.timers) == 1
    assert caller.press(CARD).said == [pay_prompts.QUESTIONS["expiration-date"]]


def test_the_card_is_judged_by_the_day_that_was_told() -> None:
    now, _ = paying.begin(Pay(), leg=LEG, next_op=1, today=(2029, 1), base_url=BASE)
    assert now.payment.terms.today == (2029, 1) != TODAY
