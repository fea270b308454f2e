"""Looking at the ledger: rows by reason, counts, the oldest that waits, rates; each by an index."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

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


@pytest.mark.parametrize("look", ["counts", "oldest_waiting", "delivered_since"])
def test_no_look_reads_the_whole_ledger(sqlite_engine: Engine, sealer: Any, look: str) -> None:
    """Each query goes through an index of what it needs; bodies, which are most of the file, aren't touched."""
    store = Purchases(sqlite_engine, sealer)
    store.receive([Receipt(shop="acme", order_id="1", body=b"{}")], NOON)
    seen: list[tuple[str, Any]] = []
    event.listen(sqlite_engine, "before_cursor_execute", lambda _c, _u, sql, values, *_: seen.append((sql, values)))
    arguments: dict[str, list[Any]] = {"oldest_waiting": [["acme"]], "delivered_since": [["acme"], NOON]}
    getattr(store, look)(*arguments.get(look, []))
    selects = [pair for pair in seen if pair[0].startswith("SELECT")]
    assert selects
    with sqlite_engine.connect() as connection:
        for sql, values in selects:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
            assert all("USING" in step for step in plan if step.startswith(("SCAN purchases", "SEARCH purchases"))), (
                plan
            )
