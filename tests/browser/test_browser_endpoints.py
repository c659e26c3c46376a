"""Home, endpoints and their tests, as a person walks them."""

from collections.abc import Callable

from browser_harness import Sample, Shown
from playwright.sync_api import expect


def test_home_says_what_needs_somebody(visit: Callable[..., Shown], sample: Sample) -> None:
    shown = visit()
    page = shown.go()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    expect(page.get_by_text("deliveries gave up at")).to_be_visible()
    shown.see("home")


def test_the_list_and_one(visit: Callable[..., Shown], sample: Sample) -> None:
    shown = visit("developer")
    page = shown.go("/endpoints")
    expect(page.get_by_role("row")).to_have_count(4)
    shown.see("endpoints")
    page.get_by_role("link", name=f"{sample.good.url}/crm", exact=True).click()
    expect(page.get_by_role("heading", name="CRM")).to_be_visible()
    shown.see("endpoint")


def test_an_endpoint_is_made_with_a_filter_that_tells_what_it_would_have_matched(
    visit: Callable[..., Shown], sample: Sample
) -> None:
    shown = visit("developer")
    page = shown.go("/endpoints/new")
    shown.see("endpoint-dialects")
    page.get_by_role("link", name="Standard Webhooks").click()
    page.get_by_label("URL").fill(f"{sample.good.url}/made")
    page.get_by_label("Kind of filter 1").select_option("direction")
    page.get_by_label("Value of filter 1").fill("outbound")
    expect(page.locator("#preview")).to_contain_text("matched 0 of the last 31 events")
    page.get_by_label("Value of filter 1").fill("inbound")
    expect(page.locator("#preview")).to_contain_text("matched 31 of the last 31 events")
    shown.see("endpoint-new")
    page.get_by_role("button", name="Make the endpoint").click()
    expect(page.get_by_text("The secret, shown this once")).to_be_visible()
    expect(page.locator(".note code")).to_contain_text("whsec_")
    shown.see("endpoint-made")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("goes in")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("goes in")).to_have_count(0)


def test_a_test_shows_the_exchange_at_once(visit: Callable[..., Shown], sample: Sample) -> None:
    shown = visit("developer")
    page = shown.go(f"/endpoints/{sample.endpoints['voc']}/test")
    for event in ("inboundCallStart", "callRecordingAvailable"):
        page.get_by_role("button", name=event).click()
        expect(page.get_by_role("heading", name=event)).to_be_visible()
        expect(page.get_by_label("Response of attempt 1")).to_contain_text("thanks")
        expect(page.get_by_label("Request of attempt 1")).to_contain_text("POST")
    shown.see("endpoint-test")
