"""The demo's stories: what is sent, and beside it, written by hand, what must come of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from adapter.operations.demo import shopify_orders as shopify
from adapter.operations.demo import woocommerce_orders as woocommerce
from adapter.operations.demo.shopify_orders import CANNED_TEST_ID, ShopifyOrder, checkout_token
from adapter.operations.demo.woocommerce_orders import WooCommerceOrder, order_key

SHOPIFY, WOOCOMMERCE = "shopify-demo", "woocommerce-demo"

_ALWAYS = ("email", "phone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One webhook to send: its topic, its body, whether it is signed rightly, and the status it must be answered."""

    topic: str
    body: bytes
    signature: str = "right"
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What must come of a story: "delivered", "skipped: …", "refused" or "nothing", and the event's amounts."""

    what: str
    value: str = ""
    tax: str = ""
    shipping: str = ""
    currency: str = ""
    identifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One order's story. `later` is sent once what came of `first` shows as `in_between` in the ledger."""

    title: str
    shop: str
    order_id: str
    first: tuple[Webhook, ...]
    expected: Expected
    later: tuple[Webhook, ...] = ()
    in_between: str = ""
    click: dict[str, str] | None = None


def stories(now: datetime) -> list[Story]:
    """Return every story, with orders that were placed a few seconds before `now`."""
    return [*_shopify_stories(now), *_woocommerce_stories(now)]


def _delivered(value: str, tax: str, shipping: str, currency: str, *identifiers: str) -> Expected:
    return Expected(
        what="delivered",
        value=value,
        tax=tax,
        shipping=shipping,
        currency=currency,
        identifiers=(*identifiers, *_ALWAYS),
    )


def _shopify_stories(now: datetime) -> list[Story]:
    discounts = ShopifyOrder(
        id=5901000000001,
        lines=[
            shopify.Line(product=77001, title="Fern pot", price="25.00", quantity=2, discount="5.00", tax="3.60"),
            shopify.Line(product=77002, title="Moss lamp", price="40.00", discount="4.00", tax="2.88"),
        ],
        subtotal="81.00",
        tax="6.48",
        shipping="7.50",
        total="94.98",
        attributes=[("_axon_event_id", "demo-click-1"), ("_axon_client_id", "demo-browser-1")],
    )
    tax_included = ShopifyOrder(
        id=5901000000002,
        lines=[shopify.Line(product=77003, title="Reading chair", price="59.50", quantity=2, tax="19.00")],
        subtotal="119.00",
        tax="19.95",
        shipping="5.95",
        shipping_tax="0.95",
        total="124.95",
        currency="EUR",
        taxes_included=True,
        attributes=[("_axon_event_id", "demo-click-2")],
        country="DE",
    )
    yen = ShopifyOrder(
        id=5901000000003,
        lines=[shopify.Line(product=77004, title="Tea set", price="19800", tax="1800")],
        subtotal="19800",
        tax="1800",
        total="19800",
        currency="JPY",
        taxes_included=True,
        country="JP",
    )
    two_currencies = ShopifyOrder(
        id=5901000000004,
        lines=[
            shopify.Line(product=77005, title="Beach towel", price=("80.00", "52.00"), tax=("8.00", "5.20")),
        ],
        subtotal=("80.00", "52.00"),
        tax=("8.00", "5.20"),
        shipping=("12.00", "7.80"),
        total=("100.00", "65.00"),
        currency="AUD",
        shown="USD",
        attributes=[("_axon_client_id", "demo-browser-4")],
    )
    free_shipping = ShopifyOrder(
        id=5901000000005,
        lines=[shopify.Line(product=77006, title="Candle", price="10.00", quantity=3)],
        subtotal="30.00",
        shipping="4.00",
        shipping_discount="4.00",
        total="30.00",
        currency="GBP",
        country="GB",
    )
    paid_later = ShopifyOrder(
        id=5901000000006,
        lines=[shopify.Line(product=77007, title="Poster", price="20.00")],
        subtotal="20.00",
        total="20.00",
        attributes=[("_axon_event_id", "demo-click-6")],
    )
    ordinary = replace(paid_later, id=5901000000007)
    canned = replace(paid_later, id=CANNED_TEST_ID, test=True, extra={"confirmed": False})
    return [
        _shopify("a discount over two lines", discounts, now, ["orders/paid"]).expecting(
            _delivered("81.00", "6.48", "7.50", "USD", "aleid", "axwrt", "client_id")
        ),
        _shopify("tax included, delivered twice", tax_included, now, ["orders/create", "orders/paid"]).expecting(
            _delivered("100.00", "19.95", "5.00", "EUR", "aleid")
        ),
        _shopify("yen have no decimals", yen, now, ["orders/paid"]).expecting(_delivered("18000", "1800", "0", "JPY")),
        _shopify("the shop's AUD, shown in USD", two_currencies, now, ["orders/paid"]).expecting(
            _delivered("52.00", "5.20", "7.80", "USD", "axwrt", "client_id")
        ),
        _shopify("free shipping; the pixel's click", free_shipping, now, ["orders/paid"])
        .clicking({"checkout_token": checkout_token(free_shipping.id), "aleid": "demo-click-5"})
        .expecting(_delivered("30.00", "0.00", "0.00", "GBP", "aleid")),
        _shopify("unpaid, and paid later", replace(paid_later, financial_status="pending"), now, ["orders/create"])
        .then("skipped", _shopify("", paid_later, now + timedelta(seconds=1), ["orders/paid"]))
        .expecting(_delivered("20.00", "0.00", "0", "USD", "aleid")),
        _shopify("a test order", replace(ordinary, test=True), now, ["orders/paid"]).expecting(
            Expected(what="skipped: test")
        ),
        _shopify("a forged signature", replace(ordinary, id=5901000000008), now, ["orders/paid"], "forged").expecting(
            Expected(what="refused")
        ),
        _shopify("the test notification", canned, now, ["orders/create"]).expecting(
            Expected(what="skipped: test notification")
        ),
    ]


def _woocommerce_stories(now: datetime) -> list[Story]:
    coupons = WooCommerceOrder(
        id=1001,
        lines=[
            woocommerce.Line(product=41, name="Shirt", quantity=3, subtotal="60.00", total="54.00", total_tax="10.80"),
            woocommerce.Line(
                product=42, name="Cap &amp; Badge", quantity=1, subtotal="15.00", total="15.00", total_tax="3.00"
            ),
        ],
        shipping="5.00",
        shipping_tax="1.00",
        total_tax="14.80",
        total="88.80",
        currency="GBP",
        country="GB",
        attributes=[("_axon_event_id", "demo-click-11"), ("_axon_client_id", "demo-browser-11")],
    )
    on_delivery = WooCommerceOrder(
        id=1002,
        lines=[
            woocommerce.Line(product=43, name="Mug", quantity=2, subtotal="20.00", total="20.00", total_tax="3.80")
        ],
        shipping="5.00",
        shipping_tax="0.95",
        total_tax="4.75",
        total="29.75",
        prices_include_tax=True,
        paid=False,
    )
    dinars = WooCommerceOrder(
        id=1003,
        lines=[
            woocommerce.Line(product=44, name="Oud", quantity=1, subtotal="12.345", total="12.345", total_tax="0.000")
        ],
        shipping="1.500",
        shipping_tax="0.000",
        total_tax="0.000",
        total="13.845",
        currency="KWD",
        country="KW",
    )
    twice = WooCommerceOrder(
        id=1004,
        lines=[woocommerce.Line(product=45, name="Bag", quantity=1, subtotal="40.00", total="40.00")],
        total_tax="0.00",
        total="40.00",
        attributes=[("_axon_event_id", "demo-click-14")],
    )
    yen = WooCommerceOrder(
        id=1005,
        lines=[woocommerce.Line(product=46, name="Cup", quantity=2, subtotal="3000", total="3000", total_tax="300")],
        shipping="0",
        shipping_tax="0",
        total_tax="300",
        total="3300",
        currency="JPY",
        country="JP",
    )
    transfer = replace(twice, id=1006, attributes=[("_axon_client_id", "demo-browser-16")])
    return [
        _woocommerce("coupons, tax on top", coupons, now, ["order.created"]).expecting(
            _delivered("69.00", "14.80", "5.00", "GBP", "aleid", "axwrt", "client_id")
        ),
        _woocommerce("cash on delivery; the page's click", on_delivery, now, ["order.created"])
        .clicking({"order_key": order_key(1002), "aleid": "demo-click-12", "axwrt": "demo-browser-12"})
        .expecting(_delivered("20.00", "4.75", "5.00", "EUR", "aleid", "axwrt", "client_id")),
        _woocommerce("dinars have three decimals", dinars, now, ["order.created"]).expecting(
            _delivered("12.345", "0.000", "1.500", "KWD")
        ),
        _woocommerce("created and updated at once", twice, now, ["order.updated", "order.created"]).expecting(
            _delivered("40.00", "0.00", "0.00", "EUR", "aleid")
        ),
        _woocommerce("yen, free shipping", yen, now, ["order.created"]).expecting(
            _delivered("3000", "300", "0", "JPY")
        ),
        _woocommerce("a transfer, paid later", replace(transfer, status="on-hold", paid=False), now, ["order.created"])
        .then("skipped", _woocommerce("", transfer, now + timedelta(seconds=1), ["order.updated"]))
        .expecting(_delivered("40.00", "0.00", "0.00", "EUR", "axwrt", "client_id")),
        _woocommerce("cancelled", replace(twice, id=1007, status="cancelled"), now, ["order.updated"]).expecting(
            Expected(what="skipped: cancelled")
        ),
        _woocommerce("a forged signature", replace(twice, id=1008), now, ["order.created"], "forged").expecting(
            Expected(what="refused")
        ),
        Story(
            title="the unsigned ping",
            shop=WOOCOMMERCE,
            order_id="–",
            first=(Webhook(topic="ping", body=b"webhook_id=7", signature="none"),),
            expected=Expected(what="nothing"),
        ),
    ]


@dataclass(frozen=True, slots=True)
class _Draft:
    """A story before its ending is written."""

    story: Story

    def expecting(self, expected: Expected) -> Story:
        return replace(self.story, expected=expected)

    def clicking(self, click: dict[str, str]) -> _Draft:
        return _Draft(replace(self.story, click=click))

    def then(self, in_between: str, later: _Draft) -> _Draft:
        return _Draft(replace(self.story, in_between=in_between, later=later.story.first))


def _shopify(
    title: str, order: ShopifyOrder, now: datetime, topics: Sequence[str], signature: str = "right"
) -> _Draft:
    body = order.body(now - timedelta(seconds=5), now)
    return _draft(title, SHOPIFY, order.id, body, topics, signature)


def _woocommerce(
    title: str, order: WooCommerceOrder, now: datetime, topics: Sequence[str], signature: str = "right"
) -> _Draft:
    body = order.body(now - timedelta(seconds=5), now)
    return _draft(title, WOOCOMMERCE, order.id, body, topics, signature)


def _draft(
    title: str, shop: str, order_id: int, body: dict[str, Any], topics: Sequence[str], signature: str
) -> _Draft:
    encoded = json.dumps(body).encode()
    status = 200 if signature == "right" else 401
    webhooks = tuple(Webhook(topic=topic, body=encoded, signature=signature, status=status) for topic in topics)
    nothing = Expected(what="nothing")
    return _Draft(Story(title=title, shop=shop, order_id=str(order_id), first=webhooks, expected=nothing))
