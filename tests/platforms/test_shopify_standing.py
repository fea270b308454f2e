"""Standing and kind of an order, from the fields of its signed body."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapter.platforms.document import parse_document
from adapter.platforms.shopify import SHOPIFY
from adapter.purchase.order import Order, Payment, Trait

SAMPLES = Path(__file__).parents[1] / "samples" / "shopify"
BASE = json.loads((SAMPLES / "web_discounts_usd.json").read_text())


def read(name: str = "web_discounts_usd", **changes: object) -> Order:
    """Read a sample order with some fields changed."""
    body: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return SHOPIFY.read_order(parse_document(json.dumps(body | changes).encode()), "presentment")


@pytest.mark.parametrize(
    ("status", "payment", "closed"),
    [
        ("paid", Payment.PAID, None),
        ("partially_refunded", Payment.PAID, None),
        ("refunded", Payment.PAID, "refunded"),
        ("authorized", Payment.AUTHORIZED, None),
        ("pending", Payment.UNPAID, None),
        ("partially_paid", Payment.UNPAID, None),
        ("voided", Payment.UNPAID, "voided"),
        ("expired", Payment.UNPAID, None),
        ("something_new", Payment.UNPAID, None),
        ("", Payment.UNPAID, None),
        (None, Payment.UNPAID, None),
        (4, Payment.UNPAID, None),
        ([], Payment.UNPAID, None),
    ],
)
def test_the_financial_status_tells_how_far_the_money_is(status: object, payment: Payment, closed: str | None) -> None:
    """Only what Shopify calls paid or refunded was paid; what isn't known isn't paid."""
    standing = read(financial_status=status).standing
    assert (payment, closed) == (standing.payment, standing.closed)


def test_nothing_outstanding_does_not_stand_in_for_a_missing_status() -> None:
    """Without a financial_status an order with total_outstanding 0 is still unpaid."""
    body = {key: value for key, value in BASE.items() if key != "financial_status"}
    order = SHOPIFY.read_order(parse_document(json.dumps(body).encode()), "shop")
    assert order.source["total_outstanding"] == "0.00"
    assert order.standing.payment is Payment.UNPAID


@pytest.mark.parametrize(
    ("cancelled_at", "closed"),
    [("2026-11-21T08:00:00+01:00", "cancelled"), ("soon", "cancelled"), ("", None), (None, None)],
)
def test_a_cancelled_order_is_closed_even_when_it_is_paid(cancelled_at: object, closed: str | None) -> None:
    """cancelled_at closes the order, whether its time can be read or not."""
    assert closed == read(cancelled_at=cancelled_at).standing.closed


def test_cancelled_comes_before_refunded() -> None:
    """An order that is both is closed as cancelled."""
    assert read("refunded_cancelled").standing.closed == "cancelled"


@pytest.mark.parametrize(
    ("processed_at", "created_at", "expected"),
    [
        ("2026-11-02T14:00:00+01:00", "2026-11-02T15:00:00+01:00", datetime(2026, 11, 2, 13, tzinfo=UTC)),
        (None, "2026-11-02T15:00:00+01:00", datetime(2026, 11, 2, 14, tzinfo=UTC)),
    ],
)
def test_an_order_counts_from_when_it_was_processed(
    processed_at: object, created_at: object, expected: datetime
) -> None:
    """processed_at counts, and created_at when there is none; placed_at is the same moment."""
    order = read(processed_at=processed_at, created_at=created_at)
    assert (expected, None) == (order.standing.placed_at, order.standing.paid_at)
    assert expected == order.placed_at


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("web_discounts_usd", set()),
        ("test_notification", {Trait.TEST}),
        ("pos_cash_rounding_cad", {Trait.POS}),
        ("draft_custom_line_cad", {Trait.DRAFT}),
        ("subscription_renewal", {Trait.RENEWAL}),
    ],
)
def test_each_kind_of_order_is_told(name: str, expected: set[Trait]) -> None:
    """The samples have exactly the traits that their names say."""
    assert expected == read(name).traits


NO_BROWSER = {"checkout_token": None, "cart_token": None, "browser_ip": None, "client_details": None}

TRAITS: dict[str, tuple[dict[str, object], set[Trait]]] = {
    "test must be true itself": ({"test": "true"}, set()),
    "an older renewal": ({"source_name": "subscription_contract"}, {Trait.RENEWAL}),
    "a company": ({"company": {"id": 1, "location_id": 2}}, {Trait.B2B}),
    "no company": ({"company": {}}, set()),
    "the draft app alone": ({"app_id": 1354745, "cart_token": None, "landing_site": None}, {Trait.DRAFT}),
    "the draft app after a visit": ({"app_id": 1354745, "cart_token": None}, set()),
    "the draft app after a cart": ({"app_id": 1354745, "landing_site": None}, set()),
    "made by an app": ({"source_name": "755357713", **NO_BROWSER}, {Trait.IMPORTED}),
    "an app's own checkout": ({"source_name": "755357713", **NO_BROWSER, "checkout_token": "c0ffee"}, set()),
    "an app's own cart": ({"source_name": "755357713", **NO_BROWSER, "cart_token": "c0ffee"}, set()),
    "an app that names the browser": ({"source_name": "755357713", **NO_BROWSER, "browser_ip": "203.0.113.9"}, set()),
    "an app that details the browser": (
        {"source_name": "755357713", **NO_BROWSER, "client_details": {"user_agent": "Mozilla/5.0"}},
        set(),
    ),
    "an app with empty details": (
        {"source_name": "755357713", **NO_BROWSER, "client_details": {"browser_ip": None}},
        {Trait.IMPORTED},
    ),
    "a sales channel": ({"source_name": "instagram", **NO_BROWSER}, set()),
    "digits of another script": ({"source_name": "\u0667\u0665\u0665", **NO_BROWSER}, set()),
    "processed a day before": (
        {"processed_at": "2026-11-01T14:05:31+01:00", "created_at": "2026-11-02T14:05:31+01:00"},
        set(),
    ),
    "processed more than a day before": (
        {"processed_at": "2026-11-01T14:05:30+01:00", "created_at": "2026-11-02T14:05:31+01:00"},
        {Trait.IMPORTED},
    ),
    "processed later": (
        {"processed_at": "2026-11-09T14:05:30+01:00", "created_at": "2026-11-02T14:05:31+01:00"},
        set(),
    ),
    "processed at an unknown time": ({"processed_at": "?"}, set()),
    "odd types": ({"source_name": 755357713, "company": None, "app_id": [], "test": 1}, set()),
}


@pytest.mark.parametrize(("changes", "expected"), TRAITS.values(), ids=TRAITS)
def test_traits_come_from_the_signed_body(changes: dict[str, object], expected: set[Trait]) -> None:
    """One field or two make the kind of an order."""
    assert expected == read(**changes).traits
