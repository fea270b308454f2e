"""How a shop's dedupe_id is made, as far as a browser can make it too: the order's id between two fixed texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adapter.purchase.contract import to_wire
from adapter.purchase.mapping import Leaf
from adapter.shops.shop import Shop

# Two orders that have nothing in common, in any of their fields.
_INVENTED = (
    {"id": 7100000000001, "number": "81", "order_number": 81, "name": "#81", "order_key": "wc_order_a", "token": "a"},
    {"id": 9200000000002, "number": "64", "order_number": 64, "name": "#64", "order_key": "wc_order_b", "token": "b"},
)


@dataclass(frozen=True, slots=True)
class Affixes:
    """What stands before and after the order's id."""

    before: str
    after: str


def affixes_of(shop: Shop) -> Affixes | None:
    """Return what the mapping's dedupe_id puts around the order's id; None when it is made of something else."""
    first, second = (_made_for(shop, order) for order in _INVENTED)
    before, found, after = first.partition(str(_INVENTED[0]["id"]))
    if not found or second != f"{before}{_INVENTED[1]['id']}{after}":
        return None
    return Affixes(before, after)


def expression_of(shop: Shop) -> str:
    """Return the expression that the mapping file has for the dedupe_id."""
    return _leaf(shop).expression.text


def _leaf(shop: Shop) -> Leaf:
    return next(leaf for leaf in shop.rules.mapping.leaves["event"] if leaf.name == "dedupe_id")


def _made_for(shop: Shop, order: Mapping[str, object]) -> str:
    """Return the dedupe_id of an invented order, empty when the expression needs a real one."""
    leaf = _leaf(shop)
    scope = {
        "order": order,
        "purchase": {"id": str(order["id"])},
        "shop": {"name": shop.name, "platform": shop.platform, "site_url": shop.rules.site_url},
    }
    try:
        return str(to_wire(leaf.field, leaf.expression.evaluate(scope)) or "")
    except ValueError:
        return ""
