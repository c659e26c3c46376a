"""Getting into the portal, staying in it, and what nobody gets by it: over HTTP, as a browser and as an attacker would."""

import re
from pathlib import Path
from typing import Any

import pytest
from harness import ADMIN_KEY, Api, Receiver, Server, start_server
from portal_harness import Visitor

from ringback.portal.guard import TRIES


def linked(server: Server, api: Api, role: str = "developer", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = server.operator.post(f"/v1/accounts/{api.account}/portal-links", {"role": role, "name": "Kim", **more})
    return made


def visitor(server: Server, api: Api, role: str = "developer") -> Visitor:
    somebody = Visitor(server)
    assert somebody.use(linked(server, api, role)["url"]).headers["location"] == "/portal"
    return somebody


# Coming in


def test_the_operator_comes_in_with_the_key_and_goes_on_to_where_they_wanted(server: Server, api: Api) -> None:
    somebody = Visitor(server)
    sent = somebody.get(f"/portal/{api.account}/endpoints?cursor=x", 303).headers["location"]
    assert sent == f"/portal/in?next=/portal/{api.account}/endpoints%3Fcursor%3Dx"
    page = somebody.get(sent)
    wanted = re.search(r'name="next" value="([^"]+)"', page.text)
    assert wanted
    came = somebody.post("/portal/in", page.token, key=ADMIN_KEY, next=wanted[1])
    assert came.headers["location"] == f"/portal/{api.account}/endpoints?cursor=x"
    assert "httponly" in came.cookies[0].lower()
    assert "samesite=lax" in came.cookies[0].lower()
    page = somebody.get(f"/portal/{api.account}")
    assert ADMIN_KEY not in page.text
    assert 'rel="alternate" type="application/json" href="/v1/overview?account=' in page.text


def test_the_cookie_is_kept_as_a_hash_and_the_key_not_at_all(tmp_path: Path) -> None:
    server = start_server(tmp_path / "data")
    somebody = Visitor(server)
    somebody.come_in(ADMIN_KEY)
    cookie = somebody.cookies["ringback-session"]
    server.stop()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert cookie.encode() not in kept
    assert ADMIN_KEY.encode() not in kept


def test_a_wrong_key_is_refused_and_after_some_of_them_all_wait(tmp_path: Path) -> None:
    server = start_server(tmp_path / "data")
    somebody = Visitor(server)
    for _ in range(TRIES):
        assert "no key that is known" in somebody.come_in("a-wrong-key", 422).text
    refused = somebody.come_in(ADMIN_KEY, 429)
    assert int(refused.headers["retry-after"]) > 0
    elsewhere = Visitor(server, headers={"X-Forwarded-For": "192.0.2.9"})
    elsewhere.come_in(ADMIN_KEY)
    assert server.stop() == 0


def test_a_link_lets_one_person_in_by_its_button_and_once(server: Server, api: Api) -> None:
    made = linked(server, api)
    assert made["expires_at"] > "2026"
    scanner = Visitor(server)
    for _ in range(3):
        assert "Come in" in scanner.get(made["url"]).text
    somebody = Visitor(server)
    somebody.use(made["url"])
    assert somebody.get("/portal", 303).headers["location"] == f"/portal/{api.account}"
    assert "Kim" in somebody.get(f"/portal/{api.account}").text
    assert "used already" in scanner.get(made["url"], 404).text
    assert "ringback-session" not in scanner.cookies
    other = linked(server, api)["url"]
    token = scanner.get(other).token
    assert "used already" in scanner.post(made["url"], token, 404).text


@pytest.mark.parametrize(
    "change",
    [lambda url: url[:-1] + ("A" if url[-1] != "A" else "B"), lambda url: url.replace("lnk_0", "lnk_1", 1), lambda url: url + "x"],
)
def test_a_link_that_is_not_ours_opens_nothing(server: Server, api: Api, change: Any) -> None:
    assert "not good any more" in Visitor(server).get(change(linked(server, api)["url"]), 404).text


def test_who_may_make_links(server: Server, api: Api) -> None:
    other = server.account()
    path = f"/v1/accounts/{api.account}/portal-links"
    assert api.post(path, {})["role"] == "developer"
    assert other.call("POST", path, {})[0] == 404
    assert server.operator.call("POST", "/v1/accounts/nobody/portal-links", {})[0] == 404
    viewer = Api(server.port, api.post("/v1/keys", {"name": "v", "role": "viewer"})["key"], api.account)
    assert viewer.call("POST", path, {})[0] == 403
    assert api.call("POST", path, {"role": "operator"})[0] == 422


def test_a_fresh_server_prints_a_link_for_the_operator(tmp_path: Path) -> None:
    server = start_server(tmp_path / "data")
    try:
        printed = re.search(r"good once, for an hour: (http\S+)", server.log.read_text())
        assert printed
        somebody = Visitor(server)
        somebody.use(printed[1])
        assert "No account yet" in somebody.get("/portal").text
        page = somebody.post("/portal/accounts", somebody.get("/portal").token, 200, name="First")
        key = re.search(r"<code>(rb_[\w-]+)</code>", page.text)
        assert key
        assert Api(server.port, key[1]).get("/v1/endpoints")["items"] == []
    finally:
        server.stop()


def test_links_that_were_made_are_listed_and_ended(server: Server, api: Api) -> None:
    other = server.account()
    linked(server, other)
    good, used = linked(server, api, "viewer"), api.post(f"/v1/accounts/{api.account}/portal-links", {"name": "Robin"})
    Visitor(server).use(used["url"])
    found = {one["id"]: one for one in api.get("/v1/portal-links")["items"]}
    assert found.keys() == {good["id"], used["id"]}
    assert found[good["id"]]["used_at"] is None
    assert found[good["id"]]["made_by"] == "operator"
    assert found[good["id"]]["expires_at"] == good["expires_at"]
    assert (found[used["id"]]["name"], found[used["id"]]["role"]) == ("Robin", "developer")
    assert found[used["id"]]["used_at"] >= found[used["id"]]["created_at"]
    everybody = server.operator.get("/v1/portal-links?limit=1000")["items"]
    assert {one["account"] for one in everybody} >= {api.account, other.account}
    assert server.operator.get(f"/v1/portal-links?account={other.account}")["items"] == other.get("/v1/portal-links")["items"]
    viewer = Api(server.port, api.post("/v1/keys", {"name": "v", "role": "viewer"})["key"], api.account)
    path = f"/v1/portal-links/{good['id']}"
    assert viewer.call("DELETE", path)[0] == 403
    assert other.call("DELETE", path)[0] == 404
    assert api.call("DELETE", path)[0] == 204
    assert api.call("DELETE", path)[0] == 404
    assert "not good any more" in Visitor(server).get(good["url"], 404).text


# Staying in


def test_a_session_outlives_a_restart_and_ends_with_its_key(tmp_path: Path) -> None:
    server = start_server(tmp_path / "data")
    api = server.account()
    second = api.post("/v1/keys", {"name": "second", "role": "developer"})
    by_second = Api(server.port, second["key"], api.account).post(f"/v1/accounts/{api.account}/portal-links", {"name": "Lee"})
    one, two = visitor(server, api), Visitor(server)
    two.use(by_second["url"])
    server.stop()
    server = start_server(tmp_path / "data", port=server.port)
    for somebody in (one, two):
        somebody.server = server
        somebody.get(f"/portal/{api.account}")
    api.call("DELETE", f"/v1/keys/{second['id']}")
    one.get(f"/portal/{api.account}")
    assert two.get(f"/portal/{api.account}", 303).headers["location"].startswith("/portal/in")
    server.stop()
    server = start_server(tmp_path / "data", port=server.port, environment={"RINGBACK_ADMIN_KEY": "another-operator-key"})
    one.server = server
    one.get(f"/portal/{api.account}", 303)
    assert server.stop() == 0


def test_sessions_are_listed_and_ended(server: Server, api: Api) -> None:
    one, two = visitor(server, api), visitor(server, api, "viewer")
    listed = api.get("/v1/portal-sessions")["items"]
    assert [(item["role"], item["way"], item["name"]) for item in listed] == [
        ("viewer", "link", "Kim"),
        ("developer", "link", "Kim"),
    ]
    page = one.get("/portal/sessions")
    assert listed[0]["id"] in page.text
    one.post(f"/portal/sessions/{listed[0]['id']}/end", page.token)
    two.get(f"/portal/{api.account}", 303)
    assert api.call("DELETE", f"/v1/portal-sessions/{listed[0]['id']}")[0] == 404
    assert server.account().call("DELETE", f"/v1/portal-sessions/{listed[1]['id']}")[0] == 404
    one.post("/portal/out", page.token)
    one.get(f"/portal/{api.account}", 303)
    assert api.get("/v1/portal-sessions")["items"] == []


def test_a_trusted_proxy_says_who_it_is(tmp_path: Path) -> None:
    options = ("--portal-identity-header", "X-User", "--portal-trusted", "127.0.0.1/32")
    server = start_server(tmp_path / "data", *options)
    somebody = Visitor(server, headers={"X-User": "kim@example.com", "X-Forwarded-For": "192.0.2.1"})
    assert somebody.get("/portal/in?next=/portal/accounts", 303).headers["location"] == "/portal/accounts"
    assert "kim@example.com" in somebody.get("/portal/accounts").text
    somebody.headers = {"X-User": "lee@example.com"}
    somebody.get("/portal/accounts", 303)
    somebody.headers = {}
    somebody.get("/portal/accounts", 303)
    server.stop()
    server = start_server(tmp_path / "data", "--portal-identity-header", "X-User", "--portal-trusted", "192.0.2.0/24")
    stranger = Visitor(server, headers={"X-User": "kim@example.com", "X-Forwarded-For": "192.0.2.1"})
    assert "Key" in stranger.get("/portal/in").text
    server.stop()


# What nobody gets


def test_another_accounts_pages_are_not_there(server: Server, api: Api, receiver: Receiver) -> None:
    other = server.account()
    theirs = other.endpoint(receiver.url)["id"]
    somebody = visitor(server, api)
    for path in ("", "/endpoints", f"/endpoints/{theirs}", f"/endpoints/{theirs}/test", "/feed"):
        somebody.get(f"/portal/{other.account}{path}", 404)
    token = somebody.get("/portal/sessions").token
    somebody.post(f"/portal/{other.account}/endpoints/{theirs}/delete", token, 404)
    for path in (f"/endpoints/{theirs}", f"/endpoints/{theirs}/test", f"/endpoints/{theirs}/edit", "/resends/rs_00000000000000"):
        somebody.get(f"/portal/{api.account}{path}", 404)
    for path in ("delete", "pause", "rotate"):
        somebody.post(f"/portal/{api.account}/endpoints/{theirs}/{path}", token, 404)
    assert "Accounts</a>" not in somebody.get(f"/portal/{api.account}").text
    assert somebody.ask("GET", "/portal/accounts").status == 403


def test_a_form_that_was_made_for_somebody_else_changes_nothing(server: Server, api: Api, receiver: Receiver) -> None:
    endpoint = api.endpoint(receiver.url)["id"]
    one, two = visitor(server, api), visitor(server, api)
    url = f"/portal/{api.account}/endpoints/{endpoint}/pause"
    theirs = two.get("/portal/sessions").token
    for token in ("", "x", theirs, "ö"):
        one.post(url, token, 403)
    own = one.get("/portal/sessions").token
    assert one.ask("POST", url, {"csrf": own}, Sec_Fetch_Site="cross-site").status == 403
    assert one.ask("POST", url, {"csrf": own}, Sec_Fetch_Site="same-site").status == 403
    assert api.get(f"/v1/endpoints/{endpoint}")["enabled"]
    one.post(url, own)
    assert not api.get(f"/v1/endpoints/{endpoint}")["enabled"]
    assert Visitor(server).ask("POST", "/portal/in", {"key": ADMIN_KEY}).status == 403


def test_a_viewer_sees_no_bodies_and_changes_nothing(server: Server, api: Api, receiver: Receiver) -> None:
    endpoint = api.endpoint(f"{receiver.url}/?secret=in-the-query")["id"]
    receiver.answer = lambda got: (200, {}, b"words-of-the-receiver")
    sent = api.post(f"/v1/endpoints/{endpoint}/test", {"event": "call.ringing"}, 202)["delivery_id"]
    api.settled(1)
    page = f"/portal/{api.account}/endpoints/{endpoint}/test?delivery={sent}"
    assert "words-of-the-receiver" in visitor(server, api).get(page).text
    viewer = visitor(server, api, "viewer")
    shown = viewer.get(page).text
    assert "words-of-the-receiver" not in shown
    assert "Bodies are not shown to viewers" in shown
    token = viewer.get("/portal/sessions").token
    for path, fields in (("pause", {}), ("rotate", {}), ("delete", {}), ("keep", {}), ("test", {"event": "call.ringing"})):
        viewer.post(f"/portal/{api.account}/endpoints/{endpoint}/{path}", token, 403, **fields)
    viewer.post(f"/portal/{api.account}/endpoints", token, 403, dialect="standard", description="x")


def test_every_answer_has_the_headers_that_keep_a_page_to_itself(server: Server, api: Api) -> None:
    somebody = visitor(server, api)
    for path, status in (
        ("/portal/in", 303),
        (f"/portal/{api.account}", 200),
        ("/portal/x/y/z", 404),
        ("/portal/static/x/portal.js", 200),
    ):
        came = somebody.ask("GET", path) if path != "/portal/in" else Visitor(server).ask("GET", path)
        policy = came.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert came.headers["x-content-type-options"] == "nosniff"
        assert came.status in (status, 200)
    assert somebody.get(f"/portal/{api.account}").headers["cache-control"] == "no-store"
    text = somebody.get(f"/portal/{api.account}").text
    sheet = re.search(r'href="(/portal/static/[0-9a-f]+/portal.css)"', text)
    assert sheet
    assert "immutable" in somebody.get(sheet[1]).headers["cache-control"]
    assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son\w+=", text)


def test_over_https_cookies_are_bound_to_the_host(tmp_path: Path) -> None:
    server = start_server(tmp_path / "data", "--public-url", "https://hooks.example")
    somebody = Visitor(server)
    came = somebody.come_in(ADMIN_KEY)
    assert came.cookies[0].startswith("__Host-ringback-session=")
    assert "secure" in came.cookies[0].lower()
    assert "strict-transport-security" in came.headers
    assert server.operator.post(f"/v1/accounts/{server.account().account}/portal-links", {})["url"].startswith(
        "https://hooks.example/"
    )
    server.stop()


def test_what_is_done_in_the_portal_stands_in_the_audit_log(server: Server, api: Api, receiver: Receiver) -> None:
    endpoint = api.endpoint(receiver.url)["id"]
    somebody = visitor(server, api)
    somebody.post(f"/portal/{api.account}/endpoints/{endpoint}/pause", somebody.get("/portal/sessions").token)
    lines = api.get("/v1/audit")["items"]
    assert [(line["action"], line["by"], line["key_name"]) for line in lines[:2]] == [
        ("PATCH /v1/endpoints/{endpoint_id}", "developer", "portal: Kim"),
        ("POST /portal/in", "developer", "portal: Kim"),
    ]
    assert lines[2]["action"] == "POST /v1/accounts/{account_id}/portal-links"
    assert {line["address"] for line in lines} == {"127.0.0.1"}


def test_odd_requests_are_answered(server: Server, api: Api) -> None:
    somebody = visitor(server, api)
    good = dict(somebody.cookies)
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"):
        assert somebody.ask(method, f"/portal/{api.account}").status < 500
    for path in (
        "/portal/%00",
        "/portal/in/%ff",
        "/portal//",
        f"/portal/{api.account}/endpoints?cursor=%ff",
        "/portal/in?next=%ff",
    ):
        assert somebody.ask("GET", path).status < 500
    assert somebody.ask("GET", f"/portal/{api.account}/resend?state=nonsense").status == 422
    token = somebody.get("/portal/sessions").token
    for fields in ({}, {"dialect": "no-such"}, {"dialect": "voc", "url": "\x00", "max_in_flight": "9" * 400}):
        assert somebody.ask("POST", f"/portal/{api.account}/endpoints", {"csrf": token, **fields}).status < 500
    for cookie in ("\xff", "x" * 5000, '"'):
        somebody.cookies = {**good, "ringback-session": cookie}
        assert somebody.ask("GET", f"/portal/{api.account}").status in (303, 400)
