"""From the strictly parsed body of a Shopify webhook to the canonical order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from adapter.errors import OrderUnreadable
from adapter.platforms.shopify.amounts import amounts_of
from adapter.platforms.shopify.buyer import buyer_of
from adapter.platforms.shopify.fields import moment, order_id, text, token
from adapter.platforms.shopify.lines import lines_of
from adapter.platforms.shopify.standing import standing_of, traits_of
from adapter.platforms.shopify.totals import totals_of
from adapter.platforms.webhook import Side
from adapter.purchase.attributes import browser_keys
from adapter.purchase.order import Order, Standing, Trait

_LONGEST_LANDING_SITE = 255


def read_order(document: Mapping[str, Any], side: Side) -> Order:
    """Read the order with every amount on this side; raise `OrderUnreadable` when it can't be priced or named."""
    amounts = amounts_of(document, side)
    lines = lines_of(document, amounts)
    totals = totals_of(document, amounts, lines)
    traits = traits_of(document)
    warnings = amounts.warnings
    return Order(
        platform="shopify",
        id=_id(document),
        token=token(document.get("token")),
        placed_at=_placed_at(document, warnings),
        standing=_standing(document),
        traits=traits,
        currency=amounts.currency,
        lines=lines,
        tax=totals.tax,
        shipping=totals.shipping,
        rest=totals.rest,
        total=totals.total,
        buyer=buyer_of(document, by_staff=_is_by_staff(document, traits, warnings)),
        page="/",  # order_status_url would be the page, but it carries a key to the order.
        click_keys=(*_click_keys(document), *browser_keys(document)),
        warnings=(*warnings, *_landing_site_warnings(document)),
        source=document,
    )


def _id(document: Mapping[str, Any]) -> str:
    found = order_id(document.get("id"))
    if found is None:
        raise OrderUnreadable("id isn't a whole number of at most 64 digits")
    return found


def _standing(document: Mapping[str, Any]) -> Standing:
    return standing_of(
        financial_status=document.get("financial_status"),
        cancelled_at=document.get("cancelled_at"),
        processed_at=document.get("processed_at"),
        created_at=document.get("created_at"),
    )


def _placed_at(document: Mapping[str, Any], warnings: list[str]) -> datetime:
    placed_at = moment(document.get("processed_at")) or moment(document.get("created_at"))
    if placed_at:
        return placed_at
    updated_at = moment(document.get("updated_at"))
    if updated_at is None:
        raise OrderUnreadable("none of processed_at, created_at and updated_at is a time with its offset")
    warnings.append("processed_at and created_at are missing: updated_at counts as the time of the order")
    return updated_at


def _is_by_staff(document: Mapping[str, Any], traits: frozenset[Trait], warnings: list[str]) -> bool:
    if Trait.DRAFT not in traits:
        return False
    if document.get("browser_ip") or document.get("client_details"):
        warnings.append("this is a draft order: its IP address and user agent are of the shop's staff, so left out")
    return True


def _click_keys(document: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    # Since 2024-06 the storefront's cart token ends in "?key=…", and the order's doesn't:
    # shopify.dev/changelog/cart-token-in-ajax-api-response-now-includes-key-param.
    cart, _, _ = (text(document.get("cart_token")) or "").partition("?")
    found = (("checkout_token", token(document.get("checkout_token"))), ("cart_token", token(cart)))
    return tuple((kind, value) for kind, value in found if value)


def _landing_site_warnings(document: Mapping[str, Any]) -> tuple[str, ...]:
    # Seen on live shops, not documented: the address ends after 255 characters, in the middle of its last parameter.
    if len(text(document.get("landing_site")) or "") < _LONGEST_LANDING_SITE:
        return ()
    return ("landing_site is cut off at 255 characters: a click identifier at its end is passed over",)
