"""The names that a mapping may use beside the platform's own JSON: `purchase.…` and `item.…`, exact and cleaned."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

from adapter.purchase import identity
from adapter.purchase.order import LineItem, Order
from adapter.purchase.price import unit_price, unit_prices

PURCHASE: Mapping[str, str] = {
    "id": "the platform's order id, as text",
    "placed_at": "when the order was placed",
    "source_url": "the shop's address with the page of the purchase, without any key",
    "currency": "the ISO 4217 code of every amount here",
    "items_value": "the sum of the lines after discounts, without tax and shipping",
    "items_value_with_tax": "the same with the lines' tax",
    "tax": "all tax of the order, also when the prices include it",
    "shipping": "what was paid for shipping after discounts, without its tax",
    "total": "what the buyer pays for everything",
    "rest": "what is neither items, tax nor shipping: tips, fees, duties, rounding",
    "email": "the e-mail address, trimmed, in lower case and hashed with SHA-256",
    "email_plain": "the same unhashed: Axon hashes it then",
    "phone": "the phone number as digits with country code, hashed with SHA-256",
    "phone_plain": "the same unhashed: Axon hashes it then",
    "user_id": "the shop's customer id, when it has the six characters that Axon asks for",
    "customer_id": "the same of any length, nothing for a guest: put a prefix before it to use it as user_id",
    "zip": "the billing zip code; in the United States its first five digits",
    "country_code": "the billing country, ISO 3166",
    "ip": "the IP address of the buyer's browser",
    "user_agent": "the user agent of the buyer's browser",
}
ITEM: Mapping[str, str] = {
    "id": "the product id; when the product is gone its SKU, else its title",
    "variant_id": "the id of the variant, nothing when there is none",
    "title": "the product's name, with HTML entities decoded",
    "price": "the unit price after discounts and without tax",
    "price_with_tax": "the unit price after discounts with tax",
    "price_before_discount": "the unit price before discounts and without tax",
    "discount": "what was taken off one unit, without tax",
    "quantity": "how many; may have a fraction",
    "category_id": "the number that [tables.categories] gives for the product id, the variant id or the SKU",
}


def _with_tax(line: LineItem) -> Decimal:
    return line.total + line.tax


def _before_discount(line: LineItem) -> Decimal:
    return line.total_before_discount


def _discount(line: LineItem) -> Decimal:
    # From the line's discount, not from the two prices: these may carry different digits.
    return max(line.total_before_discount - line.total, Decimal(0))


_AMOUNTS: Mapping[str, Callable[[LineItem], Decimal]] = {
    "price_with_tax": _with_tax,
    "price_before_discount": _before_discount,
    "discount": _discount,
}
PRICES = tuple(_AMOUNTS)
"""The names of an item that cost a division each: they are worked out where an expression reads them."""


class Names(Struct, frozen=True):
    """The values of the names for one order, with sentences about what was dropped on the way."""

    purchase: Mapping[str, Any]
    items: tuple[Mapping[str, Any], ...]
    warnings: tuple[str, ...]


def names_for(order: Order, site_url: str, categories: Mapping[str, Any], prices: Collection[str] = PRICES) -> Names:
    """Work out every `purchase.…` and `item.…` of an order; of the further prices of an item only these."""
    purchase = _purchase(order, site_url)
    items = tuple(
        {**_item(line, price, categories), **_further_prices(line, order.currency, prices)}
        for line, price in zip(order.lines, unit_prices(order.lines, order.currency), strict=True)
    )
    return Names(purchase, items, (*order.warnings, *_warnings(order, purchase)))


def _purchase(order: Order, site_url: str) -> dict[str, Any]:
    buyer = order.buyer
    email, phone = identity.clean_email(buyer.emails), identity.clean_phone(buyer.phones)
    country = identity.clean_country(buyer.country_code)
    items_value = order.items_value
    return {
        "id": order.id,
        "placed_at": order.placed_at,
        "source_url": site_url.rstrip("/") + order.page,
        "currency": order.currency,
        "items_value": items_value,
        "items_value_with_tax": items_value + sum((line.tax for line in order.lines), Decimal(0)),
        "tax": order.tax,
        "shipping": order.shipping,
        "total": order.total,
        "rest": sum((part.amount for part in order.rest), Decimal(0)),
        "email": identity.hashed(email),
        "email_plain": email,
        "phone": identity.hashed(phone),
        "phone_plain": phone,
        "user_id": identity.clean_user_id(buyer.user_id),
        "customer_id": buyer.user_id,
        "zip": identity.clean_zip(buyer.zip, country),
        "country_code": country,
        "ip": identity.clean_ip(buyer.ip),
        "user_agent": (buyer.user_agent or "").strip() or None,
    }


def _item(line: LineItem, price: Decimal, categories: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": line.product_id or line.sku or line.title or None,
        "variant_id": line.variant_id,
        "title": line.title or None,
        "price": price,
        "quantity": line.quantity,
        "category_id": _category(line, categories),
    }


def _further_prices(line: LineItem, currency: str, wanted: Collection[str]) -> dict[str, Decimal]:
    return {name: unit_price(_AMOUNTS[name](line), line.quantity, currency) for name in wanted}


def _category(line: LineItem, categories: Mapping[str, Any]) -> Any:  # noqa: ANN401  # The table's own value.
    keys = (line.variant_id, line.product_id, line.sku)
    return next((categories[key] for key in keys if key and key in categories), None)


def _warnings(order: Order, purchase: Mapping[str, Any]) -> Iterator[str]:
    buyer = order.buyer
    if buyer.emails and purchase["email"] is None:
        yield "the e-mail address was dropped: it can't be one"
    if buyer.phones and purchase["phone"] is None:
        yield "the phone number was dropped: it can't be one in the country of its address"
    if buyer.user_id and purchase["user_id"] is None:
        yield f"the customer id was dropped: Axon asks for {identity.SHORTEST_USER_ID} characters"
    if buyer.ip and purchase["ip"] is None:
        yield "the buyer's IP address was dropped: it is none"
    if (address := purchase["ip"]) and not identity.is_public_ip(address):
        yield "the buyer's IP address is a private one: the shop's proxy set-up hides its buyers"
    if order.remainder:
        yield (
            f"{order.remainder:f} {order.currency} of the total can't be named: "
            "the platform's own numbers don't add up to it"
        )
