"""What counts as an answer, and what a caller gets without one."""

from typing import get_args

import pytest

from ringback.calls.directory import Voice
from ringback.live.failures import FAILURES, Failure, judge_answer
from ringback.live.fallback import APOLOGY, Fallback, fallback_of
from ringback.voxml.document import Answer, Dial, Document, Hangup, Number, Say
from ringback.voxml.model import Purpose
from ringback.webhooks.model import ErrorClass, Outcome


def test_every_class_of_error_has_its_number() -> None:
    assert set(FAILURES) == set(get_args(ErrorClass)) - {""}


def test_a_parser_that_breaks_is_a_document_that_cannot_be_read() -> None:
    def broken(_: bytes) -> Document:
        raise RecursionError("somewhere inside")

    judged = judge_answer(Outcome(started_at_ms=0, status=200, body=b"<Response/>"), broken)
    assert judged == Failure("document", 12100, None, "not a VoXML document: RecursionError")


@pytest.mark.parametrize(
    ("voice", "wanted"),
    [
        (None, (Answer(), Say(text=APOLOGY), Hangup())),
        (Voice(url="https://a/"), (Answer(), Say(text=APOLOGY), Hangup())),
        (Voice(url="https://a/", say="Call 1 2 3."), (Answer(), Say(text="Call 1 2 3."), Hangup())),
        (Voice(url="https://a/", forward="+15"), (Dial(answer_on_bridge=True, numbers=(Number(number="+15"),)), Hangup())),
    ],
)
def test_what_a_caller_gets_at_last(voice: Voice | None, wanted: tuple[object, ...]) -> None:
    assert fallback_of(voice).document.body == wanted


def test_a_number_s_fallback_url() -> None:
    voice = Voice(url="https://a/", fallback_url="https://b/", fallback_method="GET")
    fallback = fallback_of(voice, "gather")
    assert (fallback.url, fallback.method) == ("https://b/", "GET")


def test_who_was_called_is_put_through_without_a_whisper() -> None:
    whisper: Purpose = "whisper"
    assert fallback_of(Voice(url="https://a/", fallback_url="https://b/", forward="+15"), whisper) == Fallback(document=Document())
