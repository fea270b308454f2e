"""From a claimed row to what is to be done with it: an event to send, or a settlement that needs no request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from adapter.errors import OrderUnreadable, SealBroken
from adapter.platforms.document import parse_document
from adapter.platforms.registry import PLATFORMS
from adapter.purchase.decision import Decision, decide
from adapter.purchase.order import Order
from adapter.shops.shop import Shop
from adapter.storage.clicks import Clicks
from adapter.storage.purchases import Claim, Purchases, Settlement
from adapter.storage.tables import State


@dataclass(frozen=True, slots=True)
class ToSend:
    """The event of a claimed row, as bytes."""

    claim: Claim
    event: bytes


@dataclass(frozen=True, slots=True)
class ToHold:
    """An order without any click identifier, which waits for one until then."""

    claim: Claim
    until: datetime
    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ToForget:
    """An order whose buyer refused: it is skipped, its body is purged, and what their browser stored is deleted."""

    settlement: Settlement
    click_keys: tuple[tuple[str, str], ...]


Prepared = ToSend | ToHold | ToForget | Settlement


class Preparer:
    """Prepares rows of one shop. It never raises for what stands in a row: one bad order stops no other."""

    def __init__(self, purchases: Purchases, clicks: Clicks) -> None:
        self._purchases = purchases
        self._clicks = clicks

    def prepare(self, claim: Claim, shop: Shop, now: datetime) -> Prepared:
        """Return what to do with this row; frozen bytes that may have been accepted are sent again as they are."""
        try:
            if claim.fixed and (frozen := self._purchases.open_event(claim)) is not None:
                return ToSend(claim, frozen)
            document = parse_document(self._purchases.open_body(claim))
            order = PLATFORMS[shop.platform].read_order(document, shop.rules.policy.side)
            stored = self._clicks.find(shop.name, order.click_keys)
        except OrderUnreadable as error:
            return _quarantined(claim, f"unreadable: {error}", now)
        except SealBroken as error:
            return _quarantined(claim, f"sealed: {error}", now)
        decision = decide(order, stored, shop.rules, claim.age)
        return self._prepared(claim, shop, order, decision, now)

    def _prepared(self, claim: Claim, shop: Shop, order: Order, decision: Decision, now: datetime) -> Prepared:
        if decision.skip is not None and decision.skip.rule == "consent denied":
            skipped = Settlement(
                claim=claim, state=State.SKIPPED, at=now, reason=str(decision.skip), fixed=True, purge_body=True
            )
            return ToForget(skipped, order.click_keys)
        if decision.skip is not None:
            return Settlement(claim=claim, state=State.SKIPPED, at=now, reason=str(decision.skip))
        if decision.to_send is None:
            return _quarantined(claim, "; ".join(decision.problems), now)
        until = claim.received_at + shop.rules.policy.hold
        if not decision.clicks and timedelta(0) < until - now <= shop.rules.policy.hold:
            return ToHold(claim, until, self._keys(shop.name, order))
        return ToSend(claim, decision.to_send.encode())

    def _keys(self, shop: str, order: Order) -> tuple[bytes, ...]:
        """Return the keys to wait for; a click is stored under the newest secret's hash."""
        return tuple(self._clicks.key_hashes(shop, kind, value)[0] for kind, value in order.click_keys)


def _quarantined(claim: Claim, reason: str, now: datetime) -> Settlement:
    return Settlement(claim=claim, state=State.QUARANTINED, at=now, reason=reason)
