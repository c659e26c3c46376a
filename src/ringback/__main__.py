"""`python -m ringback` is `ringback`."""

from ringback.cli.main import app

app(prog_name="ringback")
