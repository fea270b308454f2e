"""Orders at rest: one row per shop and order, which is inbox and outbox in one. Receive, claim, freeze, settle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Engine,
    RowMapping,
    update,
)

from adapter.purchase.facts import Facts
from adapter.storage import listing, settling
from adapter.storage.arrivals import Arrivals, Receipt, Received
from adapter.storage.clicks import Clicks
from adapter.storage.due import Which, is_any_due, moments, shops_waiting
from adapter.storage.engine import reading, writing
from adapter.storage.patience import WHILE_A_SHOP_WAITS
from adapter.storage.sealing import Sealer, context_of
from adapter.storage.tables import State, purchases


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A row that this worker alone may send until its lease ends; `fence` proves it when settling.

    `event` are the frozen bytes of the first send. `fixed` says that they may have been accepted, so they must be
    sent again as they are; otherwise the event is made anew from `body`. Without a body the buyer has refused.
    `facts` are those of the event, as soon as there is one.
    """

    id: int
    shop: str
    order_id: str
    body: bytes | None = field(repr=False)
    event: bytes | None = field(repr=False)
    fixed: bool
    fence: int
    revision: int
    received_at: datetime
    age: timedelta | None
    attempts: int
    suspect_at: datetime | None
    facts: Facts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What becomes of a claimed row: its next state, and when to look at it again when that is pending."""

    claim: Claim
    state: State
    at: datetime
    due_at: datetime | None = None
    reason: str | None = None
    answer: str | None = None
    fixed: bool = False
    attempts: int = 0
    suspect_at: datetime | None = None
    purge_body: bool = False


class Purchases:
    """The rows of the ledger, on one engine, sealed by one sealer."""

    def __init__(self, engine: Engine, sealer: Sealer) -> None:
        self._engine = engine
        self._sealer = sealer
        self._arrivals = Arrivals(engine, sealer)

    def receive(self, receipts: Sequence[Receipt], now: datetime) -> list[Received]:
        """Store the receipts in one transaction that is durable when this returns; raise `StorageUnavailable`.

        A duplicate or older body changes nothing; a newer body of an order not yet sent replaces the stored one.
        At equal stamps a different body replaces it only if it counts as a sale and the stored one doesn't.
        """
        return self._arrivals.store(receipts, now)

    def shops_waiting(self, now: datetime) -> set[str]:
        """Return the shops of which any order is due, suspects among them."""
        with reading(self._engine) as connection:
            return set(connection.execute(shops_waiting(), moments(now)).scalars())

    def anything_due(self, now: datetime) -> bool:
        """Whether any order waits to be sent, apart from those that were refused alone. A quick look, for polling."""
        with reading(self._engine) as connection:
            return connection.execute(is_any_due(), moments(now)).first() is not None

    def claim(
        self,
        shops: Iterable[str],
        which: Which,
        limit: int,
        now: datetime,
        lease: timedelta,
        *,
        suspected_before: datetime | None = None,
    ) -> list[Claim]:
        """Take up to `limit` rows of these shops for this worker until `now + lease`, oldest first.

        Of the suspects only those that were refused up to `suspected_before`, when that is given.
        """
        names = tuple(shops)
        if not names:
            return []
        taken = settling.claim(names, which, limit, before=suspected_before is not None)
        values = {**moments(now), "suspected_before": suspected_before, "until": now + lease}
        with writing(self._engine) as connection:
            rows = connection.execute(taken, values).mappings().all()
        return sorted((_claim(row) for row in rows), key=lambda claim: claim.id)

    def open_body(self, claim: Claim) -> bytes | None:
        """Return the order's body, None when the buyer has refused since it was first sent; raise `SealBroken`."""
        if claim.body is None:
            return None
        return self._sealer.open(claim.body, context_of(claim.shop, claim.order_id, "body"))

    def open_event(self, claim: Claim) -> bytes | None:
        """Return the frozen bytes of the event, None when it was never sent; raise `SealBroken`."""
        if claim.event is None:
            return None
        return self._sealer.open(claim.event, context_of(claim.shop, claim.order_id, "event"))

    def freeze(self, events: Sequence[tuple[Claim, bytes]], now: datetime, lease: timedelta) -> list[Claim]:
        """Write down that these events are about to be sent, and renew their leases; return those that may be.

        From here on the event counts as possibly accepted, until a definite refusal says otherwise. A claim that
        was taken over, or whose order got a newer body meanwhile, is not among those returned.
        """
        if not events:
            return []
        sealed = [
            (claim, self._sealer.seal(event, context_of(claim.shop, claim.order_id, "event")))
            for claim, event in sorted(events, key=lambda pair: _lock_order(pair[0]))
        ]
        with writing(self._engine) as connection:
            kept = settling.freeze(connection, sealed, now, now + lease)
        return [claim for claim, _ in events if claim.id in kept]

    def settle(self, settlements: Sequence[Settlement]) -> int:
        """Write down what became of claimed rows, in one transaction; return how many claims still held.

        A row that got a newer body since it was claimed isn't settled by the older one: it is due again at once.
        """
        if not settlements:
            return 0
        in_order = sorted(settlements, key=lambda settlement: _lock_order(settlement.claim))
        with writing(self._engine) as connection:
            return settling.settle(connection, in_order)

    def refuse(self, shop: str, order_id: str, now: datetime) -> None:
        """Let its buyer's refusal reach an order in any state: it isn't sent any more, and what is kept is purged.

        Raise `StorageUnavailable`.
        """
        Clicks(self._engine, self._sealer).refuse(shop, order_id, now)

    def check_writable(self) -> None:
        """Return when an order could be stored right now; raise `StorageUnavailable` otherwise."""
        with writing(self._engine, WHILE_A_SHOP_WAITS) as connection:
            connection.execute(update(purchases).where(purchases.c.id == 0).values(fence=0))

    def rows(
        self, *, state: State | None = None, shop: str | None = None, reason: str | None = None, limit: int = 100
    ) -> list[Mapping[str, Any]]:
        """Return the newest rows of the ledger, without bodies and events; `reason` is a part of theirs."""
        with reading(self._engine) as connection:
            return listing.rows(connection, state, shop, reason, limit)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return by shop how many orders are in each state."""
        with reading(self._engine) as connection:
            return listing.counts(connection)

    def oldest_waiting(self, shops: Sequence[str]) -> Mapping[str, Any] | None:
        """Return the order of these shops that has waited longest: shop, order_id, received_at, due_at."""
        with reading(self._engine) as connection:
            return listing.oldest_waiting(connection, shops)

    def delivered_since(self, shops: Sequence[str], moment: datetime) -> int:
        """Return how many orders of these shops were delivered after this moment."""
        with reading(self._engine) as connection:
            return listing.delivered_since(connection, shops, moment)


def _claim(row: RowMapping) -> Claim:
    columns = {str(name): value for name, value in row.items()}
    age = columns.pop("age_seconds")
    carries, value, currency = (columns.pop(name) for name in ("carries", "value", "currency"))
    facts = None if carries is None else Facts(carries, value or "", currency or "")
    return Claim(**columns, age=None if age is None else timedelta(seconds=age), facts=facts)


def _lock_order(row: Claim) -> tuple[str, str]:
    """Name a row's place in the order in which every transaction locks: two of them never wait for each other."""
    return row.shop, row.order_id
