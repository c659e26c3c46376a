"""What the description promises, asked of a running server by schemathesis: the examples, the edges and random values of every
operation, and what does not fit. No answer is a fault of ours; each is of a status, a kind and a schema that the description lists;
what does not fit is refused; a path tells with which methods it may be asked."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness import ADMIN_KEY, Api, Server, start_server

NOWHERE = "http://127.0.0.1:9"
TOO_MUCH = ("positive_data_acceptance", "missing_required_header", "ensure_resource_availability", "use_after_free")
"""Checks that are left out: a schema cannot say that a dialect must exist, and nothing here wants a header but its key."""
NOT_MADE_UP = ("application/x-ndjson", "audio/")
"""Kinds of bodies that schemathesis cannot make; test_never_500.py and test_recordings.py send them."""
TAKEN_IN_PART = ("/v1/events", "/v1/verify")
"""Of several updates the good ones are taken and the others refused one by one in a 202; and `?account=` matters to the doctor only
where an endpoint is named."""


def test_the_server_keeps_what_its_description_promises(tmp_path: Path) -> None:
    server = start_server(tmp_path / "data", "--switch", "simulated", "--drain-s", "1")
    try:
        api = server.account()
        (tmp_path / "openapi.json").write_text(json.dumps(_description(api)))
        (tmp_path / "schemathesis.toml").write_text(_settings(server, api))
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run", "openapi.json"]
        command += ["--phases", "examples,coverage,fuzzing", "--max-examples", "8", "--generation-deterministic"]
        command += ["--continue-on-failure", "--no-color"]
        # It is the server whose lines count.
        plain = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        quiet = {**plain, "COLUMNS": "160", "TERM": "dumb"}
        done = subprocess.run(command, cwd=tmp_path, env=quiet, capture_output=True, text=True, timeout=110, check=False)
        assert done.returncode == 0, done.stdout + done.stderr[-2_000:]
        assert f"{_operations(tmp_path)} selected" in done.stdout
    finally:
        code = server.stop()
    log = server.log.read_text()
    assert (code, "Traceback" in log) == (0, False), log[-4_000:]


def _description(api: Api) -> dict[str, Any]:
    """Without the bodies that cannot be made up, and with no URL in it that leads anywhere."""
    document: dict[str, Any] = json.loads(json.dumps(api.get("/openapi.json")).replace("https://example.com", NOWHERE))
    for item in document["paths"].values():
        for operation in item.values():
            content = operation.get("requestBody", {}).get("content", {})
            for media_type in [one for one in content if one.startswith(NOT_MADE_UP)]:
                del content[media_type]
            if not content:
                operation.pop("requestBody", None)
    return document


def _operations(folder: Path) -> int:
    return sum(len(item) for item in json.loads((folder / "openapi.json").read_text())["paths"].values())


def _settings(server: Server, api: Api) -> str:
    """Keys, and ids of what there is, so that not everything ends at 404."""
    operator = 'headers = { Authorization = "Bearer ' + ADMIN_KEY + '" }'
    lines = [
        f'base-url = "http://127.0.0.1:{server.port}"',
        f'headers = {{ Authorization = "Bearer {api.key}" }}',
        "[parameters]",
        *(f'"path.{name}" = "{value}"' for name, value in _made(api).items()),
        "[checks]",
        *(f"{name}.enabled = false" for name in TOO_MUCH),
        "[[operations]]",
        'include-path-regex = "^/(v1/(accounts$|sources|notes|node|audit)|metrics)"',
        operator,
    ]
    for path in TAKEN_IN_PART:
        lines += ["[[operations]]", f'include-path = "{path}"', "checks.negative_data_rejection.enabled = false"]
    return "\n".join(lines)


def _made(api: Api) -> dict[str, str]:
    endpoint = api.endpoint(NOWHERE)["id"]
    subscription = {"service": "channels", "event": "voice.inbound", "url": NOWHERE}
    bird = api.post(f"/bird/workspaces/{api.account}/webhook-subscriptions", subscription)
    api.post("/v1/numbers", {"number": "+61399990098"})
    call = {"id": "call-1", "direction": "inbound", "from": "+61288880000", "to": "+61399990098"}
    api.send({"type": "call.starting", "at": "2026-11-20T12:00:00.000Z", "call": call})
    sent = api.post(f"/v1/endpoints/{endpoint}/test", {"event": "call.starting"}, 202)["delivery_id"]
    return {
        **dict.fromkeys(("account_id", "workspace"), api.account),
        **dict.fromkeys(("delivery_id", "log_id"), sent),
        **{"organization": bird["organizationId"], "subscription": bird["id"], "endpoint_id": endpoint},
        **{"number": "+61399990098", "call_id": "call-1", "property_id": api.post("/v1/properties", {"name": "One"})["id"]},
    }
