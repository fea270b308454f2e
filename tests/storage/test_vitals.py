"""Vital signs: what is due, quarantined and arrives, by indexes alone, also in a ledger of any size."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from plans import fill, plan, reads_everything
from sqlalchemy import Engine

from adapter.storage import vitals as module
from adapter.storage.tables import State
from adapter.storage.vitals import ShopVitals, Vitals

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def of_acme(engine: Engine) -> Any:
    """Return what reads the vital signs of the shop `acme` at a moment, an hour back."""

    def read(at: datetime = NOON) -> ShopVitals:
        return Vitals(engine).of_shops(["acme"], at, HOUR)["acme"]

    return read


def test_an_empty_ledger(of_acme: Any) -> None:
    """Of a shop that never sold anything nothing is known."""
    assert ShopVitals(due_since=None, quarantined=0, quarantined_since=None, arrivals=()) == of_acme()


def test_the_oldest_due(ledger: Any, of_acme: Any) -> None:
    """It is the first that may be claimed; what is claimed, held, suspect, settled or of others doesn't count."""
    start = NOON - MINUTE / 2
    ledger.claimed("claimed", at=start)
    ledger.settle(ledger.claimed("held", at=start), State.PENDING, due_at=NOON + MINUTE)
    ledger.settle(ledger.claimed("suspect", at=start), State.PENDING, due_at=start, suspect_at=start)
    ledger.settle(ledger.claimed("delivered", at=start), State.DELIVERED)
    ledger.receive("other", at=NOON - HOUR, shop="other")
    assert of_acme().due_since is None
    ledger.receive("2", at=NOON - 2 * MINUTE)
    ledger.receive("1", at=NOON - 5 * MINUTE)
    assert NOON - 5 * MINUTE == of_acme().due_since


def test_a_lease_that_ended(ledger: Any, of_acme: Any) -> None:
    """An order whose worker was killed is due again when its lease is over, since it first was."""
    ledger.claimed(at=NOON - MINUTE)
    assert NOON - MINUTE == of_acme().due_since


def test_quarantined_lately(ledger: Any, of_acme: Any) -> None:
    """Those within the hour are counted, from the first on; what was retried doesn't count any more."""
    for minutes in (90, 40, 10):
        ledger.settle(ledger.claimed(str(minutes)), State.QUARANTINED, at=NOON - minutes * MINUTE, reason="bad")
    found = of_acme()
    assert (2, NOON - 40 * MINUTE) == (found.quarantined, found.quarantined_since)


def test_counting_ends(ledger: Any, of_acme: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more are counted than it takes to know that it is bad."""
    monkeypatch.setattr(module, "MOST_COUNTED", 2)
    for number in range(3):
        ledger.settle(ledger.claimed(str(number)), State.QUARANTINED, reason="bad")
    assert 2 == of_acme().quarantined


def test_arrivals(ledger: Any, of_acme: Any) -> None:
    """The last twenty that came in, newest first, in whatever state they are by now."""
    ends = (State.DELIVERED, State.SKIPPED, State.QUARANTINED, State.EXPIRED)
    for number in range(30):
        at = NOON + number * MINUTE
        ledger.settle(ledger.claimed(str(number), at=at), ends[number % 4], at=at)
    ledger.receive("waiting", at=NOON + HOUR)
    ledger.receive("other", at=NOON + 2 * HOUR, shop="other")
    expected = [NOON + HOUR, *(NOON + number * MINUTE for number in range(29, 10, -1))]
    assert expected == list(of_acme(NOON + HOUR).arrivals)


def test_the_servers_clock(engine: Engine) -> None:
    """PostgreSQL has a clock of its own, SQLite hasn't."""
    found = Vitals(engine).server_time()
    if engine.dialect.name == "sqlite":
        assert found is None
    else:
        assert found is not None
        assert abs(datetime.now(UTC) - found) < MINUTE


def test_no_look_reads_the_whole_ledger(engine: Engine) -> None:
    """Each question goes through an index of the ledger, and nothing of many rows is sorted."""
    fill(engine)
    steps = plan(engine, lambda: Vitals(engine).of_shops(["shop0", "shop1"], NOON, 2 * HOUR))
    assert [] == reads_everything(steps), steps
    assert not [step for step in steps if "TEMP B-TREE" in step], steps
