"""What a verified body is: an order, one of the other things WooCommerce sends, or nothing that can be read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypedDict

import msgspec

from adapter.errors import OrderUnreadable
from adapter.platforms.document import parse_document
from adapter.platforms.webhook import Ignored, OrderNotice, Unreadable
from adapter.platforms.woocommerce.standing import standing_of
from adapter.platforms.woocommerce.values import identifier_of, moment_of


class _Glimpse(TypedDict, total=False):
    """The few fields intake needs; whatever else is in the body is skipped, and the lines are kept undecoded."""

    id: Any
    line_items: msgspec.Raw
    order_key: Any
    status: Any
    total: Any
    refunds: Any
    payment_method: Any
    transaction_id: Any
    date_created_gmt: Any
    date_modified_gmt: Any
    date_paid_gmt: Any
    refunded_payment: Any
    amount: Any
    billing_period: Any
    billing_interval: Any
    next_payment_date_gmt: Any


_DECODER = msgspec.json.Decoder(_Glimpse, float_hook=Decimal)
_LIST_START = re.compile(rb'\s*(?:\[|\{\s*"[0-9])')
_LONGEST_START = 100
_LONGEST_TOKEN = 200
_LONGEST_QUOTE = 100


def glance(body: bytes) -> OrderNotice | Ignored | Unreadable:
    """Tell what a verified body is, without reading the lines, the buyer or the meta of an order."""
    try:
        glimpse = _DECODER.decode(body)
    except (msgspec.MsgspecError, RecursionError, ValueError, ArithmeticError):
        return _not_an_order(body)
    order_id = identifier_of(glimpse.get("id"))
    if order_id is None or not _has_lines(glimpse) or _refund(glimpse) or _subscription(glimpse):
        return _not_an_order(body)
    return OrderNotice(
        order_id=order_id,
        token=token_of(glimpse.get("order_key")),
        updated_at=_updated_at(glimpse),
        standing=standing_of(glimpse),
    )


def token_of(order_key: object) -> str | None:
    """Return the order key, or None when it is missing or can't be a key that WooCommerce made."""
    if isinstance(order_key, str) and 0 < len(order_key) <= _LONGEST_TOKEN and order_key.isprintable():
        return order_key
    return None


def _has_lines(glimpse: _Glimpse) -> bool:
    """Tell whether it is a list, or the object with numbers for names that PHP makes of a list with a hole."""
    lines = bytes(memoryview(glimpse.get("line_items", b""))[:_LONGEST_START])
    return _LIST_START.match(lines) is not None


def _updated_at(glimpse: Mapping[str, Any]) -> datetime | None:
    return moment_of(glimpse.get("date_modified_gmt")) or moment_of(glimpse.get("date_created_gmt"))


def _not_an_order(body: bytes) -> Ignored | Unreadable:
    """Say what else the body is; rare, so it is read whole."""
    try:
        document = parse_document(body)
    except OrderUnreadable as error:
        return Unreadable(str(error))
    for recognise in (_deletion, _custom_topic, _rest_error, _legacy_order, _refund, _subscription):
        if reason := recognise(document):
            return Ignored(reason)
    if identifier_of(document.get("id")) is None:
        return Unreadable("the JSON object isn't an order: its id is missing or isn't a positive number")
    return Unreadable("the JSON object isn't an order: its line_items is missing or isn't a list")


def _deletion(document: Mapping[str, Any]) -> str | None:
    if set(document) != {"id"} or identifier_of(document["id"]) is None:
        return None
    return (
        "the order was moved to the trash or deleted: only its id is sent. The adapter needs the topics "
        '"Order created" and "Order updated"; the webhook for "Order deleted" can be removed'
    )


def _custom_topic(document: Mapping[str, Any]) -> str | None:
    if set(document) != {"action", "arg"}:
        return None
    return (
        f"a custom topic (action {_quoted(document['action'])}) carries no order: "
        'choose the topic "Order created" or "Order updated" for the webhook'
    )


_REST_ERRORS = {
    "woocommerce_rest_shop_order_invalid_id": "the order was deleted for good before the shop delivered it",
    "woocommerce_rest_cannot_view": (
        "the shop couldn't read the order, because the webhook's owner was deleted or lacks the rights: "
        "save the webhook again as an administrator who will stay"
    ),
    "woocommerce_rest_invalid_shop_order_id": (
        "API version 1 doesn't work with the shop's order tables (HPOS): "
        'choose the API version "WP REST API Integration v3" for the webhook'
    ),
}


# WC_Webhook::build_payload sends whatever the REST API answers, errors included.
def _rest_error(document: Mapping[str, Any]) -> str | None:
    code = document.get("code")
    if not isinstance(code, str) or "message" not in document:
        return None
    known = _REST_ERRORS.get(code)
    return known or f"the shop sent an error of its REST API in place of an order: {_quoted(code)}"


def _legacy_order(document: Mapping[str, Any]) -> str | None:
    if not isinstance(document.get("order"), dict):
        return None
    return (
        "the body has the shape of the Legacy REST API: "
        'choose the API version "WP REST API Integration v3" for the webhook'
    )


# https://woocommerce.github.io/woocommerce-rest-api-docs/#order-refund-properties: it has an id and line_items too.
def _refund(document: Mapping[str, Any]) -> str | None:
    if "status" in document or not ("refunded_payment" in document or "amount" in document):
        return None
    return "the body is a refund, not an order; a refund made before the order was sent shows in the order itself"


# Woo Subscriptions' own resource: an order's fields, a status such as "active", and the schedule.
def _subscription(document: Mapping[str, Any]) -> str | None:
    schedule = document.get("billing_interval") or "next_payment_date_gmt" in document
    if not document.get("billing_period") or not schedule:
        return None
    return "the body is a subscription, not an order; its first order and its renewals are sent as orders"


def _quoted(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return json.dumps(text[:_LONGEST_QUOTE])
