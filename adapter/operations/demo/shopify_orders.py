"""Invented Shopify orders, in the shape of API 2026-04. Every amount is written out: nothing here is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Amount = str | tuple[str, str]
"""An amount in the shop's currency; or that and what the buyer saw."""

CANNED_TEST_ID = 820982911946154508
"""The order id of the sample that "Send test notification" delivers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line: the price of one unit as listed, what was taken off the whole line, and its tax."""

    product: int
    title: str
    price: Amount
    quantity: int = 1
    discount: Amount | None = None
    tax: Amount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopifyOrder:
    """What differs between the demo's orders."""

    id: int
    lines: Sequence[Line]
    subtotal: Amount
    total: Amount
    tax: Amount = "0.00"
    shipping: Amount | None = None
    shipping_discount: Amount | None = None
    shipping_tax: Amount | None = None
    currency: str = "USD"
    shown: str | None = None
    taxes_included: bool = False
    financial_status: str = "paid"
    test: bool = False
    attributes: Sequence[tuple[str, str]] = ()
    buyer: str = "ada"
    country: str = "US"
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    def body(self, placed_at: datetime, updated_at: datetime) -> dict[str, Any]:
        """Return the order as Shopify's webhook carries it."""
        shown = self.shown or self.currency
        return {
            "id": self.id,
            "app_id": 580111,
            "name": f"#{self.id % 10000}",
            "token": f"{self.id:x}0000000000000000",
            "checkout_token": checkout_token(self.id),
            "cart_token": f"Z2NwLWRlbW8tY2FydA{self.id}",
            "source_name": "web",
            "test": self.test,
            "confirmed": True,
            "cancelled_at": None,
            "created_at": _stamp(placed_at),
            "processed_at": _stamp(placed_at),
            "updated_at": _stamp(updated_at),
            "financial_status": self.financial_status,
            "currency": self.currency,
            "presentment_currency": shown,
            "taxes_included": self.taxes_included,
            **self._money("subtotal_price", self.subtotal),
            **self._money("total_tax", self.tax),
            **self._money("total_price", self.total),
            "total_tip_received": "0.00",
            "line_items": [self._line(index, line) for index, line in enumerate(self.lines)],
            "shipping_lines": [] if self.shipping is None else [self._shipping_line(self.shipping)],
            "note_attributes": [{"name": name, "value": value} for name, value in self.attributes],
            "landing_site": "/",
            **self._buyer(),
            **self.extra,
        }

    def _money(self, name: str, amount: Amount) -> dict[str, Any]:
        own, seen = amount if isinstance(amount, tuple) else (amount, amount)
        return {
            name: own,
            f"{name}_set": {
                "shop_money": {"amount": own, "currency_code": self.currency},
                "presentment_money": {"amount": seen, "currency_code": self.shown or self.currency},
            },
        }

    def _line(self, index: int, line: Line) -> dict[str, Any]:
        return {
            "id": self.id * 10 + index,
            "product_id": line.product,
            "variant_id": line.product + 500,
            "sku": f"DEMO-{line.product % 1000}",
            "title": line.title,
            "vendor": "Fernleaf",
            "quantity": line.quantity,
            "gift_card": False,
            **self._money("price", line.price),
            "total_discount": "0.00",
            "discount_allocations": self._allocations(line.discount),
            "tax_lines": [] if line.tax is None else [{"title": "Tax", **self._money("price", line.tax)}],
        }

    def _shipping_line(self, price: Amount) -> dict[str, Any]:
        return {
            "title": "Standard",
            **self._money("price", price),
            "discount_allocations": self._allocations(self.shipping_discount),
            "tax_lines": (
                [] if self.shipping_tax is None else [{"title": "Tax", **self._money("price", self.shipping_tax)}]
            ),
        }

    def _allocations(self, discount: Amount | None) -> list[dict[str, Any]]:
        return [] if discount is None else [{"discount_application_index": 0, **self._money("amount", discount)}]

    def _buyer(self) -> dict[str, Any]:
        address = {
            "country_code": self.country,
            "zip": {"US": "97205-1234", "DE": "04109", "JP": "150-0001", "GB": "LS1 4AP"}[self.country],
            "phone": {"US": "(503) 555-0142", "DE": "0341 5550142", "JP": "03-5550-0142", "GB": "0113 496 0002"}[
                self.country
            ],
        }
        return {
            "email": f"{self.buyer}@example.com",
            "customer": {"id": 7300200100000 + len(self.buyer), "email": f"{self.buyer}@example.com"},
            "billing_address": address,
            "shipping_address": address,
            "client_details": {"browser_ip": "203.0.113.20", "user_agent": "Mozilla/5.0 (demo browser)"},
            "browser_ip": "203.0.113.20",
        }


def checkout_token(order_id: int) -> str:
    """Return the checkout token of a demo order; the custom pixel knows it too."""
    return f"demo0checkout0{order_id}"


def _stamp(at: datetime) -> str:
    """Shopify writes times with the shop's own offset."""
    return (at + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S+02:00")
