"""The second reading of every sample gives what was worked out for it: so the table is no copy of the adapter's."""

from __future__ import annotations

from typing import Any

import pytest
from oracle import shopify, woocommerce
from oracle.reading import NoOrder, Reading, unit_price
from oracle.samples import Sample, names_in_tables, orders, samples


def named(found: list[Sample] | tuple[Sample, ...]) -> pytest.MarkDecorator:
    """Let a test run once for each sample, under its name."""
    return pytest.mark.parametrize("sample", found, ids=lambda sample: sample.name)


def read(sample: Sample, side: str = "presentment") -> Reading:
    """Read it the second way."""
    if sample.platform == "shopify":
        return shopify.read(sample.document, side)
    return woocommerce.read(sample.document)


def figures(reading: Reading) -> dict[str, Any]:
    """Return a reading in the shape of a row."""
    items = [
        [
            item.id,
            item.variant or "",
            item.quantity,
            unit_price(item.total, item.quantity, reading.currency),
            item.total,
            item.tax,
        ]
        for item in reading.items
    ]
    return {
        "currency": reading.currency,
        "items": items,
        "value": reading.value,
        "tax": reading.tax,
        "shipping": reading.shipping,
        "rest": reading.rest,
        "total": reading.total,
        "remainder": reading.remainder,
    }


def test_every_body_has_its_row_and_every_row_its_body() -> None:
    """Nothing is left out of the table, and nothing in it is about a body that isn't there."""
    assert names_in_tables() == {sample.name for sample in samples()}


@named(orders())
def test_the_figures_and_reasons_of_an_order(sample: Sample) -> None:
    """Items, sums and every reason are those of the table."""
    expected = {"placed": True} | {key: value for key, value in sample.expected.items() if key != "shop"}
    reading = read(sample)
    standing = {"outcome": "skipped" if reading.reasons else "sent", "placed": reading.is_placed}
    assert expected == {**standing, "reasons": reading.reasons, **figures(reading)}


@named([sample for sample in orders() if "shop" in sample.expected])
def test_the_figures_in_the_currency_of_the_shop(sample: Sample) -> None:
    """An order in two currencies has other figures on the shop's side, all of them of that side."""
    assert sample.expected["shop"] == figures(read(sample, "shop"))


@named([sample for sample in samples() if not sample.is_order and sample.expected["outcome"] != "ping"])
def test_a_body_without_amounts(sample: Sample) -> None:
    """What isn't an order, or can't be priced, is recognised for what it is."""
    with pytest.raises(NoOrder) as refused:
        read(sample)
    assert sample.expected["outcome"] == refused.value.kind


def test_two_currencies_are_in_the_table() -> None:
    """At least one order has both sides."""
    assert any("shop" in sample.expected for sample in orders())
