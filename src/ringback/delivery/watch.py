"""Keeps the endpoints' health: what an attempt says about its endpoint, and who is told of a change. A test says nothing."""

import logging
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from ringback.delivery.courier import Verdict
from ringback.delivery.lanes import Lane
from ringback.webhooks import health as healths
from ringback.webhooks.health import Health, Notice, NoticeKind

log = logging.getLogger("ringback.delivery")

_NOT_THE_ENDPOINTS_DOING = ("request", "proxy")
_REASONS: Mapping[NoticeKind, str] = {
    "endpoint.failing": f"{healths.FAILURES_TO_FAIL} attempts in a row failed",
    "endpoint.recovered": "an attempt succeeded",
    "endpoint.disabled": "nothing but failures for days",
}


class Watch:
    """See the module. Lives on the loop."""

    def __init__(
        self,
        disable_after_ms: int,
        on_disable: Callable[[int, str], None] | None,
        on_notice: Callable[[Notice], None] | None,
        on_health: Callable[[int, Health], None] | None = None,
    ) -> None:
        """`disable_after_ms`: how long an endpoint of a platform that disables may have nothing but failures. `on_health` hears of
        every change, a failure more included."""
        self._disable_after_ms = disable_after_ms
        self._on_disable = on_disable
        self._on_notice = on_notice
        self._on_health = on_health

    def see(self, lane: Lane, verdict: Verdict, now_ms: int) -> None:
        """An attempt is over. A lane whose endpoint is to be disabled sends nothing more from here on."""
        endpoint = lane.endpoint
        # What a URL that has been replaced meanwhile answers says nothing about the endpoint as it is now.
        if endpoint is None or endpoint.url != verdict.endpoint.url or verdict.outcome.error in _NOT_THE_ENDPOINTS_DOING:
            return
        if verdict.delivery.kind == "test":
            return
        before = lane.health
        ok = verdict.decision.state == "succeeded"
        if ok and before is healths.HEALTHY:
            return
        if verdict.decision.disable:
            lane.health, kind = healths.gone(before, now_ms)
        else:
            lane.health, kind = healths.observe(before, ok, now_ms, self._disable_after_ms if verdict.disables else None)
        if kind is None:
            self._tell(self._on_health, endpoint.id, lane.health)
            return
        reason = "it answered 410 Gone" if verdict.decision.disable else _REASONS[kind]
        if lane.health is not healths.HEALTHY:
            lane.health = replace(lane.health, changed_at_ms=now_ms, reason=reason)
        self._tell(self._on_health, endpoint.id, lane.health)
        if kind == "endpoint.disabled":
            lane.change(replace(endpoint, enabled=False), now_ms)
            self._tell(self._on_disable, endpoint.id, reason)
        since_ms = lane.health.since_ms or before.since_ms
        notice = Notice(kind=kind, endpoint=endpoint.id, account=endpoint.account, at_ms=now_ms, reason=reason, since_ms=since_ms)
        self._tell(self._on_notice, notice)

    @staticmethod
    def _tell(hook: Callable[..., None] | None, *arguments: object) -> None:
        if hook is not None:
            try:
                hook(*arguments)
            except Exception:  # the hook's trouble is not the delivery's
                log.exception("a hook failed")
