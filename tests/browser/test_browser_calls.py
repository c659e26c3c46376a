"""Calls as a person walks them: found, their life as a ladder, what was recorded and said, sent again as a whole, live."""

import io
import wave
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browser_harness import Sample, Shown, json_of
from harness import Api, Receiver, running_receiver, until
from playwright.sync_api import expect

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"
CALLER, NUMBER = "+61288887777", "+611800222333"


def update(kind: str, second: float, call: dict[str, Any], **data: Any) -> dict[str, Any]:
    minutes, seconds = divmod(second, 60)
    return {"type": f"call.{kind}", "at": f"2026-11-20T12:{int(minutes):02d}:{seconds:06.3f}Z", "call": call, "data": data}


def told(api: Api) -> None:
    """A conversation of three legs, with a menu, a ring group, a transfer, a recording and a transcript."""
    root = {"id": "conv-1", "direction": "inbound", "from": CALLER, "to": NUMBER, "caller_name": "Ada Berg", "crm_id": "lead-55"}
    desk = {"id": "conv-1-desk", "parent": "conv-1", "from": CALLER, "to": "280085"}
    sales = {"id": "conv-1-sales", "parent": "conv-1", "from": CALLER, "to": "+61298765432"}
    api.send(
        update("starting", 0, root),
        update("ringing", 0.4, root),
        update("ongoing", 1.2, root),
        update("ivr-option", 6.8, root, option="2"),
        update("starting", 7.1, desk),
        update("ringing", 7.6, desk),
        update("no-answer", 22.6, desk, sip_status=480),
        update("starting", 22.9, sales),
        update("ringing", 23.5, sales),
        update("ongoing", 27.25, sales),
        update("completed", 95.0, sales, ended_by="callee"),
        update("completed", 95.2, root, ended_by="callee", cause=16),
    )


def wav(seconds: int) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16_000 * seconds))
    return out.getvalue()


@pytest.fixture(scope="module")
def application() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def own(sample: Sample) -> Api:
    """An account of these tests' own, with one conversation that is over and all told."""
    api = sample.server.account("Ladder & Co")
    api.endpoint(f"{sample.good.url}/crm", "standard", description="CRM")
    api.endpoint(f"{sample.bad.url}/old", "voc", description="The old system", events=["inboundCallStart", "inboundCallEnd"])
    told(api)
    status, _, _ = api.raw("PUT", "/v1/calls/conv-1/recording?duration_s=2", wav(2), {"Content-Type": "audio/wav"})
    assert status == 200
    api.call(
        "PUT", "/v1/calls/conv-1/transcription", {"text": "Hello, Harbour Dental.\nA tooth hurts.", "summary": "A tooth hurts"}
    )
    until(lambda: len(api.deliveries(state="exhausted")) == 2, 20)
    return api


@pytest.fixture
def shown(visit: Callable[..., Shown], sample: Sample, own: Api) -> Shown:
    come = visit("developer", url=sample.link("developer", own.account))
    come.home = sample.home.replace(sample.api.account, own.account)
    return come


def test_a_call_is_found_by_number_id_and_crm_id(shown: Shown) -> None:
    page = shown.go("/calls")
    expect(page.get_by_role("row")).to_have_count(4)
    shown.see("calls")
    for text, count in (("conv-1-sales", 1), ("lead-55", 1), (CALLER, 3), ("+61 2 9876-5432", 1)):
        page.get_by_label("Number, call id or CRM id").fill(text)
        page.get_by_role("button", name="Find").click()
        expect(page.locator("tr[data-id]")).to_have_count(count)
    page.get_by_label("Number, call id or CRM id").fill("nobody")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("heading", name="No such call")).to_be_visible()
    page.get_by_role("link", name="All calls").click()
    page.get_by_label("Status").select_option("no-answer")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("tr[data-id]")).to_have_count(1)


def test_a_calls_life_is_a_ladder(shown: Shown, own: Api) -> None:
    page = shown.go("/calls")
    page.locator("tr[data-id='conv-1'] a.opens").click()
    life = page.get_by_role("list", name="What happened, in order")
    expect(life.locator(":scope > li")).to_have_count(14)
    expect(page.locator("ul.legs > li")).to_have_count(3)
    answered = life.locator("li.step", has_text="+27.2 s")
    expect(answered).to_contain_text("+61298765432 answers")
    expect(answered.get_by_role("link", name="CRM")).to_be_visible()
    pressed = life.locator("li.step", has_text="Key pressed: 2")
    expect(pressed).to_contain_text("call.ivr-option")
    expect(page.get_by_label("What was said")).to_contain_text("A tooth hurts.")
    player = page.get_by_label("The recording of this call")
    until(lambda: player.evaluate("audio => audio.duration") == 2)
    shown.see("call")
    twin = page.locator("link[rel=alternate]").get_attribute("href") or ""
    assert json_of(shown, shown.home.split("/portal")[0] + twin, own.key or "")["call"]["id"] == "conv-1"
    life.locator("li.step", has_text="Starts").first.locator(".got", has_text="The old system").locator(".got-link").click()
    expect(page.get_by_text("It gave up")).to_be_visible()


def test_silence_is_explained(shown: Shown) -> None:
    page = shown.go("/calls/call?id=conv-1")
    page.get_by_label("Endpoint", exact=True).select_option(
        label=page.locator("#why option", has_text="The old system").inner_text()
    )
    page.get_by_role("button", name="Why?").click()
    expect(page.locator(".explained > li").first).to_be_visible()
    expect(page.locator(".explained")).to_contain_text("not sent")
    shown.axe("call-why")


def test_the_whole_call_is_replayed(shown: Shown, application: Receiver) -> None:
    page = shown.go("/calls/call?id=conv-1")
    page.get_by_label("or to a URL").fill("http://192.0.2.1/")
    page.get_by_label("in the dialect").select_option("voc")
    page.get_by_role("button", name="Replay").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("or to a URL").fill(f"{application.url}/again")
    page.get_by_label("in the dialect").select_option("standard")
    page.get_by_role("button", name="Replay").click()
    expect(page.get_by_text("events are on the way again")).to_be_visible()
    expect(page.get_by_text("whsec_")).to_be_visible()
    shown.axe("call-replayed")
    types = [application.next().json["type"] for _ in range(14)]
    assert types[0] == "call.starting"
    page.get_by_role("link", name="Look how they fare").click()
    expect(page.locator("tr[data-id]").first).to_be_visible()


def test_an_instruction_and_its_document_stand_in_the_ladder_and_a_live_call_goes_on_by_itself(
    shown: Shown, own: Api, application: Receiver
) -> None:
    application.answer = lambda got: (
        200,
        {"Content-Type": "application/xml"},
        b'<?xml version="1.0"?><!-- <script>alert(3)</script> --><Response><Pause length="30"/></Response>',
    )
    own.post("/v1/numbers", {"number": "+611800999888", "voice": {"url": f"{application.url}/voice?secret=1"}})
    call = own.post("/v1/simulated-calls", {"from": CALLER, "to": "+611800999888", "script": "wait 30", "caller_name": HOSTILE})[
        "id"
    ]
    until(lambda: own.call("GET", f"/v1/calls/{call}")[0] == 200)
    page = shown.go(f"/calls/call?id={call}")
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    expect(page.get_by_text("Asked what to do")).to_be_visible(timeout=15_000)
    page.get_by_text("The document that it answered").click()
    expect(page.locator(".ladder pre")).to_contain_text("<Pause")
    shown.see("call-live")
    own.call("POST", f"/v1/calls/{call}/hang-up")
    expect(page.locator(".ladder li.step", has_text="No answer")).to_be_visible(timeout=15_000)
    expect(page.get_by_text("live", exact=True)).to_have_count(0)
    expect(page.locator(".ladder pre")).to_be_visible()


def test_what_callers_and_sources_say_does_not_run(shown: Shown, own: Api) -> None:
    call = {
        "id": f"x/{HOSTILE}?&#",
        "direction": "inbound",
        "from": CALLER,
        "to": NUMBER,
        "caller_name": HOSTILE,
        "crm_id": HOSTILE,
    }
    own.send(update("starting", 0, call), update("completed", 1, call))
    own.send(update("recording", 2, call, status="completed", url="https://example.com/x.wav#javascript:alert(4)"))
    own.send(update("transcription", 3, call, text=f"{HOSTILE} javascript:alert(5)"))
    page = shown.go("/calls")
    page.get_by_label("Number, call id or CRM id").fill(HOSTILE)
    page.get_by_role("button", name="Find").click()
    expect(page.locator("tr[data-id]")).to_have_count(1)
    page.locator("tr[data-id] a.opens").click()
    expect(page.get_by_label("What was said")).to_contain_text(HOSTILE)
    expect(page.get_by_text("It is kept elsewhere")).to_be_visible()
    shown.see("call-hostile")
    assert page.locator("main script, main img").count() == 0
    assert page.locator("main a[href^='javascript']").count() == 0


def test_a_viewer_hears_and_reads_nothing_of_it(visit: Callable[..., Shown], sample: Sample, own: Api) -> None:
    shown = visit("viewer", url=sample.link("viewer", own.account))
    shown.home = sample.home.replace(sample.api.account, own.account)
    page = shown.go("/calls/call?id=conv-1")
    expect(page.get_by_text("Recordings are not played to viewers.")).to_be_visible()
    expect(page.locator("audio")).to_have_count(0)
    expect(page.get_by_text("A tooth hurts")).to_have_count(0)
    expect(page.get_by_role("button", name="Replay")).to_have_count(0)
    answer = shown.page.request.get(f"{shown.home}/calls/recording?id=conv-1")
    assert answer.status == 403
    shown.axe("call of a viewer")


def test_anothers_call_is_not_there(visit: Callable[..., Shown], sample: Sample, own: Api) -> None:
    shown = visit("developer")
    for url in (f"{sample.home}/calls/call?id=conv-1", f"{sample.home}/calls/call?id=", f"{sample.home}/calls/recording?id=conv-1"):
        answer = shown.page.request.get(url)
        assert answer.status == 404, url
    assert shown.page.request.get(f"{sample.home.replace(sample.api.account, own.account)}/calls/call?id=conv-1").status == 404
