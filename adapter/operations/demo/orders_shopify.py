"""Orders as Shopify writes them (API version 2026-10). Amounts are given as texts; nothing is computed here.

The shape follows shopify.dev/docs/api/admin-rest/latest/resources/order and the samples of its webhooks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from adapter.operations.demo.buyers import ADA, Person

Amount = str | tuple[str, str]
"""In major units; a pair is shop money and presentment money."""

_SHOP_TIME = timezone(timedelta(hours=10))
_FIRST_ID = 5_840_000_000_000
PLACED_SECONDS_AGO = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`price` is that of one piece as listed; `discounts` are the allocations of the whole line."""

    title: str
    product_id: int
    quantity: int
    price: Amount
    tax: Amount
    discounts: tuple[Amount, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipping:
    """`price` is the listed one, `paid` what was left of it; both as the buyer saw them."""

    price: Amount
    paid: Amount
    tax: Amount
    discounts: tuple[Amount, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The totals as Shopify states them: `listed` before discounts, `subtotal` after."""

    listed: Amount
    discounts: Amount
    subtotal: Amount
    tax: Amount
    total: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopifyOrder:
    """An order; `currencies` are the shop's and the one that was shown. `status` is the financial status."""

    number: int
    currencies: tuple[str, str]
    lines: tuple[Line, ...]
    shipping: Shipping
    totals: Totals
    tax_included: bool = False
    buyer: Person = ADA
    attributes: tuple[tuple[str, str], ...] = ()
    landing_site: str = "/"
    status: str = "paid"
    cancelled: bool = False
    test: bool = False
    gateway: str = "shopify_payments"
    discount_code: str = ""
    updated_seconds_ago: int = 5

    @property
    def id(self) -> str:
        """The order's id, as Axon gets it."""
        return str(_FIRST_ID + self.number)

    @property
    def checkout_token(self) -> str:
        """The token under which the pixel knows the checkout."""
        return f"{self.number:08d}c1f34870a2c8d4e0f19b7a63"

    @property
    def cart_token(self) -> str:
        """The token of the cart, without the key that the storefront sees behind it."""
        return f"hWN7q0DemoCart{self.number}"

    def document(self, now: datetime) -> Mapping[str, Any]:
        """Return the body as JSON values."""
        return {
            "id": int(self.id),
            "admin_graphql_api_id": f"gid://shopify/Order/{self.id}",
            **_origin(self),
            **_standing(self, now),
            **_totals(self),
            **_buyer(self),
            "line_items": [_line(self, place, line) for place, line in enumerate(self.lines)],
            "line_item_groups": [],
            "shipping_lines": [_shipping(self)],
            "fulfillments": [],
            "refunds": [],
            "returns": [],
            "payment_terms": None,
        }


def _origin(order: ShopifyOrder) -> dict[str, Any]:
    return {
        "app_id": 580111,
        "cart_token": order.cart_token,
        "checkout_token": order.checkout_token,
        "company": None,
        "confirmation_number": f"DEMO{order.number:05d}",
        "customer_locale": "en",
        "landing_site": order.landing_site,
        "name": f"#{order.number}",
        "note": None,
        "note_attributes": [{"name": name, "value": value} for name, value in order.attributes],
        "number": order.number - 1000,
        "order_number": order.number,
        "order_status_url": f"https://shopify-demo.example/64200100/orders/{order.number:032x}/authenticate?key=invented",
        "referring_site": None,
        "source_identifier": None,
        "source_name": "web",
        "source_url": None,
        "tags": "",
        "token": f"{order.number:032x}",
        "user_id": None,
    }


def _standing(order: ShopifyOrder, now: datetime) -> dict[str, Any]:
    placed, updated = _written(now, PLACED_SECONDS_AGO), _written(now, order.updated_seconds_ago)
    return {
        "cancel_reason": "customer" if order.cancelled else None,
        "cancelled_at": updated if order.cancelled else None,
        "closed_at": None,
        "confirmed": True,
        "created_at": placed,
        "financial_status": order.status,
        "fulfillment_status": None,
        "payment_gateway_names": [order.gateway],
        "processed_at": placed,
        "test": order.test,
        "updated_at": updated,
    }


def _written(now: datetime, seconds_ago: int) -> str:
    return (now - timedelta(seconds=seconds_ago)).astimezone(_SHOP_TIME).isoformat(timespec="seconds")


def _totals(order: ShopifyOrder) -> dict[str, Any]:
    totals = order.totals
    stated = {
        "subtotal_price": totals.subtotal,
        "total_discounts": totals.discounts,
        "total_price": totals.total,
        "total_tax": totals.tax,
    }
    current = {f"current_{name}": amount for name, amount in stated.items()}
    code = {"code": order.discount_code, "amount": _shop_money(totals.discounts), "type": "percentage"}
    return {
        "currency": order.currencies[0],
        "presentment_currency": order.currencies[1],
        "discount_codes": [code] if order.discount_code else [],
        "duties_included": False,
        "tax_lines": [_tax_line(order, totals.tax)],
        "taxes_included": order.tax_included,
        "total_line_items_price": _shop_money(totals.listed),
        "total_line_items_price_set": _money(order, totals.listed),
        "total_outstanding": "0.00" if order.status == "paid" else _shop_money(totals.total),
        "total_shipping_price_set": _money(order, order.shipping.price),
        "total_tip_received": "0.00",
        **_both(order, **stated, **current),
    }


def _buyer(order: ShopifyOrder) -> dict[str, Any]:
    person = order.buyer
    address = _address(person)
    return {
        "billing_address": address,
        "browser_ip": person.ip,
        "client_details": {"accept_language": "en-GB", "browser_ip": person.ip, "user_agent": person.browser},
        "contact_email": person.email,
        "customer": {
            "id": 7_300_200_100_000 + order.number,
            "default_address": address,
            "email": person.email,
            "first_name": person.first,
            "last_name": person.last,
            "phone": None,
            "state": "disabled",
        },
        "email": person.email,
        "phone": None,
        "shipping_address": address,
    }


def _address(person: Person) -> dict[str, Any]:
    return {
        "first_name": person.first,
        "last_name": person.last,
        "name": f"{person.first} {person.last}",
        "address1": person.street,
        "address2": None,
        "city": person.city,
        "company": None,
        "country": person.country_name,
        "country_code": person.country,
        "phone": person.phone or None,
        "province": None,
        "zip": person.zip,
    }


def _line(order: ShopifyOrder, place: int, line: Line) -> dict[str, Any]:
    return {
        "id": 13_900_000_000_000 + 10 * order.number + place,
        "current_quantity": line.quantity,
        "fulfillment_status": None,
        "gift_card": False,
        "name": line.title,
        "product_exists": True,
        "product_id": 7_701_200_000_000 + line.product_id,
        "properties": [],
        "quantity": line.quantity,
        "requires_shipping": True,
        "sku": f"SKU-{line.product_id}",
        "taxable": True,
        "title": line.title,
        "variant_id": 41_200_330_000_000 + line.product_id,
        "variant_title": None,
        "vendor": "Demo Goods",
        # Shopify leaves it at 0.00 when a discount is of the whole order: the allocations tell.
        "total_discount": "0.00",
        "duties": [],
        "discount_allocations": [_allocation(order, amount) for amount in line.discounts],
        "tax_lines": [_tax_line(order, line.tax)],
        **_both(order, price=line.price),
    }


def _shipping(order: ShopifyOrder) -> dict[str, Any]:
    shipping = order.shipping
    return {
        "id": 4_800_100_000_000 + order.number,
        "code": "Standard",
        "is_removed": False,
        "source": "shopify",
        "title": "Standard",
        "discount_allocations": [_allocation(order, amount) for amount in shipping.discounts],
        "tax_lines": [_tax_line(order, shipping.tax)],
        **_both(order, price=shipping.price, discounted_price=shipping.paid),
    }


def _allocation(order: ShopifyOrder, amount: Amount) -> dict[str, Any]:
    return {"discount_application_index": 0, **_both(order, amount=amount)}


def _tax_line(order: ShopifyOrder, amount: Amount) -> dict[str, Any]:
    return {"channel_liable": False, "title": "Tax", **_both(order, price=amount)}


def _both(order: ShopifyOrder, **amounts: Amount) -> dict[str, Any]:
    """Return each amount twice, as Shopify does: as shop money, and as a set of both sides."""
    flat = {name: _shop_money(amount) for name, amount in amounts.items()}
    return {**flat, **{f"{name}_set": _money(order, amount) for name, amount in amounts.items()}}


def _money(order: ShopifyOrder, amount: Amount) -> dict[str, Any]:
    shop, shown = (amount, amount) if isinstance(amount, str) else amount
    return {
        "shop_money": {"amount": shop, "currency_code": order.currencies[0]},
        "presentment_money": {"amount": shown, "currency_code": order.currencies[1]},
    }


def _shop_money(amount: Amount) -> str:
    return amount if isinstance(amount, str) else amount[0]
