"""Recordings and transcripts from outside: put in, told of, fetched by key and by link, and nothing half-done stays."""

import hashlib
import http.client
import io
import json
import os
import resource
import socket
import threading
import time
import wave
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

import pytest
from harness import Api, Receiver, Server, start_server, until

NewCall = Callable[..., Callable[..., dict[str, Any]]]
BASE = "https://calls.example.com/rb"
MOST = 3_000_000
WAV = {"Content-Type": "audio/wav"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a public URL and a small cap."""
    running = start_server(tmp_path_factory.mktemp("recordings") / "data", "--public-url", BASE, "--max-recording-bytes", str(MOST))
    yield running
    assert running.stop() == 0, running.log.read_text()
    assert "Traceback" not in running.log.read_text()


@pytest.fixture
def mine(place: Server) -> Api:
    return place.account()


def wav(seconds: float, channels: int = 1, first: bytes = b"") -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(first + bytes(int(seconds * 8000) * channels * 2 - len(first)))
    return out.getvalue()


def put(api: Api, call: str, body: bytes, headers: dict[str, str] | None = None, query: str = "") -> tuple[int, Any]:
    path = f"/v1/calls/{quote(call, safe='')}/recording{query}"
    status, _, answer = api.raw("PUT", path, body, WAV if headers is None else headers)
    return status, json.loads(answer)


def fetch(api: Api, url: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """By a link, without a key, past the proxy that the public URL stands for."""
    assert url.startswith(BASE + "/")
    return Api(api.port, None).raw(method, url.removeprefix(BASE), None, {k.replace("_", "-"): v for k, v in headers.items()})


def a_call(api: Api, new_call: NewCall, *kinds: str, **fixed: Any) -> str:
    """A call that was told of, by default whole; its id."""
    say = new_call(**fixed)
    updates = [say(kind, second) for second, kind in enumerate(kinds or ("starting", "ongoing", "completed"))]
    api.send(*updates)
    return str(updates[0]["call"]["id"])


def files(server: Server) -> list[Path]:
    return [path for path in (server.data / "recordings").rglob("*") if path.is_file()]


def recordings(api: Api) -> list[dict[str, Any]]:
    """Deliveries that told of a recording."""
    return [item for item in api.deliveries() if item["event"] in ("call.recording", "callRecordingAvailable")]


def test_a_recording_comes_in_and_every_platform_tells_of_it(mine: Api, receiver: Receiver, new_call: NewCall) -> None:
    for dialect in ("standard", "voc", "fonedynamics", "voxtelesys"):
        mine.endpoint(f"{receiver.url}/{dialect}", dialect, hold_s=3600)
    say = new_call(awaits=["recording"])
    # A completion waits for so long after the call's own end.
    now = {"at": datetime.now(UTC).isoformat()}
    mine.send(*({**say(kind), **now} for kind in ("starting", "ongoing", "completed")))
    call = say("x")["call"]["id"]
    until(lambda: sum(got.path.startswith(("/standard", "/voc")) for got in receiver.all) == 5)
    assert not [got for got in receiver.all if b"Call.Complete" in got.body]

    status, answer = put(mine, call, wav(3.4, 2))
    assert status == 200
    assert (answer["duration_s"], answer["channels"], answer["media_type"]) == (3, 2, "audio/wav")
    assert (answer["size"], answer["sha256"]) == (len(wav(3.4, 2)), hashlib.sha256(wav(3.4, 2)).hexdigest())
    assert (answer["call_id"], answer["duplicate"]) == (call, False)
    url = answer["url"]
    assert fetch(mine, url)[2] == wav(3.4, 2)

    def told() -> dict[str, Any]:
        found = {}
        for got in receiver.all:
            body = dict(parse_qsl(got.body.decode()))
            if got.path == "/standard" and got.json["type"] == "call.recording":
                found["standard"] = got.json["data"]["recording"]
            if got.path.startswith("/voc?event=callRecordingAvailable"):
                found["voc"] = parse_qs(urlsplit(got.path).query)["callid"]
            if body.get("EventType") == "Call.Complete" or "Call.Recording.Uri" in body:
                found["fonedynamics"] = body["Call.Recording.Uri"]
            if "RecordingStatus" in body:
                found["voxtelesys"] = (body["RecordingUrl"], body["RecordingDuration"], body["RecordingChannels"])
        return found if len(found) == 4 else {}

    assert until(told) == {
        "standard": {"status": "completed", "url": url, "duration_s": 3, "channels": 2},
        "voc": [call],
        "fonedynamics": url,
        "voxtelesys": (url, "3", "2"),
    }
    shown = mine.get(f"/v1/calls/{call}")
    assert shown["call"]["context"]["recording"] == {"url": url, "duration_s": 3, "channels": 2, "status": "completed"}
    assert answer["event_id"] in [event["id"] for event in shown["events"]]


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=100-", 206, slice(100, None)),
        ("bytes=-50", 206, slice(-50, None)),
        ("bytes=500-99999999", 206, slice(500, None)),
        ("BYTES = 0-0", 200, slice(None)),
        ("bytes=5-4", 200, slice(None)),
        ("bytes=0-1,5-6", 200, slice(None)),
        ("lines=1-2", 200, slice(None)),
        ("bytes=-", 200, slice(None)),
        ("bytes=99999999-", 416, None),
        ("bytes=-0", 416, None),
    ],
)
def test_ranges_of_a_recording(mine: Api, new_call: NewCall, asked: str, status: int, part: slice | None) -> None:
    call, body = a_call(mine, new_call), wav(0.5, first=os.urandom(4000))
    url = put(mine, call, body)[1]["url"]
    by_key = mine.raw("GET", f"/v1/calls/{call}/recording", None, {"Range": asked})
    by_link = fetch(mine, url, Range=asked)
    for got, headers, answer in (by_key, by_link):
        assert got == status
        if part is None:
            assert headers["content-range"] == f"bytes */{len(body)}"
            continue
        expected = body[part]
        assert answer == expected
        assert headers["content-length"] == str(len(expected))
        assert headers["content-type"] == "audio/wav"
        assert headers["accept-ranges"] == "bytes"
        if status == 206:
            first, behind, _ = part.indices(len(body))
            assert headers["content-range"] == f"bytes {first}-{behind - 1}/{len(body)}"


def test_what_was_fetched_before_is_not_sent_again(mine: Api, new_call: NewCall) -> None:
    call, body = a_call(mine, new_call), wav(0.1)
    url = put(mine, call, body)[1]["url"]
    status, headers, answer = fetch(mine, url, method="HEAD")
    tag = headers["etag"]
    assert (status, answer, headers["content-length"]) == (200, b"", str(len(body)))
    assert mine.raw("HEAD", f"/v1/calls/{call}/recording", None, {"Range": "bytes=0-3"})[:1] == (206,)
    assert fetch(mine, url, If_None_Match=tag)[0] == 304
    assert fetch(mine, url, If_None_Match=f'"x", W/{tag}')[0] == 304
    assert fetch(mine, url, If_None_Match='"x"')[2] == body
    assert fetch(mine, url, Range="bytes=0-3", If_Range=tag)[2] == body[:4]
    assert fetch(mine, url, Range="bytes=0-3", If_Range='"old"')[2] == body


def test_the_same_file_again_sends_nothing_and_another_one_replaces_it(
    place: Server, mine: Api, receiver: Receiver, new_call: NewCall
) -> None:
    mine.endpoint(receiver.url + "/voc", "voc", events=["callRecordingAvailable"])
    call = a_call(mine, new_call)
    first = put(mine, call, wav(1))[1]
    again = put(mine, call, wav(1))[1]
    assert (again["duplicate"], again["event_id"]) == (True, first["event_id"])
    assert len(recordings(mine)) == 1
    ogg = b"OggS" + os.urandom(2000)
    other = put(mine, call, ogg, {"Content-Type": "audio/ogg"}, "?duration_s=7&channels=1")[1]
    assert (other["duplicate"], other["media_type"], other["duration_s"], other["channels"]) == (False, "audio/ogg", 7, 1)
    assert fetch(mine, other["url"])[1]["content-type"] == "audio/ogg"
    assert fetch(mine, other["url"])[2] == fetch(mine, first["url"])[2] == ogg
    assert [path for path in files(place) if mine.account in str(path)] == [
        path for path in files(place) if path.name == f"recording-{other['sha256']}.ogg"
    ]
    back = put(mine, call, wav(1))[1]
    assert not back["duplicate"]
    until(lambda: len(recordings(mine)) == 3)


def test_two_at_once_leave_one(place: Server, mine: Api, new_call: NewCall) -> None:
    call = a_call(mine, new_call)
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda n=n: answers.append(put(mine, call, wav(1 + n / 10)))) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [status for status, _ in answers] == [200] * 6
    (kept,) = (path for path in files(place) if mine.account in str(path))
    assert mine.raw("GET", f"/v1/calls/{call}/recording")[2] == kept.read_bytes()
    last = mine.get(f"/v1/calls/{call}")["events"][-1]["data"]["url"]
    assert fetch(mine, last)[2] == kept.read_bytes()


REFUSED: dict[str, tuple[bytes, dict[str, str], str, int]] = {
    "no type": (wav(1), {"Content-Type": ""}, "", 415),
    "not audio": (wav(1), {"Content-Type": "application/json"}, "", 415),
    "audio that is not taken": (b"fLaC....", {"Content-Type": "audio/flac"}, "", 415),
    "another kind than it says": (wav(1), {"Content-Type": "audio/mpeg"}, "", 415),
    "a page that calls itself audio": (b"<html><script>alert(1)</script>", WAV, "", 415),
    "nothing": (b"", WAV, "", 415),
    "too large": (wav(1) + bytes(MOST), WAV, "", 413),
    "a length below nothing": (wav(1), WAV, "?duration_s=-1", 422),
    "a length that is no number": (wav(1), WAV, "?duration_s=long", 422),
    "no channel": (wav(1), WAV, "?channels=0", 422),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_no_recording_is_refused_and_leaves_nothing(place: Server, mine: Api, new_call: NewCall, why: str) -> None:
    body, headers, query, status = REFUSED[why]
    call = a_call(mine, new_call)
    got, problem = put(mine, call, body, headers, query)
    assert (got, problem["status"]) == (status, status), problem
    assert_nothing_of(place, mine, call)


def assert_nothing_of(place: Server, api: Api, call: str) -> None:
    """Nothing was kept, nothing was told, nothing lies about."""
    assert not [path for path in files(place) if api.account in str(path) or "incoming" in str(path)]
    assert "call.recording" not in [event["type"] for event in api.get(f"/v1/calls/{quote(call, safe='')}")["events"]]
    status, _, answer = api.raw("GET", f"/v1/calls/{quote(call, safe='')}/recording")
    assert (status, json.loads(answer)["detail"]) == (404, "the call has no recording")


def sending(api: Api, call: str, *headers: str) -> socket.socket:
    """A connection on which the head of an upload was sent."""
    connection = socket.create_connection(("127.0.0.1", api.port), timeout=20)
    head = [f"PUT /v1/calls/{call}/recording HTTP/1.1", "Host: x", f"Authorization: Bearer {api.key}", "Content-Type: audio/wav"]
    connection.sendall("\r\n".join((*head, *headers, "", "")).encode())
    return connection


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


def test_an_upload_without_a_length_is_taken_and_capped(place: Server, mine: Api, new_call: NewCall) -> None:
    call, body = a_call(mine, new_call), wav(20)
    with sending(mine, call, "Transfer-Encoding: chunked") as connection:
        connection.sendall(b"".join(chunk(body[at : at + 1000]) for at in range(0, len(body), 1000)) + b"0\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert mine.raw("GET", f"/v1/calls/{call}/recording")[2] == body
    other = a_call(mine, new_call)
    with sending(mine, other, "Transfer-Encoding: chunked") as connection:
        connection.sendall(b"".join(chunk(bytes(wav(0.1)) + bytes(100_000)) for _ in range(MOST // 100_000 + 2)) + b"0\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
    assert mine.raw("GET", f"/v1/calls/{other}/recording")[0] == 404


def test_who_asks_before_sending_is_told_before(mine: Api, new_call: NewCall) -> None:
    call = a_call(mine, new_call)
    with sending(mine, call, f"Content-Length: {MOST + 1}", "Expect: 100-continue") as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
    with sending(mine, "no-such-call", "Content-Length: 1000", "Expect: 100-continue") as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 404 ")
    body = wav(0.1)
    with sending(mine, call, f"Content-Length: {len(body)}", "Expect: 100-continue") as connection:
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("how", ["length", "chunks"])
def test_an_upload_that_is_cut_leaves_nothing(place: Server, mine: Api, new_call: NewCall, how: str) -> None:
    call, body = a_call(mine, new_call), wav(60)
    framing = f"Content-Length: {len(body)}" if how == "length" else "Transfer-Encoding: chunked"
    connection = sending(mine, call, framing)
    part = body[:600_000]
    connection.sendall(part if how == "length" else chunk(part))
    until(lambda: any("incoming" in str(path) and path.stat().st_size > 0 for path in files(place)))
    connection.close()
    until(lambda: not [path for path in files(place) if "incoming" in str(path)])
    assert_nothing_of(place, mine, call)


def test_a_large_upload_is_not_held_in_memory(tmp_path: Path, new_call: NewCall) -> None:
    server = start_server(tmp_path / "data")
    try:
        api = server.account()
        call, size = a_call(api, new_call), 100_000_000
        put(api, call, wav(1))
        before = peak_kib(server)
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        head, block = wav(1)[:44], bytes(1 << 20)

        def parts() -> Iterator[bytes]:
            yield head
            left = size - len(head)
            while left:
                yield block[:left]
                left -= min(left, len(block))

        headers = {"Authorization": f"Bearer {api.key}", "Content-Length": str(size), **WAV}
        connection.request("PUT", f"/v1/calls/{call}/recording", parts(), headers)
        answer = json.loads(connection.getresponse().read())
        assert answer["size"] == size
        connection.request("GET", f"/v1/calls/{call}/recording", headers={"Authorization": f"Bearer {api.key}"})
        response = connection.getresponse()
        digest = hashlib.sha256()
        while part := response.read(1 << 20):
            digest.update(part)
        connection.close()
        assert digest.hexdigest() == answer["sha256"]
        assert peak_kib(server) - before < 20_000
    finally:
        assert server.stop() == 0


def peak_kib(server: Server) -> int:
    """The most memory that the server ever had."""
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def test_keys_of_others_open_nothing(place: Server, mine: Api, new_call: NewCall) -> None:
    call = a_call(mine, new_call)
    put(mine, call, wav(1))
    mine.raw("PUT", f"/v1/calls/{call}/transcription", b'{"text":"hello"}')
    stranger, nobody = place.account(), Api(mine.port, None)
    wrong = Api(mine.port, "rb_no_such_key")
    for part, body in (("recording", wav(2)), ("transcription", b'{"text":"x"}')):
        path = f"/v1/calls/{call}/{part}"
        for api, status in ((stranger, 404), (nobody, 401), (wrong, 401)):
            assert api.raw("GET", path)[0] == status
            assert api.raw("PUT", path, body, WAV if part == "recording" else {})[0] == status
        assert place.operator.raw("GET", f"{path}?account={mine.account}")[0] == 200
        assert place.operator.raw("GET", f"{path}?account={stranger.account}")[0] == 404
        assert place.operator.raw("GET", path)[0] == 422
    assert mine.raw("GET", f"/v1/calls/{call}/recording")[2] == wav(1)


def test_a_key_that_may_only_look_hears_and_reads_nothing(mine: Api, new_call: NewCall) -> None:
    made = mine.post("/v1/keys", {"name": "auditor", "role": "viewer"})
    viewer = Api(mine.port, made["key"])
    call = a_call(mine, new_call)
    put(mine, call, wav(1))
    transcribe(mine, call, {"text": "secret", "summary": "secret"})
    for method, path, body in (
        ("GET", "recording", None),
        ("HEAD", "recording", None),
        ("GET", "transcription", None),
        ("PUT", "recording", wav(1)),
        ("PUT", "transcription", b'{"text":"a"}'),
    ):
        assert viewer.raw(method, f"/v1/calls/{call}/{path}", body, WAV if path == "recording" else {})[0] == 403
    for path in (f"/v1/calls/{call}", "/v1/calls"):
        shown = viewer.raw("GET", path)[2].decode()
        assert "signature=" not in shown
        assert "secret" not in shown
        assert '"completed"' in shown
    assert "signature=" in mine.raw("GET", f"/v1/calls/{call}")[2].decode()


def test_a_link_opens_its_own_file_only(mine: Api, new_call: NewCall) -> None:
    first, second = a_call(mine, new_call), a_call(mine, new_call)
    one, two = put(mine, first, wav(1))[1]["url"], put(mine, second, wav(2))[1]["url"]
    query = urlsplit(one).query
    swapped = two.partition("?")[0] + "?" + query
    for url, status in (
        (one.partition("?")[0], 401),
        (swapped, 403),
        (one[:-1] + ("A" if one[-1] != "A" else "B"), 403),
        (one.replace("expires=", "expires=9"), 403),
        (one.replace(".wav", ".mp3"), 403),
        (one.replace("/recordings/", "/transcriptions/"), 403),
        (f"{BASE}/recordings/..%2f..%2fringback.db?{query}", 404),
        (f"{BASE}/recordings/ringback.db?{query}", 403),
        (f"{BASE}/recordings/rec_00000000000001.wav", 401),
    ):
        got, _, answer = fetch(mine, url)
        assert (got, json.loads(answer)["status"]) == (status, status), url
    assert fetch(mine, one, method="PUT")[0] == 405


def test_links_run_out_and_are_made_anew(tmp_path: Path, new_call: NewCall) -> None:
    server = start_server(tmp_path / "data", "--public-url", BASE, "--recording-link-s", "1")
    try:
        api = server.account()
        call = a_call(api, new_call)
        url = put(api, call, wav(1))[1]["url"]
        assert fetch(api, url)[0] == 200
        answer = until(lambda: (got := fetch(api, url))[0] == 403 and got[2], 5)
        assert json.loads(answer)["detail"] == "the link has expired: ask for a new one with a key"
        assert fetch(api, put(api, call, wav(1))[1]["url"])[0] == 200
        assert api.raw("GET", f"/v1/calls/{call}/recording")[2] == wav(1)
    finally:
        assert server.stop() == 0


def test_recordings_outlast_a_kill_and_half_uploads_do_not(tmp_path: Path, new_call: NewCall) -> None:
    server = start_server(tmp_path / "data", "--public-url", BASE)
    api = server.account()
    call = a_call(api, new_call)
    url = put(api, call, wav(1))[1]["url"]
    with sending(api, call, "Content-Length: 9000000") as connection:
        connection.sendall(wav(30))
        until(lambda: any("incoming" in str(path) and path.stat().st_size > 0 for path in files(server)))
        server.stop(9)
    again = start_server(tmp_path / "data", "--public-url", BASE)
    try:
        assert not [path for path in files(again) if "incoming" in str(path)]
        api.port = again.port
        assert fetch(api, url)[2] == wav(1)
        assert api.raw("GET", f"/v1/calls/{call}/recording")[2] == wav(1)
    finally:
        assert again.stop() == 0
    modes = {path: path.stat().st_mode & 0o777 for path in (tmp_path / "data" / "recordings").rglob("*")}
    assert set(modes.values()) <= {0o700, 0o600}


def test_a_full_disk_takes_nothing_and_says_so(tmp_path: Path, new_call: NewCall) -> None:
    server = start_server(tmp_path / "data")
    try:
        api = server.account()
        call, small, large = a_call(api, new_call), wav(1), wav(600)
        assert put(api, call, small)[0] == 200
        pid, (_, hard) = server.process.pid, resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (8_000_000, hard))
        status, problem = put(api, call, large)
        assert (status, problem["status"]) == (503, 503)
        assert str(tmp_path) not in json.dumps(problem)
        assert api.raw("GET", f"/v1/calls/{call}/recording")[2] == small
        assert len(files(server)) == 1
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
        assert put(api, call, large)[0] == 200
        assert api.raw("GET", f"/v1/calls/{call}/recording")[2] == large
    finally:
        assert server.stop() == 0


def test_a_server_that_met_its_cap_takes_no_more(tmp_path: Path, new_call: NewCall) -> None:
    server = start_server(tmp_path / "data", "--max-disk", "20000000")
    try:
        api = server.account()
        call, other = a_call(api, new_call), a_call(api, new_call)
        large = wav(1500)
        assert put(api, call, large)[0] == 200
        until(lambda: put(api, other, wav(1))[0] == 503)
        assert transcribe(api, call, {"text": "a"})[0] == 503
        assert api.raw("GET", f"/v1/calls/{call}/recording")[2] == large
    finally:
        assert server.stop() == 0


def test_a_leg_s_recording_is_its_conversation_s(mine: Api, receiver: Receiver, new_call: NewCall) -> None:
    mine.endpoint(receiver.url + "/voc", "voc", events=["callRecordingAvailable"])
    root = a_call(mine, new_call, "starting", "ongoing")
    leg = a_call(mine, new_call, "starting", "ongoing", parent=root, direction="outbound", to="280085")
    url = put(mine, leg, wav(1))[1]["url"]
    assert parse_qs(urlsplit(receiver.next().path).query)["callid"] == [root]
    assert mine.raw("GET", f"/v1/calls/{leg}/recording")[2] == mine.raw("GET", f"/v1/calls/{root}/recording")[2] == wav(1)
    assert mine.get(f"/v1/calls/{root}")["call"]["context"]["recording"]["url"] == url
    put(mine, root, wav(2))
    assert mine.raw("GET", f"/v1/calls/{leg}/recording")[2] == wav(1)
    assert mine.raw("GET", f"/v1/calls/{root}/recording")[2] == wav(2)


@pytest.mark.parametrize("identity", ["a/b", "/lead", "trail/", "x/recording", "sip:7@h", "ü %2F#?", ".."])
def test_any_call_id_may_have_a_recording(mine: Api, new_call: NewCall, identity: str) -> None:
    call = a_call(mine, new_call, call_id=identity)
    status, answer = put(mine, call, wav(0.2))
    assert (status, answer["call_id"]) == (200, identity)
    assert mine.raw("GET", f"/v1/calls/{quote(identity, safe='')}/recording")[2] == wav(0.2)
    assert mine.get(f"/v1/calls/{quote(identity, safe='')}")["call"]["id"] == identity


def test_an_id_that_is_used_again_has_its_own_recording(mine: Api, new_call: NewCall) -> None:
    say = new_call()
    mine.send(say("starting", 0), say("completed", 5))
    call = say("x")["call"]["id"]
    url = put(mine, call, wav(1))[1]["url"]
    mine.send(say("starting", 600))
    assert mine.raw("GET", f"/v1/calls/{call}/recording")[0] == 404
    other = put(mine, call, wav(2))[1]["url"]
    assert fetch(mine, url)[2] == wav(1)
    assert fetch(mine, other)[2] == wav(2)


def test_a_recording_elsewhere_is_not_ours_to_give(mine: Api, new_call: NewCall) -> None:
    say = new_call()
    mine.send(say("starting"), say("recording", 5, {"status": "completed", "url": "https://elsewhere.example/1.wav"}))
    status, _, answer = mine.raw("GET", f"/v1/calls/{say('x')['call']['id']}/recording")
    assert (status, json.loads(answer)["detail"]) == (404, "its recording is kept elsewhere: the call tells its URL")


# Transcripts


def transcribe(api: Api, call: str, body: Any) -> tuple[int, Any]:
    return api.call("PUT", f"/v1/calls/{call}/transcription", body)


def test_a_transcript_comes_in_and_is_told_with_its_text(mine: Api, receiver: Receiver, new_call: NewCall) -> None:
    mine.endpoint(receiver.url + "/standard", events=["call.transcription"])
    mine.endpoint(receiver.url + "/voc", "voc", events=["callTranscriptionAvailable"])
    call = a_call(mine, new_call)
    status, answer = transcribe(mine, call, {"text": "Grüß Gott, Ada.", "summary": "A greeting."})
    assert status == 200
    bodies = {got.path.partition("?")[0]: got for got in receiver.take(2)}
    told = {"text": "Grüß Gott, Ada.", "url": answer["url"], "summary": "A greeting."}
    assert bodies["/standard"].json["data"]["transcription"] == told
    assert parse_qs(urlsplit(bodies["/voc"].path).query)["callid"] == [call]
    assert mine.get(f"/v1/calls/{call}/transcription") == {"text": "Grüß Gott, Ada.", "summary": "A greeting.", "url": None}
    got, headers, text = fetch(mine, answer["url"])
    assert (got, headers["content-type"]) == (200, "application/json")
    assert json.loads(text) == {"text": "Grüß Gott, Ada.", "summary": "A greeting."}
    assert transcribe(mine, call, {"text": "Grüß Gott, Ada.", "summary": "A greeting."})[1]["duplicate"]
    assert receiver.nothing()


def test_a_long_transcript_is_told_by_its_link(mine: Api, receiver: Receiver, new_call: NewCall) -> None:
    mine.endpoint(receiver.url, events=["call.transcription"])
    call, text = a_call(mine, new_call), "word " * 100_000
    transcribe(mine, call, {"text": "short"})
    answer = transcribe(mine, call, {"text": text})[1]
    receiver.next()
    assert receiver.next().json["data"]["transcription"] == {"url": answer["url"]}
    assert mine.get(f"/v1/calls/{call}/transcription")["text"] == text
    assert mine.get(f"/v1/calls/{call}")["call"]["context"]["transcription"] == {"url": answer["url"]}


def test_a_transcript_that_an_update_told_is_shown_too(mine: Api, new_call: NewCall) -> None:
    say = new_call()
    mine.send(say("starting"), say("transcription", 9, {"text": "told", "url": "https://elsewhere.example/1.txt"}))
    call = say("x")["call"]["id"]
    shown = {"text": "told", "summary": None, "url": "https://elsewhere.example/1.txt"}
    assert mine.get(f"/v1/calls/{call}/transcription") == shown
    assert mine.call("GET", f"/v1/calls/{a_call(mine, new_call)}/transcription")[0] == 404


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "text"),
        ({"text": ""}, 422, "text"),
        ({"text": 5}, 422, "text"),
        ({"text": "a", "words": []}, 422, "words"),
        ({"text": "a\0b"}, 422, "text"),
        ({"text": "a", "summary": "\0"}, 422, "summary"),
        ([], 422, None),
        ({"text": "x" * 5_000_000}, 413, None),
    ],
)
def test_what_is_no_transcript_is_refused(mine: Api, new_call: NewCall, body: Any, status: int, field: str | None) -> None:
    call = a_call(mine, new_call)
    got, problem = transcribe(mine, call, body)
    assert (got, problem.get("field")) == (status, field), problem
    assert mine.call("GET", f"/v1/calls/{call}/transcription")[0] == 404
    assert transcribe(mine, "nobody", {"text": "a"})[0] == 404


def test_uploads_do_not_stop_the_events(mine: Api, new_call: NewCall) -> None:
    """While uploads hang, updates are answered."""
    call = a_call(mine, new_call)
    hanging = [sending(mine, call, "Content-Length: 2000000") for _ in range(20)]
    for connection in hanging:
        connection.sendall(wav(20))
    began = time.monotonic()
    a_call(mine, new_call)
    assert time.monotonic() - began < 5
    for connection in hanging:
        connection.close()
