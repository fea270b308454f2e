"""Unit prices multiply back to what was paid. The oracle counts in fractions and knows nothing of the code."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapter.purchase.order import LineItem
from adapter.purchase.price import MOST_DIGITS, unit_price, unit_prices

DECIMALS = {"EUR": 2, "JPY": 0, "KWD": 3}


def priced(total: Decimal, quantity: Decimal) -> LineItem:
    """Return a line of which only total and quantity matter."""
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


def rounded(value: Fraction, decimals: int) -> Fraction:
    """Round half away from zero, in whole numbers."""
    scaled = abs(value) * 10**decimals
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Fraction(whole if value >= 0 else -whole, 10**decimals)


@pytest.mark.parametrize(
    ("total", "quantity", "currency", "price"),
    [
        ("143.97", "4", "EUR", "35.993"),
        ("10.00", "3", "EUR", "3.333"),
        ("10.00", "2", "EUR", "5.00"),
        ("1000", "3", "JPY", "333.3"),
        ("1001", "3", "JPY", "333.7"),
        ("1.000", "3", "KWD", "0.3333"),
        ("6.25", "2.5", "EUR", "2.50"),
        ("0.00", "7", "EUR", "0.00"),
        ("-9.99", "3", "EUR", "-3.33"),
        ("4.9999", "2", "EUR", "2.49995"),
    ],
)
def test_known_prices(total: str, quantity: str, currency: str, price: str) -> None:
    """A price carries as many digits as it takes, and no more."""
    assert price == str(unit_price(Decimal(total), Decimal(quantity), currency))


@given(units=st.integers(0, 10**7), quantity=st.integers(1, 400), currency=st.sampled_from(sorted(DECIMALS)))
def test_price_times_quantity_is_the_total(units: int, quantity: int, currency: str) -> None:
    """Price × quantity rounds to the line's total, with at most six digits."""
    decimals = DECIMALS[currency]
    total = Fraction(units, 10**decimals)
    price = unit_price(Decimal(units).scaleb(-decimals), Decimal(quantity), currency)
    assert total == rounded(Fraction(price) * quantity, decimals)
    assert MOST_DIGITS >= -int(price.as_tuple().exponent) >= decimals


@given(
    units=st.lists(st.integers(0, 10**6), min_size=1, max_size=12),
    quantities=st.lists(st.integers(1, 60), min_size=12, max_size=12),
    currency=st.sampled_from(sorted(DECIMALS)),
)
def test_the_prices_of_an_order_add_up(units: list[int], quantities: list[int], currency: str) -> None:
    """Each price × quantity rounds to its line's total, and their sum rounds to the sum of the totals."""
    decimals = DECIMALS[currency]
    lines = [
        priced(Decimal(unit).scaleb(-decimals), Decimal(quantity))
        for unit, quantity in zip(units, quantities, strict=False)
    ]
    products = [
        Fraction(price) * Fraction(line.quantity)
        for price, line in zip(unit_prices(lines, currency), lines, strict=True)
    ]
    assert [Fraction(line.total) for line in lines] == [rounded(product, decimals) for product in products]
    assert rounded(sum(products, Fraction(0)), decimals) == sum((Fraction(line.total) for line in lines), Fraction(0))


def test_many_indivisible_lines_get_more_digits(make_line: Callable[..., LineItem]) -> None:
    """Ten lines whose own prices would do alone are made finer until their sum is right too."""
    lines = [make_line(quantity=Decimal(7), total=Decimal("10.00")) for _ in range(10)]
    prices = unit_prices(lines, "EUR")
    assert Decimal("100.00") == round(sum(price * 7 for price in prices), 2)
    assert Decimal("1.429") == unit_price(Decimal("10.00"), Decimal(7), "EUR")
    assert prices[0] != Decimal("1.429")


def test_an_order_without_lines() -> None:
    """No lines have no prices."""
    assert [] == unit_prices([], "EUR")


def test_six_digits_may_not_suffice() -> None:
    """For ten million pieces six digits are not enough; the nearest price is given."""
    assert Decimal("0.000000") == unit_price(Decimal("1.00"), Decimal(10_000_000), "EUR")


def nearest(exact: Fraction, digits: int) -> set[Fraction]:
    """Return the two numbers of so many digits between which this one lies."""
    below = exact * 10**digits // 1
    return {Fraction(below, 10**digits), Fraction(below + 1, 10**digits)}


def can_be_done(total: Fraction, quantity: Fraction, digits: int, decimals: int) -> bool:
    """Whether any price of so many digits multiplies back to the total."""
    return any(rounded(price * quantity, decimals) == total for price in nearest(total / quantity, digits))


@given(
    units=st.integers(-(10**9), 10**9),
    thousandths=st.one_of(st.integers(1, 10**6), st.integers(1, 10**9)),
    currency=st.sampled_from(sorted(DECIMALS)),
)
@example(units=14397, thousandths=4000, currency="EUR")
@example(units=1, thousandths=1, currency="JPY")
@example(units=-1000, thousandths=3000, currency="EUR")
def test_six_digits_are_used_when_they_can_do_it(units: int, thousandths: int, currency: str) -> None:
    """For any quantity, whole or not, the price multiplies back whenever any price does, and has no digit too many."""
    decimals = DECIMALS[currency]
    total, quantity = Fraction(units, 10**decimals), Fraction(thousandths, 1000)
    price = unit_price(Decimal(units).scaleb(-decimals), Decimal(thousandths).scaleb(-3), currency)
    digits = -int(price.as_tuple().exponent)
    assert decimals <= digits <= 6
    if can_be_done(total, quantity, 6, decimals):
        assert total == rounded(Fraction(price) * quantity, decimals)
    assert not any(can_be_done(total, quantity, fewer, decimals) for fewer in range(decimals, digits))


@given(
    lines=st.lists(st.tuples(st.integers(-(10**8), 10**8), st.integers(1, 10**5)), min_size=1, max_size=20),
    currency=st.sampled_from(sorted(DECIMALS)),
)
def test_whole_orders_with_odd_lines(lines: list[tuple[int, int]], currency: str) -> None:
    """Fractional quantities, free and negative lines: each line and the sum come back exactly."""
    decimals = DECIMALS[currency]
    items = [priced(Decimal(units).scaleb(-decimals), Decimal(thousandths).scaleb(-3)) for units, thousandths in lines]
    prices = unit_prices(items, currency)
    products = [Fraction(price) * Fraction(item.quantity) for price, item in zip(prices, items, strict=True)]
    totals = [Fraction(item.total) for item in items]
    assert totals == [rounded(product, decimals) for product in products]
    assert sum(totals) == rounded(sum(products, Fraction(0)), decimals)
    assert all(-int(price.as_tuple().exponent) <= 6 for price in prices)


@pytest.mark.parametrize(
    ("total", "quantity", "currency", "price"),
    [
        ("10.00", "0.333", "EUR", "30.03"),
        ("0.01", "0.001", "EUR", "10.00"),
        ("0.01", "3", "EUR", "0.003"),
        ("12.3456", "1", "CLF", "12.3456"),
        ("10.005", "1", "EUR", "10.005"),
        ("5", "1", "XXX", "5.00"),
        ("999999999999999.99", "7", "EUR", "142857142857142.856"),
        ("999999999999999.999999999999999", "0.000000000000001", "EUR", "999999999999999999999999999999.00"),
    ],
)
def test_prices_at_the_edges(total: str, quantity: str, currency: str, price: str) -> None:
    """Tiny quantities, unknown currencies and the largest amounts that a body may hold: exact, and nothing raises."""
    assert price == str(unit_price(Decimal(total), Decimal(quantity), currency))


def test_the_known_order() -> None:
    """143.97 for 4 pieces: 35.99 × 4 is 143.96 and one cent short, 35.993 × 4 is 143.972 and rounds to it."""
    assert "35.993" == str(unit_price(Decimal("143.97"), Decimal(4), "EUR"))
    assert "143.972" == str(Decimal("35.993") * 4)
