"""Verified bodies at the door of the ledger: each becomes, or refreshes, one row; concurrent ones share a commit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine

from adapter.storage import receiving
from adapter.storage.direct import Driver
from adapter.storage.engine import directly, place
from adapter.storage.grouping import Groups
from adapter.storage.patience import WHILE_A_SHOP_WAITS
from adapter.storage.sealing import Sealer, context_of
from adapter.storage.tables import State


class Received(StrEnum):
    """What became of a received body."""

    STORED = "stored"
    REFRESHED = "refreshed"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A verified body that is to be on disk before the webhook is answered.

    `token` tells two different orders with one id apart. `body_at` is the platform's own stamp. `counts` says
    whether the body is a sale by the shop's policy, `age` how old the order is now. `state` and `reason` are other
    than pending when intake knows already that it won't be sent; `repeatable` bodies replace what is stored always.
    """

    shop: str
    order_id: str
    body: bytes = field(repr=False)
    token: str | None = field(default=None, repr=False)
    body_at: datetime | None = None
    counts: bool = False
    age: timedelta | None = None
    state: State = State.PENDING
    reason: str | None = None
    repeatable: bool = False


_LARGEST_INTEGER = 2**31 - 1
"""Of PostgreSQL. An order can claim to be from the year 1; its age in seconds must not stop it from being stored."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A receipt and its row, sealed already: nothing of that is done while others wait for the database."""

    receipt: Receipt
    row: dict[str, Any] = field(repr=False)

    @property
    def key(self) -> tuple[str, str]:
        """Its place in the order in which every transaction locks: two of them never wait for each other."""
        return self.receipt.shop, self.receipt.order_id


class Arrivals:
    """The door, on one engine, sealing by one sealer."""

    def __init__(self, engine: Engine, sealer: Sealer) -> None:
        self._engine = engine
        self._sealer = sealer
        self._groups = Groups(self._write)

    def store(self, receipts: Sequence[Receipt], now: datetime) -> list[Received]:
        """Store the receipts as `Purchases.receive` says."""
        arrivals = [_Arrival(receipt, self._row(receipt, now)) for receipt in receipts]
        with place(self._engine, WHILE_A_SHOP_WAITS) as seconds:
            return self._groups.add(arrivals, seconds)

    def _row(self, receipt: Receipt, now: datetime) -> dict[str, Any]:
        return {
            "shop": receipt.shop,
            "order_id": receipt.order_id,
            "token_hash": receipt.token and hashlib.sha256(receipt.token.encode()).hexdigest(),
            "state": receipt.state.value,
            "reason": receipt.reason,
            "body": self._sealer.seal(receipt.body, context_of(receipt.shop, receipt.order_id, "body")),
            "body_hash": hashlib.sha256(receipt.body).digest(),
            "body_at": receipt.body_at,
            "counts": receipt.counts,
            "age_seconds": None if receipt.age is None else min(int(receipt.age.total_seconds()), _LARGEST_INTEGER),
            "at": now,
            "settled_at": None if receipt.state is State.PENDING else now,
        }

    def _write(self, gather: Callable[[], Sequence[Sequence[_Arrival]]], seconds: float) -> list[list[Received]]:
        with directly(self._engine, WHILE_A_SHOP_WAITS, seconds) as driver:
            parts = gather()
            arrivals = [arrival for part in parts for arrival in part]
            stored: dict[int, Received] = {}
            for together in _rounds(arrivals):
                stored |= self._upsert(driver, together)
        return [[stored[id(arrival)] for arrival in part] for part in parts]

    def _upsert(self, driver: Driver, together: Sequence[_Arrival]) -> dict[int, Received]:
        """Store what can share a statement; return by `id` what became of each."""
        rows = [arrival.row for arrival in together]
        revisions = receiving.store(driver, rows, repeatable=together[0].receipt.repeatable)
        return {
            id(arrival): _change(revisions[arrival.key])
            if arrival.key in revisions
            else self._compare(driver, arrival)
            for arrival in together
        }

    def _compare(self, driver: Driver, arrival: _Arrival) -> Received:
        """Tell why nothing changed: it is known already, or another order has this id, to be kept beside it."""
        token_hash, given = receiving.token_of(driver, *arrival.key), arrival.row["token_hash"]
        if not token_hash or not given or token_hash == given:
            return Received.UNCHANGED
        conflict = self._row(receiving.conflicting(arrival.receipt, given), arrival.row["at"])
        receiving.store_once(driver, conflict)
        return Received.CONFLICT


def _change(revision: int) -> Received:
    return Received.STORED if revision == 1 else Received.REFRESHED


def _rounds(arrivals: Sequence[_Arrival]) -> list[list[_Arrival]]:
    """Divide them into what one statement can store: no order twice, all of one kind, in the order of the locks."""
    rounds: list[dict[tuple[str, str], _Arrival]] = []
    for arrival in arrivals:
        for together in rounds:
            first = next(iter(together.values()))
            if arrival.key not in together and first.receipt.repeatable == arrival.receipt.repeatable:
                together[arrival.key] = arrival
                break
        else:
            rounds.append({arrival.key: arrival})
    return [[together[key] for key in sorted(together)] for together in rounds]
