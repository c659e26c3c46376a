"""Credentials in a URL: `https://user:pass@host/` is taken apart when an endpoint is made, so that no log and no view holds them.

The rest of the URL stays byte for byte as it was written: platforms sign it, receivers compare it.
"""

import re
from urllib.parse import quote, unquote

from ringback.errors import InvalidInput

_PARTS = re.compile(r"(?P<scheme>[^:/?#]*://)(?P<authority>[^/?#]*)(?P<rest>.*)", re.DOTALL)
_MASK = "***"


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


def shown_url(url: str, basic: str | None) -> str:
    """A URL with its credentials put back, the password masked: as it may be shown."""
    if basic is None:
        return url
    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}{quote(basic.partition(':')[0], safe='')}:{_MASK}@{rest}"
