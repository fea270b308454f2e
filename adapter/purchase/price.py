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
    step = _step(totals, decimals)
    while _WIDE.quantize(_sum_of_products(prices, lines), step) != totals:
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
    step = None
    for digits in range(decimals, MOST_DIGITS):
        price = _WIDE.quantize(quotient, _STEPS[digits])
        if price == quotient:
            return price
        step = step or _step(total, decimals)
        if _WIDE.quantize(_WIDE.multiply(price, quantity), step) == total:
            return price
    return _WIDE.quantize(quotient, _STEPS[MOST_DIGITS])


def _rounded(total: Decimal, quantity: Decimal, digits: int) -> Decimal:
    return _WIDE.quantize(_WIDE.divide(total, quantity), _STEPS[digits])


def _sum_of_products(prices: Sequence[Decimal], lines: Sequence[LineItem]) -> Decimal:
    products = (_WIDE.multiply(price, line.quantity) for price, line in zip(prices, lines, strict=True))
    return sum(products, Decimal(0))


def _step(total: Decimal, decimals: int) -> Decimal:
    """Return what a product is rounded to: the finer of the currency's decimals and the total's own."""
    step = _STEPS[decimals]
    if _WIDE.quantize(total, step) == total:
        return step
    return Decimal(1).scaleb(-_digits(total.normalize(_WIDE)))


def _digits(number: Decimal) -> int:
    """Return how many digits stand after the point."""
    return -int(number.as_tuple().exponent)
