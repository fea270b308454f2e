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


def unit_prices(lines: Sequence[LineItem], currency: str) -> list[Decimal]:
    """Return the discounted unit price without tax of each line, in major units.

    Every price × quantity rounds to its line's total, and their sum rounds to the sum of the totals, as far as six
    digits reach (they don't for lines of several thousand pieces).
    """
    decimals = DECIMALS.get(currency, 2)
    digits = [_digits_needed(line.total, line.quantity, decimals) for line in lines]
    totals = sum((line.total for line in lines), Decimal(0))
    while True:
        prices = [_rounded(line.total, line.quantity, places) for line, places in zip(lines, digits, strict=True)]
        multiplied = sum(
            (_product(price, line.quantity) for price, line in zip(prices, lines, strict=True)), Decimal(0)
        )
        if _agree(multiplied, totals, decimals) or min(digits, default=MOST_DIGITS) >= MOST_DIGITS:
            return prices
        digits = [min(places + 1, MOST_DIGITS) for places in digits]


def unit_price(total: Decimal, quantity: Decimal, currency: str) -> Decimal:
    """Return the price of one piece, so that price × quantity rounds to the total."""
    return _rounded(total, quantity, _digits_needed(total, quantity, DECIMALS.get(currency, 2)))


def _digits_needed(total: Decimal, quantity: Decimal, decimals: int) -> int:
    for digits in range(decimals, MOST_DIGITS):
        if _agree(_product(_rounded(total, quantity, digits), quantity), total, decimals):
            return digits
    return MOST_DIGITS


def _rounded(total: Decimal, quantity: Decimal, digits: int) -> Decimal:
    return _WIDE.quantize(_WIDE.divide(total, quantity), Decimal(1).scaleb(-digits))


def _product(price: Decimal, quantity: Decimal) -> Decimal:
    return _WIDE.multiply(price, quantity)


def _agree(multiplied: Decimal, total: Decimal, decimals: int) -> bool:
    """Whether the product rounds to the total, at the finer of the currency's decimals and the total's own."""
    own = max(0, -int(total.normalize().as_tuple().exponent)) if total else 0
    return _WIDE.quantize(multiplied, Decimal(1).scaleb(-max(decimals, own))) == total
