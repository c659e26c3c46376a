"""The media of the embedded switch: RTP on asyncio with G.711 and named keys, in slots of 20 ms that all sessions share.

`Media` owns clock, ports and the writing thread, and makes a `MediaSession` per leg. What can be played stands in `sources`. Below
them, pure: `g711`, `rtp`, `jitter`, `latch`, `keys`, `inband`, `tones`, `voice`, `machine`.
"""

from ringback.switch.embedded.media.media import Media
from ringback.switch.embedded.media.ports import NoPort
from ringback.switch.embedded.media.session import MediaSession
from ringback.switch.embedded.media.sources import Clip, Dialled, Growing, Quiet, ring_tone

__all__ = ["Clip", "Dialled", "Growing", "Media", "MediaSession", "NoPort", "Quiet", "ring_tone"]
