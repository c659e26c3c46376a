"""How a later word about a call's context joins an earlier one."""

from itertools import permutations
from typing import Any

from ringback.calls.context import merge, with_recording, with_transcription
from ringback.calls.model import (
    Attribution,
    CallRef,
    Context,
    Geo,
    Integration,
    Recording,
    Survey,
    Transcription,
    WebSession,
)


def merged(*words: dict[str, Any]) -> Context:
    context = Context()
    for word in words:
        context = merge(context, CallRef(id="c", **word))
    return context


def test_the_fields_of_a_context_stand_first_in_what_a_source_says() -> None:
    """`merge` counts on it."""
    assert CallRef.__struct_fields__[: len(Context.__struct_fields__)] == Context.__struct_fields__


def test_nothing_new_gives_the_same_object() -> None:
    context = merged({"crm_id": "x", "vars": {"a": "1"}, "survey": Survey(type="Sale")})
    assert merge(context, CallRef(id="c")) is context
    assert merge(context, CallRef(id="c", crm_id="x", vars={"a": "1"}, survey=Survey(type="Sale"))) is context


def test_a_field_that_is_given_replaces_and_one_that_is_absent_changes_nothing() -> None:
    assert merged({"crm_id": "a", "amd": "human"}, {"crm_id": "b"}) == Context(crm_id="b", amd="human")


def test_extension_is_left_to_the_ledger() -> None:
    assert merged({"extension": "101"}) == Context()


def test_updates_that_speak_of_different_things_come_to_the_same_in_any_order() -> None:
    words: list[dict[str, Any]] = [
        {"caller_name": "Ann", "vars": {"a": "1"}, "attribution": Attribution(source="bing"), "from_geo": Geo(city="Omaha")},
        {"crm_id": "x", "vars": {"b": "2"}, "attribution": Attribution(medium="organic"), "survey": Survey(type="Sale")},
        {"trunk_id": "7", "survey": Survey(value=250), "from_geo": Geo(country="US"), "integration": Integration(gclid="g")},
        {"session": WebSession(custom_dimensions=["1"]), "recording": Recording(url="u"), "transcription": Transcription(text="t")},
        {"session": WebSession(keywords="k"), "recording": Recording(duration_s=9), "awaits": ["survey"]},
    ]
    results = [merged(*order) for order in permutations(words)]
    assert all(result == results[0] for result in results)
    assert results[0].survey == Survey(type="Sale", value=250)
    assert results[0].vars == {"a": "1", "b": "2"}


def test_a_recording_that_is_done_outlasts_one_in_progress() -> None:
    for status in ("completed", "failed"):
        words = [{"status": "in-progress", "url": "old"}, {"status": status, "url": "new"}]
        for order in permutations(words):
            context = Context()
            for data in order:
                context = with_recording(context, data)
            assert context.recording == Recording(status=status, url="new")


def test_a_second_recording_replaces_the_first_as_a_whole() -> None:
    context = with_recording(Context(), {"status": "completed", "url": "1", "duration_s": 5})
    assert with_recording(context, {"status": "completed", "url": "2"}).recording == Recording(status="completed", url="2")
    assert with_recording(context, {"status": "completed", "channels": 2}).recording == Recording(
        status="completed", url="1", duration_s=5, channels=2
    )


def test_a_transcript_is_joined() -> None:
    context = with_transcription(with_transcription(Context(), {"text": "a"}), {"url": "u"})
    assert context.transcription == Transcription(text="a", url="u")
    assert with_transcription(context, {"url": "u"}) is context


def test_another_transcript_replaces_the_first_as_a_whole() -> None:
    context = with_transcription(Context(), {"text": "a", "url": "1"})
    assert with_transcription(context, {"url": "2"}).transcription == Transcription(url="2")
    assert with_transcription(context, {"text": "b"}).transcription == Transcription(text="b", url="1")
