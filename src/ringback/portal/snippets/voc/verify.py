import hmac
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit


def verify(secret: str, url: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Does the request know the secret? Give the endpoint the URL https://…/hook?token=<a long
    random text>, and that text here; `url` is the one that was asked for, with its query. Over
    https nobody between sees it; keep it out of your access log."""
    given = parse_qs(urlsplit(url).query).get("token", [""])
    return len(given) == 1 and hmac.compare_digest(given[0].encode(), secret.encode())
