"""What is true about an order: whole minor units and fractions. Nothing of the adapter is used here.

The generators beside this module first make such a truth and then write it down as a platform would send it; the laws
compare what the adapter reads with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

# A few currencies of 0, 2 and 3 decimals, from the ISO 4217 list.
DECIMALS: Mapping[str, int] = {"EUR": 2, "USD": 2, "AUD": 2, "JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3}

FINEST_PRICE = 6
"""How many digits a unit price has at most."""

BASIS = 10_000
"""Tax rates are whole basis points: 1900 of 10000 is 19 %."""

SHARES = 1000
"""Shares of a discount are whole thousandths."""


@dataclass(frozen=True, slots=True)
class TrueLine:
    """What a line costs as a whole, after discounts and without tax; `discount` is without tax too, or unknown."""

    quantity: Fraction
    net: Fraction
    tax: Fraction
    discount: Fraction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The amounts of an order on one side, in major units."""

    currency: str
    lines: tuple[TrueLine, ...]
    tax: Fraction
    shipping: Fraction
    rest: Mapping[str, Fraction]
    total: Fraction

    @property
    def value(self) -> Fraction:
        """The sum of the lines."""
        return sum((line.net for line in self.lines), Fraction(0))

    def is_rounded(self, product: Fraction, amount: Fraction) -> bool:
        """Whether a product rounds to an amount, in the currency's decimals, or in the amount's own if it has more."""
        decimals = DECIMALS[self.currency]
        while (amount * 10**decimals).denominator != 1:
            decimals += 1
        return rounded(product, decimals) == amount


def most_pieces(decimals: int) -> int:
    """Return for how many pieces in an order prices of six digits are fine enough.

    Each price is wrong by at most half a millionth, so the sum over N pieces by at most N half millionths; it rounds
    to the right amount while that is at most half of the last decimal.
    """
    return int(10 ** (FINEST_PRICE - decimals))


def major(units: int, decimals: int) -> Fraction:
    """Return minor units in major units."""
    return Fraction(units, 10**decimals)


def written(units: int, decimals: int) -> str:
    """Write minor units as text in major units, with exactly so many decimals."""
    sign, digits = ("-" if units < 0 else ""), str(abs(units)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else f"{sign}{digits}"


def half_up(numerator: int, denominator: int = 1) -> int:
    """Round a fraction of whole numbers to the next whole one, halves away from zero."""
    away = (2 * abs(numerator) + denominator) // (2 * denominator)
    return away if numerator >= 0 else -away


def rounded(value: Fraction, decimals: int) -> Fraction:
    """Round to so many decimals, halves away from zero."""
    scaled = value * 10**decimals
    return major(half_up(scaled.numerator, scaled.denominator), decimals)


def taken_off(amount: int, shares: Iterable[int]) -> tuple[int, ...]:
    """Return what each discount takes off: its share of the amount, as long as something is left."""
    left, taken = amount, []
    for share in shares:
        taken.append(min(left, half_up(amount * share, SHARES)))
        left -= taken[-1]
    return tuple(taken)


def taxes_on_top(net: int, rates: Iterable[int], *, compound: bool) -> tuple[int, ...]:
    """Return the tax of each rate on a net amount; a compound rate is taken on the taxes before it, too."""
    taxes: list[int] = []
    for rate in rates:
        base = net + sum(taxes) if compound else net
        taxes.append(half_up(base * rate, BASIS))
    return tuple(taxes)


def taxes_inside(gross: int, rates: Iterable[int], *, compound: bool) -> tuple[int, ...]:
    """Return the tax of each rate that is inside a gross amount; never more than it all."""
    rates = tuple(rates)
    factor = Fraction(1)
    for rate in rates:
        factor = factor * (BASIS + rate) / BASIS if compound else factor + Fraction(rate, BASIS)
    base, left, taxes = gross / factor, gross, []
    for rate in rates:
        exact = base * rate / BASIS
        taxes.append(min(left, half_up(exact.numerator, exact.denominator)))
        left -= taxes[-1]
        base = base + exact if compound else base
    return tuple(taxes)


def parted(amount: int, shares: int, of: int) -> tuple[int, int]:
    """Part an amount in two whole ones, about as shares : of − shares."""
    first = half_up(amount * shares, of)
    return first, amount - first
