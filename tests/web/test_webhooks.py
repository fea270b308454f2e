"""POST /webhooks/<shop>: the status table line by line, for both platforms."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from structlog.testing import capture_logs

from adapter.settings import MAX_BODY_BYTES as LARGEST_BODY

LIVE = Path(__file__).parents[1] / "samples" / "woocommerce-live"
TEST_NOTIFICATION = Path(__file__).parents[1] / "samples" / "shopify" / "test_notification.json"
PING = b"webhook_id=7"
PING_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}

# echo -n "$body" | openssl dgst -sha256 -hmac "$secret" -binary | base64
KNOWN = [
    (
        "/webhooks/shopify",
        b'{"id":5001,"token":"cafe5001","financial_status":"paid","updated_at":"2026-05-01T12:00:00Z","line_items":[]}',
        {"X-Shopify-Hmac-Sha256": "/FFKYxSRdw3dBYks/Dqv9z+QogwON+aaCBu0bvzcpaU="},
        "5001",
    ),
    (
        "/webhooks/woocommerce",
        b'{"id":7001,"order_key":"wc_order_7001","status":"processing","date_modified_gmt":"2026-05-01T12:00:00","line_items":[]}',
        {"X-WC-Webhook-Signature": "zUNWA0t/qJhcexIypa4cNtaoMa7joc6A3HT+kDBZN9w="},
        "7001",
    ),
]


@pytest.mark.parametrize(("path", "body", "headers", "order_id"), KNOWN, ids=["shopify", "woocommerce"])
def test_a_signed_order_is_stored(web: Any, path: str, body: bytes, headers: dict[str, str], order_id: str) -> None:
    """An order with the signature that OpenSSL gives is stored as it came, and answered 200."""
    answer = web.post(path, body, headers)
    assert (200, {"result": "accepted", "order": order_id, "change": "stored"}) == (answer.status_code, answer.json)
    assert body == web.stored(order_id)
    assert "pending" == web.rows()[order_id]["state"]


def test_an_unknown_shop(web_on_sqlite: Any, sender: Any) -> None:
    """A shop without a mapping file is 404, whatever is sent."""
    body = sender.order()
    answer = web_on_sqlite.post("/webhooks/acme", body, sender.signed(body))
    assert 404 == answer.status_code
    assert {
        "error": "there is no shop 'acme'",
        "hint": "the last part of the URL is the name of a mapping file",
    } == answer.json


@pytest.mark.parametrize("value", [None, ""])
def test_a_shop_that_is_off(sqlite_engine: Any, make_web: Any, sender: Any, value: str | None) -> None:
    """A shop without its secret is 404, even for a body signed with nothing, and says which variable to set."""
    web = make_web(sqlite_engine, **{sender.variable: value})
    body = sender.order()
    answer = web.post(sender.path, body, sender.signed(body, ""))
    assert 404 == answer.status_code
    assert f"the shop '{sender.name}' is off: " in answer.json["error"]
    assert sender.variable in answer.json["error"]
    assert {} == web.rows()


@pytest.mark.parametrize("path", ["//webhooks/shopify", "/webhooks//shopify", "/webhooks/shopify/orders", "/webhooks"])
def test_a_wrong_path(web_on_sqlite: Any, path: str) -> None:
    """A path that is nearly right is 404 and never a redirect: neither platform follows one."""
    answer = web_on_sqlite.client.post(path, data=b"{}", base_url="http://localhost")
    assert (404, "Not Found") == (answer.status_code, answer.json["error"])


def test_a_trailing_slash(web_on_sqlite: Any, sender: Any) -> None:
    """A trailing slash in the pasted URL does no harm."""
    body = sender.order()
    assert 200 == web_on_sqlite.post(f"{sender.path}/", body, sender.signed(body)).status_code


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method(web_on_sqlite: Any, sender: Any, method: str) -> None:
    """Only POST is taken; 405 says so in JSON."""
    answer = web_on_sqlite.client.open(sender.path, method=method)
    assert (405, "Method Not Allowed") == (answer.status_code, answer.json["error"])
    assert "OPTIONS, POST" == answer.headers["Allow"]


def tells_nothing(answer: Any, sender: Any, body: bytes) -> bool:
    """Whether neither the secret, nor any six characters of it, nor the right signature stand in the answer."""
    parts = {sender.secret[start : start + 6] for start in range(len(sender.secret) - 5)}
    return not any(part in answer.text for part in {*parts, sender.signed(body)[sender.header]})


@pytest.mark.parametrize("given", [None, ""])
def test_a_missing_signature(web_on_sqlite: Any, sender: Any, given: str | None) -> None:
    """Without a signature the answer is 401 and names the header; nothing is stored."""
    body = sender.order()
    answer = web_on_sqlite.post(sender.path, body, None if given is None else {sender.header: given})
    assert (401, f"the header {sender.header} is missing") == (answer.status_code, answer.json["error"])
    assert tells_nothing(answer, sender, body)
    assert {} == web_on_sqlite.rows()


def test_a_wrong_signature(web_on_sqlite: Any, sender: Any) -> None:
    """Another secret's signature is 401 and says where the right secret stands; nothing is stored or told."""
    body = sender.order()
    with capture_logs() as logs:
        answer = web_on_sqlite.post(sender.path, body, sender.signed(body, "another secret of 32 letters"))
    assert 401 == answer.status_code
    assert sender.wrong_secret_hint in answer.json["hint"]
    assert tells_nothing(answer, sender, body)
    assert {} == web_on_sqlite.rows()
    assert [("webhook refused", 401, sender.name)] == [(line["event"], line["status"], line["shop"]) for line in logs]


def test_a_changed_body(web_on_sqlite: Any, sender: Any) -> None:
    """One changed byte is 401."""
    body = sender.order(note="five")
    answer = web_on_sqlite.post(sender.path, body.replace(b"five", b"fire"), sender.signed(body))
    assert (401, {}) == (answer.status_code, web_on_sqlite.rows())


def test_the_other_platforms_signature(web_on_sqlite: Any, shopify: Any, woocommerce: Any) -> None:
    """A shop takes its own platform's header alone."""
    body = shopify.order()
    answer = web_on_sqlite.post(shopify.path, body, {woocommerce.header: shopify.signed(body)[shopify.header]})
    assert (401, "the header X-Shopify-Hmac-Sha256 is missing") == (answer.status_code, answer.json["error"])


def _twice(right: str) -> str:
    return f"{right},{right}"


@pytest.mark.parametrize(
    "spoil",
    [
        _twice,
        str.lower,
        lambda right: right.rstrip("="),
        lambda right: right + "=",
        lambda right: right.replace("+", "-").replace("/", "_") + "\xa0",
        lambda right: f"sha256={right}",
        lambda right: f"\x00{right}",
        lambda right: right[:-1] + "\x00",
        lambda right: "\xff" * len(right),
        lambda right: "é" + right,
        lambda right: right[0] * 8192,
        lambda right: hashlib.sha256(right.encode()).hexdigest(),
    ],
)
def test_a_spoiled_signature(web_on_sqlite: Any, sender: Any, spoil: Callable[[str], str]) -> None:
    """A signature of any other shape is 401, never 500."""
    body = sender.order()
    variable = "HTTP_" + sender.header.upper().replace("-", "_")
    given = {variable: spoil(sender.signed(body)[sender.header])}
    answer = web_on_sqlite.client.post(
        sender.path, data=body, content_type="application/json", environ_overrides=given
    )
    assert (401, {}) == (answer.status_code, web_on_sqlite.rows())


header_text = st.binary(max_size=60).map(lambda raw: raw.decode("latin-1"))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=header_text, kind=header_text, encoding=header_text, body=st.binary(max_size=200))
@example(value="", kind="application/json; charset*=utf-16''x", encoding="", body=b"{}")
@example(value="x", kind="application/json; charset", encoding="identity", body=b"")
def test_no_request_is_an_error_here(
    web_on_sqlite: Any, sender: Any, value: str, kind: str, encoding: str, body: bytes
) -> None:
    """Whatever stands in the headers and the body, an unsigned request is 401 or 415 and stores nothing."""
    given = {"HTTP_" + sender.header.upper().replace("-", "_"): value, "HTTP_CONTENT_ENCODING": encoding}
    for content_type in (kind, "application/json"):
        answer = web_on_sqlite.client.post(
            sender.path, data=body, environ_overrides={**given, "CONTENT_TYPE": content_type}
        )
        assert answer.status_code in (401, 415)
    assert {} == web_on_sqlite.rows()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=300)
    | st.recursive(st.none() | st.text() | st.integers() | st.floats(), st.lists).map(
        lambda value: json.dumps({"id": value, "line_items": []}).encode()
    )
)
def test_no_signed_body_is_an_error_here(web_on_sqlite: Any, sender: Any, body: bytes) -> None:
    """Whatever was signed is answered 200 and kept as it came, unless it says that it is no order."""
    answer = sender.send(web_on_sqlite, body)
    assert 200 == answer.status_code
    if answer.json["result"] != "ignored":
        assert body == web_on_sqlite.stored(answer.json["order"])


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({"Content-Type": "application/xml"}, "the body is XML, and JSON is read here"),
        ({"Content-Type": "text/xml; charset=utf-8"}, "the body is XML, and JSON is read here"),
        ({"Content-Encoding": "gzip"}, "the body is compressed (Content-Encoding), and plain JSON is read here"),
        (
            {"Content-Type": "multipart/form-data; boundary=x"},
            "the Content-Type isn't application/json, and only JSON is read here",
        ),
        ({"Content-Type": "text/plain"}, "the Content-Type isn't application/json, and only JSON is read here"),
        (
            {"Content-Type": "application/x-www-form-urlencoded"},
            "the Content-Type isn't application/json, and only JSON is read here",
        ),
        (
            {"Content-Type": "application/json; charset=utf-16"},
            "the character set isn't UTF-8, and JSON is read as UTF-8 alone",
        ),
    ],
)
def test_another_form(web_on_sqlite: Any, sender: Any, headers: dict[str, str], error: str) -> None:
    """XML, compressed bodies, forms and other character sets are 415 even if signed; the setting is named."""
    body = sender.order()
    answer = web_on_sqlite.post(sender.path, body, {**sender.signed(body), **headers})
    assert (415, error) == (answer.status_code, answer.json["error"])
    assert sender.wrong_secret_hint in answer.json["hint"]
    assert {} == web_on_sqlite.rows()


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        'Application/JSON;charset="UTF-8"',
        "application/json; charset=utf8; profile=order",
        "application/json; profile=order",
        "",
    ],
)
def test_json_in_other_words(web_on_sqlite: Any, sender: Any, content_type: str) -> None:
    """Every way to say JSON in UTF-8 is taken, and so is a delivery that says nothing."""
    body = sender.order()
    answer = web_on_sqlite.post(
        sender.path, body, {**sender.signed(body), "Content-Type": content_type, "Content-Encoding": "Identity"}
    )
    assert 200 == answer.status_code


def test_no_content_type(web_on_sqlite: Any, sender: Any) -> None:
    """A delivery without a content type is read as JSON."""
    body = sender.order()
    assert 200 == web_on_sqlite.client.post(sender.path, data=body, headers=sender.signed(body)).status_code


def test_the_largest_body(web_on_sqlite: Any, sender: Any) -> None:
    """A body of 2 MiB is stored whole; one byte more is 413, and nothing of it is stored."""
    empty = len(sender.order())
    largest = sender.order(note="x" * (LARGEST_BODY - empty))
    assert 2 * 1024 * 1024 == len(largest)
    assert 200 == sender.send(web_on_sqlite, largest).status_code
    assert largest == web_on_sqlite.stored("5001")
    larger = sender.order(id_=5002, note="x" * (LARGEST_BODY - empty + 1))
    answer = sender.send(web_on_sqlite, larger)
    assert (413, "the body is larger than 2097152 bytes") == (answer.status_code, answer.json["error"])
    assert "close" == answer.headers["Connection"]
    assert {"5001"} == set(web_on_sqlite.rows())


def test_a_chunked_body(web_on_sqlite: Any, sender: Any) -> None:
    """A chunked body is taken whole up to 2 MiB; a larger one is 413 after one byte too much, not cut."""
    empty = len(sender.order())
    for size, status in ((LARGEST_BODY, 200), (LARGEST_BODY + 100_000, 413)):
        body = sender.order(id_=5001, note="x" * (size - empty))
        stream = io.BytesIO(body)
        environment = {"wsgi.input": stream, "wsgi.input_terminated": True}
        headers = {"Content-Type": "application/json", **sender.signed(body)}
        answer = web_on_sqlite.client.post(sender.path, headers=headers, environ_overrides=environment)
        assert status == answer.status_code
        assert stream.tell() <= LARGEST_BODY + 1
    assert LARGEST_BODY == len(web_on_sqlite.stored("5001"))


def test_a_body_that_breaks_off(web_on_sqlite: Any, sender: Any) -> None:
    """A body shorter than announced is 400, and nothing is stored."""
    body = sender.order()
    environment = {"wsgi.input": io.BytesIO(body[:-5]), "CONTENT_LENGTH": str(len(body))}
    headers = {"Content-Type": "application/json", **sender.signed(body)}
    answer = web_on_sqlite.client.post(sender.path, headers=headers, environ_overrides=environment)
    expected = "the body didn't arrive whole: the connection broke off, or a chunk is malformed"
    assert (400, expected) == (answer.status_code, answer.json["error"])
    assert {} == web_on_sqlite.rows()


def test_storage_is_away(web: Any, sender: Any) -> None:
    """While the database takes nothing the answer is 503 with Retry-After and nothing is stored; then it is."""
    body = sender.order()
    with web.engine.begin() as connection:
        connection.execute(text("ALTER TABLE purchases RENAME TO gone"))
    with capture_logs() as logs:
        answer = sender.send(web, body)
    assert (503, "10") == (answer.status_code, answer.headers["Retry-After"])
    assert {"error": "the order can't be stored right now", "hint": "nothing was stored; send it again"} == answer.json
    assert ["webhook not stored"] == [line["event"] for line in logs]
    with web.engine.begin() as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO purchases"))
    assert {} == web.rows()
    assert "stored" == sender.send(web, body).json["change"]


def test_woocommerces_ping(web: Any, woocommerce: Any) -> None:
    """The unsigned ping is answered exactly 200 and stores nothing."""
    answer = web.post(woocommerce.path, PING, PING_HEADERS)
    assert (200, {"result": "ping"}) == (answer.status_code, answer.json)
    assert {} == web.rows()


def test_a_ping_to_shopify(web_on_sqlite: Any, shopify: Any) -> None:
    """Shopify never pings: there the ping is a form like any other."""
    assert 415 == web_on_sqlite.post(shopify.path, PING, PING_HEADERS).status_code


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"webhook_id=7&x=1", PING_HEADERS),
        (b"webhook_id=", PING_HEADERS),
        (PING, {**PING_HEADERS, "X-WC-Webhook-Signature": "x"}),
        (PING, {**PING_HEADERS, "Content-Encoding": "gzip"}),
    ],
)
def test_nearly_a_ping(web_on_sqlite: Any, woocommerce: Any, body: bytes, headers: dict[str, str]) -> None:
    """Nothing but the exact ping passes without a signature."""
    assert 415 == web_on_sqlite.post(woocommerce.path, body, headers).status_code


LIVE_RESULTS = {
    "01": "ping",
    "02": "ping",
    "33": "ignored",
    "47": "ignored",
    "49": "ignored",
    "53": "ignored",
}


@pytest.mark.parametrize(
    "folder", sorted(path for path in LIVE.iterdir() if path.is_dir()), ids=lambda path: path.name
)
def test_live_deliveries(sqlite_engine: Any, make_web: Any, woocommerce: Any, folder: Path) -> None:
    """What a real WooCommerce sent is taken rightly, bytes and headers as captured."""
    captured = json.loads((folder / "headers.json").read_text())
    body = (folder / "body.bin").read_bytes()
    headers = dict(captured["headers"])
    secret = captured["secret_stored"] or "nobody signs a ping"
    if secret == "sec-v1":  # Shorter than what we accept: this one delivery is signed anew.
        secret, headers = woocommerce.secret, {**headers, **woocommerce.signed(body)}
    web = make_web(sqlite_engine, WOOCOMMERCE_WEBHOOK_SECRET=secret)
    answer = web.client.post(woocommerce.path, data=body, headers=headers)
    expected = LIVE_RESULTS.get(folder.name[:2], "accepted")
    assert (200, expected) == (answer.status_code, answer.json["result"])
    if expected == "accepted":
        assert body == web.stored(str(json.loads(body)["id"]))
    else:
        assert {} == web.rows()


def test_live_deliveries_of_one_order(web: Any, woocommerce: Any) -> None:
    """The captured created, same-second updated and refunded bodies of one order make one row with the last body."""
    changes = []
    for start in ("34", "03", "36"):
        folder = next(LIVE.glob(f"{start}-*"))
        body = (folder / "body.bin").read_bytes()
        changes.append(woocommerce.send(web, body).json["change"])
    assert ["stored", "unchanged", "refreshed"] == changes
    assert ["26"] == list(web.rows())


def test_shopifys_test_notification(web: Any, shopify: Any, clock: Any) -> None:
    """The canned test is recorded, shown as skipped, can be repeated, and is never sent."""
    body = TEST_NOTIFICATION.read_bytes()
    first = shopify.send(web, body)
    clock.advance(3600)
    again = shopify.send(web, body)
    expected = {
        "result": "test received",
        "order": "820982911946154508",
        "reason": "the signature is right; nothing is sent for a test",
    }
    assert (200, {**expected, "change": "stored"}) == (first.status_code, first.json)
    assert (200, {**expected, "change": "refreshed"}) == (again.status_code, again.json)
    web.deliver()
    row = web.rows()["820982911946154508"]
    assert ("skipped", clock()) == (row["state"], row["refreshed_at"])
    assert row["reason"].startswith("test notification: ")
    assert not web.parts.purchases.anything_due(clock())


def test_a_list_of_secrets(sqlite_engine: Any, make_web: Any, tmp_path: Path, sender: Any) -> None:
    """During a rotation both secrets sign; a third doesn't. Commas and spaces belong to a secret."""
    (tmp_path / "acme.toml").write_text(f'extends = "{sender.name}"\nwebhook_secret = ["$OLD", "$NEW"]\n')
    old, new = "an old, long secret", "the new one, longer"
    web = make_web(sqlite_engine, MAPPINGS_DIR=str(tmp_path), OLD=old, NEW=new)
    body = sender.order()
    for secret, status in ((old, 200), (new, 200), (f"{old},{new}", 401), ("an old", 401)):
        assert status == web.post("/webhooks/acme", body, sender.signed(body, secret)).status_code


@pytest.mark.parametrize("name", ["X-Shopify-Hmac-Sha256", "X-Shopify-Hmac-SHA256", "x-shopify-hmac-sha256",
                                  "shopify-hmac-sha256", "Shopify-Hmac-Sha256"])  # fmt: skip
def test_both_header_families(web_on_sqlite: Any, shopify: Any, name: str) -> None:
    """Shopify's two names for its signature count, in any case."""
    body = shopify.order()
    answer = web_on_sqlite.post(shopify.path, body, {name: shopify.signed(body)[shopify.header]})
    assert 200 == answer.status_code


def test_one_family_is_wrong(web_on_sqlite: Any, shopify: Any) -> None:
    """When both names stand there, one right signature is enough, and two wrong ones are not."""
    body = shopify.order()
    right = shopify.signed(body)[shopify.header]
    for first, second, status in ((right, "no", 200), ("no", right, 200), ("no", "no", 401)):
        answer = web_on_sqlite.post(
            shopify.path, body, {"X-Shopify-Hmac-Sha256": first, "Shopify-Hmac-Sha256": second}
        )
        assert status == answer.status_code


@pytest.mark.parametrize(
    ("set_here", "signs_with", "status"),
    [
        ("tom&amp;jerry &lt;3 and more", "tom&jerry <3 and more", 200),
        ("tom&jerry <3 and more", "tom&amp;jerry &lt;3 and more", 200),
        ("tom&jerry, {two} and <more>", "tom&jerry, {two} and <more>", 200),
        ("tom&copy; and jerry here", "tom© and jerry here", 401),
    ],
)
def test_woocommerces_secrets(
    sqlite_engine: Any, make_web: Any, woocommerce: Any, set_here: str, signs_with: str, status: int
) -> None:
    """A secret counts as given, with its entities decoded and encoded, as WordPress does it."""
    web = make_web(sqlite_engine, WOOCOMMERCE_WEBHOOK_SECRET=set_here)
    body = woocommerce.order()
    assert status == web.post(woocommerce.path, body, woocommerce.signed(body, signs_with)).status_code


BODIES: dict[str, tuple[dict[str, Any], str, bool]] = {
    "the same again": ({}, "unchanged", False),
    "an older body": ({"at": "11:59:59", "note": "older"}, "unchanged", False),
    "a newer body": ({"at": "12:00:01", "note": "newer"}, "refreshed", True),
    "another body of the same second": ({"note": "same"}, "unchanged", False),
    "a newer unpaid body": ({"at": "12:00:01", "paid": False}, "refreshed", True),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_second_body(web: Any, sender: Any, case: str) -> None:
    """Duplicates, older bodies and bodies of the same second change nothing; a newer one replaces the first."""
    second, change, replaces = BODIES[case]
    first_body, second_body = sender.order(), sender.order(**second)
    sender.send(web, first_body)
    answer = sender.send(web, second_body)
    assert (200, "accepted", change) == (answer.status_code, answer.json["result"], answer.json["change"])
    assert (second_body if replaces else first_body) == web.stored("5001")
    assert ["5001"] == list(web.rows())


def test_the_sale_of_the_same_second(web: Any, sender: Any) -> None:
    """At equal stamps the paid body replaces the unpaid one, and the unpaid one never the paid one."""
    unpaid, paid = sender.order(paid=False), sender.order()
    changes = [sender.send(web, body).json["change"] for body in (unpaid, paid, unpaid, paid)]
    assert ["stored", "refreshed", "unchanged", "unchanged"] == changes
    assert paid == web.stored("5001")


def test_another_order_with_the_same_id(web: Any, sender: Any) -> None:
    """An id whose token differs (a staging clone) is kept beside the first and shown; the first stays as it is."""
    body = sender.order()
    sender.send(web, body)
    answer = sender.send(web, sender.order(token="another", at="13:00:00"))
    assert (200, "kept aside", "conflict") == (answer.status_code, answer.json["result"], answer.json["change"])
    states = {id_: (row["state"], row["reason"]) for id_, row in web.rows().items()}
    assert ("pending", None) == states.pop("5001")
    ((state, reason),) = states.values()
    assert "quarantined" == state
    assert reason.startswith("conflicting order: ")
    assert body == web.stored("5001")


def test_no_order(web: Any, sender: Any) -> None:
    """A signed body that is no order is ignored with the reason and stores nothing."""
    answer = sender.send(web, b'{"id":5001}')
    assert (200, "ignored") == (answer.status_code, answer.json["result"])
    assert "id" in answer.json["reason"]
    assert {} == web.rows()


NASTY_VALUES = {
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "-Infinity": b"-Infinity",
    "1e999": b"1e999",
    "1e9999999999": b"1e9999999999",
    "5000 digits": b"1" * 5000,
    "5000 decimals": b"0." + b"1" * 5000,
    "100,000 lists": b"[" * 100_000 + b"]" * 100_000,
    "100,000 objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "65 lists": b"[" * 65 + b"]" * 65,
    "a lone surrogate": rb'"\ud800"',
    "a lone surrogate in a name": rb'{"\udfff":1}',
    "bytes that aren't UTF-8": b'"\xff\xfe"',
    "an overlong NUL": b'"\xc0\x80"',
    "a control character": b'"\x01"',
    "a hexadecimal number": b"0x10",
    "Arabic digits": "١٢".encode(),
    "a number with underscores": b"1_000",
}


def _nasty_bodies(order: bytes) -> dict[str, bytes]:
    spoiled = {name: b'{"nasty":' + value + b"," + order.lstrip()[1:] for name, value in NASTY_VALUES.items()}
    return {
        **spoiled,
        "UTF-16": order.decode().encode("utf-16"),
        "a byte order mark": b"\xef\xbb\xbf" + order,
        "truncated": order[:-200],
        "empty": b"",
        "white space": b" \n",
        "a list": b"[" + order + b"]",
        "null": b"null",
        "a text": b'"order"',
        "two documents": order + order,
        "single quotes": b"{'id': 1}",
        "a trailing comma": b'{"id":1,"line_items":[],}',
    }


@pytest.mark.parametrize("value", [rb'"\u0000*\u0000private"', rb'{"\u0000":1}', b"9" * 100])
def test_odd_values_that_nobody_sends(web: Any, sender: Any, value: bytes) -> None:
    """A plugin's NUL characters or a huge number in a field that isn't sent cost no purchase: it waits like others."""
    assert 200 == sender.send(web, b'{"odd":' + value + b"," + sender.full_order().lstrip()[1:]).status_code
    web.deliver()
    assert [("pending", None)] == [(row["state"], row["reason"]) for row in web.rows().values()]


def test_nasty_bodies(web: Any, sender: Any) -> None:
    """What can't be read is answered 200, kept byte for byte and shown as unreadable; a good order passes by."""
    good = sender.full_order()
    order_id = str(json.loads(good)["id"])
    found = {}
    for name, body in _nasty_bodies(good).items():
        with web.engine.begin() as connection:
            connection.execute(text("DELETE FROM purchases"))
        answer = sender.send(web, body)
        web.deliver()
        ((kept_as, row),) = web.rows().items()
        assert body == web.stored(kept_as), name
        assert kept_as in (order_id, hashlib.sha256(body).hexdigest()), name
        found[name] = (answer.status_code, row["state"], row["reason"].partition(":")[0])
    assert dict.fromkeys(found, (200, "quarantined", "unreadable")) == found
    assert "stored" == sender.send(web, good.replace(order_id.encode(), b"99" + order_id.encode())).json["change"]
    web.deliver()
    assert "pending" == web.rows()[f"99{order_id}"]["state"]


def test_an_unreadable_body_again(web: Any, sender: Any) -> None:
    """The same unreadable body is kept once, and the answer names it by its SHA-256."""
    body = b"<order/>"
    # echo -n '<order/>' | openssl dgst -sha256
    name = "9326fef1a0a45c3f7ad8ee2c3579c143887e292e8d9140fd2e154cb4faf39929"
    first, again = sender.send(web, body), sender.send(web, body)
    assert ("kept unread", name, "stored") == tuple(first.json[key] for key in ("result", "order", "change"))
    assert ("kept unread", name, "unchanged") == tuple(again.json[key] for key in ("result", "order", "change"))
    assert [name] == list(web.rows())


def test_a_doubled_key(web: Any, sender: Any) -> None:
    """Of a doubled key the last counts, at intake and when the order is read: nobody can tell us two ids."""
    good = sender.full_order()
    order_id = str(json.loads(good)["id"])
    answer = sender.send(web, b'{"id":1,' + good.lstrip()[1:])
    assert order_id == answer.json["order"]
    web.deliver()
    assert "pending" == web.rows()[order_id]["state"]


def test_one_log_line_a_webhook(web_on_sqlite: Any, sender: Any) -> None:
    """A webhook that was taken leaves one line, with shop, order and change; a ping leaves none."""
    with capture_logs() as logs:
        sender.send(web_on_sqlite, sender.order())
        web_on_sqlite.post("/webhooks/woocommerce", PING, PING_HEADERS)
    expected = {"shop": sender.name, "order": "5001", "change": "stored"}
    assert [{"event": "webhook taken", "log_level": "info", **expected}] == logs
