"""What a verified body is, read without reading all of it: this runs inside Shopify's five seconds."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from adapter.platforms.shopify.fields import moment, order_id, token
from adapter.platforms.shopify.standing import standing_of
from adapter.platforms.webhook import Ignored, OrderNotice, Unreadable

CANNED_IDS: Final = frozenset({"820982911946154508", "820982911946154500"})
"""The order id in every "Send test notification"; JavaScript tools round the first to the second."""


class _Glimpse(msgspec.Struct, gc=False):
    # Fields are Any, not typed, so that an odd type in one of them never loses an order. Everything that isn't named
    # here is skipped without building Python objects, the lines included.
    id: Any = None
    token: Any = None
    line_items: msgspec.Raw = msgspec.Raw(b"")
    updated_at: Any = None
    financial_status: Any = None
    cancelled_at: Any = None
    processed_at: Any = None
    created_at: Any = None
    test: Any = None
    # Non-orders with an id and lines of their own: a refund or fulfillment, a checkout before 2026-04, a draft order.
    order_id: Any = None
    abandoned_checkout_url: Any = None
    invoice_url: Any = None


_GLIMPSE = msgspec.json.Decoder(_Glimpse)
_KEYS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_BROKEN = (msgspec.MsgspecError, RecursionError, ValueError, ArithmeticError)

# Keys that give a body away, most telling first. Sources: shopify.dev/docs/api/webhooks (topics),
# /docs/apps/build/compliance/privacy-law-compliance, /docs/apps/build/events/delivery-structure.
_CHOOSE = "not an order; choose the events “Order creation” and “Order payment” for this URL"
_NOT_ORDERS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"order_edit"}), f"an order edit (topic orders/edited), {_CHOOSE}"),
    (frozenset({"order_id", "refund_line_items"}), f"a refund (topic refunds/create), {_CHOOSE}"),
    (frozenset({"order_id"}), f"a part of an order, such as a fulfillment or a transaction, {_CHOOSE}"),
    (frozenset({"abandoned_checkout_url"}), f"an unfinished checkout (topics checkouts/*), {_CHOOSE}"),
    (frozenset({"invoice_url"}), f"a draft order (topics draft_orders/*), {_CHOOSE}"),
    (
        frozenset({"data_request"}),
        "a customer's request for data (topic customers/data_request), to be answered by hand",
    ),
    (frozenset({"orders_to_redact"}), "a request to erase a customer (topic customers/redact), to be done by hand"),
    (frozenset({"shop_id", "shop_domain"}), "a request to erase a shop (topic shop/redact), to be done by hand"),
    (frozenset({"fields_changed"}), f"a delivery of Shopify's Events, {_CHOOSE}"),
    (frozenset({"topic", "action", "handle"}), f"a delivery of Shopify's Events, {_CHOOSE}"),
)
_ONLY_AN_ID = frozenset({"id", "admin_graphql_api_id"})
_ORDERS_ONLY = frozenset({"financial_status", "order_number"})


def glance(body: bytes) -> OrderNotice | Ignored | Unreadable:
    """Tell whether this body is an order, something else that Shopify sends, or nothing that can be read."""
    try:
        glimpse = _GLIMPSE.decode(body)
        return _notice(glimpse) or _something_else(body)
    except _BROKEN as error:
        problem = "it is a list" if body.lstrip().startswith(b"[") else error
        return Unreadable(f"the body isn't a JSON object that can be read: {problem}")


def _notice(glimpse: _Glimpse) -> OrderNotice | None:
    found = order_id(glimpse.id)
    if found is None or not _is_list(glimpse.line_items) or _is_foreign(glimpse):
        return None
    return OrderNotice(
        order_id=found,
        token=token(glimpse.token),
        updated_at=moment(glimpse.updated_at),
        standing=standing_of(
            financial_status=glimpse.financial_status,
            cancelled_at=glimpse.cancelled_at,
            processed_at=glimpse.processed_at,
            created_at=glimpse.created_at,
        ),
        test_notification=glimpse.test is True and found in CANNED_IDS,
    )


def _is_list(raw: msgspec.Raw) -> bool:
    return bytes(memoryview(raw)[:1]) == b"["


def _is_foreign(glimpse: _Glimpse) -> bool:
    marks = (glimpse.order_id, glimpse.abandoned_checkout_url, glimpse.invoice_url)
    return any(mark is not None for mark in marks)


def _something_else(body: bytes) -> Ignored | Unreadable:
    keys = {key for key, value in _KEYS.decode(body).items() if bytes(value) != b"null"}
    for marks, meaning in _NOT_ORDERS:
        if marks <= keys:
            return Ignored(f"this is {meaning}")
    if keys & _ORDERS_ONLY:
        return Unreadable(
            "this looks like an order, but its id isn't a whole number or its line_items isn't a list"
            " (the include_fields of a subscription must keep both)"
        )
    if keys and keys <= _ONLY_AN_ID:
        return Ignored(f"this is an id alone, as the delete topics send it, {_CHOOSE}")
    if {"token", "line_items"} <= keys:
        return Ignored(f"this is a cart or a checkout (topics carts/*, checkouts/*), {_CHOOSE}")
    return Unreadable("the body isn't an order: it doesn't have an id together with a list of line_items")
