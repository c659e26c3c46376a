"""What an operator says of speech is looked at before anything starts."""

from pathlib import Path

import pytest
from harness import free_port, run_ringback, start_server


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--say", "command:", "say: no command"),
        ("--say", "command:speak 'it", "say: No closing quotation"),
        ("--say", "https://tts.example.com:port/v1", "say: "),
        ("--say", "https://10.0.0.1:99999/v1", "say: "),
        ("--say-voice", "=nova", "say_voices: "),
        ("--listen", "https://stt example.com/v1", "listen: "),
        ("--listen", "http://", "listen: "),
    ],
)
def test_a_mistake_ends_the_start(tmp_path: Path, option: str, value: str, said: str) -> None:
    ended = run_ringback("serve", "--data", str(tmp_path / "data"), "--port", str(free_port()), option, value)
    assert (ended.returncode, said in ended.stderr) == (2, True), ended.stderr


def test_services_inside_need_no_leave_of_the_guard(tmp_path: Path) -> None:
    voices = ("--say-voice", "nova", "--say-voice", "de=echo")
    server = start_server(
        tmp_path / "data", "--say", "http://127.0.0.1:1/{language}?t={text}", "--listen", "http://10.0.0.1/v1", *voices, strict=True
    )
    assert server.stop() == 0
    assert "'say_voices': ('nova', 'de=echo')" in server.log.read_text()
