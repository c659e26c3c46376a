"""What an operator says of a FreeSWITCH: who is inside, which account a call belongs to, where keys may be told.

The file is JSON (`--freeswitch-config`); a field that is not known is refused.
"""

from fnmatch import fnmatchcase
from typing import Literal

import msgspec
from msgspec import Struct

from ringback.errors import BadSettings

AnsweredBy = Literal["extension", "ivr", "queue", "voicemail", "announcement"]

ANSWERING_APPS: dict[str, AnsweredBy] = {
    "callcenter": "queue",
    "fifo": "queue",
    "voicemail": "voicemail",
    "ivr": "ivr",
    "play_and_get_digits": "ivr",
    "read": "ivr",
    "playback": "announcement",
    "endless_playback": "announcement",
    "speak": "announcement",
    "phrase": "announcement",
    "say": "announcement",
}
"""What a caller has reached when one of these applications runs on an answered call (names: FreeSWITCH's mod_dptools and
friends)."""


class Side(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One side of the switch. Every entry is a name or a pattern (`10??`, `trunk-*`); one that matches is enough.

    `contexts`: dialplan contexts that a caller arrives in. `profiles`: sofia profiles. `gateways`: sofia gateways. `endpoints`:
    users, as caller or as called (`alice`, `10??`).
    """

    contexts: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()


class FreeswitchSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One switch. The defaults fit FreeSWITCH's vanilla configuration: context `default` is inside, all else is outside.

    `inside`, `outside`: who is whose; `outside` wins where both match, and what neither names is outside.
    `account`: the account of calls that nothing else assigns. `accounts_by_number` and `accounts_by_domain` come before it, in that
    order; numbers are the account's own (dialled inbound, calling outbound), as the switch or as `numbers` says them.
    `numbers`: destination in the dialplan → the number that the customer knows it by, E.164 (`"bob": "+61255500001"`): the `to` of
    inbound calls.
    `menu_variable`: a channel variable that is true while the caller is in a menu; `menu_apps`: application → pattern of its data
    (`{"play_and_get_digits": "*main-menu*"}`): a menu while it runs. Keys count nowhere else: they may be a PIN.
    `prompts`: channel variable that an application leaves a whole entry in → its kind.
    `answered_by`: application → who has answered when it runs.
    `recording_url`: where recordings can be fetched, with `{name}` for the file's name and `{uuid}` for the leg's id; without it
    recordings have no URL (a path of the switch means nothing to a customer).
    `vars`: channel variables that are passed on.
    """

    inside: Side = Side(contexts=("default",))
    outside: Side = Side()
    account: str | None = None
    accounts_by_number: dict[str, str] = {}
    accounts_by_domain: dict[str, str] = {}
    numbers: dict[str, str] = {}
    menu_variable: str = "ringback_menu"
    menu_apps: dict[str, str] = {}
    prompts: dict[str, Literal["keys", "postcode"]] = {}
    answered_by: dict[str, AnsweredBy] = msgspec.field(default_factory=ANSWERING_APPS.copy)
    recording_url: str | None = None
    vars: tuple[str, ...] = ()


def read_freeswitch_settings(text: bytes) -> FreeswitchSettings:
    """The settings of a JSON file. Raises BadSettings that names the field."""
    try:
        settings = msgspec.json.decode(text, type=FreeswitchSettings)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadSettings(f"freeswitch_config: {error}") from None
    if settings.recording_url is not None:
        try:
            settings.recording_url.format(name="", uuid="")
        except (KeyError, IndexError, ValueError):
            raise BadSettings("freeswitch_config: recording_url knows {name} and {uuid} alone") from None
    return settings


def matches(patterns: tuple[str, ...], name: str | None) -> bool:
    """True if a name is one of the names, or fits one of the patterns. No name fits none."""
    return bool(name) and any(fnmatchcase(name or "", pattern) for pattern in patterns)
