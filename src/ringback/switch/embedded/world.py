"""What the legs of an embedded switch share."""

import logging
import secrets
import socket
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from ringback.switch.embedded.media import Media
from ringback.switch.embedded.repertoire import Repertoire
from ringback.switch.embedded.row import Row
from ringback.switch.embedded.settings import EmbeddedSettings
from ringback.switch.embedded.signalling import Signalling
from ringback.switch.port import Clock
from ringback.switch.speech.port import Recogniser

log = logging.getLogger("ringback.switch")


class World:
    """See the module. `media` is there from the switch's start on."""

    media: Media

    def __init__(
        self,
        *,
        clock: Clock,
        settings: EmbeddedSettings,
        signalling: Signalling,
        repertoire: Repertoire,
        recogniser: Recogniser | None,
        recordings: Path,
        account_of: Callable[[str], str],
    ) -> None:
        """`recordings`: a folder for files. `account_of`: whose a leg is."""
        self.clock: Final = clock
        self.settings: Final = settings
        self.signalling: Final = signalling
        self.repertoire: Final = repertoire
        self.recogniser: Final = recogniser
        self.recordings: Final = recordings
        self.account_of: Final = account_of
        self.row: Final = Row(clock)
        self._deaf_told = False

    def recording_path(self) -> Path:
        """A file that is not there yet. Its name tells nothing."""
        return self.recordings / f"{secrets.token_hex(16)}.wav"

    def note_deaf(self) -> None:
        """Somebody is to be understood, and nothing understands: said once."""
        if not self._deaf_told:
            self._deaf_told = True
            log.warning("switch.deaf: a document listens for speech, and there is no recogniser: nothing will be heard")

    def address_for(self, far: str) -> str:
        """Our address as a far end has to know it."""
        settings = self.settings
        if settings.public_address is not None:
            return settings.public_address
        if not ip_address(settings.host).is_unspecified:
            return settings.host
        return facing(far or "192.0.2.1")


def facing(far: str) -> str:
    """The address that packets to `far` leave by: asked of the system, nothing is sent."""
    family = socket.AF_INET6 if ":" in far else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((far, 9))
        except OSError:
            return "::1" if family == socket.AF_INET6 else "127.0.0.1"
        return str(probe.getsockname()[0])
