"""What a webhook is before and after it was verified, and what a platform must offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from adapter.purchase.order import Order, Standing
from adapter.purchase.whence import Places

Side = Literal["presentment", "shop"]
"""Which of an order's two currencies every amount is read in."""


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A delivery as it came in: header names in lower case, the raw bytes of the body. Untrusted."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderNotice:
    """A verified body is an order; what intake must know to store it, read without reading all of it.

    `updated_at` orders the bodies of one order (resolution one second). `test_notification` marks the platform's
    canned sample, which is recorded and never sent.
    """

    order_id: str
    token: str | None
    updated_at: datetime | None
    standing: Standing
    test_notification: bool = False


@dataclass(frozen=True, slots=True)
class Ignored:
    """A verified body that is no order; `reason` says what it is, in words for the shop's developer."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A verified body that can't be read at all; it is kept and shown. `reason` says what is wrong with it."""

    reason: str


class Platform(Protocol):
    """One shop platform: how its webhooks are verified and how its orders are read."""

    name: str
    secret_is_found_at: str
    """Where the right signing secret stands in the shop's admin pages."""
    places: Places
    """Where its orders say what our cleaned names say, for explanations."""

    def verify(self, request: WebhookRequest, secrets: Sequence[str]) -> None:
        """Return when one of the secrets signed the body; raise `SignatureRefused` otherwise, whatever the shape."""
        ...

    def is_ping(self, request: WebhookRequest) -> bool:
        """Whether this is the platform's unsigned set-up ping, which is answered 200 and stores nothing."""
        ...

    def probe(self, secret: str) -> WebhookRequest:
        """Return a delivery, signed with this secret, that is answered 200 as ignored and leaves no row."""
        ...

    def glance(self, body: bytes) -> OrderNotice | Ignored | Unreadable:
        """Tell what a verified body is; quick, and never raises."""
        ...

    def read_order(self, document: Mapping[str, Any], side: Side) -> Order:
        """Read the whole order from the strictly parsed body; raise `OrderUnreadable` when that can't be done."""
        ...
