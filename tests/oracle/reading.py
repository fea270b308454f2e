"""What the second reading of an order says: figures and reasons, in the plainest possible shape.

Nothing here, or beside it, imports the adapter: it was written from the vendors' pages alone, so that two readings
can be held against each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

ZERO = Decimal(0)

# ISO 4217; every other currency that the samples use has two.
_DECIMALS = {"JPY": 0, "CLP": 0, "KWD": 3}


class NoOrder(Exception):
    """The body gives no order: `kind` is "ignored", "unreadable" or "test notification", `because` what it is."""

    def __init__(self, kind: str, because: str) -> None:
        super().__init__(f"{kind}: {because}")
        self.kind, self.because = kind, because


@dataclass(frozen=True)
class Item:
    """One line: `total` after discounts and without tax, `tax` on it, both for all of its pieces."""

    id: str | None
    variant: str | None
    quantity: Decimal
    total: Decimal
    tax: Decimal


@dataclass(frozen=True)
class Reading:
    """One order; `reasons` are all the rules by which it isn't sent, in the order in which they are asked.

    `is_placed` says whether the buyer has ordered: a checkout in progress or a failed payment isn't an order yet.
    """

    currency: str
    items: list[Item]
    tax: Decimal
    shipping: Decimal
    total: Decimal
    rest: dict[str, Decimal] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    is_placed: bool = True

    @property
    def value(self) -> Decimal:
        """What the items cost."""
        return sum((item.total for item in self.items), ZERO)

    @property
    def remainder(self) -> Decimal:
        """What the order's own numbers leave without a name."""
        return self.total - self.value - self.tax - self.shipping - sum(self.rest.values())


def number(value: Any) -> Decimal | None:
    """Return a JSON number, or the number in a text; None where there is none."""
    if value is None or isinstance(value, bool) or str(value).strip() == "":
        return None
    return Decimal(str(value).strip())


def unit_price(total: Decimal, quantity: Decimal, currency: str) -> Decimal:
    """Return the price with the fewest digits, from the currency's own up to six, that multiplies back."""
    decimals = _DECIMALS.get(currency, 2)
    with localcontext(prec=50, rounding=ROUND_HALF_UP):
        for digits in range(decimals, 7):
            price = round_half_up(total / quantity, digits)
            if round_half_up(price * quantity, decimals) == total:
                return price
        return price


def round_half_up(value: Decimal, digits: int) -> Decimal:
    """Round as shops do, not as bankers."""
    return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
