"""Money laws that only Shopify has: two currencies in one body, and gift cards that lower no total."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws.shopify_bodies import spoiled
from laws.shopify_draws import shopify_sales
from laws.shopify_sales import Age, Kind, ShippingForm, ShopifySale
from laws.way import Way

OTHER = {"presentment": "shop", "shop": "presentment"}


@pytest.fixture
def way(all_ways: Any) -> Way:
    """Return the way of Shopify."""
    found: Way = all_ways["shopify"]
    return found


def test_the_two_sides_are_never_mixed(proof: Any, way: Way) -> None:
    """With every amount of the other side spoiled, the same order is read and the same bytes are sent."""

    @proof(sale=shopify_sales(two_currencies=True), side=st.sampled_from(sorted(OTHER)))
    def law(sale: ShopifySale, side: Any) -> None:
        body = way.body(sale)
        right, half = way.go(body, side), way.go(spoiled(body, OTHER[side]), side)
        assert sale.books(side).currency == half.order.currency
        assert right.sums == half.sums
        assert right.sent == half.sent


def test_paying_by_gift_card_changes_nothing(proof: Any, way: Way) -> None:
    """A gift card is a means of payment: the total isn't reduced, and the same bytes are sent."""

    @proof(sale=shopify_sales())
    def law(sale: ShopifySale) -> None:
        by_card, otherwise = (way.of(replace(sale, paid_by_gift_card=paid)) for paid in (True, False))
        assert by_card.sums == otherwise.sums
        assert by_card.sent == otherwise.sent


def test_a_gift_card_that_is_bought_is_an_item(proof: Any, way: Way) -> None:
    """It is sent at its price like any other thing, untaxed."""

    @proof(sale=shopify_sales(), units=st.integers(1, 10**6))
    def law(sale: ShopifySale, units: int) -> None:
        with_card = sale.with_gift_card(units)
        without, with_it = way.of(sale), way.of(with_card)
        price = with_it.order.lines[-1].total
        assert with_card.truth("presentment").lines[-1].net == price
        assert without.order.items_value + price == with_it.order.items_value
        assert without.order.total + price == with_it.order.total
        assert (without.order.tax, without.rest) == (with_it.order.tax, with_it.rest)


def test_the_sales_have_every_form() -> None:
    """The laws aren't held by leaving things out: each form of an order is among a few hundred examples."""
    seen: Counter[object] = Counter()

    @settings(max_examples=500, derandomize=True, deadline=None, database=None)
    @given(sale=shopify_sales())
    def look(sale: ShopifySale) -> None:
        seen.update(forms_of(sale))

    look()
    assert set() == ALL_FORMS - seen.keys()


ALL_FORMS = {
    *Age,
    *ShippingForm,
    *Kind,
    *("tip", "duties", "additional_fees", "cash_rounding"),
    *(
        "negative fee",
        "duties in the prices",
        "free",
        "free line",
        "shipping discount",
        "several taxes",
        "tax included",
    ),
    *("two currencies", "doesn't divide", "several thousand pieces", "discount of a line", "removed shipping"),
    *(("decimals", decimals) for decimals in (0, 2, 3)),
}


def forms_of(sale: ShopifySale) -> set[object]:
    """Return what is special about a sale."""
    truth, books = sale.truth("presentment"), sale.shown
    special = {
        "negative fee": books.fees < 0,
        "duties in the prices": bool(books.duties) and not sale.duties_counted,
        "free": truth.value == 0,
        "free line": truth.value > 0 and any(line.net == 0 for line in truth.lines),
        "shipping discount": any(sum(line.allocations) for line in books.shippings),
        "removed shipping": any(line.kind is Kind.REMOVED for line in books.shippings),
        "several taxes": any(len(line.taxes) > 1 for line in books.lines),
        "tax included": sale.taxes_included and truth.tax > 0,
        "two currencies": books.currency != sale.shop.currency,
        "discount of a line": any(len(line.allocations) > 1 for line in books.lines),
        "doesn't divide": any(line.quantity and sale.net(line) % line.quantity for line in books.lines),
        "several thousand pieces": sum(sale.quantities) > 2000,
        ("decimals", books.decimals): True,
    }
    kinds = {line.kind for line in books.lines}
    return {sale.age, sale.shipping_form, *kinds, *truth.rest, *(name for name, holds in special.items() if holds)}
