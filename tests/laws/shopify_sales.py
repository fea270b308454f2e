"""Sales of a Shopify shop, true before any JSON: the amounts of both sides in minor units.

Source: shopify.dev/docs/api/admin-rest/latest/resources/order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

from laws.truth import (
    DECIMALS,
    TrueLine,
    Truth,
    major,
    parted,
)


class Kind(StrEnum):
    """What a line is."""

    PRODUCT = "product"
    GIFT_CARD = "gift card"
    REMOVED = "removed"


class ShippingForm(StrEnum):
    """How a discount on shipping is told. The documentation allows all of them."""

    BOTH = "allocations, and the price after them"
    PRICE_ALONE = "the discounted price alone, as in the documentation's sample"
    ALLOCATIONS_ALONE = "allocations, and a discounted price that doesn't know them"
    NO_PRICE = "allocations, and no discounted price"


class Age(StrEnum):
    """How much a body says: from bodies of 2017 to those of today."""

    TODAY = "both sides for every amount"
    BEFORE_SETS = "one currency, allocations"
    BEFORE_ALLOCATIONS = "one currency, total_discount alone"


@dataclass(frozen=True, slots=True)
class Priced:
    """A line or a shipping line: `unit` is the listed price of one, with the tax inside if the shop includes taxes."""

    kind: Kind
    unit: int
    quantity: int
    allocations: tuple[int, ...] = ()
    taxes: tuple[int, ...] = ()

    @property
    def listed(self) -> int:
        """The price before discounts."""
        return self.unit * self.quantity

    @property
    def paid(self) -> int:
        """The price after discounts."""
        return self.listed - sum(self.allocations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """All amounts of one side, in minor units."""

    currency: str
    lines: tuple[Priced, ...]
    shippings: tuple[Priced, ...]
    tips: tuple[int, ...]
    duties: int
    fees: int
    rounding: int
    other_tax: int

    @property
    def decimals(self) -> int:
        """The decimals of the currency."""
        return DECIMALS[self.currency]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopifySale:
    """One order on both sides, and how its body tells it.

    `*_counted` say whether the total holds the amount: nothing is documented about it, and all of it occurs.
    """

    shown: Books
    shop: Books
    taxes_included: bool
    age: Age = Age.TODAY
    shipping_form: ShippingForm = ShippingForm.BOTH
    duties_counted: bool = True
    duties_included: bool = False
    rounding_counted: bool = False
    tip_as_line: bool = True
    paid_by_gift_card: bool = False

    def books(self, side: str) -> Books:
        """Return the amounts of this side."""
        return self.shown if side == "presentment" else self.shop

    def net(self, priced: Priced) -> int:
        """Return what a line costs without tax."""
        return priced.paid - (sum(priced.taxes) if self.taxes_included else 0)

    def tax(self, books: Books) -> int:
        """Return all tax of the order."""
        return sum(sum(one.taxes) for one in (*books.lines, *_kept(books.shippings))) + books.other_tax

    def total(self, books: Books) -> int:
        """Return what the buyer pays."""
        paid = sum(one.paid for one in (*books.lines, *_kept(books.shippings)))
        extras = sum(self._extras(books).values())
        return paid + (books.other_tax if self.taxes_included else self.tax(books)) + extras

    def _extras(self, books: Books) -> Mapping[str, int]:
        named = {
            "tip": sum(books.tips),
            "duties": books.duties if self.duties_counted else 0,
            "additional_fees": books.fees,
            "cash_rounding": books.rounding if self.rounding_counted else 0,
        }
        return {name: amount for name, amount in named.items() if amount}

    def truth(self, side: str) -> Truth:
        """Return what is true on this side."""
        books = self.books(side)
        decimals = books.decimals
        return Truth(
            currency=books.currency,
            lines=tuple(self._true_line(line, decimals) for line in books.lines if line.quantity),
            tax=major(self.tax(books), decimals),
            shipping=major(sum(map(self.net, _kept(books.shippings))), decimals),
            rest={name: major(amount, decimals) for name, amount in self._extras(books).items()},
            total=major(self.total(books), decimals),
        )

    def _true_line(self, line: Priced, decimals: int) -> TrueLine:
        # With the tax inside, nobody says how much tax a discount took away.
        known = not (self.taxes_included and line.taxes and line.allocations)
        discount = major(sum(line.allocations), decimals) if known else None
        net, tax = major(self.net(line), decimals), major(sum(line.taxes), decimals)
        return TrueLine(Fraction(line.quantity), net, tax, discount)

    def with_line_split(self, place: int, first: int) -> ShopifySale:
        """Return the sale with one line told as two, the first with so many of its pieces."""
        return self._on_both_sides(lambda books: replace(books, lines=_with_split(books.lines, place, first)))

    def with_gift_card(self, units: int) -> ShopifySale:
        """Return the sale with a gift card bought beside the rest, for the same number of units on both sides."""
        card = Priced(Kind.GIFT_CARD, units, 1)
        return self._on_both_sides(lambda books: replace(books, lines=(*books.lines, card)))

    def with_lines_in_order(self, order: tuple[int, ...]) -> ShopifySale:
        """Return the sale with its lines in another order."""
        return self._on_both_sides(lambda books: replace(books, lines=tuple(books.lines[place] for place in order)))

    def _on_both_sides(self, change: Callable[[Books], Books]) -> ShopifySale:
        return replace(self, shown=change(self.shown), shop=change(self.shop))

    @property
    def quantities(self) -> tuple[int, ...]:
        """How many pieces each line has."""
        return tuple(line.quantity for line in self.shown.lines)


def _kept(shippings: tuple[Priced, ...]) -> tuple[Priced, ...]:
    return tuple(one for one in shippings if one.kind is not Kind.REMOVED)


def _with_split(lines: tuple[Priced, ...], place: int, first: int) -> tuple[Priced, ...]:
    line = lines[place]
    discounts = parted(sum(line.allocations), first, line.quantity)
    parts = [
        replace(line, quantity=quantity, allocations=(discount,), taxes=())
        for quantity, discount in zip((first, line.quantity - first), discounts, strict=True)
    ]
    taxes = parted(sum(line.taxes), parts[0].paid, line.paid) if line.paid else (0, 0)
    parts = [replace(part, taxes=(tax,)) for part, tax in zip(parts, taxes, strict=True)]
    return (*lines[:place], *parts, *lines[place + 1 :])
