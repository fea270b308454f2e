"""Emptying SQLite's log: it ends empty, others are hardly kept waiting, and who reads on puts it off."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import Engine

from adapter.errors import StorageUnavailable
from adapter.settings import load_settings
from adapter.storage.arrivals import Receipt
from adapter.storage.checkpoint import empty_log
from adapter.storage.engine import open_engine, reading
from adapter.storage.purchases import Purchases

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def fill(engine: Engine, sealer: Any, start: int = 0, count: int = 50) -> None:
    """Store orders, one commit each."""
    store = Purchases(engine, sealer)
    for number in range(start, start + count):
        store.receive([Receipt(shop="acme", order_id=str(number), body=b"x" * 3000)], NOON)


def log_size(folder: Path) -> int:
    """Return how long the log is."""
    return (folder / "adapter.db-wal").stat().st_size


def test_the_log_ends_empty(sqlite_engine: Engine, sealer: Any, tmp_path: Path) -> None:
    """Everything is in the file afterwards, and the log is cut to nothing."""
    fill(sqlite_engine, sealer)
    assert log_size(tmp_path) > 100_000
    assert empty_log(sqlite_engine)
    assert 0 == log_size(tmp_path)
    assert 50 == len(Purchases(sqlite_engine, sealer).rows())


def test_the_patience_of_the_connection_stays(sqlite_engine: Engine) -> None:
    """Statements after it wait inside SQLite as little as before: that would stop every greenlet."""
    empty_log(sqlite_engine)
    with reading(sqlite_engine) as connection:
        assert 0 == connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()


def test_who_reads_on_puts_it_off(sqlite_engine: Engine, sealer: Any, tmp_path: Path) -> None:
    """A reader that holds an old view is waited for briefly, 20 times; then it is for the next sweep."""
    fill(sqlite_engine, sealer, count=5)
    waits: list[float] = []
    with sqlite_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as reader:
        reader.exec_driver_sql("BEGIN")
        reader.exec_driver_sql("SELECT count(*) FROM purchases").scalar_one()
        fill(sqlite_engine, sealer, start=5, count=5)
        assert not empty_log(sqlite_engine, waits.append)
        reader.exec_driver_sql("ROLLBACK")
    assert [0.1] * 19 == waits
    assert empty_log(sqlite_engine)
    assert 0 == log_size(tmp_path)


def test_intake_goes_on_beside_it(sqlite_engine: Engine, sealer: Any) -> None:
    """While the log is emptied again and again beside a reader that holds it up, no order waits for a second."""
    fill(sqlite_engine, sealer, count=3)
    done, longest = Event(), 0.0

    def empty() -> None:
        while not done.is_set():
            empty_log(sqlite_engine)
            time.sleep(0.1)

    with sqlite_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as reader:
        reader.exec_driver_sql("BEGIN")
        reader.exec_driver_sql("SELECT count(*) FROM purchases").scalar_one()
        thread = Thread(target=empty)
        thread.start()
        try:
            for number in range(3, 40):
                started = time.monotonic()
                fill(sqlite_engine, sealer, start=number, count=1)
                longest = max(longest, time.monotonic() - started)
        finally:
            done.set()
            thread.join()
        reader.exec_driver_sql("ROLLBACK")
    assert longest < 1
    assert 40 == len(Purchases(sqlite_engine, sealer).rows())


def test_postgresql_has_no_such_log(postgres_engine: Engine) -> None:
    """There is nothing to do."""
    assert empty_log(postgres_engine)


def test_a_file_that_is_away(tmp_path: Path) -> None:
    """A database that can't be opened is said as such."""
    engine = open_engine(load_settings({"DATABASE_URL": f"sqlite:///{tmp_path}/nowhere/adapter.db"}))
    with pytest.raises(StorageUnavailable):
        empty_log(engine)
    engine.dispose()
