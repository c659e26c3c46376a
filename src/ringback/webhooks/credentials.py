"""How an endpoint proves who it is to its receiver: credentials in the URL, a bearer token.

`https://user:pass@host/` is taken apart when an endpoint is made, so that no log and no view holds them. The rest of the URL stays
byte for byte as it was written: platforms sign it, receivers compare it. A bearer token is one of the endpoint's own headers.
"""

import re
from urllib.parse import quote, unquote

from ringback.errors import InvalidInput

_PARTS = re.compile(r"(?P<scheme>[^:/?#]*://)(?P<authority>[^/?#]*)(?P<rest>.*)", re.DOTALL)
MASK = "***"
"""What stands for a secret wherever an endpoint is shown."""
Headers = tuple[tuple[str, str], ...]


def split_credentials(url: str) -> tuple[str, str | None]:
    """The URL without credentials, and `user:pass` with its percent-encoding undone (RFC 3986 §3.2.1), None if it has none.

    Raises InvalidInput (field `url`) for credentials that no Basic header can carry (RFC 7617 §2: a colon in the user's name), and
    for a backslash before the path: browsers read it as a slash and would go to another host than we.
    """
    found = _PARTS.fullmatch(url)
    if found is None:
        return url, None
    authority = found["authority"]
    if "\\" in authority:
        raise InvalidInput("the URL has a backslash where its host stands", "url")
    userinfo, at, host = authority.rpartition("@")
    if not at:
        return url, None
    user, _, password = userinfo.partition(":")
    try:
        user, password = unquote(user, errors="strict"), unquote(password, errors="strict")
    except UnicodeDecodeError:
        raise InvalidInput("the URL's credentials are not UTF-8", "url") from None
    if ":" in user:
        raise InvalidInput("the URL's user name has a colon, which Basic authentication cannot carry", "url")
    return f"{found['scheme']}{host}{found['rest']}", f"{user}:{password}"


def joined_url(url: str, basic: str | None) -> str:
    """What `split_credentials` took apart, put together again: to be asked, and shown to nobody."""
    if basic is None:
        return url
    scheme, mark, rest = url.partition("://")
    user, _, password = basic.partition(":")
    return f"{scheme}{mark}{quote(user, safe='')}:{quote(password, safe='')}@{rest}"


def shown_url(url: str, basic: str | None) -> str:
    """A URL with its credentials put back, the password masked: as it may be shown."""
    if basic is None:
        return url
    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}{quote(basic.partition(':')[0], safe='')}:{MASK}@{rest}"


def with_password_kept(basic: str | None, before: str | None) -> str | None:
    """Credentials as they are meant by somebody who sends a URL as it is shown, its password masked: those that stood before.

    Raises InvalidInput (field `url`) if there were none of that user.
    """
    if basic is None or basic.partition(":")[2] != MASK:
        return basic
    if before is None or before.partition(":")[0] != basic.partition(":")[0]:
        raise InvalidInput("the URL's password is the mask that is shown for one: send the password itself", "url")
    return before


def is_bearer(name: str, value: str) -> bool:
    """Is a header a bearer token (RFC 6750 §2.1)?"""
    return name.lower() == "authorization" and value[:7].lower() == "bearer "


def has_bearer(headers: Headers) -> bool:
    """Is a bearer token among an endpoint's own headers?"""
    return any(is_bearer(name, value) for name, value in headers)


def with_bearer(headers: Headers, token: str | None) -> Headers:
    """An endpoint's own headers with this bearer token, or with none."""
    others = without_bearer(headers)
    return others if token is None else (*others, ("Authorization", f"Bearer {token}"))


def without_bearer(headers: Headers) -> Headers:
    """The headers that the account named itself."""
    return tuple((name, value) for name, value in headers if not is_bearer(name, value))
