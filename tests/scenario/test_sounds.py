"""Sounds that a document names: fetched through the guard, decoded, kept as long as their server allows."""

import asyncio
import base64
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from harness import Got, Receiver, free_port, running_receiver
from speech_harness import got, run, sounding, tone, tone_file

from ringback.delivery.sender import read_allowed_network
from ringback.switch.embedded.sounds import MOST_BYTES
from ringback.switch.speech.port import Clip

MP3 = Path(__file__).parents[1] / "data" / "sounds" / "tone-1000hz-1s.mp3"


class Clock:
    """Unix milliseconds that stand still."""

    def __init__(self) -> None:
        self.now_ms = 1_795_000_000_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def files() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        receiver.answer = lambda _: (200, {}, tone_file())
        yield receiver


def test_wav_and_mp3_are_heard(files: Receiver, tmp_path: Path) -> None:
    files.answer = lambda asked: (200, {"Content-Type": "text/plain"}, MP3.read_bytes() if "mp3" in asked.path else tone_file())

    async def test() -> None:
        async with sounding(tmp_path) as sounds:
            assert await got(sounds, files.url + "/a.wav?x=1#part") == Clip(tone())
            clip = await got(sounds, files.url + "/a.mp3")
            assert (clip.error, 14_000 < len(clip.pcm) < 20_000) == ("", True)

    run(test)
    first = files.all[0]
    assert (first.method, first.path, first.body) == ("GET", "/a.wav?x=1", b"")
    assert "authorization" not in first.headers


CACHED: list[tuple[str, dict[str, str], float, int]] = [
    ("fresh", {"Cache-Control": "max-age=60"}, 59, 1),
    ("over", {"Cache-Control": "max-age=60"}, 60, 2),
    ("not to be kept", {"Cache-Control": "no-store, max-age=60"}, 0, 2),
    ("not to be used unasked", {"Cache-Control": "no-cache, max-age=60"}, 0, 2),
    ("nothing said", {}, 0, 2),
    ("expires", {"Expires": formatdate(time.time() + 3_600, usegmt=True)}, 1_800, 1),
]


@pytest.mark.parametrize(("headers", "later_s", "asked"), [row[1:] for row in CACHED], ids=[row[0] for row in CACHED])
@pytest.mark.parametrize("restarted", [False, True])
def test_what_a_server_allows_is_kept(
    files: Receiver, tmp_path: Path, headers: dict[str, str], later_s: float, asked: int, restarted: bool
) -> None:
    files.answer = lambda _: (200, headers, tone_file())
    clock = Clock()

    async def test() -> None:
        async with sounding(tmp_path, clock_ms=clock) as sounds:
            assert await got(sounds, files.url + "/a.wav") == Clip(tone())
            clock.now_ms += round(later_s * 1000)
            if not restarted:
                assert await got(sounds, files.url + "/a.wav") == Clip(tone())
        if restarted:
            async with sounding(tmp_path, clock_ms=clock) as sounds:
                assert await got(sounds, files.url + "/a.wav") == Clip(tone())

    run(test)
    assert len(files.all) == asked


def changing(etag: str, body: Callable[[], bytes]) -> Callable[[Got], Any]:
    def answer(asked: Got) -> Any:
        tags = {"ETag": etag, "Cache-Control": "max-age=10"}
        return (304, tags, b"") if asked.headers.get("if-none-match") == etag else (200, tags, body())

    return answer


def test_a_server_is_asked_whether_it_is_still_the_same(files: Receiver, tmp_path: Path) -> None:
    clock = Clock()

    async def test() -> None:
        async with sounding(tmp_path, clock_ms=clock) as sounds:
            files.answer = changing('"one"', tone_file)
            for asked in (1, 2):
                for _ in range(3):
                    assert await got(sounds, files.url) == Clip(tone())
                assert len(files.all) == asked
                clock.now_ms += 10_000
            files.answer = changing('"two"', lambda: tone_file(900))
            assert await got(sounds, files.url) == Clip(tone(900))

    run(test)
    assert [asked.headers.get("if-none-match") for asked in files.all] == [None, '"one"', '"one"']


def test_a_date_asks_too(files: Receiver, tmp_path: Path) -> None:
    date = "Fri, 20 Nov 2026 12:00:00 GMT"
    files.answer = lambda asked: (
        (304, {}, b"") if asked.headers.get("if-modified-since") == date else (200, {"Last-Modified": date}, tone_file())
    )

    async def test() -> None:
        async with sounding(tmp_path) as sounds:
            assert [await got(sounds, files.url) for _ in range(2)] == [Clip(tone())] * 2

    run(test)
    assert [asked.headers.get("if-modified-since") for asked in files.all] == [None, date]


@pytest.mark.parametrize("status", [500, 503, 429])
def test_an_older_copy_is_played_when_the_server_is_down(files: Receiver, tmp_path: Path, status: int) -> None:
    async def test() -> None:
        async with sounding(tmp_path) as sounds:
            assert await got(sounds, files.url + "/a") == Clip(tone())
            files.answer = lambda _: (200, {"Cache-Control": "must-revalidate"}, tone_file())
            assert await got(sounds, files.url + "/b") == Clip(tone())
            files.answer = lambda _: status
            assert await got(sounds, files.url + "/a") == Clip(tone())
            assert (await got(sounds, files.url + "/b")).error.endswith(f"its server answered {status}")
            files.answer = lambda _: 404
            assert (await got(sounds, files.url + "/a")).error.endswith("its server answered 404")

    run(test)


def test_what_one_account_may_reach_is_not_for_another(files: Receiver, tmp_path: Path) -> None:
    files.answer = lambda _: (200, {"Cache-Control": "max-age=60"}, tone_file())
    only_a = (read_allowed_network("127.0.0.0/8", "a"),)

    async def test() -> None:
        async with sounding(tmp_path, allow_networks=only_a) as sounds:
            assert await got(sounds, files.url, "a") == Clip(tone())
            assert (await got(sounds, files.url, "b")).pcm == b""

    run(test)
    assert len(files.all) == 1


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://10.0.0.1/a.wav", "not a public address"),
        ("http://169.254.169.254/latest", "not a public address"),
        ("ftp://127.0.0.1/a.wav", "http"),
        ("file:///etc/passwd", ""),
        ("/etc/passwd", ""),
        ("http://[::1", ""),
        ("http://127.0.0.1:99999/", ""),
        ("http://127.0.0.1/a\r\nX: y", ""),
        ("", ""),
    ],
)
def test_where_nobody_may_go(tmp_path: Path, url: str, said: str) -> None:
    async def test() -> None:
        async with sounding(tmp_path) as sounds:
            clip = await got(sounds, url)
            assert (clip.pcm, bool(clip.error)) == (b"", True)
            assert said in clip.error

    run(test)


def test_redirects_are_followed_and_judged_each(files: Receiver, tmp_path: Path) -> None:
    targets = {"/one": "/two", "/two": "three", "/round": "/round", "/inside": "http://10.0.0.1/a.wav", "/nowhere": ""}
    files.answer = lambda asked: (302, {"Location": targets[asked.path]}, b"") if asked.path in targets else (200, {}, tone_file())

    async def test() -> None:
        async with sounding(tmp_path) as sounds:
            assert await got(sounds, files.url + "/one") == Clip(tone())
            assert "redirected more than 3 times" in (await got(sounds, files.url + "/round")).error
            assert "not a public address" in (await got(sounds, files.url + "/inside")).error
            assert "its server answered 302" in (await got(sounds, files.url + "/nowhere")).error

    run(test)


def test_credentials_go_to_their_own_host_alone(files: Receiver, tmp_path: Path) -> None:
    with running_receiver() as other:
        other.answer = lambda _: (200, {}, tone_file())
        targets = {"/same": "/there", "/other": other.url + "/there"}
        files.answer = lambda asked: (
            (302, {"Location": targets[asked.path]}, b"") if asked.path in targets else (200, {}, tone_file())
        )

        async def test() -> None:
            async with sounding(tmp_path) as sounds:
                base = files.url.replace("//", "//ann:secret@")
                for path in targets:
                    assert await got(sounds, base + path) == Clip(tone())
                files.answer = lambda _: 500
                clip = await got(sounds, base + "/new?sig=x")
                assert clip.error == f"{files.url}/new: its server answered 500"

        run(test)
        basic = "Basic " + base64.b64encode(b"ann:secret").decode()
        assert [asked.headers.get("authorization") for asked in files.all][:3] == [basic] * 3
        assert "authorization" not in other.next().headers


WRONG: list[tuple[str, bytes, str]] = [
    ("a page", b"<html>sorry</html>", "neither WAV nor MP3"),
    ("a broken file", b"RIFF\x24\0\0\0WAVE", "broken"),
    ("nothing", b"", "neither WAV nor MP3"),
    ("no sound", tone_file(seconds=0), "no sound in the file"),
    ("too large", tone_file() + b"\0" * MOST_BYTES, "larger than 20 MiB"),
    ("too long", tone_file()[:24] + b"\1\0\0\0" + tone_file(seconds=1)[28:], "longer than 30 minutes"),
]


@pytest.mark.parametrize(("body", "said"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_what_is_no_sound(files: Receiver, tmp_path: Path, body: bytes, said: str) -> None:
    files.answer = lambda _: (200, {"Cache-Control": "max-age=60"}, body)

    async def test() -> None:
        async with sounding(tmp_path) as sounds:
            clip = await got(sounds, files.url)
            assert (clip.pcm, said in clip.error) == (b"", True), clip.error
            files.answer = lambda _: (200, {}, tone_file())
            assert await got(sounds, files.url) == Clip(tone())

    run(test)


def test_a_server_that_takes_too_long(files: Receiver, tmp_path: Path) -> None:
    released = asyncio.Event()

    async def test() -> None:
        loop = asyncio.get_running_loop()

        def answer(_: Got) -> Any:
            asyncio.run_coroutine_threadsafe(released.wait(), loop).result(20)
            return 200, {}, tone_file()

        files.answer = answer
        async with sounding(tmp_path, fetch_s=0.3) as sounds:
            assert "in time" in (await got(sounds, files.url)).error
            released.set()
            await asyncio.sleep(0.05)

    run(test)


def test_nobody_listens_there(tmp_path: Path) -> None:
    async def test() -> None:
        async with sounding(tmp_path) as sounds:
            assert (await got(sounds, f"http://127.0.0.1:{free_port()}/")).error != ""

    run(test)


def test_many_who_want_the_same_are_one_request(files: Receiver, tmp_path: Path) -> None:
    async def test() -> None:
        async with sounding(tmp_path) as sounds:
            assert await asyncio.gather(*(got(sounds, files.url) for _ in range(50))) == [Clip(tone())] * 50

    run(test)
    assert len(files.all) == 1


def test_one_who_does_not_want_it_any_more_is_not_told(files: Receiver, tmp_path: Path) -> None:
    async def test() -> None:
        async with sounding(tmp_path) as sounds:
            told: list[Clip] = []
            sounds.get("a", files.url, told.append).cancel()
            assert await got(sounds, files.url) == Clip(tone())
            assert told == []

    run(test)


def test_the_disk_that_it_takes_is_bounded(files: Receiver, tmp_path: Path) -> None:
    files.answer = lambda _: (200, {"Cache-Control": "max-age=60"}, tone_file(seconds=0.5))
    most = 50_000

    async def test() -> None:
        for _ in range(2):
            async with sounding(tmp_path / "sounds", disk_bytes=most) as sounds:
                for n in range(12):
                    assert (await got(sounds, f"{files.url}/{n}")).error == ""
                    assert sum(file.stat().st_size for file in (tmp_path / "sounds").iterdir()) <= most

    run(test)
    assert len(list((tmp_path / "sounds").iterdir())) >= 3


@pytest.mark.parametrize("spoil", [b"", b"{}", b"not json\nxx", None])
def test_a_cache_that_was_spoilt_is_no_cache(files: Receiver, tmp_path: Path, spoil: bytes | None) -> None:
    files.answer = lambda _: (200, {"Cache-Control": "max-age=60"}, tone_file())

    async def test() -> None:
        async with sounding(tmp_path) as sounds:
            assert await got(sounds, files.url) == Clip(tone())

    run(test)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-2] if spoil is None else spoil)
    run(test)
    assert len(files.all) == 2


def test_a_folder_that_cannot_be_written_costs_no_sound(files: Receiver, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    async def test() -> None:
        async with sounding(tmp_path / "file") as sounds:
            assert await got(sounds, files.url) == Clip(tone())

    run(test)
