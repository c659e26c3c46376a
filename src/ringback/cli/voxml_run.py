"""`ringback voxml run`: a call without a carrier, at a terminal or in an application's CI."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringback.errors import InvalidInput

if TYPE_CHECKING:
    from ringback.calls.directory import Voice
    from ringback.live.expectations import Expectation
    from ringback.live.judging import Verdict
    from ringback.live.simulation import Setup
    from ringback.live.transcript import Entry, Transcript

EPILOG = (
    'Examples: [bold]ringback voxml run menu.xml --script "digits 1, hangup" --expect "says \'sales\'"[/bold], '
    '[bold]ringback voxml run http://127.0.0.1:5000/voice --script "digits 1; callee: ring 2s, answer, wait 10s, hangup" '
    "--dialect voc --expect 'dials +13005550100' --expect 'webhook inboundCallEnd'[/bold]"
)


def run(
    document: Annotated[str, typer.Argument(help="A VoXML file, or the http(s) URL of an application.", show_default=False)],
    script: Annotated[str, typer.Option(help="What the caller does, and whoever is called: see docs/simulator.md.")] = "",
    expect: Annotated[
        list[str] | None, typer.Option(help="What must happen, such as \"says 'sales'\"; may be repeated, in order.")
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Who calls. Default: +14025550100.", show_default=False)] = None,
    to: Annotated[str | None, typer.Option(help="Who is called. Default: +17015550123.", show_default=False)] = None,
    direction: Annotated[str, typer.Option(help="inbound, or outbound: a call that the account places.")] = "inbound",
    method: Annotated[str, typer.Option(help="POST or GET: how the application is asked first.")] = "POST",
    fallback: Annotated[
        str | None, typer.Option(help="A file or URL that is asked when the application has no answer, as a number's fallback URL.")
    ] = None,
    fallback_method: Annotated[str, typer.Option(help="POST or GET: how the fallback is asked.")] = "POST",
    var: Annotated[list[str] | None, typer.Option(help="NAME=VALUE: a variable from the beginning; may be repeated.")] = None,
    flow: Annotated[list[str] | None, typer.Option(help="ID=URL: a flow's document, for Connect; may be repeated.")] = None,
    dialect: Annotated[
        list[str] | None, typer.Option(help="Show what an endpoint of this dialect would get; may be repeated.")
    ] = None,
    webhooks: Annotated[str, typer.Option(help="short: a line each; full: whole requests.")] = "short",
    bodies: Annotated[bool, typer.Option("--bodies", help="Show requests with all parameters, and documents.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    payment: Annotated[str, typer.Option(help="approve or decline: what the built-in payment connector answers.")] = "approve",
    connectors: Annotated[
        Path | None, typer.Option(help="A file of real payment connectors instead.", exists=True, dir_okay=False)
    ] = None,
    allow_network: Annotated[
        list[str] | None,
        typer.Option(help="CIDR[:port] that may be called beside public, private and loopback addresses; may be repeated."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same ids each time.")] = None,
    now: Annotated[str | None, typer.Option(help="When the call begins (RFC 3339); otherwise now.")] = None,
    timeout_s: Annotated[float, typer.Option("--timeout", help="Real seconds for all of it.", min=0.1)] = 60.0,
) -> None:
    """Simulates a call to a document or to a live application, and prints what happens. No carrier, no server, no waiting.

    Loopback and private addresses may be called, and plain http: a developer's own application is there. Keys of a payment are
    never shown. Ends with 1 if something expected did not happen, a document was bad, the application did not answer or the call
    was ended for what its documents did; an error that an expectation (warns) speaks of is none.
    """
    given = dict(locals())
    from ringback.cli.process import guarded

    raise typer.Exit(guarded(lambda: simulate(given)))


def simulate(given: Mapping[str, Any]) -> int:
    """Runs it. The exit code: 1 if an expectation failed, or there was an error that none speaks of. Raises InvalidInput for what
    was given."""
    from ringback.cli.process import run_on_loop
    from ringback.live.expectations import read_expectation
    from ringback.live.judging import judge, unexpected
    from ringback.live.simulation import simulate as call

    expected = [read_expectation(text) for text in given["expect"] or ()]
    setup = _setup(given, expected)
    printer = _Json() if given["as_json"] else _Lines(webhooks=given["webhooks"] == "full", bodies=given["bodies"])
    transcript = run_on_loop("asyncio", lambda: call(setup, printer.show))
    verdicts = judge(expected, transcript)
    for verdict in verdicts:
        printer.judge(verdict, transcript)
    return int(bool(unexpected(expected, transcript)) or not all(verdict.ok for verdict in verdicts))


_CHOICES: Mapping[str, tuple[str, ...]] = {
    "direction": ("inbound", "outbound"),
    "method": ("POST", "GET"),
    "fallback_method": ("POST", "GET"),
    "payment": ("approve", "decline"),
    "webhooks": ("short", "full"),
}


def _setup(given: Mapping[str, Any], expected: "list[Expectation]") -> "Setup":
    from ringback.delivery.addresses import read_allowed_network
    from ringback.live.expectations import dialects_of
    from ringback.live.simulation import Setup

    for name, choices in _CHOICES.items():
        if given[name] not in choices:
            raise InvalidInput(f"--{name.replace('_', '-')} is {' or '.join(choices)}", name)
    plain = ("document", "script", "from_", "to", "direction", "method", "payment", "connectors", "seed", "timeout_s")
    return Setup(
        **{name: given[name] for name in plain if given[name] is not None},
        voice=_voice(given),
        variables=_pairs("var", given["var"]),
        flows=_pairs("flow", given["flow"]),
        dialects=tuple(dict.fromkeys((*(given["dialect"] or ()), *dialects_of(expected)))),
        networks=tuple(map(read_allowed_network, given["allow_network"] or ())),
        now_ms=None if given["now"] is None else _moment(given["now"]),
    )


def _voice(given: Mapping[str, Any]) -> "Voice | None":
    from ringback.calls.directory import Voice

    if given["fallback"] is None:
        return None
    return Voice(url=given["document"], fallback_url=given["fallback"], fallback_method=given["fallback_method"])


def _pairs(option: str, texts: Iterable[str] | None) -> dict[str, str]:
    found = {}
    for text in texts or ():
        name, sign, value = text.partition("=")
        if not name or not sign:
            raise InvalidInput(f"--{option} {text!r} is not written as NAME=VALUE", option)
        found[name] = value
    return found


def _moment(text: str) -> int:
    from ringback.calls.model import to_ms

    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidInput("--now is not an RFC 3339 time with its offset, such as 2026-11-20T12:00:00Z", "now")
    return to_ms(at)


class _Json:
    """A line for each entry, and for each expectation."""

    def show(self, entry: "Entry") -> None:
        """An entry."""
        import msgspec

        print(msgspec.json.encode(entry).decode(), flush=True)

    def judge(self, verdict: "Verdict", transcript: "Transcript") -> None:
        """An expectation. `at`: the entry's place, from 0."""
        import msgspec

        del transcript
        told = {
            "kind": "expectation",
            "text": verdict.expectation.text,
            "ok": verdict.ok,
            "at": verdict.at,
            "why": verdict.why,
        }
        print(msgspec.json.encode(told).decode(), flush=True)


_STYLES = {"app": "cyan", "heard": "bold", "party": "magenta", "quiet": "dim", "good": "green", "bad": "red", "warn": "yellow"}


class _Lines:
    """For people, in colours where there are any."""

    def __init__(self, *, webhooks: bool, bodies: bool) -> None:
        from rich.console import Console

        self._console = Console(highlight=False, soft_wrap=True)
        self._webhooks = webhooks
        self._bodies = bodies

    def show(self, entry: "Entry") -> None:
        """An entry."""
        from rich.text import Text

        from ringback.live.telling import lines_of
        from ringback.live.transcript import Webhook

        for line in lines_of(entry, whole=self._webhooks if isinstance(entry, Webhook) else self._bodies):
            self._console.print(Text(str(line), _STYLES.get(line.tone, "")))

    def judge(self, verdict: "Verdict", transcript: "Transcript") -> None:
        """An expectation: where it was found, or what was there instead."""
        from rich.text import Text

        from ringback.live.telling import clock_text

        if not verdict.ok:
            self._console.print(Text(f"✗ {verdict}", "red"))
            return
        found = "" if verdict.at is None else f" ({clock_text(transcript.entries[verdict.at].at_ms)})"
        self._console.print(Text(f"✓ {verdict.expectation.text}{found}", "green"))
