"""The webhook log as a person walks it: filters, a row that opens, why, the signature, sending again, what comes meanwhile."""

import re
from collections.abc import Callable

import pytest
from browser_harness import Sample, Shown
from harness import Api, until
from playwright.sync_api import Page, expect

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"; $(touch /tmp/x) `id`"


@pytest.fixture
def shown(visit: Callable[..., Shown]) -> Shown:
    return visit("developer")


def states(page: Page) -> set[str]:
    return {text.strip() for text in page.locator(".log-table tbody .badge").all_inner_texts()}


def test_the_list_is_narrowed_by_what_one_looks_for(shown: Shown, sample: Sample) -> None:
    page = shown.go("/log")
    expect(page.get_by_role("row")).to_have_count(51)
    shown.see("log")
    page.get_by_role("navigation", name="State").get_by_role("link", name="Failed").click()
    expect(page.get_by_role("link", name="Failed")).to_have_attribute("aria-current", "true")
    assert states(page) == {"gave up"}
    page.get_by_label("Event", exact=True).fill("inboundCallEnd")
    page.get_by_label("Number", exact=True).fill("+61288880001")
    page.get_by_label("From UTC").fill("2020-01-01T00:00:00")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("row")).to_have_count(2)
    assert "since=2020-01-01T00%3A00" in page.url
    page.get_by_label("Call id").fill("no such call")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("heading", name="Nothing fits")).to_be_visible()
    shown.see("log-nothing")
    page.get_by_role("link", name="Clear", exact=True).click()
    page.get_by_label("Endpoint", exact=True).select_option(sample.endpoints["crm"])
    page.get_by_role("button", name="Filter").click()
    assert states(page) == {"succeeded"}


def test_older_rows_are_a_page_away(shown: Shown, sample: Sample) -> None:
    page = shown.go("/log")
    first = page.locator("tr[data-id]").first.get_attribute("data-id")
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("link", name="Newest")).to_be_visible()
    assert page.locator("tr[data-id]").first.get_attribute("data-id") != first
    page.get_by_role("link", name="Newest").click()
    expect(page.locator("tr[data-id]").first).to_have_attribute("data-id", first or "")


def test_what_is_no_filter_is_told(shown: Shown, sample: Sample) -> None:
    page = shown.go("/log?endpoint=nothing")
    expect(page.get_by_role("alert")).to_contain_text("endpoint")
    shown.axe("log-wrong")


def test_a_row_opens_in_place_with_both_sides(shown: Shown, sample: Sample) -> None:
    page = shown.go(f"/log?endpoint={sample.endpoints['crm']}&event=call.completed")
    link = page.locator("a.opens").first
    link.click()
    expect(link).to_have_attribute("aria-expanded", "true")
    opened = page.locator("tr.opened")
    expect(opened.get_by_label("Request of attempt 1")).to_contain_text("webhook-signature")
    expect(opened.get_by_label("Response of attempt 1")).to_contain_text("thanks")
    expect(opened.locator(".waterfall svg")).to_have_attribute("aria-label", re.compile(r"Waiting \d"))
    shown.see("log-row")
    opened.get_by_role("link", name="Check the signature").click()
    expect(opened.get_by_text("it holds")).to_be_visible()
    opened.get_by_role("link", name="Why?").click()
    expect(opened.get_by_text("It was sent when it came")).to_be_visible()
    opened.get_by_text("As a command for curl").click()
    expect(opened.locator("#curl-1")).to_contain_text("--data-raw")
    link.press("Enter")
    expect(page.locator("tr.opened")).to_have_count(0)


def test_a_delivery_that_gave_up_says_what_to_do_and_is_sent_again(shown: Shown, sample: Sample) -> None:
    page = shown.go("/log?state=exhausted")
    page.locator("tr[data-id] a.opens").first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Its own page").click()
    expect(page.get_by_role("heading", name="inboundCall", exact=False).first).to_be_visible()
    expect(page.get_by_text("The receiver failed.").first).to_be_visible()
    page.get_by_role("link", name="Why?").click()
    shown.see("log-delivery")
    before = page.url
    page.get_by_role("button", name="Resend").click()
    page.wait_for_url(lambda url: "/log/dlv_" in url and url.split("?")[0] != before.split("?")[0])
    expect(page.get_by_text("resend", exact=True)).to_be_visible()
    expect(page.locator("#delivery .badge", has_text="gave up")).to_be_visible(timeout=15_000)


@pytest.fixture
def own(sample: Sample) -> Api:
    """An account of one test's own."""
    return sample.server.account("Own")


def test_all_that_a_filter_shows_is_sent_again_with_a_bar_that_stays(visit: Callable[..., Shown], sample: Sample, own: Api) -> None:
    endpoint = own.endpoint(f"{sample.bad.url}/own", "voc")["id"]
    for number in range(3):
        call = {"id": f"b-{number}", "direction": "inbound", "from": "+61288880000", "to": "+611800111222"}
        own.send({"type": "call.starting", "at": "2026-11-20T12:00:00Z", "call": call})
    until(lambda: len(own.deliveries(state="exhausted")) == 3, 15)
    shown = visit("developer", url=sample.link("developer", own.account))
    page = shown.go(f"{sample.home.replace(sample.api.account, own.account)}/log?state=exhausted&endpoint={endpoint}")
    page.get_by_role("link", name="Resend all of these").click()
    expect(page.get_by_text("deliveries are to be sent again")).to_contain_text("3")
    page.get_by_role("button", name="Send again").click()
    page.wait_for_url("**/resends/rs_*")
    page.reload()
    expect(page.locator("#job progress")).to_have_attribute("max", "3")
    expect(page.locator("#job .figure").nth(1)).to_have_text("3", timeout=15_000)


def test_what_was_sent_again_before_is_listed_and_one_at_work_is_cancelled(
    visit: Callable[..., Shown], sample: Sample, own: Api
) -> None:
    endpoint = own.endpoint(f"{sample.bad.url}/past", "voc", description="The old one")["id"]
    home = sample.home.replace(sample.api.account, own.account)
    shown = visit("developer", url=sample.link("developer", own.account))
    page = shown.go(f"{home}/resends")
    expect(page.get_by_role("heading", name="Nothing was sent again in bulk")).to_be_visible()
    for number in range(3):
        call = {"id": f"p-{number}", "direction": "inbound", "from": "+61288880000", "to": "+611800111222"}
        own.send({"type": "call.starting", "at": "2026-11-20T12:00:00Z", "call": call})
    until(lambda: len(own.deliveries(state="exhausted")) == 3, 15)
    narrowed = {"state": "exhausted", "endpoint": endpoint, "event": "inboundCallStart", "since": "2026-11-20T00:00:00Z"}
    made = own.post("/v1/resends", {"filter": narrowed}, 202)["id"]
    until(lambda: own.get(f"/v1/resends/{made}")["state"] == "done", 20)
    until(lambda: not own.deliveries(state="waiting"), 20)
    assert own.post("/v1/resends", {"filter": {"number": "+61288880000"}, "rate_per_s": 0.001}, 202)["count"] == 3
    shown.go(f"{home}/log")
    page.get_by_role("link", name="Sent again", exact=True).click()
    expect(page.get_by_role("row")).to_have_count(3)
    past = page.get_by_role("row").nth(2)
    expect(past).to_contain_text("done")
    expect(past.get_by_role("link", name="The old one")).to_be_visible()
    expect(past.get_by_label("What is sent again")).to_contain_text("gave up")
    expect(past.get_by_label("What is sent again")).to_contain_text("inboundCallStart")
    expect(past).to_contain_text("3 failed")
    now = page.get_by_role("row").nth(1)
    expect(now).to_contain_text("running")
    expect(now).to_contain_text("what did not arrive")
    shown.see("resends")
    now.get_by_role("button", name="Cancel the rest").click()
    page.wait_for_url("**/resends/rs_*")
    expect(page.locator("#job .badge")).to_have_text("cancelled")
    expect(page.get_by_label("What is sent again")).to_contain_text("+61288880000")
    shown.see("resend-cancelled")
    viewer = visit("viewer", url=sample.link("viewer", own.account))
    viewer.go(f"{home}/resends")
    expect(viewer.page.get_by_role("row")).to_have_count(3)
    expect(viewer.page.get_by_role("button", name="Cancel the rest")).to_have_count(0)


def test_what_comes_meanwhile_appears_by_itself(visit: Callable[..., Shown], sample: Sample, own: Api) -> None:
    own.endpoint(f"{sample.good.url}/tail")
    shown = visit("developer", url=sample.link("developer", own.account))
    page = shown.go(f"{sample.home.replace(sample.api.account, own.account)}/log")
    expect(page.get_by_role("heading", name="Nothing was sent yet")).to_be_visible()
    expect(page.get_by_role("button", name="Live")).to_be_visible()
    call = {"id": "tail", "direction": "inbound", "from": "+61288880000", "to": "+611800111222"}
    own.send({"type": "call.starting", "at": "2026-11-20T12:00:00Z", "call": call})
    expect(page.locator("tr[data-id]")).to_have_count(1)
    page.get_by_role("button", name="Live").click()
    own.send({"type": "call.ringing", "at": "2026-11-20T12:00:01Z", "call": call})
    expect(page.get_by_text("changed meanwhile")).to_be_visible()
    expect(page.locator("tr[data-id]")).to_have_count(1)
    page.get_by_role("button", name="Paused").click()
    expect(page.locator("tr[data-id]")).to_have_count(2)


def test_a_viewer_sees_no_bodies(visit: Callable[..., Shown], sample: Sample) -> None:
    page = visit("viewer").go(f"/log?endpoint={sample.endpoints['voc']}")
    page.locator("a.opens").first.click()
    opened = page.locator("tr.opened")
    expect(opened.get_by_text("Bodies are not shown to viewers.").first).to_be_visible()
    expect(opened.get_by_label("Request of attempt 1")).to_contain_text("?…")
    for name in ("Resend", "Check the signature"):
        expect(opened.get_by_text(name)).to_have_count(0)
    expect(page.get_by_text("As a command for curl")).to_have_count(0)
    expect(page.get_by_role("link", name="Resend")).to_have_count(0)


def test_what_a_receiver_answers_does_not_run(visit: Callable[..., Shown], sample: Sample, own: Api) -> None:
    sample.good.answer = lambda got: (
        (500, {"Content-Type": "text/html", "X-Mark": HOSTILE}, HOSTILE.encode()) if "hostile" in got.path else (200, {}, b"thanks")
    )
    own.endpoint(f"{sample.good.url}/hostile?a=%3Cscript%3E", "standard", description=HOSTILE)
    call = {"id": HOSTILE, "direction": "inbound", "from": HOSTILE[:60], "to": "+611800111222", "caller_name": HOSTILE}
    own.send({"type": "call.starting", "at": "2026-11-20T12:00:00Z", "call": call})
    row = until(lambda: own.deliveries(state="retrying"), 15)[0]
    shown = visit("developer", url=sample.link("developer", own.account))
    home = sample.home.replace(sample.api.account, own.account)
    page = shown.go(f"{home}/log")
    page.locator("a.opens").first.click()
    expect(page.get_by_label("Response of attempt 1")).to_contain_text(HOSTILE)
    expect(page.get_by_text("The next attempt is at")).to_be_visible()
    shown.go(f"{home}/log/{row['id']}?show=why")
    expect(page.get_by_label("Response of attempt 1")).to_contain_text("onerror=alert(2)")
    page.get_by_text("As a command for curl").first.click()
    expect(page.locator("#curl-1")).to_contain_text("touch /tmp/x")
    shown.see("log-hostile")
    assert page.locator("main script, main img").count() == 0


def test_the_table_is_the_filters(shown: Shown, sample: Sample) -> None:
    page = shown.go(f"/log?state=exhausted&endpoint={sample.endpoints['old']}")
    with page.expect_download() as coming:
        page.get_by_role("link", name="CSV").click()
    lines = coming.value.path().read_text("utf-8").splitlines()
    assert lines[0].startswith("id,event_id,call_id")
    assert len(lines) > 5
    assert all("exhausted" in line for line in lines[1:])


def test_anothers_delivery_is_not_there(visit: Callable[..., Shown], sample: Sample, own: Api) -> None:
    row = sample.api.deliveries(limit=1)[0]["id"]
    shown = visit("developer", url=sample.link("developer", own.account))
    home = sample.home.replace(sample.api.account, own.account)
    for url in (f"{home}/log/{row}", f"{sample.home}/log/{row}", f"{sample.home}/log"):
        answer = shown.page.goto(url)
        assert answer is not None
        assert answer.status == 404


def test_without_scripts_all_of_it_works(visit: Callable[..., Shown], sample: Sample) -> None:
    page = visit("developer", scripts=False).go("/log")
    expect(page.get_by_role("button", name="Live")).to_have_count(0)
    page.get_by_label("Event", exact=True).fill("call.completed")
    page.get_by_role("button", name="Filter").click()
    page.locator("a.opens").first.click()
    page.get_by_role("link", name="Check the signature").click()
    expect(page.get_by_text("it holds")).to_be_visible()
    page.get_by_text("As a command for curl").click()
    expect(page.locator("#curl-1")).to_be_visible()
    page.get_by_role("link", name="call-7").click()
    expect(page.get_by_role("list", name="What happened, in order").locator(":scope > li")).to_have_count(4)


def test_what_could_not_be_reached_says_why_and_what_to_do(visit: Callable[..., Shown], sample: Sample, own: Api) -> None:
    own.endpoint("http://127.0.0.1:9/nobody", "standard")
    call = {"id": "gone", "direction": "inbound", "from": "+61288880000", "to": "+611800111222"}
    own.send({"type": "call.starting", "at": "2026-11-20T12:00:00Z", "call": call})
    until(lambda: own.deliveries(state="retrying"), 15)
    shown = visit("developer", url=sample.link("developer", own.account))
    page = shown.go(f"{sample.home.replace(sample.api.account, own.account)}/log?state=waiting")
    page.locator("a.opens").first.click()
    expect(page.get_by_text("Nothing listens there, or it cannot be reached.")).to_be_visible()
    expect(page.get_by_text("Check that the receiver runs")).to_be_visible()
    expect(page.locator(".waterfall svg")).to_have_attribute("aria-label", re.compile("Until it failed"))
