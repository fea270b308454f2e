"""WooCommerce: its signed order webhooks (REST API v3 bodies) become canonical orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapter.platforms.webhook import Ignored, OrderNotice, Side, Unreadable, WebhookRequest
from adapter.platforms.woocommerce.body import glance
from adapter.platforms.woocommerce.order import read_order
from adapter.platforms.woocommerce.places import PLACES
from adapter.platforms.woocommerce.request import SECRET_IS_FOUND_AT, is_ping, signed, verify
from adapter.purchase.order import Order
from adapter.purchase.whence import Places


class WooCommerce:
    """The platform WooCommerce, as `adapter.platforms.webhook.Platform` describes it."""

    name: str = "woocommerce"
    secret_is_found_at: str = SECRET_IS_FOUND_AT
    places: Places = PLACES

    def verify(self, request: WebhookRequest, secrets: Sequence[str]) -> None:
        """Return when one of the secrets signed the body; raise `SignatureRefused` otherwise."""
        verify(request, secrets)

    def is_ping(self, request: WebhookRequest) -> bool:
        """Whether this is the unsigned set-up ping; WooCommerce wants exactly 200 for it."""
        return is_ping(request)

    def probe(self, secret: str) -> WebhookRequest:
        """Return a signed delivery that is ignored: an id alone, as it is sent for a deleted order."""
        return signed(b'{"id":1}', secret)

    def glance(self, body: bytes) -> OrderNotice | Ignored | Unreadable:
        """Tell what a verified body is; quick, and never raises."""
        return glance(body)

    def read_order(self, document: Mapping[str, Any], side: Side) -> Order:
        """Read the whole order; raise `OrderUnreadable`, naming the field, when it can't be priced.

        WooCommerce knows one currency per order, so both sides are the same and `side` isn't used.
        """
        del side
        return read_order(document)


WOOCOMMERCE = WooCommerce()
