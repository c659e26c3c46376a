"""The pages as a person has them: Debian's Chromium, a real server with something in it, screenshots, and axe.

A test asks for `visit` and says who it is: `visit()` is the operator, `visit("developer")` and `visit("viewer")` are customers who
came by a link, `visit(None)` is nobody. `shown.go(path)` opens a page below the sample account's. `shown.see(name)` keeps
screenshots under build/screenshots, in light and dark and at 400 px, and fails on what axe finds. What goes to the console as an
error, or breaks the page's policy, fails the test at its end.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from harness import Api, Receiver, Server, running_receiver, start_server, until
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "build" / "screenshots"
AXE = ROOT / "build" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
WIDE, NARROW = {"width": 1280, "height": 860}, {"width": 400, "height": 860}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""


@dataclass
class Sample:
    """A server with one account, whose endpoints do well and badly, and calls that were told of. `api` is the account's."""

    server: Server
    api: Api
    good: Receiver
    bad: Receiver
    endpoints: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> str:
        return f"http://127.0.0.1:{self.server.port}/portal/{self.api.account}"

    def link(self, role: str, account: str = "") -> str:
        made = self.server.operator.post(f"/v1/accounts/{account or self.api.account}/portal-links", {"role": role, "name": "Kim"})
        return str(made["url"])


@dataclass
class Shown:
    """A page of the browser, and what is looked for on every one."""

    page: Page
    home: str
    faults: list[str] = field(default_factory=list)

    def go(self, path: str = "") -> Page:
        """To a page below the account's (or a whole URL)."""
        self.page.goto(path if path.startswith("http") else self.home + path)
        return self.page

    def see(self, name: str, *, narrow: bool = True) -> None:
        """Screenshots, and no fault that axe finds, in both schemes; at 400 px nothing is wider than the window."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            self.page.screenshot(path=SHOTS / f"{name}-{scheme}.png", full_page=True)
            self.axe(f"{name} {scheme}")
        self.page.emulate_media(color_scheme="light")
        if narrow:
            self.page.set_viewport_size(NARROW)  # type: ignore[arg-type]
            self.page.screenshot(path=SHOTS / f"{name}-400px.png", full_page=True)
            width = self.page.evaluate("document.documentElement.scrollWidth")
            assert width <= NARROW["width"], f"{name} is {width} px wide at 400 px"
            self.page.set_viewport_size(WIDE)  # type: ignore[arg-type]

    def axe(self, name: str) -> None:
        """What axe finds on the page as it is."""
        self.page.evaluate(AXE.read_text("utf-8") + "\n;0")
        found: Any = self.page.evaluate("rules => axe.run(document, rules)", RULES)
        told = [
            f"{one['id']} ({one['impact']}): {one['help']}: {node['target']}: {node['failureSummary']}"
            for one in found["violations"]
            for node in one["nodes"]
        ]
        assert not told, f"{name}:\n" + "\n".join(told)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for each file: as long as Playwright is there its loop runs, and no other test of the process could run one."""
    assert CHROMIUM, "Chromium is not there: run python3 tools/setup.py test"
    assert AXE.exists(), "axe-core is not there: run python3 tools/setup.py test"
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=[*arguments, "--disable-dev-shm-usage"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    with running_receiver() as good, running_receiver() as bad:
        good.answer = lambda got: (200, {"Content-Type": "text/plain"}, b"thanks")
        bad.answer = lambda got: 500
        server = start_server(tmp_path_factory.mktemp("portal") / "data", "--switch", "simulated")
        made = Sample(server, server.account("Harbour Dental"), good, bad)
        fill(made)
        yield made
        assert server.stop() == 0, server.log.read_text()


def fill(sample: Sample) -> None:
    """Endpoints of three dialects, and calls whose webhooks arrived, or did not."""
    api = sample.api
    for name, url, dialect, more in (
        ("crm", f"{sample.good.url}/crm", "standard", {"description": "CRM"}),
        ("voc", f"{sample.good.url}/voc", "voc", {"events": ["inboundCallStart", "inboundCallEnd"]}),
        ("old", f"{sample.bad.url}/old", "voc", {"description": "The old system", "order": "none"}),
    ):
        sample.endpoints[name] = api.endpoint(url, dialect, **more)["id"]
    for number in range(8):
        call = {"id": f"call-{number}", "direction": "inbound", "from": f"+6128888000{number}", "to": "+611800111222"}
        for second, kind in enumerate(("starting", "ringing", "ongoing", "completed")):
            if number or kind != "completed":
                at = f"2026-11-20T12:00:{second:02d}Z"
                api.send({"type": f"call.{kind}", "at": at, "call": {**call, "extension": "280085"}})
    until(lambda: not api.deliveries(state="pending") and len(api.deliveries(state="exhausted", limit=100)) >= 12, 30)


@pytest.fixture
def visit(browser: Browser, sample: Sample) -> Iterator[Callable[..., Shown]]:
    """Somebody comes in: `visit()` the operator, `visit("developer")`, `visit("viewer")`, `visit(None)` nobody."""
    opened: list[Shown] = []

    def come(role: str | None = "operator", url: str | None = None, *, scripts: bool = True) -> Shown:
        context = browser.new_context(
            viewport=WIDE,  # type: ignore[arg-type]
            timezone_id="Australia/Sydney",
            locale="en-GB",
            reduced_motion="reduce",
            java_script_enabled=scripts,
        )
        shown = Shown(context.new_page(), sample.home)
        shown.page.set_default_timeout(10_000)
        watch(shown)
        opened.append(shown)
        if role == "operator":
            shown.page.goto(f"{sample.home}/")
            shown.page.get_by_label("Key").fill("operator-key-of-the-tests")
            shown.page.get_by_role("button", name="Come in").click()
        elif role is not None:
            shown.page.goto(url or sample.link(role))
            shown.page.get_by_role("button", name="Come in").click()
        return shown

    yield come
    faults = [fault for shown in opened for fault in shown.faults]
    for shown in opened:
        shown.page.context.close()
    assert not faults, "\n".join(faults)


def watch(shown: Shown) -> None:
    """Whatever a page complains of, and every request that goes elsewhere."""
    shown.page.on(
        "console",
        lambda told: (
            shown.faults.append(f"console: {told.text}")
            if told.type == "error" and "Failed to load resource" not in told.text
            else None
        ),
    )
    shown.page.on("pageerror", lambda error: shown.faults.append(f"script: {error}"))
    shown.page.on("dialog", lambda dialog: (shown.faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))

    def look(url: str) -> None:
        if not url.startswith(shown.home.split("/portal")[0]):
            shown.faults.append(f"asked elsewhere: {url}")

    shown.page.on("request", lambda asked: look(asked.url))


def json_of(shown: Shown, path: str, key: str) -> Any:
    """The twin of a page, asked with a key."""
    answer = shown.page.request.get(path, headers={"Authorization": f"Bearer {key}"})
    assert answer.ok, answer.text()
    return json.loads(answer.text())
