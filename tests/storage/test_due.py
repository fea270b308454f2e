"""Finding due orders: the oldest of all shops first, at a price that a long backlog doesn't raise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from plans import fill, plan, reads_everything
from sqlalchemy import Engine, event

from adapter.storage.arrivals import Receipt
from adapter.storage.purchases import Purchases
from adapter.storage.tables import State

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_the_oldest_of_several_shops(ledger: Any) -> None:
    """Shops that share a destination are served by age: one with a long backlog makes no other wait behind it."""
    for number, minutes in enumerate((1, 3, 2, 5, 4)):
        ledger.receive(str(number), NOON + minutes * MINUTE, shop=("acme", "other")[number % 2])
    first = ledger.claim(limit=3, at=NOON + 9 * MINUTE, shops=["acme", "other", "third"])
    assert {("acme", "0"), ("acme", "2"), ("other", "1")} == {(claim.shop, claim.order_id) for claim in first}
    second = ledger.claim(limit=3, at=NOON + 9 * MINUTE, shops=["acme", "other", "third"])
    assert {("acme", "4"), ("other", "3")} == {(claim.shop, claim.order_id) for claim in second}


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_long_backlog_costs_no_more(ledger: Any, engine: Engine) -> None:
    """Claiming ten of 2,000 waiting orders takes SQLite as many steps as claiming ten of 100."""
    steps = count()
    event.listen(
        engine, "checkout", lambda connection, *_: connection.set_progress_handler(lambda: next(steps) * 0, 10)
    )

    def taken_to_claim() -> int:
        before = next(steps)
        assert 10 == len(ledger.claim(limit=10, shops=["acme", "other"]))
        return next(steps) - before

    numbers = count()

    def receive(orders: int) -> None:
        some = [Receipt(shop=("acme", "other")[n % 2], order_id=str(next(numbers)), body=b"{}") for n in range(orders)]
        ledger.purchases.receive(some, NOON)

    receive(100)
    short = taken_to_claim()
    receive(1900)
    assert 0.9 * short < taken_to_claim() < 1.1 * short


@pytest.mark.parametrize("shops", [100, 101, 600])
def test_many_shops_share_a_destination(ledger: Any, shops: int) -> None:
    """The first shop's order and the last one's are found, however many there are."""
    names = [f"shop-{number}" for number in range(shops)]
    ledger.receive("1", NOON, shop=names[0])
    ledger.receive("2", NOON, shop=names[-1])
    assert ["1", "2"] == sorted(claim.order_id for claim in ledger.claim(shops=names, at=NOON))


def test_the_shops_that_wait(ledger: Any) -> None:
    """A shop waits when any of its orders may be claimed: due, abandoned or suspect; not before, and not after."""
    assert set() == ledger.purchases.shops_waiting(NOON)
    for shop in ("acme", "due", "later", "other", "suspect", "third"):
        ledger.receive("1", NOON, shop=shop)
    for shop in ("acme", "later", "suspect"):
        (claim,) = ledger.claim(shops=[shop], at=NOON)
        suspect_at = NOON if shop == "suspect" else None
        if shop != "acme":
            due_at = NOON if suspect_at else NOON + 2 * MINUTE
            ledger.settle(claim, State.PENDING, due_at=due_at, suspect_at=suspect_at)
    assert {"due", "other", "suspect", "third"} == ledger.purchases.shops_waiting(NOON)
    assert {"acme", "due", "later", "other", "suspect", "third"} == ledger.purchases.shops_waiting(NOON + 2 * MINUTE)


def test_the_shops_that_wait_are_found_in_the_index(engine: Engine, sealer: Any) -> None:
    """However many orders are stored, and however long one shop's backlog: only waiting ones are looked at."""
    fill(engine)
    steps = plan(engine, lambda: Purchases(engine, sealer).shops_waiting(NOON))
    assert [] == [step for step in reads_everything(steps) if "purchases_waiting" not in step], steps
    assert any("purchases_waiting" in step for step in steps), steps
