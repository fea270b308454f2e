"""What became of the orders of each day, counted by an index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from plans import fill, plan, reads_everything
from sqlalchemy import Engine

from adapter.storage.cohorts import Cohorts
from adapter.storage.tables import State

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 5, 2, tzinfo=UTC)
MAY_1, MAY_2 = date(2026, 5, 1), date(2026, 5, 2)
TICK = timedelta(microseconds=1)


def test_by_day_and_state(ledger: Any, engine: Engine) -> None:
    """An order counts on the day (in UTC) on which it came in, in the state that it has now; other shops' don't."""
    ledger.receive("1", at=NOON)
    ledger.receive("2", at=MIDNIGHT - TICK, state=State.SKIPPED, reason="test: so")
    ledger.receive("3", at=MIDNIGHT)
    ledger.receive("4", at=MIDNIGHT, shop="other")
    expected = {(MAY_1, State.PENDING): 1, (MAY_1, State.SKIPPED): 1, (MAY_2, State.PENDING): 1}
    assert expected == Cohorts(engine).by_day("acme", [MAY_1, MAY_2])
    assert {} == Cohorts(engine).by_day("acme", [])


def test_ninety_days(ledger: Any, engine: Engine) -> None:
    """As many days as a chart has are counted at once; more than a database takes are refused."""
    ledger.receive("1")
    days = [MAY_1 - timedelta(days=back) for back in range(90)]
    assert {(MAY_1, State.PENDING): 1} == Cohorts(engine).by_day("acme", days)
    ledger.claim()
    assert {(MAY_1, State.PENDING): 1} == Cohorts(engine).by_day("acme", days)
    with pytest.raises(ValueError, match="at most 200 days"):
        Cohorts(engine).by_day("acme", days * 5)


def test_the_reasons(ledger: Any, engine: Engine) -> None:
    """Each kind is counted, of the orders that came in since then."""
    for number, reason in enumerate(["test: paid", "test: so", "pos: in the store", None]):
        ledger.receive(str(number), at=NOON, state=State.SKIPPED, reason=reason)
    ledger.receive("old", at=NOON - timedelta(days=2), state=State.SKIPPED, reason="test: old")
    assert Counter({"test": 2, "pos": 1}) == Cohorts(engine).reasons("acme", MAY_1)
    assert {} == Cohorts(engine).reasons("nobody", MAY_1)


def test_what_is_open(ledger: Any, engine: Engine) -> None:
    """What waits or is on its way waits; what is quarantined is counted apart."""
    ledger.claimed("1")
    ledger.receive("2")
    ledger.receive("3", state=State.QUARANTINED, reason="unreadable")
    ledger.receive("4", state=State.SKIPPED, reason="test")
    assert (2, 1) == Cohorts(engine).open("acme")


def test_the_last_order(ledger: Any, engine: Engine) -> None:
    """The latest arrival counts, whatever became of it."""
    assert Cohorts(engine).last("acme") is None
    ledger.receive("1", at=NOON, state=State.SKIPPED, reason="test")
    ledger.receive("2", at=NOON - timedelta(hours=1))
    assert NOON == Cohorts(engine).last("acme")


def test_the_delivered_ones(ledger: Any, engine: Engine) -> None:
    """They count on the day on which they came in, whenever they were delivered."""
    ledger.settle(ledger.claimed("1", at=NOON), State.DELIVERED, at=MIDNIGHT, fixed=True)
    ledger.settle(ledger.claimed("2", at=MIDNIGHT), State.DELIVERED, at=MIDNIGHT, fixed=True)
    assert {(MAY_1, State.DELIVERED): 1} == Cohorts(engine).by_day("acme", [MAY_1])
    expected = {(MAY_1, State.DELIVERED): 1, (MAY_2, State.DELIVERED): 1}
    assert expected == Cohorts(engine).by_day("acme", [MAY_1, MAY_2])


LOOKS: dict[str, Callable[[Cohorts], object]] = {
    "by day": lambda cohorts: cohorts.by_day("shop0", [MAY_1, MAY_2]),
    "reasons": lambda cohorts: cohorts.reasons("shop0", MAY_1),
    "open": lambda cohorts: cohorts.open("shop0"),
    "last": lambda cohorts: cohorts.last("shop0"),
}


@pytest.mark.parametrize("name", LOOKS)
def test_no_look_reads_the_whole_ledger(engine: Engine, name: str) -> None:
    """Each is answered by an index; on SQLite, but for the reasons, by one that holds all that it needs."""
    fill(engine)
    steps = plan(engine, lambda: LOOKS[name](Cohorts(engine)))
    assert [] == reads_everything(steps), steps
    if engine.dialect.name == "sqlite" and name != "reasons":
        assert all("COVERING" in step for step in steps if "purchases" in step), steps
