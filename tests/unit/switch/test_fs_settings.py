"""The operator's file on a FreeSWITCH, and the address and password of its Event Socket."""

import json
from pathlib import Path

import pytest

import ringback
from ringback.errors import BadSettings
from ringback.switch.freeswitch.link import Connection, read_address
from ringback.switch.freeswitch.settings import FreeswitchSettings, Side, matches, read_freeswitch_settings


def test_an_empty_file_means_the_defaults() -> None:
    assert read_freeswitch_settings(b"{}") == FreeswitchSettings()


def test_the_demos_file_is_a_good_one() -> None:
    text = (Path(ringback.__file__).parent / "demo" / "freeswitch.json").read_bytes()
    assert read_freeswitch_settings(text).numbers


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ({"contexts": ["x"]}, "contexts"),
        ({"inside": {"trunks": []}}, "inside"),
        ({"prompts": {"x": "pin"}}, "prompts"),
        ({"recording_url": "https://x/{path}"}, "recording_url"),
        ({"recording_url": "https://x/{"}, "recording_url"),
        ({"account": 7}, "account"),
    ],
)
def test_a_mistake_is_named(text: object, named: str) -> None:
    with pytest.raises(BadSettings, match=named):
        read_freeswitch_settings(json.dumps(text).encode())


@pytest.mark.parametrize("text", [b"", b"\xff", b"[]", b"[" * 100_000])
def test_what_is_no_file_of_settings_is_refused(text: bytes) -> None:
    with pytest.raises(BadSettings):
        read_freeswitch_settings(text)


def test_names_and_patterns_match_whole_names_alone() -> None:
    assert matches(("10??", "alice"), "1001")
    assert matches(("alice",), "alice")
    assert not matches(("alice",), "alice2")
    assert not matches(("*",), "")
    assert not matches(("*",), None)


def test_an_event_sockets_address_is_read() -> None:
    assert read_address("pbx.example:8022") == ("pbx.example", 8022)
    assert read_address("pbx.example") == ("pbx.example", 8021)
    with pytest.raises(BadSettings):
        read_address("pbx.example:esl")


def test_a_password_cannot_smuggle_a_command_and_is_never_shown() -> None:
    with pytest.raises(BadSettings):
        Connection(password="x\n\napi shutdown")
    with pytest.raises(BadSettings):
        Connection(password="")
    assert "s3cret" not in repr(Connection(password="s3cret"))


def test_every_setting_is_in_the_docs() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "freeswitch.md").read_text()
    for field in (*FreeswitchSettings.__struct_fields__, *Side.__struct_fields__):
        assert f"`{field}`" in page, field
