"""One connection to an Event Socket: log in, subscribe, ask, listen. The protocol's shell: no memory of calls."""

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec
from msgspec import Struct

from ringback.errors import BadSettings, SwitchError
from ringback.switch.freeswitch.frames import (
    API_RESPONSE,
    AUTH_REQUEST,
    COMMAND_REPLY,
    DISCONNECT_NOTICE,
    RUDE_REJECTION,
    Frame,
    FrameParser,
)

_READ_BYTES = 256 * 1024


class Connection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the Event Socket is, and how long to wait for it. `password` is FreeSWITCH's (`ClueCon` out of the box).

    `everything`: subscribe to all events, so that every jump in their numbers tells of a loss, instead of the classes that are
    read (a fifth of the traffic). `silence_s` without a byte (the switch's heartbeat comes every 20 s) is answered by a question,
    and `reply_timeout_s` without an answer ends the connection. A reconnection waits `first_wait_s`, then twice as long each
    time, up to `most_wait_s`. A doubt is settled by asking at most every `check_every_s`; a number may be late by `late_s`; what
    an answer shows is believed if it still shows `confirm_s` later. `most_waiting`: updates kept while they cannot be handed on;
    then reading stops.
    """

    host: str = "127.0.0.1"
    port: int = 8021
    password: str = "ClueCon"  # noqa: S105 - what FreeSWITCH itself ships with
    everything: bool = False
    connect_timeout_s: float = 5.0
    reply_timeout_s: float = 10.0
    silence_s: float = 30.0
    first_wait_s: float = 0.5
    most_wait_s: float = 30.0
    check_every_s: float = 15.0
    late_s: float = 1.0
    confirm_s: float = 2.0
    most_waiting: int = 10_000

    def __post_init__(self) -> None:
        if not self.password.isprintable() or not self.password:
            raise BadSettings("freeswitch_password: printable characters only, at least one")

    def __repr__(self) -> str:
        return f"Connection({self.host}:{self.port})"


class Link:
    """One logged-in connection. `listen` must run for questions to be answered."""

    def __init__(self, connection: Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connection = connection
        self._reader = reader
        self._writer = writer
        self._parser = FrameParser()
        self._frames: deque[Frame] = deque()
        self._asked: deque[asyncio.Future[Frame]] = deque()
        self._read_s = asyncio.get_running_loop().time()
        self._paused = False

    @classmethod
    async def open(cls, connection: Connection, classes: tuple[str, ...]) -> "Link":
        """Connects, logs in and subscribes. Raises SwitchError, OSError or TimeoutError."""
        async with asyncio.timeout(connection.connect_timeout_s):
            reader, writer = await asyncio.open_connection(connection.host, connection.port)
        link = cls(connection, reader, writer)
        try:
            async with asyncio.timeout(connection.reply_timeout_s):
                await link._await_kind(AUTH_REQUEST)
                await link._order(f"auth {connection.password}", "the switch refused the password")
                wanted = "ALL" if connection.everything else " ".join(classes)
                await link._order(f"event json {wanted}", "the switch refused the subscription")
        except BaseException:
            link.close()
            raise
        return link

    def close(self) -> None:
        """Ends the connection; questions under way fail."""
        self._writer.close()
        while self._asked:
            asked = self._asked.popleft()
            if not asked.done():
                asked.set_exception(SwitchError("the connection to the switch ended"))
                asked.exception()  # looked at, whoever still waits for it

    async def ask(self, command: str) -> bytes:
        """The body of an API command's answer. Raises SwitchError if the connection ends, or if nothing comes although we read."""
        asked: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._asked.append(asked)
        self._writer.write(f"api {command}\n\n".encode())
        asked_s = asyncio.get_running_loop().time()
        while not asked.done():
            await asyncio.wait({asked}, timeout=self._connection.reply_timeout_s)
            # The time in which we did not read is not the switch's.
            waited_s = asyncio.get_running_loop().time() - max(asked_s, self._read_s)
            if not asked.done() and not self._paused and waited_s >= self._connection.reply_timeout_s:
                raise SwitchError("the switch does not answer")
        return asked.result().body

    async def listen(self, on_event: Callable[[Frame], None], has_room: Callable[[], asyncio.Future[None] | None]) -> None:
        """Hands on events as they come, until the connection ends. `has_room`: what to wait for before more is read, if anything.

        Raises SwitchError (the switch ended it, said nonsense or fell silent) or OSError.
        """
        while True:
            while self._frames:
                self._take(self._frames.popleft(), on_event)
            room = has_room()
            if room is not None:
                self._paused = True
                await room
                self._paused, self._read_s = False, asyncio.get_running_loop().time()
                continue
            try:
                async with asyncio.timeout(self._connection.silence_s):
                    await self._read()
            except TimeoutError:
                await self._prove_alive()

    async def _prove_alive(self) -> None:
        """Asks for nothing in particular: any byte is life."""
        asked: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._asked.append(asked)
        self._writer.write(b"api uptime\n\n")
        try:
            async with asyncio.timeout(self._connection.reply_timeout_s):
                await self._read()
        except TimeoutError:
            raise SwitchError("the switch fell silent") from None

    def _take(self, frame: Frame, on_event: Callable[[Frame], None]) -> None:
        if frame.is_event:
            on_event(frame)
        elif frame.kind in (COMMAND_REPLY, API_RESPONSE):
            asked = self._asked.popleft() if self._asked else None
            if asked is not None and not asked.done():
                asked.set_result(frame)
        else:
            _refuse_end(frame)

    async def _read(self) -> None:
        data = await self._reader.read(_READ_BYTES)
        if not data:
            raise SwitchError("the switch closed the connection")
        self._frames.extend(self._parser.feed(data))

    async def _await_kind(self, *kinds: str) -> Frame:
        """The next frame of one of these kinds; events before the subscription's answer stay for later."""
        early: list[Frame] = []
        while True:
            while self._frames:
                frame = self._frames.popleft()
                if frame.kind in kinds:
                    self._frames.extendleft(reversed(early))
                    return frame
                _refuse_end(frame)
                early.append(frame)
            await self._read()

    async def _order(self, command: str, refused: str) -> None:
        self._writer.write(f"{command}\n\n".encode())
        await self._writer.drain()
        reply = await self._await_kind(COMMAND_REPLY)
        if not reply.reply.startswith("+OK"):
            raise SwitchError(refused)


def _refuse_end(frame: Frame) -> None:
    if frame.kind == RUDE_REJECTION:
        raise SwitchError("the switch does not let this address in (its access list)")
    if frame.kind == DISCONNECT_NOTICE:
        raise SwitchError("the switch closed the connection")


def read_address(text: str) -> tuple[str, int]:
    """`host:port` or `host` (port 8021). Raises BadSettings."""
    host, colon, port = text.rpartition(":")
    if not colon:
        return text, 8021
    try:
        return host, msgspec.convert(port, int, strict=False)
    except msgspec.ValidationError:
        raise BadSettings("freeswitch: expected host:port") from None
