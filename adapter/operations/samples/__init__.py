"""Invented orders to try mapping files on: the demo's, and one of each platform in which every field says something.

`shopify.json` and `woocommerce.json` are these: no shop has an order like them, but whatever a mapping may ask for,
from the purchase order's number to the engraving, stands in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from adapter.operations.demo import stories
from adapter.operations.demo.story import Form
from adapter.platforms.document import parse_document
from adapter.purchase.event import encode

_DAY = datetime(2026, 5, 1, 17, tzinfo=UTC)


@cache
def sample_orders(platform: str) -> tuple[Mapping[str, Any], ...]:
    """Return the sample orders of a platform as parsed bodies, the one with everything first."""
    complete = Path(__file__).with_name(f"{platform}.json").read_bytes()
    return (parse_document(complete), *dict(_of_the_demo(f"{platform}-demo")).values())


def _of_the_demo(shop: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for story in stories():
        body = story.deliveries[0].body
        if story.shop == shop and not isinstance(body, Form):
            yield story.order_id, parse_document(encode(body.document(_DAY)))
