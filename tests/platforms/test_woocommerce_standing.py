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
    ("status", "expected"),
    [
        ("pending", Payment.UNPAID),
        ("on-hold", Payment.UNPAID),
        ("failed", Payment.FAILED),
        ("checkout-draft", Payment.UNPLACED),
        ("auto-draft", Payment.UNPLACED),
        ("draft", Payment.UNPLACED),
    ],
)
def test_unpaid_status_is_unpaid_whatever_the_date_says(status: str, expected: Payment) -> None:
    """No code clears date_paid, so it doesn't make a failed or held order paid."""
    assert expected is standing_of({"status": status, "date_paid_gmt": PAID_AT}).payment


@pytest.mark.parametrize("status", ["cancelled", "refunded", "trash"])
def test_closed_status_was_paid_when_a_payment_was_recorded(status: str) -> None:
    """A closed order stays closed; for a shop that counts such orders the date tells whether there was money."""
    assert Payment.PAID is standing_of({"status": status, "date_paid_gmt": PAID_AT}).payment
    assert Payment.UNPAID is standing_of({"status": status, "date_paid_gmt": None}).payment


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
    ("fields", "placed", "paid"),
    [
        ({"date_paid_gmt": PAID_AT, "date_created_gmt": CREATED_AT}, 0, 4),
        ({"date_paid_gmt": PAID_AT, "date_created_gmt": CREATED_AT, "payment_method": "bacs"}, 0, 4),
        ({"date_paid_gmt": PAID_AT, "date_created_gmt": CREATED_AT, "payment_method": "cod"}, 0, None),
        ({"date_paid_gmt": None, "date_created_gmt": CREATED_AT}, 0, None),
        ({"date_paid_gmt": "", "date_created_gmt": None}, None, None),
    ],
)
def test_when_it_was_placed_and_paid(fields: dict[str, Any], placed: int | None, paid: int | None) -> None:
    """Both moments are UTC; cash on delivery's "payment" is its completion, weeks after it counted."""
    expected = tuple(
        None if second is None else datetime(2026, 11, 20, 9, 0, second, tzinfo=UTC) for second in (placed, paid)
    )
    standing = standing_of(fields)
    assert expected == (standing.placed_at, standing.paid_at)
