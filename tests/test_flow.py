"""The whole story: signed bytes of both platforms come in, exact bytes go out to the Conversion API."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import Engine

from adapter.app import create_app
from adapter.storage.sealing import Sealer
from adapter.wiring import Parts, load_configuration

ROOT = Path(__file__).parents[1]

# A German shop with USD as its own currency; the buyer saw EUR with 19 % tax included: 3 × 14.67, less 4.01.
SHOPIFY_ORDER = (
    b'{"id":5839102749001,"token":"t0ken9001","checkout_token":"checkout9001",'
    b'"created_at":"2026-05-01T13:59:30+02:00","processed_at":"2026-05-01T13:59:30+02:00",'
    b'"updated_at":"2026-05-01T13:59:40+02:00","financial_status":"paid","confirmed":true,"test":false,'
    b'"cancelled_at":null,"currency":"USD","presentment_currency":"EUR","taxes_included":true,'
    b'"source_name":"web","landing_site":"/?utm_source=axon","browser_ip":"203.0.113.8",'
    b'"client_details":{"user_agent":"Invented/1.0"},"email":"Ada.Muster@Example.com",'
    b'"customer":{"id":7300200100009},"billing_address":{"zip":"04109","country_code":"DE"},'
    b'"subtotal_price":"43.60","total_price":"50.00","total_tax":"7.98","total_discounts":"4.36",'
    b'"subtotal_price_set":{"shop_money":{"amount":"43.60","currency_code":"USD"},'
    b'"presentment_money":{"amount":"40.00","currency_code":"EUR"}},'
    b'"total_price_set":{"shop_money":{"amount":"50.00","currency_code":"USD"},'
    b'"presentment_money":{"amount":"45.95","currency_code":"EUR"}},'
    b'"total_tax_set":{"shop_money":{"amount":"7.98","currency_code":"USD"},'
    b'"presentment_money":{"amount":"7.34","currency_code":"EUR"}},"line_items":[{"id":1,"product_id":7701,'
    b'"variant_id":4120,"title":"Fern pot","quantity":3,"price":"15.99","vendor":"Fernleaf","taxable":true,'
    b'"price_set":{"shop_money":{"amount":"15.99","currency_code":"USD"},"presentment_money":{"amount":"14.67",'
    b'"currency_code":"EUR"}},"discount_allocations":[{"amount":"4.36",'
    b'"amount_set":{"shop_money":{"amount":"4.36","currency_code":"USD"},"presentment_money":{"amount":"4.01",'
    b'"currency_code":"EUR"}}}],"tax_lines":[{"price":"6.96","rate":0.19,'
    b'"price_set":{"shop_money":{"amount":"6.96","currency_code":"USD"},"presentment_money":{"amount":"6.39",'
    b'"currency_code":"EUR"}}}]}],"shipping_lines":[{"price":"6.40","price_set":{"shop_money":{"amount":"6.40",'
    b'"currency_code":"USD"},"presentment_money":{"amount":"5.95","currency_code":"EUR"}},'
    b'"discount_allocations":[],"tax_lines":[{"price":"1.02","rate":0.19,'
    b'"price_set":{"shop_money":{"amount":"1.02","currency_code":"USD"},"presentment_money":{"amount":"0.95",'
    b'"currency_code":"EUR"}}}]}],"tax_lines":[],"note_attributes":[],"refunds":[]}'
)

# A Japanese shop, prices without tax, 10 % tax, two of 1000 JPY less a coupon of 200.
WOOCOMMERCE_ORDER = (
    b'{"id":1001,"order_key":"wc_order_Flow1001","status":"processing","currency":"JPY",'
    b'"prices_include_tax":false,"date_created_gmt":"2026-05-01T11:59:30",'
    b'"date_modified_gmt":"2026-05-01T11:59:40","date_paid_gmt":"2026-05-01T11:59:35","discount_total":"200",'
    b'"discount_tax":"20","shipping_total":"500","shipping_tax":"50","cart_tax":"180","total":"2530",'
    b'"total_tax":"230","customer_id":0,"billing":{"email":"aoi@example.com","phone":"+81 3 0000 0001",'
    b'"postcode":"100-0001","country":"JP"},"customer_ip_address":"203.0.113.9",'
    b'"customer_user_agent":"Invented/2.0","created_via":"checkout","meta_data":[{"id":1,'
    b'"key":"_axon_event_id","value":"click-w"},{"id":2,"key":"_axon_client_id","value":"browser-w"}],'
    b'"line_items":[{"id":1,"name":"Ame &amp; Kasa","product_id":41,"variation_id":0,"quantity":2,'
    b'"subtotal":"2000","subtotal_tax":"200","total":"1800","total_tax":"180","sku":"KASA","price":900}],'
    b'"shipping_lines":[{"id":2,"method_title":"Post","total":"500","total_tax":"50"}],"fee_lines":[],'
    b'"tax_lines":[],"refunds":[]}'
)

# printf '%s' "$body" | openssl dgst -sha256 -hmac 'shpss_4f8a1c0e9b7d2a63' -binary | base64
SHOPIFY_SIGNATURE = "bXEbrgslStSiOrB/GYSjSkLeCyeEqGL3UObW12kcpco="
# The same with 'Wq7Zx4Jk9Vb2Nm5Rt8Yp'.
WOOCOMMERCE_SIGNATURE = "GjjPCg0MyVus4iLag0MQRz3tNfRroiPum8am77ekL6s="

# By hand. EUR: 44.01 - 4.01 = 40.00 with 6.39 of tax, so the items are 33.61 and one is 11.203 (3 × 11.203 = 33.609);
# the discount of 4.01 is 3.37 without tax, 1.123 each; shipping 5.95 - 0.95 = 5.00; tax 6.39 + 0.95 = 7.34;
# 33.61 + 5.00 + 7.34 = 45.95. JPY: 1800 + 500 + 230 = 2530. The time is 11:59:30 UTC. SHA-256 by OpenSSL:
# of ada.muster@example.com, aoi@example.com and 81300000001.
SENT = (
    b'{"events":['
    b'{"name":"purchase","dedupe_id":"5839102749001","event_time":1777636770000,'
    b'"event_source_url":"https://shop.example/",'
    b'"user_data":{"esi":"web","client_ip_address":"203.0.113.8","client_user_agent":"Invented/1.0",'
    b'"email":"b38dfffd9a88ce1bd8c456530956c610356d8b193ebc4a2dcd9b43c64c327b90",'
    b'"user_id":"7300200100009","zip":"04109","country_code":"DE",'
    b'"aleid":"click-s","axwrt":"browser-s","client_id":"browser-s"},'
    b'"data":{"transaction_id":"5839102749001","currency":"EUR","value":33.61,"tax":7.34,"shipping":5.00,'
    b'"user_id":"7300200100009",'
    b'"items":[{"item_id":"7701","item_variant_id":"4120","item_name":"Fern pot","price":11.203,"quantity":3,'
    b'"discount":1.123,"item_brand":"Fernleaf"}]}},'
    b'{"name":"purchase","dedupe_id":"1001","event_time":1777636770000,'
    b'"event_source_url":"https://woo.example/checkout/order-received/1001/",'
    b'"user_data":{"esi":"web","client_ip_address":"203.0.113.9","client_user_agent":"Invented/2.0",'
    b'"email":"4a0888b681a3284f1512b2d18eec653ea51051f1d64ae5711a220246bec18e20",'
    b'"phone":"9ef621722bd9933a09a8a62fe5c81fe350dbaccbfaddb60ef4ed73ad727c8c6b",'
    b'"zip":"100-0001","country_code":"JP","aleid":"click-w","axwrt":"browser-w","client_id":"browser-w"},'
    b'"data":{"transaction_id":"1001","currency":"JPY","value":1800,"tax":230,"shipping":500,'
    b'"items":[{"item_id":"41","item_name":"Ame & Kasa","price":900,"quantity":2,"discount":100}]}}'
    b"]}"
)


class Recorder(ThreadingHTTPServer):
    """A Conversion API that keeps every request as it came, and accepts it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Recording)
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []


class Recording(BaseHTTPRequestHandler):
    """One request to the recorder."""

    server: Recorder

    def do_POST(self) -> None:
        """Keep the request and answer 200."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers["content-length"]))
        self.server.requests.append((self.command, self.path, headers, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Yield a running recorder."""
    with Recorder() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def parts(recorder: Recorder, engine: Engine, sealer: Sealer, clock: Any) -> Parts:
    """Return the parts of the service on each database, with both shops on."""
    environment = {
        "MAPPINGS_DIR": str(ROOT / "mappings"),
        "SHOPIFY_WEBHOOK_SECRET": "shpss_4f8a1c0e9b7d2a63",
        "SHOPIFY_SITE_URL": "https://shop.example",
        "WOOCOMMERCE_WEBHOOK_SECRET": "Wq7Zx4Jk9Vb2Nm5Rt8Yp",
        "WOOCOMMERCE_SITE_URL": "https://woo.example",
        "AXON_PIXEL_ID": "pixel-1",
        "AXON_API_KEY": "the-api-key-1",
        "AXON_API_URL": f"http://127.0.0.1:{recorder.server_port}/v1/event",
    }
    made = Parts(load_configuration(environment), clock)
    made.engine, made.sealer = engine, sealer
    return made


def test_the_story(parts: Parts, recorder: Recorder) -> None:
    """A click and two signed orders become one request with two exact events; what comes again sends nothing."""
    client = create_app(parts).test_client()
    worker = parts.worker()
    orders = [
        ("/webhooks/shopify", SHOPIFY_ORDER, {"X-Shopify-Hmac-Sha256": SHOPIFY_SIGNATURE}),
        ("/webhooks/woocommerce", WOOCOMMERCE_ORDER, {"X-WC-Webhook-Signature": WOOCOMMERCE_SIGNATURE}),
    ]

    def send_orders() -> list[str]:
        answers = [
            client.post(path, data=body, headers={"Content-Type": "application/json", **headers})
            for path, body, headers in orders
        ]
        assert [200, 200] == [answer.status_code for answer in answers]
        return [answer.json["change"] for answer in answers if answer.json]

    click = {"checkout_token": "checkout9001", "aleid": "click-s", "axwrt": "browser-s"}
    assert 204 == client.post("/clicks/shopify", json=click, headers={"Origin": "https://shop.example"}).status_code
    assert ["stored", "stored"] == send_orders()
    worker.drain()
    ((method, path, headers, body),) = recorder.requests
    assert ("POST", "/v1/event?pixel_id=pixel-1") == (method, path)
    assert ("the-api-key-1", "application/json") == (headers["authorization"], headers["content-type"])
    assert SENT == body
    assert ["delivered", "delivered"] == [row["state"] for row in parts.purchases.rows()]
    assert ["unchanged", "unchanged"] == send_orders()
    worker.drain()
    assert 1 == len(recorder.requests)


def test_a_click_that_comes_late(parts: Parts, recorder: Recorder, clock: Any) -> None:
    """An order without a click waits; the click wakes it, and it is sent with it at once."""
    client = create_app(parts).test_client()
    headers = {"Content-Type": "application/json", "X-Shopify-Hmac-Sha256": SHOPIFY_SIGNATURE}
    client.post("/webhooks/shopify", data=SHOPIFY_ORDER, headers=headers)
    parts.worker().drain()
    clock.advance(3)
    assert [] == recorder.requests
    click = {"checkout_token": "checkout9001", "aleid": "click-s"}
    client.post("/clicks/shopify", json=click, headers={"Origin": "https://shop.example"})
    parts.worker().drain()
    ((*_, body),) = recorder.requests
    assert b'"aleid":"click-s"' in body


def test_no_click_at_all(parts: Parts, recorder: Recorder, clock: Any) -> None:
    """After twenty seconds the order is sent without one."""
    headers = {"Content-Type": "application/json", "X-Shopify-Hmac-Sha256": SHOPIFY_SIGNATURE}
    create_app(parts).test_client().post("/webhooks/shopify", data=SHOPIFY_ORDER, headers=headers)
    parts.worker().drain()
    clock.advance(19.5)
    parts.worker().drain()
    assert [] == recorder.requests
    clock.advance(0.5)
    parts.worker().drain()
    ((*_, body),) = recorder.requests
    assert b'"dedupe_id":"5839102749001"' in body
    assert b"aleid" not in body
