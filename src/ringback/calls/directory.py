"""What an account says of its numbers: names, sites, ids that a dialect sends. Not registered: defaults made from the account."""

import uuid
from functools import lru_cache
from typing import Literal

from msgspec import Struct

_NAMESPACE = uuid.UUID("6f3c1c5e-6f0e-5a53-9d1f-0c6c2b5d2a10")


class Property(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """A site or campaign that numbers belong to (Fone Dynamics). `id` is a UUID; `type` is `Site`."""

    id: str
    name: str
    type: str = "Site"


class Voice(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """Who says what to do with a call to a number. `url`: the application; the fallback URL is asked when that has no answer; at
    last the caller hears `say`, or is put through to `forward` (neither: an apology). URLs carry credentials and fragments."""

    url: str
    method: Literal["POST", "GET"] = "POST"
    fallback_url: str | None = None
    fallback_method: Literal["POST", "GET"] = "POST"
    say: str | None = None
    forward: str | None = None

    def __repr__(self) -> str:
        return "Voice(***)"


class Number(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """A number of an account. `number` is E.164 (with +), an extension or a SIP address; `channel_id` (Bird) is a UUID; `trunk_id`
    (Voxtelesys) is digits; `webhooks_enabled` is VOC's switch for inbound events; `voice` None: nobody is asked about its calls.
    `updated_at_ms` 0: not known."""

    number: str
    name: str
    pool: Literal["static", "dynamic"] = "static"
    property: Property
    channel_id: str
    trunk_id: str
    webhooks_enabled: bool = True
    voice: Voice | None = None
    registered: bool = True
    updated_at_ms: int = 0


class Place(Struct, frozen=True, kw_only=True, gc=False):
    """Where an event belongs, as the dialects need it: installation, account, the account's number in the call, and the country
    (ISO alpha-2) whose national numbers the account writes, if that is known."""

    organization_id: str
    account: str
    number: Number
    country: str | None = None


@lru_cache(maxsize=10_000)
def default_number(account: str, number: str) -> Number:
    """The number that is not registered: webhooks on, its own digits as its name, pool `static`, ids made from the account."""
    return Number(
        number=number,
        name=number.lstrip("+"),
        property=default_property(account),
        channel_id=str(uuid.uuid5(_NAMESPACE, f"{account}/channel")),
        trunk_id=str(90_000 + uuid.uuid5(_NAMESPACE, f"{account}/trunk").int % 9_910_000),
        registered=False,
    )


@lru_cache(maxsize=10_000)
def default_property(account: str) -> Property:
    """The property of numbers that name none."""
    return Property(id=str(uuid.uuid5(_NAMESPACE, f"{account}/property")), name="default")
