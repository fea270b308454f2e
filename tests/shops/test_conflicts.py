"""What two shops must not have in common."""

from __future__ import annotations

from typing import Any

import pytest


def test_two_woocommerce_shops_on_one_pixel(folder: Any) -> None:
    """Equal order numbers would count once: refused, unless one has a prefix, another pixel or is off."""
    folder.write("a", 'extends = "woocommerce"')
    folder.write("b", 'extends = "woocommerce"')
    (problem,) = folder.problems()
    assert (
        "mappings/b.toml: event.dedupe_id: mappings/a.toml sends the same ids to the same pixel: equal order numbers "
        "would count once (put a prefix before one of them, like join('-', ['b', to_string(order.id)]))"
    ) == problem
    for cure in (
        "[event]\ndedupe_id = \"join('-', ['b', to_string(order.id)])\"",
        '[axon]\npixel_id = "another"',
        '[orders]\ncount = "paid"',
    ):
        secret = 'webhook_secret = "$UNSET"\n' if "count" in cure else ""
        folder.write("b", f'extends = "woocommerce"\n{secret}{cure}')
        assert 2 == len(list(folder.load()))


def test_the_same_id_by_another_expression(folder: Any) -> None:
    """Not the text of the expression counts but the id that it gives; Shopify's ids are unique everywhere."""
    folder.write("a", 'extends = "woocommerce"')
    folder.write("b", 'extends = "woocommerce"\n[event]\ndedupe_id = "purchase.id"')
    assert 1 == len(folder.problems())
    folder.write("b", 'extends = "woocommerce"\n[event]\ndedupe_id = "sum(order.line_items)"')
    assert 2 == len(list(folder.load()))
    folder.write("a", 'extends = "shopify"')
    folder.write("b", 'extends = "shopify"')
    assert 2 == len(list(folder.load()))


def test_two_envelopes_for_one_destination(folder: Any) -> None:
    """One destination gets its batches in one form."""
    folder.write("a", 'extends = "shopify"')
    folder.write("b", 'extends = "shopify"\n[axon]\nenvelope = "list"')
    (problem,) = folder.problems()
    assert problem.startswith("mappings/b.toml: axon.envelope: mappings/a.toml sends to the same pixel")


@pytest.mark.parametrize(
    ("expression", "collides"),
    [
        ("order.number", True),
        ("to_string(order.id)", True),
        ("join('-', [shop.name, to_string(order.id)])", False),
        ("order.order_key", False),
        ("sum(order.line_items)", True),
        ("order.meta.absent", True),
    ],
)
def test_both_with_the_same_expression(folder: Any, expression: str, collides: bool) -> None:
    """Two shops with one expression collide unless it names the shop or a key of the order's own."""
    for name in ("a", "b"):
        folder.write(name, f'extends = "woocommerce"\n[event]\ndedupe_id = "{expression}"')
    if collides:
        assert 1 == len(folder.problems())
    else:
        assert 2 == len(folder.load().on())


def test_three_shops_are_two_problems(folder: Any) -> None:
    """Each shop after the first is named, with the first one as its counterpart."""
    for name in ("a", "b", "c"):
        folder.write(name, 'extends = "woocommerce"')
    assert [("mappings/b.toml", "mappings/a.toml"), ("mappings/c.toml", "mappings/a.toml")] == [
        (problem.split(": ")[0], problem.split(": ")[2].split(" ")[0]) for problem in folder.problems()
    ]


def test_envelopes_of_different_destinations(folder: Any) -> None:
    """Two pixels, or two keys, may have two envelopes."""
    folder.write("a", 'extends = "shopify"')
    folder.write("b", 'extends = "shopify"\n[axon]\nenvelope = "list"\napi_key = "another key"')
    assert 2 == len(folder.load().destinations())


def test_shops_without_a_destination(folder: Any, full_environment: dict[str, str]) -> None:
    """Two shops that send nothing yet have no ids to mix up."""
    folder.write("a", 'extends = "woocommerce"')
    folder.write("b", 'extends = "woocommerce"')
    del full_environment["AXON_PIXEL_ID"]
    assert 2 == len(folder.load(full_environment).on())
