"""Requests that carry an Idempotency-Key: claimed once, answered once, encrypted, forgotten."""

from collections.abc import Callable

from store_backends import START_MS, Backend
from store_values import ACCOUNT, OTHER

from ringback.store.port import Answered, Store

KEY, ASKED = b"k" * 32, b"a" * 32


def claim(store: Store, owner: str = ACCOUNT, key: bytes = KEY, asked: bytes = ASKED, at_ms: int = START_MS) -> Answered | None:
    return store.claim(owner, key, asked, at_ms, at_ms - 1000)


def test_a_key_is_claimed_once(store: Store) -> None:
    assert claim(store) is None
    assert claim(store) == Answered(ASKED, None)
    assert claim(store, asked=b"other") == Answered(ASKED, None)
    assert claim(store, owner=OTHER) is None
    assert claim(store, owner="") is None
    assert claim(store, key=b"another") is None


def test_what_was_answered_is_answered_again(store: Store, opens: Callable[[], Store]) -> None:
    claim(store)
    store.keep_answer(ACCOUNT, KEY, b"the answer")
    assert claim(store) == claim(opens()) == Answered(ASKED, b"the answer")


def test_a_dropped_key_is_free_again(store: Store) -> None:
    claim(store)
    store.drop_claim(ACCOUNT, KEY)
    assert claim(store, asked=b"other") is None


def test_an_old_key_is_free_again(store: Store) -> None:
    claim(store)
    store.keep_answer(ACCOUNT, KEY, b"the answer")
    assert claim(store, at_ms=START_MS + 1000) is not None
    assert claim(store, asked=b"other", at_ms=START_MS + 1001) is None
    assert claim(store, at_ms=START_MS + 1001) == Answered(b"other", None)


def test_old_keys_are_forgotten(store: Store) -> None:
    claim(store)
    claim(store, key=b"later", at_ms=START_MS + 10)
    assert store.forget_answers(START_MS + 5) == 1
    assert store.forget_answers(START_MS + 5) == 0
    assert claim(store) is None
    assert claim(store, key=b"later") is not None


def test_an_answer_is_in_clear_nowhere(store: Store, backend: Backend) -> None:
    claim(store)
    store.keep_answer(ACCOUNT, KEY, b"a-key-that-is-shown-once")
    backend.settle(store)
    assert b"a-key-that-is-shown-once" not in backend.everything()
