"""The whole way: from an ad's address through the shop and its signed webhook to the event that Axon receives."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fakeshops.waiting import wait_until
from fakeshops.woocommerce import new_order

pytestmark = [pytest.mark.processes, pytest.mark.debian]

SAMPLES = Path(__file__).parents[1] / "samples"
SECRET = b"shpss_4f8a1c0e9b7d2a63"
BROWSER = "document.cookie = '_axwrt=0b1c2d3e-browser; path=/; secure'"  # As the pixel does.


def send(service: Any, shop: str, header: str, order: dict[str, Any]) -> None:
    """Send the order as the platform does, signed, to the service's own address."""
    body = json.dumps(order).encode()
    signature = base64.b64encode(hmac.new(SECRET, body, hashlib.sha256).digest()).decode()
    headers = {"Content-Type": "application/json", header: signature}
    status, answer = service.hosts.post("adapter.shop.example", f"/webhooks/{shop}", body, headers)
    assert (200, "stored") == (status, json.loads(answer)["change"])


def ids(event: dict[str, Any]) -> dict[str, Any]:
    """Return what ties an event to its click, and its dedupe_id."""
    user = event["user_data"]
    return {"dedupe_id": event["dedupe_id"], **{name: user.get(name) for name in ("aleid", "axwrt", "client_id")}}


def sample(name: str, **changes: Any) -> dict[str, Any]:
    """Return a sample order that was placed just now."""
    order: dict[str, Any] = json.loads((SAMPLES / name).read_text())
    return {**order, **changes}


def shopify_order(placed: dict[str, Any]) -> dict[str, Any]:
    """Return the whole order that the fake shop has placed."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    stamps = dict.fromkeys(("created_at", "processed_at", "updated_at"), now)
    return sample("shopify/web_discounts_usd.json", **stamps, landing_site="/", **placed)


def own_id(page: Any, shop: str) -> str:
    """Return the client_id that the script has made."""
    return next(cookie["value"] for cookie in page.context.cookies(shop) if cookie["name"] == "order_adapter_id")


@pytest.mark.parametrize("way", ["cart", "buy now"])
def test_shopify(page: Any, make_shopify: Any, way: str) -> None:
    """Ad, pages, cart or a checkout without one, webhook: the event carries aleid, axwrt and client_id."""
    service, shop = make_shopify()
    page.goto("https://www.shop.example/?aleid=click-1")
    page.evaluate(BROWSER)
    page.goto("https://www.shop.example/products/fern")
    if way == "cart":
        page.evaluate("addToCart()")
        wait_until(lambda: any(len(cart.attributes) == 3 for cart in shop.carts.values()), page)
    own = own_id(page, "https://www.shop.example")
    page.goto("https://www.shop.example/checkout")
    placed = shop.orders[-1]
    token = placed["checkout_token"]
    wait_until(lambda: service.stored("my-shopify", "checkout_token", token), page)
    if way == "buy now":
        placed["note_attributes"] = []
    send(service, "my-shopify", "X-Shopify-Hmac-Sha256", shopify_order(placed))
    (event,) = service.deliver()
    expected = {"aleid": "click-1", "axwrt": "0b1c2d3e-browser", "client_id": own}
    assert {"dedupe_id": str(placed["id"]), **expected} == ids(event)


def test_a_refusal_at_shopify(page: Any, make_shopify: Any) -> None:
    """An order whose buyer refused is never sent, though the mapping doesn't require consent."""
    service, shop = make_shopify(has_consent_api=True)
    page.goto("https://www.shop.example/?aleid=click-1")
    page.evaluate("addToCart()")
    page.evaluate("answerBanner(false)")
    wait_until(lambda: shop.updates, page)
    page.goto("https://www.shop.example/checkout")
    send(service, "my-shopify", "X-Shopify-Hmac-Sha256", shopify_order(shop.orders[-1]))
    assert [] == service.deliver()
    (row,) = service.parts.purchases.rows()
    assert ("skipped", True) == (row["state"], "denied" in row["reason"])


def woocommerce_order(stored: dict[str, Any]) -> dict[str, Any]:
    """Return the whole order that the fake shop has stored."""
    now = datetime.now(UTC).isoformat(timespec="seconds").removesuffix("+00:00")
    stamps = {f"date_{what}{zone}": now for what in ("created", "modified", "paid") for zone in ("", "_gmt")}
    meta = [{"id": number, "key": key, "value": text} for number, (key, text) in enumerate(stored["meta"].items())]
    keys = {"id": stored["id"], "order_key": stored["order_key"], "meta_data": meta}
    return sample("woocommerce/tax-included.json", **stamps, **keys)


@pytest.mark.parametrize("way", ["order meta", "order key"])
def test_woocommerce(page: Any, make_woocommerce: Any, way: str) -> None:
    """Ad, checkout, the page after it, webhook: pixel and event carry one dedupe_id, and the event all identifiers."""
    service, shop = make_woocommerce("[event]\ndedupe_id = \"join('-', ['woo', to_string(order.id)])\"\n")
    page.goto("https://www.woo.example/?aleid=click-1")
    page.evaluate(BROWSER)
    body = json.dumps({"order": new_order(1001), "checkout": "block"})
    page.evaluate("body => fetch('/checkout/', {method: 'POST', body}).then(answer => answer.text())", body)
    own = own_id(page, "https://www.woo.example")
    page.goto("https://www.woo.example/checkout/order-received/1001/?key=wc_order_k1001")
    wait_until(lambda: service.stored("my-woocommerce", "order_key", "wc_order_k1001"), page)
    stored = shop.order(1001)
    if way == "order key":
        stored["meta"] = {}
    send(service, "my-woocommerce", "X-WC-Webhook-Signature", woocommerce_order(stored))
    (event,) = service.deliver()
    expected = {"aleid": "click-1", "axwrt": "0b1c2d3e-browser", "client_id": own}
    assert {"dedupe_id": "woo-1001", **expected} == ids(event)
    ((*_, options),) = page.evaluate("JSON.parse(localStorage.getItem('axonCalls'))")
    assert {"dedupe_id": "woo-1001"} == options
