"""Every document on docs/voxml.md runs on a simulated call, with whatever it names beside it."""

import re
from pathlib import Path

import pytest

from ringback.calls.model import FINAL
from ringback.live.simulation import Setup, run
from ringback.live.telling import text_of
from ringback.live.transcript import Replied, Requested

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "voxml.md").read_text()
DOCUMENTS: list[str] = re.findall(r"```xml\n(.*?)```", PAGE, re.DOTALL)
NAMED = re.compile(r"(?:action|url)=\"([^\"]+)\"|<Redirect[^>]*>([^<]+)<")
SCRIPTS = (
    "digits 1, digits 2, digits 4539578763621486, digits 1239, digits 737, wait 5s, hangup; callee: answer, wait 5s, hangup",
    "speech 'sales please', say nothing, say nothing; callee: busy",
    "wait 3s, hangup",
)


def name_of(document: str) -> str:
    verbs = [verb for verb in re.findall(r"<([A-Z]\w+)", document) if verb != "Response"]
    return "-".join(dict.fromkeys(verbs)) or "empty"


def test_the_page_has_documents() -> None:
    assert len(DOCUMENTS) > 10


@pytest.mark.parametrize("document", DOCUMENTS, ids=map(name_of, DOCUMENTS))
@pytest.mark.parametrize("script", SCRIPTS, ids=["keys", "speech", "leaves"])
def test_a_document_of_the_page_runs(document: str, script: str, tmp_path: Path) -> None:
    (tmp_path / "first.xml").write_text(document)
    flows = {name: str(tmp_path / "flow.xml") for name in re.findall(r"<Flow[^>]*>([^<]+)</Flow>", document)}
    for named in ("/flow", *(one or other for one, other in NAMED.findall(document))):
        path = tmp_path / f"{named.partition('?')[0].removeprefix('.').strip('/')}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("<Response><Say>Here we are.</Say></Response>")
    transcript = run(Setup(document=str(tmp_path / "first.xml"), script=script, flows=flows, seed=1))
    shown = text_of(transcript)
    assert transcript.errors == [], shown
    assert transcript.ended.status in FINAL, shown
    assert all(reply.verbs is not None for reply in transcript.of(Replied)), shown
    assert transcript.of(Requested), shown
