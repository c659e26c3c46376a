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
    live = page.get_by_role("group", name="Live calls").get_by_role("link", name="+61288880000", exact=True)
    live.first.click()
    expect(page.get_by_role("list", name="What happened, in order")).to_be_visible()


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


def test_what_gave_up_is_sent_again_from_home(visit: Callable[..., Shown], sample: Sample) -> None:
    shown = visit("developer")
    page = shown.go()
    page.get_by_role("link", name="Resend what gave up").first.click()
    expect(page.get_by_text("deliveries are to be sent again")).to_be_visible()
    shown.see("resend")
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.locator("#job .badge")).to_have_text("done", timeout=20_000)
    shown.see("resend-job")


def test_a_page_changes_by_itself(visit: Callable[..., Shown], sample: Sample) -> None:
    shown = visit("developer")
    page = shown.go()
    figure = page.get_by_role("figure").first.locator(".figure").first
    before = int(figure.inner_text())
    sample.api.send(
        {
            "type": "call.starting",
            "at": "2026-11-20T12:10:00Z",
            "call": {"id": "call-late", "direction": "inbound", "from": "+61288880009", "to": "+611800111222"},
        }
    )
    expect(figure).not_to_have_text(str(before))
    expect(page.get_by_text("+61288880009")).to_be_visible()


def test_without_scripts_all_of_it_works(visit: Callable[..., Shown], sample: Sample) -> None:
    shown = visit("developer", scripts=False)
    page = shown.go("/endpoints/new?dialect=voc")
    page.get_by_label("URL").fill(f"{sample.good.url}/plain")
    page.get_by_label("inboundCallStart").check()
    page.get_by_label("These:").check()
    page.get_by_role("button", name="Make the endpoint").click()
    page.get_by_role("link", name="Test", exact=True).click()
    page.get_by_role("button", name="inboundCallEnd").click()
    expect(page.get_by_label("Response of attempt 1")).to_contain_text("thanks")
    page.get_by_role("link", name=f"{sample.good.url}/plain").click()
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    expect(page.get_by_text("paused")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("healthy")).to_be_visible()


def test_what_does_not_fit_is_told_where_it_stands(visit: Callable[..., Shown], sample: Sample) -> None:
    shown = visit("developer")
    page = shown.go(f"/endpoints/{sample.endpoints['crm']}/edit")
    page.get_by_text("Limits, headers, certificates").click()
    page.get_by_label("Requests a second").fill("many")
    page.get_by_label("Description").fill("Changed")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Requests a second: must be a number")
    expect(page.get_by_label("Requests a second")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Description")).to_have_value("Changed")
    shown.see("endpoint-wrong")
    page.get_by_label("Requests a second").fill("50")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("50.0 a second")).to_be_visible()
