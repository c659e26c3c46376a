"""What is expected of the demo's live call, and how its sound is judged."""

from array import array

import pytest

from ringback.cli.demo_call import Heard, faults
from ringback.demo.live import DOCUMENTS, TONE_S, TONES, Seen, loud_s, message, tone_s, wanted_of
from ringback.switch.speech.audio import wav
from ringback.voxml.parse import parse

SEEN = Seen(1_795_190_400_000, 1_795_190_400_100, 1_795_190_407_600)


@pytest.mark.parametrize("path", sorted(DOCUMENTS))
def test_its_documents_are_in_order(path: str) -> None:
    assert parse(f"<Response>{DOCUMENTS[path]}</Response>", strict=True)


def test_every_dialect_tells_of_it_in_order_and_with_the_phones_times() -> None:
    wanted = wanted_of(SEEN)
    assert {dialect: len(rows) for dialect, rows in wanted.webhooks.items()} == {
        "standard": 7,
        "bird": 4,
        "fonedynamics": 2,
        "voc": 4,
        "voxtelesys": 2,
    }
    assert wanted.webhooks["voc"][-1].fields["duration"] == {"seconds": 7.6}
    assert wanted.webhooks["bird"][-1].fields["payload/duration"] == {"seconds": 7.5}
    for rows in wanted.webhooks.values():
        assert [row.at for row in rows] == sorted(row.at for row in rows)


def test_the_message_is_found_in_a_recording_and_missed_in_another() -> None:
    samples = array("h", message()).tolist()
    for hz in TONES:
        assert tone_s(samples, hz) == pytest.approx(TONE_S, abs=0.06)
    assert loud_s(samples) == pytest.approx(2 * TONE_S, abs=0.05)
    seen = Heard(SEEN, 2.0)
    assert faults(seen, wav(message())) == []
    half = message()[: len(message()) // 2]
    assert faults(seen, wav(half)) == ["of the message's tone of 659 Hz 0.0 s are in the recording"]
    assert faults(Heard(SEEN, 0.2), wav(message())) == ["the phone heard 0.2 s of sound"]
