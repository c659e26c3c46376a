"""A card is keyed on a real call that is recorded, by a phone that sends its keys as tones in the sound too: the connector gets the
digits, and nothing that was written holds them."""

import json
import re
import struct
from array import array
from collections.abc import Callable
from pathlib import Path

from harness import Got, Receiver, until
from live_harness import Application, over
from sip_calls import Exchange, Line, passes, recording_of, sip_config, sip_port_of, start_exchange
from sip_phones import PhoneProcess, needs_phones, read_wav, write_wav

from ringback.switch.embedded.media.g711 import PCMU
from ringback.switch.embedded.media.inband import KeyListener
from ringback.switch.embedded.media.tones import key_tone

pytestmark = needs_phones
CODE, EXPIRY = "739", "1231"
ZSTD = b"\x28\xb5\x2f\xfd"


def luhn(digits: str) -> str:
    """With its check digit."""
    doubled = [int(d) * (2 - n % 2) if n % 2 == 0 else int(d) for n, d in enumerate(reversed(digits))]
    return digits + str(-sum(d - 9 * (d > 9) for d in doubled) % 10)


CARD = luhn("".join(("44856677", "1234567")))
"""In pieces, so that not even this file, which a traceback would quote, holds it."""


def connector(got: Got) -> tuple[int, dict[str, str], bytes]:
    return (
        200,
        {"Content-Type": "application/json"},
        json.dumps({"status": "approved", "token": "tok_1", "confirmation": "c-1"}).encode(),
    )


def in_sound(keys: str) -> "array[int]":
    """Keys as a phone of yesterday sends them."""
    samples = array("h")
    for key in keys:
        samples.frombytes(key_tone(key, 5) + bytes(1_600))
    return samples


def keys_in(samples: list[int]) -> str:
    """The keys that a recording gives away."""
    listener, found = KeyListener(), ""
    for at in range(0, len(samples) - 160, 160):
        linear = struct.pack("<160h", *samples[at : at + 160])
        found += listener.hear(PCMU.encode(linear), PCMU) or ""
    return found


def sounded(line: Line, folder: Path, keys: str) -> None:
    file = folder / f"keys-{len(list(folder.iterdir()))}.wav"
    line.do("play", file=str(write_wav(file, in_sound(keys))))
    passes(0.2 * len(keys) + 0.3)


def everything(folder: Path) -> Callable[[bytes], list[str]]:
    """Looks into every byte under a folder, in packed pieces of files too."""
    import zstandard

    pieces: list[tuple[str, bytes]] = []
    for file in sorted(folder.rglob("*")):
        if not file.is_file():
            continue
        whole = file.read_bytes()
        pieces.append((file.name, whole))
        for found in re.finditer(re.escape(ZSTD), whole):
            try:
                unpacked = zstandard.ZstdDecompressor().decompressobj().decompress(whole[found.start() :])
            except zstandard.ZstdError:
                continue
            pieces.append((f"{file.name}@{found.start()}", unpacked))
    assert len(pieces) > 5

    def look(digits: bytes) -> list[str]:
        spaced = re.compile(rb"[^0-9a-zA-Z]{0,3}".join(re.escape(bytes((digit,))) for digit in digits))
        return [name for name, piece in pieces if spaced.search(piece)]

    return look


def test_a_card_is_taken_and_no_byte_of_it_stays(
    application: Application, receivers: Callable[[], Receiver], tmp_path: Path
) -> None:
    till, hook = receivers(), receivers()
    till.answer = connector
    connectors = tmp_path / "connectors.json"
    connectors.write_text(json.dumps({"Default": {"url": till.url + "/charge"}}))
    pay = "<Pay action='/paid' chargeAmount='20.45' postalCode='false' output='payment' statusCallback='/progress'/>"
    application.documents = {"/voice": f"<Pause length='3'/>{pay}", "/paid": "<Hangup/>", "/progress": ""}
    whole = tmp_path / "server"
    whole.mkdir()
    with PhoneProcess() as phone:
        config = sip_config(tmp_path, phone.port)
        server = start_exchange(whole / "data", config, "--payment-connectors", str(connectors), "--log-level", "debug")
        exchange = Exchange(server, sip_port_of(server), phone, phone)
        api = exchange.account()
        for dialect in ("standard", "voxtelesys", "bird"):
            api.endpoint(f"{hook.url}/{dialect}", dialect)
        came = exchange.expects()
        placed = {"to": "+13005550199", "from": "+13005550111", "url": application.url("/voice"), "record": {"channels": 2}}
        call = api.post("/v1/calls", placed)["id"]
        line = came().answers().is_up()
        sounds = tmp_path / "sounds"
        sounds.mkdir()
        sounded(line, sounds, "99")
        _pays(line, sounds, application)
        assert line.is_over() == 200
        shown = over(api, call)
        recorded = read_wav(recording_of(api, call, tmp_path / "call.wav"))
        told = [api.get(f"/v1/deliveries/{one['id']}") for one in api.get("/v1/deliveries?limit=200")["items"]]
        assert server.stop() == 0, server.log.read_text()
    _was_charged(till)
    (paid,) = application.asked("/paid")
    assert (paid["Result"], paid["PaymentCardNumber"][-4:], paid["PaymentToken"]) == ("success", CARD[-4:], "tok_1")
    _nothing_stays(whole, json.dumps([shown, told]).encode(), hook)
    assert keys_in(recorded[0]) == "99", "what was keyed before the payment is there, and nothing else"
    assert keys_in(recorded[1]) == ""


def _pays(line: Line, sounds: Path, application: Application) -> None:
    passes(3.0)
    for count, keys in enumerate((CARD, EXPIRY, CODE), 1):
        sounded(line, sounds, keys)
        line.presses(keys + ("#" if keys != CARD else ""))
        if count < 3:
            until(lambda wanted=count: len(application.asked("/progress")) > wanted or None, 15)  # type: ignore[misc]
            passes(0.8)


def _was_charged(till: Receiver) -> None:
    (asked,) = till.take(1)
    card = asked.json["card"]
    assert (card["number"], card["security_code"], asked.json["amount"]) == (CARD, CODE, "20.45")


def _nothing_stays(folder: Path, shown: bytes, hook: Receiver) -> None:
    look = everything(folder)
    assert look(b"20.45") or look(b"xxxx"), "the search finds what is there"
    for digits in (CARD, CARD[:-4], CARD[4:], CARD[6:12] + CARD[12:]):
        assert look(digits.encode()) == []
        assert digits.encode() not in shown
        assert not [got for got in hook.all if digits in got.path or digits.encode() in got.body]


def test_the_search_would_find_it(tmp_path: Path) -> None:
    import zstandard

    (tmp_path / "packed").write_bytes(b"xx" + zstandard.ZstdCompressor().compress(b"number=" + b"-".join((b"4485", b"6677"))))
    for n in range(6):
        (tmp_path / str(n)).write_bytes(b"nothing")
    (tmp_path / "plain").write_bytes(b"4 4 8 5,6 6 7 7")
    assert {name.split("@")[0] for name in everything(tmp_path)(b"44856677")} == {"packed", "plain"}
    samples = list(in_sound("4#"))
    assert keys_in(samples) == "4#"
