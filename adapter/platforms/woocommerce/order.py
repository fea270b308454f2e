"""The whole WooCommerce order (REST API v3) as the canonical one: exact money first, then who bought.

Amounts are texts with the shop's number of decimals; lines, fees and shipping exclude tax, whatever
`prices_include_tax` says, and `total` includes everything. Source: class-wc-rest-orders-v2-controller.php of
WooCommerce 11.0.1, measured on a running shop.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from ipaddress import IPv6Address, ip_address
from typing import Any

from msgspec.structs import replace

from adapter.errors import OrderUnreadable
from adapter.platforms.woocommerce.body import token_of
from adapter.platforms.woocommerce.lines import beside_items, items_in, read_lines, warnings_about
from adapter.platforms.woocommerce.standing import standing_of
from adapter.platforms.woocommerce.traits import traits_of
from adapter.platforms.woocommerce.values import (
    amount,
    amount_else,
    amount_or_zero,
    identifier_of,
    moment_of,
    name_of,
    object_of,
    objects_of,
    text_of,
)
from adapter.purchase.attributes import browser_keys
from adapter.purchase.order import Buyer, NamedAmount, Order, PhoneNumber


def read_order(document: Mapping[str, Any]) -> Order:
    """Read the order from the strictly parsed body; raise `OrderUnreadable`, naming the field, if it can't be."""
    order_id = _order_id(document)
    token = token_of(document.get("order_key"))
    lines = read_lines(document)
    order = Order(
        platform="woocommerce",
        id=order_id,
        token=token,
        placed_at=_placed_at(document),
        standing=standing_of(document),
        traits=traits_of(document),
        currency=_currency(document),
        lines=items_in(lines),
        tax=amount_or_zero(document, "total_tax"),
        shipping=amount_or_zero(document, "shipping_total"),
        rest=(*_fees(document), *beside_items(lines)),
        total=amount(document, "total"),
        buyer=_buyer(document),
        page=f"/checkout/order-received/{order_id}/",
        click_keys=(*((("order_key", token),) if token else ()), *browser_keys(document)),
        warnings=tuple(warnings_about(lines)),
        source=document,
    )
    return replace(order, rest=order.rest + _gift_cards(document, order.remainder))


def _order_id(document: Mapping[str, Any]) -> str:
    order_id = identifier_of(document.get("id"))
    if order_id is None:
        raise OrderUnreadable("id is missing or isn't a positive number")
    return order_id


def _placed_at(document: Mapping[str, Any]) -> datetime:
    placed_at = moment_of(document.get("date_created_gmt")) or moment_of(document.get("date_paid_gmt"))
    if placed_at is None:
        raise OrderUnreadable(
            "neither date_created_gmt nor date_paid_gmt is a date, so the order has no time: "
            'choose the API version "WP REST API Integration v3" for the webhook, version 1 sends neither'
        )
    return placed_at


def _currency(document: Mapping[str, Any]) -> str:
    currency = document.get("currency")
    if not isinstance(currency, str) or not currency.strip():
        raise OrderUnreadable("currency is missing or blank: the amounts mean nothing without it")
    return currency.strip().upper()


def _fees(document: Mapping[str, Any]) -> Iterable[NamedAmount]:
    for index, fee in enumerate(objects_of(document.get("fee_lines"))):
        total = amount_or_zero(fee, "total", f"fee_lines[{index}].")
        yield NamedAmount(name=name_of(fee.get("name")) or "fee", amount=total)


# https://woocommerce.com/document/gift-cards/: redeemed cards lower `total` and stand in `gift_cards`.
def _gift_cards(document: Mapping[str, Any], remainder: Decimal) -> tuple[NamedAmount, ...]:
    """Name redeemed gift cards when they explain the remainder to the cent; other plugins use the name too."""
    cards = objects_of(document.get("gift_cards"))
    redeemed = sum((amount_else(card.get("amount"), Decimal(0)) for card in cards), Decimal(0))
    if redeemed > 0 and remainder == -redeemed:
        return (NamedAmount(name="gift card", amount=-redeemed),)
    return ()


def _buyer(document: Mapping[str, Any]) -> Buyer:
    billing, shipping = object_of(document.get("billing")), object_of(document.get("shipping"))
    email = name_of(billing.get("email"))  # WooCommerce stores what was typed with its & and ' as entities.
    return Buyer(
        emails=(email,) if email else (),
        phones=tuple(dict.fromkeys((*_phone(billing), *_phone(shipping)))),
        user_id=identifier_of(document.get("customer_id")),
        zip=name_of(billing.get("postcode")) or None,
        country_code=text_of(billing.get("country")) or text_of(shipping.get("country")),
        ip=_ip(document.get("customer_ip_address")),
        user_agent=text_of(document.get("customer_user_agent")),
    )


def _phone(address: Mapping[str, Any]) -> tuple[PhoneNumber, ...]:
    text = name_of(address.get("phone"))
    return (PhoneNumber(text=text, country_code=text_of(address.get("country"))),) if text else ()


def _ip(value: object) -> str | None:
    """Return the address; an IPv4 address in IPv6 clothing (::ffff:203.0.113.7) is unwrapped."""
    text = text_of(value)
    if text is None:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return text  # WooCommerce trusts the header X-Real-IP; the contract says what is wrong with it.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
