"""What is played for WooCommerce. The expectations are worked out by hand from the amounts beside them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from adapter.operations.demo.buyers import ADA, JONAS, MARA, NOOR, YUI
from adapter.operations.demo.orders_woocommerce import PLACED_SECONDS_AGO, Coupon, Line, Totals, WooCommerceOrder
from adapter.operations.demo.story import Click, Delivery, Expected, Form, Story, delivered

SHOP = "woocommerce-demo"
_ORIGIN = "https://woocommerce-demo.example"


def _axon_meta(number: int) -> tuple[tuple[str, str], ...]:
    """Return what the adapter's WooCommerce plugin writes into the order."""
    return ("_axon_event_id", f"ax-event-{number}"), ("_axon_client_id", f"ax-visitor-{number}")


# 10 % off leaves 108.00 and 18.00, 7.00 off both together 102.00 and 17.00. 20 % tax: 20.40, 3.40, shipping 1.00.
_COUPONS = WooCommerceOrder(
    number=7001,
    currency="GBP",
    lines=(
        Line(
            name="Shirt",
            product_id=201,
            quantity=4,
            price=Decimal("25.5"),
            subtotal="120.00",
            total="102.00",
            tax="20.40",
        ),
        Line(name="Cap", product_id=202, quantity=1, price=Decimal(17), subtotal="20.00", total="17.00", tax="3.40"),
    ),
    totals=Totals(shipping="5.00", shipping_tax="1.00", tax="24.80", total="148.80", discount="21.00"),
    coupons=(
        Coupon(code="ten", discount="14", kind="percent"),
        Coupon(code="seven", discount="7", kind="fixed_cart"),
    ),
    buyer=MARA,
)
# 59.50 a piece with 19 % inside: 119.00 is 100.00 + 19.00; shipping 5.00 is 4.20 + 0.80.
_TAX_INCLUDED = WooCommerceOrder(
    number=7002,
    currency="EUR",
    lines=(
        Line(
            name="Mug &amp; saucer",
            product_id=203,
            quantity=2,
            price=Decimal(50),
            subtotal="100.00",
            total="100.00",
            tax="19.00",
        ),
    ),
    totals=Totals(shipping="4.20", shipping_tax="0.80", tax="19.80", total="124.00"),
    tax_included=True,
    meta=(*_axon_meta(7002), ("_axon_alart", "ax-alart-7002")),
)
_YEN = WooCommerceOrder(
    number=7003,
    currency="JPY",
    lines=(
        Line(
            name="Furoshiki",
            product_id=204,
            quantity=1,
            price=Decimal(5000),
            subtotal="5000",
            total="5000",
            tax="500",
        ),
    ),
    totals=Totals(shipping="800", shipping_tax="80", tax="580", total="6380", discount="0"),
    buyer=YUI,
    meta=(("_wc_order_attribution_session_entry", f"{_ORIGIN}/product/furoshiki/?aleid=ax-event-7003"),),
)
# 2 × 3.375 = 6.750: the shop is set to three decimals.
_DINAR = WooCommerceOrder(
    number=7004,
    currency="KWD",
    lines=(
        Line(
            name="Incense",
            product_id=205,
            quantity=2,
            price=Decimal("3.375"),
            subtotal="6.750",
            total="6.750",
            tax="0.000",
        ),
    ),
    totals=Totals(shipping="1.250", shipping_tax="0.000", tax="0.000", total="8.000", discount="0.000"),
    buyer=NOOR,
    meta=_axon_meta(7004),
)
_TWO_CURRENCIES = WooCommerceOrder(
    number=7005,
    currency="USD",
    lines=(
        Line(
            name="Blanket", product_id=206, quantity=1, price=Decimal(64), subtotal="64.00", total="64.00", tax="0.00"
        ),
        Line(name="Soap", product_id=207, quantity=2, price=Decimal(8), subtotal="16.00", total="16.00", tax="0.00"),
    ),
    totals=Totals(shipping="12.50", shipping_tax="0.00", tax="0.00", total="92.50"),
    buyer=ADA,
    meta=(
        *_axon_meta(7005),
        ("_wcpay_multi_currency_order_exchange_rate", "1.28"),
        ("_wcpay_multi_currency_order_default_currency", "GBP"),
    ),
)
# 3 × 9.50 = 28.50; 19 % of it is 5.415, which the shop rounds to 5.42.
_FREE_SHIPPING = WooCommerceOrder(
    number=7006,
    currency="EUR",
    lines=(
        Line(
            name="Candle",
            product_id=208,
            quantity=3,
            price=Decimal("9.5"),
            subtotal="28.50",
            total="28.50",
            tax="5.42",
        ),
    ),
    totals=Totals(shipping="0.00", shipping_tax="0.00", tax="5.42", total="33.92"),
    coupons=(Coupon(code="freeship", discount="0", kind="fixed_cart", free_shipping=True),),
)
_TWICE = WooCommerceOrder(
    number=7007,
    currency="GBP",
    lines=(
        Line(name="Vase", product_id=209, quantity=1, price=Decimal(25), subtotal="25.00", total="25.00", tax="5.00"),
    ),
    totals=Totals(shipping="3.00", shipping_tax="0.60", tax="5.60", total="33.60"),
    buyer=MARA,
    meta=_axon_meta(7007),
)
_LATE_CLICK = WooCommerceOrder(
    number=7008,
    currency="USD",
    lines=(
        Line(
            name="Poster",
            product_id=210,
            quantity=2,
            price=Decimal("19.99"),
            subtotal="39.98",
            total="39.98",
            tax="3.30",
        ),
    ),
    totals=Totals(shipping="0.00", shipping_tax="0.00", tax="3.30", total="43.28"),
    buyer=ADA,
)
_PAID_LATER = WooCommerceOrder(
    number=7009,
    currency="EUR",
    lines=(
        Line(
            name="Armchair",
            product_id=211,
            quantity=1,
            price=Decimal(150),
            subtotal="150.00",
            total="150.00",
            tax="28.50",
        ),
    ),
    totals=Totals(shipping="0.00", shipping_tax="0.00", tax="28.50", total="178.50"),
    buyer=JONAS,
    gateway="bacs",
    meta=_axon_meta(7009),
)
_PLAIN = WooCommerceOrder(
    number=7010,
    currency="EUR",
    lines=(
        Line(name="Card", product_id=212, quantity=1, price=Decimal(20), subtotal="20.00", total="20.00", tax="0.00"),
    ),
    totals=Totals(shipping="0.00", shipping_tax="0.00", tax="0.00", total="20.00"),
)


def _story(name: str, order: WooCommerceOrder, expected: Expected, click: Click | None = None) -> Story:
    created = Delivery(topic="order.created", body=order, answer="200 stored")
    return Story(shop=SHOP, order_id=order.id, name=name, deliveries=(created,), expected=expected, click=click)


def _paid_later() -> Story:
    on_hold = replace(_PAID_LATER, status="on-hold", paid=False, updated_seconds_ago=PLACED_SECONDS_AGO)
    expected = delivered("150.00", "28.50", "0.00", "EUR", _visitor(7009), "email phone ip")
    return replace(
        _story("#7009 bank transfer, paid later", on_hold, expected),
        between="skipped: unpaid",
        later=(Delivery(topic="order.updated", body=_PAID_LATER, answer="200 refreshed"),),
    )


def _twice() -> Story:
    expected = delivered("25.00", "5.60", "3.00", "GBP", _visitor(7007), "email ip")
    # Both have the same stamp and the same delivery id: WooCommerce makes it of the webhook's number and the second.
    again = Delivery(topic="order.updated", body=replace(_TWICE, saved_again=True), answer="200 unchanged")
    story = _story("#7007 created and updated in one second", _TWICE, expected)
    return replace(story, deliveries=(*story.deliveries, again))


def _visitor(number: int) -> dict[str, str]:
    """Return the identifiers that come from an event id and a client id."""
    visitor = f"ax-visitor-{number}"
    return {"aleid": f"ax-event-{number}", "axwrt": visitor, "client_id": visitor}


def _click(order: WooCommerceOrder, *, late: bool = False) -> Click:
    """Return what the thank-you page posts: it knows the order key."""
    posted = {"order_key": order.key, "aleid": f"ax-event-{order.id}", "axwrt": f"ax-visitor-{order.id}"}
    return Click(posted=posted, origin=_ORIGIN, late=late)


def _sold() -> tuple[Story, ...]:
    return (
        _story(
            "#7001 two coupons, tax excluded; click by the browser",
            _COUPONS,
            delivered("119.00", "24.80", "5.00", "GBP", _visitor(7001), "email ip"),
            _click(_COUPONS),
        ),
        _story(
            "#7002 tax included",
            _TAX_INCLUDED,
            delivered(
                "100.00", "19.80", "4.20", "EUR", {**_visitor(7002), "alart": "ax-alart-7002"}, "email phone ip"
            ),
        ),
        _story(
            "#7003 yen; click in the landing page",
            _YEN,
            delivered("5000", "580", "800", "JPY", {"aleid": "ax-event-7003"}, "email phone ip"),
        ),
        _story("#7004 dinar", _DINAR, delivered("6.75", "0", "1.25", "KWD", _visitor(7004), "email phone ip")),
        _story(
            "#7005 shop in GBP, sold in USD",
            _TWO_CURRENCIES,
            delivered("80.00", "0.00", "12.50", "USD", _visitor(7005), "email phone ip"),
        ),
        _story(
            "#7006 free shipping; no click, waits 2 s",
            _FREE_SHIPPING,
            delivered("28.50", "5.42", "0.00", "EUR", {}, "email phone ip"),
        ),
        _twice(),
        _story(
            "#7008 the click comes after the order",
            _LATE_CLICK,
            delivered("39.98", "3.30", "0.00", "USD", _visitor(7008), "email phone ip"),
            _click(_LATE_CLICK, late=True),
        ),
        _paid_later(),
    )


def _not_sold() -> tuple[Story, ...]:
    test = replace(_PLAIN, meta=(("_wcpay_mode", "test"),))
    failed = replace(_PLAIN, number=7011, status="failed", paid=False)
    forged = replace(_PLAIN, number=7012)
    return (
        _story("#7010 paid in test mode", test, Expected(happened="skipped: test")),
        _story("#7011 the payment failed", failed, Expected(happened="skipped: unpaid")),
        Story(
            shop=SHOP,
            order_id=forged.id,
            name="#7012 forged signature",
            deliveries=(Delivery(topic="order.created", body=forged, answer="401", forged=True),),
            expected=Expected(happened="401, nothing stored"),
        ),
        Story(
            shop=SHOP,
            order_id="",
            name="ping of a new webhook",
            deliveries=(Delivery(topic="", body=Form("webhook_id=3"), answer="200 ping"),),
            expected=Expected(happened="200 ping, nothing stored"),
        ),
    )


def stories() -> tuple[Story, ...]:
    """Return the stories of the WooCommerce shop, in the order in which they are played."""
    return (*_sold(), *_not_sold())
