"""What an address is: a number, an extension, a SIP address, or nobody.

`from` and `to` of a call may be any text. Nothing here refuses one: what cannot be read is `unknown` and goes on unchanged,
because a call's end must not be lost for its number. Only with a country is a national number turned into E.164, and only then,
and at the first such number, are the tables of `phonenumbers` loaded; all else is told by the text's form.
"""

import re
from functools import lru_cache
from typing import Final, Literal

from msgspec import Struct

Kind = Literal["e164", "extension", "sip", "short", "anonymous", "unknown"]


class Address(Struct, frozen=True, gc=False):
    """`text` is what was given, without spaces around it. `e164` (with +) is set whenever a number can be told, also for a SIP
    address whose user is one."""

    kind: Kind
    text: str
    e164: str | None = None


ANONYMOUS: Final = frozenset(("", "anonymous", "restricted", "unavailable", "private", "withheld", "unknown", "<unknown>"))
"""What switches and carriers write for a caller who does not show a number. `unknown` is Asterisk's word for none."""

EMERGENCY: Final = frozenset(("000", "112", "911", "999"))
"""Emergency numbers anywhere. Others (110, 119) are as common as extensions: they count only with their country."""

MAX_EXTENSION_DIGITS: Final = 6

_SEPARATORS: Final = str.maketrans("", "", " -.()/\u00a0")
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_DIGITS: Final = re.compile(r"[0-9]+")
_SERVICE_CODE: Final = re.compile(r"[*#][0-9*#]*")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9._~-]{0,63}")
_URI: Final = re.compile(r"<?(sips?|tel):([^@;>?]*)(?:@([^;>?]*))?", re.IGNORECASE)
_ADDRESS_OF_RECORD: Final = re.compile(r"[^@\s]+@[A-Za-z0-9.:\[\]-]+")


@lru_cache(maxsize=10_000)
def classify(text: str, country: str | None) -> Address:
    """What `text` is. `country` (ISO 3166 alpha-2) is the account's or the trunk's; without it a national number stays `unknown`.
    Never raises."""
    text = text.strip()
    if text.lower() in ANONYMOUS:
        return Address("anonymous", text)
    uri = _URI.match(text)
    if uri is not None:
        return _of_uri(text, uri, country)
    if _ADDRESS_OF_RECORD.fullmatch(text):
        return Address("anonymous" if text.lower().startswith("anonymous@") else "sip", text)
    number = _international(text)
    if number is not None:
        return Address("e164", text, number)
    if _SERVICE_CODE.fullmatch(text):
        return Address("short", text)
    digits = text.translate(_SEPARATORS)
    if _DIGITS.fullmatch(digits):
        return _of_digits(text, digits, country)
    return Address("extension" if _NAME.fullmatch(text) else "unknown", text)


def _international(text: str) -> str | None:
    if not text.startswith("+"):
        return None
    number = text.translate(_SEPARATORS)
    return number if _E164.fullmatch(number) else None


def _of_uri(text: str, uri: re.Match[str], country: str | None) -> Address:
    scheme, user, host = uri.group(1).lower(), uri.group(2), uri.group(3) or ""
    if scheme == "tel":
        number = _international(user)
        if number is not None:
            return Address("e164", text, number)
        inner = classify(user, country) if user else None
        return Address(inner.kind, text, inner.e164) if inner is not None else Address("unknown", text)
    if user.lower() == "anonymous" or host.lower() == "anonymous.invalid":
        return Address("anonymous", text)
    return Address("sip", text, _international(user))


def _of_digits(text: str, digits: str, country: str | None) -> Address:
    if digits in EMERGENCY:
        return Address("short", text)
    if country is not None:
        found = _national(text, digits, country)
        if found is not None:
            return found
    return Address("extension" if len(digits) <= MAX_EXTENSION_DIGITS else "unknown", text)


def _national(text: str, digits: str, country: str) -> Address | None:
    import phonenumbers
    from phonenumbers import shortnumberinfo

    region = country.upper()
    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None
    if len(digits) <= MAX_EXTENSION_DIGITS:
        # Of the short codes only N11 and those that begin with 1 are dialled; the rest are for messages, and extensions have them.
        service = digits[0] == "1" or (len(digits) == 3 and digits.endswith("11"))
        short = (
            phonenumbers.is_emergency_number(digits, region)
            or phonenumbers.is_valid_number(number)
            or (service and shortnumberinfo.is_valid_short_number_for_region(number, region))
        )
        return Address("short", text) if short else None
    if not phonenumbers.is_valid_number(number):
        return None
    return Address("e164", text, phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
