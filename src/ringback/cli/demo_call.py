"""The demo's live call: a phone of our own calls the demo's server over SIP, while an application of three documents answers it."""

import asyncio
import contextlib
import http.server
import io
import threading
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from ringback.calls.live import Answered, Happening, HungUp, Silence, Sound, Tones
from ringback.cli.phone import Phone
from ringback.demo.live import CALLER, DOCUMENTS, NUMBER, TONE_S, TONES, Seen, loud_s, message, tone_s
from ringback.errors import OurError
from ringback.ids import now_ms

_RING_S = 10.0
_MENU_S = 1.8
"""Until the menu was said; its end need not be waited for."""
_TONE_WAIT_S = 2.6
"""Until the beep is over, before which a message would be cut."""
_LEAST = 0.7
"""Of each tone of the message, the share that must be in the recording."""


class Heard(Struct, frozen=True):
    """What the phone saw, and for how many seconds it heard anything."""

    seen: Seen
    sound_s: float


@contextlib.contextmanager
def application() -> Iterator[str]:
    """The application, in a thread: its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            text = f"<Response>{DOCUMENTS.get(self.path, '')}</Response>".encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True, name="application")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def sip_port(log: Path) -> int:
    """Where the demo's server listens for SIP, from its log. Raises OurError."""
    for line in log.read_text(errors="replace").splitlines():
        if "sip.listening" in line:
            return int(line.partition("port=")[2].split()[0])
    raise OurError("the server does not listen for SIP")


def leave_message(port: int, say: Callable[[str], None]) -> Heard:
    """Makes the call. Raises OurError if it is not answered."""
    return asyncio.run(_call(port, say))


async def _call(port: int, say: Callable[[str], None]) -> Heard:
    moments: dict[type, int] = {}

    def happened(at_ms: int, told: Happening) -> None:
        moments.setdefault(type(told), at_ms)

    async with Phone(f"sip:{NUMBER.number}@127.0.0.1:{port}", CALLER, happened, {"message": message()}) as phone:
        begun_ms = now_ms()
        phone.dial(_RING_S)
        if not await phone.answered():
            raise OurError(f"the demo's call was not answered: {await phone.over()}")
        phone.record()
        say(f"a phone has called {NUMBER.number}, and keys 1 in its menu")
        await phone.stays(_MENU_S)
        await phone.play([Tones("1")])
        await phone.stays(_TONE_WAIT_S)
        say("it leaves a message after the tone, and ends it with #")
        await phone.play([Sound("message"), Silence(0.3), Tones("#")])
        if await phone.stays(_RING_S):
            raise OurError("the demo's application did not hang up")
        file = await phone.recording()
        heard = await asyncio.to_thread(_left, file.read_bytes()) if file is not None else []
    return Heard(Seen(begun_ms, moments[Answered], moments[HungUp]), loud_s(heard))


def faults(heard: Heard, recording: bytes) -> list[str]:
    """What is wrong with what was heard on either side, in words. `recording`: the message as the server kept it."""
    found = [] if heard.sound_s > 1.0 else [f"the phone heard {heard.sound_s:.1f} s of sound"]
    samples = _left(recording)
    for hz in TONES:
        kept_s = tone_s(samples, hz)
        if kept_s < _LEAST * TONE_S:
            found.append(f"of the message's tone of {hz} Hz {kept_s:.1f} s are in the recording")
    return found


def _left(wav: bytes) -> list[int]:
    with wave.open(io.BytesIO(wav)) as file:
        samples = memoryview(file.readframes(file.getnframes())).cast("h").tolist()
        return samples[:: file.getnchannels()]
