"""The signature doctor: one right diagnosis for each broken request, in agreement with `verify`, and never a word of a secret."""

import base64
import hashlib
import hmac
import json
import re
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.dialects import load_dialects
from ringback.dialects.signing import sign_bird, sign_standard
from ringback.dialects.trial import trial
from ringback.errors import InvalidInput
from ringback.receive.doctor import (
    DIALECTS,
    MOST_BODY,
    MOST_HEADERS,
    MOST_SECRETS,
    MOST_SIGNATURES,
    MOST_URL,
    Diagnosis,
    Held,
    Received,
    examine,
)
from ringback.receive.findings import TEXTS
from ringback.receive.variants import address, bodies
from ringback.receive.verify import VerificationError, verify_bird, verify_standard

ROWS = json.loads((Path(__file__).parents[2] / "data" / "vectors" / "doctor.json").read_text())["vectors"]
NOW = 1_795_176_000
KEY = "KeV+/HGoIQrxuE5YPCRR6AuQOJveldYNNhbVi1i22qk="
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WHSK = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
WHPK = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
URL = "https://hooks.example.com/a/bird?tenant=7&team=blue"
BODY = b'{"service":"channels","event":"voice.inbound","payload":{"name":"Zo\\u00eb","n":1}}'


def request_of(row: dict[str, Any]) -> Received:
    body = base64.b64decode(row["body_base64"]) if "body_base64" in row else row["body"].encode()
    headers = tuple((name, value) for name, value in row["headers"])
    return Received(method=row["method"], url=row.get("url", ""), headers=headers, body=body)


def diagnosis_of(row: dict[str, Any]) -> Diagnosis:
    secrets = [Held(secret) for secret in row["secrets"]]
    subscribed = row.get("subscribed_url", "")
    return examine(request_of(row), secrets, now_s=row["now"], dialect=row["dialect"], subscribed_url=subscribed)


def codes(diagnosis: Diagnosis) -> list[str]:
    return [found.code for found in diagnosis.findings]


def bird(body: bytes = BODY, url: str = URL, at: int = NOW, key: str = KEY, **seen: Any) -> Received:
    """Signed over these; `seen` is what arrives instead."""
    headers = {
        "Content-Type": "application/json",
        "messagebird-signature": sign_bird(key, str(at), url, body),
        "messagebird-request-timestamp": str(at),
        **seen.pop("headers", {}),
    }
    return Received(**{"url": url, "body": body, **seen}, headers=tuple(headers.items()))


def standard(body: bytes = BODY, secret: str = WHSEC, at: int = NOW, **seen: Any) -> Received:
    headers = {
        "Webhook-Id": "msg_1",
        "webhook-timestamp": str(at),
        "webhook-signature": sign_standard([secret], "msg_1", str(at), body),
        **seen.pop("headers", {}),
    }
    return Received(**{"body": body, **seen}, headers=tuple(headers.items()))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_each_request_has_its_diagnosis(row: dict[str, Any]) -> None:
    diagnosis = diagnosis_of(row)
    assert {"ok": diagnosis.ok, "findings": codes(diagnosis)} == row["expect"], row["why"]
    for found in diagnosis.findings:
        assert found.text[0].isupper()
        assert found.text.endswith(".")
        assert found.part == TEXTS[found.code][0]


def test_there_is_a_request_for_every_diagnosis() -> None:
    assert {code for row in ROWS for code in row["expect"]["findings"]} == set(TEXTS) - {"expired-secret"}
    assert sum(not row["expect"]["ok"] for row in ROWS) >= 12
    assert all(row["why"] for row in ROWS)
    assert len({row["name"] for row in ROWS}) == len(ROWS)


def test_the_docs_name_every_diagnosis() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "signature-does-not-hold.md").read_text()
    table = page.partition("## Findings")[2]
    for code, (part, _) in TEXTS.items():
        assert re.search(rf"^\| {part} *\|[^|]*`{code}`", table, re.MULTILINE), (part, code)


def hidden_in(row: dict[str, Any]) -> set[bytes]:
    """What no answer may hold: secrets, their bytes, every signature that came, and the right one for what was given."""
    hidden: set[bytes] = set()
    request = request_of(row)
    given = {name.lower(): value for name, value in request.headers}
    for secret in row["secrets"]:
        text = secret.strip().strip("'\"")
        keys = [text.encode(), text.removeprefix("whsec_").encode()]
        if text.startswith("whsec_") and "!" not in text:
            keys.append(base64.b64decode(text.removeprefix("whsec_") + "=="))
        hidden |= {form for key in keys for form in (key, key.hex().encode(), base64.b64encode(key))}
        for key in keys:
            digest = hashlib.sha256(request.body).digest()
            contents = [f"{given.get('messagebird-request-timestamp')}\n{request.url}\n".encode() + digest]
            contents.append(f"{given.get('webhook-id')}.{given.get('webhook-timestamp')}.".encode() + request.body)
            macs = [hmac.digest(key, content, "sha256") for content in contents]
            hidden |= {form for mac in macs for form in (mac.hex().encode(), base64.b64encode(mac))}
    for name, value in request.headers:
        if "signature" in name.lower():
            hidden |= {part.removeprefix("v1,").encode() for part in value.replace(", ", " ").split()}
    return hidden - {b""}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_no_secret_and_no_signature_is_in_an_answer(row: dict[str, Any]) -> None:
    answer = msgspec.json.encode(diagnosis_of(row))
    assert not [hidden for hidden in hidden_in(row) if hidden in answer]
    assert "***" in repr([Held(secret) for secret in row["secrets"] or ["x"]])


# In agreement with verify
@given(
    data=st.data(),
    asymmetric=st.booleans(),
    age=st.sampled_from([0, 299, 300, 301, -300, -301, 10**12]),
    older=st.booleans(),
)
def test_a_standard_request_is_ok_exactly_if_verify_believes_it(
    data: st.DataObject, asymmetric: bool, age: int, older: bool
) -> None:
    request = standard(secret=WHSK if asymmetric else WHSEC)
    headers = {name.lower(): value for name, value in request.headers}
    name = data.draw(st.sampled_from([*headers, "body", "nothing"]))
    body = request.body
    if name == "body":
        body = data.draw(st.sampled_from([b"", BODY + b"\n", BODY[:-1], json.dumps(json.loads(BODY)).encode()]))
    elif name in headers:
        text = headers[name]
        changed = [
            text[:-1],
            text + "=",
            text.upper(),
            f" {text}",
            f"{text} ",
            f"v1,x {text}",
            text.replace(",", ", "),
            "",
            text * 2,
        ]
        headers[name] = data.draw(st.sampled_from([*changed, f"{text},{text}", "v2,abc", text[3:], f"{NOW + 1}", f"{NOW}.0"]))
    secrets = [WHPK if asymmetric else WHSEC]
    if older:
        secrets.insert(0, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    try:
        verify_standard(headers, body, secrets, NOW + age)
        believed = True
    except VerificationError:
        believed = False
    diagnosis = examine(
        Received(headers=tuple(headers.items()), body=body), [Held(one) for one in secrets], now_s=NOW + age, dialect="standard"
    )
    assert diagnosis.ok == believed, diagnosis


@given(data=st.data(), age=st.sampled_from([0, 3600, 10**6, -(10**6)]))
def test_a_bird_request_is_ok_exactly_if_verify_believes_it(data: st.DataObject, age: int) -> None:
    request = bird()
    headers = {name.lower(): value for name, value in request.headers}
    signature = headers["messagebird-signature"]
    url = data.draw(st.sampled_from([URL, URL.replace("https", "http"), URL + "&x=1"]))
    body = data.draw(st.sampled_from([BODY, BODY + b"\n"]))
    key = data.draw(st.sampled_from([KEY, KEY + " ", "another"]))
    headers["messagebird-signature"] = data.draw(st.sampled_from([signature, signature + " ", signature[:-1], "", "x" + signature]))
    headers["messagebird-request-timestamp"] = data.draw(st.sampled_from([str(NOW), f"{NOW} ", f"{NOW}.0", "", "0" + str(NOW)]))
    try:
        verify_bird(headers, url, body, key)
        believed = True
    except VerificationError:
        believed = False
    received = Received(url=url, headers=tuple(headers.items()), body=body)
    assert examine(received, [Held(key)], now_s=NOW + age, dialect="bird").ok == believed


@pytest.mark.parametrize("place", range(len(sign_bird(KEY, str(NOW), URL, BODY)) - 1))
def test_a_signature_that_is_nearly_right_is_told_like_any_wrong_one(place: int) -> None:
    good = sign_bird(KEY, str(NOW), URL, BODY)
    wrong = good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]
    entirely = examine(bird(headers={"messagebird-signature": "A" * 43 + "="}), [Held(KEY)], now_s=NOW)
    assert examine(bird(headers={"messagebird-signature": wrong}), [Held(KEY)], now_s=NOW) == entirely
    assert codes(entirely) == ["wrong-key"]


# What one proxy or one framework does is found, whatever the request was
SEGMENTS = st.lists(st.text("abcXYZ019-_~.", min_size=1, max_size=8), max_size=4)
QUERIES = st.lists(st.tuples(st.text("abc", min_size=1, max_size=3), st.text("xyz019", max_size=4)), max_size=4)


@st.composite
def urls(draw: st.DrawFn) -> str:
    path = "/".join(["", *draw(SEGMENTS)]) + draw(st.sampled_from(["", "/"]))
    query = "&".join(f"{name}={value}" for name, value in draw(QUERIES))
    port = draw(st.sampled_from(["", ":8443", ":9000"]))
    return f"https://hooks.example.com{port}{path}" + (f"?{query}" if query else "")


@given(url=urls(), inside=st.booleans(), port=st.booleans(), data=st.data())
def test_what_a_proxy_does_to_the_url_is_found(url: str, inside: bool, port: bool, data: st.DataObject) -> None:
    seen = address(url)
    assert seen is not None
    headers = {"X-Forwarded-Host": seen.authority} if inside or port else {}
    host = "10.0.0.7" if inside else "hooks.example.com"
    parts = data.draw(st.permutations(seen.query.split("&"))) if seen.query else []
    changed = seen._replace(
        scheme="http",
        authority=host + (":3000" if port else "") if inside or port else seen.authority,
        query="&".join(parts) if parts else None,
        path=data.draw(st.sampled_from([seen.path, f"/inner{seen.path}"])),
    )
    request = bird(url=url, headers=headers)
    diagnosis = examine(msgspec.structs.replace(request, url=changed.text), [Held(KEY)], now_s=NOW)
    assert codes(diagnosis)[0] == "url-scheme"
    assert {found.part for found in diagnosis.findings} == {"url"}
    known = examine(msgspec.structs.replace(request, url=changed.text), [Held(KEY)], now_s=NOW, subscribed_url=url)
    assert {found.part for found in known.findings} == {"url"}


TEXT = st.text(st.characters(exclude_characters="\x7f", exclude_categories=["Cs"]), max_size=8)
"""Without DEL, which Python escapes and others do not, and without half surrogate pairs, which are no text."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
WRITERS: dict[str, Any] = {
    "compact": lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False),
    "ascii": lambda value: json.dumps(value, separators=(",", ":")),
    "python": json.dumps,
}


@given(value=st.dictionaries(TEXT, JSON, max_size=4), sender=st.sampled_from(sorted(WRITERS)), data=st.data())
def test_json_that_was_written_anew_is_found(value: dict[str, Any], sender: str, data: st.DataObject) -> None:
    body = WRITERS[sender](value).encode()
    indent = data.draw(st.sampled_from([None, 1, 2, "\t"]))
    again = json.dumps(value, ensure_ascii=data.draw(st.booleans()), indent=indent).replace(
        "/", data.draw(st.sampled_from(["/", "\\/"]))
    )
    seen = again.encode() + data.draw(st.sampled_from([b"", b"\n", b"\r\n"]))
    for request in (standard(body), bird(body)):
        diagnosis = examine(msgspec.structs.replace(request, body=seen), [Held(WHSEC if request.url == "" else KEY)], now_s=NOW)
        assert {found.part for found in diagnosis.findings} <= {"body", ""}
        assert "body-damaged" not in codes(diagnosis)
        assert diagnosis.ok == (seen == body)


@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_variants_of_any_bytes_are_others_and_all_different(body: bytes) -> None:
    found = [variant.value for variant in bodies(body)]
    assert body not in found
    assert len(set(found)) == len(found)


# Single cases
def test_a_secret_whose_time_was_over() -> None:
    diagnosis = examine(standard(), [Held("whsec_" + "A" * 32), Held(WHSEC, live=False)], now_s=NOW)
    assert (diagnosis.ok, codes(diagnosis)) == (False, ["expired-secret"])
    changed = msgspec.structs.replace(standard(), body=BODY + b"\n")
    assert codes(examine(changed, [Held(WHSEC, live=False)], now_s=NOW)) == ["body-newline", "expired-secret"]


def test_ed25519() -> None:
    assert codes(examine(standard(secret=WHSK), [Held(WHPK)], now_s=NOW)) == ["holds"]
    assert codes(examine(standard(secret=WHSK), [Held(WHSK)], now_s=NOW)) == ["holds"]
    assert codes(examine(standard(secret=WHSK), [Held(WHSEC)], now_s=NOW)) == ["signature-version"]
    assert codes(examine(standard(secret=WHSEC), [Held(WHPK)], now_s=NOW)) == ["signature-version"]
    assert codes(examine(standard(secret=WHSK), [Held("whpk_AAAA"), Held(WHPK)], now_s=NOW)) == ["older-secret"]
    pretty = msgspec.structs.replace(standard(secret=WHSK), body=json.dumps(json.loads(BODY)).encode())
    assert codes(examine(pretty, [Held(WHPK)], now_s=NOW)) == ["body-whitespace"]
    assert codes(examine(standard(secret=WHSK, headers={"webhook-timestamp": str(NOW + 9)}), [Held(WHPK)], now_s=NOW)) == [
        "timestamp-changed"
    ]
    joined = standard(secret=WHSK)
    signature = dict(joined.headers)["webhook-signature"]
    twice = msgspec.structs.replace(joined, headers=(*joined.headers, ("webhook-signature", "v1,AAAA")))
    assert signature not in repr(examine(twice, [Held(WHPK)], now_s=NOW))
    assert codes(examine(twice, [Held(WHPK)], now_s=NOW)) == ["signatures-joined"]
    assert codes(examine(standard(secret=WHSK, headers={"webhook-id": "msg_2"}), [Held("whpk_AAAA")], now_s=NOW)) == ["key-form"]


@pytest.mark.parametrize("name", DIALECTS)
def test_what_ringback_sends_is_in_order_for_every_event(name: str) -> None:
    dialect = load_dialects()[name]
    secret = {"standard": WHSEC, "bird": KEY}.get(name)
    for event in dialect.events:
        for method in dialect.methods:
            sent = trial(dialect, event, "https://hooks.example.com/a?token=1", NOW * 1000, secret=secret, method=method)
            request = Received(method=sent.method, url=sent.url, headers=sent.headers, body=sent.body)
            diagnosis = examine(request, [Held(secret)] if secret else [], now_s=NOW)
            assert (diagnosis.ok, diagnosis.dialect, codes(diagnosis)) == (True, name, ["holds"] if secret else ["form"]), event
            assert diagnosis.body_sha256 == hashlib.sha256(sent.body).hexdigest()
            assert diagnosis.body_bytes == len(sent.body)


def test_the_first_wrong_parameter_is_named() -> None:
    url = "https://crm.example.com/hook?event=inboundCallStart&date=yesterday&callid=&callerid=1&inboundNumber=2"
    (found,) = examine(Received(url=url), now_s=NOW).findings
    assert (found.code, found.field) == ("parameter", "date")
    assert found.text == "The parameter date must be a date as YYYY-MM-DD hh:mm:ss."
    (found,) = examine(Received(url="https://a.example/?callid=%zz"), now_s=NOW).findings
    assert (found.code, found.field) == ("parameter", "")


def test_notes_tell_what_else_was_seen() -> None:
    old = examine(bird(), [Held(KEY)], now_s=NOW + 10 * 86_400)
    assert (old.ok, old.notes) == (True, ("Its timestamp is 10 days old, longer than Bird's retries take.",))
    slow = examine(msgspec.structs.replace(standard(), body=BODY + b"\n"), [Held(WHSEC)], now_s=NOW + 7300)
    assert (codes(slow), slow.notes) == (["body-newline"], ("Beside that, its timestamp is 2 hours old.",))


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({"svix-signature": "v1,AAAA", "svix-id": "1", "svix-timestamp": "1"}, "Svix, under its own header names"),
        ({"MessageBird-Signature-JWT": "a.b.c"}, "MessageBird's older API"),
    ],
)
def test_other_senders_are_named(headers: dict[str, str], says: str) -> None:
    request = Received(url=URL, headers=tuple(headers.items()), body=BODY)
    assert says in examine(request, [Held(WHSEC)], now_s=NOW).findings[0].text
    checked_as = examine(request, [Held(WHSEC)], now_s=NOW, dialect="standard").findings[0]
    assert checked_as.code == "other-dialect"
    assert says in checked_as.text


def test_several_missing_headers_are_all_named() -> None:
    (found,) = examine(Received(headers=(("webhook-id", "1"), ("webhook-signature", ""))), [Held(WHSEC)], now_s=NOW).findings
    assert found.text.startswith("The request lacks webhook-timestamp and webhook-signature.")
    assert found.field == "webhook-timestamp"


@pytest.mark.parametrize(
    ("request_", "secrets", "more", "field"),
    [
        (bird(), [Held(KEY)], {"dialect": "acme"}, "dialect"),
        (bird(body=b"x" * (MOST_BODY + 1)), [Held(KEY)], {}, "body"),
        (bird(url="https://a.example/" + "x" * MOST_URL), [Held(KEY)], {}, "url"),
        (bird(), [Held(KEY)], {"subscribed_url": "x" * (MOST_URL + 1)}, "url"),
        (bird(headers={"x": "y" * MOST_HEADERS}), [Held(KEY)], {}, "headers"),
        (standard(headers={"webhook-signature": "v1,x " * 41}), [Held(WHSEC)], {}, "headers"),
        (bird(), [Held(KEY)] * (MOST_SECRETS + 1), {}, "secrets"),
        (bird(), [Held("")], {}, "secrets"),
        (bird(url=""), [Held(KEY)], {}, "url"),
    ],
)
def test_what_cannot_be_examined_is_refused(request_: Received, secrets: list[Held], more: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        examine(request_, secrets, now_s=NOW, **more)
    assert refused.value.field == field
    assert KEY not in str(refused.value)


def test_the_worst_request_is_examined_in_bounded_time() -> None:
    quotes = b'"\\' * (MOST_BODY // 2 - 10)
    many = " ".join(["v1a," + base64.b64encode(bytes(64)).decode()] * MOST_SIGNATURES)
    started = time.process_time()
    examine(standard(body=quotes, headers={"webhook-signature": "v1,AAAA"}), [Held(WHSEC)], now_s=NOW)
    examine(standard(headers={"webhook-signature": many}), [Held(WHPK)] * MOST_SECRETS, now_s=NOW)
    examine(bird(url="https://a.example/?" + "&".join(["a=%20"] * 1300), key="k"), [Held(KEY)], now_s=NOW)
    assert time.process_time() - started < 20
