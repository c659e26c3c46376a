import base64
import hmac
from collections.abc import Mapping


def verify(secret: str, url: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Does the request know the credentials? Give the endpoint the URL
    https://user:password@…/hook, and `user:password` here as `secret`; `headers` by their names
    in lower case."""
    expected = "Basic " + base64.b64encode(secret.encode()).decode()
    return hmac.compare_digest(expected.encode(), headers.get("authorization", "").encode())
