"""What an order costs besides its items: tax, shipping, and the named rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Any, NamedTuple

from adapter.platforms.shopify.amounts import ZERO, Amounts, entries
from adapter.platforms.shopify.lines import tip_of
from adapter.purchase.order import LineItem, NamedAmount


@dataclass(frozen=True, slots=True)
class Totals:
    """The amounts of an order that aren't items; all of one side."""

    total: Decimal
    tax: Decimal
    shipping: Decimal
    rest: tuple[NamedAmount, ...]


class _Shipping(NamedTuple):
    # What may have been paid, without its tax, likeliest first; and the tax.
    readings: tuple[Decimal, ...]
    tax: Decimal


class _Extra(NamedTuple):
    # `usual` says whether the total contains it when the sum doesn't tell.
    part: NamedAmount
    usual: bool


def totals_of(document: Mapping[str, Any], amounts: Amounts, lines: tuple[LineItem, ...]) -> Totals:
    """Read tax, shipping and the named rest so that they close the order's total, if they can.

    `total_*` fields are of the sale; their `current_*` twins fall with every refund.
    """
    total = amounts.require(document, "total_price")
    shipping = _shipping(document, amounts)
    tax = _tax(document, amounts, lines, shipping.tax)
    tip = _named("tip", tip_of(document, amounts))
    still_open = total - tax - sum((line.total for line in lines), ZERO) - sum(part.amount for part in tip)
    paid, rest = _closing(still_open, shipping.readings, _extras(document, amounts))
    return Totals(total, tax, paid, (*tip, *rest))


def _tax(document: Mapping[str, Any], amounts: Amounts, lines: tuple[LineItem, ...], shipping_tax: Decimal) -> Decimal:
    tax = amounts.attempt(document, "total_tax")
    if tax is None:
        tax = sum((line.tax for line in lines), shipping_tax)
        amounts.warnings.append("total_tax is missing: tax is the sum of the lines' taxes")
    if tax and "taxes_included" not in document:
        amounts.warnings.append("taxes_included is missing: prices are read as prices without tax")
    return tax


def _shipping(document: Mapping[str, Any], amounts: Amounts) -> _Shipping:
    if document.get("shipping_lines") in (None, ""):
        return _Shipping((_shipping_without_lines(document, amounts),), ZERO)
    lines = [entry for entry in entries(document, "shipping_lines") if entry[1].get("is_removed") is not True]
    tax = sum((amounts.sum(line, "tax_lines", "price", f"{path}.") for path, line in lines), ZERO)
    readings = (_after_allocations(lines, amounts), _discounted(lines, amounts))
    return _Shipping(tuple(_without_tax(paid, tax, amounts) for paid in readings if paid is not None), tax)


def _shipping_without_lines(document: Mapping[str, Any], amounts: Amounts) -> Decimal:
    paid = amounts.attempt(document, "total_shipping_price") or ZERO
    if paid:
        amounts.warnings.append("shipping_lines is missing: shipping is total_shipping_price, before its discounts")
    return paid


# Two readings of the same thing, since the documentation doesn't say which one follows a free-shipping code: its own
# sample has price 10.00, discounted_price 0.00 and no allocations. The one that closes the total is right.
# Source: shopify.dev/docs/api/admin-rest/latest/resources/order, shipping_lines.


def _after_allocations(lines: Iterable[tuple[str, Mapping[str, Any]]], amounts: Amounts) -> Decimal:
    paid = ZERO
    for path, line in lines:
        paid += amounts.require(line, "price", f"{path}.")
        paid -= amounts.sum(line, "discount_allocations", "amount", f"{path}.")
    return paid


def _discounted(lines: Iterable[tuple[str, Mapping[str, Any]]], amounts: Amounts) -> Decimal | None:
    paid = [amounts.attempt(line, "discounted_price", f"{path}.") for path, line in lines]
    return None if None in paid else sum((amount for amount in paid if amount is not None), ZERO)


def _without_tax(paid: Decimal, tax: Decimal, amounts: Amounts) -> Decimal:
    return max(ZERO, paid - tax) if amounts.taxes_included else paid


def _extras(document: Mapping[str, Any], amounts: Amounts) -> tuple[_Extra, ...]:
    # Duties can already be inside the prices (duties_included). Cash rounding belongs to the money received, not to
    # the order's total: shopify.dev/docs/api/admin-graphql/latest/objects/CashRoundingAdjustment.
    duties = _of_the_sale(document, "total_duties", amounts)
    fees = _of_the_sale(document, "total_additional_fees", amounts)
    rounding = amounts.attempt(document, "total_cash_rounding_payment_adjustment") or ZERO
    found = (
        (_named("duties", duties), document.get("duties_included") is not True),
        (_named("additional_fees", fees), True),
        (_named("cash_rounding", rounding), False),
    )
    return tuple(_Extra(part, usual) for parts, usual in found for part in parts)


def _of_the_sale(document: Mapping[str, Any], name: str, amounts: Amounts) -> Decimal:
    original = amounts.attempt(document, f"original_{name}")
    return (amounts.attempt(document, f"current_{name}") or ZERO) if original is None else original


def _named(name: str, amount: Decimal) -> tuple[NamedAmount, ...]:
    return (NamedAmount(name=name, amount=amount),) if amount else ()


def _closing(
    still_open: Decimal, shippings: tuple[Decimal, ...], extras: tuple[_Extra, ...]
) -> tuple[Decimal, tuple[NamedAmount, ...]]:
    """Choose the shipping and the extras whose sum is exactly what is still open; else the likeliest ones.

    Whether the total contains an amount is documented for none of the extras, but the order's own sum tells.
    """
    choices = product(*((extra.usual, not extra.usual) for extra in extras))
    readings = [
        (shipping, tuple(extra.part for extra, kept in zip(extras, choice, strict=True) if kept))
        for choice, shipping in product(choices, shippings)
    ]
    closing = (
        (shipping, parts)
        for shipping, parts in readings
        if shipping + sum(part.amount for part in parts) == still_open
    )
    return next(closing, readings[0])
