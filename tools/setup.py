"""Makes `.venv` ready for a target, and Debian packages where one needs them. Standard library alone: it runs before all else.

    python3 tools/setup.py run     what `ringback serve` and `ringback demo` need
    python3 tools/setup.py test    the same, and what the checks and tests need: Chromium and a package of npm among it
    python3 tools/setup.py bench   the same, nginx and wrk

Done once: a stamp holds the hash of everything that decides what is installed. pip's own settings (environment, pip.conf) stand.
"""

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)
EXTRAS = {"run": "fast", "test": "fast,test", "bench": "fast,test"}
PATHS = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
POLICY = Path("/usr/sbin/policy-rc.d")


def say(text: str) -> None:
    """One line for the person who waits, at once."""
    print(f"setup: {text}", file=sys.stderr, flush=True)


def fail(text: str) -> NoReturn:
    """Ends with a line that says what to do."""
    say(text)
    sys.exit(1)


def stamp_of(target: str) -> str:
    """The hash of everything that decides what is installed for a target."""
    parts = [sys.version, str(ROOT), EXTRAS[target], (ROOT / "pyproject.toml").read_text(), (ROOT / "constraints.txt").read_text()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def packages(target: str) -> dict[str, str]:
    """Debian packages by the program that is looked for: `tools/packages` has a line `target program package` for each."""
    rows = (line.split("#")[0].split() for line in (ROOT / "tools" / "packages").read_text().splitlines())
    return {row[1]: row[2] for row in rows if row and row[0] == target}


def apt_install(names: list[str]) -> None:
    """Installs Debian packages as root, without letting one start a service. Otherwise says what to install, and ends."""
    words = " ".join(names)
    if os.geteuid() != 0 or shutil.which("apt-get", path=PATHS) is None:
        fail(f"please install {words} (on Debian: apt-get install {words}), then run this again")
    say(f"installing Debian packages: {words}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "PATH": PATHS}
    quiet_service = not POLICY.exists()
    if quiet_service:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(POLICY.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    try:
        install = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0", "install", "-y", "--no-install-recommends", *names]
        if subprocess.run(install, env=environment, stdout=subprocess.DEVNULL, check=False).returncode != 0:
            # A new machine may have no package lists, or old ones.
            subprocess.run(["apt-get", "-qq", "update"], env=environment, check=True)
            subprocess.run(install, env=environment, stdout=subprocess.DEVNULL, check=True)
    except subprocess.CalledProcessError as error:
        fail(f"{words} could not be installed ({error}); install by hand and run this again")
    finally:
        if quiet_service:
            POLICY.unlink(missing_ok=True)


def make_venv() -> None:
    """A new `.venv` of the Python that runs this, with pip in it."""
    if sys.version_info < OLDEST:
        fail(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed, this is {sys.version.split()[0]}: make PYTHON=python3.11 …")
    make = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    say(f"making .venv with Python {sys.version.split()[0]}")
    if subprocess.run(make, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode != 0:
        # Debian's python3 comes without ensurepip: it is in a package of its own.
        apt_install(["python3-venv"])
        subprocess.run(make, stdout=subprocess.DEVNULL, check=True)


def pip(*words: str) -> None:
    """Runs the venv's pip and shows how far it is: a counter on a terminal, a line every few seconds elsewhere."""
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off", *words]
    started = shown = time.monotonic()
    found, log = 0, []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            log.append(line)
            found += line.startswith("Collecting ")
            stage = "installing" if line.startswith("Installing ") else "fetching"
            now = time.monotonic()
            if sys.stderr.isatty():
                print(f"\rsetup: {stage} packages: {found} ({now - started:.0f} s)  ", end="", file=sys.stderr, flush=True)
            elif now - shown > 5 or stage == "installing":
                shown = now
                say(f"{stage} packages: {found} ({now - started:.0f} s)")
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if process.returncode != 0:
        sys.stderr.writelines(log[-30:])
        fail("pip failed, see above")


def npm_packages() -> None:
    """What the browser tests take from npm, as the lock file has it, into build/browser. npm's own settings (.npmrc) stand."""
    locked = [ROOT / "tests" / "browser" / name for name in ("package.json", "package-lock.json")]
    folder = ROOT / "build" / "browser"
    stamp, now = folder / ".ready", hashlib.sha256(b"\0".join(file.read_bytes() for file in locked)).hexdigest()
    if stamp.exists() and stamp.read_text() == now:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for file in locked:
        shutil.copy(file, folder)
    say("fetching packages of npm")
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        sys.stderr.write(done.stdout[-3000:])
        fail("npm failed, see above")
    stamp.write_text(now)


def make_ready(target: str) -> None:
    """Brings `.venv` and the machine to what the target needs; nothing to do is the usual case."""
    wanted = packages(target)
    missing = [package for program, package in wanted.items() if shutil.which(program, path=PATHS) is None]
    if missing:
        apt_install(missing)
    if target == "test":
        npm_packages()
    stamp = stamp_of(target)
    stamps = {name: VENV / f".ready-{name}" for name in EXTRAS}
    if any(
        stamps[name].exists() and stamps[name].read_text() == stamp_of(name) for name in EXTRAS if EXTRAS[target] in EXTRAS[name]
    ):
        return
    started = time.monotonic()
    # What is there is kept if it still runs: a changed pin is then a small update. A moved folder or another Python is made anew.
    version = "import sys; print(sys.version + sys.prefix)"
    probe = subprocess.run([str(PYTHON), "-c", version], capture_output=True, text=True, check=False) if PYTHON.exists() else None
    if probe is None or probe.stdout.rstrip("\n") != sys.version + str(VENV):
        make_venv()
    pip("--constraint", "constraints.txt", "setuptools")
    pip("--constraint", "constraints.txt", "--no-build-isolation", "--editable", f".[{EXTRAS[target]}]")
    stamps[target].write_text(stamp)
    say(f"ready in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in EXTRAS:
        fail(f"usage: setup.py {'|'.join(EXTRAS)}")
    make_ready(sys.argv[1])
