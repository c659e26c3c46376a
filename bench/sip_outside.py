"""What is outside in the figure `calls`: callers and callees with their sound, and the application, in one process on another core.

    python bench/sip_outside.py      prints its ports; then a line of JSON for each line of JSON that it reads

Plain SIP over UDP, as little as a call needs: nothing of the server's own is used to judge it. Each call is made from a number
of its own, so that its instruction request is told from the others.
"""

import asyncio
import json
import re
import socket
import statistics
import struct
import sys
import time
from typing import Any

HERE = "127.0.0.1"
SLOT_S = 0.02
RESEND_S = 0.5
SOUND = bytes((n * 37 + 11) % 256 for n in range(160))
_SDP = (
    "v=0\r\no=- 1 1 IN IP4 {here}\r\ns=-\r\nc=IN IP4 {here}\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)
_PORT = re.compile(rb"\r\nm=audio (\d+) ")
_FROM = re.compile(rb"From=%2B(\d+)")


class Call:
    """One of them, from either side."""

    def __init__(self, outside: "Outside", id: str, number: str) -> None:
        self.outside, self.id, self.number = outside, id, number
        self.sound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sound.bind((HERE, 0))
        self.sound.setblocking(False)
        self.to: tuple[str, int] | None = None
        self.begun = time.monotonic()
        self.answered = self.ended = 0.0
        self.refused = 0
        self.heard = self.sent = 0
        self.remote = ""
        self.callee = ""
        """The number that is called, by a call of ours."""
        self.bye_at = 0.0

    def turn(self) -> None:
        """A slot."""
        if self.to is None:
            return
        packet = struct.pack("!BBHII", 0x80, 0, self.sent & 0xFFFF, self.sent * 160, id(self) & 0xFFFFFFFF) + SOUND
        self.sound.sendto(packet, self.to)
        self.sent += 1
        for _ in range(4):
            try:
                self.sound.recv(2_048)
            except BlockingIOError:
                return
            self.heard += 1

    def connected(self, message: bytes) -> None:
        """It is answered, or we answer: their port is known."""
        found = _PORT.search(message)
        if found is not None and not self.answered:
            self.to, self.answered = (HERE, int(found[1])), time.monotonic()

    def over(self) -> None:
        """Its sound ends."""
        if not self.ended:
            self.ended = time.monotonic()
            self.to = None
            self.sound.close()


class Outside(asyncio.DatagramProtocol):
    """See the module."""

    def __init__(self) -> None:
        self.calls: dict[str, Call] = {}
        self.asked: dict[str, float] = {}
        self.documents: dict[str, str] = {}
        self.server: tuple[str, int] = (HERE, 0)
        self.port = 0
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    # SIP
    def request(self, method: str, call: Call, to: str, number: int, body: str = "") -> bytes:
        head = (
            f"{method} sip:{to}@{HERE}:{self.server[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {HERE}:{self.port};branch=z9hG4bK{call.id}{method if method != 'ACK' else 'INVITE'}{number}",
            f"From: <sip:+{call.number}@{HERE}>;tag=f{call.id}",
            f"To: <sip:{to}@{HERE}>{call.remote}",
            f"Call-ID: {call.id}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:bench@{HERE}:{self.port}>",
            "Max-Forwards: 70",
            *(("Content-Type: application/sdp",) if body else ()),
            f"Content-Length: {len(body)}",
        )
        return ("\r\n".join(head) + "\r\n\r\n" + body).encode()

    def send(self, data: bytes) -> None:
        self.transport.sendto(data, self.server)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        headers = dict(re.findall(rb"\r\n([A-Za-z-]+): *([^\r\n]*)", data.partition(b"\r\n\r\n")[0]))
        id, method = headers[b"Call-ID"].decode(), headers[b"CSeq"].split()[1]
        call = self.calls.get(id)
        if not data.startswith(b"SIP/2.0"):
            self._asked_for(data, headers, id, call, addr)
        elif call is not None and method == b"INVITE" and data[8:9] != b"1":
            call.remote = ";tag=" + headers[b"To"].decode().partition(";tag=")[2]
            self.send(self.request("ACK", call, call.callee, 1))
            if data[8:11] == b"200":
                call.connected(data)
            else:
                call.refused = int(data[8:11])
                call.over()
        elif call is not None and method == b"BYE":
            call.over()

    def _asked_for(self, data: bytes, headers: dict[bytes, bytes], id: str, call: Call | None, addr: tuple[str, int]) -> None:
        method = data.split(b" ", 1)[0]
        if method == b"INVITE" and call is None:
            call = self.calls[id] = Call(self, id, "callee")
            call.connected(data)
        body = b""
        if method == b"INVITE" and call is not None:
            body = _SDP.format(here=HERE, port=call.sound.getsockname()[1]).encode()
        if method == b"BYE" and call is not None:
            call.over()
        if method == b"ACK":
            return
        tag = b"" if b";tag=" in headers[b"To"] else b";tag=t" + id.encode()
        vias = b"\r\n".join(b"Via: " + via for via in re.findall(rb"\r\nVia: *([^\r\n]*)", data))
        answer = b"\r\n".join(
            (
                b"SIP/2.0 200 OK",
                vias,
                b"From: " + headers[b"From"],
                b"To: " + headers[b"To"] + tag,
                b"Call-ID: " + headers[b"Call-ID"],
                b"CSeq: " + headers[b"CSeq"],
                f"Contact: <sip:bench@{HERE}:{self.port}>".encode(),
                *((b"Content-Type: application/sdp",) if body else ()),
                f"Content-Length: {len(body)}".encode(),
            )
        )
        self.transport.sendto(answer + b"\r\n\r\n" + body, addr)

    # The application
    async def http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Keeps when each call was asked about."""
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                return
            at = time.monotonic()
            path = head.split(b" ", 2)[1].decode()
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            body = await reader.readexactly(int(length[1])) if length else b""
            found = _FROM.search(body)
            if found is not None:
                self.asked.setdefault(found[1].decode(), at)
            text = f"<Response>{self.documents.get(path, '')}</Response>".encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text))

    # Scenes
    async def scene(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """So many calls, so many a second, each for so long."""
        self.server, self.documents = (HERE, wanted["server"]), wanted["documents"]
        self.calls.clear()
        self.asked.clear()
        placed: list[Call] = []
        begun = time.monotonic()
        slot = placing = 0
        while True:
            now = time.monotonic()
            while placing < wanted["calls"] and now - begun >= placing / wanted["rate"]:
                placed.append(self._place(wanted, placing))
                placing += 1
            self._later(placed, wanted, now)
            for call in list(self.calls.values()):
                call.turn()
            if (placing == wanted["calls"] and all(call.ended for call in placed)) or now - begun > wanted["most_s"]:
                break
            slot += 1
            await asyncio.sleep(max(0.0, begun + slot * SLOT_S - time.monotonic()))
        return self._told(placed, begun)

    def _place(self, wanted: dict[str, Any], number: int) -> Call:
        call = Call(self, f"b{time.time_ns()}", f"1300555{number:05d}")
        call.callee = wanted["to"]
        self.calls[call.id] = call
        self._invite(call)
        return call

    def _invite(self, call: Call) -> None:
        body = _SDP.format(here=HERE, port=call.sound.getsockname()[1])
        self.send(self.request("INVITE", call, call.callee, 1, body))

    def _later(self, placed: list[Call], wanted: dict[str, Any], now: float) -> None:
        for call in placed:
            due = call.answered and not call.ended and now - call.answered > wanted["hold_s"]
            if due and now - call.bye_at > RESEND_S:
                call.bye_at = now
                self.send(self.request("BYE", call, call.callee, 2))

    def _told(self, placed: list[Call], begun: float) -> dict[str, Any]:
        asked = [self.asked[call.number] - call.begun for call in placed if call.number in self.asked]
        both = [call for call in self.calls.values() if call.answered]
        for call in self.calls.values():
            call.over()
        lasted = max((call.ended for call in placed), default=begun) - begun
        legs = [call.heard / max(1, call.sent) for call in both if call.sent > 50]
        return {
            "calls": len(placed),
            "failed": sum(not call.answered for call in placed),
            "per_s": round(len(placed) / lasted, 1),
            "asked_p50_ms": round(statistics.median(asked) * 1000, 2) if asked else 0.0,
            "asked_p99_ms": round(sorted(asked)[int(len(asked) * 0.99)] * 1000, 2) if asked else 0.0,
            "legs_heard": len([share for share in legs if share > 0.8]),
            "legs": len(both),
        }


async def main() -> None:
    """See the module."""
    loop = asyncio.get_running_loop()
    outside = Outside()
    await loop.create_datagram_endpoint(lambda: outside, local_addr=(HERE, 0))
    web = await asyncio.start_server(outside.http, HERE, 0)
    print(json.dumps({"sip": outside.port, "http": web.sockets[0].getsockname()[1]}), flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(await outside.scene(json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
