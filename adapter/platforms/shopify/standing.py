"""Whether a Shopify order is a sale yet or no longer, and what kind of order it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from adapter.platforms.shopify.fields import mapping, moment, text
from adapter.purchase.order import Payment, Standing, Trait

# Every other value (pending, partially_paid, voided, expired, and whatever comes later) is not paid: a shop that
# counts only paid orders must never count another. Nor is a missing status paid, even with total_outstanding 0.
# Source: shopify.dev/docs/api/admin-rest/latest/resources/order, financial_status.
_PAYMENTS = {
    "paid": Payment.PAID,
    "partially_refunded": Payment.PAID,
    "refunded": Payment.PAID,
    "authorized": Payment.AUTHORIZED,
}

_RENEWALS = {"subscription_contract", "subscription_contract_checkout_one"}
_DRAFT_APP_ID = "1354745"
_BACKDATED = timedelta(hours=24)


def standing_of(
    *, financial_status: object, cancelled_at: object, processed_at: object, created_at: object
) -> Standing:
    """Read the standing from these four fields of an order, of any type.

    `closed` is "cancelled", "voided" or "refunded"; `placed_at` is when the order was processed, else created. When
    it was paid stands in no field of an order.
    """
    status = text(financial_status)
    return Standing(
        payment=_PAYMENTS.get(status or "", Payment.UNPAID),
        closed=_closed(status, cancelled_at),
        placed_at=moment(processed_at) or moment(created_at),
    )


def _closed(status: str | None, cancelled_at: object) -> str | None:
    if cancelled_at:
        return "cancelled"
    return status if status in ("voided", "refunded") else None


def traits_of(document: Mapping[str, Any]) -> frozenset[Trait]:
    """Tell what kind of order it is, from fields of the signed body alone."""
    source = text(document.get("source_name")) or ""
    found = {
        Trait.TEST: document.get("test") is True,
        Trait.POS: source == "pos",
        Trait.DRAFT: _is_draft(document, source),
        Trait.RENEWAL: source in _RENEWALS,
        Trait.B2B: bool(document.get("company")),
        Trait.IMPORTED: _is_backdated(document) or _is_made_by_api(document, source),
    }
    return frozenset(trait for trait, holds in found.items() if holds)


def _is_draft(document: Mapping[str, Any], source: str) -> bool:
    # 1354745 is the id of Shopify's own draft order app. A checkout token says nothing here, because completed drafts
    # carry one; a cart or a landing page means that a buyer browsed the shop.
    if source == "shopify_draft_order":
        return True
    browsed = document.get("cart_token") or document.get("landing_site")
    return str(document.get("app_id")) == _DRAFT_APP_ID and not browsed


def _is_backdated(document: Mapping[str, Any]) -> bool:
    # processed_at may be set to the past by imports, created_at can't be changed.
    processed, created = moment(document.get("processed_at")), moment(document.get("created_at"))
    return bool(processed and created and created - processed > _BACKDATED)


def _is_made_by_api(document: Mapping[str, Any], source: str) -> bool:
    # An app that builds its own checkout leaves tokens or a browser; one that copies orders in leaves neither.
    if not (source.isascii() and source.isdigit()):
        return False
    client = mapping(document.get("client_details"))
    evidence = (
        document.get("checkout_token"),
        document.get("cart_token"),
        document.get("browser_ip"),
        client.get("browser_ip"),
        client.get("user_agent"),
    )
    return not any(evidence)
