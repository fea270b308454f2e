"""What two shops must not have in common: equal ids on one pixel, two envelopes for one destination."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from adapter.errors import Problem
from adapter.purchase.contract import to_wire
from adapter.shops.shop import Destination, Shop


def conflicts(shops: Iterable[Shop]) -> list[Problem]:
    """Return what keeps these shops from being served together."""
    sending = [(shop, shop.destination) for shop in shops if shop.destination is not None]
    return [*_colliding_ids(sending), *_two_envelopes(sending)]


def _colliding_ids(sending: list[tuple[Shop, Destination]]) -> Iterator[Problem]:
    """Two WooCommerce shops both have an order 1001: on one pixel the second would be taken for the first."""
    seen: dict[tuple[str, str], Shop] = {}
    for shop, destination in sending:
        if not shop.is_on or shop.platform != "woocommerce":
            continue
        other = seen.setdefault((destination.pixel_id, _id_of_order_1001(shop)), shop)
        if other is not shop:
            message = f"{other.label} sends the same ids to the same pixel: equal order numbers would count once"
            hint = f"put a prefix before one of them, like join('-', ['{shop.name}', to_string(order.id)])"
            yield Problem(shop.label, "event.dedupe_id", message, hint)


def _id_of_order_1001(shop: Shop) -> str:
    """Return the dedupe_id that order 1001 gets in this shop; the expression itself when it needs a real order."""
    leaf = next(leaf for leaf in shop.rules.mapping.leaves["event"] if leaf.name == "dedupe_id")
    scope = {
        "order": {"id": 1001, "number": "1001", "order_key": f"wc_order_{shop.name}"},
        "purchase": {"id": "1001"},
        "shop": {"name": shop.name, "platform": shop.platform, "site_url": shop.rules.site_url},
    }
    try:
        return to_wire(leaf.field, leaf.expression.evaluate(scope)) or leaf.expression.text
    except ValueError:
        return leaf.expression.text


def _two_envelopes(sending: list[tuple[Shop, Destination]]) -> Iterator[Problem]:
    """One destination gets one request in flight, in one form."""
    seen: dict[str, tuple[str, Shop]] = {}
    for shop, destination in sending:
        envelope, other = seen.setdefault(destination.id, (destination.envelope, shop))
        if envelope != destination.envelope:
            message = f'{other.label} sends to the same pixel with the same key in the envelope "{envelope}"'
            yield Problem(shop.label, "axon.envelope", message, "write the same envelope in both files")
