"""A VoXML document as values: what stood in it, with every default filled in. The parser makes them, the interpreter runs them.

Source of the verbs and attributes: the vendor's pages under `developer.voxtelesys.com/voxml/voice` and its SDK; `words.py` says of
each what is documented. Times are seconds. URLs are as written, perhaps relative.
"""

from typing import Literal

from msgspec import Struct

from ringback.webhooks.model import Method

History = Literal["disable", "compact", "full"]
"""Whether, and how fully, a step is written to the history in the call's record."""
RecordWhen = Literal[
    "do-not-record", "record-from-ringing", "record-from-answer", "record-from-ringing-dual", "record-from-answer-dual"
]
RecordingEvent = Literal["in-progress", "completed", "failed"]
CardType = Literal["visa", "mastercard", "amex", "maestro", "discover", "jcb", "diners-club", "enroute"]
PromptFor = Literal[
    "payment-card-number", "expiration-date", "security-code", "postal-code", "bank-account-number", "bank-routing-number"
]
PayError = Literal[
    "input-timeout",
    "invalid-card-number",
    "invalid-security-code",
    "invalid-card-type",
    "invalid-date",
    "invalid-postal-code",
    "invalid-bank-routing-number",
    "invalid-bank-account-number",
    "input-matching-failed",
]


class Step(Struct, frozen=True, kw_only=True):
    """What all verbs have: where it stands (from 1), and its history switch."""

    line: int = 0
    column: int = 0
    history: History = "disable"


class Answer(Step, frozen=True, tag=True, kw_only=True):
    """Answers a call that is still being set up."""


class Say(Step, frozen=True, tag=True, kw_only=True):
    """Speaks. `ssml`: `text` is markup."""

    text: str = ""
    ssml: bool = False
    voice: str = "Polly.Joanna"
    language: str = "en-US"
    loop: int = 1


class Play(Step, frozen=True, tag=True, kw_only=True):
    """Plays a file, or sends digits (`w` is half a second): one of the two is empty."""

    url: str = ""
    digits: str = ""
    loop: int = 1


class Pause(Step, frozen=True, tag=True, kw_only=True):
    """Waits."""

    length: int = 1


Prompting = Say | Play | Pause


class Gather(Step, frozen=True, tag=True, kw_only=True):
    """Takes keys, speech, or whichever comes first. `num_digits` None: any number. `speech_timeout` None: as `timeout`."""

    action: str | None = None
    method: Method = "POST"
    action_on_empty_result: bool = False
    finish_on_key: str = "#"
    dtmf: bool = True
    speech: bool = False
    language: str = "en-US"
    num_digits: int | None = None
    output: str | None = None
    profanity_filter: bool = False
    speech_timeout: int | Literal["auto"] | None = None
    timeout: int = 5
    prompts: tuple[Prompting, ...] = ()


class RecordingCallback(Struct, frozen=True):
    """Who is told of a recording's states."""

    url: str
    method: Method = "POST"
    events: tuple[RecordingEvent, ...] = ("completed",)


class Record(Step, frozen=True, tag=True, kw_only=True):
    """Takes a message. `timeout`: silence that ends it, 0: none does."""

    action: str | None = None
    method: Method = "POST"
    timeout: int = 5
    finish_on_key: str = "1234567890*#"
    max_length: int = 3600
    play_beep: bool = True
    callback: RecordingCallback | None = None


class Number(Struct, frozen=True, kw_only=True):
    """One number of a Dial. `url`: a document that the callee hears before the two are put through; `send_digits`: keys that are
    sent once it answers."""

    number: str
    send_digits: str = ""
    url: str | None = None
    method: Method = "POST"
    history: History = "disable"
    line: int = 0
    column: int = 0


class Dial(Step, frozen=True, tag=True, kw_only=True):
    """Calls somebody and puts them through. Several numbers ring at once, the first answer wins."""

    action: str | None = None
    method: Method = "POST"
    answer_on_bridge: bool = False
    caller_id: str | None = None
    hangup_on_star: bool = False
    output: str | None = None
    ring_tone: str = "us"
    timeout: int = 30
    time_limit: int = 14_400
    record: RecordWhen = "do-not-record"
    recording_track: Literal["inbound", "outbound", "both"] = "both"
    callback: RecordingCallback | None = None
    numbers: tuple[Number, ...] = ()


class Redirect(Step, frozen=True, tag=True, kw_only=True):
    """Goes on with another document."""

    url: str = ""
    method: Method = "POST"


class Reject(Step, frozen=True, tag=True, kw_only=True):
    """Refuses a call that is not answered."""

    reason: Literal["rejected", "busy"] = "rejected"


class Hangup(Step, frozen=True, tag=True, kw_only=True):
    """Ends the call."""


class Set(Step, frozen=True, tag=True, kw_only=True):
    """Sets a variable of the call."""

    output: str = ""
    value: str = ""


class Unset(Step, frozen=True, tag=True, kw_only=True):
    """Removes a variable of the call."""

    output: str = ""


class Connect(Step, frozen=True, tag=True, kw_only=True):
    """Hands the call to a flow. `resume`: go on after the widget that the document came from."""

    flow: str = ""
    resume: bool = False
    flow_history: History = "disable"


class Prompt(Struct, frozen=True, kw_only=True):
    """What Pay says when it asks for something. Empty tuples: for every attempt, card type; no error."""

    for_: PromptFor
    attempts: tuple[int, ...] = ()
    card_types: tuple[CardType, ...] = ()
    error_types: tuple[PayError, ...] = ()
    require_matching_inputs: bool = False
    history: History = "disable"
    prompts: tuple[Say | Play, ...] = ()
    line: int = 0
    column: int = 0


class Pay(Step, frozen=True, tag=True, kw_only=True):
    """Takes a payment by keys. `charge_amount` is decimal text; zero: make a token."""

    action: str | None = None
    method: Method = "POST"
    bank_account_type: Literal["consumer-checking", "consumer-savings", "commercial-checking"] = "consumer-checking"
    charge_amount: str = "0"
    currency: str = "usd"
    description: str = ""
    language: str = "en-US"
    max_attempts: int = 2
    min_postal_code_length: int | None = None
    output: str | None = None
    payment_connector: str = "Default"
    payment_method: Literal["credit-card", "ach-debit"] = "credit-card"
    postal_code: bool = True
    security_code: bool = True
    status_callback: str | None = None
    status_callback_method: Method = "POST"
    timeout: int = 5
    token_type: Literal["one-time", "reusable", "payment-method"] = "reusable"  # noqa: S105
    valid_card_types: tuple[CardType, ...] = ("visa", "mastercard", "amex")
    prompts: tuple[Prompt, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()


class If(Step, frozen=True, tag=True, kw_only=True):
    """Runs its children if the expression holds."""

    expression: str = ""
    body: tuple["Verb", ...] = ()


class Do(Step, frozen=True, tag=True, kw_only=True):
    """Runs its children while the expression holds, at most `max_loops` times."""

    expression: str = ""
    max_loops: int = 1
    body: tuple["Verb", ...] = ()


Verb = Answer | Connect | Dial | Do | Gather | Hangup | If | Pause | Pay | Play | Record | Redirect | Reject | Say | Set | Unset


class Document(Struct, frozen=True):
    """A whole document."""

    body: tuple[Verb, ...] = ()
