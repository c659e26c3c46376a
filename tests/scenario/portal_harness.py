"""A visitor of the pages without a browser: cookies, forms with their tokens, and what came back."""

import http.client
import re
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from harness import Server


@dataclass
class Came:
    """An answer. `headers` by their names in lower case; of `set-cookie` all."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    text: str

    @property
    def token(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.text)
        assert found, self.text
        return found[1]


@dataclass
class Visitor:
    """Somebody with a browser that keeps cookies and follows nothing by itself."""

    server: Server
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, url: str, fields: dict[str, str] | None = None, **headers: str) -> Came:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            given["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if fields is not None:
            given["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request(method, path, None if fields is None else urlencode(fields), {**self.headers, **given})
            response = connection.getresponse()
            cookies = response.headers.get_all("set-cookie") or []
            for cookie in cookies:
                name, _, value = cookie.partition(";")[0].partition("=")
                self.cookies[name] = value.strip('"')
            found = {name.lower(): value for name, value in response.getheaders()}
            return Came(response.status, found, cookies, response.read().decode())
        finally:
            connection.close()

    def get(self, url: str, expected: int = 200) -> Came:
        came = self.ask("GET", url)
        assert came.status == expected, (url, came.status, came.headers.get("location"), came.text[-600:])
        return came

    def post(self, url: str, token: str, expected: int = 303, **fields: str) -> Came:
        came = self.ask("POST", url, {"csrf": token, **fields})
        assert came.status == expected, (url, came.status, came.text[-600:])
        return came

    def come_in(self, key: str, expected: int = 303, wanted: str = "") -> Came:
        return self.post("/portal/in", self.get("/portal/in").token, expected, key=key, next=wanted)

    def use(self, link: str, expected: int = 303) -> Came:
        return self.post(link, self.get(link).token, expected)
