"""How much one lane may hold and how fast it may go: the shares of memory, and an endpoint's rate."""

from msgspec import Struct

LEAST_WINDOW = 16


class Limits(Struct, frozen=True, kw_only=True):
    """What may be in memory. `window`: jobs ready to go per lane, and as many waiting for a near due time. `blocked`: deliveries of
    a lane that wait for others of their conversation (half a window of them with events, the rest as ids). `jobs` and `ids`: about
    as many for all lanes together, shared out evenly among those that have work. `horizon_ms`: what is due later than that is left
    to the store. `settle_ms`: how long a result may take to be committed."""

    window: int = 1_000
    blocked: int = 50_000
    jobs: int = 30_000
    ids: int = 400_000
    horizon_ms: int = 30_000
    settle_ms: int = 30_000


class Budget:
    """The memory that all lanes share. `busy`: lanes that have work; `known`: deliveries in memory; `ids`: those of them that are
    there as ids alone. Where all of it is used up, a lane may still hold LEAST_WINDOW: none stands still for the others' sake."""

    __slots__ = ("busy", "ids", "known", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.busy = 0
        self.known = 0
        self.ids = 0

    def window(self) -> int:
        """Jobs that one lane may hold ready."""
        limits = self.limits
        if self.known - self.ids >= limits.jobs:
            return LEAST_WINDOW
        return limits.window if self.busy * limits.window <= limits.jobs else max(LEAST_WINDOW, limits.jobs // self.busy)

    def blocked(self) -> int:
        """Deliveries of one lane that may wait for others of their conversation."""
        limits = self.limits
        if self.ids >= limits.ids:
            return LEAST_WINDOW
        return limits.blocked if self.busy * limits.blocked <= limits.ids else max(LEAST_WINDOW, limits.ids // self.busy)


class Bucket:
    """An endpoint's rate as a token bucket that holds a tenth of a second's worth, at least one."""

    __slots__ = ("_at_ms", "_most", "_tokens", "rate_per_s")

    def __init__(self, rate_per_s: float) -> None:
        self.rate_per_s = rate_per_s
        self._most = max(1.0, rate_per_s / 10)
        self._tokens = self._most
        self._at_ms = 0

    def take(self, now_ms: int) -> bool:
        """Takes a token if there is one."""
        if now_ms > self._at_ms:
            self._tokens = min(self._most, self._tokens + (now_ms - self._at_ms) * self.rate_per_s / 1000)
        self._at_ms = now_ms
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def wait_ms(self) -> int:
        """From the last `take` to the next token."""
        return max(1, round((1.0 - self._tokens) * 1000 / self.rate_per_s))
