"""Shopify's order JSON, read a second time from its documentation: shopify.dev/docs/api/admin-rest, resource Order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain, combinations
from typing import Any

from oracle.reading import ZERO, Item, NoOrder, Reading, number

Json = dict[str, Any]

TEST_ORDERS = (820982911946154508, 820982911946154500)

# What a body is that isn't an order, by a field that only it has.
_OTHERS = {
    "order_edit": "order edit",
    "refund_line_items": "refund",
    "order_id": "part of an order",
    "abandoned_checkout_url": "checkout",
    "data_request": "request for data",
    "orders_to_redact": "erase a customer",
    "shop_domain": "erase a shop",
    "invoice_url": "draft order",
    "fields_changed": "Events",
}


@dataclass(frozen=True)
class _Money:
    """One side of the order: flat fields are always the shop's currency, `_set` fields hold both sides."""

    side: str
    currency: str
    shop: str
    tax_inside: bool

    def of(self, owner: Json, name: str) -> Decimal | None:
        """Return an amount of this side, None when there is none."""
        found = (owner.get(f"{name}_set") or {}).get(f"{self.side}_money") or {}
        if (amount := number(found.get("amount"))) is not None:
            if found.get("currency_code", self.currency) != self.currency:
                raise NoOrder("unreadable", f"{name}_set")
            return amount
        amount = number(owner.get(name))
        if amount and self.currency != self.shop:
            raise NoOrder("unreadable", f"{name}_set")
        return amount

    def must(self, owner: Json, name: str) -> Decimal:
        """Return an amount without which there is no price."""
        amount = self.of(owner, name)
        if amount is None:
            raise NoOrder("unreadable", name)
        return amount

    def sum(self, owner: Json, parts: str, name: str) -> Decimal:
        """Return the sum over a list, which may be missing."""
        return sum((self.must(part, name) for part in owner.get(parts) or []), ZERO)


def read(body: Any, side: str = "presentment") -> Reading:
    """Read an order, every amount on one side ("presentment" or "shop")."""
    _refuse_others(body)
    if not any(body.get(name) for name in ("processed_at", "created_at", "updated_at")):
        raise NoOrder("unreadable", "")
    money = _money(body, side)
    lines = [line for line in body["line_items"] if not _is_tip(line) and line["quantity"]]
    items = [_item(line, money) for line in lines]
    value = sum((item.total for item in items), ZERO)
    total, tax = money.must(body, "total_price"), money.of(body, "total_tax") or ZERO
    shipping, rest = _close(total - value - tax, _shippings(body, money), _extras(body, money))
    return Reading(money.currency, items, tax, shipping, total, rest, list(_reasons(body, value)))


def _refuse_others(body: Any) -> None:
    if not isinstance(body, dict):
        raise NoOrder("unreadable", "list")
    for key, meaning in _OTHERS.items():
        if body.get(key) is not None:
            raise NoOrder("ignored", meaning)
    if body.get("id") is None and "token" in body:
        raise NoOrder("ignored", "checkout")
    if set(body) <= {"id", "admin_graphql_api_id"} and body:
        raise NoOrder("ignored", "id alone")
    if body.get("id") is None or not isinstance(body.get("line_items"), list):
        raise NoOrder("unreadable", "line_items")
    if body.get("test") is True and body["id"] in TEST_ORDERS:
        raise NoOrder("test notification", "sample")


def _money(body: Json, side: str) -> _Money:
    shop = body.get("currency")
    currency = shop if side == "shop" else body.get("presentment_currency") or shop
    if not shop or not currency:
        raise NoOrder("unreadable", "currency")
    return _Money(side, currency, shop, body.get("taxes_included") is True)


def _is_tip(line: Json) -> bool:
    return bool(line.get("tip_payment_gateway") or line.get("tip_payment_method"))


def _item(line: Json, money: _Money) -> Item:
    # Allocations hold the line's own discounts and its share of the order's; total_discount repeats them, and counts
    # only in bodies that are older than allocations.
    if "discount_allocations" in line:
        discount = money.sum(line, "discount_allocations", "amount")
    else:
        discount = money.of(line, "total_discount") or ZERO
    quantity = Decimal(str(line["quantity"]))
    tax = money.sum(line, "tax_lines", "price")
    paid = money.must(line, "price") * quantity - discount
    return Item(
        id=_text(line.get("product_id")) or _text(line.get("sku")) or _text(line.get("title")),
        variant=_text(line.get("variant_id")),
        quantity=quantity,
        total=paid - tax if money.tax_inside else paid,
        tax=tax,
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value).strip() or None


def _shippings(body: Json, money: _Money) -> list[Decimal]:
    """Return what may have been paid for shipping, without tax: after its allocations, or as discounted_price."""
    lines = [line for line in body.get("shipping_lines") or [] if line.get("is_removed") is not True]
    tax = sum((money.sum(line, "tax_lines", "price") for line in lines), ZERO) if money.tax_inside else ZERO
    allocated = sum(
        (money.must(line, "price") - money.sum(line, "discount_allocations", "amount") for line in lines), ZERO
    )
    stated = [money.of(line, "discounted_price") for line in lines]
    readings = [allocated] if None in stated else [allocated, sum((one for one in stated if one), ZERO)]
    return [reading - tax for reading in readings]


def _extras(body: Json, money: _Money) -> dict[str, tuple[Decimal, bool]]:
    """Return what else may be in the total, and whether it usually is."""
    tips = [line for line in body["line_items"] if _is_tip(line)]
    tip = sum((money.must(line, "price") * line["quantity"] for line in tips), ZERO)
    if money.currency == money.shop and not tips:
        tip = number(body.get("total_tip_received")) or ZERO
    found = {
        "tip": (tip, True),
        "duties": (_of_the_sale(body, "total_duties", money), body.get("duties_included") is not True),
        "additional_fees": (_of_the_sale(body, "total_additional_fees", money), True),
        # Of the money received, not of the order: the total doesn't hold it.
        "cash_rounding": (money.of(body, "total_cash_rounding_payment_adjustment") or ZERO, False),
    }
    return {name: (amount, usual) for name, (amount, usual) in found.items() if amount}


def _of_the_sale(body: Json, name: str, money: _Money) -> Decimal:
    original = money.of(body, f"original_{name}")
    return original if original is not None else money.of(body, f"current_{name}") or ZERO


def _close(
    still_open: Decimal, shippings: list[Decimal], extras: dict[str, tuple[Decimal, bool]]
) -> tuple[Decimal, dict[str, Decimal]]:
    """Choose what gives the total; the documentation leaves open what it holds, the order's own sum doesn't."""
    usual = tuple(name for name, (_, is_usual) in extras.items() if is_usual)
    subsets = chain.from_iterable(combinations(extras, size) for size in range(len(extras), -1, -1))
    for names in (usual, *subsets):
        for shipping in shippings:
            if shipping + sum(extras[name][0] for name in names) == still_open:
                return shipping, {name: extras[name][0] for name in names}
    return shippings[0], {name: extras[name][0] for name in usual}


def _reasons(body: Json, value: Decimal) -> Iterator[str]:
    source, status = body.get("source_name"), body.get("financial_status")
    is_draft = source == "shopify_draft_order"
    client = body.get("client_details") or {}
    has_browser = (client.get("browser_ip") or body.get("browser_ip")) and client.get("user_agent")
    asked = {
        "cancelled": bool(body.get("cancelled_at")) or status in ("voided", "refunded"),
        "test": body.get("test") is True,
        "pos": source == "pos",
        "draft": is_draft,
        "renewal": source in ("subscription_contract", "subscription_contract_checkout_one"),
        "imported": _is_backdated(body) or _is_copied_in(body),
        "b2b": bool(body.get("company")),
        "unpaid": status not in ("paid", "partially_refunded", "refunded"),
        "zero_value": value == 0,
        "no_browser": is_draft or not has_browser,
    }
    return (rule for rule, applies in asked.items() if applies)


def _is_backdated(body: Json) -> bool:
    processed, created = body.get("processed_at"), body.get("created_at")
    if not processed or not created:
        return False
    return datetime.fromisoformat(created) - datetime.fromisoformat(processed) > timedelta(days=1)


def _is_copied_in(body: Json) -> bool:
    left_by_a_buyer = ("checkout_token", "cart_token", "browser_ip", "client_details", "landing_site")
    return str(body.get("source_name")).isdigit() and not any(body.get(name) for name in left_by_a_buyer)
