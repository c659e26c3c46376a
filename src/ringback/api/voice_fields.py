"""What a person may say of who is asked about a number's calls, and the rules for it."""

from typing import Annotated

from msgspec import Meta, Struct

from ringback.api.common import NO_CONTROLS
from ringback.api.endpoint_fields import MethodName, Url
from ringback.calls.directory import Voice
from ringback.delivery.sender import check_url
from ringback.engine.server import Engine
from ringback.errors import InvalidInput
from ringback.webhooks.credentials import shown_url, split_credentials, with_password_kept

Spoken = Annotated[str, Meta(min_length=1, max_length=3_000, pattern=NO_CONTROLS)]
Dialled = Annotated[str, Meta(min_length=1, max_length=128, pattern="^[!-.0-~]+$")]


class NewLocalFallback(Struct, frozen=True, forbid_unknown_fields=True):
    """What is done if no URL has an answer: `say` a text and hang up, or `forward` the caller to a number; one of the two."""

    say: Spoken | None = None
    forward: Dialled | None = None


class NewVoice(Struct, frozen=True, forbid_unknown_fields=True):
    """`url`: the application that is asked with `method`, and answers with VoXML. `fallback_url`: asked instead, with what went
    wrong, if that has no answer. `local_fallback`: what is done if that has none either; without it, an apology is spoken. A URL's
    fragment may say how long to wait and how often to try (`#ct=&rt=&tt=&rc=&rp=`)."""

    url: Url
    method: MethodName = "POST"
    fallback_url: Url | None = None
    fallback_method: MethodName = "POST"
    local_fallback: NewLocalFallback | None = None


def voice_of(data: NewVoice, before: Voice | None, engine: Engine, account: str) -> Voice:
    """The settings that a body asks for. A URL is judged as an endpoint's is, and its masked password is the one from `before`.
    Raises InvalidInput."""
    local = data.local_fallback
    if local is not None and (local.say is None) == (local.forward is None):
        raise InvalidInput("say something or forward the call, one of the two", "voice.local_fallback")
    old_fallback = None if before is None else before.fallback_url
    return Voice(
        url=_checked(data.url, None if before is None else before.url, "url", engine, account),
        method=data.method,
        fallback_url=None
        if data.fallback_url is None
        else _checked(data.fallback_url, old_fallback, "fallback_url", engine, account),
        fallback_method=data.fallback_method,
        say=None if local is None else local.say,
        forward=None if local is None else local.forward,
    )


def _checked(url: str, before: str | None, field: str, engine: Engine, account: str) -> str:
    """The URL as it is kept, with its credentials. Raises InvalidInput."""
    try:
        bare, basic = split_credentials(url)
        check_url(bare, engine.sender_settings, account)
        if before is not None and url == shown_url(*split_credentials(before)):
            return before
        with_password_kept(basic, None)
    except InvalidInput as error:
        raise InvalidInput(str(error), f"voice.{field}") from None
    return url
