"""What pages are made of: charts, words, the navigation, forms as bodies, who may guess how often, where one goes on to."""

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.datastructures import FormMultiDict

from ringback.api.endpoint_fields import NewEndpoint
from ringback.dialects import load_dialects
from ringback.errors import TooMany
from ringback.portal.charts import Bars, bars
from ringback.portal.endpoint_form import LABELS, blank, body_of, field_of, told
from ringback.portal.guard import TRIES, WINDOW_S, Tries, cookie_name, is_secure
from ringback.portal.layout import condition, day_and_time, grouped, rendered
from ringback.portal.nav import Group, areas
from ringback.portal.pages import GROUPS
from ringback.portal.pages.door import START, checked
from ringback.portal.words import DIALECTS, FAULTS, FILTER_KEYS, ORDERS, STATES
from ringback.settings import Settings
from ringback.webhooks.deliveries import TRANSITIONS
from ringback.webhooks.health import SWITCHED_OFF
from ringback.webhooks.model import ErrorClass, Order

SERIES = {
    "since": "2026-11-20T12:00:00.000Z",
    "span_s": 60,
    "delivered": [3, 0, 1, 0],
    "failed": [0, 0, 1, 0],
    "gave_up": [0, 0, 1, 0],
}


def test_what_was_given_up_is_a_failure_of_the_chart() -> None:
    shown = Bars.of(SERIES)
    assert (shown.delivered, shown.failed, shown.total) == ([3, 0, 1, 0], [0, 0, 2, 0], 6)
    assert Bars.of(SERIES, merge=2) == Bars("2026-11-20T12:00:00.000Z", 120, [3, 1], [0, 2])


def test_a_chart_says_what_it_shows() -> None:
    drawn = bars(Bars.of(SERIES), 100, 50, 'Last "hour" <b>')
    assert 'aria-label="Last &#34;hour&#34; &lt;b&gt;"' in drawn
    assert "<title>20 Nov 12:02 UTC: 1 delivered, 2 failed</title>" in drawn
    assert drawn.count("<rect") == 3
    assert "style=" not in drawn
    assert "<title>" not in bars(Bars.of(SERIES), 100, 50, "small", small=True)


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=40), st.integers(10, 400))
def test_no_bar_leaves_its_chart(values: list[tuple[int, int]], height: int) -> None:
    shown = Bars("2026-11-20T12:00:00.000Z", 60, [one for one, _ in values], [two for _, two in values])
    for y, high in re.findall(r'y="([-\d.]+)" width="[\d.]+" height="([-\d.]+)"', bars(shown, 300, height, "x")):
        assert float(y) >= 0
        assert 0 < float(high) <= height
        assert float(y) + float(high) <= height + 2


def test_there_are_words_for_every_code() -> None:
    assert set(TRANSITIONS) <= set(STATES)
    classes = set(get_args(ErrorClass)) - {""}
    assert classes == set(FAULTS)
    assert set(get_args(Order)) == set(ORDERS)
    assert set(load_dialects()) == set(DIALECTS)
    assert {key for dialect in load_dialects().values() for key in dialect.filter_keys} <= set(FILTER_KEYS)
    assert {said.tone for said in STATES.values()} <= {"good", "bad", "warn", "info", "idle"}


def test_the_navigation_shows_where_one_is() -> None:
    groups = (Group((), "Home", "home"), Group((), "Log", "log", "/log"), Group((), "Accounts", "a", "/accounts", True), Group(()))
    shown = areas(groups, "/portal/x", "/portal/x/log/dlv_1", is_operator=False)
    assert [(one.title, one.url, one.is_here) for one in shown] == [("Home", "/portal/x", False), ("Log", "/portal/x/log", True)]
    assert [one.title for one in areas(groups, None, "/portal/accounts", is_operator=True)] == ["Accounts"]
    assert areas(groups, "/portal/x", "/portal/x/", is_operator=False)[0].is_here


def test_every_entry_of_the_navigation_has_its_icon() -> None:
    sprite = rendered("icons.html")
    assert [group.icon for group in GROUPS if group.title and f'id="i-{group.icon}"' not in sprite] == []


# Forms


def form(*pairs: tuple[str, str]) -> FormMultiDict:
    return FormMultiDict(pairs)


def test_a_form_says_what_the_api_takes() -> None:
    body = body_of(
        form(
            *(
                ("url", " https://a.example/ "),
                ("description", "d"),
                ("method", "POST"),
                ("order", "call"),
                ("which_events", "some"),
            ),
            *(("event", "call.ringing"), ("event", "call.completed"), ("filter_key", "direction"), ("filter_value", " inbound ")),
            *(("filter_key", ""), ("filter_value", "x"), ("filter_key", "number"), ("filter_value", " ")),
            *(("rate_per_s", "2.5"), ("max_in_flight", "4"), ("hold_s", ""), ("header_name", "X-A"), ("header_value", "1")),
            *(("header_name", ""), ("header_value", ""), ("bearer", "t"), ("secret", "s"), ("ca_pem", "-----\r\nA")),
        ),
        is_new=True,
    )
    assert body == {
        "url": "https://a.example/",
        "description": "d",
        "method": "POST",
        "order": "call",
        "events": ["call.ringing", "call.completed"],
        "filters": [{"key": "direction", "value": "inbound"}],
        "omit_null": False,
        "rate_per_s": 2.5,
        "max_in_flight": 4,
        "ca_pem": "-----\nA\n",
        "headers": {"X-A": "1"},
        "secret": "s",
        "bearer": "t",
    }


def test_a_change_leaves_what_is_not_shown_alone() -> None:
    body = body_of(form(("url", "https://a.example/"), ("which_events", "all"), ("bearer", ""), ("header_name", "X")), is_new=False)
    assert body["events"] is None
    assert not {"headers", "bearer", "secret"} & body.keys()
    assert body_of(form(("drop_bearer", "on")), is_new=False)["bearer"] is None
    assert body_of(form(("replace_headers", "on")), is_new=False)["headers"] == {}


def test_every_field_that_may_be_refused_has_a_label() -> None:
    known = {name for name in NewEndpoint.__struct_fields__ if name not in ("dialect", "enabled", "omit_null")}
    assert set(LABELS) == known


def test_a_number_that_is_none_is_the_apis_to_refuse() -> None:
    assert body_of(form(("rate_per_s", "many")), is_new=True)["rate_per_s"] == "many"


@pytest.mark.parametrize(("path", "field"), [("filters[0].key", "filters"), ("headers.X-A", "headers"), ("url", "url"), ("", "")])
def test_a_refusal_belongs_to_a_field(path: str, field: str) -> None:
    assert field_of(path) == field


@pytest.mark.parametrize(
    ("path", "said", "shown"),
    [
        ("rate_per_s", "expected `float | null`, got `str`", "must be a number"),
        ("max_in_flight", "expected `int` <= 1000", "must be a whole number of at most 1000"),
        ("rate_per_s", "expected `float` > 0.0", "must be a number above 0.0"),
        ("url", "the scheme is not https", "the scheme is not https"),
    ],
)
def test_a_refusal_is_in_a_persons_words(path: str, said: str, shown: str) -> None:
    assert told(path, said) == shown


def test_a_new_form_has_the_dialects_defaults() -> None:
    assert blank({"methods": ["GET", "POST"], "default_order": "strict"})["method"] == "GET"


# The door


@pytest.mark.parametrize(
    "wanted",
    [
        *(
            None,
            "",
            "https://evil.example/",
            "//evil.example",
            "/portal//evil.example",
            "/portal/in",
            "/portal/in/x",
            "/v1/accounts",
        ),
        *("/portal/\\evil", "/portal/%0d%0aSet-Cookie:x", "/portal/ö", "javascript:alert(1)"),
    ],
)
def test_nobody_is_sent_elsewhere(wanted: str | None) -> None:
    assert checked(wanted) == START


@pytest.mark.parametrize("wanted", ["/portal/a/log?state=failed", "/portal/accounts"])
def test_one_goes_on_to_where_one_wanted(wanted: str) -> None:
    assert checked(wanted) == wanted


def test_who_guesses_too_often_waits() -> None:
    tries = Tries()
    for second in range(TRIES):
        tries.check("192.0.2.1", second)
        tries.wrong("192.0.2.1", second)
    with pytest.raises(TooMany) as refused:
        tries.check("192.0.2.1", TRIES)
    assert 0 < refused.value.retry_after_s <= WINDOW_S
    tries.check("192.0.2.2", TRIES)
    tries.check("192.0.2.1", WINDOW_S + 0.5)


def test_addresses_of_one_ipv6_network_count_together() -> None:
    tries = Tries()
    for number in range(TRIES):
        tries.wrong(f"2001:db8::{number}", 0)
    with pytest.raises(TooMany):
        tries.check("2001:db8::ffff", 1)
    tries.check("2001:db8:0:1::1", 1)


def test_what_is_remembered_of_guesses_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringback.portal.guard.MOST_ADDRESSES", 3)
    tries = Tries()
    for number in range(10):
        tries.wrong(f"192.0.2.{number}", 0)
    assert len(tries._wrong) == 3


def test_cookies_are_bound_to_https_where_there_is_some() -> None:
    assert is_secure(Settings(public_url="https://hooks.example"), "http")
    assert is_secure(Settings(), "https")
    assert not is_secure(Settings(), "http")
    assert (cookie_name(True, "a"), cookie_name(False, "a")) == ("__Host-a", "a")


# Words of templates


def test_times_and_numbers_are_for_people() -> None:
    assert day_and_time("2020-01-02T03:04:05.678Z") == "2 Jan 2020 03:04:05"
    assert day_and_time("2020-01-02T03:04:05+02:00") == "2 Jan 2020 01:04:05"
    assert day_and_time(None) == ""
    assert grouped(1234567) == "1\u202f234\u202f567"


@pytest.mark.parametrize(
    ("enabled", "health", "reason", "said"),
    [
        (True, "failing", "x", "failing"),
        (False, "disabled", SWITCHED_OFF, "off"),
        (False, "disabled", None, "off"),
        (False, "disabled", "it answered 410", "disabled"),
    ],
)
def test_a_pause_is_told_from_a_stop(enabled: bool, health: str, reason: str | None, said: str) -> None:
    assert condition({"enabled": enabled, "health": {"condition": health, "reason": reason}}) == said


def test_templates_escape_whatever_they_are_given() -> None:
    bad = "<script>alert(1)</script>"
    assert bad not in rendered("error.html", title=bad, status=bad, said=bad)
