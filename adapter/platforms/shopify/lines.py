"""The lines of a Shopify order, with what each one really cost."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from adapter.errors import OrderUnreadable
from adapter.platforms.shopify.amounts import ZERO, Amounts, entries, quantity_of
from adapter.platforms.shopify.fields import identifier, text
from adapter.purchase.currency import round_to_currency
from adapter.purchase.order import LineItem


def lines_of(document: Mapping[str, Any], amounts: Amounts) -> tuple[LineItem, ...]:
    """Read every line that was bought: no tips, no lines of quantity 0; gift cards are items like others.

    Each bundle is counted once: the bundles of apps arrive as lines of their parts, and Shopify's own
    (`line_item_groups`) only group lines, which carry the money.
    """
    if not isinstance(document.get("line_items"), list):
        raise OrderUnreadable("line_items is missing, so the order can't be priced")
    return tuple(
        _line(line, quantity, f"{path}.", amounts)
        for path, line in entries(document, "line_items")
        if not _is_tip(line) and (quantity := quantity_of(line, f"{path}."))
    )


def tip_of(document: Mapping[str, Any], amounts: Amounts) -> Decimal:
    """Return what was given on top, tax and all.

    Shopify states it twice: as a line, and as `total_tip_received`, which is shop money without a `_set` twin.
    """
    tips = [(path, line) for path, line in entries(document, "line_items") if _is_tip(line)]
    lines = sum((_tip(line, f"{path}.", amounts) for path, line in tips), ZERO)
    if lines and not amounts.flat_fits:
        return lines
    return amounts.attempt(document, "total_tip_received") or lines


def _tip(line: Mapping[str, Any], where: str, amounts: Amounts) -> Decimal:
    return (amounts.attempt(line, "price", where) or ZERO) * quantity_of(line, where)


def _is_tip(line: Mapping[str, Any]) -> bool:
    # "Present only on tips": shopify.dev/docs/api/admin-rest/latest/resources/order. A null doesn't count, or one API
    # version that writes the keys everywhere would empty all orders.
    return bool(line.get("tip_payment_gateway") or line.get("tip_payment_method"))


def _line(line: Mapping[str, Any], quantity: Decimal, where: str, amounts: Amounts) -> LineItem:
    listed = _listed_price(line, quantity, where, amounts)
    paid = listed - _discount(line, where, amounts)
    tax = amounts.sum(line, "tax_lines", "price", where)
    tax_inside = tax if amounts.taxes_included else ZERO
    return LineItem(
        product_id=identifier(line.get("product_id")),
        variant_id=identifier(line.get("variant_id")),
        sku=text(line.get("sku")),
        title=text(line.get("title")) or text(line.get("name")) or "",
        quantity=quantity,
        total=paid - tax_inside,
        total_before_discount=_before_discount(listed, paid, tax_inside, amounts.currency),
        tax=tax,
        source=line,
    )


def _listed_price(line: Mapping[str, Any], quantity: Decimal, where: str, amounts: Amounts) -> Decimal:
    product = amounts.require(line, "price", where) * quantity
    # Nobody pays a fraction of a cent for half a metre; a whole number of pieces is exact as it stands.
    return round_to_currency(product, amounts.currency) if quantity % 1 else product


def _discount(line: Mapping[str, Any], where: str, amounts: Amounts) -> Decimal:
    # Allocations hold every discount of the line and its share of the order's. total_discount repeats some of them, or
    # is 0.00: it counts only in bodies that are older than allocations (before 2018).
    if "discount_allocations" in line:
        return amounts.sum(line, "discount_allocations", "amount", where)
    return amounts.find(line, "total_discount", where) or ZERO


def _before_discount(listed: Decimal, paid: Decimal, tax_inside: Decimal, currency: str) -> Decimal:
    """Take from the listed price the same share of tax as from the paid one.

    Shopify tells the tax after discounts only, so the tax before them is worked out in proportion, and the result
    rounded to the currency, since it is no amount that anyone paid. A line that became free has lost the proportion:
    its listed price stays as it is, with its tax.
    """
    if listed == paid or not 0 < tax_inside <= paid:
        return listed - tax_inside
    return round_to_currency(listed * (paid - tax_inside) / paid, currency)
