"""`ringback`: the commands. The work of each is in a module of its own, imported when it is called, so that `--help` is quick."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

import ringback
from ringback.cli.voxml import voxml
from ringback.settings import HELP, Settings, read_settings

app = typer.Typer(
    name="ringback",
    help="What happens to phone calls becomes webhooks that arrive.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


_DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Settings)}


takeover = typer.Typer(name="import", help="Takes over what was set up on another platform.", no_args_is_help=True)
app.add_typer(takeover)
app.add_typer(voxml)


def _option(name: str, *flags: str) -> Any:
    """An option of `serve`: its help is the setting's, with the default that the setting has."""
    default = _DEFAULTS[name]
    said = HELP[name] if default in (None, (), False) else f"{HELP[name]} Default: {default}."
    return typer.Option(*(flags or (f"--{name.replace('_', '-')}",)), help=said, show_default=False)


@app.callback(invoke_without_command=True)
def main(version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False) -> None:
    """Turns call events into webhooks."""
    if version:
        typer.echo(f"ringback {ringback.__version__}")
        raise typer.Exit


@app.command(
    epilog="Every option is also an environment variable: RINGBACK_PORT, RINGBACK_ALLOW_NETWORK, ...\n\n"
    "Example: [bold]ringback serve --data /var/lib/ringback --public-url https://hooks.example.com[/bold]"
)
def serve(
    host: Annotated[str | None, _option("host")] = None,
    port: Annotated[int | None, _option("port")] = None,
    data: Annotated[Path | None, _option("data")] = None,
    database: Annotated[str | None, _option("database")] = None,
    spool: Annotated[Path | None, _option("spool")] = None,
    allow_network: Annotated[list[str] | None, _option("allow_network")] = None,
    allow_http: Annotated[bool | None, _option("allow_http", "--allow-http/--no-allow-http")] = None,
    public_url: Annotated[str | None, _option("public_url")] = None,
    proxy: Annotated[str | None, _option("proxy")] = None,
    source_address: Annotated[str | None, _option("source_address")] = None,
    nat64_deny: Annotated[bool | None, _option("nat64_deny", "--nat64-deny/--no-nat64-deny")] = None,
    nameservers: Annotated[list[str] | None, _option("nameservers", "--nameserver")] = None,
    connect_timeout_s: Annotated[float | None, _option("connect_timeout_s")] = None,
    max_body_bytes: Annotated[int | None, _option("max_body_bytes")] = None,
    max_recording_bytes: Annotated[int | None, _option("max_recording_bytes")] = None,
    recording_link_s: Annotated[int | None, _option("recording_link_s")] = None,
    retention_days: Annotated[int | None, _option("retention_days")] = None,
    min_free_bytes: Annotated[int | None, _option("min_free_bytes")] = None,
    max_disk: Annotated[int | None, _option("max_disk")] = None,
    loop: Annotated[str | None, _option("loop")] = None,
    log_level: Annotated[str | None, _option("log_level")] = None,
    freeswitch: Annotated[str | None, _option("freeswitch")] = None,
    freeswitch_config: Annotated[Path | None, _option("freeswitch_config")] = None,
    payment_connectors: Annotated[Path | None, _option("payment_connectors")] = None,
    switch: Annotated[str | None, _option("switch")] = None,
    simulate: Annotated[str | None, _option("simulate")] = None,
    sip_config: Annotated[Path | None, _option("sip_config")] = None,
    sip_listen: Annotated[list[str] | None, _option("sip_listen")] = None,
    default_account: Annotated[str | None, _option("default_account")] = None,
    say: Annotated[str | None, _option("say")] = None,
    say_voices: Annotated[list[str] | None, _option("say_voices", "--say-voice")] = None,
    say_model: Annotated[str | None, _option("say_model")] = None,
    listen: Annotated[str | None, _option("listen")] = None,
    listen_model: Annotated[str | None, _option("listen_model")] = None,
    drain_s: Annotated[float | None, _option("drain_s")] = None,
    portal_identity_header: Annotated[str | None, _option("portal_identity_header")] = None,
    portal_trusted: Annotated[list[str] | None, _option("portal_trusted")] = None,
) -> None:
    """Runs the server: takes events, sends webhooks. Ctrl-C drains and ends cleanly.

    Secrets are given by the environment only: RINGBACK_ADMIN_KEY, RINGBACK_SECRET_KEY, RINGBACK_FREESWITCH_PASSWORD,
    RINGBACK_SAY_KEY, RINGBACK_LISTEN_KEY.
    """
    given = dict(locals())
    given["allow_network"] = tuple(allow_network or ())
    given["nameservers"] = tuple(nameservers or ())
    given["sip_listen"] = tuple(sip_listen or ())
    given["say_voices"] = tuple(say_voices or ())
    given["portal_trusted"] = tuple(portal_trusted or ())
    from ringback.cli.process import guarded

    def work() -> int:
        settings = read_settings(given)
        # Imported once the settings hold: the server's parts take half a second.
        from ringback.cli.serve import run

        return run(settings)

    raise typer.Exit(guarded(work))


@app.command(epilog="Example: [bold]ringback listen --secret whsec_... --port 9000[/bold]")
def listen(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 picks a free one.")] = 9000,
    secret: Annotated[list[str] | None, typer.Option(help="A secret to check signatures with; may be repeated.")] = None,
    url: Annotated[
        str | None, typer.Option(help="The URL that was subscribed, if it is not what arrives here (Bird signs it).")
    ] = None,
    status: Annotated[int, typer.Option(help="The HTTP status to answer with.", min=100, max=599)] = 200,
    delay_s: Annotated[float, typer.Option("--delay", help="Seconds to wait before answering.")] = 0.0,
    json_lines: Annotated[bool, typer.Option("--json", help="One JSON object a line, with everything.")] = False,
    bodies: Annotated[bool, typer.Option(help="Print headers and bodies too.")] = False,
    count: Annotated[int, typer.Option(help="End after so many requests; 0: never.")] = 0,
) -> None:
    """Receives webhooks of any dialect, checks them and prints them. Ends with 1 if one was not to be believed."""
    from ringback.cli.listen import Listening
    from ringback.cli.listen import listen as run
    from ringback.cli.process import guarded, run_on_loop

    told = Listening(
        host=host,
        port=port,
        secrets=tuple(secret or ()),
        url=url,
        status=status,
        delay_s=delay_s,
        as_json=json_lines,
        bodies=bodies,
        count=count,
    )
    raise typer.Exit(guarded(lambda: run_on_loop("auto", lambda: run(told))))


@app.command(
    epilog="Examples: [bold]ringback trigger voc inboundCallEnd --to http://127.0.0.1:9000/voc[/bold], "
    "[bold]ringback trigger standard call.completed --to https://example.com/hook --dry-run[/bold]"
)
def trigger(
    dialect: Annotated[str, typer.Argument(help="bird, fonedynamics, standard, voc or voxtelesys.")],
    event: Annotated[str, typer.Argument(help="The event, in the dialect's own words.")],
    to: Annotated[str, typer.Option(help="Where to send it.")],
    secret: Annotated[str | None, typer.Option(help="The secret to sign with (standard: made if absent).")] = None,
    method: Annotated[str | None, typer.Option(help="POST or GET, where the dialect lets one choose.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the request and send nothing.")] = False,
) -> None:
    """Sends one sample webhook, with the platform's own test values where it has them, and prints both sides."""
    from ringback.cli.process import guarded, run_on_loop
    from ringback.cli.trigger import Trigger
    from ringback.cli.trigger import trigger as run

    def work() -> int:
        told = msgspec.convert(
            {"dialect": dialect, "event": event, "to": to, "secret": secret, "method": method, "dry_run": dry_run}, Trigger
        )
        return run_on_loop("auto", lambda: run(told))

    raise typer.Exit(guarded(work))


@app.command(
    epilog="Examples: [bold]ringback verify request.http --secret whsec_...[/bold], "
    "[bold]ringback listen --json --count 1 | ringback verify - --secret whsec_...[/bold], "
    "[bold]ringback verify --url https://example.com/hook --header 'messagebird-signature: ...' "
    "--header 'messagebird-request-timestamp: ...' --body-file body.json[/bold]"
)
def verify(
    request: Annotated[
        Path | None,
        typer.Argument(help="A request as HTTP, or as JSON (a line of listen --json); - is stdin.", show_default=False),
    ] = None,
    url: Annotated[str | None, typer.Option(help="The URL as your code sees it, with its query.")] = None,
    header: Annotated[list[str] | None, typer.Option(help="'Name: value'; may be repeated.")] = None,
    body_file: Annotated[Path | None, typer.Option(help="The body's bytes; - is stdin.")] = None,
    method: Annotated[str | None, typer.Option(help="The request's method; POST unless the request says otherwise.")] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(help="What to check with, newest first; may be repeated.", envvar="RINGBACK_WEBHOOK_SECRET"),
    ] = None,
    dialect: Annotated[str | None, typer.Option(help="What it should be; otherwise told from the request.")] = None,
    subscribed_url: Annotated[str | None, typer.Option(help="The URL that the sender was given, if you know it.")] = None,
    received_at: Annotated[str | None, typer.Option(help="When it came (RFC 3339); otherwise now, or what the JSON says.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The diagnosis as one JSON object.")] = False,
) -> None:
    """Says why a webhook's signature does not hold: the key, the URL behind a proxy, a body that was written anew, the time.

    Ends with 0 if the webhook is to be believed, with 1 if not. It sends nothing, and prints neither a secret nor a signature;
    give the secret by RINGBACK_WEBHOOK_SECRET (several: separated by blanks) and it is in no list of processes either.
    """
    from ringback.cli.process import guarded
    from ringback.cli.verify import Verify
    from ringback.cli.verify import verify as run

    told = Verify(
        request=request,
        url=url,
        method=method,
        headers=tuple(header or ()),
        body_file=body_file,
        secrets=tuple(secret or ()),
        dialect=dialect,
        subscribed_url=subscribed_url,
        received_at=received_at,
        as_json=as_json,
    )
    raise typer.Exit(guarded(lambda: run(told)))


@app.command(epilog="Example: [bold]ringback replay calls.jsonl --speed 1 --server http://127.0.0.1:8080 --key rb_...[/bold]")
def replay(
    file: Annotated[Path, typer.Argument(help="The recording.", exists=True, dir_okay=False)],
    source: Annotated[str, typer.Option("--from", help="Which switch it is of: freeswitch.")] = "freeswitch",
    speed: Annotated[
        float, typer.Option(help="1 is real time, 10 ten times as fast; 0: as fast as the server takes it.", min=0)
    ] = 0.0,
    server: Annotated[
        str | None, typer.Option(help="A running server; without one, one is started for the while.", envvar="RINGBACK_SERVER")
    ] = None,
    key: Annotated[str | None, typer.Option(help="The key to send with.", envvar="RINGBACK_KEY")] = None,
    keep_ids: Annotated[bool, typer.Option("--keep-ids", help="Keep the calls' ids: a second run makes nothing twice.")] = False,
    config: Annotated[
        Path | None, typer.Option(help="JSON that says what is inside the switch (as --freeswitch-config).", exists=True)
    ] = None,
) -> None:
    """Sends a recording of FreeSWITCH's events (event json lines, or an Event Socket stream) to a server.

    Ends with 0 when everything was acknowledged. Each run makes new calls unless --keep-ids.
    """
    from ringback.cli.process import guarded
    from ringback.cli.replay import Replay
    from ringback.cli.replay import replay as run

    told = Replay(file=file, source=source, speed=speed, server=server, key=key, keep_ids=keep_ids, config=config)
    raise typer.Exit(guarded(lambda: run(told)))


_DATA = typer.Option("--data", help=HELP["data"], envvar="RINGBACK_DATA", file_okay=False)


@app.command(epilog="Example: [bold]ringback backup /backups/ringback-2026-11-20.tar.gz --data /var/lib/ringback[/bold]")
def backup(
    target: Annotated[Path, typer.Argument(help="A new directory, or a new file: .tar or .tar.gz.")],
    data: Annotated[Path, _DATA] = _DEFAULTS["data"],
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Take the secret key and the operator's key along: then the backup is a secret.")
    ] = False,
) -> None:
    """Copies a data directory, while a server works on it or not: one moment of the database, the attempt log, the recordings.

    The copy is looked through before it gets its name. A .tar needs its size twice while it is made.
    """
    from ringback.cli.backup import backup as run
    from ringback.cli.process import guarded

    raise typer.Exit(guarded(lambda: run(data, target, with_key=with_key)))


@app.command(epilog="Example: [bold]ringback restore /backups/ringback-2026-11-20.tar.gz --data /var/lib/ringback --dry-run[/bold]")
def restore(
    source: Annotated[Path, typer.Argument(help="What backup has made.", exists=True)],
    data: Annotated[Path, _DATA] = _DEFAULTS["data"],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look through the backup, and write nothing.")] = False,
) -> None:
    """Brings a backup back into a directory that is empty or not there, and checks every byte of it.

    What was pending then goes out when a server starts on it, once more if it has gone out since.
    """
    from ringback.cli.backup import restore as run
    from ringback.cli.process import guarded

    raise typer.Exit(guarded(lambda: run(source, data, dry_run=dry_run)))


@app.command(name="rotate-key", epilog="Example: [bold]ringback rotate-key --data /var/lib/ringback[/bold]")
def rotate_key(
    data: Annotated[Path, _DATA] = _DEFAULTS["data"],
    forget_old: Annotated[
        bool,
        typer.Option("--forget-old", help="Drop the older keys from the file. If there are some already, no new one is made."),
    ] = False,
) -> None:
    """Encrypts all stored secrets with a new key, while no server has the directory. The older key stays behind it.

    With RINGBACK_SECRET_KEY it says what to put there (and ends with 1), and encrypts anew once two keys are given.
    """
    import os

    from ringback.cli.process import guarded
    from ringback.cli.rotate_key import rotate_key as run

    raise typer.Exit(guarded(lambda: run(data, os.environ, forget_old=forget_old)))


@app.command(
    epilog="Examples: [bold]ringback call sip:100@127.0.0.1[/bold], "
    "[bold]ringback call sip:100@127.0.0.1 --digits ww1 --play message.wav --record heard.wav --wait 5[/bold], "
    "[bold]ringback call sip:+61255500101@192.168.1.20:5080 --from +61491570156 --timeout 20[/bold]"
)
def call(
    to: Annotated[str, typer.Argument(help="Whom to call: sip:USER@HOST or sip:USER@HOST:PORT.")],
    from_: Annotated[str, typer.Option("--from", help="Who calls: a number, a name or a SIP URI.")] = "ringback",
    digits: Annotated[str, typer.Option(help="Keys to press once it is answered; w waits half a second.")] = "",
    play: Annotated[list[Path] | None, typer.Option(help="WAV or MP3 to play after the keys; may be repeated.")] = None,
    record: Annotated[Path | None, typer.Option(help="WAV file for the call: heard on the left, played on the right.")] = None,
    wait: Annotated[float, typer.Option(help="Seconds to stay on the line when all was played.", min=0)] = 10.0,
    timeout: Annotated[float, typer.Option(help="Seconds to let it ring.", min=1)] = 30.0,
) -> None:
    """Places one SIP call from this terminal, tells how it goes, and hangs up.

    Ends with 0 if it was answered, 1 if it failed, 3 if busy, 4 if nobody answered, 130 if Ctrl-C took it back. It plays and
    records, and opens neither microphone nor loudspeaker.
    """
    from ringback.cli.call import Placed
    from ringback.cli.call import call as run
    from ringback.cli.process import guarded, run_on_loop

    told = Placed(to=to, from_=from_, digits=digits, play=tuple(play or ()), record=record, wait_s=wait, timeout_s=timeout)
    raise typer.Exit(guarded(lambda: run_on_loop("auto", lambda: run(told))))


@takeover.command(
    name="bird",
    epilog="Example: [bold]ringback import bird subscriptions.json --server http://127.0.0.1:8080 --key rb_... --dry-run[/bold]",
)
def import_bird(
    file: Annotated[Path, typer.Argument(help="What Bird's list of webhook subscriptions answered.", exists=True, dir_okay=False)],
    server: Annotated[str | None, typer.Option(help="The server that takes them over.", envvar="RINGBACK_SERVER")] = None,
    key: Annotated[str | None, typer.Option(help="The account's key.", envvar="RINGBACK_KEY")] = None,
    account: Annotated[str | None, typer.Option(help="Whose they become, where the key is the operator's.")] = None,
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="Take over those without a signingKey too: they will be sent unsigned.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
) -> None:
    """Makes Bird's webhook subscriptions endpoints here. What is there already is left alone, so it may be run again.

    Ends with 1 if one could not be taken over; each such one says why.
    """
    from ringback.cli.import_bird import Import
    from ringback.cli.import_bird import import_bird as run
    from ringback.cli.process import guarded

    told = Import(file=file, server=server, key=key, account=account, unsigned=unsigned, dry_run=dry_run)
    raise typer.Exit(guarded(lambda: run(told)))


@app.command(epilog="Example: [bold]ringback demo --keep[/bold]")
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Stay up afterwards, and say what to try next.")] = False,
    speed: Annotated[
        float | None,
        typer.Option(help="1 is real time, 0 as fast as it goes. Default: a pace to watch on a terminal, 0 elsewhere.", min=0),
    ] = None,
    svg: Annotated[Path | None, typer.Option(help="Write a picture of the finished table.", dir_okay=False)] = None,
) -> None:
    """Real calls become webhooks in five formats, each checked as it arrives. Needs no set-up and leaves nothing behind.

    Ends with 1 if a webhook is missing, is one too many, or is not as the phones of those calls saw it.
    """
    from ringback.cli.demo import Demo
    from ringback.cli.demo import demo as run
    from ringback.cli.process import guarded

    raise typer.Exit(guarded(lambda: run(Demo(keep=keep, speed=speed, svg=svg))))
