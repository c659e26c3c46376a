"""What SIP does to a process: nothing until it is used, and no harm then."""

import subprocess
import sys

FIRST = """
import sys
import ringback.cli.main, ringback.engine.server, ringback.switch.embedded.sip.settings, ringback.switch.embedded.sip.signalling
from ringback.switch.embedded.sip.signalling import SipSignalling
from ringback.switch.embedded.sip.settings import SipSettings
SipSignalling(SipSettings())
strange = [name for name in sys.modules if name.split(".")[0] in ("sippy", "elperiodic", "Crypto", "flask", "pjsua2")]
assert not strange, strange
"""
TWICE = """
import asyncio, logging, socket
from ringback.switch.embedded.sip.settings import SipSettings, Trunk
from ringback.switch.embedded.sip.signalling import SipSignalling
logging.basicConfig(level=logging.DEBUG)

async def main():
    sip = SipSignalling(SipSettings(port=0, trunks=(Trunk(name="t", addresses=("127.0.0.0/8",)),)))
    for _ in range(2):
        await sip.start(print)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
            phone.settimeout(10)
            phone.connect(sip.address)
            head = "Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK1\\r\\nCall-ID: 1\\r\\n"
            head += "From: <sip:a@b>;tag=1\\r\\nTo: <sip:a@b:>\\r\\n"
            head += "Authorization: Digest response=SECRET,\\r\\n username=SECRET\\r\\n"
            for request in ("INVITE sip:x SIP/2.0\\r\\nContent-Length: 99\\r\\n\\r\\nSignal=SECRET",
                            "SIP/2.0 200 OK\\r\\nCSeq: 1 INVITE twice\\r\\n\\r\\n",
                            "OPTIONS sip:x SIP/2.0\\r\\nCSeq: 1 OPTIONS\\r\\n\\r\\n"):
                start, rest = request.split("\\r\\n", 1)
                phone.send(f"{start}\\r\\n{head}{rest}".encode())
            assert b"SIP/2.0" in phone.recv(9000)
        await sip.stop()

asyncio.run(main())
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60, check=False)


def test_sippy_is_not_there_until_the_engine_starts() -> None:
    done = run(FIRST)
    assert done.returncode == 0, done.stderr


def test_a_process_prints_nothing_shows_no_secret_and_ends_well() -> None:
    """sippy prints what it cannot read, and crashes a process whose importing thread is gone."""
    done = run(TWICE)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "sip.message" in done.stderr
    assert "SECRET" not in done.stderr
    assert "Traceback" not in done.stderr
