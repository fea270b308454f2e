"""What is right and yet surprises: where the event differs from what the shop's browser pixel says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from adapter.purchase.event import PurchaseEvent
from adapter.purchase.order import Order
from adapter.purchase.whence import Places, read_places


def on(order: Order, event: PurchaseEvent | None, scope: Mapping[str, Any], places: Places) -> Iterator[str]:
    """Yield the remarks on the event of this order."""
    tax = sum((line.tax for line in order.lines), Decimal(0))
    value = event.fields["data"].get("value") if event else None
    includes = any(place.value is True for place in read_places("prices_include_tax", scope, places))
    if includes and tax and value is not None and value == order.items_value:
        yield (
            f"prices include tax, and a browser pixel usually reports it with them: {value + tax:f} {order.currency}; "
            f"the value here is {tax:f} less, because Axon wants it without tax"
        )
