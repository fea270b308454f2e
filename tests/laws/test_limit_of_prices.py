"""How far prices of six digits reach, and what happens where they don't.

Half a millionth at most is wrong with a price; times N pieces that is at most half a cent for N = 10,000, half a fils
for 1,000 and half a yen for 1,000,000. So far the laws hold, and not by one piece further.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import strategies as st
from laws.truth import DECIMALS, FINEST_PRICE, major, most_pieces, rounded, written

from adapter.purchase.order import LineItem
from adapter.purchase.price import unit_price, unit_prices

CURRENCIES = st.sampled_from(sorted(DECIMALS))
THOUSAND = 1000


def a_line(units: int, decimals: int, quantity: Decimal) -> LineItem:
    """Return a line of which only total and quantity matter."""
    total = Decimal(written(units, decimals))
    return LineItem(
        product_id=None,
        variant_id=None,
        sku=None,
        title="",
        quantity=quantity,
        total=total,
        total_before_discount=total,
        tax=Decimal(0),
        source={},
    )


def test_one_line_reaches_to_the_limit(proof: Any) -> None:
    """Up to 10,000 pieces (1,000 with three decimals, a million with none) price × quantity rounds to the total."""

    @proof(units=st.integers(0, 10**12), below=st.integers(0, 10**4), currency=CURRENCIES)
    def law(units: int, below: int, currency: str) -> None:
        decimals = DECIMALS[currency]
        quantity = max(1, most_pieces(decimals) - below)
        price = unit_price(Decimal(written(units, decimals)), Decimal(quantity), currency)
        assert major(units, decimals) == rounded(Fraction(price) * quantity, decimals)


def test_all_lines_together_reach_to_the_limit(proof: Any) -> None:
    """With so many pieces in all lines together, fractions of pieces too, the sum rounds to the value."""

    @proof(
        lines=st.lists(st.tuples(st.integers(0, 10**12), st.integers(1, 1000)), min_size=1, max_size=30),
        currency=CURRENCIES,
    )
    def law(lines: list[tuple[int, int]], currency: str) -> None:
        decimals = DECIMALS[currency]
        thousandths = shared_out(most_pieces(decimals) * THOUSAND, [weight for _, weight in lines])
        quantities = [Decimal(written(share, 3)) for share in thousandths]
        items = [a_line(units, decimals, quantity) for (units, _), quantity in zip(lines, quantities, strict=True)]
        products = [
            Fraction(price) * Fraction(quantity)
            for price, quantity in zip(unit_prices(items, currency), quantities, strict=True)
        ]
        totals = [major(units, decimals) for units, _ in lines]
        assert totals == [rounded(product, decimals) for product in products]
        assert sum(totals) == rounded(sum(products, Fraction(0)), decimals)


def shared_out(amount: int, weights: list[int]) -> list[int]:
    """Share an amount by weights; everyone gets at least one, and one less than all is given away."""
    return [max(1, (amount - len(weights)) * weight // sum(weights)) for weight in weights]


@pytest.mark.parametrize(
    ("total", "quantity", "currency", "price", "product"),
    [
        ("50.00", 10_001, "EUR", "0.005000", "50.005000"),
        ("0.500", 1_001, "KWD", "0.000500", "0.500500"),
        ("500000", 1_000_001, "JPY", "0.500000", "500000.500000"),
    ],
)
def test_one_piece_more_is_too_many(total: str, quantity: int, currency: str, price: str, product: str) -> None:
    """One piece beyond the limit a price can fail to multiply back: the product rounds to a cent more."""
    found = unit_price(Decimal(total), Decimal(quantity), currency)
    assert price == str(found)
    assert product == str(found * quantity)
    assert Fraction(total) < rounded(Fraction(product), DECIMALS[currency])


def test_beyond_the_limit_a_price_is_the_nearest_one(proof: Any) -> None:
    """However many pieces: price × quantity is off by at most half a millionth a piece, or rounds to the total."""

    @proof(units=st.integers(0, 10**12), quantity=st.integers(1, 10**9), currency=CURRENCIES)
    def law(units: int, quantity: int, currency: str) -> None:
        total = major(units, DECIMALS[currency])
        product = (
            Fraction(unit_price(Decimal(written(units, DECIMALS[currency])), Decimal(quantity), currency)) * quantity
        )
        off_by_little = abs(product - total) <= Fraction(quantity, 2 * 10**FINEST_PRICE)
        assert off_by_little or total == rounded(product, DECIMALS[currency])
