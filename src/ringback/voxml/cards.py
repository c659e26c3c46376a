"""What keyed digits are: Luhn's sum, card types, expiry, the ABA's sum, and how they are masked. Pure.

Digits come as ASCII bytes (a view of the buffer that holds them, so that nothing is copied) and are nothing but digits: whoever
keys anything else is not listened to. Nothing here raises, and nothing here makes a text of them except `masked`.

Card types, their first digits and their lengths: the table of TwiML's `<Pay>` (`validCardTypes`), which VoXML's follows, and the
brands' own ranges where it is coarse (Discover, Maestro). Shorter Diners Club numbers (14 digits) are taken for every range, as the
brand issues them. Which length ends an entry by itself, and enRoute without Luhn's sum (the brand never had it): ours.
"""

from msgspec import Struct

from ringback.voxml.document import CardType

Keys = bytes | bytearray | memoryview
"""ASCII digits."""

CARD_LEAST, CARD_MOST = 12, 19
EXPIRY_LENGTH = 4
ROUTING_LENGTH = 9
ACCOUNT_LEAST, ACCOUNT_MOST = 4, 17
"""Bank account numbers: 17 is what an ACH entry has room for; the least is ours."""
POSTAL_MOST = 10
"""A postal code ends by itself then, unless the document wants a longer one: ours."""
YEARS_AHEAD = 20
"""No card is good for longer: an expiry beyond it is a slip of the finger. Ours."""

_ZERO = ord("0")


class Brand(Struct, frozen=True):
    """A card type. `prefixes`: ranges of first digits, both ends in them and of the same length. `usual`: the length at which an
    entry whose sum is right ends by itself, None where several are common. `code`: digits of the security code."""

    type: CardType
    prefixes: tuple[tuple[int, int], ...]
    lengths: tuple[int, ...]
    usual: int | None
    code: int = 3
    luhn: bool = True


BRANDS: tuple[Brand, ...] = (
    Brand("visa", ((4, 4),), (13, 16, 19), 16),
    Brand("mastercard", ((51, 55), (2221, 2720)), (16,), 16),
    Brand("amex", ((34, 34), (37, 37)), (15,), 15, code=4),
    Brand("discover", ((6011, 6011), (644, 649), (65, 65), (622126, 622925)), (16, 17, 18, 19), 16),
    Brand("jcb", ((3528, 3589),), (16, 17, 18, 19), 16),
    Brand("diners-club", ((300, 305), (3095, 3095), (36, 36), (38, 39)), (14, 15, 16, 17, 18, 19), None),
    Brand("enroute", ((2014, 2014), (2149, 2149)), (15,), 15, luhn=False),
    Brand("maestro", ((50, 50), (56, 58), (6304, 6304), (6390, 6390), (67, 67)), tuple(range(12, 20)), None),
)
_BY_TYPE: dict[CardType, Brand] = {brand.type: brand for brand in BRANDS}


def luhn_holds(digits: Keys) -> bool:
    """Luhn's sum (ISO/IEC 7812-1, annex B): every second digit from the right doubled, the sum a multiple of ten."""
    total = 0
    for place, code in enumerate(reversed(digits)):
        digit = (code - _ZERO) << (place & 1)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0 and len(digits) > 0


def brand_of(digits: Keys) -> Brand | None:
    """The brand by its first digits, whole number or not yet; the longest range that fits. None: none of ours."""
    found: tuple[int, Brand] | None = None
    for brand in BRANDS:
        for low, high in brand.prefixes:
            length = len(str(low))
            if len(digits) >= length and low <= _number(digits, length) <= high and (found is None or length > found[0]):
                found = length, brand
    return None if found is None else found[1]


def card_type(digits: Keys) -> CardType | None:
    """The type of a card by its first digits."""
    brand = brand_of(digits)
    return None if brand is None else brand.type


def is_card_number(digits: Keys) -> bool:
    """Can this be a card's number, of whatever brand? A known brand's lengths and sum count, else Luhn's sum and 12 to 19 digits
    (ISO/IEC 7812-1)."""
    brand = brand_of(digits)
    if brand is None:
        return CARD_LEAST <= len(digits) <= CARD_MOST and luhn_holds(digits)
    return len(digits) in brand.lengths and (not brand.luhn or luhn_holds(digits))


def card_number_ends(digits: Keys) -> bool:
    """Is the number whole, so that nothing more need be keyed? At its brand's usual length if the sum is right there, at the
    longest in any case."""
    brand = brand_of(digits)
    if brand is None:
        return len(digits) >= CARD_MOST
    return len(digits) >= max(brand.lengths) or (len(digits) == brand.usual and luhn_holds(digits))


def security_code_length(of: CardType | None) -> int:
    """Four for American Express, three for all others."""
    return 3 if of is None else _BY_TYPE[of].code


def expiry_holds(digits: Keys, today: tuple[int, int]) -> bool:
    """Is MMYY a month, and not over yet? A card is good to the end of its month. `today`: year (four digits) and month."""
    if len(digits) != EXPIRY_LENGTH:
        return False
    month, year = _number(digits[:2], 2), 2000 + _number(digits[2:], 2)
    return 1 <= month <= 12 and today <= (year, month) <= (today[0] + YEARS_AHEAD, today[1])


def routing_number_holds(digits: Keys) -> bool:
    """Nine digits, a Federal Reserve district in front (00 to 12, 21 to 32, 61 to 72, 80), and the ABA's sum: weights 3, 7, 1, a
    multiple of ten. Nine zeros are nobody's."""
    if len(digits) != ROUTING_LENGTH:
        return False
    district = _number(digits, 2)
    total = sum((code - _ZERO) * (3, 7, 1)[place % 3] for place, code in enumerate(digits))
    known = district <= 12 or 21 <= district <= 32 or 61 <= district <= 72 or district == 80
    return known and total > 0 and total % 10 == 0


def masked(digits: Keys, keep: int, sign: str = "x") -> str:
    """The last `keep` digits, the others as signs: `xxxxxxxxxxxx1111`."""
    hidden = max(0, len(digits) - keep)
    return sign * hidden + str(digits[hidden:], "ascii")


def _number(digits: Keys, length: int) -> int:
    number = 0
    for code in digits[:length]:
        number = number * 10 + code - _ZERO
    return number
