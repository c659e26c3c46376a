import base64
import hashlib
import hmac
import time
from collections.abc import Mapping

TOLERANCE_S = 9 * 3600  # retries go on for eight hours, with the first attempt's signature


def verify(secret: str, url: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Is the request Ringback's? `secret` is the signing key as it was given; `url` the
    subscribed one, byte for byte; `headers` by their names in lower case; `body`: the bytes as
    they came, before anything parses them."""
    timestamp = headers.get("messagebird-request-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        return False
    if abs(time.time() - int(timestamp)) > TOLERANCE_S:
        return False
    content = f"{timestamp}\n{url}\n".encode() + hashlib.sha256(body).digest()
    expected = base64.b64encode(hmac.digest(secret.encode(), content, hashlib.sha256))
    return hmac.compare_digest(expected, headers.get("messagebird-signature", "").encode())
