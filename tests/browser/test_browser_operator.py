"""The operator's pages, as the operator walks them, and as nobody else does."""

import re
from collections.abc import Callable

from browser_harness import Sample, Shown
from harness import Api
from playwright.sync_api import expect

PAGES = ("/portal/node", "/portal/notes", "/portal/audit", "/portal/keys")


def test_an_account_is_made_and_given_limits_keys_and_links(visit: Callable[..., Shown], sample: Sample) -> None:
    shown = visit()
    page = shown.go(shown.home.split("/portal")[0] + "/portal/accounts")
    page.get_by_label("Name").fill("Tide Legal")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("shown this once")).to_be_visible()
    page.goto(page.url)
    page.get_by_role("link", name="Limits and keys of Tide Legal").click()
    expect(page.get_by_role("heading", name="Tide Legal")).to_be_visible()
    page.get_by_label("Updates a second").fill("many")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("events per s")
    expect(page.get_by_label("Updates a second")).to_have_value("many")
    page.get_by_label("Updates a second").fill("50")
    page.get_by_label("Country").fill("au")
    page.get_by_label("Only numbers that begin so").check()
    page.get_by_label("Beginnings of numbers").fill("+61, +64")
    page.get_by_label("Flows").fill("menu = https://example.com/menu")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    account = page.url.rpartition("/")[2]
    kept = sample.server.operator.get(f"/v1/accounts/{account}")
    assert (kept["events_per_s"], kept["call_prefixes"], kept["country"]) == (50, ["+61", "+64"], "AU")
    assert kept["flows"] == {"menu": "https://example.com/menu"}
    page.get_by_label("New key").fill("the CRM's")
    page.get_by_role("button", name="Make it").first.click()
    expect(page.get_by_text("The key “the CRM's”, shown this once:")).to_be_visible()
    text = page.locator(".note code").inner_text()
    assert Api(sample.server.port, text).call("GET", "/v1/endpoints")[0] == 200
    shown.see("operator-account")
    page.get_by_label("A link into the portal, for").fill("Kim")
    page.get_by_role("button", name="Make it").last.click()
    expect(page.locator(".note code")).to_contain_text("/portal/in/")
    page.goto(f"{shown.home.split('/portal')[0]}/portal/accounts/{account}")
    expect(page.locator(".note")).to_have_count(0)
    page.get_by_role("button", name="Revoke").first.click()
    shown.axe("operator-revoke")
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("the CRM's", exact=True)).to_have_count(0)
    assert Api(sample.server.port, text).call("GET", "/v1/endpoints")[0] == 401


def test_keys_of_the_operator(visit: Callable[..., Shown], sample: Sample) -> None:
    shown = visit()
    page = shown.go(shown.home.split("/portal")[0] + "/portal/keys")
    page.get_by_label("Name").fill("monitoring")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("The key “monitoring”, shown this once:")).to_be_visible()
    shown.see("operator-keys")
    row = page.get_by_role("row").filter(has_text="monitoring")
    row.get_by_role("button", name="Revoke").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("row").filter(has_text="monitoring")).to_have_count(0)


def test_health_and_notes_tell_of_what_fits_no_account(visit: Callable[..., Shown], sample: Sample) -> None:
    stray = {"id": "stray-1", "direction": "inbound", "from": "<script>alert(1)</script>", "to": "+61299998888"}
    sample.server.operator.call("POST", "/v1/events", {"type": "call.starting", "at": "2026-11-20T12:00:00Z", "call": stray})
    shown = visit()
    origin = shown.home.split("/portal")[0]
    page = shown.go(origin + "/portal/node")
    expect(page.get_by_text("in flight")).to_be_visible()
    expect(page.get_by_text(re.compile(r"fit no account"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"free of"))).to_be_visible()
    shown.see("operator-health")
    before = page.locator("#node time").first.get_attribute("datetime")
    expect(page.locator("#node time").first).not_to_have_attribute("datetime", before or "", timeout=15_000)
    page.get_by_role("link", name="Look", exact=True).click()
    expect(page.get_by_text("stray-1")).to_be_visible()
    shown.see("operator-notes")
    page.get_by_role("link", name="Gaps of a source").click()
    expect(page.get_by_text("There is no note of this kind.")).to_be_visible()


def test_the_audit_log_is_filtered(visit: Callable[..., Shown], sample: Sample) -> None:
    sample.api.post("/v1/properties", {"name": "audited"})
    shown = visit()
    page = shown.go(shown.home.split("/portal")[0] + "/portal/audit")
    page.get_by_label("What").fill("post /v1/properties")
    page.get_by_label("Account").select_option(label="Harbour Dental")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("row").nth(1)).to_contain_text("POST /v1/properties")
    shown.see("operator-audit")
    page.get_by_label("Until UTC").fill("2020-01-01T00:00")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("No change fits this filter.")).to_be_visible()
    page.get_by_role("link", name="Clear").click()
    expect(page.get_by_role("row").nth(5)).to_be_visible()


def test_nobody_else_finds_them(visit: Callable[..., Shown], sample: Sample) -> None:
    for role in ("developer", "viewer"):
        shown = visit(role)
        origin = shown.home.split("/portal")[0]
        for path in (*PAGES, f"/portal/accounts/{sample.api.account}"):
            assert shown.page.request.get(origin + path).status == 404, (role, path)
        shown.go()
        expect(shown.page.get_by_role("link", name="Audit log")).to_have_count(0)
        token = shown.page.locator("input[name=csrf]").first.input_value()
        for path in ("/portal/keys", f"/portal/accounts/{sample.api.account}/keys", f"/portal/accounts/{sample.api.account}"):
            answer = shown.page.request.post(origin + path, form={"csrf": token, "name": "x", "role": "operator"})
            assert answer.status == 404, (role, path)
