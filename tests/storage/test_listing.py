"""Looking at the ledger: rows by what is asked, counts, the oldest that waits, rates; each by an index."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from plans import fill, plan, reads_everything
from sqlalchemy import Engine

from adapter.storage.arrivals import Receipt
from adapter.storage.purchases import Purchases
from adapter.storage.tables import State

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_by_reason(ledger: Any) -> None:
    """A part of the reason chooses, in any case; signs that LIKE knows mean themselves."""
    ledger.receive("1", state=State.QUARANTINED, reason="refused by Axon: answer 400: Bad price")
    ledger.receive("2", state=State.QUARANTINED, reason="unreadable: 100% wrong")
    ledger.receive("3")
    for reason, expected in {"AXON": ["1"], "0%": ["2"], "%": ["2"], "_": [], "": ["2", "1"]}.items():
        assert expected == [row["order_id"] for row in ledger.purchases.rows(reason=reason)]


def test_the_newest(ledger: Any) -> None:
    """The order that came in last stands first, whenever it was stored; state, shop and number narrow it."""
    ledger.receive("old", at=NOON - HOUR)
    ledger.receive("new", at=NOON + HOUR, state=State.SKIPPED, reason="test")
    ledger.receive("other", at=NOON, shop="other", state=State.SKIPPED, reason="test")
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["new", "other", "old"]),
        ({"limit": 2}, ["new", "other"]),
        ({"state": State.SKIPPED}, ["new", "other"]),
        ({"state": State.PENDING}, ["old"]),
        ({"shop": "acme"}, ["new", "old"]),
        ({"shop": "acme", "state": State.SKIPPED}, ["new"]),
        ({"shop": "other", "reason": "TEST"}, ["other"]),
        ({"shop": "nobody"}, []),
    ]
    for question, expected in cases:
        assert expected == [row["order_id"] for row in ledger.purchases.rows(**question)], question


def test_more_than_are_read_at_once(ledger: Any) -> None:
    """A long list is whole and in order."""
    receipts = [Receipt(shop="acme", order_id=str(number), body=b"{}") for number in range(1_201)]
    ledger.purchases.receive(receipts, NOON)
    found = [row["order_id"] for row in ledger.purchases.rows(limit=1_200)]
    assert 1_200 == len(set(found))
    ids = [ledger.row(order_id)["id"] for order_id in (found[0], found[500], found[-1])]
    assert sorted(ids, reverse=True) == ids


def test_whether_the_body_is_kept(ledger: Any) -> None:
    """A row says whether its order can still be looked at again."""
    ledger.receive("1")
    ledger.settle(ledger.claimed("2"), State.SKIPPED, fixed=True, purge_body=True)
    assert [False, True] == [bool(row["body_kept"]) for row in ledger.purchases.rows()]


def test_counts_of_every_state(ledger: Any) -> None:
    """Each order is counted once, in the state in which it is."""
    for state in (State.DELIVERED, State.QUARANTINED, State.SKIPPED, State.EXPIRED):
        ledger.settled(state, f"settled {state}")
    ledger.claimed("claimed")
    ledger.receive("waiting")
    ledger.receive("other", shop="other")
    ledger.receive("test", state=State.SKIPPED, reason="test")
    acme = {"delivered": 1, "quarantined": 1, "skipped": 2, "expired": 1, "delivering": 1, "pending": 1}
    assert {"acme": acme, "other": {"pending": 1}} == ledger.purchases.counts()


def test_a_woken_order_is_counted_where_it_is(ledger: Any) -> None:
    """A skipped order whose newer body comes is pending again, and counted as that alone."""
    ledger.settle(ledger.claimed(body_at=NOON), State.SKIPPED)
    ledger.receive(body=b"[1]", body_at=NOON + HOUR)
    assert {"acme": {"pending": 1}} == ledger.purchases.counts()


def test_the_oldest_that_waits(ledger: Any) -> None:
    """The first that came in of those that aren't settled, of these shops."""
    assert ledger.purchases.oldest_waiting(["acme"]) is None
    ledger.settled(State.DELIVERED, "1")
    ledger.receive("2", at=NOON + HOUR)
    ledger.receive("3", at=NOON + 2 * HOUR)
    ledger.receive("0", shop="other")
    oldest = ledger.purchases.oldest_waiting(["acme", "nobody"])
    assert ("acme", "2", NOON + HOUR) == (oldest["shop"], oldest["order_id"], oldest["received_at"])


def test_how_many_were_delivered(ledger: Any) -> None:
    """Those delivered after the moment, of these shops; other ends don't count."""
    for number in range(4):
        ledger.settle(ledger.claimed(str(number)), State.DELIVERED, at=NOON + number * HOUR, fixed=True)
    ledger.settle(ledger.claimed("skipped"), State.SKIPPED, at=NOON + 9 * HOUR)
    assert 2 == ledger.purchases.delivered_since(["acme"], NOON + HOUR)
    assert 0 == ledger.purchases.delivered_since(["other"], NOON)


LOOKS: dict[str, Callable[[Purchases], object]] = {
    "counts": Purchases.counts,
    "oldest waiting": lambda ledger: ledger.oldest_waiting(["shop0", "shop1"]),
    "delivered since": lambda ledger: ledger.delivered_since(["shop0"], NOON),
    "newest": Purchases.rows,
    "of a state": lambda ledger: ledger.rows(state=State.QUARANTINED),
    "waiting": lambda ledger: ledger.rows(state=State.PENDING),
    "of a shop": lambda ledger: ledger.rows(shop="shop0"),
    "of a shop and a state": lambda ledger: ledger.rows(shop="shop0", state=State.SKIPPED),
    "for a reason": lambda ledger: ledger.rows(reason="why"),
}


def test_no_look_reads_the_whole_ledger(engine: Engine, sealer: Any) -> None:
    """Each goes through an index of what it needs; bodies, which are most of the file, aren't touched."""
    fill(engine)
    ledger = Purchases(engine, sealer)
    for name, look in LOOKS.items():
        steps = plan(engine, partial(look, ledger))
        assert [] == reads_everything(steps), (name, steps)


def test_counting_needs_no_row(sqlite_engine: Engine, sealer: Any) -> None:
    """All that is counted stands in the indexes: those that wait too, which may be very many when nothing is sent."""
    fill(sqlite_engine)
    steps = [step for step in plan(sqlite_engine, Purchases(sqlite_engine, sealer).counts) if "purchases" in step]
    assert all("COVERING INDEX" in step for step in steps), steps
