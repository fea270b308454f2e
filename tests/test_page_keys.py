"""The keys to a buyer's order that stand in addresses: never sent, never stored or logged in clear, however mapped."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from structlog.testing import capture_logs

from adapter.app import create_app
from adapter.axon.outcome import Outcome, verdict_of
from adapter.delivery.worker import Worker
from adapter.storage.sealing import Sealer
from adapter.storage.tables import purchases
from adapter.wiring import Parts, load_configuration

SECRET = "s3cretOf24LettersOrMore0"
KEYS = ("c9c6f0d4a1b2c3d4e5f60718293a4b5c", "3b1a0c9f7d2e4a68", "wc_order_Inv3ntedKeyQx", "hWN1tokenOfACheckout")
HEX, KEY, ORDER_KEY, CHECKOUT = KEYS
SHOPIFY: dict[str, Any] = {
    "id": 5839102749001,
    "token": HEX,
    "checkout_token": CHECKOUT,
    "financial_status": "paid",
    "created_at": "2026-05-01T11:59:00Z",
    "updated_at": "2026-05-01T11:59:00Z",
    "currency": "EUR",
    "subtotal_price": "10.00",
    "total_price": "10.00",
    "source_name": "web",
    "browser_ip": "203.0.113.9",
    "client_details": {"user_agent": "Invented/1.0"},
    "email": "ada@example.com",
    "order_status_url": f"https://shop.example/591/orders/{HEX}/authenticate?key={KEY}",
    "landing_site": f"/checkouts/cn/{CHECKOUT}?key={KEY}&aleid=click-1",
    "line_items": [{"id": 1, "product_id": 7, "title": "Mug", "quantity": 1, "price": "10.00"}],
}
WOOCOMMERCE: dict[str, Any] = {
    "id": 1001,
    "order_key": ORDER_KEY,
    "status": "processing",
    "created_via": "checkout",
    "currency": "EUR",
    "date_created_gmt": "2026-05-01T11:59:00",
    "date_modified_gmt": "2026-05-01T11:59:00",
    "total": "10.00",
    "billing": {"email": "ada@example.com", "country": "DE"},
    "customer_ip_address": "203.0.113.9",
    "customer_user_agent": "Invented/1.0",
    "payment_url": f"https://shop.example/checkout/order-pay/1001/?pay_for_order=true&key={ORDER_KEY}",
    "meta_data": [{"key": "_axon_event_id", "value": "click-1"}],
    "line_items": [{"id": 1, "product_id": 7, "name": "Mug", "quantity": 1, "total": "10.00"}],
}
ORDERS = {"shopify": SHOPIFY, "woocommerce": WOOCOMMERCE}
SIGNATURES = {"shopify": "X-Shopify-Hmac-Sha256", "woocommerce": "X-WC-Webhook-Signature"}


class Echo:
    """A Conversion API that takes everything, or refuses everything and repeats it in its answer."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.came = ""

    def send(self, _url: str, _pixel: str, _key: str, events: Sequence[bytes], _envelope: str = "events") -> Outcome:
        """Answer a batch."""
        self.came = b",".join(events).decode()
        said = "" if self.status == 200 else self.came
        return Outcome(verdict=verdict_of(self.status), status=self.status, body_start=said, error_message=said)


@pytest.fixture
def parts(platform: str, expression: str, sqlite_engine: Engine, sealer: Sealer, clock: Any, tmp_path: Path) -> Parts:
    """Return the service with one shop, whose mapping takes the page's address from that expression."""
    (tmp_path / "acme.toml").write_text(
        f'extends = "{platform}"\nwebhook_secret = "{SECRET}"\nsite_url = "https://shop.example"\n'
        f'[axon]\npixel_id = "p"\napi_key = "k"\n[event]\nevent_source_url = "{expression}"\n'
        '[storefront]\norigins = ["https://shop.example"]\n'
    )
    made = Parts(
        load_configuration({"MAPPINGS_DIR": str(tmp_path), "SECRET_KEY": "a secret that only tests know"}), clock
    )
    made.engine, made.sealer = sqlite_engine, sealer
    return made


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    ("platform", "expression"),
    [
        ("shopify", "purchase.source_url"),
        ("shopify", "order.order_status_url"),
        ("shopify", "order.landing_site"),
        ("shopify", "join('', ['https://shop.example', order.landing_site])"),
        ("shopify", "join('', ['https://[', order.landing_site])"),
        ("shopify", "order.order_status_url || sum(order)"),
        ("shopify", "stored.page_url"),
        ("woocommerce", "order.payment_url"),
        ("woocommerce", "stored.page_url"),
        ("woocommerce", "join('/', [shop.site_url, order.order_key])"),
    ],
)
def test_no_key_leaves_and_none_lies_open(parts: Parts, platform: str, status: int) -> None:
    """Neither the request, nor a log line, nor an answer of ours, nor a column in clear holds one of the keys."""
    with capture_logs() as logs:
        answers = _come_in(parts, platform)
        api = Echo(status)
        _worker(parts, api).drain()
    (row,) = _rows(parts)
    clear = {name: value for name, value in row.items() if name not in ("body", "event")}
    assert row["state"] in ("delivered", "pending", "quarantined")
    assert (status == 200 and row["state"] == "delivered") or row["answer"] or row["reason"]
    for key in KEYS:
        assert key not in api.came
        assert key not in repr(clear)
        assert key not in repr(logs)
        assert key not in answers


def _come_in(parts: Parts, platform: str) -> str:
    """Post a click with a page that carries keys, then the order; return what was answered."""
    client = create_app(parts).test_client()
    page = f"https://shop.example/checkouts/cn/{CHECKOUT}/thank-you?key={ORDER_KEY}"
    key = {"checkout_token": CHECKOUT} if platform == "shopify" else {"order_key": ORDER_KEY}
    click = {**key, "aleid": "click-1", "page_url": page}
    clicked = client.post("/clicks/acme", json=click, headers={"Origin": "https://shop.example"})
    body = json.dumps(ORDERS[platform]).encode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
    headers = {"Content-Type": "application/json", SIGNATURES[platform]: signature}
    taken = client.post("/webhooks/acme", data=body, headers=headers)
    assert (204, 200) == (clicked.status_code, taken.status_code)
    return taken.text


def _worker(parts: Parts, api: Echo) -> Worker:
    return Worker(
        shops=parts.shops,
        purchases=parts.purchases,
        clicks=parts.clicks,
        destinations=parts.destinations,
        client=api,
        lease=timedelta(seconds=60),
        clock=parts.clock,
    )


def _rows(parts: Parts) -> list[dict[str, Any]]:
    with parts.engine.connect() as connection:
        return [dict(row) for row in connection.execute(select(purchases)).mappings()]


@pytest.mark.parametrize(("platform", "expression"), [("shopify", "order.order_status_url")])
def test_what_lies_on_the_disk_is_sealed(parts: Parts, platform: str, tmp_path: Path) -> None:
    """No key can be read from the files of the database, neither before nor after the delivery."""
    _come_in(parts, platform)
    _worker(parts, Echo(200)).drain()
    files = b"".join(path.read_bytes() for path in tmp_path.glob("adapter.db*"))
    assert not [key for key in KEYS if key.encode() in files]
    assert not [text for text in (b"ada@example.com", b"203.0.113.9", b"Invented/1.0") if text in files]
