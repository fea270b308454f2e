"""What a shop's scripts wrote into an order: values by their name, and the browser that it names."""

from __future__ import annotations

from typing import Any

import pytest

from adapter.purchase.attributes import attribute, browser_keys


def shopify(**values: Any) -> dict[str, Any]:
    """Return a Shopify order with these note attributes."""
    return {"note_attributes": [{"name": name, "value": value} for name, value in values.items()]}


def woocommerce(**values: Any) -> dict[str, Any]:
    """Return a WooCommerce order with this meta data."""
    return {"meta_data": [{"id": 1, "key": key, "value": value} for key, value in values.items()]}


@pytest.mark.parametrize("order", [shopify(a="", b="x"), woocommerce(a=None, b="x")])
def test_values_by_name(order: dict[str, Any]) -> None:
    """A value is found under its name on both platforms; an empty one is none."""
    assert (None, "x", None) == (attribute(order, "a"), attribute(order, "b"), attribute(order, "c"))


@pytest.mark.parametrize("order", [{}, {"note_attributes": "b"}, {"meta_data": [None, "b", ["b"], {"key": ["b"]}]}])
def test_values_of_any_shape(order: dict[str, Any]) -> None:
    """What has another shape holds nothing, and stops nothing."""
    assert (None, ()) == (attribute(order, "b"), browser_keys(order))


@pytest.mark.parametrize("make", [shopify, woocommerce])
def test_the_browser_of_an_order(make: Any) -> None:
    """Our own script's client_id comes first, then what AppLovin's script writes; the same one is asked for once."""
    both = make(_axon_client_id="5f0c9e1b-axon", _order_adapter_id="0123456789abcdef")
    assert (("client_id", "0123456789abcdef"), ("client_id", "5f0c9e1b-axon")) == browser_keys(both)
    assert (("client_id", "5f0c9e1b"),) == browser_keys(make(_axon_client_id="5f0c9e1b", _order_adapter_id="5f0c9e1b"))


@pytest.mark.parametrize(
    "value",
    ["undefined", "null", "", "1", "7654321", "[object Object]", "two words 123", 123456789, ["5f0c9e1b"], None],
)
def test_what_names_no_browser(value: object) -> None:
    """A word that scripts write when they know nothing stands in everybody's order: it finds nobody's click."""
    assert () == browser_keys(shopify(_axon_client_id=value))
