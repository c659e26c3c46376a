"""The asker against applications that answer, fail, stall and lie, on real sockets."""

import socket

from asking_harness import HANGUP, LOCAL, PAUSE, REJECT, Application, Desk, answer, question, with_asker
from awkward_receivers import Peer, receiving, silent, slow_head
from factory_instructions import BODY
from sender_harness import within

from ringback.live.asking import Reply
from ringback.live.attempts import PAUSE_S
from ringback.live.cookies import Jar
from ringback.voxml.document import Document


def nobody() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_bytes_of_a_post_and_of_a_get() -> None:
    app = Application(answer(HANGUP), answer(REJECT))
    with receiving(app) as at:
        host = f"127.0.0.1:{at.port}"

        async def scenario(desk: Desk) -> None:
            posted = await desk.ask(question(f"http://{host}/voice?t=8c1f#ct=2000"))
            assert (posted.document, posted.source, posted.url) == (HANGUP, "application", f"http://{host}/voice?t=8c1f")
            assert posted.failures == ()
            got = await desk.ask(question(f"http://{host}/voice?t=8c1f", "GET"))
            assert (got.document, got.url) == (REJECT, f"http://{host}/voice?t=8c1f")

        desk = with_asker(scenario)
    agent = desk.log.told[0].attempts[0].headers[1]
    assert agent[0] == "User-Agent"
    assert agent[1].startswith("Ringback/")
    head = f"Host: {host}\r\nUser-Agent: {agent[1]}\r\n"
    form = "Content-Type: application/x-www-form-urlencoded\r\n"
    posted_bytes = f"POST /voice?t=8c1f HTTP/1.1\r\n{head}{form}Content-Length: {len(BODY)}\r\n\r\n{BODY}"
    assert app.requests == [posted_bytes.encode(), f"GET /voice?t=8c1f&{BODY} HTTP/1.1\r\n{head}\r\n".encode()]
