"""The lines of a WooCommerce order: what was bought, each thing once, and the money of lines that are no items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from adapter.errors import OrderUnreadable
from adapter.platforms.woocommerce.values import (
    amount,
    amount_else,
    identifier_of,
    list_of,
    name_of,
    object_of,
    text_of,
)
from adapter.purchase.order import LineItem, NamedAmount


def read_lines(document: Mapping[str, Any]) -> tuple[LineItem, ...]:
    """Read every line of the order; raise `OrderUnreadable`, naming the field, when one can't be priced."""
    entries = list_of(document.get("line_items"))
    if entries is None:
        raise OrderUnreadable("line_items is missing or isn't a list")
    return tuple(_read_line(entry, f"line_items[{index}]") for index, entry in enumerate(entries))


def _read_line(value: object, path: str) -> LineItem:
    """Read one line. `price` isn't read: it is a float made of unrounded amounts, and doesn't give the total."""
    entry = object_of(value)
    if not entry:
        raise OrderUnreadable(f"{path} isn't an object")
    total = amount(entry, "total", f"{path}.")
    return LineItem(
        product_id=identifier_of(entry.get("product_id")),
        variant_id=identifier_of(entry.get("variation_id")),
        sku=text_of(entry.get("sku")),
        title=name_of(entry.get("name")),
        quantity=amount(entry, "quantity", f"{path}."),
        total=total,
        total_before_discount=amount_else(entry.get("subtotal"), total),
        tax=amount_else(entry.get("total_tax"), Decimal(0)),
        source=entry,
    )


def items_in(lines: Sequence[LineItem]) -> tuple[LineItem, ...]:
    """Return the lines that are items, each thing once: no bundle besides its parts.

    A line that costs nothing and belongs to no bundle stays: it's a free item.
    """
    by_id = {key: line for line in lines if (key := identifier_of(line.source.get("id")))}
    return tuple(line for line in lines if _is_item(line) and not _is_counted_elsewhere(line, by_id))


def _is_item(line: LineItem) -> bool:
    return line.quantity > 0 and line.total >= 0


# Product Bundles and Composite Products write a line for the container and one for each part, which name each other's
# line ids; the price stands on the container, or on the parts, or on both.
# https://woocommerce.com/document/bundles/bundles-rest-api-reference/
# https://woocommerce.com/document/composite-products/composite-products-rest-api-reference/


def _is_counted_elsewhere(line: LineItem, by_id: Mapping[str, LineItem]) -> bool:
    """Whether the line costs nothing because its container has the price, or because its parts have."""
    if _has_price(line):
        return False
    container = by_id.get(_container_of(line))
    return _is_priced_by_parts(line, by_id) or (container is not None and not _is_priced_by_parts(container, by_id))


def _is_priced_by_parts(line: LineItem, by_id: Mapping[str, LineItem]) -> bool:
    parts = (by_id.get(key) for key in _parts_of(line))
    return not _has_price(line) and any(part is not None and _has_price(part) for part in parts)


def _has_price(line: LineItem) -> bool:
    return bool(line.total or line.total_before_discount or line.tax)


def _container_of(line: LineItem) -> str:
    return identifier_of(line.source.get("bundled_by")) or identifier_of(line.source.get("composite_parent")) or ""


def _parts_of(line: LineItem) -> Iterable[str]:
    for name in ("bundled_items", "composite_children"):
        yield from (key for entry in list_of(line.source.get(name)) or () if (key := identifier_of(entry)))


def beside_items(lines: Iterable[LineItem]) -> Iterable[NamedAmount]:
    """Yield the money of lines that aren't items. A negative line is a discount that a plugin wrote as a product."""
    for line in lines:
        if _is_item(line) or not line.total:
            continue
        name = "line without quantity" if line.quantity <= 0 else line.title or "negative line"
        yield NamedAmount(name=name, amount=line.total)


def warnings_about(lines: Sequence[LineItem]) -> Iterable[str]:
    """Yield a sentence about each line whose money isn't an item's."""
    for index, line in enumerate(lines):
        if not _is_item(line) and line.total:
            what = "has money but no quantity" if line.quantity <= 0 else "has a negative total"
            yield f"line_items[{index}] {what}: it isn't sent as an item, its total is named beside the items"
