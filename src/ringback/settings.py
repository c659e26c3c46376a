"""The installation's settings: one frozen object, read once, checked whole before anything starts.

Every setting is a command-line option of `ringback serve` and an environment variable `RINGBACK_*`; the command line wins. Unknown
`RINGBACK_*` variables are refused, so that a misspelt one is not ignored.
"""

import os
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from ringback.errors import BadSettings

_SECRET = frozenset({"admin_key", "secret_key", "proxy", "freeswitch_password", "say_key", "listen_key"})
_OUTSIDE = frozenset({"RINGBACK_SERVER", "RINGBACK_KEY", "RINGBACK_WEBHOOK_SECRET"})  # the client commands', not the server's
_MAY_HOLD_ONE = frozenset({"say", "listen"})  # credentials in a URL

SIMULATED = "simulated"
EMBEDDED = "embedded"


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator decides. Names are those of the options with `_` for `-`."""

    host: str = "127.0.0.1"
    port: int = 8080
    data: Path = Path("ringback-data")
    database: str | None = None
    spool: Path | None = None
    allow_network: tuple[str, ...] = ()
    allow_http: bool = False
    public_url: str | None = None
    admin_key: str | None = None
    secret_key: str | None = None
    proxy: str | None = None
    source_address: str | None = None
    nat64_deny: bool = False
    nameservers: tuple[str, ...] = ()
    connect_timeout_s: float = 5.0
    max_body_bytes: int = 4 * 1024 * 1024
    max_recording_bytes: int = 512 * 1024 * 1024
    recording_link_s: int = 30 * 86_400
    retention_days: int = 30
    min_free_bytes: int | None = None
    max_disk: int | None = None
    loop: str = "auto"
    log_level: str = "info"
    freeswitch: str | None = None
    freeswitch_password: str | None = None
    freeswitch_config: Path | None = None
    payment_connectors: Path | None = None
    switch: str | None = None
    simulate: str | None = None
    sip_config: Path | None = None
    sip_listen: tuple[str, ...] = ()
    default_account: str | None = None
    say: str = "espeak-ng"
    say_voices: tuple[str, ...] = ()
    say_model: str = "tts-1"
    say_key: str | None = None
    listen: str | None = None
    listen_model: str = "whisper-1"
    listen_key: str | None = None
    drain_s: float = 10.0
    portal_identity_header: str | None = None
    portal_trusted: tuple[str, ...] = ()


HELP: dict[str, str] = {
    "host": "Address to listen on.",
    "port": "Port to listen on; 0 picks a free one.",
    "data": "Directory for the database, the attempt log and the secret key; made if absent.",
    "database": "Another database than SQLite in the data directory. Only `sqlite:` (the default) is known so far.",
    "spool": "Directory for the file that keeps what switches tell while the database takes nothing; made if absent. Without it "
    "the data directory; on another disk it is of use when that is full.",
    "allow_network": "Network that webhooks may go to although it is not public: CIDR or CIDR:port, for one account as "
    "ACCOUNT=CIDR. May be repeated (environment: comma-separated).",
    "allow_http": "Let endpoints use plain http.",
    "public_url": "The URL under which customers reach this server.",
    "admin_key": "The operator's key. Without it one is made on first start and printed once.",
    "secret_key": "Key that encrypts secrets at rest (base64, 32 bytes; several, comma-separated: the first encrypts). "
    "Without it a 0600 file in the data directory is used.",
    "proxy": "HTTP proxy for all webhooks (CONNECT to the vetted address): http://host:port, or http://user:pass@host:port.",
    "source_address": "Local address that webhooks are sent from.",
    "nat64_deny": "Refuse every NAT64 address (64:ff9b::/96), also around public IPv4 addresses.",
    "nameservers": "DNS servers to ask, host or host:port (default: the system's). May be repeated (environment: comma-separated).",
    "connect_timeout_s": "Seconds for DNS, TCP and TLS of one attempt.",
    "max_body_bytes": "Largest request body taken on the API.",
    "max_recording_bytes": "Largest recording that may be uploaded.",
    "recording_link_s": "Seconds for which a signed link to a recording or transcript is good.",
    "retention_days": "Days that calls, events, deliveries, attempts and recordings are kept. An account may have its own.",
    "min_free_bytes": "Bytes of the data directory's disk that events may not use: below, they are refused with 503. "
    "Without it 64 MiB, or a twentieth of a small disk.",
    "max_disk": "Bytes that the data directory may have before events are refused with 503.",
    "loop": "Event loop: auto (uvloop if installed), asyncio, uvloop.",
    "log_level": "debug, info, warning or error.",
    "freeswitch": "Event Socket of a FreeSWITCH to take call events from: host:port.",
    "freeswitch_password": "Password of the Event Socket.",
    "freeswitch_config": "JSON file that says what is inside, and which account a call belongs to.",
    "payment_connectors": "JSON file of the payment connectors that VoXML's Pay may use: URL, secret and accounts by name.",
    "switch": "What carries the calls that Ringback steers: embedded (SIP and sound, in a process beside the server's) or "
    "simulated (scripts play both ends). Without it there are none.",
    "simulate": "Script of the far end of every simulated call that brings none of its own: ring, answer, digits 1, hangup.",
    "sip_config": "JSON file of the embedded switch: where it listens, which trunks and phones may call, where calls go. Without "
    "it calls from this machine are taken, and nobody else's.",
    "sip_listen": "Where the embedded switch listens for SIP, ADDRESS:PORT, instead of what its file says (127.0.0.1:5060 without "
    "a file); port 0 picks a free one. May be repeated (environment: comma-separated): each has a process of its own, for about "
    "100 calls.",
    "default_account": "Account that calls to a number that nobody registered belong to. Without it they are refused.",
    "say": "What speaks a document's texts: espeak-ng (a program of this machine), command:PROGRAM (text on its standard input, "
    "WAV or MP3 on its output), or the http(s) URL of a speech service: an OpenAI-compatible one, or any other whose URL has "
    "{text}, {voice} or {language} in it. Credentials may stand in the URL.",
    "say_voices": "Voice of the speech service: NAME for all texts, VOICE=NAME for a document's voice (Polly.Matthew=onyx), "
    "LANGUAGE=NAME for a language (de-DE=nova). May be repeated (environment: comma-separated).",
    "say_model": "Model of an OpenAI-compatible service that speaks.",
    "say_key": "Bearer token of the service that speaks.",
    "listen": "The http(s) URL of an OpenAI-compatible service that understands what callers say, and writes down recordings of "
    "accounts with `transcribe`. Without it nothing that is said is understood.",
    "listen_model": "Model of the service that understands.",
    "listen_key": "Bearer token of the service that understands.",
    "portal_identity_header": "Header in which a trusted reverse proxy names whoever it has let in; they come into the portal as "
    "the operator. Needs portal_trusted.",
    "portal_trusted": "Network of the reverse proxy that is believed: CIDR. May be repeated (environment: comma-separated).",
    "drain_s": "Seconds that a stop waits for requests in flight, and for live calls to end before they are hung up.",
}
"""One line per setting, for `--help` and for docs/reference/settings.md."""


def read_settings(given: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the command line (`given`, None: not given) over `RINGBACK_*` over the defaults.

    Raises BadSettings, naming the setting, for an unknown one, a value of the wrong kind, or values that do not hold together.
    """
    environment = os.environ if environment is None else environment
    fields = {field.name: field for field in msgspec.structs.fields(Settings)}
    values: dict[str, Any] = {}
    for variable, text in environment.items():
        if not variable.startswith("RINGBACK_") or variable in _OUTSIDE:
            continue
        name = variable.removeprefix("RINGBACK_").lower()
        if name not in fields:
            raise BadSettings(f"{variable}: no such setting")
        values[name] = _from_text(variable, text, fields[name].type)
    values |= {name: value for name, value in given.items() if value is not None and value != ()}
    try:
        settings = msgspec.convert(values, Settings, dec_hook=lambda kind, value: kind(value))
    except msgspec.ValidationError as error:
        raise BadSettings(str(error)) from None
    _check(settings)
    return settings


def redacted(settings: Settings) -> dict[str, Any]:
    """The settings as they may be printed: secrets as `***`."""
    shown = {field: getattr(settings, field) for field in Settings.__struct_fields__}
    return {name: "***" if value and _is_secret(name, value) else value for name, value in shown.items()}


def _is_secret(name: str, value: Any) -> bool:
    return name in _SECRET or (name in _MAY_HOLD_ONE and "@" in value)


def _from_text(variable: str, text: str, kind: Any) -> Any:
    if kind is bool:
        words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False, "": False}
        if text.lower() not in words:
            raise BadSettings(f"{variable}: expected true or false, got {text!r}")
        return words[text.lower()]
    number = {int: int, float: float, int | None: int}.get(kind)
    if number is not None:
        try:
            return number(text)
        except ValueError:
            raise BadSettings(f"{variable}: expected a number, got {text!r}") from None
    if kind == tuple[str, ...]:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text or None


def _check(settings: Settings) -> None:
    if settings.database and not settings.database.startswith("sqlite:"):
        raise BadSettings("database: only sqlite: is known so far")
    if not 0 <= settings.port <= 65_535:
        raise BadSettings("port: expected 0 to 65535")
    if settings.loop not in ("auto", "asyncio", "uvloop"):
        raise BadSettings("loop: expected auto, asyncio or uvloop")
    if settings.log_level not in ("debug", "info", "warning", "error"):
        raise BadSettings("log_level: expected debug, info, warning or error")
    if settings.admin_key is not None and len(settings.admin_key) < 8:
        raise BadSettings("admin_key: at least 8 characters")
    if settings.max_body_bytes < 1024 * 1024:
        raise BadSettings("max_body_bytes: at least 1048576")
    if settings.max_recording_bytes < 1:
        raise BadSettings("max_recording_bytes: at least 1")
    if not 1 <= settings.recording_link_s <= 10 * 366 * 86_400:
        raise BadSettings("recording_link_s: expected 1 second to 10 years")
    if not 0.1 <= settings.connect_timeout_s <= 60:
        raise BadSettings("connect_timeout_s: expected 0.1 to 60")
    if not 0 <= settings.drain_s <= 3600:
        raise BadSettings("drain_s: expected 0 to 3600")
    if not 1 <= settings.retention_days <= 3650:
        raise BadSettings("retention_days: expected 1 to 3650")
    if (settings.min_free_bytes or 0) < 0:
        raise BadSettings("min_free_bytes: expected 0 or more")
    if settings.max_disk is not None and settings.max_disk < 1024 * 1024:
        raise BadSettings("max_disk: at least 1048576")
    if settings.switch not in (None, SIMULATED, EMBEDDED):
        raise BadSettings("switch: expected embedded or simulated")
    if settings.simulate is not None and settings.switch != SIMULATED:
        raise BadSettings("simulate: needs --switch simulated")
    if (settings.sip_config or settings.sip_listen) and settings.switch != EMBEDDED:
        raise BadSettings(f"{'sip_config' if settings.sip_config else 'sip_listen'}: needs --switch embedded")
    _check_speech(settings)
    if settings.public_url is not None and not settings.public_url.startswith(("https://", "http://")):
        raise BadSettings("public_url: expected https://… or http://…")
    if settings.portal_identity_header is not None and not settings.portal_trusted:
        raise BadSettings("portal_identity_header: needs portal_trusted, the network of the proxy that is believed")
    for text in settings.portal_trusted:
        try:
            ip_network(text)
        except ValueError:
            raise BadSettings(f"portal_trusted: expected a network such as 10.0.0.0/8, got {text!r}") from None
    for server in settings.nameservers:
        _check_nameserver(server)


def _check_speech(settings: Settings) -> None:
    """The rest is checked where it is used."""
    if settings.say != "espeak-ng" and not settings.say.startswith(("command:", "http://", "https://")):
        raise BadSettings("say: expected espeak-ng, command:… or http(s)://…")
    if settings.listen is not None and not settings.listen.startswith(("http://", "https://")):
        raise BadSettings("listen: expected http(s)://…")
    for name in ("say_key", "listen_key"):
        key = getattr(settings, name) or ""
        if not (key.isascii() and (key.isprintable() and " " not in key)):
            raise BadSettings(f"{name}: printable ASCII without blanks")


def _check_nameserver(text: str) -> None:
    """An address, with or without a port: a name could not be asked for before there is a server to ask."""
    for address in (text, text.rpartition(":")[0].strip("[]")):
        try:
            ip_address(address)
        except ValueError:
            continue
        port = text[len(text.rpartition(":")[0]) + 1 :]
        if address == text or (port.isascii() and port.isdigit() and 1 <= int(port) <= 65_535):
            return
    raise BadSettings(f"nameservers: expected an address or address:port, got {text!r}")
