"""The canonical order: what follows from its amounts, and what it never shows."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from adapter.purchase.order import LineItem, NamedAmount, Order


def test_the_items_value(make_order: Callable[..., Order], make_line: Callable[..., LineItem]) -> None:
    """The value of the items is the exact sum of the line totals, refunds and thousandths included."""
    totals = ("0.10", "0.20", "1999.999", "-0.30")
    lines = tuple(make_line(total=Decimal(total)) for total in totals)
    assert "1999.999" == str(make_order(lines=lines).items_value)


def test_an_order_without_lines(make_order: Callable[..., Order]) -> None:
    """No lines are worth nothing."""
    assert Decimal(0) == make_order(lines=()).items_value


def test_the_remainder(make_order: Callable[..., Order]) -> None:
    """The remainder is the total less items, tax, shipping and everything that has a name."""
    rest = (NamedAmount(name="tip", amount=Decimal("2.00")), NamedAmount(name="rounding", amount=Decimal("-0.02")))
    order = make_order(rest=rest, total=Decimal("30.00"))  # 18.00 + 4.37 + 5.00 + 2.00 − 0.02 = 29.35
    assert Decimal("0.65") == order.remainder


def test_the_platforms_json_stays_out_of_texts(
    make_order: Callable[..., Order], make_line: Callable[..., LineItem]
) -> None:
    """The repr of an order or a line, which may reach a traceback, leaves out the platform's JSON."""
    source = {"note": "for Ada's birthday"}
    order = make_order(source=source, lines=(make_line(source=source),))
    assert "birthday" not in repr(order)
    assert "birthday" not in repr(order.lines[0])


def test_orders_are_values(make_order: Callable[..., Order]) -> None:
    """An order can't be changed after it was read."""
    order = make_order()
    with pytest.raises(AttributeError, match="immutable"):
        order.currency = "USD"  # type: ignore[misc]  # The point of the test.
    assert make_order() == order
