"""An account with some sixty deliveries at an endpoint and some sixty of a number, of which three are both, the oldest; on a server
whose searches end early."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import Api, Receiver, Server, running_receiver, start_server, until

NUMBER = "+61288880001"
HERE, ELSEWHERE = "+611800111222", "+611800333444"
"""What the endpoint gets, and another one."""
CALLS, FITTING = 120, 3
PROGRAM = Path(__file__).with_name("hasty_server.py")


@contextmanager
def hasty(folder: Path) -> Iterator[tuple[Server, Api, str]]:
    """The server, the account, and its endpoint."""
    with running_receiver() as receiver:
        receiver.answer = lambda got: (200, {}, b"thanks")
        server = start_server(folder / "data", program=(str(PROGRAM),))
        try:
            api = server.account("Hasty")
            endpoint = _fill(api, receiver)
            yield server, api, endpoint
        finally:
            assert server.stop() == 0, server.log.read_text()


def _fill(api: Api, receiver: Receiver) -> str:
    made = [api.endpoint(f"{receiver.url}/{to}", filters=[{"key": "number", "value": to}])["id"] for to in (HERE, ELSEWHERE)]
    for place in range(CALLS):
        is_theirs = place < FITTING or place % 2
        caller, to = NUMBER if is_theirs else "+61288889999", HERE if place < FITTING or not place % 2 else ELSEWHERE
        call = {"id": f"h-{place}", "direction": "inbound", "from": caller, "to": to}
        kind = "call.ringing" if place < FITTING else "call.starting"
        api.send({"type": kind, "at": "2026-11-20T12:00:00Z", "call": call})
    until(lambda: not api.deliveries(state="waiting"), 30)
    return str(made[0])
