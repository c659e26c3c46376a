"""The snippets that the portal shows for checking a webhook's origin: each is run, in every language that is here, against
webhooks that a server has really sent, and against what somebody has tampered with.

What has passed is recorded in src/ringback/portal/snippets/ran.json with the digest of the file, and the page says so; a snippet of
a language that was on no machine is marked as not run. `RINGBACK_RECORD=1` writes the record anew.
"""

import base64
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

import pytest
from harness import Got, Server, running_receiver

import ringback.portal
from ringback.dialects import load_dialects

FOLDER = Path(ringback.portal.__file__).parent / "snippets"
RECORD = FOLDER / "ran.json"
DIALECTS = ("bird", "fonedynamics", "standard", "voc", "voxtelesys")
EVENTS = {name: dialect.events[0] for name, dialect in load_dialects().items()}
TOKEN = "s3cret & more/é"
BASIC = "ringback:pass word"


@dataclass(frozen=True)
class Case:
    """One question to a snippet. `url`: what the dialect's snippet wants as one."""

    dialect: str
    why: str
    expected: bool
    secret: str
    url: str
    headers: dict[str, str]
    body: str


def sent(server: Server, dialect: str) -> Case:
    """A test's webhook, as it arrived."""
    api = server.account()
    with running_receiver() as receiver:
        url, secret = f"{receiver.url}/hook", {"bird": "mysecretkey", "voc": TOKEN}.get(dialect, BASIC)
        if dialect == "voc":
            url += f"?token={base64.b16encode(TOKEN.encode()).decode()}"
            secret = base64.b16encode(TOKEN.encode()).decode()
        elif dialect in ("fonedynamics", "voxtelesys"):
            url = url.replace("http://", "http://ringback:pass%20word@")
        made = api.endpoint(url, dialect, **({"secret": secret} if dialect == "bird" else {}))
        api.post(f"/v1/endpoints/{made['id']}/test", {"event": EVENTS[dialect]}, 202)
        got: Got = receiver.next()
        asked = url if dialect == "bird" else got.path
        headers = {name.lower(): value for name, value in got.headers.items()}
        return Case(dialect, "as it came", True, made.get("secret") or secret, asked, headers, base64.b64encode(got.body).decode())


def tampered(case: Case) -> list[Case]:
    """The same as somebody else might send it."""
    other = replace(case, expected=False)
    bare = {name: value for name, value in case.headers.items() if not re.search("signature|authorization", name)}
    cases = [case, replace(other, why="without its proof", headers=bare, url=case.url.partition("?")[0])]
    wrong = {"standard": f"whsec_{base64.b64encode(bytes(24)).decode()}"}.get(case.dialect, "another")
    cases.append(replace(other, why="another secret", secret=wrong))
    if case.dialect in ("standard", "bird"):
        cases.append(replace(other, why="another body", body=base64.b64encode(b'{"a":1}').decode()))
        stamp = next(name for name in case.headers if "timestamp" in name)
        for why, text in (
            ("too old", str(int(time.time()) - 86_400)),
            ("no time", "soon"),
            ("no time", "1e9"),
            ("no time", ""),
            ("too long", "9" * 5_000),
        ):
            cases.append(replace(other, why=why, headers={**case.headers, stamp: text}))
    if case.dialect == "standard":
        rotated = {**case.headers, "webhook-signature": f"v1,AAAA {case.headers['webhook-signature']}"}
        cases.append(replace(case, why="while its secret is replaced", headers=rotated))
    if case.dialect == "bird":
        cases.append(replace(other, why="another URL", url=f"{case.url}/"))
    if case.dialect == "voc":
        cases.append(replace(other, why="twice", url=f"{case.url}&token=x"))
        cases.append(replace(other, why="a token that is a list", url=case.url.replace("token=", "token[]=")))
    return cases


@pytest.fixture(scope="module")
def cases(server: Server) -> list[Case]:
    return [one for dialect in DIALECTS for one in tampered(sent(server, dialect))]


# How each language runs all cases: a program that reads them from `cases.json` and prints what the snippets say

PYTHON = """
import base64, importlib.util, json, sys
said = []
for case in json.load(open("cases.json")):
    spec = importlib.util.spec_from_file_location("verify", f"{sys.argv[1]}/{case['dialect']}/verify.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    said.append(module.verify(case["secret"], case["url"], case["headers"], base64.b64decode(case["body"])))
print(json.dumps(said))
"""
NODE = """
import { readFileSync } from "node:fs";
const said = [];
for (const one of JSON.parse(readFileSync("cases.json"))) {
  const { verify } = await import(`${process.argv[2]}/${one.dialect}/verify.mjs`);
  said.push(verify(one.secret, one.url, one.headers, Buffer.from(one.body, "base64")));
}
console.log(JSON.stringify(said));
"""
PHP = """<?php
require $argv[1] . '/' . $argv[2] . '/verify.php';
$said = [];
foreach (json_decode(file_get_contents('cases.json'), true) as $one) {
    if ($one['dialect'] === $argv[2]) {
        $said[] = verify($one['secret'], $one['url'], $one['headers'], base64_decode($one['body']));
    }
}
echo json_encode($said);
"""
GO = """package main

import (
	"encoding/json"
	"fmt"
	"os"
IMPORTS)

type one struct {
	Dialect, Secret, URL string
	Headers              map[string]string
	Body                 []byte
}

func main() {
	text, _ := os.ReadFile("cases.json")
	var all []one
	if err := json.Unmarshal(text, &all); err != nil {
		panic(err)
	}
	verify := map[string]func(string, string, map[string]string, []byte) bool{TABLE}
	said := []bool{}
	for _, it := range all {
		said = append(said, verify[it.Dialect](it.Secret, it.URL, it.Headers, it.Body))
	}
	told, _ := json.Marshal(said)
	fmt.Println(string(told))
}
"""


def out(folder: Path, *words: str) -> list[bool]:
    quiet = {**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local"}
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=100, env=quiet, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found: list[bool] = json.loads(done.stdout)
    return found


def by_python(folder: Path) -> list[bool]:
    (folder / "run.py").write_text(PYTHON)
    return out(folder, sys.executable, "run.py", str(FOLDER))


def by_node(folder: Path) -> list[bool]:
    (folder / "run.mjs").write_text(NODE)
    return out(folder, "node", "run.mjs", str(FOLDER))


def by_php(folder: Path) -> list[bool]:
    (folder / "run.php").write_text(PHP)
    return [said for dialect in DIALECTS for said in out(folder, "php", "run.php", str(FOLDER), dialect)]


def by_go(folder: Path) -> list[bool]:
    for dialect in DIALECTS:
        (folder / dialect).mkdir()
        shutil.copy(FOLDER / dialect / "verify.go", folder / dialect)
    (folder / "go.mod").write_text("module snippets\n\ngo 1.21\n")
    imports = "".join(f'\t{name} "snippets/{name}"\n' for name in DIALECTS)
    table = ", ".join(f'"{name}": {name}.Verify' for name in DIALECTS)
    (folder / "main.go").write_text(GO.replace("IMPORTS", imports).replace("TABLE", table))
    return out(folder, "go", "run", ".")


def version(*words: str) -> str:
    found = re.search(r"\d+\.\d+", subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    assert found
    return found[0]


RUNS: dict[str, tuple[str, Callable[[Path], list[bool]], Callable[[], str]]] = {
    "py": (sys.executable, by_python, lambda: f"Python {platform.python_version().rpartition('.')[0]}"),
    "mjs": ("node", by_node, lambda: f"Node {version('node', '--version')}"),
    "php": ("php", by_php, lambda: f"PHP {version('php', '--version')}"),
    "go": ("go", by_go, lambda: f"Go {version('go', 'version')}"),
}


@pytest.mark.parametrize("suffix", RUNS)
def test_every_snippet_tells_a_true_webhook_from_a_tampered_one(suffix: str, cases: list[Case], tmp_path: Path) -> None:
    program, run, name = RUNS[suffix]
    if shutil.which(program) is None:
        # A machine need not have these languages; the pages say of each snippet by what it was run, if at all.
        assert suffix in ("php", "go"), f"{program}: not installed. Run python3 tools/setup.py test"
        pytest.skip(f"{program} is not on this machine")
    (tmp_path / "cases.json").write_text(json.dumps([asdict(case) for case in cases]))
    said = run(tmp_path)
    wrong = [f"{case.dialect}: {case.why}: {told}" for case, told in zip(cases, said, strict=True) if told is not case.expected]
    assert not wrong
    if os.environ.get("RINGBACK_RECORD"):
        record(suffix, name())


def record(suffix: str, by: str) -> None:
    ran = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    for dialect in DIALECTS:
        ran[f"{dialect}/verify.{suffix}"] = {"by": by, "sha256": digest(f"{dialect}/verify.{suffix}")}
    RECORD.write_text(json.dumps(dict(sorted(ran.items())), indent=1) + "\n")


def digest(name: str) -> str:
    return sha256((FOLDER / name).read_bytes()).hexdigest()


def test_what_is_recorded_as_run_is_what_is_shown() -> None:
    ran = json.loads(RECORD.read_text())
    old = [name for name, one in ran.items() if one["sha256"] != digest(name)]
    assert not old, "run this file with RINGBACK_RECORD=1"
    assert {f"{dialect}/verify.{suffix}" for dialect in DIALECTS for suffix in ("py", "mjs", "go")} <= set(ran)
