"""Where a number is, as far as its digits tell: for the dialects that send it, when nobody gave it.

The names come from `phonenumbers`' tables. They cost 100 MB of memory and a third of a second when the first number is looked up,
up to some milliseconds at the first number of a country, and 50 µs for each number afterwards; so nothing is loaded before it is
needed, and answers are cached. A postal code cannot be told from a number: it is sent only if it was given.
"""

from functools import lru_cache
from typing import Final

from ringback.calls.model import Geo
from ringback.calls.numbers import classify

_NOWHERE: Final = Geo()


def _table(text: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in text.split(","))


_REGIONS: Final = {
    "US": _table(
        "Alabama=AL,Alaska=AK,Arizona=AZ,Arkansas=AR,California=CA,Colorado=CO,Connecticut=CT,Delaware=DE,Florida=FL,Georgia=GA,"
        "Hawaii=HI,Idaho=ID,Illinois=IL,Indiana=IN,Iowa=IA,Kansas=KS,Kentucky=KY,Louisiana=LA,Maine=ME,Maryland=MD,"
        "Massachusetts=MA,Michigan=MI,Minnesota=MN,Mississippi=MS,Missouri=MO,Montana=MT,Nebraska=NE,Nevada=NV,"
        "New Hampshire=NH,New Jersey=NJ,New Mexico=NM,New York=NY,North Carolina=NC,North Dakota=ND,Ohio=OH,Oklahoma=OK,"
        "Oregon=OR,Pennsylvania=PA,Rhode Island=RI,South Carolina=SC,South Dakota=SD,Tennessee=TN,Texas=TX,Utah=UT,Vermont=VT,"
        "Virginia=VA,Washington State=WA,Washington D.C.=DC,West Virginia=WV,Wisconsin=WI,Wyoming=WY"
    ),
    "CA": _table(
        "Alberta=AB,British Columbia=BC,Manitoba=MB,New Brunswick=NB,Newfoundland and Labrador=NL,Ontario=ON,Quebec=QC,"
        "Saskatchewan=SK"
    ),
    "AU": _table(
        "New South Wales=NSW,Victoria=VIC,Queensland=QLD,South Australia=SA,Western Australia=WA,Tasmania=TAS,"
        "Northern Territory=NT,Australian Capital Territory=ACT"
    ),
}
"""Countries whose tables name a region where they know no place; by the code that they write after a place (`Omaha, NE`)."""

_SEPARATOR: Final = {"US": ", ", "CA": ", ", "MX": ", ", "CN": ", ", "IN": ", ", "JP": ", ", "AR": ", ", "BR": " - "}
"""Between place and region, in the countries whose tables name both. Elsewhere a comma joins two places."""


@lru_cache(maxsize=20_000)
def locate(e164: str) -> Geo:
    """Country, region and city of an E.164 number (with +), each where the tables know it. Never raises."""
    import phonenumbers
    from phonenumbers import geocoder

    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return _NOWHERE
    country = phonenumbers.region_code_for_number(number)
    if country is None or not country.isalpha():  # 001: a number of no country
        return _NOWHERE
    name = geocoder.description_for_number(number, "en")
    if not name or name == geocoder.country_name_for_number(number, "en"):
        return Geo(country=country)
    regions = _REGIONS.get(country, {})
    if name in regions:
        return Geo(country=country, region=regions[name])
    separator = _SEPARATOR.get(country)
    if separator is not None and separator in name:
        city, _, region = name.rpartition(separator)
        return Geo(country=country, region=region, city=city)
    return Geo(country=country, city=name)


def geo_for(call_geo: Geo | None, address: str) -> Geo:
    """What is sent of an address' geography: field by field what was given, else what the number tells. A number that is not E.164,
    an extension or an anonymous caller is nowhere. Nothing is looked up when all is given."""
    given = call_geo or _NOWHERE
    if given.country is not None and given.region is not None and given.city is not None:
        return given
    e164 = classify(address, None).e164
    if e164 is None:
        return given
    found = locate(e164)
    return Geo(
        country=given.country if given.country is not None else found.country,
        region=given.region if given.region is not None else found.region,
        city=given.city if given.city is not None else found.city,
        postal_code=given.postal_code,
    )
