"""A search that ended early goes on by itself; without scripts, by a link."""

from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from browser_harness import Shown
from harness import Api, Server
from hasty_searches import NUMBER, hasty
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Api, str]]:
    with hasty(tmp_path_factory.mktemp("hasty")) as made:
        yield made


def pages_of(server: Server, api: Api) -> str:
    return f"http://127.0.0.1:{server.port}/portal/{api.account}"


def come(visit: Callable[..., Shown], server: Server, api: Api, *, scripts: bool = True) -> Shown:
    """In by a link of the other server's."""
    shown = visit(None, scripts=scripts)
    shown.home = pages_of(server, api)
    shown.page.goto(server.operator.post(f"/v1/accounts/{api.account}/portal-links", {"name": "Kim"})["url"])
    shown.page.get_by_role("button", name="Come in").click()
    return shown


def test_it_goes_on_until_all_was_looked_at(visit: Callable[..., Shown], hurried: tuple[Server, Api, str]) -> None:
    server, api, endpoint = hurried
    shown = come(visit, server, api)
    page = shown.go(f"/log?{urlencode({'endpoint': endpoint, 'number': NUMBER})}")
    expect(page.locator("#rows tr[data-id]")).to_have_count(3)
    expect(page.get_by_text("Looked back to")).to_have_count(0)
    page.locator("a.opens").first.click()
    expect(page.get_by_label("Response of attempt 1")).to_contain_text("thanks")
    shown.see("log-searched")
    page = shown.go(f"/calls?{urlencode({'q': NUMBER, 'status': 'ringing'})}")
    expect(page.locator("#calls tr[data-id]")).to_have_count(3)


def test_it_goes_on_only_until_a_page_is_full(visit: Callable[..., Shown], hurried: tuple[Server, Api, str]) -> None:
    server, api, _ = hurried
    page = come(visit, server, api).go("/log")
    expect(page.locator("#rows tr[data-id]").nth(49)).to_be_visible()
    page.get_by_role("link", name="Look further back").click()
    expect(page.get_by_role("link", name="Newest")).to_be_visible()


def test_what_would_be_sent_again_is_counted_on(visit: Callable[..., Shown], hurried: tuple[Server, Api, str]) -> None:
    server, api, endpoint = hurried
    shown = come(visit, server, api)
    answer = shown.page.request.get(f"{shown.home}/resend?state=succeeded&endpoint={endpoint}")
    assert "counting goes on" in answer.text()
    page = shown.go(f"/resend?state=succeeded&endpoint={endpoint}")
    expect(page.get_by_text("counting goes on")).to_have_count(0)
    expect(page.locator("#preview .figure")).to_have_text("61")
    shown.see("resend-counted")
    expect(page.locator("#preview input[name=counted]")).to_have_value("61")


def test_without_scripts_it_is_a_link(visit: Callable[..., Shown], hurried: tuple[Server, Api, str]) -> None:
    server, api, endpoint = hurried
    shown = come(visit, server, api, scripts=False)
    page = shown.go(f"/log?{urlencode({'endpoint': endpoint, 'number': NUMBER})}")
    expect(page.get_by_role("heading", name="Nothing yet")).to_be_visible()
    page.screenshot(path="build/screenshots/log-looked-back.png")
    for _ in range(10):
        if page.locator("tr[data-id]").count():
            break
        page.get_by_role("link", name="Look further back").click()
    expect(page.locator("#rows tr[data-id]").first).to_contain_text("call.ringing")
