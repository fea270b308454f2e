"""Draws sales of a Shopify shop: one shape first, in the buyer's minor units, from which both sides are worked out.

The shop's side isn't the buyer's side multiplied as a whole: every unit price is converted and rounded, and the rest
follows from it, so that each side adds up by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Any

from hypothesis import strategies as st
from laws.shopify_sales import Age, Books, Kind, Priced, ShippingForm, ShopifySale
from laws.truth import DECIMALS, half_up, most_pieces, taken_off, taxes_inside, taxes_on_top


@dataclass(frozen=True, slots=True)
class _Shape:
    """A line without a side: a price in the buyer's minor units, and shares of it."""

    kind: Kind
    unit: int
    quantity: int
    shares: tuple[int, ...]
    taxed: bool


@dataclass(frozen=True, slots=True)
class _Taxes:
    included: bool
    compound: bool
    rates: tuple[int, ...]

    def of(self, amount: int) -> tuple[int, ...]:
        taxes = taxes_inside if self.included else taxes_on_top
        return taxes(amount, self.rates, compound=self.compound)


def _entered(shape: _Shape, taxes: _Taxes, rate: Fraction) -> Priced:
    unit = _converted(shape.unit, rate)
    line = Priced(shape.kind, unit, shape.quantity, taken_off(unit * shape.quantity, shape.shares))
    return replace(line, taxes=taxes.of(line.paid)) if shape.taxed and taxes.rates else line


def _converted(units: int, rate: Fraction) -> int:
    return half_up(units * rate.numerator, rate.denominator)


# The buyer's currency and the shop's.
_TWO = [("USD", "AUD"), ("EUR", "USD"), ("JPY", "USD"), ("USD", "JPY"), ("KWD", "EUR"), ("EUR", "KWD"), ("KRW", "JPY")]
_PAIRS = st.sampled_from([(code, code) for code in ("EUR", "USD", "JPY", "KRW", "KWD", "BHD")] + _TWO)
_TWO_CURRENCIES = st.sampled_from(_TWO)
_PRICES = st.integers(0, 10**8) | st.integers(1, 500).map(lambda hundreds: 100 * hundreds - 1)
_RATE = st.integers(0, 3000)
_RATES = st.just(()) | st.tuples(_RATE) | st.tuples(_RATE, _RATE) | st.tuples(_RATE, _RATE, _RATE)
_SHARE = st.integers(0, 1000)
_SHARES = st.just(()) | st.tuples(_SHARE) | st.tuples(_SHARE, _SHARE)
_EXCHANGE = st.integers(10, 20_000)
_SMALL = st.integers(1, 100_000)
_TIPS = st.tuples(_SMALL) | st.tuples(_SMALL, _SMALL)
_SIGNED = st.integers(-500, 2000)
_CENTS = st.integers(-4, 4)
_PLAIN_CENTS = st.sampled_from([-4, 4])
_EXTRAS = st.integers(0, 2**8 - 1)
_CHOICE = st.integers(0, 19)
_LINES = st.integers(1, 5)
_SHIPPINGS = st.sampled_from([1, 1, 1, 0, 2])
_AGES = st.sampled_from([Age.TODAY, Age.TODAY, Age.BEFORE_SETS, Age.BEFORE_ALLOCATIONS])
_PLAIN_AGES = st.sampled_from([Age.TODAY, Age.BEFORE_SETS])
_FORMS = st.sampled_from(list(ShippingForm))


@cache
def _quantities(most: int) -> st.SearchStrategy[int]:
    return st.integers(1, min(4, most)) | st.integers(1, most)


@st.composite
def shopify_sales(draw: st.DrawFn, *, plain: bool = False, two_currencies: bool = False) -> ShopifySale:
    """Draw a sale. A plain one tells everything in the documented way, so that no other reading can explain a cent."""
    shown, shop = draw(_TWO_CURRENCIES if two_currencies else _PAIRS)
    rate = Fraction(draw(_EXCHANGE), 1000) if shown != shop else Fraction(1)
    taxes = _Taxes(draw(st.booleans()), draw(st.booleans()), draw(_RATES))
    pieces = most_pieces(max(DECIMALS[shown], DECIMALS[shop]))
    lines = _drawn_lines(draw, pieces)
    shippings = tuple(_drawn_shipping(draw) for _ in range(draw(_SHIPPINGS)))
    extras = _Extras(draw, draw(_EXTRAS), plain=plain)
    clear = plain or extras.odd
    books = [
        Books(
            currency=currency,
            lines=tuple(_entered(line, taxes, exchange) for line in lines),
            shippings=tuple(_entered(line, taxes, exchange) for line in shippings),
            **{name: _in_side(amount, exchange) for name, amount in extras.amounts.items()},
        )
        for currency, exchange in ((shown, Fraction(1)), (shop, rate))
    ]
    return ShopifySale(
        shown=books[0],
        shop=books[1],
        taxes_included=taxes.included,
        age=Age.TODAY if shown != shop else draw(_PLAIN_AGES if clear else _AGES),
        shipping_form=ShippingForm.BOTH if clear else draw(_FORMS),
        duties_counted=extras.duties_counted,
        duties_included=extras.duties_included,
        rounding_counted=extras.rounding_counted,
        tip_as_line=extras.tip_as_line or shown != shop,
        paid_by_gift_card=extras.paid_by_gift_card,
    )


def _in_side(amount: Any, exchange: Fraction) -> Any:  # An amount or several.
    return (
        tuple(_converted(one, exchange) for one in amount)
        if isinstance(amount, tuple)
        else _converted(amount, exchange)
    )


def _drawn_lines(draw: st.DrawFn, pieces: int) -> tuple[_Shape, ...]:
    count = draw(_LINES)
    quantities = _quantities(min(10_000, pieces // count))
    return tuple(_drawn_line(draw, quantities) for _ in range(count))


def _drawn_line(draw: st.DrawFn, quantities: st.SearchStrategy[int]) -> _Shape:
    choice, unit, quantity = draw(_CHOICE), draw(_PRICES), draw(quantities)
    if choice == 19:
        return _Shape(Kind.GIFT_CARD, unit, quantity, (), taxed=False)
    if choice == 18:
        return _Shape(Kind.REMOVED, unit, 0, (), taxed=False)
    if choice == 17:
        return _Shape(Kind.PRODUCT, 0, quantity, (), taxed=True)
    return _Shape(Kind.PRODUCT, unit, quantity, (1000,) if choice == 16 else draw(_SHARES), taxed=choice > 1)


def _drawn_shipping(draw: st.DrawFn) -> _Shape:
    choice = draw(_CHOICE)
    kind = Kind.REMOVED if choice == 19 else Kind.PRODUCT
    return _Shape(kind, draw(_SMALL), 1, (1000,) if choice == 18 else draw(_SHARES), taxed=choice > 1)


class _Extras:
    """Tips, duties, fees and rounding, most of them absent in most orders.

    An order whose total leaves out duties, or holds the cash rounding, has no other extra: with several of them the
    amounts themselves could be read in two ways, and neither would be the truth.
    """

    def __init__(self, draw: st.DrawFn, chosen: int, *, plain: bool) -> None:
        tip, duties, fees, rounding, odd, card, as_line, flag = (bool(chosen & 2**bit) for bit in range(8))
        self.odd = odd and not plain and (duties or rounding)
        self.duties_counted = not (self.odd and duties)
        self.duties_included = flag and not self.duties_counted
        self.rounding_counted = self.odd and not duties
        self.tip_as_line = as_line
        self.paid_by_gift_card = card
        self.amounts: dict[str, Any] = {
            "tips": draw(_TIPS) if tip else (),
            "duties": draw(_SMALL) if duties else 0,
            "fees": draw(_SMALL if plain else _SIGNED) if fees and not self.odd else 0,
            "rounding": draw(_PLAIN_CENTS if plain else _CENTS) if rounding and self.duties_counted else 0,
            "other_tax": draw(_SMALL) if duties and not self.odd else 0,
        }
