"""Which switch the settings want, and what is loaded for it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ringback.delivery.addresses import read_allowed_network
from ringback.delivery.egress import SenderSettings
from ringback.engine.speech import sound_settings
from ringback.engine.switch_told import told, understood
from ringback.engine.switches import read_listen, sip_listeners, sip_processes, sip_settings
from ringback.errors import BadSettings
from ringback.settings import Settings, read_settings


def test_a_server_without_a_switch_loads_nothing_of_it() -> None:
    heavy = ("sippy", "ringback.switch.embedded.switch", "ringback.switch.embedded.media")
    code = f"import sys, ringback.cli.serve; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_server_with_the_embedded_switch_leaves_it_to_its_process_and_that_needs_nothing_of_the_web() -> None:
    program = """
import sys, ringback.{}, ringback.switch.apart.switch
print([name for name in ("sippy", "ringback.switch.embedded.switch", "litestar", "uvicorn", "jinja2") if name in sys.modules])
"""
    for module, loaded in (("engine.switch_told", []), ("engine.switch_process", ["ringback.switch.embedded.switch"])):
        code = program.format(module)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout == f"{loaded}\n"


def test_what_a_process_is_told_of_speech_and_sounds_comes_whole(tmp_path: Path) -> None:
    networks = (read_allowed_network("127.0.0.0/8:80", "us"), read_allowed_network("2001:db8::/32"))
    listeners = (("127.0.0.1", 5060), ("::", 8080))
    sender = SenderSettings(allow_http=True, allow_networks=networks, refused_listeners=listeners, proxy="http://u:p@h:1")
    wanted = Settings(say="https://u:p@say.example/v1", say_key="secret", max_disk=1 << 30, data=tmp_path)
    sounds = sound_settings(wanted, sender, 1, 2)
    assert understood(told(sounds, ["192.0.2.1"])) == (sounds, ("192.0.2.1",))
    assert (sounds.folder, sounds.most) == (tmp_path / "sounds-1", 1 << 26)


def test_without_a_file_this_machine_may_call_and_nobody_else() -> None:
    told = sip_settings(Settings(switch="embedded"))
    assert (told.host, told.port, told.phones) == ("127.0.0.1", 5060, ())
    allowed = [address for address in ("127.0.0.1", "127.9.9.9", "10.0.0.1", "203.0.113.1") if told.trunk_at(address)]
    assert allowed == ["127.0.0.1", "127.9.9.9"]
    assert not told.phones_at("127.0.0.1")
    assert told.account_of("local") is None


def test_the_file_says_who_may_call_and_the_option_where(tmp_path: Path) -> None:
    file = tmp_path / "sip.json"
    file.write_text(json.dumps({"port": 5080, "trunks": [{"name": "carrier", "addresses": ["192.0.2.0/24"], "account": "us"}]}))
    (told,) = sip_processes(Settings(switch="embedded", sip_config=file, sip_listen=("127.0.0.1:5090",)))
    assert (told.port, told.trunk_at("127.0.0.1"), told.account_of("carrier")) == (5090, None, "us")
    assert sip_settings(Settings(switch="embedded", sip_config=file)).port == 5080
    assert sip_listeners(Settings(switch="embedded", sip_config=file)) == [("127.0.0.1", 5080)]
    several = Settings(switch="embedded", sip_config=file, sip_listen=("127.0.0.1:5090", "127.0.0.2:0", "127.0.0.2:5090"))
    assert sip_listeners(several) == [("127.0.0.1", 5090), ("127.0.0.2", 5090)]
    assert (
        sip_listeners(Settings(switch="simulated")) == sip_listeners(Settings(switch="embedded", sip_listen=("127.0.0.1:0",))) == []
    )


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="nowhere"):
        sip_settings(Settings(switch="embedded", sip_config=tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("text", "read"), [("127.0.0.1:5060", ("127.0.0.1", 5060)), ("0.0.0.0:0", ("0.0.0.0", 0)), ("[::1]:5", ("::1", 5))]
)
def test_where_to_listen(text: str, read: tuple[str, int]) -> None:
    assert read_listen(text) == read


@pytest.mark.parametrize("text", ["", "5060", "localhost:5060", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "a:1"])
def test_where_nobody_can_listen(text: str) -> None:
    with pytest.raises(BadSettings, match="sip_listen"):
        read_listen(text)


@pytest.mark.parametrize(("name", "value"), [("sip_config", "sip.json"), ("sip_listen", ("127.0.0.1:5060",))])
def test_what_is_for_the_embedded_switch_needs_it(name: str, value: object) -> None:
    with pytest.raises(BadSettings, match=f"{name}: needs --switch embedded"):
        read_settings({name: value}, {})
    assert read_settings({name: value, "switch": "embedded"}, {}).switch == "embedded"


def test_several_addresses_in_the_environment() -> None:
    settings = read_settings({}, {"RINGBACK_SWITCH": "embedded", "RINGBACK_SIP_LISTEN": "127.0.0.1:5060, 127.0.0.1:5062"})
    assert [process.port for process in sip_processes(settings)] == [5060, 5062]
