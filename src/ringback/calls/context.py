"""What is known of a call beside its life: how a later word joins an earlier one.

A field that is given replaces what stood there; what is absent changes nothing; nested values are joined field by field, `vars`
key by key. So updates that speak of different things come to the same whatever their order. Two things are kept from the order of
arrival: a recording that is done does not go back to being in progress, and what the caller keyed is put in order of time.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import asdict, astuple, replace

from ringback.calls.model import CallRef, Context, Prompts, Recording, Transcription

S = TypeVar("S", bound=Struct)
Entry = tuple[int, str, str]
"""(at_ms, kind, keys): kind is `option`, `keys` or `postcode`."""

MAX_ENTRIES: Final = 200
"""What a call remembers of a caller's keys. Beyond it each press is still an event, the list stops growing."""

_FIELDS: Final = Context.__struct_fields__
_EMPTY: Final = asdict(Context())
_RECORDING_RANK: Final[Mapping[str | None, int]] = {None: 0, "in-progress": 0, "failed": 1, "completed": 2}


def merge(current: Context, told: CallRef) -> Context:
    """`current` with what `told` gives, without `extension`, whose meaning the ledger knows. The same object if nothing is new."""
    changes: dict[str, Any] = {}
    for name, value in zip(_FIELDS, astuple(told), strict=False):  # CallRef extends Context, whose fields stand first
        if value is None or name == "extension" or value == _EMPTY[name]:
            continue
        now = getattr(current, name)
        if value != now:
            joined = _join(name, now, value)
            if joined != now:
                changes[name] = joined
    return replace(current, **changes) if changes else current


def _join(name: str, now: Any, value: Any) -> Any:
    if name == "vars":
        return {**now, **value}
    if name == "recording":
        return merge_recording(now, value)
    if name == "prompts" or now is None or not isinstance(value, Struct):
        return value
    return _over(now, value)


def _over(under: S, over: S) -> S:
    """Field by field: `over` where it says something, else `under`."""
    changes = {
        name: value
        for name, value, now in zip(over.__struct_fields__, astuple(over), astuple(under), strict=True)
        if value is not None and value not in ([], now)
    }
    return replace(under, **changes) if changes else under


def merge_recording(now: Recording | None, told: Recording) -> Recording:
    """`completed` and `failed` outlast `in-progress`, whichever came last; otherwise the later word wins."""
    if now is None:
        return told
    if told.status is not None and _RECORDING_RANK.get(told.status, 2) < _RECORDING_RANK.get(now.status, 2):
        return _over(told, now)
    if told.url is not None and now.url is not None and told.url != now.url:
        return told  # another recording: the first one's length is not its own
    return _over(now, told)


def with_recording(current: Context, data: Mapping[str, Any]) -> Context:
    """`current` after a `call.recording`."""
    told = Recording(
        url=data.get("url"), duration_s=data.get("duration_s"), channels=data.get("channels"), status=data.get("status")
    )
    merged = merge_recording(current.recording, told)
    return current if merged == current.recording else replace(current, recording=merged)


def with_transcription(current: Context, data: Mapping[str, Any]) -> Context:
    """`current` after a `call.transcription`."""
    told = Transcription(text=data.get("text"), url=data.get("url"), summary=data.get("summary"))
    merged = _merge_transcription(current.transcription, told)
    return current if merged == current.transcription else replace(current, transcription=merged)


def _merge_transcription(now: Transcription | None, told: Transcription) -> Transcription:
    if now is None or (told.url is not None and now.url is not None and told.url != now.url):
        return told  # another transcript: the first one's text is not its own
    return _over(now, told)


def with_facts_of_leg(root: Context, before: Context, after: Context) -> Context:
    """The root's context after one of its legs was told of a recording, a transcript or a survey: they are the conversation's."""
    changes: dict[str, Any] = {}
    if after.recording is not None and after.recording != before.recording:
        changes["recording"] = merge_recording(root.recording, after.recording)
    if after.transcription is not None and after.transcription != before.transcription:
        changes["transcription"] = _merge_transcription(root.transcription, after.transcription)
    if after.survey is not None and after.survey != before.survey:
        changes["survey"] = after.survey if root.survey is None else _over(root.survey, after.survey)
    return replace(root, **changes) if changes else root


def with_entry(current: Context, entries: list[Entry], entry: Entry) -> tuple[Context, list[Entry]]:
    """`current` and the entries after the caller keyed something: `prompts.keys` ends with all entries in order of time, and
    `prompts.postcodes` with those that are postcodes. What an update gave as `prompts` itself stays in front."""
    if len(entries) >= MAX_ENTRIES:
        return current, entries
    now = current.prompts or Prompts()
    codes = sum(1 for _, kind, _ in entries if kind == "postcode")
    # A source that tells both gives a whole entry the time of its last key.
    merged = sorted([*entries, entry], key=lambda item: (item[0], item[1] != "option", item))
    prompts = Prompts(
        keys=now.keys[: len(now.keys) - len(_whole(entries))] + _whole(merged),
        postcodes=now.postcodes[: len(now.postcodes) - codes] + [keys for _, kind, keys in merged if kind == "postcode"],
    )
    return replace(current, prompts=prompts), merged


def _whole(entries: list[Entry]) -> list[str]:
    """What the caller keyed, once each: the single keys that spell a whole entry, and the `#` or `*` that ended it, are part of
    it."""
    whole: list[str] = []
    single = 0
    for _, kind, keys in entries:
        if kind == "option":
            single += 1
        else:
            lengths = (len(keys) + 1, len(keys))
            spelled = next((count for count in lengths if count <= single and _spells(whole[-count:], keys)), 0)
            del whole[len(whole) - spelled :]
            single = 0
        whole.append(keys)
    return whole


def _spells(options: list[str], keys: str) -> bool:
    text = "".join(options)
    return text == keys or (text[:-1] == keys and text[-1] in "#*")
