"""What kind of order it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapter.platforms.woocommerce.traits import traits_of
from adapter.purchase.order import Trait

SAMPLES = Path(__file__).parents[1] / "samples"
LIVE = sorted(path for path in SAMPLES.glob("woocommerce-live/*/body.bin") if "-ping-" not in path.parent.name)


def meta(key: object, value: object) -> dict[str, Any]:
    """Return an order with this meta entry among odd ones."""
    return {"meta_data": [None, {"id": 1, "key": 5, "value": "x"}, {"id": 2, "key": key, "value": value}]}


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({"status": "checkout-draft"}, Trait.DRAFT),
        ({"status": "auto-draft"}, Trait.DRAFT),
        ({"status": "draft"}, Trait.DRAFT),
        ({"created_via": "pos-rest-api"}, Trait.POS),
        ({"created_via": "woocommerce-pos"}, Trait.POS),
        ({"created_via": "POS"}, Trait.POS),
        ({"created_via": "subscription"}, Trait.RENEWAL),
        (meta("_subscription_renewal", "282"), Trait.RENEWAL),
        (meta("_subscription_renewal", 282), Trait.RENEWAL),
        ({"created_via": "wc-csv-import-suite"}, Trait.IMPORTED),
        (
            {"date_created_gmt": "2026-11-20T09:00:05", "date_paid_gmt": "2026-11-19T09:00:04"},
            Trait.IMPORTED,
        ),
        ({"parent_id": 5}, Trait.SUB_ORDER),
        ({"parent_id": "5"}, Trait.SUB_ORDER),
        ({"created_via": "dokan"}, Trait.SUB_ORDER),
        (meta("b2bking_is_b2b_order", "yes"), Trait.B2B),
        (meta("_wwpp_order_type", "wholesale"), Trait.B2B),
        (meta("_wwpp_wholesale_order_type", "wholesale_customer"), Trait.B2B),
        (meta("wwp_wholesale_role", "wholesale_customer"), Trait.B2B),
        (meta("_b2b_order", "yes"), Trait.B2B),
        ({"payment_method": "dummy"}, Trait.TEST),
        (meta("_wcpay_mode", "test"), Trait.TEST),
        (meta("_ppcp_paypal_payment_mode", "sandbox"), Trait.TEST),
        (meta("_mollie_payment_mode", "test"), Trait.TEST),
    ],
)
def test_order_shows_its_kind(order: dict[str, Any], expected: Trait) -> None:
    """Each mark that WooCommerce or a common plugin leaves gives exactly its trait."""
    assert {expected} == traits_of(order)


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"created_via": "checkout", "parent_id": 0, "status": "processing", "payment_method": "stripe"},
        {"created_via": "blog-post", "meta_data": ""},
        {"date_created_gmt": "2026-11-20T09:00:04", "date_paid_gmt": "2026-11-19T09:00:04"},
        {"date_created_gmt": "2026-11-20T09:00:04", "date_paid_gmt": "2026-11-25T09:00:04"},
        {"date_created_gmt": "2026-11-20T09:00:04", "date_paid_gmt": None},
        meta("_subscription_renewal", ""),
        meta("b2bking_is_b2b_order", "no"),
        meta("_wwpp_order_type", "retail"),
        meta("_wwpp_wholesale_order_type", ""),
        meta("_b2b_order", "no"),
        meta("_wcpay_mode", "prod"),
        meta("_wcpay_mode", ["test"]),
        meta("_mollie_payment_mode", "live"),
    ],
)
def test_usual_order_shows_nothing(order: dict[str, Any]) -> None:
    """Marks that say no, and everything odd, give no trait: a real sale isn't skipped by mistake."""
    assert frozenset() == traits_of(order)


def test_first_of_several_values_counts() -> None:
    """With duplicate meta keys the first value counts, as in WooCommerce's own get_meta."""
    order = {"meta_data": [{"key": "_wcpay_mode", "value": "prod"}, {"key": "_wcpay_mode", "value": "test"}]}
    assert frozenset() == traits_of(order)


@pytest.mark.parametrize("path", LIVE, ids=lambda path: path.parent.name)
def test_only_the_draft_among_the_live_orders_has_a_trait(path: Path) -> None:
    """Of the captured orders, which are all shop orders, only the checkout draft is marked."""
    expected = {Trait.DRAFT} if path.parent.name.startswith("43-") else frozenset()
    assert expected == traits_of(json.loads(path.read_bytes()))
