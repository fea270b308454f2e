"""`adapter orders` and `adapter status`: what stands in the ledger, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from adapter.shops.shop import Shops
from adapter.storage.destinations import Condition, Destinations
from adapter.storage.purchases import Purchases


def order_for_programs(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one row of the ledger as plain JSON values."""
    plain = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
    plain["order"] = plain.pop("order_id")
    plain["answer"] = json.loads(row["answer"]) if row["answer"] else None
    del plain["id"]
    return plain


def order_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield one line an order: shop, order id, state, when it came in, and the reason."""
    if not rows:
        yield "no such order"
    for row in rows:
        received = row["received_at"].strftime("%Y-%m-%d %H:%M:%S")
        words = f"{row['shop']:<16} {row['order_id']:<20} {row['state']:<12} {received}  {row['reason'] or ''}"
        yield words.rstrip()


def status_for_programs(
    shops: Shops, purchases: Purchases, destinations: Destinations, now: datetime
) -> dict[str, Any]:
    """Return by shop the number of orders in each state, and by destination its condition."""
    counts = purchases.counts()
    return {
        "shops": {
            shop.name: {"on": shop.is_on, "off_because": shop.off, "orders": counts.get(shop.name, {})}
            for shop in shops
        },
        "destinations": [
            {
                "id": id_,
                "pixel_id": destination.pixel_id,
                "shops": names,
                **_condition(destinations, id_, now),
            }
            for id_, (destination, names) in shops.destinations().items()
        ],
    }


def _condition(destinations: Destinations, id_: str, now: datetime) -> dict[str, Any]:
    state = destinations.state(id_, now)
    return {
        "condition": state.condition.value,
        "reason": state.reason,
        "rest_until": state.rest_until and state.rest_until.isoformat(),
        "last_success": state.accepted_at and state.accepted_at.isoformat(),
        "last_answer": json.loads(state.answer) if state.answer else None,
    }


def status_lines(status: Mapping[str, Any]) -> Iterator[str]:
    """Yield the status for people."""
    for name, shop in status["shops"].items():
        orders = ", ".join(f"{number} {state}" for state, number in sorted(shop["orders"].items()))
        yield f"shop {name}: {'on' if shop['on'] else 'off: ' + shop['off_because']}; {orders or 'no orders yet'}"
    for destination in status["destinations"]:
        words = f"destination {destination['pixel_id']} ({', '.join(destination['shops'])}): "
        yield words + destination["condition"] + (f": {destination['reason']}" if destination["reason"] else "")
        if destination["condition"] != Condition.OPEN:
            yield f"  next try {destination['rest_until'] or 'at once'}"
        yield f"  last success {destination['last_success'] or 'never'}"
