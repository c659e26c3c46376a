"""What the signature doctor can find: each finding's code, the part of the request that it is about, and what to do, in words.

Texts never hold a secret, a key or a signature, neither one that was given nor one that would have been right.
"""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

Part = Literal["headers", "key", "signature", "timestamp", "id", "url", "body", "parameters", ""]

_URL: Final = "The signature fits the URL {how}. Check with the URL that was subscribed, byte for byte: take it from your settings."
_BODY: Final = "The signature fits the body {how}. Check the bytes as they came in, before anything reads or changes them."

_OF_THE_URL: Final = (
    *("url-scheme", "url-port", "url-host", "url-path", "url-slash"),
    *("url-query", "url-query-order", "url-encoding", "url-fragment"),
)
_OF_THE_BODY: Final = (
    *("body-newline", "body-line-ends", "body-bom", "body-charset"),
    *("body-whitespace", "body-escapes", "body-slashes", "body-reencoded"),
)

TEXTS: Final[Mapping[str, tuple[Part, str]]] = {
    # It is to be believed
    "holds": ("", "The signature holds."),
    "older-secret": (
        "key",
        "The signature holds with an older secret, not the newest: the sender signed before the rotation, or by both.",
    ),
    "form": ("", "{how} does not sign; every parameter is as its tables say."),
    # Not of this platform, or not whole
    "not-known": ("headers", "It is not a webhook of a platform that is known here{how}."),
    "other-dialect": ("headers", "It is {how}, and not what it is checked as."),
    "missing-header": (
        "headers",
        "The request lacks {how}. Look whether a proxy or a framework dropped it or gave it another name.",
    ),
    "unsigned": (
        "headers",
        "The request lacks messagebird-signature: an endpoint without a signing key sends none, or a proxy dropped it.",
    ),
    "parameter": ("parameters", "{how}"),
    # Keys
    "no-secret": ("key", "No secret was given, so nothing was checked."),
    "key-form": ("key", "The secret cannot be read: {how}."),
    "key-decoded": (
        "key",
        "The signature fits the key decoded from {how}. Bird's key is used as the text that it is, whatever it looks like.",
    ),
    "key-not-decoded": ("key", "The signature fits the secret as text. What follows whsec_ is base64, and its bytes are the key."),
    "key-blank": ("key", "The signature fits the secret without the blanks or quotes around it."),
    "expired-secret": ("key", "The signature fits a secret whose time was over when the request came."),
    "wrong-key": (
        "key",
        "Nothing that proxies, frameworks and clocks are known to change explains it ({how} ways were tried), and the body is "
        "whole JSON: most likely it was signed with another secret.",
    ),
    # Signatures
    "signature-version": ("signature", "The request carries {how}: no signature of the version that the secret is for."),
    "signature-form": ("signature", "The signature is the right one, written otherwise: {how} is expected."),
    "signatures-joined": (
        "signature",
        "A signature fits once the header is taken apart at its commas. They are separated by one space.",
    ),
    # Time and id
    "timestamp-form": ("timestamp", "The timestamp is no whole number of seconds."),
    "timestamp-old": (
        "timestamp",
        "The signature holds, and its timestamp is {how} old: sent again by somebody, or a clock is wrong.",
    ),
    "timestamp-future": (
        "timestamp",
        "The signature holds, and its timestamp is {how} ahead: a clock is wrong, or it is not in seconds.",
    ),
    "timestamp-changed": (
        "timestamp",
        "The signature fits another timestamp, {how}. The header's text is what was signed: leave it as it is.",
    ),
    "id-changed": ("id", "The signature fits another webhook-id, {how}. The header's text is what was signed: leave it as it is."),
    # URL and body
    **dict.fromkeys(_OF_THE_URL, ("url", _URL)),
    **dict.fromkeys(_OF_THE_BODY, ("body", _BODY)),
    "digest-hex": (
        "body",
        "The signature fits the digest of the body as hexadecimal text. Bird signs the 32 bytes of the SHA-256 themselves.",
    ),
    "body-empty": (
        "body",
        "The body is empty, and such a webhook never is: something read it before. Keep its bytes and check those.",
    ),
    "body-length": ("body", "The body has {how}: these are not the bytes that came."),
    "body-order": (
        "body",
        "The body's fields are not in the order in which the sender writes them: it was parsed and written anew.",
    ),
    "body-damaged": ("body", "The body is not whole JSON: it was cut off or changed on the way."),
}


class Finding(Struct, frozen=True):
    """One thing that was found. `code` is for programs; `field`: the header or the parameter, where it is one."""

    code: str
    part: Part
    text: str
    field: str = ""


def finding(code: str, how: str = "", field: str = "") -> Finding:
    """The finding of that code; `how` completes its text."""
    part, text = TEXTS[code]
    return Finding(code, part, text.format(how=how), field)
