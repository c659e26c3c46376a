"""Numbers, trying them, and the checker of VoXML, as a person walks them."""

from collections.abc import Callable, Iterator

import pytest
from browser_harness import Sample, Shown
from harness import Receiver, running_receiver
from playwright.sync_api import expect

XML = {"Content-Type": "application/xml"}
MENU = b"""<Response><Answer/><Gather numDigits="1" output="menu"><Say>For sales press 1.</Say></Gather>
<Say>&lt;script&gt;alert(1)&lt;/script&gt;</Say><Hangup/></Response>"""


@pytest.fixture(scope="module")
def application() -> Iterator[Receiver]:
    with running_receiver() as kept:
        kept.answer = lambda got: (200, XML, MENU)
        yield kept


def test_a_number_is_registered_tried_changed_and_let_go(
    visit: Callable[..., Shown], sample: Sample, application: Receiver
) -> None:
    shown = visit("developer")
    page = shown.go("/numbers")
    expect(page.get_by_text("No number yet")).to_be_visible()
    shown.see("numbers-empty")
    page.get_by_label("New property").fill("shop.example.com")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("button", name="Delete shop.example.com")).to_be_visible()
    page.get_by_role("link", name="Register the first").click()
    page.get_by_label("Number", exact=False).first.fill("+611800111222")
    page.get_by_label("Name").fill("Front desk")
    page.get_by_label("Property").select_option(label="shop.example.com")
    page.get_by_label("Fallback URL").fill("https://example.com/fallback")
    page.get_by_label("Say a text and hang up").check()
    page.get_by_label("Text that is said").fill("We are closed now.")
    page.get_by_role("button", name="Register the number").click()
    expect(page.get_by_role("alert")).to_contain_text("voice url")
    page.get_by_label("Voice URL").fill(f"{application.url}/voice")
    shown.see("number-new")
    page.get_by_role("button", name="Register the number").click()
    expect(page.get_by_role("heading", name="Front desk")).to_be_visible()
    expect(page.get_by_text("We are closed now.")).to_be_visible()
    shown.see("number")
    page.get_by_role("link", name="Try it").click()
    page.get_by_text("What you expect, and who calls").click()
    page.get_by_label("What must happen").fill("says 'for sales'\ndials +13005550100")
    page.get_by_role("button", name="Call it").click()
    expect(page.get_by_text("pressed 1")).to_be_visible()
    expect(page.get_by_text('"<script>alert(1)</script>"')).to_be_visible()
    expect(page.get_by_text("not as it should")).to_be_visible()
    shown.see("number-try")
    page.get_by_label("What the caller does").fill("dance")
    page.get_by_role("button", name="Call it").click()
    expect(page.get_by_role("alert")).to_contain_text("Script, character 1")
    shown.go("/numbers")
    shown.see("numbers")
    page.get_by_role("link", name="+611800111222", exact=True).click()
    page.get_by_role("link", name="Change").click()
    page.get_by_label("Webhooks").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("off", exact=True)).to_be_visible()
    page.get_by_role("button", name="Let it go").click()
    shown.axe("number-let-go")
    page.get_by_role("dialog").get_by_role("button", name="Let it go").click()
    expect(page.get_by_text("No number yet")).to_be_visible()
    page.get_by_role("button", name="Delete shop.example.com").click()
    expect(page.get_by_text("shop.example.com", exact=True)).to_have_count(0)


def test_a_document_is_checked_and_called(visit: Callable[..., Shown], sample: Sample) -> None:
    shown = visit("developer")
    page = shown.go("/numbers/voxml")
    page.get_by_role("button", name="Check it", exact=True).click()
    expect(page.get_by_text("Nothing is wrong with it.")).to_be_visible()
    page.get_by_label("Document").fill(
        '<Response>\n  <Answer/>\n\t<Say loops="2">Hello ${name}.</Say>\n  <Dail>+13005550100</Dail>\n</Response>\n'
    )
    page.get_by_role("button", name="Check it", exact=True).click()
    expect(page.get_by_text("line 3, column 7")).to_be_visible()
    expect(page.get_by_label("Line 3").first).to_contain_text('<Say loops="2">')
    shown.see("voxml-wrong")
    page.get_by_label("Document").fill("<Response>\n  <Answer/>\n  <Say>Hello.</Say>\n  <Hangup/>\n</Response>\n")
    page.get_by_role("button", name="Check it and call it").click()
    expect(page.get_by_text('"Hello."')).to_be_visible()
    shown.see("voxml-called")


def test_a_viewer_looks_and_strangers_find_nothing(visit: Callable[..., Shown], sample: Sample) -> None:
    number = "+611800999777"
    sample.api.post("/v1/numbers", {"number": number, "voice": {"url": "https://example.com/voice"}})
    try:
        shown = visit("viewer")
        page = shown.go(f"/numbers/at/{number}")
        expect(page.get_by_role("heading", name=number)).to_be_visible()
        expect(page.get_by_role("link", name="Try it")).to_have_count(0)
        assert shown.page.request.get(f"{shown.home}/numbers/at/{number}/try").status == 403
        assert shown.page.request.get(f"{shown.home}/numbers/at/+611800999776").status == 404
        other = sample.server.account("Somebody else")
        stranger = visit("developer", sample.link("developer", other.account))
        for path in ("/numbers", f"/numbers/at/{number}", "/numbers/voxml"):
            assert stranger.page.request.get(f"{shown.home}{path}").status == 404
        own = shown.home.replace(sample.api.account or "", other.account or "")
        assert stranger.page.request.get(f"{own}/numbers/at/{number}").status == 404
    finally:
        assert sample.api.call("DELETE", f"/v1/numbers/{number}")[0] < 300
