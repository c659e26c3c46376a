"""URLs in a document, relative to where it came from."""

from urllib.parse import urljoin


def absolute(base: str, url: str) -> str:
    """`url` relative to `base` (RFC 3986 §5.2). Without a base, or if the two cannot be joined, `url` as it is: whoever is to fetch
    it says what is wrong with it."""
    if not base:
        return url
    try:
        return urljoin(base, url)
    except ValueError:
        return url
