"""A client of Bird's API, and a workspace of its own for each test."""

import json
import re
from dataclasses import dataclass, replace
from typing import Any

import pytest
from harness import Api, until

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
KEY = "mysecretkey"
NOBODY = "00000000-0000-4000-8000-000000000000"


@dataclass
class Bird:
    """A client of Bird's API for one workspace."""

    api: Api
    organization: str
    with_organization: bool = False

    @property
    def base(self) -> str:
        prefix = f"/bird/organizations/{self.organization}" if self.with_organization else "/bird"
        return f"{prefix}/workspaces/{self.api.account}/webhook-subscriptions"

    def raw(self, method: str, path: str, body: bytes | None = None, key: str | None = None) -> tuple[int, dict[str, str], bytes]:
        headers = {"Authorization": f"AccessKey {key or self.api.key}", "Accept": "application/json"}
        return Api(self.api.port, None).raw(method, path, body, headers)

    def ask(self, method: str, path: str = "", body: Any = None) -> tuple[int, dict[str, str], Any]:
        status, headers, answer = self.raw(method, self.base + path, None if body is None else json.dumps(body).encode())
        assert UUID.fullmatch(headers["messagebird-request-id"])
        return status, headers, json.loads(answer) if answer else None

    def get(self, path: str = "") -> Any:
        status, _, answer = self.ask("GET", path)
        assert status == 200, (path, status, answer)
        return answer

    def subscribe(self, url: str, *filters: tuple[str, str], event: str = "voice.inbound", **more: Any) -> dict[str, Any]:
        wishes = {"eventFilters": [{"key": key, "value": value} for key, value in filters]} if filters else {}
        status, _, made = self.ask("POST", "", {"service": "channels", "event": event, "url": url, **wishes, **more})
        assert status == 201, made
        return dict(made)

    def refusal(self, method: str, path: str = "", body: Any = None) -> tuple[int, str, dict[str, list[str]]]:
        status, _, answer = self.ask(method, path, body)
        assert set(answer) == {"code", "message", "details"}, answer
        return status, answer["message"], answer["details"]

    def log(self, subscription: str, count: int, query: str = "") -> list[dict[str, Any]]:
        """The log once it has so many entries, none of them on its way."""

        def done() -> Any:
            found = self.get(f"/{subscription}/logs{query}")["results"]
            return found if len(found) == count and all(one["executionStatus"] != "retrying" for one in found) else None

        return list(until(done))


@pytest.fixture
def bird(api: Api) -> Bird:
    """A workspace with its own key; the organization is read off a subscription, as a client would."""
    found = Bird(api, "")
    made = found.subscribe("https://example.com")
    assert found.ask("DELETE", f"/{made['id']}")[0] == 204
    return replace(found, organization=made["organizationId"])
