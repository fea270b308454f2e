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


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "text/plain;charset=UTF-8", "application/json", "application/x-www-form-urlencoded", "", None,
     "multipart/form-data; boundary=x", "nonsense"],
)  # fmt: skip
def test_any_content_type(web_on_sqlite: Any, kind: str | None) -> None:
    """`navigator.sendBeacon` sends text/plain, or nothing: whatever it says, the body is read as JSON."""
    headers = {"Origin": SHOP, **({} if kind is None else {"Content-Type": kind})}
    answer = web_on_sqlite.client.post("/clicks/shopify", data=json.dumps(CLICK).encode(), headers=headers)
    assert (204, b"", ALLOWED) == (answer.status_code, answer.data, cors(answer))
    assert "click-1" == web_on_sqlite.parts.clicks.find("shopify", [("checkout_token", "c0ffee")])["aleid"]


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
    ({**CLICK, "client_id": 5.5}, f"client_id: {TEXT}"),
    ({"client_id": ["b1"]}, f"client_id: {TEXT}"),
    ({"checkout_token": 1, "consent": "denied"}, f"checkout_token: {TEXT}"),
    ({"consent": "denied"}, "one key is wanted: checkout_token, cart_token, order_key, client_id"),
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


@pytest.mark.parametrize("junk", [{"aleid": 5}, {"page_url": ["x"]}, {"axwrt": "two words"}, {"sid": {}}])
def test_a_refusal_is_heard_whatever_else_is_wrong(web_on_sqlite: Any, junk: dict[str, Any]) -> None:
    """With a key it is taken, and nothing else of that body is looked at or kept."""
    assert 204 == post(web_on_sqlite, {"checkout_token": "c0ffee", "consent": "denied", **junk}).status_code
    assert {"consent": "denied"} == web_on_sqlite.parts.clicks.find("shopify", [("checkout_token", "c0ffee")])


def test_the_answer_tells_nothing(web_on_sqlite: Any) -> None:
    """A guess at a key that is there is answered as one at a key that isn't: status, body and headers."""
    post(web_on_sqlite, CLICK)
    post(web_on_sqlite, {"checkout_token": "refused", "consent": "denied"})
    guesses = [post(web_on_sqlite, {"checkout_token": key, "aleid": "mine"}) for key in ("c0ffee", "refused", "new")]
    for answer in guesses:
        del answer.headers["X-Request-ID"]  # Another one for every request, and made of nothing.
    assert 1 == len({(answer.status_code, answer.data, str(answer.headers)) for answer in guesses})
    assert "click-1" == web_on_sqlite.parts.clicks.find("shopify", [("checkout_token", "c0ffee")])["aleid"]


def flood(web: Any, tries: int, **headers: str) -> list[int]:
    """Post so many clicks; return the answers' statuses."""
    return [post(web, {**CLICK, "checkout_token": f"t{number}"}, **headers).status_code for number in range(tries)]


def test_too_many_from_one_address(web_on_sqlite: Any) -> None:
    """One address posts a hundred at once; one more is 429 with the seconds to wait, unread, and logged once."""
    with capture_logs() as logs:
        assert [204] * 100 + [429] * 3 == flood(web_on_sqlite, 103)
        answer = post(web_on_sqlite, b"{", Connection="keep-alive")
    assert (429, "too many clicks", "1") == (answer.status_code, answer.json["error"], answer.headers["Retry-After"])
    assert ("close", ALLOWED, 100) == (answer.headers["Connection"], cors(answer), stored(web_on_sqlite))
    told = [line for line in logs if line["event"] == "clicks turned away: too many"]
    assert [(1, 1)] == [(line["count"], line["addresses"]) for line in told]
    assert "203.0.113" not in str(told)


def test_addresses_behind_a_proxy(sqlite_engine: Any, make_web: Any) -> None:
    """The limit is the buyer's own, as the trusted proxy names it; what stands in front counts for nothing."""
    web = make_web(sqlite_engine, TRUSTED_PROXIES="1")
    assert 100 == flood(web, 101, **{"X-Forwarded-For": "203.0.113.7"}).count(204)
    assert [429, 429] == flood(web, 2, **{"X-Forwarded-For": "198.51.100.1, 203.0.113.7"})
    assert [204, 204] == flood(web, 2, **{"X-Forwarded-For": "203.0.113.7, 203.0.113.8"})


def test_the_buyers_address(sqlite_engine: Any, make_web: Any) -> None:
    """What is stored with a click is the buyer's address as the trusted proxy names it, and the browser's agent."""
    web = make_web(sqlite_engine, TRUSTED_PROXIES="1")
    headers = {"X-Forwarded-For": "198.51.100.1, 2001:DB8::7", "User-Agent": "u" * 3000}
    assert 204 == post(web, CLICK, **headers).status_code
    found = web.parts.clicks.find("shopify", [("checkout_token", "c0ffee")])
    assert ("2001:db8::7", "u" * 2048) == (found["ip"], found["user_agent"])


def test_forged_addresses_without_a_proxy(web_on_sqlite: Any) -> None:
    """Without TRUSTED_PROXIES nobody believes a header: a thousand forged addresses are one."""
    statuses = [
        post(web_on_sqlite, CLICK, **{"X-Forwarded-For": f"10.0.{number // 250}.{number % 250}"}).status_code
        for number in range(150)
    ]
    assert 100 == statuses.count(204)


def test_an_ipv6_home(sqlite_engine: Any, make_web: Any) -> None:
    """All addresses of a home's /64 are one."""
    web = make_web(sqlite_engine, TRUSTED_PROXIES="1")
    statuses = [
        post(web, CLICK, **{"X-Forwarded-For": f"2001:db8:1:2::{number:x}"}).status_code for number in range(150)
    ]
    assert 100 == statuses.count(204)


def test_strangers_take_nobodys_place(web_on_sqlite: Any) -> None:
    """Who may not post at all isn't counted: another site's visitors can't use up what the shop's may send."""
    for _ in range(150):
        assert 403 == post(web_on_sqlite, CLICK, "https://evil.example").status_code
    assert 204 == post(web_on_sqlite, CLICK).status_code


def test_orders_go_first(web: Any) -> None:
    """While orders are being stored a click waits a second at most; then it is 503 and may come again in one."""
    queue = web.engine.get_execution_options()["queue"]
    with queue.place(), queue.place(), capture_logs() as logs:
        answer = post(web, CLICK)
    assert (503, "1", ALLOWED) == (answer.status_code, answer.headers["Retry-After"], cors(answer))
    assert ([], 204) == (logs, post(web, CLICK).status_code)


def test_nobody_reads_clicks(web_on_sqlite: Any) -> None:
    """The route is write-only."""
    assert 405 == web_on_sqlite.client.get("/clicks/shopify").status_code
