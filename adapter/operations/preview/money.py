"""An order's money as a sum that adds up on the screen: the lines make the items, the items and the rest the total."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from adapter.purchase.currency import DECIMALS
from adapter.purchase.order import LineItem, Order
from adapter.purchase.price import unit_prices

_WORDS, _INNER, _OUTER = 48, 14, 16
"""Widths: what it is, the lines' own column (which sums up to the items), the order's (which sums up to its total)."""


def money_of(order: Order) -> dict[str, Any]:
    """Return the sum for programs."""
    return {
        "currency": order.currency,
        "items": order.items_value,
        "tax": order.tax,
        "shipping": order.shipping,
        "rest": {part.name: part.amount for part in order.rest},
        "total": order.total,
        "remainder": order.remainder,
        "lines": [
            {
                "title": line.title,
                "quantity": line.quantity,
                "price": price,
                "total": line.total,
                "discount": line.total_before_discount - line.total,
            }
            for line, price in zip(order.lines, unit_prices(order.lines, order.currency), strict=True)
        ],
    }


def money_lines(order: Order) -> Iterator[str]:
    """Yield the sum for people. Every amount has the same decimals, so that each column can be added up by eye."""
    named = [(part.name, part.amount) for part in order.rest]
    parts = [("items", order.items_value), ("tax", order.tax), ("shipping", order.shipping), *named]
    parts += [("remainder that can't be named", order.remainder), ("total, as the order says it", order.total)]
    places = _places(order, [amount for _, amount in parts])
    yield f"money ({order.currency})"
    for line, price in zip(order.lines, unit_prices(order.lines, order.currency), strict=True):
        yield from _line(line, price, places)
    for words, amount in parts:
        yield f"  {_cut(words, _WORDS - 2):<{_WORDS - 2}}{'':{_INNER}}{amount:>{_OUTER}.{places}f}"


def _line(line: LineItem, price: Decimal, places: int) -> Iterator[str]:
    quantity = f"{line.quantity.normalize():f}"
    # The price carries as many digits as it takes for the product to round back to the line's total.
    sign = "=" if price * line.quantity == line.total else "≈"
    words = _cut(f"{quantity} × {price:f}  {line.title}", _WORDS - 6)
    yield f"    {words:<{_WORDS - 6}} {sign}{line.total:>{_INNER}.{places}f}"
    discount = line.total_before_discount - line.total
    if discount:
        yield f"      after a discount of {discount:.{places}f}"


def _places(order: Order, amounts: Sequence[Decimal]) -> int:
    listed = [*amounts, *(line.total for line in order.lines)]
    listed += [line.total_before_discount for line in order.lines]
    written = [-int(amount.as_tuple().exponent) for amount in listed]
    return max(DECIMALS.get(order.currency, 2), *written)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
