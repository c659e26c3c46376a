"""The events route's connections on a real socket: kept while they are used, closed when they are idle."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn

from ringback.intake.door import Reply
from ringback.intake.hot import HotProtocol

REQUEST = b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
IDLE_S = 1


class OpenDoor:
    """Takes everything at once."""

    max_body_bytes = 1_000_000

    def take(self, authorization: bytes, content_type: str, body: bytes, reply: Callable[[Reply], None]) -> None:
        reply(Reply(202, body))


async def not_found(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def port() -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    protocol = type("Protocol", (HotProtocol,), {"door": OpenDoor()})
    config = uvicorn.Config(not_found, http=protocol, ws="none", lifespan="off", log_config=None, timeout_keep_alive=IDLE_S)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    yield int(listener.getsockname()[1])
    server.should_exit = True
    thread.join()


def exchange(sock: socket.socket, request: bytes) -> bytes:
    sock.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        chunk = sock.recv(65536)
        if not chunk:
            break
        answer += chunk
    return answer


@pytest.mark.parametrize("other", [REQUEST, b"GET /else HTTP/1.1\r\nHost: x\r\n\r\n"], ids=["events", "another route"])
def test_a_connection_in_use_is_kept_and_an_idle_one_is_closed(port: int, other: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        for number in range(4):
            assert exchange(sock, REQUEST if number % 2 else other).startswith(b"HTTP/1.1 ")
            assert not closed_within(sock, 0.6 * IDLE_S)
        used = time.monotonic()
        assert sock.recv(1) == b""
        assert time.monotonic() - used < 3 * IDLE_S


def closed_within(sock: socket.socket, seconds: float) -> bool:
    sock.settimeout(seconds)
    try:
        return sock.recv(1) == b""
    except TimeoutError:
        return False
    finally:
        sock.settimeout(10)
