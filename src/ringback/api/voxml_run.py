"""`POST /v1/voxml/run`: a simulated call to an application or a document, with what was asked, heard and told; nobody is called."""

from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import post
from msgspec import Meta, Struct

from ringback.api.common import NO_CONTROLS, AccountId, TheEngine
from ringback.delivery.guard import check_url
from ringback.engine.server import Engine
from ringback.errors import Conflict, InvalidInput
from ringback.live.expectations import Expectation, dialects_of, read_expectation
from ringback.live.judging import judge, unexpected
from ringback.live.simulation import Setup
from ringback.live.telling import lines_of
from ringback.live.transcript import Entry, Transcript
from ringback.webhooks.credentials import split_credentials

CALLER: Final = "+14025550100"
CALLED: Final = "+17015550123"
SHEET: Final = "document.xml"
"""What a document that is given as text is called in the transcript."""
MOST_CHARS: Final = 65_536
MOST_EXPECTED: Final = 50
_SHOWN: Final = 4_000
"""Characters of one value of an entry: documents are cut there."""

Address = Annotated[str, Meta(min_length=1, max_length=128, pattern="^[!-~]+$")]
Script = Annotated[str, Meta(max_length=2_000)]
Line = Annotated[str, Meta(min_length=1, max_length=500, pattern=NO_CONTROLS)]


class NewRun(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who answers the call: `url`, an application's; `document`, VoXML as text; or `number`, one of the account's that has a voice
    URL; one of the three. `script`: what the caller does (docs/simulator.md). `expect`: what must happen, in order. `from`, `to`:
    who calls whom."""

    url: Annotated[str, Meta(min_length=1, max_length=8_192)] | None = None
    document: Annotated[str, Meta(min_length=1, max_length=MOST_CHARS)] | None = None
    number: Address | None = None
    script: Script = ""
    expect: Annotated[list[Line], Meta(max_length=MOST_EXPECTED)] = []
    from_: Address = msgspec.field(name="from", default=CALLER)
    to: Address = CALLED
    method: Literal["POST", "GET"] = "POST"


class RunLine(Struct, frozen=True):
    """A line for people: when (minutes, seconds and tenths since the call began), who, what. `tone`: plain, app, heard, party,
    quiet, good, bad or warn."""

    at: str
    who: str
    text: str
    tone: str


class ExpectationView(Struct, frozen=True):
    """What became of an expectation. `why`: what is wrong, and what was there instead; empty if nothing is."""

    text: str
    ok: bool
    why: str


class RunView(Struct, frozen=True):
    """A simulated call. `ok`: every expectation came true, and there was no error that none of them speaks of. `entries`: what
    happened, as `ringback voxml run --json` prints it, long values cut; `lines`: the same for people."""

    ok: bool
    entries: list[dict[str, Any]]
    lines: list[RunLine]
    expectations: list[ExpectationView]


@post("/v1/voxml/run", status_code=200, tags=["voxml"])
async def run_voxml(data: NewRun, engine: TheEngine, account: AccountId) -> RunView:
    """Simulates a call: no carrier, no waiting, no charge. Applications are asked as they are by a live call, wherever webhooks may
    go; it takes 15 seconds and tells 500 things at the most."""
    expected = [_expectation(text, place) for place, text in enumerate(data.expect)]
    setup = msgspec.structs.replace(_setup(data, engine, account), dialects=tuple(dialects_of(expected)))
    return _view(expected, await engine.simulations.run(account, setup))


def _expectation(text: str, place: int) -> Expectation:
    """Raises InvalidInput."""
    try:
        return read_expectation(text)
    except InvalidInput as error:
        raise InvalidInput(str(error), f"expect[{place}]") from None


def _setup(data: NewRun, engine: Engine, account: str) -> Setup:
    """Raises InvalidInput; Conflict for a number that nobody is asked about."""
    if [data.url, data.document, data.number].count(None) != 2:
        raise InvalidInput("give the application's url, the document or a number, one of the three")
    call = Setup(document=SHEET, script=data.script, from_=data.from_, to=data.to, method=data.method)
    if data.document is not None:
        return msgspec.structs.replace(call, text=data.document)
    if data.url is not None:
        return msgspec.structs.replace(call, document=_reachable(data.url, engine, account))
    assert data.number is not None
    voice = engine.book.number(account, data.number).voice
    if voice is None:
        raise Conflict("nobody is asked about this number's calls: give it a voice URL")
    return msgspec.structs.replace(call, document=voice.url, method=voice.method, voice=voice, to=data.number)


def _reachable(url: str, engine: Engine, account: str) -> str:
    """A URL that may be asked. Raises InvalidInput. Names are judged when they are resolved."""
    try:
        bare, _ = split_credentials(url)
        check_url(bare.partition("#")[0], engine.sender_settings, account)
    except InvalidInput as error:
        raise InvalidInput(str(error), "url") from None
    return url


def _view(expected: list[Expectation], transcript: Transcript) -> RunView:
    verdicts = judge(expected, transcript)
    return RunView(
        ok=not unexpected(expected, transcript) and all(verdict.ok for verdict in verdicts),
        entries=[_cut(entry) for entry in transcript],
        lines=[RunLine(line.at, line.who, line.text, line.tone) for entry in transcript for line in lines_of(entry)],
        expectations=[ExpectationView(one.expectation.text, one.ok, one.why) for one in verdicts],
    )


def _cut(entry: Entry) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(entry)
    return {name: value[:_SHOWN] if isinstance(value, str) else value for name, value in found.items()}
