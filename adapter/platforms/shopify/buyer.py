"""Who bought: every way to recognise a buyer that a Shopify order offers, best first, as it was typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from adapter.platforms.shopify.fields import identifier, mapping, text
from adapter.purchase.identity import clean_ip, is_public_ip
from adapter.purchase.order import Buyer, PhoneNumber

_Found = TypeVar("_Found")

_COUNTRY_LETTERS = 2


def buyer_of(document: Mapping[str, Any], *, by_staff: bool) -> Buyer:
    """Read the buyer; `by_staff` says that the browser is the shop's own, which is never the buyer's.

    Everything may be missing: shops see personal fields or not by plan and app
    (shopify.dev/docs/apps/launch/protected-customer-data), and guests and POS sales have no customer.
    """
    customer = mapping(document.get("customer"))
    billing, shipping = mapping(document.get("billing_address")), mapping(document.get("shipping_address"))
    country = _country(billing) or _country(shipping)
    client = mapping(document.get("client_details"))
    addresses = (text(client.get("browser_ip")), text(document.get("browser_ip")))
    user_agent = text(client.get("user_agent"))
    return Buyer(
        emails=_distinct(map(text, (document.get("email"), document.get("contact_email"), customer.get("email")))),
        phones=_phones(document, shipping, billing, customer),
        user_id=identifier(customer.get("id")),
        zip=_zip(billing, shipping, country),
        country_code=country,
        ip=None if by_staff else _best(addresses),
        user_agent=None if by_staff else user_agent,
        not_buyers=frozenset(filter(None, (*map(clean_ip, addresses), user_agent))) if by_staff else frozenset(),
    )


def _best(addresses: Iterable[str | None]) -> str | None:
    """Return the address to send: a public one before others, then IPv4 before IPv6, as Axon prefers it."""
    written = [address for address in addresses if address]
    usable = [address for address in map(clean_ip, written) if address]
    return min(
        usable, key=lambda address: (not is_public_ip(address), ":" in address), default=next(iter(written), None)
    )


def _phones(
    document: Mapping[str, Any], shipping: Mapping[str, Any], billing: Mapping[str, Any], customer: Mapping[str, Any]
) -> tuple[PhoneNumber, ...]:
    home = mapping(customer.get("default_address"))
    holders = (
        (document, (shipping, billing)),
        (shipping, (shipping,)),
        (billing, (billing,)),
        (customer, (home,)),
        (home, (home,)),
    )
    return _distinct(_phone(typed, where) for holder, where in holders if (typed := text(holder.get("phone"))))


def _phone(typed: str, addresses: Iterable[Mapping[str, Any]]) -> PhoneNumber:
    return PhoneNumber(text=typed, country_code=next(filter(None, map(_country, addresses)), None))


def _country(address: Mapping[str, Any]) -> str | None:
    code = (text(address.get("country_code")) or "").upper()
    return code if len(code) == _COUNTRY_LETTERS and code.isascii() and code.isalpha() else None


def _zip(billing: Mapping[str, Any], shipping: Mapping[str, Any], country: str | None) -> str | None:
    # A zip of another country than the one we name would be a wrong zip.
    return next((found for address in (billing, shipping) if (found := _zip_in(address, country))), None)


def _zip_in(address: Mapping[str, Any], country: str | None) -> str | None:
    return text(address.get("zip")) if _country(address) in (None, country) else None


def _distinct(found: Iterable[_Found | None]) -> tuple[_Found, ...]:
    return tuple(dict.fromkeys(one for one in found if one is not None))
