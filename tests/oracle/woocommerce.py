"""WooCommerce's order JSON (REST API v3), read a second time from its documentation and source.

Pages: woocommerce.github.io/woocommerce-rest-api-docs/#order-properties, class-wc-rest-orders-v2-controller.php.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from oracle.reading import ZERO, Item, NoOrder, Reading, number

Json = dict[str, Any]

_DRAFTS = ("checkout-draft", "auto-draft", "draft")
_UNPAID = ("pending", "failed", "on-hold", *_DRAFTS)


def read(body: Any) -> Reading:
    """Read an order; WooCommerce knows one currency per order."""
    _refuse_others(body)
    lines = [_line(entry) for entry in _list(body["line_items"])]
    counted = [line for line in lines if not _is_counted_elsewhere(line, lines)]
    items = [_item(line) for line in counted if line["quantity"] > 0 and line["total"] >= 0]
    value = sum((item.total for item in items), ZERO)
    if not body.get("currency"):
        raise NoOrder("unreadable", "currency")
    if not _moment(body, "date_created_gmt") and not _moment(body, "date_paid_gmt"):
        raise NoOrder("unreadable", "date_created_gmt")
    total, tax = _must(body, "total"), number(body.get("total_tax")) or ZERO
    shipping = number(body.get("shipping_total")) or ZERO
    rest = _fees(body) | _discounts_written_as_lines(counted)
    cards = sum((number(card.get("amount")) or ZERO for card in _objects(body.get("gift_cards"))), ZERO)
    if cards and value + tax + shipping + sum(rest.values()) - cards == total:
        rest["gift card"] = -cards
    is_placed = body.get("status") not in ("failed", *_DRAFTS)
    return Reading(body["currency"], items, tax, shipping, total, rest, list(_reasons(body, value)), is_placed)


def _refuse_others(body: Any) -> None:
    if not isinstance(body, dict):
        raise NoOrder("unreadable", "list" if isinstance(body, list) else "object")
    if set(body) == {"id"}:
        raise NoOrder("ignored", "trash")
    if set(body) == {"action", "arg"}:
        raise NoOrder("ignored", "custom topic")
    if "code" in body and "message" in body:
        raise NoOrder("ignored", _ERRORS.get(body["code"], body["code"]))
    if isinstance(body.get("order"), dict):
        raise NoOrder("ignored", "Legacy REST API")
    if "status" not in body and ("amount" in body or "refunded_payment" in body):
        raise NoOrder("ignored", "refund")
    if body.get("billing_period") and body.get("billing_interval"):
        raise NoOrder("ignored", "subscription")
    if not _id(body.get("id")) or _list(body.get("line_items")) is None:
        raise NoOrder("unreadable", "")


_ERRORS = {
    "woocommerce_rest_shop_order_invalid_id": "deleted for good",
    "woocommerce_rest_cannot_view": "lacks the rights",
    "woocommerce_rest_invalid_shop_order_id": "API version 1",
}


def _line(entry: Json) -> Json:
    """Take what is needed of a line; `price` is a float of unrounded amounts and isn't."""
    total = _must(entry, "total")
    title = html.unescape(entry.get("name") or "")
    return {
        "key": _id(entry.get("id")),
        "item": _id(entry.get("product_id")) or _text(entry.get("sku")) or title,
        "title": title,
        "variant": _id(entry.get("variation_id")),
        "quantity": _must(entry, "quantity"),
        "listed": number(entry.get("subtotal")) or ZERO,
        "total": total,
        "tax": number(entry.get("total_tax")) or ZERO,
        "parent": _id(entry.get("bundled_by")) or _id(entry.get("composite_parent")),
        "children": [_id(key) for name in ("bundled_items", "composite_children") for key in entry.get(name) or []],
    }


def _is_counted_elsewhere(line: Json, lines: list[Json]) -> bool:
    """Tell a part whose price stands in its container, or a container whose price stands in its parts."""
    containers = [other for other in lines if line["parent"] and other["key"] == line["parent"]]
    if _costs(line):
        return False
    if _is_shell(line, lines):
        return True
    return any(not _is_shell(container, lines) for container in containers)


def _is_shell(line: Json, lines: list[Json]) -> bool:
    """Tell a container that costs nothing itself, as its parts carry the price."""
    return not _costs(line) and any(_costs(other) for other in lines if other["key"] in line["children"])


def _costs(line: Json) -> bool:
    return bool(line["listed"] or line["total"] or line["tax"])


def _item(line: Json) -> Item:
    return Item(line["item"] or None, line["variant"], line["quantity"], line["total"], line["tax"])


def _fees(body: Json) -> dict[str, Decimal]:
    fees: dict[str, Decimal] = {}
    for fee in _objects(body.get("fee_lines")):
        name = html.unescape(fee.get("name") or "").strip() or "fee"
        fees[name] = fees.get(name, ZERO) + (number(fee.get("total")) or ZERO)
    return fees


def _discounts_written_as_lines(lines: list[Json]) -> dict[str, Decimal]:
    found = {line["title"]: line["total"] for line in lines if line["total"] < 0 < line["quantity"]}
    without = sum((line["total"] for line in lines if line["quantity"] <= 0), ZERO)
    return found | ({"line without quantity": without} if without else {})


def _reasons(body: Json, value: Decimal) -> Iterator[str]:
    status = str(body.get("status") or "").removeprefix("wc-")
    via = str(body.get("created_via") or "").lower()
    meta = {entry.get("key"): entry.get("value") for entry in reversed(_objects(body.get("meta_data")))}
    paid, created = _moment(body, "date_paid_gmt"), _moment(body, "date_created_gmt")
    refunded = sum((abs(number(refund.get("total")) or ZERO) for refund in _objects(body.get("refunds"))), ZERO)
    total = number(body.get("total")) or ZERO
    asked = {
        "cancelled": status in ("cancelled", "refunded", "trash") or 0 < total <= refunded,
        "test": body.get("payment_method") in ("dummy", "bogus") or meta.get("_wcpay_mode") == "test",
        "pos": "pos" in re.split(r"[^a-z]+", via),
        "draft": status in _DRAFTS,
        "renewal": via == "subscription" or bool(meta.get("_subscription_renewal")),
        "imported": "import" in via or bool(paid and created and created - paid > timedelta(days=1)),
        "b2b": meta.get("_wwpp_order_type") == "wholesale" or meta.get("b2bking_is_b2b_order") == "yes",
        "sub_order": via == "dokan" or bool(_id(body.get("parent_id"))),
        "unpaid": not (status in ("processing", "completed") or (paid and status not in _UNPAID)),
        "zero_value": value == 0,
        "no_browser": not (body.get("customer_ip_address") and body.get("customer_user_agent")),
    }
    return (rule for rule, applies in asked.items() if applies)


def _moment(body: Json, name: str) -> datetime | None:
    try:
        return datetime.fromisoformat(str(body.get(name)))
    except ValueError:
        return None


def _must(owner: Json, name: str) -> Decimal:
    amount = number(owner.get(name))
    if amount is None:
        raise NoOrder("unreadable", name)
    return amount


def _id(value: Any) -> str | None:
    """Return an id as text; 0, "" and null mean that there is none."""
    return None if value in (None, "", 0, "0") else str(value)


def _text(value: Any) -> str | None:
    return None if value is None else str(value).strip() or None


def _list(value: Any) -> list[Any] | None:
    """Return a list; PHP writes one with a hole as an object with numbers for names."""
    if isinstance(value, dict) and value and all(key.isdigit() for key in value):
        return list(value.values())
    return value if isinstance(value, list) else None


def _objects(value: Any) -> list[Json]:
    return [entry for entry in _list(value) or [] if isinstance(entry, dict)]
