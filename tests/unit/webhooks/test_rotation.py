"""A new secret signs at once; those before it go on for as long as they may."""

from typing import Any

import pytest
from msgspec.structs import replace

from ringback.errors import Conflict, InvalidInput
from ringback.webhooks.model import Endpoint, Secret
from ringback.webhooks.rotation import KEEP_OLD_S, LIVE_SECRETS, live, rotated

NOW = 1_763_640_000_000
HOUR = 3_600_000


def endpoint(*secrets: tuple[str, int | None], dialect: str = "standard") -> Endpoint:
    held = tuple(Secret(value=value, until_ms=until_ms) for value, until_ms in secrets)
    return Endpoint(id=1, account="a", url="https://a.example/", dialect=dialect, secrets=held)


def held(made: Endpoint) -> list[tuple[str, int | None]]:
    return [(secret.value, secret.until_ms) for secret in made.secrets]


@pytest.mark.parametrize(
    ("why", "before", "keep_s", "after"),
    [
        ("a day by default", [("a", None)], None, [("b", None), ("a", NOW + KEEP_OLD_S * 1000)]),
        ("for as long as is said", [("a", None)], 60, [("b", None), ("a", NOW + 60_000)]),
        ("not at all", [("a", None)], 0, [("b", None)]),
        ("an older one keeps its own end", [("a", None), ("z", NOW + 9)], 60, [("b", None), ("a", NOW + 60_000), ("z", NOW + 9)]),
        ("but none outlives that", [("a", None), ("z", NOW + HOUR)], 60, [("b", None), ("a", NOW + 60_000), ("z", NOW + 60_000)]),
        ("nor lives on where none is kept", [("a", None), ("z", NOW + HOUR)], 0, [("b", None)]),
        ("what has ended is forgotten", [("a", None), ("z", NOW - 1)], 60, [("b", None), ("a", NOW + 60_000)]),
        ("it was unsigned", [], 60, [("b", None)]),
    ],
)  # fmt: skip
def test_rotated(why: str, before: Any, keep_s: int | None, after: Any) -> None:
    assert held(rotated(endpoint(*before), "b", keep_s, NOW)) == after, why


@pytest.mark.parametrize("before", [[], [("a", None)]])
@pytest.mark.parametrize("keep_s", [None, 0])
def test_birds_one_key_is_replaced(before: Any, keep_s: int | None) -> None:
    assert held(rotated(endpoint(*before, dialect="bird"), "b", keep_s, NOW)) == [("b", None)]


def test_birds_old_key_cannot_be_kept() -> None:
    with pytest.raises(InvalidInput) as refused:
        rotated(endpoint(("a", None), dialect="bird"), "b", 60, NOW)
    assert refused.value.field == "keep_old_for_s"


@pytest.mark.parametrize("dialect", ["voc", "fonedynamics", "voxtelesys", "somebody's"])
def test_who_does_not_sign_has_nothing_to_rotate(dialect: str) -> None:
    with pytest.raises(InvalidInput, match="does not sign"):
        rotated(endpoint(dialect=dialect), "b", None, NOW)


def test_a_secret_that_signs_already_is_no_new_one() -> None:
    with pytest.raises(InvalidInput) as refused:
        rotated(endpoint(("a", None), ("b", NOW + HOUR)), "b", None, NOW)
    assert refused.value.field == "secret"
    assert held(rotated(endpoint(("a", None), ("b", NOW - 1)), "b", 0, NOW)) == [("b", None)]


def test_there_is_an_end_to_how_many_sign() -> None:
    made = endpoint(("0", None))
    for number in range(1, LIVE_SECRETS["standard"]):
        made = rotated(made, str(number), None, NOW)
    assert len(live(made, NOW)) == LIVE_SECRETS["standard"]
    with pytest.raises(Conflict):
        rotated(made, "x", None, NOW)
    assert held(rotated(made, "x", 0, NOW)) == [("x", None)]
    assert len(live(rotated(made, "x", None, NOW + KEEP_OLD_S * 1000 + 1), NOW + KEEP_OLD_S * 1000 + 1)) == 2


def test_what_signs_now() -> None:
    made = endpoint(("a", None), ("b", NOW), ("c", NOW - 1))
    assert [secret.value for secret in live(made, NOW)] == ["a", "b"]
    assert live(replace(made, secrets=()), NOW) == ()
