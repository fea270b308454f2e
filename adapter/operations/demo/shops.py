"""The two shops of the demo: their mapping files, and how their platforms sign and send.

It signs by itself and not with the adapter's own code, so that the demo proves something.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from adapter.operations.demo import stories_shopify, stories_woocommerce
from adapter.operations.demo.story import Delivery, Form

_FORGERS_SECRET = "what a forger would guess"  # noqa: S105  # Invented, and not the shop's.
HOLD_SECONDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A webhook request, ready to be sent."""

    headers: Mapping[str, str]
    body: bytes


_Headers = Callable[[Delivery, bytes, str, datetime], dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoShop:
    """An invented shop; its name is that of its mapping file and the last part of its webhook URL."""

    name: str
    title: str
    base: str
    site_url: str
    secret: str = field(repr=False)
    pixel_id: str
    headers: _Headers

    @property
    def mapping(self) -> str:
        """The shop's mapping file: the one that ships with the project, with a shorter wait."""
        return (
            f'extends        = "{self.base}"\n'
            f'webhook_secret = "{self.secret}"\n'
            f'site_url       = "{self.site_url}"\n\n'
            f'[axon]\npixel_id = "{self.pixel_id}"\napi_key  = "demo-key-{self.base}"\n\n'
            f"[orders]\nhold_seconds = {HOLD_SECONDS}\n\n"
            f'[storefront]\norigins = ["{self.site_url}"]\n'
        )

    def parcel(self, delivery: Delivery, now: datetime) -> Parcel:
        """Return the request for this delivery, with the headers that the platform really sends."""
        if isinstance(delivery.body, Form):
            form = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": _HOOKSHOT}
            return Parcel(headers=form, body=delivery.body.text.encode())
        body = msgspec.json.encode(delivery.body.document(now))
        secret = _FORGERS_SECRET if delivery.forged else self.secret
        headers = self.headers(delivery, body, signature(body, secret), now)
        return Parcel(headers={"Content-Type": "application/json", **headers}, body=body)


def signature(body: bytes, secret: str) -> str:
    """Sign as both platforms do: base64 of HMAC-SHA256 over the raw body."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


# https://shopify.dev/docs/apps/build/webhooks/delivery-structure: X-Shopify-Triggered-At has nanoseconds.
def _shopify_headers(delivery: Delivery, body: bytes, signed: str, now: datetime) -> dict[str, str]:
    id_ = hashlib.sha256(delivery.topic.encode() + body).hexdigest()
    return {
        "Accept": "*/*",
        "User-Agent": "Shopify-Captain-Hook",
        "X-Shopify-Topic": delivery.topic,
        "X-Shopify-Hmac-Sha256": signed,
        "X-Shopify-Shop-Domain": "shopify-demo.myshopify.com",
        "X-Shopify-API-Version": "2026-10",
        "X-Shopify-Webhook-Id": f"{id_[:8]}-{id_[8:12]}-4000-8000-{id_[12:24]}",
        "X-Shopify-Event-Id": f"{id_[24:32]}-{id_[32:36]}-4000-8000-{id_[36:48]}",
        "X-Shopify-Triggered-At": now.strftime("%Y-%m-%dT%H:%M:%S.%f000Z"),
    }


_HOOKSHOT = "WooCommerce/11.0.1 Hookshot (WordPress/7.1)"


# WC_Webhook::deliver and ::get_new_delivery_id of WooCommerce 11.0.1: the id is one of the webhook and the second.
def _woocommerce_headers(delivery: Delivery, _body: bytes, signed: str, now: datetime) -> dict[str, str]:
    resource, _, event = delivery.topic.partition(".")
    delivery_id = hashlib.sha256(f"3{now.timestamp():.0f}".encode()).hexdigest()[:32]
    return {
        "Accept": "*/*",
        "User-Agent": _HOOKSHOT,
        "X-WC-Webhook-Source": "https://woocommerce-demo.example/",
        "X-WC-Webhook-Topic": delivery.topic,
        "X-WC-Webhook-Resource": resource,
        "X-WC-Webhook-Event": event,
        "X-WC-Webhook-Signature": signed,
        "X-WC-Webhook-ID": "3",
        "X-WC-Webhook-Delivery-ID": delivery_id,
    }


SHOPS: Mapping[str, DemoShop] = {
    shop.name: shop
    for shop in (
        DemoShop(
            name=stories_shopify.SHOP,
            title="Shopify",
            base="shopify",
            site_url="https://shopify-demo.example",
            secret="d1f0c7aa0demo5hopify5igning5ecret0000000000",  # noqa: S106  # Invented, for the demo alone.
            pixel_id="demo-pixel-shopify",
            headers=_shopify_headers,
        ),
        DemoShop(
            name=stories_woocommerce.SHOP,
            title="WooCommerce",
            base="woocommerce",
            site_url="https://woocommerce-demo.example",
            secret="Demo5ecretOfLettersAndDigitsOnly",  # noqa: S106  # As above.
            pixel_id="demo-pixel-woocommerce",
            headers=_woocommerce_headers,
        ),
    )
}


def write_mappings(directory: Path) -> None:
    """Write the shops' mapping files."""
    directory.mkdir()
    for shop in SHOPS.values():
        (directory / f"{shop.name}.toml").write_text(shop.mapping, encoding="utf-8")
