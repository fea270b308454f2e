"""Whether a WooCommerce order is a sale."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from adapter.platforms.woocommerce.standing import standing_of
from adapter.purchase.order import Payment

PAID_AT = "2026-11-20T09:00:04"
CREATED_AT = "2026-11-20T09:00:00"


@pytest.mark.parametrize("status", ["processing", "completed", "wc-processing"])
@pytest.mark.parametrize("date_paid", [None, "", PAID_AT])
def test_paid_status_is_paid_with_or_without_a_date(status: str, date_paid: str | None) -> None:
    """Cash on delivery is processing without date_paid, and counts."""
    assert Payment.PAID is standing_of({"status": status, "date_paid_gmt": date_paid}).payment


@pytest.mark.parametrize("status", ["shipped", "partially-paid", ""])
def test_plugin_status_is_paid_when_a_payment_was_recorded(status: str) -> None:
    """A status that WooCommerce doesn't know counts with date_paid_gmt, and not without it."""
    assert Payment.PAID is standing_of({"status": status, "date_paid_gmt": PAID_AT}).payment
    assert Payment.UNPAID is standing_of({"status": status, "date_paid_gmt": None}).payment


@pytest.mark.parametrize(
    "status",
    [
        "pending",
        "failed",
        "cancelled",
        "refunded",
        "trash",
        "on-hold",
        "checkout-draft",
        "auto-draft",
        "draft",
    ],
)
def test_unpaid_status_is_unpaid_whatever_the_date_says(status: str) -> None:
    """No code clears date_paid, so it doesn't make a failed or refunded order paid."""
    assert Payment.UNPAID is standing_of({"status": status, "date_paid_gmt": PAID_AT}).payment


@pytest.mark.parametrize(
    ("status", "transaction_id", "expected"),
    [
        ("on-hold", "ch_1", Payment.AUTHORIZED),
        ("on-hold", "", Payment.UNPAID),
        ("on-hold", None, Payment.UNPAID),
        ("pending", "ch_1", Payment.UNPAID),
    ],
)
def test_held_order_with_a_transaction_is_authorized(
    status: str, transaction_id: str | None, expected: Payment
) -> None:
    """A gateway that captures later leaves its transaction on the held order; a bank transfer doesn't."""
    assert expected is standing_of({"status": status, "transaction_id": transaction_id}).payment


@pytest.mark.parametrize(
    ("status", "expected"),
    [("cancelled", "cancelled"), ("refunded", "refunded"), ("trash", "trashed"), ("failed", None), (None, None)],
)
def test_status_closes_the_order(status: str | None, expected: str | None) -> None:
    """Cancelled, refunded and trashed orders are no sale any more."""
    assert expected == standing_of({"status": status}).closed


@pytest.mark.parametrize(
    ("total", "refunds", "expected"),
    [
        ("70.81", [{"total": "-50.82"}, {"total": "-19.99"}], "refunded"),
        ("70.81", [{"total": "-50.82"}, {"total": "-19.98"}], None),
        ("70.81", [{"total": "-70.82"}], "refunded"),
        ("70.81", {"0": {"total": "-0.81"}, "2": {"total": "-70"}}, "refunded"),
        (Decimal("70.81"), [{"total": Decimal("-70.81")}], "refunded"),
        ("0.00", [{"total": "0.00"}], None),
        ("-5.00", [{"total": "-5.00"}], None),
        ("", [{"total": "-5.00"}], None),
        ("5.00", [{"id": 0, "total": "-0.00"}, {"total": None}, None], None),
        ("5.00", [], None),
        ("5.00", "", None),
    ],
)
def test_refunds_of_the_whole_total_close_the_order(total: object, refunds: object, expected: str | None) -> None:
    """Refunds don't change the total; when they reach it, the order is refunded whatever its status."""
    assert expected == standing_of({"status": "completed", "total": total, "refunds": refunds}).closed


@pytest.mark.parametrize(
    ("fields", "second"),
    [
        ({"date_paid_gmt": PAID_AT, "date_created_gmt": CREATED_AT}, 4),
        ({"date_paid_gmt": None, "date_created_gmt": CREATED_AT}, 0),
        ({"date_paid_gmt": "", "date_created_gmt": None}, None),
    ],
)
def test_order_counts_since_it_was_paid_else_placed(fields: dict[str, Any], second: int | None) -> None:
    """The moment an order became countable is the payment's, else the order's."""
    expected = None if second is None else datetime(2026, 11, 20, 9, 0, second, tzinfo=UTC)
    assert expected == standing_of(fields).countable_since
