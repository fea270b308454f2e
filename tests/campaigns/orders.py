"""Invented orders of both platforms, every one different, with what Axon has to receive for it worked out beside it.

All people are invented, and what is personal carries one of the `CANARIES`: none of them may ever stand in a log.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Literal

Fate = Literal["delivered", "quarantined"]

SECRETS: Mapping[str, str] = {
    "shopify": "shpss_canary_4f8a1c0e9b7d2a63",
    "woocommerce": "CanaryWq7Zx4Jk9Vb2Nm5Rt8Yp",
}
API_KEY = "canary-api-key-1"
PIXELS: Mapping[str, str] = {"shopify": "pixel-shopify", "woocommerce": "pixel-woocommerce"}

CANARIES = ("canary", "+49305550", "49305550", "198.51.100.", "Canary Browser", API_KEY, *SECRETS.values())
"""What stands in personal fields and secrets; compared without regard to case."""

POISON = "an item that the API refuses"
"""The title of an item in a poisoned order: our own checks let it pass, a rule of the fake API refuses it."""

_CURRENCIES = {"EUR": 2, "USD": 2, "JPY": 0}
_SHOPIFY_FIRST_ID = 5_839_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A signed webhook request, and what must become of it: `value` in `currency` at Axon, under this id."""

    shop: str
    id: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    currency: str
    value: Decimal
    fate: Fate = "delivered"

    @property
    def path(self) -> str:
        """Return where it is posted."""
        return f"/webhooks/{self.shop}"

    @property
    def key(self) -> tuple[str, str]:
        """Return what there must be exactly one row of: shop and order id."""
        return self.shop, self.id


@dataclass(slots=True)
class _Line:
    title: str
    quantity: int
    price: Decimal
    discount: Decimal

    @property
    def total(self) -> Decimal:
        return self.price * self.quantity - self.discount


class Orders:
    """Makes orders from a seed: always the same ones, apart from `now`, shortly before which they are placed."""

    def __init__(self, random: Random, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._random = random
        self._now = now
        self._number = 0

    def next(self, shop: str | None = None, *, poison: bool = False, clicked: bool = True) -> Order:
        """Return one more order: of this shop, or of one after the other. One without a click waits for one."""
        self._number += 1
        shop = shop or ("shopify", "woocommerce")[self._number % 2]
        currency = self._random.choice(tuple(_CURRENCIES))
        lines = [self._line(_CURRENCIES[currency]) for _ in range(self._random.randint(1, 4))]
        if poison:
            lines[-1].title = POISON
        document = {"shopify": _shopify, "woocommerce": _woocommerce}[shop](
            self._number, currency, lines, self._now().replace(microsecond=0)
        )
        if not clicked:
            document["note_attributes"] = document["meta_data"] = []
        return signed(
            shop,
            document,
            currency=currency,
            value=sum((line.total for line in lines), Decimal(0)),
            fate="quarantined" if poison else "delivered",
        )

    def many(self, count: int, shop: str | None = None) -> list[Order]:
        """Return so many orders."""
        return [self.next(shop) for _ in range(count)]

    def _line(self, digits: int) -> _Line:
        price = Decimal(self._random.randint(100, 20_000)).scaleb(-digits)
        discount = Decimal(self._random.choice((0, 0, self._random.randint(1, 99)))).scaleb(-digits)
        return _Line(f"Fern pot {self._random.randint(1, 999)}", self._random.randint(1, 3), price, discount)


def signed(shop: str, document: Mapping[str, Any], **expected: Any) -> Order:
    """Return this document as the platform would send it, signed by the shop's secret."""
    body = json.dumps(document, separators=(",", ":")).encode()
    return Order(shop=shop, id=str(document["id"]), body=body, headers=headers_of(shop, body), **expected)


def headers_of(shop: str, body: bytes, secret: str | None = None) -> dict[str, str]:
    """Return the headers of a webhook: base64 of HMAC-SHA256 over the raw body, on both platforms."""
    digest = hmac.digest((secret or SECRETS[shop]).encode(), body, hashlib.sha256)
    signature = base64.b64encode(digest).decode()
    topic = {"shopify": "X-Shopify-Hmac-Sha256", "woocommerce": "X-WC-Webhook-Signature"}[shop]
    return {"Content-Type": "application/json", topic: signature}


_PLACED, _PAID, _CHANGED = timedelta(seconds=-12), timedelta(seconds=-11), timedelta(seconds=-10)


def _money(amount: Decimal, currency: str) -> dict[str, dict[str, str]]:
    both = {"amount": str(amount), "currency_code": currency}
    return {"shop_money": both, "presentment_money": both}


def _shopify(number: int, currency: str, lines: list[_Line], now: datetime) -> dict[str, Any]:
    total = sum((line.total for line in lines), Decimal(0))
    zero = _money(Decimal(0), currency)
    return {
        "id": _SHOPIFY_FIRST_ID + number,
        "token": f"canary{number:026x}",
        "checkout_token": f"canarycheckout{number}",
        "created_at": (now + _PLACED).isoformat(),
        "processed_at": (now + _PLACED).isoformat(),
        "updated_at": (now + _CHANGED).isoformat(),
        "financial_status": "paid",
        "confirmed": True,
        "test": False,
        "cancelled_at": None,
        "currency": currency,
        "presentment_currency": currency,
        "taxes_included": False,
        "source_name": "web",
        "landing_site": "/",
        "browser_ip": f"198.51.100.{number % 250}",
        "client_details": {"user_agent": "Canary Browser/1.0"},
        "email": f"canary-{number}@example.com",
        "phone": f"+49305550{number:05d}",
        "customer": {"id": 7_300_000_000_000 + number},
        "billing_address": {"zip": "04109", "country_code": "DE"},
        "subtotal_price": str(total),
        "total_price": str(total),
        "total_tax": "0",
        "subtotal_price_set": _money(total, currency),
        "total_price_set": _money(total, currency),
        "total_tax_set": zero,
        "line_items": [_shopify_line(place, line, currency) for place, line in enumerate(lines)],
        "shipping_lines": [],
        "tax_lines": [],
        "note_attributes": [
            {"name": "_axon_event_id", "value": f"canary-click-{number}"},
            {"name": "_axon_client_id", "value": f"canary-browser-{number}"},
        ],
        "refunds": [],
    }


def _shopify_line(place: int, line: _Line, currency: str) -> dict[str, Any]:
    given = [{"amount": str(line.discount), "amount_set": _money(line.discount, currency)}] if line.discount else []
    return {
        "id": place + 1,
        "product_id": 7700 + place,
        "variant_id": 4100 + place,
        "title": line.title,
        "quantity": line.quantity,
        "price": str(line.price),
        "price_set": _money(line.price, currency),
        "vendor": "Fernleaf",
        "taxable": True,
        "discount_allocations": given,
        "tax_lines": [],
    }


def _woocommerce(number: int, currency: str, lines: list[_Line], now: datetime) -> dict[str, Any]:
    total = sum((line.total for line in lines), Decimal(0))
    return {
        "id": 100_000 + number,
        "order_key": f"wc_order_canary{number}",
        "status": "processing",
        "currency": currency,
        "prices_include_tax": False,
        "date_created_gmt": f"{now + _PLACED:%Y-%m-%dT%H:%M:%S}",
        "date_modified_gmt": f"{now + _CHANGED:%Y-%m-%dT%H:%M:%S}",
        "date_paid_gmt": f"{now + _PAID:%Y-%m-%dT%H:%M:%S}",
        "discount_total": str(sum((line.discount for line in lines), Decimal(0))),
        "discount_tax": "0",
        "shipping_total": "0",
        "shipping_tax": "0",
        "cart_tax": "0",
        "total": str(total),
        "total_tax": "0",
        "customer_id": 0,
        "billing": {
            "email": f"canary-{number}@example.com",
            "phone": f"+49305550{number:05d}",
            "postcode": "04109",
            "country": "DE",
        },
        "customer_ip_address": f"198.51.100.{number % 250}",
        "customer_user_agent": "Canary Browser/2.0",
        "created_via": "checkout",
        "meta_data": [
            {"id": 1, "key": "_axon_event_id", "value": f"canary-click-{number}"},
            {"id": 2, "key": "_axon_client_id", "value": f"canary-browser-{number}"},
        ],
        "line_items": [_woocommerce_line(place, line) for place, line in enumerate(lines)],
        "shipping_lines": [],
        "fee_lines": [],
        "tax_lines": [],
        "refunds": [],
    }


def _woocommerce_line(place: int, line: _Line) -> dict[str, Any]:
    return {
        "id": place + 1,
        "name": line.title,
        "product_id": 40 + place,
        "variation_id": 0,
        "quantity": line.quantity,
        "subtotal": str(line.price * line.quantity),
        "subtotal_tax": "0",
        "total": str(line.total),
        "total_tax": "0",
        "sku": f"FERN-{place}",
        "price": float(line.total / line.quantity),
    }
