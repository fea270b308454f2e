"""What is played for Shopify. The expectations are worked out by hand from the amounts beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from adapter.operations.demo.buyers import JONAS, MARA, NOOR, YUI
from adapter.operations.demo.orders_shopify import PLACED_SECONDS_AGO, Line, Shipping, ShopifyOrder, Totals
from adapter.operations.demo.story import Click, Delivery, Expected, Story, delivered

SHOP = "shopify-demo"
_ORIGIN = "https://shopify-demo.example"
_NO_SHIPPING = Shipping(price="0.00", paid="0.00", tax="0.00")
_CANNED_ID = 820982911946154508
"""The order that Settings › Notifications › Webhooks › Send test notification always sends."""


def _axon_attributes(number: int) -> tuple[tuple[str, str], ...]:
    """Return what AppLovin's own storefront script writes into the cart."""
    return ("_axon_event_id", f"ax-event-{number}"), ("_axon_client_id", f"ax-visitor-{number}")


# 10 % off the whole order: 80.00 − 8.00 = 72.00 and 37.50 − 3.75 = 33.75, together 105.75; 8 % tax on that is 8.46.
_DISCOUNTS = ShopifyOrder(
    number=1001,
    currencies=("USD", "USD"),
    lines=(
        Line(title="Copper kettle", product_id=101, quantity=2, price="40.00", tax="5.76", discounts=("8.00",)),
        Line(title="Tea tin", product_id=102, quantity=3, price="12.50", tax="2.70", discounts=("3.75",)),
    ),
    shipping=Shipping(price="6.00", paid="6.00", tax="0.00"),
    totals=Totals(listed="117.50", discounts="11.75", subtotal="105.75", tax="8.46", total="120.21"),
    discount_code="TEN",
    attributes=_axon_attributes(1001),
)
# 19 % inside: 119.00 − 19.00 = 100.00, 23.80 − 3.80 = 20.00, shipping 5.95 − 0.95 = 5.00.
_TAX_INCLUDED = ShopifyOrder(
    number=1002,
    currencies=("EUR", "EUR"),
    lines=(
        Line(title="Reading lamp", product_id=103, quantity=1, price="119.00", tax="19.00"),
        Line(title="Light bulb", product_id=104, quantity=4, price="5.95", tax="3.80"),
    ),
    shipping=Shipping(price="5.95", paid="5.95", tax="0.95"),
    totals=Totals(listed="142.80", discounts="0.00", subtotal="142.80", tax="23.75", total="148.75"),
    tax_included=True,
    buyer=JONAS,
)
# 10 % inside: 6600 − 600 = 6000, shipping 550 − 50 = 500.
_YEN = ShopifyOrder(
    number=1003,
    currencies=("JPY", "JPY"),
    lines=(Line(title="Tenugui", product_id=105, quantity=2, price="3300", tax="600"),),
    shipping=Shipping(price="550", paid="550", tax="50"),
    totals=Totals(listed="6600", discounts="0", subtotal="6600", tax="650", total="7150"),
    tax_included=True,
    buyer=YUI,
    landing_site="/products/tenugui?utm_source=applovin&aleid=ax-event-1003",
)
# 3 × 4.125 = 12.375: the dinar has a thousand fils.
_DINAR = ShopifyOrder(
    number=1004,
    currencies=("KWD", "KWD"),
    lines=(Line(title="Coffee pot", product_id=106, quantity=3, price="4.125", tax="0.000"),),
    shipping=Shipping(price="1.500", paid="1.500", tax="0.000"),
    totals=Totals(listed="12.375", discounts="0.000", subtotal="12.375", tax="0.000", total="13.875"),
    buyer=NOOR,
)
_TWO_CURRENCIES = ShopifyOrder(
    number=1005,
    currencies=("AUD", "USD"),
    lines=(Line(title="Wool rug", product_id=107, quantity=1, price=("200.00", "130.00"), tax=("20.00", "13.00")),),
    shipping=Shipping(price=("15.00", "9.75"), paid=("15.00", "9.75"), tax=("0.00", "0.00")),
    totals=Totals(
        listed=("200.00", "130.00"),
        discounts=("0.00", "0.00"),
        subtotal=("200.00", "130.00"),
        tax=("20.00", "13.00"),
        total=("235.00", "152.75"),
    ),
    attributes=_axon_attributes(1005),
)
_FREE_SHIPPING = ShopifyOrder(
    number=1006,
    currencies=("GBP", "GBP"),
    lines=(Line(title="Notebook", product_id=108, quantity=2, price="15.00", tax="6.00"),),
    shipping=Shipping(price="9.00", paid="0.00", tax="0.00", discounts=("9.00",)),
    totals=Totals(listed="30.00", discounts="9.00", subtotal="30.00", tax="6.00", total="36.00"),
    discount_code="FREESHIP",
    buyer=MARA,
)
# 20 % inside: 48.00 − 8.00 = 40.00, shipping 6.00 − 1.00 = 5.00.
_TWICE = ShopifyOrder(
    number=1007,
    currencies=("GBP", "GBP"),
    lines=(Line(title="Teapot", product_id=109, quantity=1, price="48.00", tax="8.00"),),
    shipping=Shipping(price="6.00", paid="6.00", tax="1.00"),
    totals=Totals(listed="48.00", discounts="0.00", subtotal="48.00", tax="9.00", total="54.00"),
    tax_included=True,
    buyer=MARA,
    attributes=_axon_attributes(1007),
)
_PAID_LATER = ShopifyOrder(
    number=1008,
    currencies=("EUR", "EUR"),
    lines=(Line(title="Stool", product_id=110, quantity=1, price="90.00", tax="17.10"),),
    shipping=Shipping(price="4.90", paid="4.90", tax="0.93"),
    totals=Totals(listed="90.00", discounts="0.00", subtotal="90.00", tax="18.03", total="112.93"),
    buyer=JONAS,
    attributes=_axon_attributes(1008),
)
_PLAIN = ShopifyOrder(
    number=1009,
    currencies=("USD", "USD"),
    lines=(Line(title="Postcard", product_id=111, quantity=1, price="20.00", tax="0.00"),),
    shipping=_NO_SHIPPING,
    totals=Totals(listed="20.00", discounts="0.00", subtotal="20.00", tax="0.00", total="20.00"),
)


class _Canned:
    """Shopify's test notification: an order of the last day of 2021, cancelled, with an id that never varies."""

    def document(self, now: datetime) -> Mapping[str, Any]:
        order = replace(_PLAIN, number=9999, status="voided", cancelled=True, test=True).document(now)
        at = "2021-12-31T19:00:00-05:00"
        stamps = dict.fromkeys(("created_at", "processed_at", "updated_at", "cancelled_at"), at)
        return {**order, **stamps, "id": _CANNED_ID, "client_details": None, "browser_ip": None}


def _story(name: str, order: ShopifyOrder, expected: Expected, click: Click | None = None) -> Story:
    created = Delivery(topic="orders/create", body=order, answer="200 stored")
    return Story(shop=SHOP, order_id=order.id, name=name, deliveries=(created,), expected=expected, click=click)


def _paid_later() -> Story:
    pending = replace(_PAID_LATER, status="pending", updated_seconds_ago=PLACED_SECONDS_AGO)
    expected = delivered("90.00", "18.03", "4.90", "EUR", _visitor(1008), "email phone user_id ip")
    return replace(
        _story("#1008 unpaid, paid later", pending, expected),
        between="skipped: unpaid",
        later=(Delivery(topic="orders/paid", body=_PAID_LATER, answer="200 refreshed"),),
    )


def _twice() -> Story:
    expected = delivered("40.00", "9.00", "5.00", "GBP", _visitor(1007), "email user_id ip")
    again = [Delivery(topic=topic, body=_TWICE, answer="200 unchanged") for topic in ("orders/paid", "orders/create")]
    story = _story("#1007 three deliveries of one order", _TWICE, expected)
    return replace(story, deliveries=(*story.deliveries, *again))


def _visitor(number: int) -> dict[str, str]:
    """Return the identifiers that come from an event id and a client id."""
    visitor = f"ax-visitor-{number}"
    return {"aleid": f"ax-event-{number}", "axwrt": visitor, "client_id": visitor}


def _sold() -> tuple[Story, ...]:
    # The custom pixel runs in a sandboxed frame, whose origin is null.
    pixel = {"checkout_token": _TAX_INCLUDED.checkout_token, "aleid": "ax-event-1002", "alart": "ax-alart-1002"}
    cart = {"cart_token": f"{_DINAR.cart_token}?key=invented", "aleid": "ax-event-1004", "axwrt": "ax-visitor-1004"}
    full = "email phone user_id ip"
    return (
        _story(
            "#1001 discounts on two lines",
            _DISCOUNTS,
            delivered("105.75", "8.46", "6.00", "USD", _visitor(1001), full),
        ),
        _story(
            "#1002 tax included; click by the pixel",
            _TAX_INCLUDED,
            delivered("120.00", "23.75", "5.00", "EUR", {"aleid": "ax-event-1002", "alart": "ax-alart-1002"}, full),
            Click(posted=pixel, origin="null"),
        ),
        _story(
            "#1003 yen; click in the landing page",
            _YEN,
            delivered("6000", "650", "500", "JPY", {"aleid": "ax-event-1003"}, full),
        ),
        _story(
            "#1004 dinar; click by the cart",
            _DINAR,
            delivered("12.375", "0", "1.5", "KWD", _visitor(1004), full),
            Click(posted=cart, origin=_ORIGIN),
        ),
        _story(
            "#1005 shop in AUD, shown in USD",
            _TWO_CURRENCIES,
            delivered("130.00", "13.00", "9.75", "USD", _visitor(1005), full),
        ),
        _story(
            "#1006 free shipping; no click, waits 2 s",
            _FREE_SHIPPING,
            delivered("30.00", "6.00", "0.00", "GBP", {}, "email user_id ip"),
        ),
        _twice(),
        _paid_later(),
    )


def _not_sold() -> tuple[Story, ...]:
    cancelled = replace(_PLAIN, number=1010, status="voided", cancelled=True)
    forged = replace(_PLAIN, number=1011)
    return (
        _story("#1009 paid with a test card", replace(_PLAIN, test=True), Expected(happened="skipped: test")),
        _story("#1010 cancelled", cancelled, Expected(happened="skipped: cancelled")),
        Story(
            shop=SHOP,
            order_id=forged.id,
            name="#1011 forged signature",
            deliveries=(Delivery(topic="orders/create", body=forged, answer="401", forged=True),),
            expected=Expected(happened="401, nothing stored"),
        ),
        Story(
            shop=SHOP,
            order_id=str(_CANNED_ID),
            name="test notification",
            deliveries=(Delivery(topic="orders/create", body=_Canned(), answer="200 stored"),),
            expected=Expected(happened="skipped: test notification"),
        ),
    )


def stories() -> tuple[Story, ...]:
    """Return the stories of the Shopify shop, in the order in which they are played."""
    return (*_sold(), *_not_sold())
