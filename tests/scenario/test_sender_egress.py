"""Egress: the operator's proxy and source address, and what goes out on the wire."""

import base64
import re
import socket
import ssl
import threading
from pathlib import Path

import pytest
import trustme
from awkward_receivers import OK, Handler, NameServer, Peer, Receiver, answers, receiving, silent
from sender_harness import LOOPS, Client, post, settings, with_names, with_sender

from ringback.dialects.contract import HttpRequest
from ringback.errors import BadSettings
from ringback.webhooks.model import ErrorClass

pytestmark = pytest.mark.parametrize("kind", LOOPS)
ANSWERING = answers(OK, close=False)


class Tunnels:
    """A CONNECT proxy as small as they come; remembers what it was asked."""

    def __init__(self, authorization: str | None = None) -> None:
        self.asked: list[str] = []
        self._authorization = authorization

    def __call__(self, peer: Peer) -> None:
        head = peer.request().decode()
        found = re.match(r"CONNECT (\S+):(\d+) HTTP/1\.1\r\nHost: \1:\2\r\n", head)
        assert found, head
        self.asked.append(f"{found[1]}:{found[2]}")
        if self._authorization is not None and f"Proxy-Authorization: {self._authorization}\r\n" not in head:
            peer.send(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        try:
            there = socket.create_connection((found[1].strip("[]"), int(found[2])), timeout=2)
        except OSError:
            peer.send(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        with there:
            peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=self._copy, args=(there, peer.sock))
            back.start()
            self._copy(peer.sock, there)
            back.join()

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_plain_http_is_tunnelled_to_the_vetted_address(kind: str) -> None:
    proxy = Tunnels()

    async def scenario(client: Client, names: NameServer) -> None:
        url = f"http://hooks.test:{receiver.port}/"
        first, second = await client.send(post(url)), await client.send(post(url))
        assert (first.error, first.status, first.address) == ("", 200, "127.0.0.1"), first
        assert second.reused
        assert proxy.asked == [f"127.0.0.1:{receiver.port}"], "an address, never a name"

    with receiving(ANSWERING) as receiver, receiving(proxy) as at:
        with_names(kind, {"hooks.test": ["127.0.0.1"]}, scenario, settings(proxy=f"http://127.0.0.1:{at.port}"))


def test_https_through_a_proxy_by_name_with_credentials(kind: str, tmp_path: Path) -> None:
    pair = base64.b64encode(b"me:p@ss").decode()
    proxy = Tunnels(f"Basic {pair}")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("hooks.test").configure_cert(context)

    async def scenario(client: Client, names: NameServer) -> None:
        outcome = await client.send(post(f"https://hooks.test:{receiver.port}/"))
        assert (outcome.error, outcome.status) == ("", 200), outcome
        assert outcome.connect_ms is not None
        assert outcome.tls_ms is not None
        assert outcome.connect_ms < outcome.tls_ms

    known = {"hooks.test": ["127.0.0.1"], "proxy.test": ["127.0.0.1"]}
    with receiving(ANSWERING, wrap=lambda sock: context.wrap_socket(sock, server_side=True)) as receiver, receiving(proxy) as at:
        egress = settings(proxy=f"http://me:p%40ss@proxy.test:{at.port}", ca_file=str(tmp_path / "ca.pem"))
        with_names(kind, known, scenario, egress)


def test_the_guard_stands_before_the_proxy(kind: str) -> None:
    proxy = Tunnels()

    async def scenario(client: Client, names: NameServer) -> None:
        assert (await client.send(post("http://private.test/"))).error == "blocked"
        assert (await client.send(post("http://10.0.0.1/"))).error == "blocked"
        assert proxy.asked == []

    with receiving(proxy) as at:
        with_names(kind, {"private.test": ["10.0.0.1"]}, scenario, settings(proxy=f"http://127.0.0.1:{at.port}"))


BAD_PROXIES: dict[str, tuple[Handler, ErrorClass]] = {
    "refuses our credentials": (Tunnels("Basic other"), "proxy"),
    "cannot reach the receiver": (answers(b"HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n"), "proxy"),
    "speaks nonsense": (answers(b"hello\r\n\r\n"), "proxy"),
    "sends more than its answer": (answers(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "proxy"),
    "sends a head without end": (answers(b"HTTP/1.1 200 OK\r\n" + b"X-Filler: x\r\n" * 5_000), "proxy"),
    "closes": (answers(b""), "proxy"),
    "is silent": (silent, "connect_timeout"),
}


@pytest.mark.parametrize("name", BAD_PROXIES)
def test_a_proxy_that_fails_is_classed_and_its_credentials_are_not_told(kind: str, name: str) -> None:
    handler, error = BAD_PROXIES[name]

    async def scenario(client: Client) -> None:
        outcome = await client.send(post(receiver.url()))
        assert (outcome.error, outcome.status) == (error, None), outcome
        assert "hunter2" not in outcome.detail
        assert receiver.connections == 0

    with receiving(ANSWERING) as receiver, receiving(handler) as at:
        with_sender(kind, scenario, settings(proxy=f"http://me:hunter2@127.0.0.1:{at.port}", connect_timeout_s=0.4))


def test_a_proxy_that_is_not_there(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]

    async def scenario(client: Client) -> None:
        assert (await client.send(post("http://127.0.0.1:9/"))).error == "proxy"

    with_sender(kind, scenario, settings(proxy=f"http://127.0.0.1:{port}"))


def test_requests_come_from_the_source_address(kind: str) -> None:
    async def scenario(client: Client) -> None:
        assert (await client.send(post(receiver.url()))).status == 200
        assert [host for host, _ in receiver.peers] == ["127.0.0.77"]
        outcome = await client.send(post("http://[::1]:9/"))
        assert outcome.error == "connect"
        assert "other family" in outcome.detail

    with receiving(ANSWERING) as receiver:
        with_sender(kind, scenario, settings(source_address="127.0.0.77"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"proxy": "https://127.0.0.1:3128"},
        {"proxy": "http://me:hunter2@127.0.0.1"},
        {"proxy": "http://127.0.0.1:99999"},
        {"source_address": "eth0"},
        {"user_agent": "two\r\nlines"},
    ],
    ids=str,
)
def test_settings_that_do_not_hold_together_are_refused_at_once(kind: str, wrong: dict[str, str]) -> None:
    async def scenario(_: Client) -> None:
        raise AssertionError("never reached")

    with pytest.raises(BadSettings) as refused:
        with_sender(kind, scenario, settings(**wrong))
    assert "hunter2" not in str(refused.value)


# What goes out on the wire


def heard(receiver_requests: list[bytes]) -> Handler:
    def handler(peer: Peer) -> None:
        while request := peer.request():
            receiver_requests.append(request)
            peer.send(OK)

    return handler


def test_the_bytes_of_a_request(kind: str) -> None:
    requests: list[bytes] = []
    own = (("X-Api-Key", "secret-1"), ("X-Region", "Zürich"))

    async def scenario(client: Client) -> None:
        request = HttpRequest("POST", receiver.url("/a%2Fb/ü?from=+1&to=%2B2#frag"), (("webhook-id", "msg_1"),), b'{"a":1}')
        await client.send(request, basic="user:pä:ss", headers=own)
        await client.send(HttpRequest("GET", f"http://127.0.0.1:{receiver.port}?x=1", ()))
        await client.send(HttpRequest("POST", receiver.url("/voc?x=1"), ()))
        pair = base64.b64encode("user:pä:ss".encode()).decode()
        port = receiver.port
        assert requests == [
            f"POST /a%2Fb/%C3%BC?from=+1&to=%2B2 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: Ringback/test\r\n"
            f"X-Api-Key: secret-1\r\nX-Region: Zürich\r\nAuthorization: Basic {pair}\r\n"
            'webhook-id: msg_1\r\nContent-Length: 7\r\n\r\n{"a":1}'.encode(),
            f"GET /?x=1 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: Ringback/test\r\n\r\n".encode(),
            f"POST /voc?x=1 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: Ringback/test\r\nContent-Length: 0\r\n\r\n".encode(),
        ]
        assert client.sender.sent_headers(request, "user:pä:ss", own) == (
            ("Host", f"127.0.0.1:{port}"),
            ("User-Agent", "Ringback/test"),
            ("X-Api-Key", "***"),
            ("X-Region", "***"),
            ("Authorization", "Basic ***"),
            ("webhook-id", "msg_1"),
            ("Content-Length", "7"),
        )

    with receiving(heard(requests)) as receiver:
        with_sender(kind, scenario, settings(user_agent="Ringback/test"))


def test_changed_headers_and_credentials_take_effect_at_once(kind: str) -> None:
    requests: list[bytes] = []

    async def scenario(client: Client) -> None:
        for word in ("one", "two"):
            outcome = await client.send(post(receiver.url()), headers=(("X-Word", word),), basic=f"{word}:x")
            assert outcome.status == 200
            assert f"X-Word: {word}\r\n".encode() in requests[-1]
            assert base64.b64encode(f"{word}:x".encode()) in requests[-1]

    with receiving(heard(requests)) as receiver:
        with_sender(kind, scenario)


def refused(receiver: Receiver) -> tuple[tuple[HttpRequest, dict[str, object], ErrorClass], ...]:
    good = receiver.url()
    return (
        (post(good, b"x" * 262_145), {}, "request"),
        (post(good, b"", ("X-Name", "a\r\nX-Evil: 1")), {}, "request"),
        (post(good, b"", ("X-Name", "a\nb")), {}, "request"),
        (post(good, b"", ("X-Na\r\nme", "a")), {}, "request"),
        (post(good, b"", ("X-Name", "\ud800")), {}, "request"),
        (post(good), {"headers": (("X-Name", "a\0b"),)}, "request"),
        (post(good), {"headers": (("X Name", "a"),)}, "request"),
        (post(good), {"headers": (("X-Name:", "a"),)}, "request"),
        (post(good), {"headers": (("Content-Length", "5"),)}, "request"),
        (post(good), {"headers": (("host", "other"),)}, "request"),
        (post(good), {"headers": (("Authorization", "x"),), "basic": "a:b"}, "request"),
        (post(good + " x"), {}, "request"),
        (post(good + "\r\nX-Evil: 1"), {}, "request"),
        (post(good, method="post"), {}, "request"),
        (post(good, method="POST /x HTTP/1.1\r\n"), {}, "request"),
        (post("ftp://127.0.0.1/"), {}, "request"),
        (post("http:///path"), {}, "request"),
        (post("http://127.0.0.1:0/"), {}, "request"),
        (post("http://user:pass@127.0.0.1/"), {}, "request"),
        (post(5), {}, "request"),  # type: ignore[arg-type]
        (post("http://0xa.1.300/"), {}, "blocked"),
        (post("http://167772161/"), {}, "blocked"),
        (post("http://[fe80::1]/"), {}, "blocked"),
        (post("http://169.254.169.254/latest/meta-data"), {}, "blocked"),
    )


def test_what_cannot_or_may_not_go_out_ends_without_a_connection(kind: str) -> None:
    async def scenario(client: Client) -> None:
        for request, how, error in refused(receiver):
            outcome = await client.send(request, **how)
            assert (outcome.error, outcome.status, outcome.address) == (error, None, None), (request.url, outcome)
            assert outcome.detail
        assert receiver.connections == 0
        assert client.sender.gauges() == {"connections": 0, "idle": 0, "routes": 0}

    with receiving(ANSWERING) as receiver:
        with_sender(kind, scenario)


def test_plain_http_and_loopback_are_refused_by_default(kind: str) -> None:
    async def scenario(client: Client) -> None:
        assert (await client.send(post(receiver.url()))).error == "blocked"
        assert (await client.send(post(receiver.url(scheme="https")))).error == "blocked"
        assert receiver.connections == 0

    with receiving(ANSWERING) as receiver:
        with_sender(kind, scenario, settings(allow_http=False, allow_networks=()))
