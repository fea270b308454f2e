"""Whether a WooCommerce order is a sale: one reading for the glance and for the whole order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from adapter.platforms.woocommerce.values import amount_else, amount_of, moment_of, objects_of, text_of
from adapter.purchase.order import Payment, Standing

DRAFT_STATUSES = frozenset({"checkout-draft", "auto-draft", "draft"})

# wc_get_is_paid_statuses of WooCommerce 11.0.1. Cash on delivery is "processing" and has no date_paid yet.
_PAID = frozenset({"processing", "completed"})
_NOT_PAID = {
    **dict.fromkeys(DRAFT_STATUSES, Payment.UNPLACED),
    "failed": Payment.FAILED,
    "pending": Payment.UNPAID,
    "on-hold": Payment.UNPAID,
}
_CLOSED = {"cancelled": "cancelled", "refunded": "refunded", "trash": "trashed"}


def status_of(order: Mapping[str, Any]) -> str:
    """Return the order's status without "wc-", or "" when there is none; plugins add statuses of their own."""
    return (text_of(order.get("status")) or "").removeprefix("wc-")


def standing_of(order: Mapping[str, Any]) -> Standing:
    """Tell how far the money is. Reads status, payment_method, transaction_id, the two dates, total and refunds."""
    status = status_of(order)
    paid_at = moment_of(order.get("date_paid_gmt"))
    return Standing(
        payment=_payment(status, paid_at, text_of(order.get("transaction_id"))),
        closed=_CLOSED.get(status) or ("refunded" if _is_refunded_whole(order) else None),
        placed_at=moment_of(order.get("date_created_gmt")),
        # Cash on delivery counts from "processing" on, and gets its date of payment only when it is completed.
        paid_at=None if text_of(order.get("payment_method")) == "cod" else paid_at,
    )


def _payment(status: str, paid_at: datetime | None, transaction_id: str | None) -> Payment:
    if status in _PAID:
        return Payment.PAID
    # Gateways that capture later hold the order and keep the authorisation's id; a bank transfer has none.
    if status == "on-hold" and transaction_id:
        return Payment.AUTHORIZED
    if status in _NOT_PAID:
        return _NOT_PAID[status]
    # A plugin's status ("shipped", "partially-paid") tells nothing, nor does "cancelled" or "refunded" tell whether it
    # was paid before; that a payment was recorded does.
    return Payment.PAID if paid_at else Payment.UNPAID


def _is_refunded_whole(order: Mapping[str, Any]) -> bool:
    """Refunds don't lower `total`; each one's total is negative and includes its tax."""
    refunds = objects_of(order.get("refunds"))
    total = amount_of(order.get("total"))
    if not refunds or not total or total < 0:
        return False
    refunded = sum((abs(amount_else(refund.get("total"), Decimal(0))) for refund in refunds), Decimal(0))
    return refunded >= total
