"""What an account sets up, and secrets that nobody can read off the disk."""

import uuid
from collections.abc import Callable

import pytest
from msgspec.structs import replace
from store_backends import START_MS, Backend
from store_values import ACCOUNT, OTHER, Maker, commit

from ringback.calls.directory import Number, Property, Voice, default_number
from ringback.errors import Conflict, NotFound
from ringback.store.port import Account, Key, Store
from ringback.webhooks.model import Endpoint, Filter, Secret

PLAIN = Endpoint(id=70, account=ACCOUNT, url="https://example.com/hook?a=%20b", dialect="standard")
FULL = Endpoint(
    id=71,
    account=ACCOUNT,
    url="https://example.com/",
    dialect="bird",
    events=frozenset({"voice.inbound", "voice.outbound"}),
    filters=(Filter("status", "completed"), Filter("status", "busy")),
    secrets=(Secret(value="the-current-secret"), Secret(value="the-old-secret", until_ms=START_MS)),
    method="GET",
    order="strict",
    description="ä",
    enabled=False,
    hold_s=5,
    omit_null=True,
    basic="someone:a-password",
    headers=(("X-Api-Key", "a-header-value"),),
    max_in_flight=3,
    rate_per_s=1.5,
    created_at_ms=START_MS,
    updated_at_ms=START_MS + 1,
    version=4,
)


def test_the_organization_is_one_uuid_for_ever(store: Store, opens: Callable[[], Store]) -> None:
    assert uuid.UUID(store.organization_id())
    assert opens().organization_id() == store.organization_id()


def test_accounts(store: Store) -> None:
    changed = Account(id=OTHER, name="ä", created_at_ms=5, country="AU", call_limit_s=9)
    store.put_account(changed)
    assert store.accounts() == [Account(id=ACCOUNT, name="an account", created_at_ms=1), changed]


def test_keys(store: Store) -> None:
    operator = Key(id=10, hash=b"\0" * 32, account=None, role="operator")
    key = Key(id=11, hash=b"\1" * 32, account=ACCOUNT, role="developer", name="ci", created_at_ms=5)
    store.put_key(key)
    store.put_key(operator)
    assert store.keys() == [operator, key]
    with pytest.raises(Conflict):
        store.put_key(replace(key, id=12))
    with pytest.raises(NotFound):
        store.put_key(replace(key, id=13, hash=b"\2" * 32, account="none"))
    store.put_key(replace(key, name="other"))
    assert store.keys()[1].name == "other"
    assert store.delete_key(11)
    assert not store.delete_key(11)
    assert store.keys() == [operator]


def test_when_a_key_was_used_is_kept_beside_it(store: Store) -> None:
    key = Key(id=11, hash=b"\1" * 32, account=ACCOUNT, role="viewer", name="ci")
    store.put_key(key)
    store.touch_keys({11: START_MS, 12: START_MS})
    assert store.keys() == [replace(key, used_at_ms=START_MS)]
    store.put_key(replace(key, name="other"))
    assert store.keys() == [replace(key, name="other", used_at_ms=START_MS)]
    store.touch_keys({11: START_MS + 5})
    assert store.keys()[0].used_at_ms == START_MS + 5


def test_endpoints_come_back_as_they_were(store: Store, opens: Callable[[], Store]) -> None:
    store.put_endpoint(FULL)
    store.put_endpoint(PLAIN)
    assert store.endpoints() == opens().endpoints() == [PLAIN, FULL]
    changed = replace(FULL, secrets=(), basic=None, headers=(), version=5)
    store.put_endpoint(changed)
    assert store.endpoints() == [PLAIN, changed]
    with pytest.raises(NotFound):
        store.put_endpoint(replace(PLAIN, id=72, account="none"))


def test_a_deleted_endpoint_is_gone_and_its_deliveries_stay(store: Store) -> None:
    make = Maker()
    store.put_endpoint(FULL)
    fold = make.fold(make.begin("c-1"), "starting", [FULL.id])
    commit(store, fold)
    assert store.delete_endpoint(FULL.id)
    assert not store.delete_endpoint(FULL.id)
    assert store.endpoints() == []
    with pytest.raises(NotFound):
        store.put_endpoint(FULL)
    assert store.job(fold.deliveries[0].id)
    assert store.delivery(ACCOUNT, fold.deliveries[0].id)


def test_secrets_are_in_clear_nowhere(store: Store, backend: Backend) -> None:
    words = ["the-current-secret", "the-old-secret", "a-password", "a-header-value"]
    store.put_endpoint(FULL)
    store.put_endpoint(replace(FULL, secrets=(Secret(value="the-newest-secret"),)))
    for moment in ("written", "settled", "deleted", "closed"):
        if moment == "settled":
            backend.settle(store)
        elif moment == "deleted":
            store.delete_endpoint(FULL.id)
        elif moment == "closed":
            store.close()
        there = backend.everything()
        assert b"https://example.com/" in there
        assert not [word for word in [*words, "the-newest-secret"] if word.encode() in there], moment


def test_the_same_secret_is_never_written_the_same(store: Store, backend: Backend) -> None:
    assert not store.put_endpoint(FULL)
    first = backend.everything()
    store.put_endpoint(FULL)
    assert backend.everything() != first


def test_properties(store: Store) -> None:
    site, other = Property(id="b", name="Site"), Property(id="a", name="Other", type="Campaign")
    store.put_property(ACCOUNT, site)
    store.put_property(ACCOUNT, other)
    assert store.properties(ACCOUNT) == [other, site]
    assert store.properties(OTHER) == store.properties("none") == []
    store.put_property(ACCOUNT, replace(site, name="New"))
    assert store.properties(ACCOUNT)[1].name == "New"
    assert not store.delete_property(OTHER, "a")
    assert not store.delete_property("none", "a")
    assert store.delete_property(ACCOUNT, "a")
    assert not store.delete_property(ACCOUNT, "a")
    with pytest.raises(NotFound):
        store.put_property("none", site)


def test_numbers(store: Store) -> None:
    site = Property(id="b", name="Site")
    number = Number(
        number="+611800111222", name="Sales", property=site, channel_id="x", trunk_id="9", pool="dynamic", webhooks_enabled=False
    )
    theirs = default_number(OTHER, "alice")
    store.put_number(ACCOUNT, number)
    store.put_number(OTHER, theirs)
    assert store.numbers() == [(ACCOUNT, number), (OTHER, theirs)]
    store.put_number(ACCOUNT, replace(number, name="New"))
    store.put_property(ACCOUNT, replace(site, name="Renamed"))
    assert store.numbers()[0] == (ACCOUNT, replace(number, name="New", property=replace(site, name="Renamed")))
    assert not store.delete_number(OTHER, number.number)
    assert store.delete_number(ACCOUNT, number.number)
    assert store.numbers() == [(OTHER, theirs)]
    with pytest.raises(NotFound):
        store.put_number("none", number)


def test_notes_newest_first(store: Store) -> None:
    for number in range(5):
        store.note("gap" if number % 2 else "stray", f"line {number}", number)
    assert store.notes(None, 2) == [(4, "stray", "line 4"), (3, "gap", "line 3")]
    assert store.notes("gap", 9) == [(3, "gap", "line 3"), (1, "gap", "line 1")]
    assert store.notes("none", 9) == []


def test_a_number_s_voice_settings_come_back_and_stand_nowhere_in_clear(store: Store, backend: Backend) -> None:
    voice = Voice(url="https://ann:a-voice-password@app.example.com/v#rc=2", method="GET", fallback_url="https://b/", forward="+15")
    number = replace(default_number(ACCOUNT, "+61255500001"), registered=True, voice=voice)
    store.put_number(ACCOUNT, number)
    assert store.numbers() == [(ACCOUNT, number)]
    assert "password" not in repr(store.numbers())
    backend.settle(store)
    assert b"a-voice-password" not in backend.everything()
    store.put_number(ACCOUNT, replace(number, voice=None))
    assert store.numbers() == [(ACCOUNT, replace(number, voice=None))]


def test_nothing_is_left_of_endpoints_that_were_deleted_long_ago(store: Store, backend: Backend) -> None:
    for endpoint in (PLAIN, FULL):
        store.put_endpoint(endpoint)
    store.delete_endpoint(FULL.id)
    assert store.forget_endpoints(backend.now_ms) == 0
    assert store.forget_endpoints(backend.now_ms + 1) == 1
    assert store.forget_endpoints(backend.now_ms + 1) == 0
    assert store.endpoints() == [PLAIN]
