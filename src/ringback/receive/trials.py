"""A signature tried on a request as it is, and as it may have been: the doctor's search, one trial for each way of signing.

A trial has **dimensions**: what a signature is made from (key, timestamp, id, URL, body) and how it is written. The first option of
each is what was given; every other one undoes something and names the findings that it would be. `nearest` tries none, then one,
then two of them at once; parts of an URL may be off together, since one proxy changes several.
"""

import base64
import contextlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from itertools import combinations, product
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from ringback.dialects.shapes import decode_base64
from ringback.dialects.signing import HMAC_PREFIX, PRIVATE_PREFIX, PUBLIC_PREFIX, check_receiver_secret, is_v1a, standard_content
from ringback.errors import InvalidInput
from ringback.receive.findings import Finding, finding
from ringback.receive.variants import Variant, address, authorities, between, bodies, paths, queries, schemes

WINDOW_S: Final = 300
"""How far around its own value another timestamp is looked for."""
_WINDOW_BYTES: Final = 64 * 1024 * 1024
"""As much as may be hashed for that: a large body is tried with fewer timestamps."""
_MAC_BYTES: Final = 32


class Option(NamedTuple):
    """One value of a dimension, and what is found if the signature fits it; empty for what was given."""

    findings: tuple[Finding, ...]
    value: Any


Dimension = Sequence[Option]


class Trial(Protocol):
    """One secret tried on one request."""

    dimensions: Sequence[Dimension]
    together: frozenset[int]
    """Dimensions of which any number may be off at once."""
    timestamp: int
    """Which dimension is the timestamp."""
    signed_bytes: int
    """How many bytes one try hashes."""

    def fits(self, values: Sequence[Any]) -> bool:
        """Does a signature of the request hold for these values, one of each dimension?"""
        ...


def given(trial: Trial) -> list[Any]:
    """The request as it is."""
    return [options[0].value for options in trial.dimensions]


def nearest(trial: Trial) -> tuple[Finding, ...] | None:
    """What is to be undone so that the signature fits; empty: nothing, None: nothing helps."""
    values = given(trial)
    if trial.fits(values):
        return ()
    for places in _places(len(trial.dimensions), trial.together):
        for options in product(*(trial.dimensions[place][1:] for place in places)):
            tried = list(values)
            for place, option in zip(places, options, strict=True):
                tried[place] = option.value
            if trial.fits(tried):
                return tuple(found for option in options for found in option.findings)
    return None


def count(trial: Trial) -> int:
    """How many ways `nearest` tries."""
    sizes = [len(options) - 1 for options in trial.dimensions]
    total = 1
    for places in _places(len(sizes), trial.together):
        ways = 1
        for place in places:
            ways *= sizes[place]
        total += ways
    return total


def _places(dimensions: int, together: frozenset[int]) -> Iterator[tuple[int, ...]]:
    for many in (1, 2):
        yield from combinations(range(dimensions), many)
    for many in range(3, len(together) + 1):
        yield from combinations(sorted(together), many)


def other_second(trial: Trial, around: Iterable[int]) -> Finding | None:
    """The timestamp near one of `around` that the signature fits."""
    values = given(trial)
    reach = min(WINDOW_S, _WINDOW_BYTES // max(1, trial.signed_bytes) // 2)
    for middle in dict.fromkeys(around):
        for off in range(1, reach + 1):
            for second in (middle - off, middle + off, *((middle,) if off == 1 else ())):
                values[trial.timestamp] = str(second)
                if trial.fits(values):
                    return finding("timestamp-changed", f"{second}")
    return None


class BirdTrial:
    """Base64 of HMAC-SHA256 over timestamp, LF, URL, LF and the SHA-256 of the body; the key is text."""

    together = frozenset((3, 4, 5, 6))
    timestamp = 1
    signed_bytes = 200

    def __init__(self, key: str, headers: Mapping[str, str], url: str, subscribed: str, body: Dimension) -> None:
        """`headers` have names in lower case; `subscribed`: the URL that is signed, if it is known, else empty."""
        seen = address(url)
        self._url = url
        parts: list[Dimension] = [[_as_given(None)]] * 4
        if seen is not None:
            parts = [
                _options(seen.scheme, schemes(seen)),
                _options(seen.authority, authorities(seen, headers)),
                _options(seen.path, paths(seen, headers)),
                _options(seen.query, queries(seen)),
            ]
        self._tail = "" if seen is None else seen.tail
        known = [_as_given(None)]
        if subscribed and subscribed != url:
            known.append(Option(tuple(finding(one.code, one.how) for one in between(url, subscribed)), subscribed))
        self.dimensions: Sequence[Dimension] = [
            [_as_given(key.encode()), *_bird_keys(key)],
            _timestamps(headers["messagebird-request-timestamp"]),
            known,
            *parts,
            _digests(body),
            _bird_signatures(headers["messagebird-signature"]),
        ]

    def fits(self, values: Sequence[Any]) -> bool:
        """See Trial."""
        key, timestamp, known, scheme, authority, path, query, digest, macs = values
        url = known or self._url
        if known is None and scheme is not None:
            url = f"{scheme}://{authority}{path}{'' if query is None else f'?{query}'}{self._tail}"
        mac = hmac.digest(key, f"{timestamp}\n{url}\n".encode("utf-8", "replace") + digest, "sha256")
        return any(hmac.compare_digest(mac, one) for one in macs)


class StandardTrial:
    """Standard Webhooks' v1: base64 of HMAC-SHA256 over id, timestamp and body; the key is base64 after `whsec_`."""

    together: frozenset[int] = frozenset()
    timestamp = 2

    def __init__(self, secret: str, headers: Mapping[str, str], body: Dimension) -> None:
        """`headers` have names in lower case."""
        self.signed_bytes = len(body[0].value)
        self.dimensions: Sequence[Dimension] = [
            _standard_keys(secret),
            _ids(headers["webhook-id"], body[0].value),
            _timestamps(headers["webhook-timestamp"]),
            body,
            _standard_signatures(headers["webhook-signature"]),
        ]

    def fits(self, values: Sequence[Any]) -> bool:
        """See Trial."""
        key, message_id, timestamp, body, macs = values
        if key is None:
            return False
        mac = hmac.digest(key, standard_content(message_id, timestamp, body), "sha256")
        return any(hmac.compare_digest(mac, one) for one in macs)


class AsymmetricTrial:
    """Standard Webhooks' v1a: Ed25519 over the same."""

    together: frozenset[int] = frozenset()
    timestamp = 1

    def __init__(self, secret: str, headers: Mapping[str, str], body: Dimension) -> None:
        """`secret` is whole: `check_receiver_secret` has passed it."""
        self._secret = secret
        self.signed_bytes = 1_000_000  # a check of several Ed25519 signatures costs as much as hashing that
        texts = re.findall(r"v1a,[A-Za-z0-9+/=]+", headers["webhook-signature"])
        exact = [text for text in headers["webhook-signature"].split(" ") if text.startswith("v1a,")]
        self.dimensions: Sequence[Dimension] = [
            _ids(headers["webhook-id"], body[0].value),
            _timestamps(headers["webhook-timestamp"]),
            body,
            [_as_given(exact), Option((finding("signatures-joined"),), texts)],
        ]

    def fits(self, values: Sequence[Any]) -> bool:
        """See Trial."""
        message_id, timestamp, body, texts = values
        content = standard_content(message_id, timestamp, body)
        return any(is_v1a(self._secret, content, text) for text in texts)


def body_options(body: bytes) -> list[Option]:
    """The body as it is and as it may have been, for every trial of a request."""
    return _options(body, bodies(body))


def is_asymmetric(secret: str) -> bool:
    """An Ed25519 key, and not an HMAC secret?"""
    return secret.startswith((PRIVATE_PREFIX, PUBLIC_PREFIX))


def unreadable(secret: str) -> str:
    """Why a Standard Webhooks secret cannot be read, without the secret; empty if it can."""
    try:
        check_receiver_secret(secret)
    except InvalidInput as error:
        return f"it {error}"
    return ""


# What a dimension's options are
def _as_given(value: Any) -> Option:
    return Option((), value)


def _options(value: Any, variants: Iterable[Variant[Any]]) -> list[Option]:
    return [_as_given(value), *(Option((finding(one.code, one.how),), one.value) for one in variants)]


def _other(code: str, how: str, values: Iterable[Any], base: Any) -> Iterator[Option]:
    """One option for each value that is there and is not the given one."""
    return (Option((finding(code, how),), value) for value in values if value and value != base)


def _unquoted(secret: str) -> str:
    return secret.strip().strip("'\"").strip()


def _bird_keys(key: str) -> Iterator[Option]:
    base = key.encode()
    yield from _other("key-blank", "", [_unquoted(key).encode()], base)
    yield from _other("key-decoded", "base64", [decode_base64(_unquoted(key).removeprefix(HMAC_PREFIX))], base)
    yield from _other("key-decoded", "hexadecimal", [_from_hex(key)], base)


def _standard_keys(secret: str) -> list[Option]:
    base = decode_base64(secret.removeprefix(HMAC_PREFIX))
    bare = _unquoted(secret)
    text = bare.removeprefix(HMAC_PREFIX)
    return [
        _as_given(base or None),
        *_other("key-blank", "", [decode_base64(text)], base),
        *_other("key-not-decoded", "", [text.encode(), bare.encode()], base),
    ]


def _timestamps(text: str) -> list[Option]:
    """The header's text, and what it may have been made from."""
    bare = text.strip()
    made = {
        "the same without the blanks around it": bare,
        "the same in seconds": bare[:-3] if bare.isdigit() and len(bare) == len("1795176000000") else "",
        "the same in whole seconds": bare.partition(".")[0],
        "the same in Unix seconds": _unix(bare),
    }
    return [_as_given(text), *(option for how, one in made.items() for option in _other("timestamp-changed", how, [one], text))]


def _unix(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return "" if at.tzinfo is None else str(int(at.timestamp()))


def _ids(text: str, body: bytes) -> list[Option]:
    """The header's text, and what it may have been: Ringback's own is the number of the event that the body names."""
    named = ""
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        named = str(msgspec.json.decode(body)["data"]["event"]["id"])
    own = f"msg_{named.removeprefix('evt_')}" if named.startswith("evt_") else ""
    return [
        _as_given(text),
        *_other("id-changed", "the same without the blanks around it", [text.strip()], text),
        *_other("id-changed", "the one of the event in the body", [own], text),
    ]


def _digests(body: Dimension) -> list[Option]:
    as_text = sha256(body[0].value).hexdigest().encode()
    return [*(one._replace(value=sha256(one.value).digest()) for one in body), Option((finding("digest-hex"),), as_text)]


def _bird_signatures(text: str) -> list[Option]:
    return [_as_given(_exact([text])), Option((finding("signature-form", "plain base64"),), _lenient([text]))]


def _standard_signatures(header: str) -> list[Option]:
    exact = _exact(text.removeprefix("v1,") for text in header.split(" ") if text.startswith("v1,"))
    joined = _exact(re.findall(r"v1,([A-Za-z0-9+/=]+)", header))
    written = _lenient(text.removeprefix("v1,") for text in re.split(r"\s+|,\s+", header))
    return [
        _as_given(exact),
        Option((finding("signatures-joined"),), joined),
        Option((finding("signature-form", "v1, and then plain base64"),), written),
    ]


def _exact(texts: Iterable[str]) -> list[bytes]:
    """The signatures that are written as they are made: base64 with its padding, without spare bits."""

    decoded = [(text, decode_base64(text)) for text in texts]
    return [raw for text, raw in decoded if raw is not None and len(raw) == _MAC_BYTES and base64.b64encode(raw).decode() == text]


def _lenient(texts: Iterable[str]) -> list[bytes]:
    """The signatures, however they are written: hexadecimal, URL-safe base64, with a word and `=` before them."""
    found: list[bytes] = []
    for text in texts:
        bare = text.strip().strip("'\"")
        for candidate in (bare, bare.partition("=")[2], bare.partition(",")[2]):
            raws = (_from_hex(candidate), decode_base64(candidate.rstrip("=").replace("-", "+").replace("_", "/")))
            found += [raw for raw in raws if raw is not None and len(raw) == _MAC_BYTES]
    return found


def _from_hex(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None
