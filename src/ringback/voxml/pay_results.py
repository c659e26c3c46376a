"""What is told of a payment: its webhooks' parameters, the variables that `output` sets, its entry in the call's record. Pure.

VoXML's vendor publishes none of these names, so all of them are ours: the webhooks' are those of TwiML's `<Pay>`, with its masks.
"""

from typing import Any, Literal

from ringback.voxml.document import Pay, PromptFor
from ringback.voxml.model import Charged, Pairs
from ringback.voxml.payment import Payment

Result = Literal[
    "success",
    "too-many-failed-attempts",
    "payment-connector-error",
    "caller-interrupted-with-star",
    "caller-hung-up",
    "validation-error",
    "internal-error",
]

RESULTS: dict[Result, str] = {
    "success": "charged, or a token made",
    "too-many-failed-attempts": "an item was wrong, or not keyed, `maxAttempts` times; `PaymentError` is its last error",
    "payment-connector-error": "the connector declined, failed, or could not be reached",
    "caller-interrupted-with-star": "the caller pressed `*`",
    "caller-hung-up": "the caller hung up before the connector was asked",
    "validation-error": "an attribute that does not hold, or a connector that the account does not have; `PaymentError` names it",
    "internal-error": "our own fault",
}
PARAMETERS: dict[str, str] = {
    "Result": "one of the results",
    "PaymentMethod": "`credit-card` or `ach-debit`",
    "PaymentCardNumber": "its last four digits: `xxxxxxxxxxxx1111`",
    "PaymentCardType": "`visa`, `mastercard`, …",
    "ExpirationDate": "MMYY",
    "SecurityCode": "`xxx`, or `xxxx`",
    "PaymentCardPostalCode": "as keyed",
    "BankAccountNumber": "its last two digits: `*******92`",
    "BankRoutingNumber": "as keyed: it names a bank",
    "BankAccountType": "`ach-debit` alone: as the document says",
    "PaymentToken": "the connector's `token`",
    "ProfileId": "the connector's `profile`",
    "PaymentConfirmationCode": "the connector's `confirmation`",
    "PaymentError": "what went wrong, in words or as an error type",
    "PayErrorCode": "the connector's `code`; where it could not be asked, why: `timeout`, `connect`, `tls`, …",
    "ConnectorError": "what the connector itself said: its code and its words",
}
"""The `action` webhook's parameters beside the usual ones, in their order; those without a value are left out."""
STATUS_PARAMETERS: dict[str, str] = {
    "For": "what is asked: a Prompt's `for`, or `payment-processing`; not in the last one",
    "ErrorType": "why it is asked again",
    "Attempt": "1, 2 or 3",
}
"""The `statusCallback`'s parameters before those of the `action` webhook. It is called for each question, before the connector is
asked, and at the end with everything that the `action` webhook gets."""
_SHOWN: tuple[tuple[str, PromptFor], ...] = (
    ("ExpirationDate", "expiration-date"),
    ("SecurityCode", "security-code"),
    ("PaymentCardPostalCode", "postal-code"),
    ("BankAccountNumber", "bank-account-number"),
    ("BankRoutingNumber", "bank-routing-number"),
)
_RESULT_OF_FAULT: dict[str, Result] = {
    "connector": "payment-connector-error",
    "network": "payment-connector-error",
    "settings": "validation-error",
    "internal": "internal-error",
}

OUTPUTS: tuple[str, ...] = ("result", "token", "confirmation", "profile", "error")
_VALUE_MOST = 50
"""The longest value of a variable (VoXML's `Set`)."""


def result_of(charged: Charged) -> Result:
    """What the connector's answer comes to."""
    return _RESULT_OF_FAULT[charged.fault] if charged.error else "success"


def known(pay: Pay, payment: Payment) -> Pairs:
    """The method, and what was taken so far, as others may see it."""
    pairs = (
        ("PaymentMethod", pay.payment_method),
        ("PaymentCardNumber", payment.shown("payment-card-number")),
        ("PaymentCardType", payment.card_type),
        *((name, payment.shown(item)) for name, item in _SHOWN),
        ("BankAccountType", pay.bank_account_type if pay.payment_method == "ach-debit" else None),
    )
    return tuple((name, value) for name, value in pairs if value)


def results(pay: Pay, payment: Payment, result: Result, charged: Charged | None = None, error: str = "") -> Pairs:
    """The `action` webhook's parameters. `error`: the last error type, or what went wrong in words."""
    told = [("PaymentError", error)]
    if charged is not None:
        is_its_own = charged.error and charged.fault == "connector"
        told = [
            ("PaymentToken", charged.token),
            ("ProfileId", charged.profile),
            ("PaymentConfirmationCode", charged.confirmation),
            *told,
            ("PayErrorCode", charged.code),
            ("ConnectorError", ": ".join(filter(None, (charged.code, charged.error))) if is_its_own else ""),
        ]
    return (("Result", result), *known(pay, payment), *(pair for pair in told if pair[1]))


def variables(pay: Pay, result: Result, charged: Charged | None = None, error: str = "") -> dict[str, str]:
    """What `output` sets: all of them, so that nothing of an earlier payment is left. What names something and is too long for a
    variable is left empty, since a part of it would be wrong; the webhook carries it whole."""
    if pay.output is None:
        return {}
    named = ("", "", "") if charged is None else (charged.token, charged.confirmation, charged.profile)
    values = (result, *(value if len(value) <= _VALUE_MOST else "" for value in named), error[:_VALUE_MOST])
    return {f"{pay.output}.{name}": value for name, value in zip(OUTPUTS, values, strict=True)}


def history(pay: Pay, result: Result) -> list[dict[str, Any]]:
    """Pay's own entry in the call's record, if the document wants one."""
    if pay.history == "disable":
        return []
    payload: dict[str, Any] = {"result": result}
    if pay.history == "full":
        payload |= {
            "paymentMethod": pay.payment_method,
            "chargeAmount": pay.charge_amount,
            "currency": pay.currency,
            "paymentConnector": pay.payment_connector,
            "tokenType": pay.token_type,
        }
    return [{"verb": "Pay", "payload": payload}]
