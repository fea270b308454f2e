"""A shop, its destination, and all shops together."""

from __future__ import annotations

import re
from typing import Any

import pytest

from adapter.shops.shop import Destination

BASE = Destination("https://api.example", "pixel", "key")


@pytest.mark.parametrize(
    "other",
    [
        Destination("https://api.example/", "pixel", "key"),
        Destination("https://api.example", "pixel2", "key"),
        Destination("https://api.example", "pixel", "key2"),
        Destination("https://api.example", "pixe", "lkey"),
    ],
)
def test_ids_of_destinations(other: Destination) -> None:
    """Another address, pixel or key is another destination."""
    assert other.id != BASE.id


def test_the_id_is_stable() -> None:
    """The id stands in the database and must never change; this one was worked out with sha256sum."""
    assert "8b5e39c2679a6647" == BASE.id
    assert Destination("https://api.example", "pixel", "key", "list").id == BASE.id


def test_what_is_shown_of_a_destination() -> None:
    """The key is never shown, and the id is 16 hex digits."""
    shown = Destination("https://api.example", "pixel", "canary")
    assert "canary" not in repr(shown)
    assert re.fullmatch("[0-9a-f]{16}", shown.id)


def test_all_shops(folder: Any, full_environment: dict[str, str]) -> None:
    """Shops come in the order of their names; those that are off are among them, and found by name."""
    folder.write("b", 'extends = "shopify"')
    folder.write("a", 'extends = "woocommerce"')
    del full_environment["WOOCOMMERCE_WEBHOOK_SECRET"]
    shops = folder.load(full_environment)
    assert (["a", "b"], ["b"]) == ([shop.name for shop in shops], [shop.name for shop in shops.on()])
    assert "a" == shops.get("a").name
    assert shops.get("c") is None


def test_destinations_of_all_shops(folder: Any, full_environment: dict[str, str]) -> None:
    """Shops are grouped by where they send; one that is off may have orders to send, one without a key can't."""
    folder.write("a", 'extends = "shopify"')
    folder.write("b", 'extends = "shopify"\nwebhook_secret = []')
    folder.write("c", 'extends = "shopify"\n[axon]\napi_key = "another key"')
    folder.write("d", 'extends = "shopify"\n[axon]\napi_key = ""')
    found = folder.load(full_environment).destinations()
    assert [("key", ["a", "b"]), ("another key", ["c"])] == [
        (destination.api_key, names) for destination, names in found.values()
    ]
    assert all(id_ == destination.id for id_, (destination, _) in found.items())
