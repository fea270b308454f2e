"""From a claimed row to what is to be done with it: an event to send, or a settlement that needs no request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import structlog

from adapter.delivery import settlements
from adapter.errors import OrderUnreadable, SealBroken, StorageUnavailable
from adapter.platforms.document import parse_document
from adapter.platforms.registry import PLATFORMS
from adapter.purchase.decision import Decision, decide
from adapter.purchase.facts import facts_of
from adapter.purchase.order import Order
from adapter.purchase.rules import REFUSED
from adapter.shops.shop import Shop
from adapter.storage.clicks import Clicks
from adapter.storage.purchases import Claim, Purchases, Settlement
from adapter.turns import Turns, in_turns

_log = structlog.get_logger()

T = TypeVar("T")

LARGEST_PORTION = 4 * 1024 * 1024
"""Bytes of sealed bodies that are read at once. An order takes five times as much when it was read, and most batches
are smaller than this; a hundred orders of 1 MB would take more than an instance of 512 MB has."""


@dataclass(frozen=True, slots=True)
class ToSend:
    """The event of a claimed row, as bytes."""

    claim: Claim
    event: bytes


@dataclass(frozen=True, slots=True)
class ToForget:
    """An order whose buyer refused: it is skipped, its body is purged, and what their browser stored is deleted."""

    settlement: Settlement
    click_keys: tuple[tuple[str, str], ...]


Prepared = ToSend | ToForget | Settlement


class Preparer:
    """Prepares rows. It never raises for what stands in a row, so one bad order stops no other.

    `turns` hands on what it is given, and lets others have their turn in between.
    """

    def __init__(self, purchases: Purchases, clicks: Clicks, turns: Turns = in_turns) -> None:
        self._purchases = purchases
        self._clicks = clicks
        self._in_turns = turns

    def prepare(self, claims: Sequence[Claim], shops: Mapping[str, Shop], now: datetime) -> list[Prepared]:
        """Return what to do with each of these rows.

        Frozen bytes that may have been accepted are sent again as they are. Raise `StorageUnavailable`.
        """
        return [found for some in portions(claims) for found in self._prepare(some, shops, now)]

    def _prepare(self, claims: Sequence[Claim], shops: Mapping[str, Shop], now: datetime) -> list[Prepared]:
        """Read the orders, look up the clicks of all of them together, and decide."""
        read = [
            self._safely(claim, now, partial(self._read, claim, shops[claim.shop], now))
            for claim in self._in_turns(claims)
        ]
        keys = [self._keys(claim, it) for claim, it in zip(claims, read, strict=True)]
        # Before the look-up: a refusal that it doesn't find will find the order.
        self._clicks.expect([(claim.id, key) for claim, some in zip(claims, keys, strict=True) for key in some])
        stored = self._clicks.look_up([key for some in keys for key in some])
        opened = [partial(self._clicks.open, some, stored) for some in keys]
        return [
            self._safely(claim, now, partial(self._decided, claim, it, shops[claim.shop], found, now))
            if isinstance(it, Order)
            else it
            for claim, it, found in self._in_turns(zip(claims, read, opened, strict=True))
        ]

    def _safely(self, claim: Claim, now: datetime, work: Callable[[], T]) -> T | Settlement:
        try:
            return work()
        except OrderUnreadable as error:
            return settlements.quarantined(claim, f"unreadable: {error}", now)
        except SealBroken as error:
            return settlements.quarantined(claim, f"sealed: {error}", now)
        except StorageUnavailable:
            raise
        except Exception as error:  # noqa: BLE001  # Whatever it is: claimed with 99 others, it would stop them for ever.
            _log.error("order not prepared", shop=claim.shop, order=claim.order_id, exc_info=without_values(error))
            reason = (
                f"failed: the adapter has a bug that this order hits ({type(error).__name__}); report it, then retry"
            )
            return settlements.quarantined(claim, reason, now)

    def _read(self, claim: Claim, shop: Shop, now: datetime) -> ToSend | Order | Settlement:
        if claim.fixed and (frozen := self._purchases.open_event(claim)) is not None:
            return ToSend(claim, frozen)
        body = self._purchases.open_body(claim)
        if body is None:
            return settlements.skipped(claim, str(REFUSED), now, refused_by_buyer=True)
        document = parse_document(body)
        return PLATFORMS[shop.platform].read_order(document, shop.rules.policy.side)

    def _decided(
        self, claim: Claim, order: Order, shop: Shop, open_clicks: Callable[[], dict[str, str]], now: datetime
    ) -> Prepared:
        decision = decide(order, open_clicks(), shop.rules, claim.age)
        if decision.skip is not None:
            return _skipped(claim, order, decision, now)
        if decision.to_send is None:
            return settlements.quarantined(claim, "; ".join(decision.problems), now)
        until = claim.received_at + shop.rules.policy.hold
        if not decision.clicks and timedelta(0) < until - now <= shop.rules.policy.hold:
            # A click wakes it before that.
            return settlements.again(claim, now, until)
        if decision.warnings:
            _log.warning("order sent with warnings", shop=shop.name, order=claim.order_id, warnings=decision.warnings)
        event = decision.to_send
        return ToSend(replace(claim, facts=facts_of(event.fields)), event.encode())

    def _keys(self, claim: Claim, read: ToSend | Order | Settlement) -> list[bytes]:
        """Return under what the clicks of an order may stand; one with frozen bytes needs none."""
        return self._clicks.hashes_of(claim.shop, read.click_keys) if isinstance(read, Order) else []


def portions(claims: Iterable[Claim], most: int = LARGEST_PORTION) -> Iterator[list[Claim]]:
    """Yield the rows in pieces with so many bytes of bodies at most; a longer one stands alone."""
    portion: list[Claim] = []
    size = 0
    for claim in claims:
        length = len(claim.body or b"")
        if portion and size + length > most:
            yield portion
            portion, size = [], 0
        portion.append(claim)
        size += length
    if portion:
        yield portion


def _skipped(claim: Claim, order: Order, decision: Decision, now: datetime) -> ToForget | Settlement:
    refused = decision.skip == REFUSED
    settlement = settlements.skipped(claim, str(decision.skip), now, refused_by_buyer=refused)
    return ToForget(settlement, order.click_keys) if refused else settlement


def without_values(error: Exception) -> Exception:
    """Return the error with its traceback and without its message, which may hold personal values."""
    return RuntimeError(type(error).__name__).with_traceback(error.__traceback__)
