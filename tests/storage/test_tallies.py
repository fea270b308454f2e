"""What all processes have counted, added up in the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from adapter.errors import StorageUnavailable
from adapter.storage.tallies import Tallies, Total
from adapter.tally import Counted, Tally

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
TAKEN = Counted("webhooks", "acme", "200")
REFUSED = Counted("webhooks", "acme", "401")


def counted(*keys: Counted) -> Tally:
    """Return a process's tally."""
    tally = Tally()
    for key in keys:
        tally.count(*key)
    return tally


def test_nothing_counted(engine: Engine) -> None:
    """Nothing is there, and nothing is written."""
    Tallies(engine).store(Tally(), NOON)
    assert {} == Tallies(engine).totals()


def test_processes_add_up(engine: Engine) -> None:
    """What two processes stored is one sum, with the moment at which each kind last grew."""
    Tallies(engine).store(counted(TAKEN, TAKEN, REFUSED), NOON)
    later = NOON + timedelta(minutes=1)
    Tallies(engine).store(counted(TAKEN), later)
    assert {TAKEN: Total(3, later), REFUSED: Total(1, NOON)} == Tallies(engine).totals()


def test_at_once(engine: Engine, at_once: Any) -> None:
    """Eight processes that store at the same moment lose nothing, and none waits for another in a circle."""
    orders = ([TAKEN, REFUSED], [REFUSED, TAKEN])
    at_once(8, lambda number: Tallies(engine).store(counted(*orders[number % 2]), NOON))
    assert {TAKEN: 8, REFUSED: 8} == {key: total.count for key, total in Tallies(engine).totals().items()}


def test_what_can_not_be_stored_is_kept(engine: Engine) -> None:
    """While the database takes nothing the counts stay in memory, and come with the next."""
    tally = counted(TAKEN)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE tallies RENAME TO away"))
    with pytest.raises(StorageUnavailable):
        Tallies(engine).store(tally, NOON)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO tallies"))
    tally.count(*TAKEN)
    Tallies(engine).store(tally, NOON)
    assert {TAKEN: Total(2, NOON)} == Tallies(engine).totals()
