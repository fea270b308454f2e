"""Unit prices that multiply back to what was paid.

Axon wants `value = Σ price × quantity`. A line total often doesn't divide by its quantity (143.97 for 4), so a price
carries as many digits as it takes, at most six, for price × quantity to round back to the line's total.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal

from adapter.purchase.currency import DECIMALS
from adapter.purchase.order import LineItem

MOST_DIGITS = 6

_WIDE = Context(prec=60, rounding=ROUND_HALF_UP)
_STEPS = [Decimal(1).scaleb(-digits) for digits in range(MOST_DIGITS + 1)]
"""The smallest step of a price with so many digits after the point."""


def unit_prices(lines: Sequence[LineItem], currency: str) -> list[Decimal]:
    """Return the discounted unit price without tax of each line, in major units.

    Every price × quantity rounds to its line's total, and their sum rounds to the sum of the totals, as far as six
    digits reach (they don't for lines of several thousand pieces).
    """
    decimals = DECIMALS.get(currency, 2)
    prices = [unit_price(line.total, line.quantity, currency) for line in lines]
    totals = sum((line.total for line in lines), Decimal(0))
    while not _agree(_sum_of_products(prices, lines), totals, decimals):
        digits = [_digits(price) for price in prices]
        if min(digits, default=MOST_DIGITS) >= MOST_DIGITS:
            break
        prices = [
            _rounded(line.total, line.quantity, min(n + 1, MOST_DIGITS)) for line, n in zip(lines, digits, strict=True)
        ]
    return prices


def unit_price(total: Decimal, quantity: Decimal, currency: str) -> Decimal:
    """Return the price of one piece, so that price × quantity rounds to the total."""
    decimals = DECIMALS.get(currency, 2)
    quotient = _WIDE.divide(total, quantity)
    for digits in range(decimals, MOST_DIGITS):
        price = _WIDE.quantize(quotient, _STEPS[digits])
        if price == quotient or _agree(_WIDE.multiply(price, quantity), total, decimals):
            return price
    return _WIDE.quantize(quotient, _STEPS[MOST_DIGITS])


def _rounded(total: Decimal, quantity: Decimal, digits: int) -> Decimal:
    return _WIDE.quantize(_WIDE.divide(total, quantity), _STEPS[digits])


def _sum_of_products(prices: Sequence[Decimal], lines: Sequence[LineItem]) -> Decimal:
    products = (_WIDE.multiply(price, line.quantity) for price, line in zip(prices, lines, strict=True))
    return sum(products, Decimal(0))


def _agree(multiplied: Decimal, total: Decimal, decimals: int) -> bool:
    """Whether the product rounds to the total, at the finer of the currency's decimals and the total's own."""
    if multiplied == total:
        return True
    own = max(0, _digits(total.normalize(_WIDE))) if total else 0
    return _WIDE.quantize(multiplied, Decimal(1).scaleb(-max(decimals, own))) == total


def _digits(number: Decimal) -> int:
    """Return how many digits stand after the point; negative when there are zeros before it (1E+3)."""
    return -int(number.as_tuple().exponent)
