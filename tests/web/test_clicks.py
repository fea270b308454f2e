"""POST /clicks/<shop>: who may post, what, and what the browser is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import func, select, text
from structlog.testing import capture_logs

from adapter.storage.tables import clicks

SHOP = "https://shop.example"
ALLOWED = {"Access-Control-Allow-Origin": SHOP, "Access-Control-Allow-Credentials": "true", "Vary": "Origin"}
CLICK = {"checkout_token": "c0ffee", "aleid": "click-1"}


def post(web: Any, body: object, origin: str | None = SHOP, **headers: str) -> Any:
    """Post as a browser does; `body` becomes JSON unless it is bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"Content-Type": "text/plain", **({"Origin": origin} if origin else {}), **headers}
    return web.client.post("/clicks/shopify", data=raw, headers=sent)


def cors(answer: Any) -> dict[str, str]:
    """Return the headers that tell the browser who may read and send."""
    return {name: value for name, value in answer.headers if name.startswith("Access-Control") or name == "Vary"}


def stored(web: Any) -> int:
    """Return the number of clicks."""
    with web.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(clicks)).scalar_one()


def test_a_click(web: Any) -> None:
    """A click of the shop's page is stored under its key with the browser's address and agent, and answered 204."""
    everything = {"aleid": "a", "alart": "b", "axwrt": "c", "client_id": "d", "sid": "e"}
    texts = {"consent": "granted", "page_url": f"{SHOP}/?aleid=a"}
    answer = post(web, {"checkout_token": "c0ffee", **everything, **texts}, **{"User-Agent": "Invented/1.0"})
    assert (204, b"", ALLOWED) == (answer.status_code, answer.data, cors(answer))
    found = web.parts.clicks.find("shopify", [("checkout_token", "c0ffee")])
    assert {**everything, **texts, "ip": "127.0.0.1", "user_agent": "Invented/1.0"} == found


def test_every_key(web_on_sqlite: Any) -> None:
    """A click is stored under each key it brings; a cart token is cut at its question mark."""
    keys = {"checkout_token": "t1", "cart_token": "hWN1?key=abc", "order_key": "wc_order_1", "client_id": "b1"}
    assert 204 == post(web_on_sqlite, {**keys, "aleid": "a"}).status_code
    for kind, value in {**keys, "cart_token": "hWN1"}.items():
        assert "a" == web_on_sqlite.parts.clicks.find("shopify", [(kind, value)])["aleid"]
    assert 4 == stored(web_on_sqlite)


def test_a_key_and_consent_alone(web_on_sqlite: Any) -> None:
    """A refusal needs no identifier."""
    assert 204 == post(web_on_sqlite, {"cart_token": "t1", "consent": "denied"}).status_code
    assert "denied" == web_on_sqlite.parts.clicks.find("shopify", [("cart_token", "t1")])["consent"]


def test_a_client_id_alone(web_on_sqlite: Any) -> None:
    """A client id is a key and an identifier."""
    assert 204 == post(web_on_sqlite, {"client_id": "b1"}).status_code


def test_an_order_finds_its_click(web: Any, shopify: Any) -> None:
    """An order that waits is due at once when its click comes."""
    body = json.loads(shopify.full_order())
    shopify.send(web, json.dumps(body).encode())
    web.deliver()
    assert not web.parts.purchases.anything_due(web.parts.clock())
    assert 204 == post(web, {"checkout_token": body["checkout_token"], "aleid": "a"}).status_code
    assert web.parts.purchases.anything_due(web.parts.clock())


@pytest.mark.parametrize("origin", ["null", None])
def test_a_sandboxed_pixel(web_on_sqlite: Any, origin: str | None) -> None:
    """An origin of null, or none, is taken with a checkout token; the browser must send no credentials."""
    answer = post(web_on_sqlite, CLICK, origin)
    expected = {"Vary": "Origin", **({"Access-Control-Allow-Origin": "null"} if origin else {})}
    assert (204, expected, 1) == (answer.status_code, cors(answer), stored(web_on_sqlite))


@pytest.mark.parametrize("origin", ["null", None])
def test_no_pixel_with_cookies(web_on_sqlite: Any, origin: str | None) -> None:
    """A sandboxed frame has no cookies: with some, an origin of null is 403."""
    web_on_sqlite.client.set_cookie("session", "1")
    answer = post(web_on_sqlite, CLICK, origin)
    assert (403, "this origin may not post clicks here") == (answer.status_code, answer.json["error"])
    assert 0 == stored(web_on_sqlite)


@pytest.mark.parametrize("origin", ["null", None])
@pytest.mark.parametrize("kind", ["cart_token", "order_key", "client_id"])
def test_no_pixel_without_a_checkout(web_on_sqlite: Any, origin: str | None, kind: str) -> None:
    """Under any other key an origin of null is 403."""
    answer = post(web_on_sqlite, {kind: "key-1", "aleid": "a"}, origin)
    expected = (403, "without an origin of the shop a checkout_token is wanted")
    assert expected == (answer.status_code, answer.json["error"])
    assert 0 == stored(web_on_sqlite)


def test_cookies_of_the_shops_own_page(web_on_sqlite: Any) -> None:
    """The shop's own page may send cookies."""
    web_on_sqlite.client.set_cookie("session", "1")
    assert 204 == post(web_on_sqlite, CLICK).status_code


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://shop.example", "https://shop.example:444", "https://a.shop.example",
     "https://shop.example.evil.example", "https://SHOP.example/", "NULL", ""],
)  # fmt: skip
def test_a_foreign_origin(web_on_sqlite: Any, origin: str) -> None:
    """Any other origin is 403 before the body is looked at, and its browser is allowed nothing."""
    answer = web_on_sqlite.client.post("/clicks/shopify", data=b"{", headers={"Origin": origin})
    assert (403, {"Vary": "Origin"}, 0) == (answer.status_code, cors(answer), stored(web_on_sqlite))
    assert "[storefront] origins" in answer.json["hint"]


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (SHOP, ALLOWED),
        ("null", {"Access-Control-Allow-Origin": "null", "Vary": "Origin"}),
        ("https://evil.example", {"Vary": "Origin"}),
    ],
)
def test_a_preflight(web_on_sqlite: Any, origin: str, expected: dict[str, str]) -> None:
    """A browser that asks first is told who may post JSON, for a day."""
    answer = web_on_sqlite.client.options(
        "/clicks/shopify", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
    )
    always = {
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "Content-Type",
        "Access-Control-Max-Age": "86400",
    }
    assert (204, {**always, **expected}) == (answer.status_code, cors(answer))


TEXT = "text of a URL's characters, at most 512, is wanted"
WRONG = [
    ({}, "one key is wanted: checkout_token, cart_token, order_key, client_id"),
    ({"aleid": "a"}, "one key is wanted: checkout_token, cart_token, order_key, client_id"),
    ({"order_id": "1001", "aleid": "a"}, "one key is wanted: checkout_token, cart_token, order_key, client_id"),
    ({"checkout_token": None, "aleid": "a"}, "one key is wanted: checkout_token, cart_token, order_key, client_id"),
    ({"cart_token": "t"}, "one identifier or a consent is wanted: aleid, alart, axwrt, client_id, sid"),
    ({"checkout_token": 1, "aleid": "a"}, f"checkout_token: {TEXT}"),
    ({"cart_token": ["t"], "aleid": "a"}, f"cart_token: {TEXT}"),
    ({"cart_token": "?key=abc", "aleid": "a"}, f"cart_token: {TEXT}"),
    ({"order_key": "a?b", "aleid": "a"}, f"order_key: {TEXT}"),
    ({"client_id": "x" * 513}, f"client_id: {TEXT}"),
    ({**CLICK, "aleid": {"a": 1}}, f"aleid: {TEXT}"),
    ({**CLICK, "axwrt": "two words"}, f"axwrt: {TEXT}"),
    ({**CLICK, "sid": True}, f"sid: {TEXT}"),
    ({**CLICK, "alart": ""}, f"alart: {TEXT}"),
    ({**CLICK, "consent": "yes"}, "consent: one of granted, denied is wanted"),
    ({**CLICK, "consent": True}, "consent: one of granted, denied is wanted"),
    ({**CLICK, "consent": ["granted"]}, "consent: one of granted, denied is wanted"),
    ({**CLICK, "page_url": 5}, "page_url: text is wanted"),
    ([CLICK], "the body is no flat JSON object"),
    (b"", "the body is no flat JSON object"),
    (b"[" * 4000, "the body is no flat JSON object"),
    (b'{"checkout_token": NaN}', "the body is no flat JSON object"),
    (b'{"checkout_token": "\xff"}', "the body is no flat JSON object"),
    (rb'{"checkout_token": "\ud800"}', "the body is no flat JSON object"),
    (rb'{"checkout_token": "\u0000", "aleid": "a"}', f"checkout_token: {TEXT}"),
]


@pytest.mark.parametrize(("body", "error"), WRONG)
def test_a_wrong_body(web_on_sqlite: Any, body: object, error: str) -> None:
    """What can't be used is 400 with the path and what is wanted; the page may read it."""
    answer = post(web_on_sqlite, body)
    expected = {"error": error, "hint": "send flat JSON with a key and an identifier or a consent"}
    assert (400, expected, ALLOWED) == (answer.status_code, answer.json, cors(answer))
    assert 0 == stored(web_on_sqlite)


def test_nothing_is_null(web_on_sqlite: Any) -> None:
    """Null means that there is nothing; keys nobody knows are passed over."""
    body = {**CLICK, "cart_token": None, "sid": None, "consent": None, "page_url": None, "colour": {"deep": 1}}
    assert 204 == post(web_on_sqlite, body).status_code
    found = web_on_sqlite.parts.clicks.find("shopify", [("checkout_token", "c0ffee")])
    assert {"aleid", "ip", "user_agent"} == set(found)


def test_a_long_address(web_on_sqlite: Any) -> None:
    """The page's address is kept up to 2048 characters."""
    post(web_on_sqlite, {**CLICK, "page_url": "u" * 3000})
    found = web_on_sqlite.parts.clicks.find("shopify", [("checkout_token", "c0ffee")])
    assert "u" * 2048 == found["page_url"]


def test_too_large(web_on_sqlite: Any) -> None:
    """4 kB are read, one byte more is 413 and ends the connection."""
    largest = json.dumps({**CLICK, "x": ""}).encode()
    largest = largest.replace(b'"x": ""', b'"x": "' + b"x" * (4096 - len(largest)) + b'"')
    assert (4096, 204) == (len(largest), post(web_on_sqlite, largest).status_code)
    answer = post(web_on_sqlite, largest + b" ")
    assert (413, "the body is larger than 4096 bytes") == (answer.status_code, answer.json["error"])
    assert ("close", ALLOWED) == (answer.headers["Connection"], cors(answer))


def test_a_body_that_breaks_off(web_on_sqlite: Any) -> None:
    """A body shorter than announced is 400."""
    answer = web_on_sqlite.client.post(
        "/clicks/shopify", data=b"{}", headers={"Origin": SHOP}, environ_overrides={"CONTENT_LENGTH": "5"}
    )
    expected = "the body didn't arrive whole: the connection broke off, or a chunk is malformed"
    assert (400, expected) == (answer.status_code, answer.json["error"])


def test_an_unknown_shop(sqlite_engine: Any, make_web: Any) -> None:
    """Clicks for an unknown shop, or one that is off, are 404."""
    web = make_web(sqlite_engine, WOOCOMMERCE_WEBHOOK_SECRET=None)
    for shop in ("acme", "woocommerce"):
        answer = web.client.post(f"/clicks/{shop}", data=b"{}", headers={"Origin": SHOP})
        assert (404, f"there is no shop '{shop}'") == (answer.status_code, answer.json["error"])


def test_storage_is_away(web: Any) -> None:
    """While the database takes nothing the answer is 503 with Retry-After."""
    with web.engine.begin() as connection:
        connection.execute(text("DROP TABLE clicks"))
    with capture_logs() as logs:
        answer = post(web, CLICK)
    assert (503, "10", ALLOWED) == (answer.status_code, answer.headers["Retry-After"], cors(answer))
    assert ["click not stored"] == [line["event"] for line in logs]


def test_nobody_reads_clicks(web_on_sqlite: Any) -> None:
    """The route is write-only."""
    assert 405 == web_on_sqlite.client.get("/clicks/shopify").status_code
