"""Money laws that only WooCommerce has: gift cards lower its total, and the shop says how many decimals there are."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws.truth import DECIMALS, major
from laws.way import Way, plain_number, read_numbers
from laws.woocommerce_sales import WHOLE, WooCommerceSale, woocommerce_sales


@pytest.fixture
def way(all_ways: Any) -> Way:
    """Return the way of WooCommerce."""
    found: Way = all_ways["woocommerce"]
    return found


def test_paying_by_gift_card_changes_the_rest_alone(proof: Any, way: Way) -> None:
    """The same bytes are sent; the total is lower by what the cards paid, and the rest names just that."""

    @proof(sale=woocommerce_sales())
    def law(sale: WooCommerceSale) -> None:
        by_card, otherwise = way.of(sale), way.of(sale.without_cards())
        paid = major(sale.redeemed, sale.decimals)
        assert otherwise.sent == by_card.sent
        assert otherwise.order.total - by_card.order.total == paid
        assert paid == -by_card.rest.get("gift card", 0)
        assert otherwise.rest == {name: amount for name, amount in by_card.rest.items() if name != "gift card"}


def test_no_number_has_an_exponent_however_many_decimals(proof: Any, way: Way) -> None:
    """Shops may set up to fifteen decimals, and old versions send unrounded ones: numbers are sent in plain digits."""

    @proof(sale=woocommerce_sales(), decimals=st.integers(5, 15))
    def law(sale: WooCommerceSale, decimals: int) -> None:
        if sent := way.of(replace(sale, decimals=decimals)).sent:
            read_numbers(sent, plain_number)


def test_the_sales_have_every_form() -> None:
    """The laws aren't held by leaving things out: each form of an order is among a few hundred examples."""
    seen: Counter[object] = Counter()

    @settings(max_examples=500, derandomize=True, deadline=None, database=None)
    @given(sale=woocommerce_sales())
    def look(sale: WooCommerceSale) -> None:
        seen.update(forms_of(sale))

    look()
    assert set() == ALL_FORMS - seen.keys()


ALL_FORMS = {
    *("Loyalty line", "Packing & care", "Small order", "Loyalty discount", "gift card", "line without quantity"),
    *(
        "fraction",
        "free",
        "free line",
        "several taxes",
        "compound",
        "tax rounded for the order",
        "coupon",
        "cards sold",
    ),
    *("tax included", "list with a hole", "doesn't divide", "several thousand pieces", "several shippings"),
    *(("decimals", currency, shop) for currency in (0, 2, 3) for shop in (0, 2, 3, 4)),
}


def forms_of(sale: WooCommerceSale) -> set[object]:
    """Return what is special about a sale."""
    truth = sale.truth("shop")
    items = [line for line in sale.lines if line.is_item]
    rows = (*sale.lines, *sale.fees, *sale.shippings)
    special = {
        "fraction": any(line.thousandths % WHOLE for line in items),
        "free": truth.value == 0,
        "free line": truth.value > 0 and any(line.total == 0 for line in items),
        "several taxes": len(sale.rates) > 1 and sale.tax > 0,
        "compound": sale.compound and len(sale.rates) > 1 and sale.tax > 0,
        "tax rounded for the order": sale.tax != sum(row.tax for row in rows),
        "coupon": any(line.subtotal > line.total for line in items),
        "cards sold": bool(sum(sale.cards)) and not sale.cards_redeemed,
        "tax included": sale.prices_include_tax and sale.tax > 0,
        "list with a hole": sale.with_hole,
        "doesn't divide": any(line.total * WHOLE % line.thousandths for line in items),
        "several thousand pieces": sum(sale.quantities) > 2000 * WHOLE,
        "several shippings": len(sale.shippings) > 1,
        ("decimals", DECIMALS[sale.currency], sale.decimals): True,
    }
    return {*truth.rest, *(name for name, holds in special.items() if holds)}
