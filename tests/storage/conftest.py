"""The stores on both databases, with shorthands for bringing orders into any state and looking at their rows."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pytest
from sqlalchemy import Engine, select

from adapter.storage.arrivals import Receipt, Received
from adapter.storage.awaiting import expect
from adapter.storage.clicks import Clicks
from adapter.storage.destinations import Destinations
from adapter.storage.purchases import Claim, Purchases, Settlement, Which
from adapter.storage.sealing import Sealer
from adapter.storage.tables import State, purchases

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(seconds=60)


class Ledger:
    """The orders of the shop `acme`; everything happens at noon unless told otherwise, every lease is a minute."""

    def __init__(self, engine: Engine, sealer: Sealer) -> None:
        self.purchases = Purchases(engine, sealer)
        self._engine = engine
        self._sealer = sealer

    def receive(self, order_id: str = "1001", at: datetime = NOON, **changes: Any) -> Received:
        """Receive one body of an order."""
        receipt = Receipt(**{"shop": "acme", "order_id": order_id, "body": b"{}"} | changes)
        return self.purchases.receive([receipt], at)[0]

    def claim(
        self, which: Which = "due", limit: int = 100, at: datetime = NOON, shops: Sequence[str] = ("acme",)
    ) -> list[Claim]:
        """Claim orders for a minute."""
        return self.purchases.claim(shops, which, limit, at, MINUTE)

    def claimed(self, order_id: str = "1001", at: datetime = NOON, **changes: Any) -> Claim:
        """Receive an order and claim what is due; return the claim of this order."""
        self.receive(order_id, at, **changes)
        (claim,) = [claim for claim in self.claim(at=at) if claim.order_id == order_id]
        return claim

    def settle(self, claim: Claim, state: State, at: datetime = NOON, **changes: Any) -> int:
        """Settle one claim."""
        return self.purchases.settle([Settlement(claim=claim, state=state, at=at, **changes)])

    def settled(self, state: State, order_id: str = "1001", **changes: Any) -> None:
        """Receive, claim and settle an order."""
        self.settle(self.claimed(order_id), state, **changes)

    def hold(self, claim: Claim, until: datetime, keys: Sequence[bytes], at: datetime = NOON) -> None:
        """Put an order back to wait for a click under one of these keys' hashes, at most until then."""
        expect(self._engine, [(claim.id, key) for key in keys])
        self.settle(claim, State.PENDING, at, due_at=until)

    def sent(self, order_id: str = "1001", event: bytes = b"[]", at: datetime = NOON) -> Claim:
        """Receive, claim and freeze an order; return its claim as it was."""
        claim = self.claimed(order_id, at)
        assert [claim] == self.purchases.freeze([(claim, event)], at, MINUTE)
        return claim

    def row(self, order_id: str = "1001", shop: str = "acme") -> dict[str, Any]:
        """Return everything that is stored of an order."""
        query = select(purchases).where(purchases.c.order_id == order_id, purchases.c.shop == shop)
        with self._engine.connect() as connection:
            return dict(connection.execute(query).mappings().one())

    def body(self, order_id: str = "1001", shop: str = "acme") -> bytes:
        """Return the stored body of an order, opened."""
        return self._sealer.open(self.row(order_id, shop)["body"], f"purchases/body/{shop}/{order_id}")

    def event(self, order_id: str = "1001", shop: str = "acme") -> bytes:
        """Return the stored event of an order, opened."""
        return self._sealer.open(self.row(order_id, shop)["event"], f"purchases/event/{shop}/{order_id}")


@pytest.fixture
def ledger(engine: Engine, sealer: Sealer) -> Ledger:
    """Return the orders on both databases."""
    return Ledger(engine, sealer)


@pytest.fixture
def clicks(engine: Engine, sealer: Sealer) -> Clicks:
    """Return the clicks on both databases."""
    return Clicks(engine, sealer)


@pytest.fixture
def destinations(engine: Engine) -> Destinations:
    """Return the destinations on both databases."""
    return Destinations(engine)


class AtOnce(Protocol):
    """Calls a function in several threads that begin together."""

    def __call__(self, threads: int, work: Callable[[int], T]) -> list[T]:
        """Call `work` with 0, 1, 2, …, each in its own thread; return what each returned, or raise what one did."""
        ...


@pytest.fixture
def at_once() -> AtOnce:
    """Return what calls a function in several threads at once."""

    def run(threads: int, work: Callable[[int], T]) -> list[T]:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(work, range(threads)))

    return run
