"""Pay with its Prompts and Parameters, as `words` has the rest."""

from typing import Final

from ringback.voxml import document as values
from ringback.voxml.grammar import HISTORY, LANGUAGE, METHODS, SECONDS, Attribute, Note, Word, action, choices, output, words_of
from ringback.voxml.kinds import Amount, Flag, OneOf, SomeOf, Text, Url, Whole

_CARDS: Final = SomeOf(words_of(values.CardType))
_LANGUAGES: Final = ("en-AU", "en-IN", "en-GB", "en-US", "es-ES", "es-US", "es-MX", "fr-CA", "fr-FR", "de-DE", "it-IT")

PAY: Final = Word(
    name="Pay",
    makes=values.Pay,
    about="Takes a payment by keys, and has a payment connector charge it or make a token of it.",
    attributes=(
        *action("Where the outcome is told, and the next document comes from."),
        Attribute(
            name="paymentMethod", kind=choices(values.Pay, "payment_method"), about="What is paid with: a card or a bank account."
        ),
        Attribute(
            name="bankAccountType",
            kind=choices(values.Pay, "bank_account_type"),
            about="Which sort of account it is.",
            beside=("paymentMethod",),
        ),
        Attribute(
            name="chargeAmount",
            kind=Amount(),
            about="How much; 0: nothing is charged, a token is made.",
            note="inferred: the token; ours: two decimals",
        ),
        Attribute(name="currency", kind=OneOf(("usd",)), about="The amount's currency."),
        Attribute(name="description", kind=Text(1_000), about="Handed to the connector.", unset="none", note="ours: its length"),
        Attribute(name="input", kind=OneOf(("dtmf",)), about="How it is entered.", field="input", unset="`dtmf`"),
        Attribute(name="language", kind=OneOf(_LANGUAGES), about=f"{LANGUAGE} Of prompts that are not given."),
        Attribute(name="maxAttempts", kind=Whole(1, 3), about="How often each thing is asked for."),
        Attribute(
            name="minPostalCodeLength",
            kind=Whole(1, 16, ours=True),
            about="The fewest digits of a postal code.",
            unset="none",
        ),
        Attribute(
            name="paymentConnector",
            kind=Text(100),
            about="Which of the operator's connectors.",
            note="ours: its length",
        ),
        Attribute(name="postalCode", kind=Flag(), about="Whether it is asked for."),
        Attribute(name="securityCode", kind=Flag(), about="Whether it is asked for."),
        Attribute(name="statusCallback", kind=Url(), about="Who is told of each step.", unset="nobody"),
        Attribute(name="statusCallbackMethod", kind=METHODS, about="How it is told.", beside=("statusCallback",)),
        Attribute(name="timeout", kind=SECONDS, about="How long to wait for a key."),
        Attribute(
            name="tokenType",
            kind=choices(values.Pay, "token_type"),
            about="Which sort of token.",
            note="inferred: `payment-method`, the SDK's",
        ),
        Attribute(name="validCardTypes", kind=_CARDS, about="The cards that are taken."),
        output("A variable for the outcome."),
        HISTORY,
    ),
    children=("Prompt", "Parameter"),
    notes=(
        Note("documented", "What follows is never run if there is an `action`."),
        Note("ours", "The names of what `output` and the webhooks carry: no page says them."),
    ),
    example="pay",
)

PROMPT: Final = Word(
    name="Prompt",
    makes=values.Prompt,
    about="What a Pay says when it asks for something, or when something was wrong.",
    attributes=(
        Attribute(
            name="for",
            kind=choices(values.Prompt, "for_"),
            about="What is asked for.",
            field="for_",
            needed=True,
            note="inferred: that it must be there",
        ),
        Attribute(
            name="attempt", kind=SomeOf(("1", "2", "3"), numbers=True), about="In which attempts.", field="attempts", unset="in all"
        ),
        Attribute(name="cardType", kind=_CARDS, about="For which cards.", field="card_types", unset="for all"),
        Attribute(
            name="errorType",
            kind=SomeOf(words_of(values.PayError)),
            about="After which errors.",
            field="error_types",
            unset="none: it asks",
        ),
        Attribute(name="requireMatchingInputs", kind=Flag(), about="Have it entered twice, and compare."),
        HISTORY,
    ),
    children=("Say", "Play"),
    example="pay",
)

PARAMETER: Final = Word(
    name="Parameter",
    about="Something more for the payment connector.",
    source="inferred",
    attributes=(
        Attribute(name="name", kind=Text(100), about="Its name.", source="inferred", needed=True, note="ours: its length"),
        Attribute(name="value", kind=Text(1_000), about="Its value.", source="inferred", unset="empty", note="ours: its length"),
    ),
    example="pay",
)
