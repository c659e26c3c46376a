"""Digest authentication (RFC 7616, RFC 8760): both sides of it, with MD5 and SHA-256. Pure.

Header values are strangers': they are taken apart by one expression, and what cannot be understood is no challenge and no answer.
"""

import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Literal

from msgspec import Struct

NONCE_S = 60
"""Seconds that a nonce is good for; then the answer to it is stale, and a new one is asked for without a word of blame."""
_HASHES: dict[str, Callable[[bytes], Any]] = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}
ALGORITHMS = tuple(_HASHES)
"""Best first: of a far end's challenges, that is the order."""
_PARAMETER = re.compile(r"""([A-Za-z][\w-]*)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))""")
_MAX_TEXT = 4_000
_MAX_NONCES = 20_000


class Challenge(Struct, frozen=True):
    """What a far end asks (`WWW-Authenticate`, `Proxy-Authenticate`)."""

    realm: str
    nonce: str
    algorithm: str | None
    qop: bool
    opaque: str | None


class Credentials(Struct, frozen=True, kw_only=True):
    """What a phone answers (`Authorization`)."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str
    qop: str | None
    count: str
    cnonce: str

    def __repr__(self) -> str:
        return f"Credentials({self.username!r})"


def read_challenge(text: str) -> Challenge | None:
    """None for what we could not answer."""
    said = _parameters(text)
    algorithm = said.get("algorithm")
    qops = [word.strip().lower() for word in said["qop"].split(",")] if "qop" in said else None
    if "realm" not in said or "nonce" not in said or (qops is not None and "auth" not in qops):
        return None
    if (algorithm or "MD5").upper() not in _HASHES:
        return None
    return Challenge(said["realm"], said["nonce"], algorithm, qops is not None, said.get("opaque"))


def best(texts: Iterable[str]) -> Challenge | None:
    """The strongest of those that we can answer."""
    known = [challenge for text in texts if (challenge := read_challenge(text)) is not None]
    return min(known, key=lambda challenge: ALGORITHMS.index((challenge.algorithm or "MD5").upper()), default=None)


def answer(challenge: Challenge, user: str, password: str, method: str, uri: str, cnonce: str, times: int = 1) -> str:
    """The header that answers a challenge. `cnonce`: random, once. `times`: how often this challenge was answered, with this."""
    algorithm = (challenge.algorithm or "MD5").upper()
    qop, count = ("auth", f"{times:08x}") if challenge.qop else (None, "")
    response = _response(algorithm, user, challenge.realm, password, challenge.nonce, qop, count, cnonce, method, uri)
    parts = [f'username="{user}"', f'realm="{challenge.realm}"', f'nonce="{challenge.nonce}"', f'uri="{uri}"']
    parts.append(f'response="{response}"')
    if challenge.algorithm is not None:
        parts.append(f"algorithm={challenge.algorithm}")
    if qop is not None:
        parts += [f"qop={qop}", f"nc={count}", f'cnonce="{cnonce}"']
    if challenge.opaque is not None:
        parts.append(f'opaque="{challenge.opaque}"')
    return "Digest " + ", ".join(parts)


def challenges(realm: str, nonce: str, algorithms: Iterable[str], stale: bool) -> list[str]:
    """The headers that ask, one for each algorithm; a phone takes the first that it knows (RFC 8760 §2.4)."""
    tail = ", stale=true" if stale else ""
    return [f'Digest realm="{realm}", nonce="{nonce}", algorithm={name}, qop="auth"{tail}' for name in algorithms]


def read_credentials(text: str) -> Credentials | None:
    """None for what is no answer to a challenge of ours."""
    said = _parameters(text)
    algorithm = said.get("algorithm", "MD5").upper()
    qop = said.get("qop")
    needed = ("username", "realm", "nonce", "uri", "response", *(("nc", "cnonce") if qop is not None else ()))
    if any(name not in said for name in needed) or algorithm not in _HASHES or qop not in (None, "auth"):
        return None
    if qop is not None and not re.fullmatch(r"[0-9a-fA-F]{8}", said["nc"]):
        return None
    return Credentials(
        username=said["username"],
        realm=said["realm"],
        nonce=said["nonce"],
        uri=said["uri"],
        response=said["response"].lower(),
        algorithm=algorithm,
        qop=qop,
        count=said.get("nc", ""),
        cnonce=said.get("cnonce", ""),
    )


def fits(credentials: Credentials, password: str, method: str) -> bool:
    """True if the one who answered knows the password. Takes the same time either way."""
    c = credentials
    right = _response(c.algorithm, c.username, c.realm, password, c.nonce, c.qop, c.count, c.cnonce, method, c.uri)
    return hmac.compare_digest(right.encode(), c.response.encode())


class Nonces:
    """Makes nonces and knows its own again: a time and an address, signed, so that asking costs no memory. Each answer is good
    once."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._used: OrderedDict[str, int] = OrderedDict()

    def make(self, address: str, now: float) -> str:
        """A nonce for somebody at an address. `now`: seconds of any clock."""
        stamp = f"{int(now * 1000):x}.{secrets.token_hex(4)}"
        return f"{stamp}-{self._seal(stamp, address)}"

    def judge(self, credentials: Credentials, address: str, now: float) -> Literal["good", "stale", "bad"]:
        """`stale`: ours, but old or used. `bad`: not ours."""
        stamp, _, seal = credentials.nonce.partition("-")
        made = re.fullmatch(r"([0-9a-f]{1,16})\.[0-9a-f]{8}", stamp)
        if made is None or not hmac.compare_digest(seal.encode(), self._seal(stamp, address).encode()):
            return "bad"
        if not 0 <= now - int(made[1], 16) / 1000 <= NONCE_S:
            return "stale"
        return "good" if self._first(credentials) else "stale"

    def _first(self, credentials: Credentials) -> bool:
        count = int(credentials.count or "1", 16)
        if count <= self._used.get(credentials.nonce, 0):
            return False
        self._used[credentials.nonce] = count
        if len(self._used) > _MAX_NONCES:
            self._used.popitem(last=False)
        return True

    def _seal(self, stamp: str, address: str) -> str:
        return hmac.new(self._secret, f"{stamp} {address}".encode(), "sha256").hexdigest()[:32]


def _parameters(text: str) -> dict[str, str]:
    scheme, _, rest = text.strip().partition(" ")
    if scheme.lower() != "digest" or len(text) > _MAX_TEXT:
        return {}
    found = ((name.lower(), re.sub(r"\\(.)", r"\1", quoted) or bare) for name, quoted, bare in _PARAMETER.findall(rest))
    said: dict[str, str] = {}
    for name, value in found:
        said.setdefault(name, value)
    return said


def _response(
    algorithm: str,
    user: str,
    realm: str,
    password: str,
    nonce: str,
    qop: str | None,
    count: str,
    cnonce: str,
    method: str,
    uri: str,
) -> str:
    def hashed(text: str) -> str:
        return str(_HASHES[algorithm](text.encode("utf-8", "replace")).hexdigest())

    secret, asked = hashed(f"{user}:{realm}:{password}"), hashed(f"{method}:{uri}")
    if qop is None:
        return hashed(f"{secret}:{nonce}:{asked}")
    return hashed(f"{secret}:{nonce}:{count}:{cnonce}:{qop}:{asked}")
