"""What FreeSWITCH says, as updates. Pure: `feed` takes events; `catch_up` and `vanish` take what `show channels` told.

A channel that was never created (a bridge to a profile that does not exist) is no leg. One whose creation was missed begins with
its first event that tells when it was made. Keys are looked at inside an announced menu alone: elsewhere they may be a PIN.

Every update carries a dedupe id that the same event makes again after a reconnect: the switch's run and the event's number in it,
or the leg's life for what is not one event's.
"""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from msgspec.structs import replace

from ringback.calls.model import CallRef, Update
from ringback.switch.freeswitch.channels import (
    RANK,
    Channel,
    Identity,
    Owner,
    Progress,
    channel_of_event,
    identity_of,
    is_leg_id,
    micros_to_ms,
    nobody,
    printable,
)
from ringback.switch.freeswitch.ending import PeerEnd, ended_by, ending_of
from ringback.switch.freeswitch.legs import Leg, Legs, status_id
from ringback.switch.freeswitch.settings import FreeswitchSettings

Reported = tuple[str | None, Update]
"""(account, None if the settings assign none; update)"""

Event = Mapping[str, str]

EVENTS = (
    "CHANNEL_CREATE",
    "CHANNEL_PROGRESS",
    "CHANNEL_PROGRESS_MEDIA",
    "CHANNEL_ANSWER",
    "CHANNEL_BRIDGE",
    "CHANNEL_EXECUTE",
    "CHANNEL_EXECUTE_COMPLETE",
    "CHANNEL_HANGUP",
    "CHANNEL_HANGUP_COMPLETE",
    "CHANNEL_DESTROY",
    "DTMF",
    "RECORD_START",
    "RECORD_STOP",
)
"""The classes of events that are read."""

_END_VARIABLES = ("sip_hangup_disposition", "sip_term_status", "sip_invite_failure_status", "sip_to_tag", "hangup_cause_q850")
_KEYS = frozenset("0123456789*#ABCDabcd")
_TRUE = frozenset({"true", "1", "yes", "on"})
_MOST_TEXT = 1024


class EventMapper:
    """The mapping with the legs that it remembers. Not for two threads at once."""

    def __init__(self, settings: FreeswitchSettings, owner: Owner = nobody) -> None:
        """`owner`: the account that registered a number, where the settings do not name one."""
        self._settings = settings
        self._owner = owner
        self._legs = Legs()
        self._handlers: dict[str, Callable[[Event, int], list[Reported]]] = {
            "CHANNEL_CREATE": self._on_create,
            "CHANNEL_PROGRESS": self._on_ringing,
            "CHANNEL_PROGRESS_MEDIA": self._on_ringing,
            "CHANNEL_ANSWER": self._on_answer,
            "CHANNEL_BRIDGE": self._on_bridge,
            "CHANNEL_EXECUTE": self._on_execute,
            "CHANNEL_EXECUTE_COMPLETE": self._on_executed,
            "CHANNEL_HANGUP": self._on_hangup,
            "CHANNEL_HANGUP_COMPLETE": self._on_end,
            "CHANNEL_DESTROY": self._on_destroy,
            "DTMF": self._on_key,
            "RECORD_START": self._on_record,
            "RECORD_STOP": self._on_record,
        }

    def feed(self, event: Event) -> list[Reported]:
        """The updates that an event makes, mostly none or one. An event that is not read, or that names no channel or no time,
        makes none."""
        handler = self._handlers.get(event.get("Event-Name", ""))
        at_ms = micros_to_ms(event.get("Event-Date-Timestamp"))
        if handler is None or not at_ms or not is_leg_id(event.get("Unique-ID", "")):
            return []
        leg = self._legs.open(event["Unique-ID"])
        if leg is not None:
            leg.heard += 1
            leg.made = leg.made or event.get("Caller-Channel-Created-Time", "")
            leg.last_ms = max(leg.last_ms, at_ms)
            if "variable_uuid" in event:  # only such events carry the channel's variables at all
                leg.menu_announced = event.get(f"variable_{self._settings.menu_variable}", "").lower() in _TRUE
        return handler(event, at_ms)

    # What `show channels` tells
    def open_legs(self) -> dict[str, int]:
        """Every channel that has not ended, with a count that grows when it is heard of."""
        return {leg.id: leg.heard for leg in self._legs}

    def is_behind(self, channel: Channel) -> bool:
        """True if the switch is further with a channel than was heard: it is not known, or rings or talks already."""
        leg = self._legs.open(channel.id)
        if leg is None:
            ended = self._legs.ended(channel.id)
            return ended is None or ended.gone
        return not leg.hidden and RANK[channel.progress] > leg.rank

    def catch_up(self, channel: Channel, now_ms: int) -> list[Reported]:
        """What was missed of a channel that the switch has: its start, its ringing, its answer."""
        made: list[Reported] = []
        leg = self._legs.find(channel.id)
        if leg is None:
            leg = self._begin(channel, str(channel.created_ms * 1000), channel.created_ms or now_ms)
            made = self._start(leg, channel, leg.last_ms, {})
        elif leg.gone:
            self._legs.keep(leg)
        if self._legs.open(leg.id) is not None and RANK[channel.progress] > leg.rank:
            leg.last_ms = max(now_ms, leg.last_ms)
            made += self._advance(leg, channel.progress, leg.last_ms)
        return made

    def vanish(self, leg_id: str, now_ms: int) -> list[Reported]:
        """The inferred end of a channel that the switch no longer has: `completed` if it was answered, else `failed`."""
        leg = self._legs.open(leg_id)
        if leg is None:
            return []
        leg.gone = True
        self._legs.end(leg)
        kind = "call.completed" if leg.rank == RANK["ongoing"] else "call.failed"
        return self._update(leg, kind, max(now_ms, leg.last_ms), status_id(leg.key, "gone"), inferred=True)

    def resume(self, account: str, call: CallRef, *, answered: bool, last_ms: int) -> None:
        """Remembers a call without an end that was reported before this process started, so that `show channels` can end it."""
        if self._legs.find(call.id) is None:
            identity = Identity(account=account, direction=call.direction or "inbound", from_=call.from_ or "", to=call.to or "")
            leg = Leg(id=call.id, root=call.parent or call.id, identity=identity, outgoing=call.parent is not None, last_ms=last_ms)
            leg.rank = RANK["ongoing"] if answered else 0
            self._legs.keep(leg)

    # Events of a leg's life
    def _on_create(self, event: Event, at_ms: int) -> list[Reported]:
        made = event.get("Caller-Channel-Created-Time") or event["Event-Date-Timestamp"]
        before = self._legs.find(event["Unique-ID"])
        if before is not None and (before.made == made or at_ms <= before.last_ms):
            return []  # said before
        channel = channel_of_event(event)
        return self._start(self._begin(channel, made, at_ms), channel, at_ms, event)

    def _on_ringing(self, event: Event, at_ms: int) -> list[Reported]:
        leg, made = self._known(event)
        if leg is None or leg.rank >= RANK["ringing"]:
            return made
        return made + self._advance(leg, "ringing", at_ms)

    def _on_answer(self, event: Event, at_ms: int) -> list[Reported]:
        leg, made = self._known(event)
        if leg is None or leg.rank >= RANK["ongoing"]:
            return made
        return made + self._advance(leg, "ongoing", at_ms)

    def _on_hangup(self, event: Event, at_ms: int) -> list[Reported]:
        leg = self._legs.open(event["Unique-ID"])
        if leg is not None and leg.hung_up is None:
            answered = leg.rank == RANK["ongoing"] or _answered_ms(event) > 0
            by = ended_by(_end(event), outgoing=leg.outgoing, answered=answered, at_ms=at_ms, peer=self._legs.peer_end(leg))
            leg.hung_up = PeerEnd(at_ms, by, bridged=answered and leg.peer is not None)
            self._legs.tell_peer(leg, leg.hung_up)
        return []

    def _on_end(self, event: Event, at_ms: int) -> list[Reported]:
        leg, made = self._known(event)
        if leg is None:
            return made
        ended_ms = micros_to_ms(event.get("Caller-Channel-Hangup-Time"))
        if not 0 < ended_ms <= at_ms:
            ended_ms = at_ms
        answered_ms = _answered_ms(event)
        if answered_ms and leg.rank < RANK["ongoing"]:  # its CHANNEL_ANSWER was missed
            made += self._advance(leg, "ongoing", answered_ms)
        answered = leg.rank == RANK["ongoing"]
        ending = ending_of(_end(event), outgoing=leg.outgoing, answered=answered, at_ms=ended_ms, peer=self._legs.peer_end(leg))
        self._legs.tell_peer(leg, PeerEnd(ended_ms, ending.by, bridged=answered and leg.peer is not None))
        self._legs.end(leg)
        context = self._vars(event)
        if leg.parent is None and answered and leg.answered_by is not None:
            context["answered_by"] = leg.answered_by
        return made + self._update(
            leg, f"call.{ending.status}", ended_ms, status_id(leg.key, "end"), data=ending.data, context=context
        )

    def _on_destroy(self, event: Event, at_ms: int) -> list[Reported]:
        return self._on_end(event, at_ms) if self._legs.open(event["Unique-ID"]) is not None else []

    # Events of what happens in a call
    def _on_bridge(self, event: Event, at_ms: int) -> list[Reported]:
        one, other = (self._legs.open(event.get(f"Bridge-{end}-Unique-ID")) for end in "AB")
        if one is None or other is None:
            return []
        for leg, peer in ((one, other), (other, one)):
            leg.peer, leg.peer_end = peer.id, None
        inside, outside = (one, other) if one.identity.extension else (other, one)
        root = self._legs.find(outside.root)
        if one.root == other.root or not inside.identity.extension or outside.identity.extension:
            return []
        if root is None or root.identity.direction == "outbound":  # there `extension` would say who calls
            return []
        # Two conversations became one (an attended transfer): in the customer's, somebody new has answered.
        root.answered_by = "extension"
        context = {"extension": inside.identity.extension, "answered_by": "extension"}
        return self._update(root, "call.ongoing", at_ms, _id(event, "offer"), context=context)

    def _on_execute(self, event: Event, _at_ms: int) -> list[Reported]:
        leg = self._legs.open(event["Unique-ID"])
        if leg is None:
            return []
        if leg.hidden and leg.root == leg.id:
            linked = self._legs.find(channel_of_event(event).made_for)
            leg.root = linked.root if linked else leg.root
        application = event.get("Application", "")
        pattern = self._settings.menu_apps.get(application)
        if pattern is not None and fnmatchcase(event.get("Application-Data", ""), pattern):
            leg.menus |= {event.get("Application-UUID", "")}
        by = self._settings.answered_by.get(application)
        if by is not None and leg.parent is None and (leg.answered_by is None or by != "announcement"):
            leg.answered_by = by
        return []

    def _on_executed(self, event: Event, at_ms: int) -> list[Reported]:
        leg = self._legs.open(event["Unique-ID"])
        if leg is None:
            return []
        leg.menus -= {event.get("Application-UUID", "")}
        if not self._settings.prompts or event.get("variable_read_result", "success") != "success":
            return []
        for variable in event.get("Application-Data", "").split():
            kind = self._settings.prompts.get(variable)
            keys = event.get(f"variable_{variable}", "")
            if kind is not None and keys:
                return self._update(leg, "call.prompt", at_ms, _id(event, "prompt"), data={"keys": keys[:64], "kind": kind})
        return []

    def _on_key(self, event: Event, at_ms: int) -> list[Reported]:
        leg = self._legs.open(event["Unique-ID"])
        if leg is None or not (leg.menus or leg.menu_announced):
            return []
        key = event.get("DTMF-Digit", "")
        return self._update(leg, "call.ivr-option", at_ms, _id(event, "key"), data={"option": key}) if key in _KEYS else []

    def _on_record(self, event: Event, at_ms: int) -> list[Reported]:
        leg = self._legs.find(event["Unique-ID"])
        if leg is None:
            return []
        if event["Event-Name"] == "RECORD_START":
            return self._update(leg, "call.recording", at_ms, _id(event, "record"), data={"status": "in-progress"})
        data: dict[str, Any] = {"status": "completed"}
        length = event.get("variable_record_ms", "")
        if length.isascii() and length.isdecimal():
            data["duration_s"] = int(length) // 1000
        if self._settings.recording_url is not None:
            name = event.get("Record-File-Path", "").replace("\\", "/").rpartition("/")[2]
            data["url"] = self._settings.recording_url.format(name=name, uuid=leg.id)
        return self._update(leg, "call.recording", at_ms, _id(event, "recorded"), data=data)

    # Legs
    def _known(self, event: Event) -> tuple[Leg | None, list[Reported]]:
        """The open leg of an event. One whose start was missed begins now, with the time at which the switch made it; one that was
        given up lives after all."""
        leg = self._legs.find(event["Unique-ID"])
        made = event.get("Caller-Channel-Created-Time", "")
        made_ms = micros_to_ms(made)
        if leg is not None and leg.gone:
            self._legs.keep(leg)
        if leg is not None and (self._legs.open(leg.id) is not None or made_ms <= leg.last_ms):
            return self._legs.open(leg.id), []
        if not made_ms:
            return None, []
        channel = channel_of_event(event)
        leg = self._begin(channel, made, made_ms)
        return leg, self._start(leg, channel, made_ms, event)

    def _begin(self, channel: Channel, made: str, at_ms: int) -> Leg:
        maker = self._legs.find(channel.made_for)
        root, account = channel.id, None
        if maker is not None and not (maker.hidden and maker.root == maker.id):
            root, account = maker.root, maker.identity.account
        elif maker is None and channel.made_for is not None:
            root = channel.made_for
        else:
            channel = replace(channel, made_for=None)
        identity = identity_of(channel, self._settings, account, self._owner)
        leg = Leg(id=channel.id, root=root, identity=identity, outgoing=channel.outgoing, made=made, last_ms=at_ms)
        leg.hidden = channel.is_loopback
        self._legs.keep(leg)
        return leg

    # Updates
    def _start(self, leg: Leg, channel: Channel, at_ms: int, event: Event) -> list[Reported]:
        context = self._vars(event)
        if leg.parent is None and channel.caller_name not in ("", leg.identity.from_):
            context["caller_name"] = printable(channel.caller_name)
        if leg.parent is None and leg.identity.extension:
            context["extension"] = leg.identity.extension
        return self._update(leg, "call.starting", at_ms, status_id(leg.key, "starting"), context=context)

    def _advance(self, leg: Leg, progress: Progress, at_ms: int) -> list[Reported]:
        leg.rank = RANK[progress]
        context: dict[str, Any] = {}
        if progress == "ongoing":
            root = self._legs.find(leg.parent)
            if root is not None and leg.identity.extension:
                root.answered_by = "extension"
            elif leg.parent is None and leg.answered_by is not None:
                context["answered_by"] = leg.answered_by
        return self._update(leg, f"call.{progress}", at_ms, status_id(leg.key, progress), context=context)

    def _vars(self, event: Event) -> dict[str, Any]:
        found = {name: event[f"variable_{name}"][:_MOST_TEXT] for name in self._settings.vars if event.get(f"variable_{name}")}
        return {"vars": found} if found else {}

    def _update(
        self,
        leg: Leg,
        kind: str,
        at_ms: int,
        update_id: str,
        *,
        data: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        inferred: bool = False,
    ) -> list[Reported]:
        if leg.hidden:
            return []
        who = leg.identity
        told = dict(context or {})
        if leg.parent is not None and who.extension:
            told["extension"] = who.extension  # whom the leg tries; on a root it is who calls, and told once
        call = CallRef(id=leg.id, parent=leg.parent, direction=who.direction, from_=who.from_, to=who.to, **told)
        return [(who.account, Update(type=kind, at_ms=at_ms, call=call, data=dict(data or {}), id=update_id, inferred=inferred))]


def _id(event: Event, what: str) -> str:
    """A dedupe id for what one event told: the switch's run, the event's number in it."""
    number = event.get("Event-Sequence", "")[:20] or event["Event-Date-Timestamp"][:20]
    return f"fs-{event.get('Core-UUID', '')[:36]}-{number}-{what}"


def _answered_ms(event: Event) -> int:
    return micros_to_ms(event.get("Caller-Channel-Answered-Time"))


def _end(event: Event) -> dict[str, str]:
    """What an end is read from: some of the channel's variables, and the hang-up cause."""
    fields = {name: event[f"variable_{name}"] for name in _END_VARIABLES if f"variable_{name}" in event}
    if "Hangup-Cause" in event:
        fields["Hangup-Cause"] = event["Hangup-Cause"]
    return fields
