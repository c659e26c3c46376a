"""The API as a page asks it: the same routes, rules and words, in this process and without a socket.

A page shows what the API answers and does what the API does, as the identity of whoever looks. So whatever holds for keys holds for
people: what a viewer is not shown, which numbers are masked, what the audit log says; and every page has its twin in JSON.
"""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote, urlencode

import msgspec
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from ringback.api.common import WHO
from ringback.engine.book import Identity

_JSON: Final = (b"content-type", b"application/json")


class Refused(Exception):
    """The API said no. `field`: the JSON path of what is wrong, empty for the whole. `str()` is the API's own sentence."""

    def __init__(self, status: int, detail: str, field: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.field = field


class Api:
    """The API as one identity, about one account (None: the installation)."""

    def __init__(self, app: ASGIApp, identity: Identity, account: str | None, client: tuple[str, int] | None) -> None:
        self._app = app
        self._identity = identity
        self._account = account
        self._client = client

    async def get(self, path: str, **query: Any) -> Any:
        """What a route answers. `path` is percent-encoded; parameters that are None are left out. Raises Refused."""
        return await self._ask("GET", path, None, query)

    async def post(self, path: str, body: Any = None, **query: Any) -> Any:
        """The same by POST, with a body as JSON. Raises Refused."""
        return await self._ask("POST", path, body, query)

    async def patch(self, path: str, body: Any) -> Any:
        """The same by PATCH. Raises Refused."""
        return await self._ask("PATCH", path, body, {})

    async def delete(self, path: str) -> Any:
        """The same by DELETE. Raises Refused."""
        return await self._ask("DELETE", path, None, {})

    def forward(self, path: str, headers: Iterable[tuple[bytes, bytes]], **query: Any) -> ASGIApp:
        """An answer that is the API's own, byte by byte as it comes: a file, a table. `headers`: those of the request that matter
        to it (`Range`)."""

        async def answer(_: Scope, receive: Receive, send: Send) -> None:
            scope = self._scope("GET", path, urlencode(self._given(query), doseq=True), 0)
            scope["headers"] = list(headers)
            await self._app(scope, receive, send)

        return answer

    def _given(self, query: dict[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in query.items() if value is not None}
        return given if self._account is None else {**given, "account": self._account}

    async def _ask(self, method: str, path: str, body: Any, query: dict[str, Any]) -> Any:
        given = self._given(query)
        status, answer = await self._exchange(method, path, urlencode(given, doseq=True), b"" if body is None else _encode(body))
        told = msgspec.json.decode(answer) if answer else None
        if status >= 400:
            problem = told if isinstance(told, dict) else {}
            raise Refused(status, str(problem.get("detail") or problem.get("title") or "it did not work"), problem.get("field", ""))
        return told

    async def _exchange(self, method: str, path: str, query: str, body: bytes) -> tuple[int, bytes]:
        parts: list[bytes] = []
        status = 500
        told = False

        async def receive() -> Any:
            nonlocal told
            if told:
                return {"type": "http.disconnect"}
            told = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        await self._app(self._scope(method, path, query, len(body)), receive, send)
        return status, b"".join(parts)

    def _scope(self, method: str, path: str, query: str, length: int) -> Any:
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [_JSON, (b"content-length", str(length).encode())] if length else [],
            "client": self._client,
            "server": None,
            "state": {WHO: self._identity},
        }


_encode = msgspec.json.encode
