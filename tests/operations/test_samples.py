"""The sample orders on which mapping files are tried."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from adapter.operations.samples import sample_orders
from adapter.platforms.registry import PLATFORMS

ALWAYS_EMPTY = {
    "shopify": {".line_items[].duties[].tax_lines", ".refunds[].refund_line_items"},
    "woocommerce": {".fee_lines[].taxes[].subtotal", ".shipping_lines[].taxes[].subtotal"},
}
"""What the platform itself leaves empty, or what would make it an order that isn't sold."""


def empty(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of everything that says nothing."""
    if value in (None, "", [], {}):
        yield path
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield from empty(inner, f"{path}.{key}")
    for inner in value if isinstance(value, list) else ():
        yield from empty(inner, f"{path}[]")


@pytest.mark.parametrize("platform", ["shopify", "woocommerce"])
def test_the_complete_order(platform: str) -> None:
    """The first sample order of each platform leaves nothing empty that a mapping may ask for."""
    order, *_ = sample_orders(platform)
    assert ALWAYS_EMPTY[platform] == set(empty(order))


@pytest.mark.parametrize("platform", ["shopify", "woocommerce"])
def test_no_field_is_forgotten(platform: str) -> None:
    """Whatever field stands in any sample order stands in the complete one, too."""
    complete, *others = sample_orders(platform)
    known = fields(complete)
    assert 12 == len(others)
    assert set() == set().union(*map(fields, others)) - known


def fields(value: Any, path: str = "") -> set[str]:
    """Return the path of every key; a list counts as its entries."""
    if isinstance(value, list):
        return set().union(*(fields(entry, f"{path}[]") for entry in value))
    if not isinstance(value, dict):
        return {path}
    return set().union(*(fields(inner, f"{path}.{key}") for key, inner in value.items()), {path})


@pytest.mark.parametrize("platform", ["shopify", "woocommerce"])
def test_the_numbers_add_up(platform: str) -> None:
    """Every sample order can be read, and items, tax, shipping and the rest make its total."""
    for document in sample_orders(platform):
        order = PLATFORMS[platform].read_order(document, "presentment")
        assert order.lines
        assert 0 == order.remainder
