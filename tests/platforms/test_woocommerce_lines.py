"""Bundles and composites of WooCommerce orders: a line for the container and one for each part, each thing once."""

from __future__ import annotations

from typing import Any

import pytest

from adapter.platforms.woocommerce.lines import items_in, read_lines

Line = dict[str, Any]


def line(key: int, price: str = "0.00", **fields: Any) -> Line:
    """Return one piece of a product, with Product Bundles and Composite Products installed."""
    unused = {"bundled_by": "", "bundled_items": [], "composite_parent": "", "composite_children": []}
    product = {"id": key, "product_id": 100 + key, "name": f"Thing {key}", "quantity": 1}
    return {**product, "subtotal": price, "total": price, "total_tax": "0.00", **unused, **fields}


def items(*lines: Line) -> list[str | None]:
    """Return the product ids of the items."""
    return [item.product_id for item in items_in(read_lines({"line_items": list(lines)}))]


@pytest.mark.parametrize(("up", "down"), [("bundled_by", "bundled_items"), ("composite_parent", "composite_children")])
def test_the_container_has_the_price(up: str, down: str) -> None:
    """Its parts are in it already."""
    bundle = [line(1, "50.00", **{down: [2, 3]}), line(2, **{up: 1}), line(3, **{up: "1"})]
    assert ["101"] == items(*bundle)


@pytest.mark.parametrize(("up", "down"), [("bundled_by", "bundled_items"), ("composite_parent", "composite_children")])
def test_the_parts_have_the_price(up: str, down: str) -> None:
    """The container is a shell; a part that comes for free is one of the things that were bought."""
    bundle = [line(1, **{down: [2, "3", 4]}), line(2, "30.00", **{up: 1}), line(3, "20.00", **{up: 1})]
    assert ["102", "103", "104"] == items(*bundle, line(4, **{up: 1}))


def test_both_have_a_price() -> None:
    """A base price and priced parts are all kept: no money is lost."""
    assert ["101", "102"] == items(line(1, "10.00", bundled_items=[2]), line(2, "5.00", bundled_by=1))


def test_nobody_has_a_price() -> None:
    """A free bundle is its container."""
    assert ["101"] == items(line(1, bundled_items=[2]), line(2, bundled_by=1))


def test_a_bundle_in_a_composite() -> None:
    """The outermost container has the price, so that nothing inside is counted again."""
    inner = [line(2, composite_parent=1, bundled_items=[3]), line(3, bundled_by=2)]
    assert ["101"] == items(line(1, "80.00", composite_children=[2]), *inner)


def test_a_part_that_a_coupon_made_free() -> None:
    """It had a price of its own, so it's an item."""
    assert ["102"] == items(line(1, bundled_items=[2]), line(2, bundled_by=1, subtotal="30.00"))


@pytest.mark.parametrize(
    "fields",
    [{}, {"bundled_by": 9}, {"composite_parent": 0}, {"bundled_by": None}, {"bundled_items": [9]}, {"id": None}],
)
def test_a_free_line_that_no_other_line_stands_for(fields: Line) -> None:
    """Without a container or parts in the same order it stays, at price 0."""
    assert ["101", "102"] == items(line(1, "10.00"), line(2, **fields))


@pytest.mark.parametrize("odd", ["2", {"0": 2}, [2, None, "", {}], None, 2])
def test_lists_of_parts_of_any_shape(odd: object) -> None:
    """What names the container decides; an odd list of parts breaks nothing."""
    assert ["101"] == items(line(1, "50.00", bundled_items=odd), line(2, bundled_by=1))
