"""A WooCommerce sale as the JSON of its webhook, REST API v3.

Amounts are texts in the shop's decimals, `price` is a float that nobody can trust, names are escaped for HTML.
Source: class-wc-rest-orders-v2-controller.php of WooCommerce 11.0.1.
"""

from __future__ import annotations

import html
from typing import Any

from laws.truth import BASIS
from laws.truth import written as written_in
from laws.woocommerce_sales import WHOLE, Row, WooCommerceSale

Json = dict[str, Any]

AT = "2026-11-02T13:05:31"


def woocommerce_body(sale: WooCommerceSale) -> Json:
    """Return the body that tells the sale."""
    lines = [_line(sale, place, line) for place, line in enumerate(sale.lines)]
    return {
        "id": 1042,
        "parent_id": 0,
        "status": "processing",
        "currency": sale.currency,
        "prices_include_tax": sale.prices_include_tax,
        "date_created_gmt": AT,
        "date_modified_gmt": AT,
        "date_paid_gmt": AT,
        "order_key": "wc_order_Ab3dE6gH1jK2m",
        "created_via": "checkout",
        "customer_id": 0,
        "customer_ip_address": "203.0.113.7",
        "customer_user_agent": "Mozilla/5.0",
        "payment_method": "stripe",
        "billing": {"email": "ada@example.com", "phone": "", "country": "DE", "postcode": "04109"},
        "shipping": [],
        "meta_data": [],
        **_totals(sale),
        # PHP writes a list from which a plugin took an entry as an object.
        "line_items": {str(2 * place): line for place, line in enumerate(lines)} if sale.with_hole else lines,
        "tax_lines": [_rate(sale, place, rate) for place, rate in enumerate(sale.rates)],
        "shipping_lines": [{"method_title": row.name, **_amounts(sale, row)} for row in sale.shippings],
        "fee_lines": [{"name": html.escape(row.name), "amount": "", **_amounts(sale, row)} for row in sale.fees],
        "coupon_lines": _coupons(sale),
        "refunds": [],
        **({"gift_cards": [_card(sale, amount) for amount in sale.cards]} if sale.cards else {}),
    }


def _written(sale: WooCommerceSale, units: int) -> str:
    return written_in(units, sale.decimals)


def _totals(sale: WooCommerceSale) -> Json:
    shipping_tax = min(sale.tax, sum(row.tax for row in sale.shippings))
    discount = sum(line.subtotal - line.total for line in sale.lines)
    figures = {
        "discount_total": discount,
        "shipping_total": sum(row.total for row in sale.shippings),
        "shipping_tax": shipping_tax,
        "cart_tax": sale.tax - shipping_tax,
        "total_tax": sale.tax,
        "total": sale.total,
    }
    return {name: _written(sale, units) for name, units in figures.items()}


def _line(sale: WooCommerceSale, place: int, line: Row) -> Json:
    pieces = line.thousandths / WHOLE
    price = line.total / 10**sale.decimals / pieces if pieces else 0
    return {
        "id": 11 + place,
        "name": html.escape(line.name),
        "product_id": 70 + place,
        "variation_id": 0,
        "quantity": int(pieces) if pieces.is_integer() else pieces,
        "subtotal": _written(sale, line.subtotal),
        **_amounts(sale, line),
        "sku": f"SKU-{place}",
        "price": price,
        "meta_data": [],
    }


def _amounts(sale: WooCommerceSale, row: Row) -> Json:
    return {"total": _written(sale, row.total), "total_tax": _written(sale, row.tax)}


def _rate(sale: WooCommerceSale, place: int, rate: int) -> Json:
    return {
        "rate_id": place,
        "label": "VAT",
        "compound": sale.compound and place > 0,
        "rate_percent": rate * 100 / BASIS,
    }


def _coupons(sale: WooCommerceSale) -> list[Json]:
    discount = sum(line.subtotal - line.total for line in sale.lines)
    # Not formatted like the rest: "4.2" where everything else says "4.20".
    return [{"code": "spring", "discount": str(discount / 10**sale.decimals), "discount_tax": "0"}] if discount else []


def _card(sale: WooCommerceSale, amount: int) -> Json:
    return {"id": 5, "code": "ABCD-EFGH", "amount": _written(sale, amount)}


def refunded(sale: WooCommerceSale, body: Json) -> Json:
    """Return the body after less than half was sent back: only the list of refunds says so."""
    refunds = [
        {"id": 1050, "reason": "", "total": _written(sale, -(sale.total // 2)), "total_tax": "0.00"},
        {"id": 0, "reason": "", "total": "-0.00"},
    ]
    return {**body, "date_modified_gmt": "2026-11-03T08:00:00", "refunds": refunds}
