"""TLS: whom the sender trusts, what a refused certificate is called, and that an awkward receiver is as awkward behind it."""

import asyncio
import datetime
import ssl
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trustme
from awkward_receivers import (
    OK,
    Handler,
    NameServer,
    Peer,
    Wrap,
    answers,
    answers_and_waits,
    closes_after_request,
    receiving,
    resets_in_body,
    silent,
    slow_body,
)
from sender_harness import LOOPS, PATIENT_S, TIMEOUT_S, Client, aiohttp_result, post, settings, with_names, with_sender

from ringback.webhooks.model import ErrorClass

LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
ANSWERING = answers(OK, close=False)


class Authority(NamedTuple):
    ca: trustme.CA
    file: str


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    ca = trustme.CA()
    file: Path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(file)
    return Authority(ca, str(file))


def speaking_tls(ca: trustme.CA, *names: str, client_ca: trustme.CA | None = None, **how: Any) -> Wrap:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*names, **how).configure_cert(context)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        client_ca.configure_trust(context)
    return lambda sock: context.wrap_socket(sock, server_side=True)


def closes_at_once(sock: Any) -> Any:
    sock.close()
    raise OSError("closed before the handshake")


@pytest.mark.parametrize("kind", LOOPS)
def test_https_by_name_with_sni_and_kept(kind: str, authority: Authority) -> None:
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.ca.issue_cert("hooks.test").configure_cert(context)
    context.sni_callback = lambda _, name, __: asked.append(name)

    async def scenario(client: Client, names: NameServer) -> None:
        url = f"https://hooks.test:{receiver.port}/a"
        first = await client.send(post(url))
        second = await client.send(post(url))
        assert (first.error, first.status, first.reused) == ("", 200, False), first
        assert (second.error, second.status, second.reused) == ("", 200, True)
        marks = (first.dns_ms, first.connect_ms, first.tls_ms, first.first_byte_ms, first.total_ms)
        assert all(mark is not None for mark in marks)
        assert list(marks) == sorted(marks), "each mark is later than the one before"
        assert asked == ["hooks.test"]

    with receiving(ANSWERING, wrap=lambda sock: context.wrap_socket(sock, server_side=True)) as receiver:
        with_names(kind, {"hooks.test": ["127.0.0.1"]}, scenario, settings(ca_file=authority.file, allow_http=False))


class Refusal(NamedTuple):
    name: str
    error: ErrorClass
    names: tuple[str, ...] = ("127.0.0.1",)
    how: dict[str, Any] = {}
    trusted: bool = True
    wrap: Wrap | None = None
    plain: bool = False
    theirs: str = ""


REFUSALS = (
    Refusal("expired", "certificate", how={"not_before": LONG_AGO, "not_after": LONG_AGO + datetime.timedelta(days=30)}),
    Refusal("wrong name", "certificate", names=("other.test",)),
    Refusal("unknown issuer", "certificate", trusted=False),
    Refusal("plain http where TLS is expected", "tls", plain=True),
    Refusal("closed in the handshake", "tls", wrap=closes_at_once, theirs="connect"),
)


@pytest.mark.parametrize("kind", LOOPS)
@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.name)
def test_a_handshake_that_fails_is_classed(case: Refusal, kind: str, authority: Authority) -> None:
    async def scenario(client: Client) -> None:
        url = receiver.url(scheme="https")
        outcome = await client.send(post(url))
        assert (outcome.error, outcome.status) == (case.error, None), outcome
        assert outcome.connect_ms is not None
        assert outcome.tls_ms is None
        if kind == "asyncio":
            context = ssl.create_default_context(cafile=authority.file if case.trusted else None)
            assert await aiohttp_result(url, context) == (None, case.theirs or case.error)
        assert (await client.send(post(url))).error == case.error, "nothing is kept of it"

    wrap = None if case.plain else case.wrap or speaking_tls(authority.ca, *case.names, **case.how)
    with receiving(ANSWERING if not case.plain else answers_at_once, wrap=wrap) as receiver:
        with_sender(kind, scenario, settings(ca_file=authority.file if case.trusted else None))


def answers_at_once(peer: Peer) -> None:
    peer.sock.recv(10)
    peer.send(OK)


@pytest.mark.parametrize("kind", LOOPS)
def test_a_receiver_that_wants_our_certificate_fails_in_tls(kind: str, authority: Authority) -> None:
    async def scenario(client: Client) -> None:
        outcome = await client.send(post(receiver.url(scheme="https")))
        assert outcome.error in ("tls", "reset"), outcome

    with receiving(ANSWERING, wrap=speaking_tls(authority.ca, "127.0.0.1", client_ca=authority.ca)) as receiver:
        with_sender(kind, scenario, settings(ca_file=authority.file))


@pytest.mark.parametrize("kind", LOOPS)
def test_a_silent_handshake_ends_in_the_connect_timeout(kind: str) -> None:
    async def scenario(client: Client) -> None:
        outcome = await client.send(post(receiver.url(scheme="https")))
        assert (outcome.error, outcome.tls_ms) == ("connect_timeout", None)
        assert outcome.connect_ms is not None
        assert outcome.total_ms < 1_000

    with receiving(silent) as receiver:
        with_sender(kind, scenario, settings(connect_timeout_s=0.4))


BEHIND_TLS: dict[str, tuple[Handler, ErrorClass, int | None]] = {
    "silent": (silent, "timeout", None),
    "slow by the byte": (slow_body, "timeout", None),
    "closed after the request": (closes_after_request, "reset", None),
    "reset in the body": (resets_in_body, "reset", None),
    "a body that ends with the connection": (answers(b"HTTP/1.1 200 OK\r\n\r\nall of it"), "", 200),
    "two answers in one packet": (answers_and_waits(OK + OK), "", 200),
    "garbage": (answers(b"what is this\r\n\r\n"), "protocol", None),
}


@pytest.mark.parametrize("kind", LOOPS)
@pytest.mark.parametrize("name", BEHIND_TLS)
def test_awkward_behind_tls(name: str, kind: str, authority: Authority) -> None:
    handler, error, status = BEHIND_TLS[name]

    async def scenario(client: Client) -> None:
        limit_s = TIMEOUT_S if error == "timeout" else PATIENT_S
        outcome = await client.send(post(receiver.url(scheme="https")), timeout_s=limit_s)
        assert (outcome.error, outcome.status) == (error, status), outcome

    with receiving(handler, wrap=speaking_tls(authority.ca, "127.0.0.1")) as receiver:
        with_sender(kind, scenario, settings(ca_file=authority.file))


@pytest.mark.parametrize("kind", LOOPS)
def test_a_kept_tls_connection_that_was_closed_as_we_wrote_is_dialled_again(kind: str, authority: Authority) -> None:
    def handler(peer: Peer) -> None:
        peer.request()
        peer.send(OK)
        if peer.number == 1:
            peer.request()
            return
        peer.hang()

    async def scenario(client: Client) -> None:
        await client.send(post(receiver.url(scheme="https")))
        outcome = await client.send(post(receiver.url(scheme="https")))
        assert (outcome.error, outcome.status, outcome.reused) == ("", 200, False), outcome

    with receiving(handler, wrap=speaking_tls(authority.ca, "127.0.0.1")) as receiver:
        with_sender(kind, scenario, settings(ca_file=authority.file))


@pytest.mark.parametrize("kind", LOOPS)
def test_certificates_that_cannot_be_read_end_in_tls(kind: str, tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        outcome = await client.send(post(receiver.url(scheme="https")))
        assert outcome.error == "tls"
        assert str(tmp_path) not in outcome.detail

    with receiving(silent) as receiver:
        with_sender(kind, scenario, settings(ca_file=str(tmp_path / "none.pem")))


@pytest.mark.parametrize("kind", LOOPS)
def test_a_timeout_at_the_moment_of_connecting_leaves_nothing_behind(kind: str, authority: Authority) -> None:
    async def scenario(client: Client) -> None:
        url = receiver.url(scheme="https")
        context_is_built = await client.send(post(url))
        assert context_is_built.status == 200
        took_ms = context_is_built.tls_ms or 3.0
        for step in range(30):
            outcome = await client.send(post(url), key=step + 2, timeout_s=took_ms / 1_000 * step / 15)
            assert outcome.error in ("", "timeout", "connect_timeout"), outcome
        ends_at = asyncio.get_running_loop().time() + 3
        while (open_now := client.sender.gauges())["connections"] != open_now["idle"]:
            assert asyncio.get_running_loop().time() < ends_at, open_now
            await asyncio.sleep(0.01)

    with receiving(ANSWERING, wrap=speaking_tls(authority.ca, "127.0.0.1")) as receiver:
        with_sender(kind, scenario, settings(ca_file=authority.file))


def pem(ca: trustme.CA) -> str:
    return ca.cert_pem.bytes().decode()


@pytest.mark.parametrize("kind", LOOPS)
def test_an_endpoints_own_ca_is_trusted_for_it_alone_and_instead_of_the_others(kind: str, authority: Authority) -> None:
    private = trustme.CA()

    async def scenario(client: Client) -> None:
        theirs, common = post(private_one.url(scheme="https")), post(common_one.url(scheme="https"))
        first = await client.send(theirs, ca_pem=pem(private))
        assert (first.error, first.status) == ("", 200), first
        kept = await client.send(theirs, ca_pem=pem(private))
        assert (kept.status, kept.reused) == (200, True)
        assert (await client.send(theirs)).error == "certificate", "without the CA the kept connection is not lent"
        assert (await client.send(theirs, key=2)).error == "certificate"
        assert (await client.send(theirs, ca_pem=pem(trustme.CA()))).error == "certificate", "another CA"
        assert (await client.send(common)).status == 200
        assert (await client.send(common, ca_pem=pem(private))).error == "certificate", "the operator's is not trusted beside it"

    wrap = speaking_tls(private, "127.0.0.1")
    with (
        receiving(ANSWERING, wrap=wrap) as private_one,
        receiving(ANSWERING, wrap=speaking_tls(authority.ca, "127.0.0.1")) as common_one,
    ):
        with_sender(kind, scenario, settings(ca_file=authority.file))


@pytest.mark.parametrize(("name", "error"), [("127.0.0.1", ""), ("other.test", "certificate")])
def test_a_receivers_own_certificate_may_be_all_that_is_trusted_and_must_name_the_host(name: str, error: str) -> None:
    leaf = trustme.CA().issue_cert(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)

    async def scenario(client: Client) -> None:
        own = leaf.cert_chain_pems[0].bytes().decode()
        assert (await client.send(post(receiver.url(scheme="https")), ca_pem=own)).error == error

    with receiving(ANSWERING, wrap=lambda sock: context.wrap_socket(sock, server_side=True)) as receiver:
        with_sender("asyncio", scenario, settings())
