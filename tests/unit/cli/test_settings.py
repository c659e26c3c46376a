"""Settings: the command line over the environment over the defaults, checked whole, printed without secrets."""

from pathlib import Path
from typing import Any

import pytest

from ringback.errors import BadSettings
from ringback.settings import Settings, read_settings, redacted


def test_without_a_word_there_are_defaults() -> None:
    assert read_settings({}, {"PATH": "/bin", "RINGBACK_SERVER": "http://x", "RINGBACK_KEY": "k"}) == Settings()


def test_the_command_line_wins_over_the_environment() -> None:
    environment = {
        "RINGBACK_PORT": "9000",
        "RINGBACK_DATA": "/var/lib/ringback",
        "RINGBACK_ALLOW_HTTP": "yes",
        "RINGBACK_ALLOW_NETWORK": "127.0.0.0/8, 10.0.0.0/8:443,",
        "RINGBACK_DRAIN_S": "2.5",
        "RINGBACK_ADMIN_KEY": "",
    }
    settings = read_settings({"port": 9001, "host": None, "allow_network": ()}, environment)
    assert (settings.port, settings.host, settings.data) == (9001, "127.0.0.1", Path("/var/lib/ringback"))
    assert (settings.allow_http, settings.drain_s, settings.admin_key) == (True, 2.5, None)
    assert settings.allow_network == ("127.0.0.0/8", "10.0.0.0/8:443")
    assert read_settings({"allow_network": ("::1/128",)}, environment).allow_network == ("::1/128",)


@pytest.mark.parametrize(("text", "meant"), [("1", True), ("TRUE", True), ("on", True), ("0", False), ("no", False), ("", False)])
def test_truths(text: str, meant: bool) -> None:
    assert read_settings({}, {"RINGBACK_ALLOW_HTTP": text}).allow_http is meant


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"RINGBACK_COLOUR": "blue"}, "RINGBACK_COLOUR: no such setting"),
        ({"RINGBACK_PORT": "many"}, "RINGBACK_PORT: expected a number"),
        ({"RINGBACK_PORT": "70000"}, "port: expected 0 to 65535"),
        ({"RINGBACK_ALLOW_HTTP": "perhaps"}, "RINGBACK_ALLOW_HTTP: expected true or false"),
        ({"RINGBACK_LOG_LEVEL": "loud"}, "log_level: "),
        ({"RINGBACK_LOOP": "fast"}, "loop: "),
        ({"RINGBACK_DATABASE": "postgresql://x"}, "database: "),
        ({"RINGBACK_ADMIN_KEY": "short"}, "admin_key: at least 8"),
        ({"RINGBACK_MAX_BODY_BYTES": "10"}, "max_body_bytes: at least 1048576"),
        ({"RINGBACK_CONNECT_TIMEOUT_S": "0"}, "connect_timeout_s: expected 0.1 to 60"),
        ({"RINGBACK_DRAIN_S": "-1"}, "drain_s: expected 0 to 3600"),
        ({"RINGBACK_PUBLIC_URL": "hooks"}, "public_url: expected https"),
        ({"RINGBACK_NAMESERVERS": "dns.example.com"}, "nameservers: "),
        ({"RINGBACK_NAMESERVERS": "1.1.1.1,9.9.9.9:dns"}, "nameservers: "),
        ({"RINGBACK_NAMESERVERS": "1.1.1.1:70000"}, "nameservers: "),
        ({"RINGBACK_SAY": "espeak"}, "say: expected espeak-ng, command:"),
        ({"RINGBACK_LISTEN": "whisper"}, "listen: expected http"),
        ({"RINGBACK_SAY_KEY": "a b"}, "say_key: "),
        ({"RINGBACK_LISTEN_KEY": "a\nb"}, "listen_key: "),
    ],
)
def test_what_does_not_hold_names_the_setting(given: dict[str, str], said: str) -> None:
    with pytest.raises(BadSettings) as caught:
        read_settings({}, given)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("server", ["1.1.1.1", "1.1.1.1:5353", "2606:4700::1111", "[2606:4700::1111]:53"])
def test_name_servers(server: str) -> None:
    assert read_settings({"nameservers": (server,)}, {}).nameservers == (server,)


def test_a_value_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(BadSettings):
        read_settings({"port": "many"}, {})


def test_secrets_are_not_printed() -> None:
    hidden: dict[str, Any] = {
        "admin_key": "operator-4711",
        "secret_key": "A" * 44,
        "proxy": "http://user:word-4711@proxy:3128",
        "freeswitch_password": "ClueCon-4711",
        "say": "https://ann:word-4711@tts.example.com/v1",
        "say_key": "sk-4711",
        "listen": "https://ann:word-4711@stt.example.com/v1",
        "listen_key": "sk-4712",
    }
    shown = redacted(read_settings(hidden, {}))
    assert {shown[name] for name in hidden} == {"***"}
    assert shown["port"] == 8080
    assert redacted(Settings())["proxy"] is None
    assert redacted(Settings(say="https://tts.example.com/v1"))["say"] == "https://tts.example.com/v1"
