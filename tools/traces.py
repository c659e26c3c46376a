"""Refuses traces of the place where something was written: package index hosts, and absolute paths of somebody's workspace.

Whoever installs may use any mirror, and clones anywhere. The patterns are spelled so that this file does not find itself.
"""

import re
import subprocess
import sys
from pathlib import Path

TRACES = {
    "names a package index host": re.compile(
        rb"pypi[.]org|pythonhosted[.]org|deb[.]debian[.]org|archive[.]ubuntu[.]com|registry[.]npmjs|--(extra-)?index-url|--find-link[s]"
    ),
    "holds a workspace's path": re.compile(
        rb"(?<![\w./:-])/(work/(main|shared|venv)|root/[.\w]|home/(?!user|ringback)\w+/|Users/\w)"
    ),
}


def main() -> int:
    """1 when a tracked file holds a trace."""
    names = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True, text=True).stdout.split("\0")
    bad = []
    for path in map(Path, filter(None, names)):
        if not path.is_file():
            continue
        for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
            bad += [f"{path}:{number}: {what}" for what, pattern in TRACES.items() if pattern.search(line)]
    if bad:
        print("traces:", *bad, sep="\n  ", file=sys.stderr)
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
