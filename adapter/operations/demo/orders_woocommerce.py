"""Orders as WooCommerce's REST API v3 writes them. Amounts are given as texts; nothing is computed here.

Amounts of lines exclude tax, whatever `prices_include_tax` says, and the `_gmt` dates have no offset.
The shape follows woocommerce.github.io/woocommerce-rest-api-docs/#order-properties.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from adapter.operations.demo.buyers import JONAS, Person

_SHOP = "https://woocommerce-demo.example"
_SHOP_TIME = timedelta(hours=1)
PLACED_SECONDS_AGO = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`price` is WooCommerce's number for one piece; `subtotal` is before coupons, `total` after, both without tax."""

    name: str
    product_id: int
    quantity: int
    price: Decimal
    subtotal: str
    total: str
    tax: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The totals as WooCommerce states them; `tax` is all of it, `shipping_tax` a part of it."""

    shipping: str
    shipping_tax: str
    tax: str
    total: str
    discount: str = "0.00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    """A coupon and what it took off."""

    code: str
    discount: str
    kind: str
    free_shipping: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WooCommerceOrder:
    """An order; `meta` are the entries that plugins wrote into it. `paid` says whether there is a date of payment."""

    number: int
    currency: str
    lines: tuple[Line, ...]
    totals: Totals
    tax_included: bool = False
    buyer: Person = JONAS
    coupons: tuple[Coupon, ...] = ()
    meta: tuple[tuple[str, str], ...] = ()
    status: str = "processing"
    paid: bool = True
    gateway: str = "stripe"
    updated_seconds_ago: int = 5
    saved_again: bool = False

    @property
    def id(self) -> str:
        """The order's id, as Axon gets it."""
        return str(self.number)

    @property
    def key(self) -> str:
        """The unguessable key that the buyer's thank-you page knows."""
        return f"wc_order_Demo{self.number}qZ8"

    def document(self, now: datetime) -> Mapping[str, Any]:
        """Return the body as JSON values."""
        return {
            "id": self.number,
            "parent_id": 0,
            "status": self.status,
            "version": "11.0.1",
            **_dates(self, now),
            **_totals(self),
            **_buyer(self),
            **_payment(self),
            "created_via": "store-api",
            "order_key": self.key,
            "number": self.id,
            "meta_data": _meta(self),
            "line_items": [_line(place, line) for place, line in enumerate(self.lines, 11)],
            "tax_lines": [],
            "shipping_lines": [_shipping(self)],
            "fee_lines": [],
            "coupon_lines": [_coupon(place, coupon) for place, coupon in enumerate(self.coupons, 41)],
            "refunds": [],
            "_links": {"self": [{"href": f"{_SHOP}/wp-json/wc/v3/orders/{self.id}"}]},
        }


def _dates(order: WooCommerceOrder, now: datetime) -> dict[str, Any]:
    updated = now - timedelta(seconds=order.updated_seconds_ago)
    return {
        **_date("created", now - timedelta(seconds=PLACED_SECONDS_AGO)),
        **_date("modified", updated),
        **_date("paid", updated if order.paid else None),
        **_date("completed", None),
    }


def _date(name: str, moment: datetime | None) -> dict[str, Any]:
    local = moment + _SHOP_TIME if moment else None
    return {f"date_{name}": _written(local), f"date_{name}_gmt": _written(moment)}


def _written(moment: datetime | None) -> str | None:
    # wc_rest_prepare_date_response writes "Y-m-d\TH:i:s", without an offset, in both fields.
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") if moment else None


def _totals(order: WooCommerceOrder) -> dict[str, Any]:
    totals = order.totals
    return {
        "currency": order.currency,
        "currency_symbol": order.currency,
        "prices_include_tax": order.tax_included,
        "discount_total": totals.discount,
        "discount_tax": "0.00",
        "shipping_total": totals.shipping,
        "shipping_tax": totals.shipping_tax,
        "total": totals.total,
        "total_tax": totals.tax,
    }


def _buyer(order: WooCommerceOrder) -> dict[str, Any]:
    person = order.buyer
    address = {
        "first_name": person.first,
        "last_name": person.last,
        "company": "",
        "address_1": person.street,
        "address_2": "",
        "city": person.city,
        "state": "",
        "postcode": person.zip,
        "country": person.country,
        "phone": person.phone,
    }
    return {
        "billing": {**address, "email": person.email},
        "shipping": address,
        "customer_id": 0,
        "customer_ip_address": person.ip,
        "customer_user_agent": person.browser,
        "customer_note": "",
    }


def _payment(order: WooCommerceOrder) -> dict[str, Any]:
    return {
        "payment_method": order.gateway,
        "payment_method_title": order.gateway.capitalize(),
        "transaction_id": f"ch_invented_{order.id}" if order.paid and order.gateway != "bacs" else "",
        "payment_url": f"{_SHOP}/checkout/order-pay/{order.id}/?pay_for_order=true&key={order.key}",
        "needs_payment": not order.paid,
        "needs_processing": True,
        "is_editable": not order.paid,
    }


def _meta(order: WooCommerceOrder) -> list[dict[str, Any]]:
    # Plugins write into an order when it is saved again, within the same second.
    saved = (("_demo_saved_again", "yes"),) if order.saved_again else ()
    pairs = (("is_vat_exempt", "no"), *order.meta, *saved)
    return [{"id": place, "key": key, "value": value} for place, (key, value) in enumerate(pairs, 50)]


def _line(place: int, line: Line) -> dict[str, Any]:
    return {
        "id": place,
        "name": line.name,
        "product_id": line.product_id,
        "variation_id": 0,
        "quantity": line.quantity,
        "tax_class": "",
        "subtotal": line.subtotal,
        "subtotal_tax": line.tax,
        "total": line.total,
        "total_tax": line.tax,
        "taxes": [{"id": 1, "total": line.tax, "subtotal": line.tax}],
        "meta_data": [],
        "sku": f"SKU-{line.product_id}",
        "price": line.price,
        "image": {"id": 0, "src": ""},
        "parent_name": None,
    }


def _shipping(order: WooCommerceOrder) -> dict[str, Any]:
    return {
        "id": 31,
        "method_title": "Flat rate",
        "method_id": "flat_rate",
        "instance_id": "1",
        "total": order.totals.shipping,
        "total_tax": order.totals.shipping_tax,
        "taxes": [{"id": 1, "total": order.totals.shipping_tax, "subtotal": ""}],
        "meta_data": [],
    }


def _coupon(place: int, coupon: Coupon) -> dict[str, Any]:
    return {
        "id": place,
        "code": coupon.code,
        "discount": coupon.discount,
        "discount_tax": "0",
        "discount_type": coupon.kind,
        "free_shipping": coupon.free_shipping,
        "meta_data": [],
    }
