"""Which prompt a caller hears: every way in which a document's Prompts can fit, and our own English where none does."""

from itertools import product
from typing import Any, get_args

import pytest
from pay_caller import BASE, prompt

from ringback.calls.live import Sound, Speech, Tones
from ringback.voxml.document import CardType, Pay, PayError, Play, Prompt, PromptFor, Say
from ringback.voxml.pay_prompts import (
    AGAIN,
    ERRORS,
    FOUR_DIGIT_CODE,
    QUESTIONS,
    VOICES,
    Asking,
    asks_twice,
    chosen,
    history,
    items,
)
from ringback.voxml.prompting import MAX_ITEMS

CODE: PromptFor = "security-code"
ITEMS: tuple[PromptFor, ...] = get_args(PromptFor)


def spoken(pay: Pay, asking: Asking) -> list[str]:
    return [item.text for item in items(pay, asking, BASE) if isinstance(item, Speech)]


# Our own


@pytest.mark.parametrize("item", ITEMS)
def test_every_question_has_words(item: PromptFor) -> None:
    assert spoken(Pay(), Asking(item)) == [QUESTIONS[item]]
    assert spoken(Pay(), Asking(item, again=True)) == [AGAIN[item]]


@pytest.mark.parametrize(("item", "error"), [(item, error) for item in ITEMS for error in ERRORS[item]])
def test_every_error_has_words_before_the_question(item: PromptFor, error: PayError) -> None:
    assert spoken(Pay(), Asking(item, 2, error=error)) == [ERRORS[item][error], QUESTIONS[item]]


def test_every_error_belongs_to_some_item() -> None:
    assert set(ERRORS) == set(ITEMS)
    assert {error for errors in ERRORS.values() for error in errors} == set(get_args(PayError))
    assert all({"input-timeout", "input-matching-failed"} <= set(errors) for errors in ERRORS.values())


def test_american_express_has_its_code_on_the_front() -> None:
    assert spoken(Pay(), Asking(CODE, card_type="amex")) == [FOUR_DIGIT_CODE]
    assert spoken(Pay(), Asking(CODE, card_type="visa")) == [QUESTIONS[CODE]]


@pytest.mark.parametrize(("language", "spoken_in"), [*((each, each) for each in VOICES), ("es-MX", "en-US"), ("de-DE", "en-US")])
def test_our_own_words_are_spoken_by_a_voice_of_the_language(language: str, spoken_in: str) -> None:
    (said,) = items(Pay(language=language), Asking(CODE), BASE)
    assert said == Speech(QUESTIONS[CODE], VOICES[spoken_in], spoken_in)


# The document's

PROMPTS = (
    prompt(CODE, "plain"),
    prompt(CODE, "attempt 2", attempts=(2, 3)),
    prompt(CODE, "amex", card_types=("amex",)),
    prompt(CODE, "amex 2", card_types=("amex", "visa"), attempts=(2,)),
    prompt(CODE, "silent", error_types=("input-timeout",)),
    prompt(CODE, "wrong", error_types=("invalid-security-code", "input-matching-failed")),
    prompt(CODE, "silent 3", error_types=("input-timeout",), attempts=(3,)),
    prompt(CODE, "silent amex", error_types=("input-timeout",), card_types=("amex",)),
    prompt("postal-code", "another item"),
)
TABLE: tuple[tuple[int, CardType | None, PayError | None, str], ...] = (
    (1, None, None, "plain"),
    (1, "visa", None, "plain"),
    (1, "amex", None, "amex"),
    (1, "mastercard", None, "plain"),
    (2, "mastercard", None, "attempt 2"),
    (3, "mastercard", None, "attempt 2"),
    (2, "visa", None, "amex 2"),
    (2, "amex", None, "amex 2"),
    (3, "amex", None, "amex"),
    (3, "visa", None, "attempt 2"),
    (2, "visa", "input-timeout", "silent"),
    (3, "visa", "input-timeout", "silent 3"),
    (2, "amex", "input-timeout", "silent amex"),
    (3, "amex", "input-timeout", "silent amex"),
    (2, "visa", "invalid-security-code", "wrong"),
    (3, "amex", "input-matching-failed", "wrong"),
    (2, None, "invalid-date", "attempt 2"),
)


@pytest.mark.parametrize(("attempt", "card", "error", "said"), TABLE)
def test_the_most_particular_prompt_is_played(attempt: int, card: CardType | None, error: PayError | None, said: str) -> None:
    found = chosen(Pay(prompts=PROMPTS), Asking(CODE, attempt, card, error))
    assert found is not None
    assert [each.text for each in found.prompts if isinstance(each, Say)] == [said]


@pytest.mark.parametrize(("attempt", "card", "error"), list(product((1, 2, 3), ("visa", "amex", None), ("input-timeout", None))))
def test_a_prompt_that_is_chosen_fits(attempt: int, card: CardType | None, error: PayError | None) -> None:
    found = chosen(Pay(prompts=PROMPTS), Asking(CODE, attempt, card, error))
    assert found is not None
    assert found.for_ == CODE
    assert attempt in (found.attempts or (attempt,))
    assert card in (found.card_types or (card,))
    assert error in (found.error_types or (error,))


def test_of_equals_the_first_is_played() -> None:
    assert spoken(Pay(prompts=(prompt(CODE, "one"), prompt(CODE, "two"))), Asking(CODE)) == ["one"]


def test_a_prompt_for_cards_needs_a_card() -> None:
    pay = Pay(prompts=(prompt("payment-card-number", "for visa", card_types=("visa",)),))
    assert spoken(pay, Asking("payment-card-number")) == [QUESTIONS["payment-card-number"]]


ERROR = ERRORS[CODE]["input-timeout"]


@pytest.mark.parametrize(
    ("language", "how", "said"),
    [
        ("en-US", {}, [ERROR, "own"]),
        ("en-GB", {"card_types": ("visa",)}, [ERROR, "own"]),
        ("en-US", {"attempts": (2,)}, ["own"]),
        ("en-US", {"error_types": ("input-timeout",)}, ["own"]),
        ("es-ES", {}, ["own"]),
    ],
)
def test_our_sentence_about_an_error_goes_before_a_prompt_that_knows_of_none(
    language: str, how: dict[str, Any], said: list[str]
) -> None:
    pay = Pay(language=language, prompts=(prompt(CODE, "own", **how),))
    assert spoken(pay, Asking(CODE, 2, "visa", "input-timeout")) == said


# Two entries that must be the same

TWICE = (
    prompt("bank-account-number", "first"),
    prompt("bank-account-number", "second", require_matching_inputs=True),
    prompt("bank-account-number", "different", error_types=("input-matching-failed",)),
)


@pytest.mark.parametrize(
    ("asking", "said"),
    [
        (Asking("bank-account-number"), ["first"]),
        (Asking("bank-account-number", again=True), ["second"]),
        (Asking("bank-account-number", 2, error="input-matching-failed"), ["different"]),
        (Asking("bank-account-number", 2, again=True), ["second"]),
        (Asking("bank-routing-number", again=True), [AGAIN["bank-routing-number"]]),
    ],
)
def test_the_second_entry_has_a_prompt_of_its_own(asking: Asking, said: list[str]) -> None:
    assert spoken(Pay(prompts=TWICE), asking) == said


def test_a_matching_prompt_about_an_error_is_about_the_error() -> None:
    pay = Pay(prompts=(prompt(CODE, "again", require_matching_inputs=True, error_types=("input-matching-failed",)),))
    assert asks_twice(pay, CODE)
    assert spoken(pay, Asking(CODE, 2, error="input-matching-failed")) == ["again"]
    assert spoken(pay, Asking(CODE, again=True)) == [AGAIN[CODE]]


def test_only_what_is_wanted_twice_is_asked_twice() -> None:
    pay = Pay(prompts=TWICE)
    assert [item for item in ITEMS if asks_twice(pay, item)] == ["bank-account-number"]


# What is in a Prompt


def test_what_is_played_is_what_stands_there() -> None:
    said = (
        Say(text="<b>hi</b>", ssml=True, voice="Polly.Amy", language="en-GB", loop=2),
        Play(url="../a.mp3"),
        Play(url="https://cdn.example.com/b.wav", loop=2),
        Play(digits="1w2"),
    )
    speech = Speech("<b>hi</b>", "Polly.Amy", "en-GB", True)
    other = Sound("https://cdn.example.com/b.wav")
    played = items(Pay(prompts=(Prompt(for_=CODE, prompts=said),)), Asking(CODE), BASE)
    assert played == (speech, speech, Sound("https://app.example.com/a.mp3"), other, other, Tones("1w2"))


def test_what_is_empty_is_not_played_and_nothing_is_played_for_ever() -> None:
    empty = Prompt(for_=CODE, prompts=(Say(text=" "), Play()))
    assert items(Pay(prompts=(empty,)), Asking(CODE), BASE) == ()
    endless = Prompt(for_=CODE, prompts=(Say(text="a", loop=10**12), Play(url="http://[", loop=10**12)))
    assert items(Pay(prompts=(endless,)), Asking(CODE), BASE) == (Speech("a"),) * MAX_ITEMS


def test_a_url_that_is_none_is_left_to_who_fetches_it() -> None:
    assert items(Pay(prompts=(Prompt(for_=CODE, prompts=(Play(url="http://["),)),)), Asking(CODE), BASE) == (Sound("http://["),)


@pytest.mark.parametrize(
    ("kind", "entry"),
    [
        ("disable", None),
        ("compact", {"verb": "Prompt", "payload": {"for": CODE}}),
        (
            "full",
            {
                "verb": "Prompt",
                "payload": {
                    "for": CODE,
                    "errorType": "input-timeout",
                    "attempt": 2,
                    "cardType": "visa",
                    "requireMatchingInputs": False,
                },
            },
        ),
    ],
)
def test_history(kind: Any, entry: dict[str, Any] | None) -> None:
    assert history(prompt(CODE, "x", history=kind), Asking(CODE, 2, "visa", "input-timeout")) == entry
