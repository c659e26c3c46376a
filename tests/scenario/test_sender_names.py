"""Names: who answers for them may lie, change their mind, or say nothing."""

import asyncio
import socket
import time

import pytest
from awkward_receivers import OK, NameServer, answers, receiving
from sender_harness import LOOPS, Client, aiohttp_result, post, settings, with_names, with_sender, within

from ringback.delivery.sender import read_allowed_network

pytestmark = pytest.mark.parametrize("kind", LOOPS)
ANSWERING = answers(OK, close=False)


def test_a_name_is_resolved_once_for_many_and_the_host_header_keeps_it(kind: str) -> None:
    heard: list[bytes] = []

    async def scenario(client: Client, names: NameServer) -> None:
        url = f"http://Hooks.Example.test:{receiver.port}/"
        outcomes = await asyncio.gather(*(client.send(post(url), timeout_s=3) for _ in range(20)))
        assert {(o.error, o.status, o.address) for o in outcomes} == {("", 200, "127.0.0.1")}
        assert all(o.dns_ms is not None and o.connect_ms is not None and o.dns_ms <= o.connect_ms for o in outcomes)
        assert names.asked.count("hooks.example.test") == 2, "one query for A and one for AAAA"
        assert f"Host: hooks.example.test:{receiver.port}\r\n".encode() in heard[0]

    def handler(peer):  # type: ignore[no-untyped-def]
        while request := peer.request():
            heard.append(request)
            peer.send(OK)

    with receiving(handler) as receiver:
        with_names(kind, {"hooks.example.test": ["127.0.0.1"]}, scenario)


def test_a_name_that_nobody_answers_for_ends_in_the_connect_timeout(kind: str) -> None:
    async def scenario(client: Client, names: NameServer) -> None:
        started = time.monotonic()
        outcome = await client.send(post("http://silent.test/"), timeout_s=5)
        within(started, 0.4)
        assert (outcome.error, outcome.connect_ms) == ("connect_timeout", None)
        assert names.asked

    with_names(kind, {}, scenario, settings(connect_timeout_s=0.4))


def test_names_that_never_resolve_stall_nobody(kind: str) -> None:
    async def scenario(client: Client, names: NameServer) -> None:
        dead = [client.start(post(f"http://dead{n}.test/"), key=n)[1] for n in range(40)]
        await asyncio.sleep(0.05)
        started = time.monotonic()
        outcome = await client.send(post(f"http://good.test:{receiver.port}/"), key=1_000)
        assert (outcome.error, outcome.status) == ("", 200)
        assert time.monotonic() - started < 0.2
        assert {(await future).error for future in dead} == {"connect_timeout"}
        again = [client.start(post(f"http://dead{n}.test/"), key=n)[1] for n in range(40)]
        assert (await client.send(post(f"http://fresh.test:{receiver.port}/"), key=1_001)).status == 200
        assert {(await future).error for future in again} == {"connect_timeout"}

    names = {"good.test": ["127.0.0.1"], "fresh.test": ["127.0.0.1"]}
    with receiving(ANSWERING) as receiver:
        # Two places for names that timed out before, forty such names.
        with_names(kind, names, scenario, settings(connect_timeout_s=0.4), suspects_at_once=2, give_up_s=0.3, keep_failed_s=0.0)


def test_a_name_that_does_not_exist_is_a_dns_failure_and_is_kept_shortly(kind: str) -> None:
    async def scenario(client: Client, names: NameServer) -> None:
        for _ in range(3):
            outcome = await client.send(post("http://nowhere.test/"))
            assert (outcome.error, outcome.detail) == ("dns", "nowhere.test: the name does not exist")
        assert names.asked.count("nowhere.test") <= 2

    with_names(kind, {"nowhere.test": []}, scenario)


@pytest.mark.parametrize("order", [["127.0.0.1", "10.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["127.0.0.1", "::ffff:10.0.0.1"]])
def test_one_bad_address_among_good_ones_refuses_the_name(kind: str, order: list[str]) -> None:
    async def scenario(client: Client, names: NameServer) -> None:
        outcome = await client.send(post(f"http://mixed.test:{receiver.port}/"))
        assert (outcome.error, outcome.connect_ms, outcome.address) == ("blocked", None, None)
        assert "not a public address" in outcome.detail
        assert receiver.connections == 0

    with receiving(ANSWERING) as receiver:
        with_names(kind, {"mixed.test": order}, scenario)


def test_a_name_that_turns_to_a_forbidden_address_is_refused_and_its_connections_closed(kind: str) -> None:
    now = 0.0

    async def scenario(client: Client, names: NameServer) -> None:
        nonlocal now
        url = f"http://rebind.test:{receiver.port}/"
        assert (await client.send(post(url))).status == 200
        names.names["rebind.test"] = ["169.254.169.254"]
        # Within the cache's time the answer that was vetted is the answer that is dialled, whatever the name says by now.
        fresh = await client.send(post(url), key=2)
        assert (fresh.status, fresh.address) == (200, "127.0.0.1")
        now += 31
        outcome = await client.send(post(url))
        assert outcome.error == "blocked"
        assert client.sender.gauges()["idle"] == 1, "key 2 has not asked yet"
        assert (await client.send(post(url), key=2)).error == "blocked"
        assert client.sender.gauges()["idle"] == 0

    with receiving(ANSWERING) as receiver:
        with_names(kind, {"rebind.test": ["127.0.0.1"]}, scenario, clock=lambda: now)


def test_a_network_allowed_for_one_account_is_not_for_another(kind: str) -> None:
    async def scenario(client: Client, names: NameServer) -> None:
        url = f"http://private.test:{receiver.port}/"
        assert (await client.send(post(url), account="b")).error == "blocked"
        assert (await client.send(post(url), account="a")).status == 200
        assert (await client.send(post(url), account="b")).error == "blocked"

    allowed = settings(allow_networks=(read_allowed_network("127.0.0.0/8", "a"),))
    with receiving(ANSWERING) as receiver:
        with_names(kind, {"private.test": ["127.0.0.1"]}, scenario, allowed)


def test_our_own_listener_is_refused_by_name_too(kind: str) -> None:
    async def scenario(client: Client, names: NameServer) -> None:
        assert (await client.send(post(f"http://self.test:{receiver.port}/"))).error == "blocked"
        assert receiver.connections == 0

    with receiving(ANSWERING) as receiver:
        own = settings(refused_listeners=(("0.0.0.0", receiver.port),))
        with_names(kind, {"self.test": ["127.0.0.1"]}, scenario, own)


def test_a_second_address_is_tried_when_the_first_refuses_or_swallows(kind: str) -> None:
    with (
        socket.create_server(("127.0.0.3", 0), backlog=0) as full,
        receiving(ANSWERING, "127.0.0.4", port=full.getsockname()[1]) as receiver,
    ):
        # A listener whose queue is full swallows connections as a firewall would.
        waiting = [socket.socket() for _ in range(3)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())

        async def scenario(client: Client, names: NameServer) -> None:
            outcome = await client.send(post(f"http://two.test:{receiver.port}/"), timeout_s=2)
            assert (outcome.error, outcome.status, outcome.address) == ("", 200, "127.0.0.4")
            outcome = await client.send(post(f"http://three.test:{receiver.port}/"), timeout_s=2)
            assert (outcome.error, outcome.status, outcome.address) == ("", 200, "127.0.0.4")
            outcome = await client.send(post(f"http://dead.test:{receiver.port}/"), timeout_s=2)
            assert outcome.error == "connect_timeout"

        names = {"two.test": ["127.0.0.5", "127.0.0.4"], "three.test": ["127.0.0.3", "127.0.0.4"], "dead.test": ["127.0.0.3"]}
        try:
            with_names(kind, names, scenario, settings(connect_timeout_s=0.8))
        finally:
            for sock in waiting:
                sock.close()


def test_nobody_listens(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]

    async def scenario(client: Client) -> None:
        url = f"http://127.0.0.1:{port}/"
        outcome = await client.send(post(url))
        assert outcome.error == "connect"
        assert await aiohttp_result(url) == (None, "connect")

    with_sender(kind, scenario)


def test_localhost_needs_no_name_server(kind: str) -> None:
    async def scenario(client: Client, names: NameServer) -> None:
        outcome = await client.send(post(f"http://localhost:{receiver.port}/"))
        assert (outcome.error, outcome.status) == ("", 200)
        assert names.asked == []

    with receiving(ANSWERING) as receiver:
        with_names(kind, {}, scenario)


def test_ipv6_by_literal_and_by_name(kind: str) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 loopback here")

    async def scenario(client: Client, names: NameServer) -> None:
        outcome = await client.send(post(receiver.url()))
        assert (outcome.error, outcome.status, outcome.address) == ("", 200, "::1")
        assert (await client.send(post(receiver.url()))).reused
        outcome = await client.send(post(f"http://six.test:{receiver.port}/"))
        assert (outcome.error, outcome.status, outcome.address) == ("", 200, "::1")

    with receiving(ANSWERING, "::1") as receiver:
        with_names(kind, {"six.test": ["::1"]}, scenario)


def test_the_resolver_closes_while_a_query_is_under_way(kind: str) -> None:
    async def scenario(client: Client, names: NameServer) -> None:
        _, future = client.start(post("http://silent.test/"), timeout_s=5)
        await asyncio.sleep(0.05)
        await client.resolver.close()
        assert (await future).error in ("dns", "connect_timeout")
        assert (await client.send(post("http://other.test/"))).error == "dns"

    with_names(kind, {}, scenario)
