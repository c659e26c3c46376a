"""Getting in as a person does; and that nothing which callers and receivers have written runs."""

from collections.abc import Callable

from browser_harness import Sample, Shown
from harness import Got
from playwright.sync_api import expect

BAD = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg onload=alert(3)>{{7*7}}"


def test_the_operator_uses_the_key(visit: Callable[..., Shown], sample: Sample) -> None:
    shown = visit(None)
    page = shown.go("/endpoints")
    shown.see("door")
    page.get_by_label("Key").fill("not the key")
    page.get_by_role("button", name="Come in").click()
    expect(page.get_by_role("alert")).to_contain_text("no key that is known")
    shown.see("door-wrong")
    page.get_by_label("Key").fill("operator-key-of-the-tests")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Endpoints")).to_be_visible()
    assert page.url.endswith("/endpoints")
    page.get_by_role("link", name="operator").click()
    shown.see("sessions")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Key")).to_be_visible()


def test_a_customer_presses_the_button_of_a_link(visit: Callable[..., Shown], sample: Sample) -> None:
    shown, url = visit(None), sample.link("viewer")
    page = shown.go(url)
    expect(page.get_by_text("lets you in to Harbour Dental")).to_be_visible()
    shown.see("door-link")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    expect(page.get_by_role("link", name="New endpoint")).to_have_count(0)
    second = visit(None)
    second.go(url)
    expect(second.page.get_by_text("used already")).to_be_visible()
    second.see("door-used")


def test_links_that_were_made_stand_beside_the_sessions_and_are_ended_there(visit: Callable[..., Shown], sample: Sample) -> None:
    path = f"/v1/accounts/{sample.api.account}/portal-links"
    good = sample.server.operator.post(path, {"role": "viewer", "name": "Robin"})["url"]
    used = sample.server.operator.post(path, {"role": "developer", "name": "Ash"})["url"]
    visit("developer", url=used)
    shown = visit("developer")
    page = shown.go(f"{sample.home.partition('/portal')[0]}/portal/sessions")
    links = page.get_by_role("region", name="Links")
    row = links.get_by_role("row").filter(has_text="Robin")
    expect(row).to_contain_text("viewer")
    expect(row).to_contain_text("not yet")
    past = links.get_by_role("row").filter(has_text="Ash")
    expect(past).not_to_contain_text("not yet")
    expect(past.get_by_role("button", name="End")).to_have_count(0)
    shown.see("sessions-and-links")
    row.get_by_role("button", name="End").click()
    expect(links.get_by_role("row").filter(has_text="Robin")).to_have_count(0)
    late = visit(None)
    late.go(good)
    expect(late.page.get_by_text("not good any more")).to_be_visible()
    viewer = visit("viewer")
    viewer.go(f"{sample.home.partition('/portal')[0]}/portal/sessions")
    expect(viewer.page.get_by_role("button", name="End")).to_have_count(0)


def test_the_keyboard_is_enough(visit: Callable[..., Shown], sample: Sample) -> None:
    shown = visit("developer")
    page = shown.go("/endpoints")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="New endpoint")).to_be_focused()
    shown.go(f"/endpoints/{sample.endpoints['crm']}")
    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    shown.axe("a dialog")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_operator_chooses_an_account(visit: Callable[..., Shown], sample: Sample) -> None:
    sample.server.account(BAD)
    shown = visit()
    page = shown.go(f"{sample.home.partition('/portal')[0]}/portal")
    expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
    expect(page.get_by_text(BAD, exact=True)).to_be_visible()
    shown.see("accounts")


def test_nothing_that_others_have_written_runs(visit: Callable[..., Shown], sample: Sample) -> None:
    def answer(got: Got) -> tuple[int, dict[str, str], bytes]:
        return 200, {"Content-Type": "text/html", "X-Bad": "<b onclick=alert(4)>"}, BAD.encode()

    api = sample.server.account(BAD)
    before, sample.good.answer = sample.good.answer, answer  # type: ignore[assignment]
    try:
        made = api.endpoint(
            f"{sample.good.url}/?q=%3Cscript%3Ealert(5)%3C/script%3E", description=BAD, filters=[{"key": "number", "value": BAD}]
        )
        api.send(
            {
                "type": "call.ongoing",
                "at": "2026-11-20T12:00:00Z",
                "call": {
                    "id": BAD,
                    "direction": "inbound",
                    "from": BAD,
                    "to": "sip:<script>alert(6)</script>@x",
                    "caller_name": BAD,
                },
            }
        )
        shown = visit("developer", sample.link("developer", api.account))
        shown.home = shown.home.rpartition("/")[0] + f"/{api.account}"
        page = shown.go()
        expect(page.get_by_text(BAD, exact=True).first).to_be_visible()
        for path in ("/endpoints", f"/endpoints/{made['id']}", f"/endpoints/{made['id']}/edit", f"/endpoints/{made['id']}/test"):
            shown.go(path)
        page.get_by_role("button", name="call.ringing").click()
        expect(page.get_by_label("Response of attempt 1")).to_contain_text(BAD)
        shown.see("hostile")
    finally:
        sample.good.answer = before
