"""The docs inside, as a person reads them."""

from collections.abc import Callable
from importlib import import_module

import pytest
from browser_harness import Sample, Shown
from playwright.sync_api import expect

from ringback.dialects import load_dialects


def test_the_dialects_are_listed(visit: Callable[..., Shown], sample: Sample) -> None:
    shown = visit("viewer")
    page = shown.go()
    page.get_by_role("link", name="Docs").click()
    expect(page.get_by_role("heading", name="Docs")).to_be_visible()
    for title in ("Standard Webhooks", "Bird", "Fone Dynamics", "Voice Over Cloud", "Voxtelesys"):
        expect(page.get_by_role("link", name=title)).to_be_visible()
    shown.see("docs")


@pytest.mark.parametrize("name", ["bird", "fonedynamics", "standard", "voc", "voxtelesys"])
def test_a_dialect_is_told_whole(visit: Callable[..., Shown], sample: Sample, name: str) -> None:
    dialect = load_dialects()[name]
    shown = visit("developer")
    page = shown.go(f"/docs/{name}")
    for event in dialect.events:
        expect(page.locator("#events summary").filter(has_text=event).first).to_be_visible()
    expect(page.locator("#events details[open] .url").first).to_contain_text("https://example.com/hook")
    for language, mark in (
        ("Python", "run with Python"),
        ("JavaScript", "run with Node"),
        ("Go", "run with Go"),
        ("PHP", "not run"),
    ):
        expect(page.locator("#verify summary").filter(has_text=language)).to_contain_text(mark)
    page.locator("#verify summary").filter(has_text="JavaScript").click()
    expect(page.get_by_label("JavaScript", exact=True)).to_contain_text("export function verify")
    expect(page.get_by_label("Python", exact=True)).to_be_hidden()
    for mark in {fact.mark for fact in import_module(type(dialect).__module__).FACTS}:
        expect(page.locator("#rules .badge").filter(has_text=mark)).to_be_visible()
    shown.see(f"docs-{name}")


def test_what_is_not_there_is_not_found(visit: Callable[..., Shown], sample: Sample) -> None:
    shown = visit("developer")
    assert shown.page.request.get(f"{shown.home}/docs/nothing").status == 404
    other = sample.server.account("Somebody else")
    stranger = visit("developer", sample.link("developer", other.account))
    assert stranger.page.request.get(f"{shown.home}/docs").status == 404
