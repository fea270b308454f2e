"""What kind of order it is, as far as WooCommerce and its common plugins write it into the signed body."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from adapter.platforms.woocommerce.standing import DRAFT_STATUSES, status_of
from adapter.platforms.woocommerce.values import identifier_of, moment_of, objects_of, text_of
from adapter.purchase.order import Trait

# Gateways that only ever simulate: "dummy" is WooCommerce's own Dummy Payments extension.
_TEST_GATEWAYS = frozenset({"dummy", "bogus"})
# What gateways write on an order paid in their test mode: WooPayments, PayPal Payments, Mollie.
_TEST_META = {"_wcpay_mode": "test", "_ppcp_paypal_payment_mode": "sandbox", "_mollie_payment_mode": "test"}

# B2BKing and Wholesale Suite. The latter writes "retail" for everyone else, so the value counts.
_B2B_META = {"b2bking_is_b2b_order": "yes", "_wwpp_order_type": "wholesale"}
_B2B_ROLE_META = ("_wwpp_wholesale_order_type", "wwp_wholesale_role")
_YES = frozenset({"yes", "true", "1"})

_IMPORT_GAP = timedelta(hours=24)


def _meta_of(order: Mapping[str, Any]) -> dict[str, Any]:
    """Return the order's meta_data by key; of several values the first counts, as in WooCommerce's get_meta."""
    meta: dict[str, Any] = {}
    for entry in objects_of(order.get("meta_data")):
        key = entry.get("key")
        if isinstance(key, str):
            meta.setdefault(key, entry.get("value"))
    return meta


def traits_of(order: Mapping[str, Any]) -> frozenset[Trait]:
    """Return every trait that the order or its meta shows."""
    meta = _meta_of(order)
    created_via = (text_of(order.get("created_via")) or "").lower()
    return frozenset(trait for trait, applies in _TRAITS.items() if applies(order, meta, created_via))


_Applies = Callable[[Mapping[str, Any], Mapping[str, Any], str], bool]


def _is_draft(order: Mapping[str, Any], _meta: Mapping[str, Any], _created_via: str) -> bool:
    return status_of(order) in DRAFT_STATUSES


def _is_pos(_order: Mapping[str, Any], _meta: Mapping[str, Any], created_via: str) -> bool:
    """As a word of its own: "pos-rest-api" is core's, "woocommerce-pos" the plugin WCPOS; "blog-post" is neither."""
    return "pos" in re.split(r"[^a-z0-9]+", created_via)


def _is_renewal(_order: Mapping[str, Any], meta: Mapping[str, Any], created_via: str) -> bool:
    return created_via == "subscription" or text_of(meta.get("_subscription_renewal")) is not None


def _is_imported(order: Mapping[str, Any], _meta: Mapping[str, Any], created_via: str) -> bool:
    """Tell by the name, or by a payment a day before its order: a copy keeps the one date and gets the other anew."""
    if "import" in created_via:
        return True
    created_at = moment_of(order.get("date_created_gmt"))
    paid_at = moment_of(order.get("date_paid_gmt"))
    return created_at is not None and paid_at is not None and created_at - paid_at > _IMPORT_GAP


def _is_sub_order(order: Mapping[str, Any], _meta: Mapping[str, Any], created_via: str) -> bool:
    """Parent and vendor orders (Dokan) are both delivered: counting both would count the money twice."""
    return created_via == "dokan" or identifier_of(order.get("parent_id")) is not None


def _is_b2b(_order: Mapping[str, Any], meta: Mapping[str, Any], _created_via: str) -> bool:
    if any(meta.get(key) == value for key, value in _B2B_META.items()):
        return True
    if any(text_of(meta.get(key)) for key in _B2B_ROLE_META):
        return True
    return any(key.startswith("_b2b") and text_of(value) in _YES for key, value in meta.items())


def _is_test(order: Mapping[str, Any], meta: Mapping[str, Any], _created_via: str) -> bool:
    if text_of(order.get("payment_method")) in _TEST_GATEWAYS:
        return True
    return any(meta.get(key) == value for key, value in _TEST_META.items())


_TRAITS: dict[Trait, _Applies] = {
    Trait.TEST: _is_test,
    Trait.POS: _is_pos,
    Trait.DRAFT: _is_draft,
    Trait.RENEWAL: _is_renewal,
    Trait.IMPORTED: _is_imported,
    Trait.B2B: _is_b2b,
    Trait.SUB_ORDER: _is_sub_order,
}
