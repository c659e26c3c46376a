"""A channel of the switch, as one of three texts tells of it (its first event, a row of `show channels`, a call record), and the
leg that it is for a customer: account, direction, from, to. Pure.

Direction is the customer's: a call that comes from outside is inbound; one that somebody inside starts is outbound, extension to
extension included, and so is one that the switch was told to place. A leg made to reach somebody for a conversation is outbound and
names the conversation's root as its parent.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import unquote

from msgspec import Struct

from ringback.calls.model import Direction
from ringback.calls.numbers import classify
from ringback.errors import SwitchError
from ringback.switch.freeswitch.frames import lenient_json
from ringback.switch.freeswitch.settings import FreeswitchSettings, Side, matches

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NAME = re.compile(r"sofia/([^/]+)/")
_ID = re.compile(r"[!-~]{1,128}")
MOST_TEXT = 256

Progress = Literal["starting", "ringing", "ongoing"]
RANK: dict[str, int] = {"starting": 0, "ringing": 1, "ongoing": 2}
_CALLSTATES: dict[tuple[bool, str], Progress] = {
    (True, "RINGING"): "ringing",
    (True, "EARLY"): "ringing",
    (True, "ACTIVE"): "ongoing",
    (True, "HELD"): "ongoing",
    (True, "UNHELD"): "ongoing",
    (False, "EARLY"): "ringing",
    (False, "ACTIVE"): "ongoing",
    (False, "HELD"): "ongoing",
    (False, "UNHELD"): "ongoing",
}
"""(placed by the switch, `callstate`) → how far the leg is. A channel that came in is RINGING from its first moment, whether
anybody rings or not: that says nothing."""


Owner = Callable[[str], str | None]
"""Which account registered a number; None: none did."""


def nobody(_number: str) -> str | None:
    """An `Owner` where no numbers are registered."""
    return None


class Channel(Struct, frozen=True, kw_only=True):
    """What the switch says of a channel when it is first heard of. `outgoing`: the switch placed it. `made_for`: the channel that
    it was made for, `maker_numbers`: whom that one called and who it was. Texts that were not given are empty; `created_ms` 0 is
    not known."""

    id: str
    outgoing: bool
    name: str = ""
    made_for: str | None = None
    username: str = ""
    number: str = ""
    caller_name: str = ""
    destination: str = ""
    dialed_user: str = ""
    context: str = ""
    gateway: str = ""
    domains: tuple[str, ...] = ()
    maker_numbers: tuple[str, ...] = ()
    created_ms: int = 0
    progress: Progress = "starting"

    @property
    def is_loopback(self) -> bool:
        """One of the pair of channels that the switch uses to call its own dialplan: nobody's leg."""
        return self.name.startswith("loopback/")

    @property
    def profile(self) -> str:
        """The sofia profile in the channel's name."""
        found = _NAME.match(self.name)
        return found[1] if found else ""


class Identity(Struct, frozen=True, kw_only=True):
    """What a channel is for a customer. `extension`: who is tried (a child leg to somebody inside) or who calls (an outbound
    root)."""

    account: str | None
    direction: Direction
    from_: str
    to: str
    extension: str | None = None


def is_leg_id(text: str) -> bool:
    """True for an id that a call may have: 1 to 128 printable characters."""
    return _ID.fullmatch(text) is not None


def channel_of_event(event: Mapping[str, str]) -> Channel:
    """The channel that an event speaks of. Which leg it was made for: mod_callcenter's member, then the originator that the event
    names, then what `originate` noted on the channel."""
    get = event.get
    outgoing = get("Call-Direction") == "outbound"
    made_for = None
    if outgoing:
        made_for = (
            (get("variable_cc_member_session_uuid") if get("variable_cc_side") == "agent" else None)
            or (get("Other-Leg-Unique-ID") if get("Other-Type") == "originator" else None)
            or get("variable_originating_leg_uuid")
            or get("variable_ent_originate_aleg_uuid")
        )
    elif get("Channel-Name", "").startswith("loopback/"):
        made_for = get("variable_other_loopback_leg_uuid")
    hidden = get("Caller-Privacy-Hide-Number") == "true"
    return Channel(
        id=get("Unique-ID", ""),
        outgoing=outgoing,
        name=get("Channel-Name", ""),
        made_for=made_for if made_for and is_leg_id(made_for) else None,
        username=get("Caller-Username", ""),
        number="" if hidden else get("Caller-Caller-ID-Number", ""),
        caller_name="" if hidden or get("Caller-Privacy-Hide-Name") == "true" else get("Caller-Caller-ID-Name", ""),
        destination=get("Caller-Destination-Number", ""),
        dialed_user=get("variable_dialed_user", ""),
        context=get("Caller-Context", ""),
        gateway=get("variable_sip_gateway_name") or get("variable_sip_gateway", ""),
        domains=_some(get("variable_domain_name"), get("variable_sip_req_host"), get("variable_sip_to_host")),
        maker_numbers=_some(get("Other-Leg-Destination-Number"), get("Other-Leg-Caller-ID-Number")) if made_for else (),
        created_ms=micros_to_ms(get("Caller-Channel-Created-Time")),
    )


def channels_of_reply(body: bytes) -> list[Channel] | None:
    """The channels of a reply to `show channels as json`, those that others were made for first; None if it is no such reply."""
    try:
        reply = lenient_json(body)
    except SwitchError:
        return None
    if not isinstance(reply, dict) or "row_count" not in reply:
        return None
    rows = [row for row in reply.get("rows", ()) if isinstance(row, dict) and is_leg_id(str(row.get("uuid", "")))]
    channels = [_channel_of_row({key: "" if value is None else str(value) for key, value in row.items()}) for row in rows]
    return sorted(channels, key=lambda channel: channel.made_for is not None)


def _channel_of_row(row: Mapping[str, str]) -> Channel:
    get = row.get
    outgoing = get("direction") == "outbound"
    call = get("call_uuid", "")
    epoch = get("created_epoch", "")
    # `dest` and `context` follow a transfer, `initial_*` stay with what the call was when it came.
    return Channel(
        id=row["uuid"],
        outgoing=outgoing,
        name=get("name", ""),
        made_for=call if outgoing and call not in ("", row["uuid"]) and is_leg_id(call) else None,
        number=get("initial_cid_num") or get("cid_num", ""),
        caller_name=get("initial_cid_name") or get("cid_name", ""),
        destination=get("initial_dest") or get("dest", ""),
        context=get("initial_context") or get("context", ""),
        domains=_some(get("presence_id", "").rpartition("@")[2]),
        created_ms=int(epoch) * 1000 if epoch.isascii() and epoch.isdecimal() else 0,
        progress=_CALLSTATES.get((outgoing, get("callstate", "")), "starting"),
    )


def channel_of_record(document: Mapping[str, Any]) -> Channel:
    """The channel of a mod_json_cdr document: its variables, and the oldest profile of its call flow (the flow is newest first)."""
    variables = record_variables(document)
    flow = document.get("callflow")
    oldest = flow[-1] if isinstance(flow, list) and flow and isinstance(flow[-1], dict) else {}
    profile = oldest.get("caller_profile")
    profile = profile if isinstance(profile, dict) else {}
    texts = _texts(profile)
    outgoing = variables.get("direction") == "outbound"
    maker = _originator(profile) if outgoing else {}
    return Channel(
        id=variables.get("uuid") or texts.get("uuid", ""),
        outgoing=outgoing,
        name=texts.get("chan_name") or variables.get("channel_name", ""),
        made_for=_maker(variables, maker) if outgoing else None,
        username=texts.get("username", ""),
        number=texts.get("caller_id_number", ""),
        caller_name=texts.get("caller_id_name", ""),
        destination=texts.get("destination_number", ""),
        dialed_user=variables.get("dialed_user", ""),
        context=texts.get("context", ""),
        gateway=variables.get("sip_gateway_name") or variables.get("sip_gateway", ""),
        domains=_some(variables.get("domain_name"), variables.get("sip_req_host"), variables.get("sip_to_host")),
        maker_numbers=_some(maker.get("destination_number"), maker.get("caller_id_number")),
        created_ms=micros_to_ms(variables.get("start_uepoch")) or micros_to_ms(_texts(oldest.get("times")).get("created_time")),
    )


def record_variables(document: Mapping[str, Any]) -> dict[str, str]:
    """The channel variables of a mod_json_cdr document; the module URL-encodes their values (`encode-values`, on by default)."""
    texts = _texts(document.get("variables"))
    return {name: unquote(text) if "%" in text else text for name, text in texts.items()}


def _originator(profile: Mapping[str, Any]) -> dict[str, str]:
    originator = profile.get("originator")
    profiles = originator.get("originator_caller_profiles") if isinstance(originator, dict) else None
    return _texts(profiles[0]) if isinstance(profiles, list) and profiles else {}


def _maker(variables: Mapping[str, str], originator: Mapping[str, str]) -> str | None:
    made_for = (
        (variables.get("cc_member_session_uuid") if variables.get("cc_side") == "agent" else None)
        or variables.get("originating_leg_uuid")
        or variables.get("ent_originate_aleg_uuid")
        or originator.get("uuid")
    )
    return made_for if made_for and is_leg_id(made_for) else None


def identity_of(channel: Channel, settings: FreeswitchSettings, root_account: str | None, owner: Owner) -> Identity:
    """What a channel is for a customer. `root_account`: the account of the conversation that it was made for; None if that is
    not known."""
    caller = printable(channel.number) or "anonymous"
    if channel.outgoing:
        to = printable(channel.dialed_user or channel.destination)
        extension = to if _called_inside(channel, to, settings) else None
        if channel.made_for is not None:
            if root_account is None:
                known = [settings.numbers.get(number, number) for number in channel.maker_numbers]
                root_account = _account(settings, owner, channel, *known, *channel.maker_numbers)
            return Identity(account=root_account, direction="outbound", from_=caller, to=to, extension=extension)
        # Placed by command: the customer's call begins with whom it reaches; nobody of theirs is calling.
        account = _account(settings, owner, channel, caller, None)
        return Identity(account=account, direction="outbound", from_=caller, to=to)
    dialled = printable(channel.destination)
    if _calls_from_inside(channel, settings):
        calling = caller if _is_extension(caller) else printable(channel.username)
        account = _account(settings, owner, channel, caller, calling)
        return Identity(account=account, direction="outbound", from_=caller, to=dialled, extension=calling or None)
    number = settings.numbers.get(dialled, dialled)
    return Identity(account=_account(settings, owner, channel, number, dialled), direction="inbound", from_=caller, to=number)


def _account(settings: FreeswitchSettings, owner: Owner, channel: Channel, *numbers: str | None) -> str | None:
    """By number (the settings' word, then who registered it), then by domain, then the default."""
    for number in filter(None, numbers):
        account = settings.accounts_by_number.get(number) or owner(number)
        if account is not None:
            return account
    for domain in channel.domains:
        if domain in settings.accounts_by_domain:
            return settings.accounts_by_domain[domain]
    return settings.account


def _calls_from_inside(channel: Channel, settings: FreeswitchSettings) -> bool:
    def on(side: Side) -> bool:
        return (
            matches(side.endpoints, channel.username or channel.number)
            or matches(side.gateways, channel.gateway)
            or matches(side.contexts, channel.context)
            or matches(side.profiles, channel.profile)
        )

    return on(settings.inside) and not on(settings.outside)


def _called_inside(channel: Channel, to: str, settings: FreeswitchSettings) -> bool:
    """Is the one who is called somebody inside? A context says nothing here: a leg that the switch places has its maker's.

    What neither side names is inside if it went to a user of the directory, or to something that looks like an extension and
    through no gateway.
    """

    def on(side: Side) -> bool:
        return matches(side.endpoints, to) or matches(side.gateways, channel.gateway) or matches(side.profiles, channel.profile)

    if on(settings.outside):
        return False
    if on(settings.inside) or channel.dialed_user:
        return True
    return not channel.gateway and _is_extension(to)


def micros_to_ms(text: str | None) -> int:
    """Unix milliseconds of a time that the switch writes in microseconds, cut; 0 if it has none."""
    return int(text) // 1000 if text and text.isascii() and text.isdecimal() and len(text) <= 18 else 0


def printable(text: str) -> str:
    """A text that came from a stranger's phone, as it may be kept: without control characters, cut."""
    return _CONTROL.sub("", text)[:MOST_TEXT]


def _is_extension(address: str) -> bool:
    return classify(address, None).kind == "extension"


def _some(*texts: str | None) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


def _texts(found: object) -> dict[str, str]:
    return {key: str(value) for key, value in found.items() if isinstance(value, str | int)} if isinstance(found, dict) else {}
