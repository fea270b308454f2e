"""Invented WooCommerce orders, in the shape of REST v3. Every amount is written out: nothing here is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

SITE = "https://woocommerce-demo.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line: totals of the whole line, without tax, before and after coupons."""

    product: int
    name: str
    quantity: int
    subtotal: str
    total: str
    total_tax: str = "0.00"


@dataclass(frozen=True, slots=True, kw_only=True)
class WooCommerceOrder:
    """What differs between the demo's orders."""

    id: int
    lines: Sequence[Line]
    total: str
    total_tax: str
    shipping: str = "0.00"
    shipping_tax: str = "0.00"
    currency: str = "EUR"
    prices_include_tax: bool = False
    status: str = "processing"
    paid: bool = True
    attributes: Sequence[tuple[str, str]] = ()
    country: str = "DE"

    def body(self, placed_at: datetime, modified_at: datetime) -> dict[str, Any]:
        """Return the order as WooCommerce's webhook carries it."""
        placed, modified = _stamp(placed_at), _stamp(modified_at)
        return {
            "id": self.id,
            "parent_id": 0,
            "number": str(self.id),
            "status": self.status,
            "currency": self.currency,
            "prices_include_tax": self.prices_include_tax,
            "date_created": placed,
            "date_created_gmt": placed,
            "date_modified": modified,
            "date_modified_gmt": modified,
            "date_paid_gmt": modified if self.paid else None,
            "shipping_total": self.shipping,
            "shipping_tax": self.shipping_tax,
            "total": self.total,
            "total_tax": self.total_tax,
            "customer_id": 0,
            "order_key": order_key(self.id),
            "billing": {
                "email": f"buyer{self.id}@example.com",
                "phone": {"DE": "0341 5550142", "GB": "0113 496 0002", "KW": "22250142", "JP": "03-5550-0142"}[
                    self.country
                ],
                "country": self.country,
                "postcode": {"DE": "04109", "GB": "LS1 4AP", "KW": "13001", "JP": "150-0001"}[self.country],
            },
            "customer_ip_address": "203.0.113.30",
            "customer_user_agent": "Mozilla/5.0 (demo browser)",
            "created_via": "checkout",
            "payment_method": "card" if self.paid else "cod",
            "transaction_id": "",
            "meta_data": [
                {"id": index, "key": key, "value": value} for index, (key, value) in enumerate(self.attributes, 1)
            ],
            "line_items": [self._line(index, line) for index, line in enumerate(self.lines, 1)],
            "fee_lines": [],
            "refunds": [],
            "payment_url": f"{SITE}/checkout/order-pay/{self.id}/?pay_for_order=true&key={order_key(self.id)}",
        }

    @staticmethod
    def _line(index: int, line: Line) -> dict[str, Any]:
        return {
            "id": index,
            "name": line.name,
            "product_id": line.product,
            "variation_id": 0,
            "sku": f"DEMO-{line.product}",
            "quantity": line.quantity,
            "subtotal": line.subtotal,
            "total": line.total,
            "total_tax": line.total_tax,
            "meta_data": [],
        }


def order_key(order_id: int) -> str:
    """Return the secret key of a demo order; the order-received page knows it too."""
    return f"wc_order_Demo{order_id}"


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S")
