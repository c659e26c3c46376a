"""`ringback`: the commands. The work of each is in a module of its own, imported when it is called, so that `--help` is quick."""

from pathlib import Path
from typing import Annotated, Any

import typer

import ringback
from ringback.settings import HELP

app = typer.Typer(
    name="ringback",
    help="What happens to phone calls becomes webhooks that arrive.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _option(name: str, *flags: str) -> Any:
    return typer.Option(*(flags or (f"--{name.replace('_', '-')}",)), help=HELP[name], show_default=False)


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
    allow_network: Annotated[list[str] | None, _option("allow_network")] = None,
    allow_http: Annotated[bool | None, _option("allow_http", "--allow-http/--no-allow-http")] = None,
    public_url: Annotated[str | None, _option("public_url")] = None,
    proxy: Annotated[str | None, _option("proxy")] = None,
    source_address: Annotated[str | None, _option("source_address")] = None,
    nat64_deny: Annotated[bool | None, _option("nat64_deny", "--nat64-deny/--no-nat64-deny")] = None,
    nameservers: Annotated[list[str] | None, _option("nameservers", "--nameserver")] = None,
    connect_timeout_s: Annotated[float | None, _option("connect_timeout_s")] = None,
    max_body_bytes: Annotated[int | None, _option("max_body_bytes")] = None,
    loop: Annotated[str | None, _option("loop")] = None,
    log_level: Annotated[str | None, _option("log_level")] = None,
    freeswitch: Annotated[str | None, _option("freeswitch")] = None,
    freeswitch_config: Annotated[Path | None, _option("freeswitch_config")] = None,
    drain_s: Annotated[float | None, _option("drain_s")] = None,
) -> None:
    """Runs the server: takes events, sends webhooks. Ctrl-C drains and ends cleanly.

    Secrets are given by the environment only: RINGBACK_ADMIN_KEY, RINGBACK_SECRET_KEY, RINGBACK_FREESWITCH_PASSWORD.
    """
    from ringback.cli.serve import run

    given = dict(locals())
    given.pop("run")
    given["allow_network"] = tuple(allow_network or ())
    given["nameservers"] = tuple(nameservers or ())
    raise typer.Exit(run(given))
