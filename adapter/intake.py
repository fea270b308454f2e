"""Use case: a verified webhook becomes, or refreshes, one row that is on disk before it is answered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from adapter.errors import OrderUnreadable
from adapter.platforms.document import parse_document
from adapter.platforms.registry import PLATFORMS
from adapter.platforms.webhook import Ignored, OrderNotice, Unreadable, WebhookRequest
from adapter.purchase.decision import CONSENT_NAMES, consent_in
from adapter.purchase.rules import countable_since, counts
from adapter.shops.shop import Shop
from adapter.storage.arrivals import Receipt, Received
from adapter.storage.purchases import Purchases
from adapter.storage.tables import State


class Result(StrEnum):
    """What became of a webhook, as the answer says it."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    TEST = "test received"
    UNREADABLE = "kept unread"
    CONFLICT = "kept aside"
    PING = "ping"


@dataclass(frozen=True, slots=True)
class Taken:
    """A webhook that was dealt with: it may be answered 200."""

    result: Result
    order_id: str | None = None
    change: Received | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes webhooks in. `clock` gives aware UTC times."""

    purchases: Purchases
    clock: Callable[[], datetime]

    def take(self, shop: Shop, request: WebhookRequest) -> Taken:
        """Verify and store a webhook.

        Raise `SignatureRefused` when no secret of the shop signed it, `StorageUnavailable` when it can't be stored
        now; returning means that it is on disk, or needn't be.
        """
        platform = PLATFORMS[shop.platform]
        if platform.is_ping(request):
            return Taken(Result.PING)
        platform.verify(request, shop.secrets)
        match platform.glance(request.body):
            case Ignored(reason):
                return Taken(Result.IGNORED, reason=reason)
            case Unreadable(reason):
                return self._keep_unread(shop, request.body, reason)
            case OrderNotice(test_notification=True) as notice:
                return self._record_test(shop, notice, request.body)
            case notice:
                return self._store(shop, notice, request.body)

    def _store(self, shop: Shop, notice: OrderNotice, body: bytes) -> Taken:
        now = self.clock()
        is_sale = counts(notice.standing, shop.rules.policy)
        since = countable_since(notice.standing, shop.rules.policy)
        receipt = Receipt(
            shop=shop.name,
            order_id=notice.order_id,
            body=body,
            token=notice.token,
            body_at=notice.updated_at,
            counts=is_sale,
            age=max(now - since, timedelta(0)) if is_sale and since is not None else None,
        )
        change = self.purchases.receive([receipt], now)[0]
        if change is Received.UNCHANGED and _is_refusal(body):
            self.purchases.refuse(shop.name, notice.order_id, now)
        if change is Received.CONFLICT:
            reason = "another order with this id is stored already; this one is quarantined: conflicting order"
            return Taken(Result.CONFLICT, notice.order_id, change, reason)
        return Taken(Result.ACCEPTED, notice.order_id, change)

    def _record_test(self, shop: Shop, notice: OrderNotice, body: bytes) -> Taken:
        reason = "test notification: the platform's sample order; it shows that the webhook arrives"
        receipt = Receipt(
            shop=shop.name,
            order_id=notice.order_id,
            body=body,
            state=State.SKIPPED,
            reason=reason,
            repeatable=True,
        )
        change = self.purchases.receive([receipt], self.clock())[0]
        return Taken(Result.TEST, notice.order_id, change, "the signature is right; nothing is sent for a test")

    def _keep_unread(self, shop: Shop, body: bytes, reason: str) -> Taken:
        """Keep a body without an order id under its own hash: it can be looked at, and sent again by the shop."""
        receipt = Receipt(
            shop=shop.name,
            order_id=hashlib.sha256(body).hexdigest(),
            body=body,
            state=State.QUARANTINED,
            reason=f"unreadable: {reason}",
        )
        change = self.purchases.receive([receipt], self.clock())[0]
        return Taken(Result.UNREADABLE, receipt.order_id, change, f"quarantined: unreadable: {reason}")


def _is_refusal(body: bytes) -> bool:
    """Whether a body says that the buyer refused. That reaches the order also when the body itself counts no more."""
    if not any(name.encode() in body for name in CONSENT_NAMES):
        return False  # Nearly always: so nothing more is read.
    try:
        return consent_in(parse_document(body)) == "denied"
    except OrderUnreadable:
        return False
