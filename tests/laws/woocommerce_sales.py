"""Sales of a WooCommerce shop, true first: whole units of the shop's last decimal, made before any JSON.

The shop's number of decimals is a setting, the same for every currency: yen in a shop of two decimals are "1000.00".
Source: class-wc-rest-orders-v2-controller.php of WooCommerce 11.0.1; wc_get_price_decimals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache

from hypothesis import strategies as st
from laws.truth import (
    DECIMALS,
    TrueLine,
    Truth,
    major,
    most_pieces,
    parted,
    taken_off,
    taxes_on_top,
)

WHOLE = 1000
"""Quantities are thousandths of a piece: plugins sell half metres."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line, a fee or a shipping line: `subtotal` before coupons, `total` after them, both without tax."""

    name: str
    thousandths: int
    subtotal: int
    total: int
    tax: int

    @property
    def is_item(self) -> bool:
        """Whether something was bought; plugins also write discounts and deposits as lines."""
        return self.thousandths > 0 and self.total >= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WooCommerceSale:
    """One order. `tax` is stated by the shop, which may round it once for all lines; `cards` are gift cards.

    `cards_redeemed` says whether they lower the total: other plugins list the cards that were sold.
    """

    currency: str
    decimals: int
    prices_include_tax: bool
    compound: bool
    rates: tuple[int, ...]
    lines: tuple[Row, ...]
    fees: tuple[Row, ...]
    shippings: tuple[Row, ...]
    tax: int
    cards: tuple[int, ...] = ()
    cards_redeemed: bool = False
    with_hole: bool = False

    @property
    def before_cards(self) -> int:
        """What the buyer would pay without gift cards."""
        return sum(row.total for row in (*self.lines, *self.fees, *self.shippings)) + self.tax

    @property
    def redeemed(self) -> int:
        """What gift cards paid."""
        return sum(self.cards) if self.cards_redeemed else 0

    @property
    def total(self) -> int:
        """What the buyer pays."""
        return self.before_cards - self.redeemed

    def truth(self, side: str) -> Truth:
        """Return what is true; both sides are the same here."""
        del side
        return Truth(
            currency=self.currency,
            lines=tuple(self._true_line(line) for line in self.lines if line.is_item),
            tax=self._major(self.tax),
            shipping=self._major(sum(row.total for row in self.shippings)),
            rest={name: self._major(amount) for name, amount in self._rest().items() if amount},
            total=self._major(self.total),
        )

    def _true_line(self, line: Row) -> TrueLine:
        discount = self._major(line.subtotal - line.total)
        quantity = Fraction(line.thousandths, WHOLE)
        return TrueLine(quantity, self._major(line.total), self._major(line.tax), discount)

    def _rest(self) -> Mapping[str, int]:
        rest: dict[str, int] = {"gift card": -self.redeemed}
        for fee in self.fees:
            rest[fee.name] = rest.get(fee.name, 0) + fee.total
        for line in self.lines:
            if not line.is_item:
                name = line.name if line.thousandths else "line without quantity"
                rest[name] = rest.get(name, 0) + line.total
        return rest

    def _major(self, units: int) -> Fraction:
        return major(units, self.decimals)

    def with_line_split(self, place: int, first: int) -> WooCommerceSale:
        """Return the sale with one line told as two, the first with so many of its thousandths."""
        line = self.lines[place]
        pairs = [
            parted(amount, first, line.thousandths) for amount in (line.total, line.subtotal - line.total, line.tax)
        ]
        parts = [
            replace(line, thousandths=thousandths, total=total, subtotal=total + discount, tax=tax)
            for thousandths, total, discount, tax in zip((first, line.thousandths - first), *pairs, strict=True)
        ]
        return replace(self, lines=(*self.lines[:place], *parts, *self.lines[place + 1 :]))

    def with_lines_in_order(self, order: tuple[int, ...]) -> WooCommerceSale:
        """Return the sale with its lines in another order."""
        return replace(self, lines=tuple(self.lines[place] for place in order))

    def without_cards(self) -> WooCommerceSale:
        """Return the sale as if it had been paid without gift cards."""
        return replace(self, cards=(), cards_redeemed=False)

    @property
    def quantities(self) -> tuple[int, ...]:
        """How many thousandths each line has that is an item; 0 for the others."""
        return tuple(line.thousandths if line.is_item else 0 for line in self.lines)


_CURRENCIES = st.sampled_from(["EUR", "USD", "JPY", "KRW", "KWD", "BHD"])
_SETTINGS = st.sampled_from([None, None, None, None, 0, 2, 3, 4])
_PRICES = st.integers(0, 10**9) | st.integers(1, 500).map(lambda hundreds: 100 * hundreds - 1)
_RATE = st.integers(0, 3000)
_RATES = st.just(()) | st.tuples(_RATE) | st.tuples(_RATE, _RATE) | st.tuples(_RATE, _RATE, _RATE)
_SHARE = st.integers(0, 1000)
_SHARES = st.just(()) | st.tuples(_SHARE) | st.tuples(_SHARE, _SHARE)
_SMALL = st.integers(0, 100_000)
_CHOICE = st.integers(0, 19)
_LINES = st.integers(1, 5)
_SHIPPINGS = st.sampled_from([1, 1, 1, 0, 2])
_FEES = st.sampled_from([0, 0, 1, 2])
_SWITCHES = st.integers(0, 2**5 - 1)
_JITTER = st.integers(-2, 2)
_FEE_NAMES = ("Packing & care", "Small order", "Loyalty discount")


@cache
def _quantities(most: int) -> st.SearchStrategy[int]:
    return (st.integers(1, min(4, most)) | st.integers(1, most)).map(lambda pieces: pieces * WHOLE)


@cache
def _fractions(most: int) -> st.SearchStrategy[int]:
    return st.integers(1, most * WHOLE)


class _Till:
    """Takes rows in; what lowers the total never takes more than there is, nor more tax than there is."""

    def __init__(self, rates: tuple[int, ...], *, compound: bool) -> None:
        self._rates, self._compound = rates, compound
        self._net = self._tax = 0

    def take(self, name: str, thousandths: int, subtotal: int, total: int, *, taxed: bool = True) -> Row:
        tax = sum(taxes_on_top(total, self._rates, compound=self._compound)) if taxed else 0
        row = Row(name, thousandths, subtotal, total, tax)
        self._net, self._tax = self._net + row.total, self._tax + row.tax
        return row

    def give(self, name: str, thousandths: int, amount: int) -> Row:
        amount = min(amount, self._net)
        tax = min(self._tax, sum(taxes_on_top(amount, self._rates, compound=self._compound)))
        self._net, self._tax = self._net - amount, self._tax - tax
        return Row(name, thousandths, -amount, -amount, -tax)

    def stated_tax(self, jitter: int) -> int:
        """Return the tax as the shop states it: rounded once for the order, it differs from the sum of the rows."""
        return max(0, self._tax + jitter) if self._rates else self._tax


@st.composite
def woocommerce_sales(draw: st.DrawFn, *, plain: bool = False) -> WooCommerceSale:
    """Draw a sale; a plain one was not paid with gift cards."""
    currency, setting = draw(_CURRENCIES), draw(_SETTINGS)
    decimals = DECIMALS[currency] if setting is None else setting
    rates = draw(_RATES)
    switches = draw(_SWITCHES)
    with_cards, redeemed, include_tax, compound, with_hole = (bool(switches & 2**bit) for bit in range(5))
    till = _Till(rates, compound=compound)
    lines = _drawn_lines(draw, till, most_pieces(max(decimals, DECIMALS[currency])))
    shippings = tuple(_drawn_shipping(draw, till) for _ in range(draw(_SHIPPINGS)))
    fees = tuple(_drawn_fee(draw, till) for _ in range(draw(_FEES)))
    sale = WooCommerceSale(
        currency=currency,
        decimals=decimals,
        prices_include_tax=include_tax,
        compound=compound,
        rates=rates,
        lines=lines,
        fees=fees,
        shippings=shippings,
        tax=till.stated_tax(draw(_JITTER)),
        with_hole=with_hole,
    )
    if plain or not with_cards:
        return sale
    return replace(sale, cards=taken_off(sale.before_cards, draw(_SHARES)), cards_redeemed=redeemed)


def _drawn_lines(draw: st.DrawFn, till: _Till, pieces: int) -> tuple[Row, ...]:
    count = draw(_LINES)
    return tuple(_drawn_line(draw, till, min(10_000, pieces // count)) for _ in range(count))


def _drawn_line(draw: st.DrawFn, till: _Till, most: int) -> Row:
    choice, price = draw(_CHOICE), draw(_PRICES)
    if choice == 19:
        return till.give("Loyalty line", WHOLE, price)
    if choice == 18:
        return till.take("Deposit", 0, price, price)
    if choice == 17:
        return till.take("Nothing", 0, 0, 0)
    quantity = draw(_fractions(min(20, most)) if choice > 13 else _quantities(most))
    total = 0 if choice == 13 else price - sum(taken_off(price, draw(_SHARES)))
    return till.take("Thing", quantity, price, total, taxed=choice > 1)


def _drawn_shipping(draw: st.DrawFn, till: _Till) -> Row:
    price = draw(_SMALL)
    return till.take("Parcel", WHOLE, price, price)


def _drawn_fee(draw: st.DrawFn, till: _Till) -> Row:
    choice, amount = draw(_CHOICE), draw(_SMALL)
    name = _FEE_NAMES[choice % 3]
    return till.give(name, WHOLE, amount) if choice % 3 == 2 else till.take(name, WHOLE, amount, amount)
