"""sippy runs on an asyncio loop: its timers go by the loop that is running, and what it would print goes to the log.

sippy has an event loop of its own: one for a process, ticking 100 times a second, with three threads for a socket. Of that loop its
transactions and user agents use one function, `regTimer`, which is given here; so an engine can be started and stopped as often
as wanted, and two do not meet.
"""

import asyncio
import logging
import sys
from collections.abc import Callable
from typing import Any

import sippy.Core.EventDispatcher
import sippy.MsgBody
import sippy.SipMsg
import sippy.SipTransactionManager
import sippy.SipURL
import sippy.Time.Timeout
import sippy.UacStateRinging
import sippy.UacStateTrying
from sippy.Core.EventDispatcher import ED2
from sippy.Exceptions.SipHandlingError import SipHandlingError
from sippy.Exceptions.SipParseError import SipParseError
from sippy.SipConf import SipConf

log = logging.getLogger("ringback.sip")


class _Timer:
    """What `Timeout()` returns: once after `seconds`, or again and again (`ticks` -1)."""

    def __init__(self, work: Callable[..., None], seconds: float, ticks: int, parameters: tuple[Any, ...]) -> None:
        self._work, self._seconds, self._ticks, self._parameters = work, seconds, ticks, parameters
        self._handle: asyncio.TimerHandle | None = None

    def go(self) -> None:
        """Starts it."""
        self._handle = asyncio.get_running_loop().call_later(self._seconds, self._due)

    def cancel(self) -> None:
        """Of no effect when it was due."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._parameters = ()

    def _due(self) -> None:
        parameters = self._parameters
        if self._ticks == -1:
            self.go()
        else:
            self._handle = None
            self._parameters = ()
        try:
            self._work(*parameters)
        except Exception:  # of one transaction; the others go on
            log.exception("sip.timer_failed")


class _Dispatcher:
    """What sippy's Timeout asks of its dispatcher. `pace`: seconds that pass in one of RFC 3261's, 1 but in tests."""

    pace = 1.0

    def regTimer(  # noqa: N802 (sippy's name)
        self, work: Callable[..., None], seconds: float, ticks: int, absolute: bool, *parameters: object
    ) -> _Timer:
        assert not absolute, "no timer of ours has a date"
        return _Timer(work, seconds * self.pace, ticks, parameters)


DISPATCHER = _Dispatcher()


def _told(*words: object, **_: object) -> None:
    """Instead of print(): what it says may be a stranger's."""
    log.debug("sip.note %.200r", " ".join(map(str, words)))


def _failed(message: str, *_: object, **__: object) -> None:
    """Instead of sippy's dump of an exception with the message that led to it, which may hold a password's digest."""
    log.debug("sip.unreadable %.200r: %r", message, sys.exc_info()[1])


def _answer_to_the_unreadable(error: Any, req: Any = None) -> Any:
    """sippy asks for the 400 that it has made for a body that is cut, without the argument that it asks for."""
    return error.sip_response if error.sip_response is not None or req is None else SipHandlingError.getResponse(error, req)


def install() -> None:
    """Puts these into sippy's modules. Once or more."""
    # Its own loop holds a signal and memory of the thread that has imported it, and crashes at the process's end if that is gone.
    ED2.elp = None
    # Its own loop's clock is freed now: by the interpreter's end its library may be gone, and then it takes the process with it.
    vars(sippy.Core.EventDispatcher.ED2).pop("elp", None)
    sippy.Time.Timeout.ED2 = DISPATCHER
    sippy.SipTransactionManager.dump_exception = _failed
    SipParseError.getResponse = _answer_to_the_unreadable
    SipConf.autoconvert_tel_url = True  # carriers write tel: in From
    for module in (sippy.SipTransactionManager, sippy.SipMsg, sippy.SipURL, sippy.UacStateTrying, sippy.UacStateRinging):
        module.print = _told
