"""A page that is open is told which deliveries of its account have changed, and of nobody else's."""

import http.client
import json
from typing import Any

from harness import Api, Receiver, Server, start_server
from portal_harness import Visitor


class Feed:
    """An open stream of events."""

    def __init__(self, visitor: Visitor, account: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", visitor.server.port, timeout=20)
        cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        self._connection.request("GET", f"/portal/{account}/feed", headers={"Cookie": cookie, "Accept": "text/event-stream"})
        self.response = self._connection.getresponse()
        assert self.response.status == 200
        assert self.response.getheader("content-type", "").startswith("text/event-stream")

    def next(self) -> Any:
        while True:
            line = self.response.readline()
            assert line, "the stream ended"
            if line.startswith(b"data: "):
                return json.loads(line[6:])

    def close(self) -> None:
        self.response.close()
        self._connection.close()


def test_changes_are_told_to_those_whose_they_are(server: Server, receiver: Receiver, new_call: Any) -> None:
    mine, theirs = server.account(), server.account()
    mine.endpoint(receiver.url)
    theirs.endpoint(receiver.url)
    somebody = Visitor(server)
    somebody.use(mine.post(f"/v1/accounts/{mine.account}/portal-links", {})["url"])
    feed = Feed(somebody, mine.account)
    try:
        assert feed.response.readline() == b": here\n"
        theirs.send(new_call()("starting"))
        theirs.settled(1)
        mine.send(new_call()("starting"))
        (sent,) = mine.settled(1)
        states: list[str] = []
        while "succeeded" not in states:
            told = feed.next()
            assert told["more"] is False
            assert {change["delivery"] for change in told["changes"]} == {sent["id"]}
            assert {change["endpoint"] for change in told["changes"]} == {sent["endpoint_id"]}
            states += [change["state"] for change in told["changes"]]
    finally:
        feed.close()


def test_a_server_with_an_open_page_still_ends(tmp_path: Any) -> None:
    server = start_server(tmp_path / "data")
    api: Api = server.account()
    somebody = Visitor(server)
    somebody.use(api.post(f"/v1/accounts/{api.account}/portal-links", {})["url"])
    feed = Feed(somebody, api.account)
    assert server.stop() == 0
    feed.close()
