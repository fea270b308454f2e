"""Shopify: its signed order webhooks, of API versions up to 2026-10, become canonical orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapter.platforms.shopify import notice, order, verification
from adapter.platforms.shopify.places import PLACES
from adapter.platforms.webhook import Ignored, OrderNotice, Side, Unreadable, WebhookRequest
from adapter.purchase.order import Order
from adapter.purchase.whence import Places


class Shopify:
    """The platform as `adapter.platforms.webhook.Platform` wants it; it holds no state."""

    name: str = "shopify"
    secret_is_found_at: str = verification.SECRET_IS_FOUND_AT
    places: Places = PLACES

    def verify(self, request: WebhookRequest, secrets: Sequence[str]) -> None:
        """Return when one of the secrets signed the raw body; raise `SignatureRefused` otherwise."""
        verification.verify(request, secrets)

    def is_ping(self, request: WebhookRequest) -> bool:  # noqa: ARG002  # The protocol asks; Shopify never pings.
        """Return False: Shopify signs everything it sends."""
        return False

    def probe(self, secret: str) -> WebhookRequest:
        """Return a signed delivery that is ignored: an id alone, as the delete topics send it."""
        return verification.signed(b'{"id":1}', secret)

    def glance(self, body: bytes) -> OrderNotice | Ignored | Unreadable:
        """Tell what a verified body is; quick, and never raises."""
        return notice.glance(body)

    def read_order(self, document: Mapping[str, Any], side: Side) -> Order:
        """Read the whole order, every amount on one side; raise `OrderUnreadable` when it can't be priced."""
        return order.read_order(document, side)


SHOPIFY = Shopify()
