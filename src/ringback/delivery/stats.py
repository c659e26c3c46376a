"""What goes on in the lanes, for people and meters."""

from collections.abc import Mapping

from msgspec import Struct

from ringback.delivery.lanes import Lane
from ringback.webhooks.health import Health


class LaneStats(Struct, frozen=True):
    """One endpoint: requests in flight, deliveries in memory that wait, whether the store has more, health."""

    in_flight: int
    queued: int
    more: bool
    health: Health


class Stats(Struct, frozen=True):
    """All lanes together (`jobs`: deliveries in memory with their events), and each by its endpoint's id."""

    in_flight: int
    queued: int
    jobs: int
    lanes: dict[int, LaneStats]


def stats_of(lanes: Mapping[int, Lane]) -> Stats:
    """What goes on now."""
    return Stats(
        in_flight=sum(len(lane.flying) for lane in lanes.values()),
        queued=sum(lane.queued for lane in lanes.values()),
        jobs=sum(lane.jobs for lane in lanes.values()),
        lanes={number: LaneStats(len(lane.flying), lane.queued, lane.more, lane.health) for number, lane in lanes.items()},
    )
