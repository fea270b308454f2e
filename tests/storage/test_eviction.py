"""The clicks table stays bounded, on both databases: the oldest go first, and who adds rows makes room himself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, event, func, insert, select

from adapter.errors import StorageUnavailable
from adapter.storage import eviction
from adapter.storage.clicks import Clicks
from adapter.storage.eviction import LOOK_AFTER, MOST_ROWS, Eviction, delete_oldest
from adapter.storage.sealing import Sealer
from adapter.storage.tables import clicks as table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOON = datetime.fromisoformat("2026-05-01T12:00:00+00:00")


def fill(engine: Engine, rows: Iterator[tuple[int, int | None, int]]) -> None:
    """Store rows: number, uptime in seconds, seconds after noon."""
    values = [
        {
            "key": number.to_bytes(32),
            "shop": "acme",
            "identifiers": b"sealed",
            "first_at": NOON,
            "last_at": NOON + timedelta(seconds=at),
            "changed_uptime": uptime,
        }
        for number, uptime, at in rows
    ]
    with engine.begin() as connection:
        connection.execute(insert(table), values)


def numbers(engine: Engine) -> list[int]:
    """Return which of them are left."""
    with engine.connect() as connection:
        return sorted(int.from_bytes(key) for key in connection.execute(select(table.c.key)).scalars())


def count(engine: Engine) -> int:
    """Return how many rows there are."""
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_the_oldest_go(engine: Engine) -> None:
    """Those go that nothing was added to for longest: by uptime first, so that a wrong clock counts for little."""
    fill(engine, iter([(1, 60, 9), (2, 0, 5), (3, 0, 4), (4, 60, -(10**6)), (5, 120, 0)]))
    assert 3 == Eviction(engine, 2).evict()
    assert [1, 5] == numbers(engine)


def test_small_batches(engine: Engine) -> None:
    """A batch has two hundred rows; a table a tenth below its bound is left alone."""
    fill(engine, ((number, 0, number) for number in range(905)))
    bounded = Eviction(engine, 500)
    assert [200, 200, 55, 0] == [bounded.evict() for _ in range(4)]
    assert list(range(455, 905)) == numbers(engine)


def test_some_batches_share_a_count(sqlite_engine: Engine) -> None:
    """A few batches share a count; what came since is found by the next."""
    fill(sqlite_engine, ((number, 0, number) for number in range(900)))
    bounded = Eviction(sqlite_engine, 500)
    asked: list[str] = []
    event.listen(sqlite_engine, "before_cursor_execute", _noting(asked))
    assert [200, 200, 50] == [bounded.evict() for _ in range(3)]
    assert 1 == sum("count(" in statement for statement in asked)
    fill(sqlite_engine, ((number, 0, number) for number in range(1000, 1007)))
    assert [7, 0] == [bounded.evict() for _ in range(2)]


def test_others_evict_meanwhile(engine: Engine) -> None:
    """What a sweep left undone isn't owed: when others have made the room since, nothing more is deleted."""
    fill(engine, ((number, 0, number) for number in range(3000)))
    bounded = Eviction(engine, 500)
    assert 1000 == sum(bounded.evict() for _ in range(5))
    with engine.begin() as connection:
        delete_oldest(connection, 2000 - 450)
    assert 0 == bounded.evict()
    assert 450 == count(engine)


def test_rows_that_are_held(postgres_engine: Engine) -> None:
    """A row that another transaction is changing isn't waited for."""
    fill(postgres_engine, ((number, 0, number) for number in range(10)))
    with postgres_engine.begin() as other:
        other.execute(select(table).where(table.c.key == (0).to_bytes(32)).with_for_update())
        assert 0 < Eviction(postgres_engine, 5).evict()
    assert 0 in numbers(postgres_engine)


def test_who_adds_deletes(engine: Engine) -> None:
    """The first to add looks at what others left, then each after a thousand rows; as many as come go."""
    fill(engine, ((number, 0, number) for number in range(950)))
    bounded = Eviction(engine, 1000)
    assert [4, 1, 4] == [bounded.share_of(rows) for rows in (4, 1, 4)]
    with engine.begin() as connection:
        assert 100 == delete_oldest(connection, 100)
    assert [LOOK_AFTER - 6, 0] == [bounded.share_of(rows) for rows in (LOOK_AFTER - 6, 1)]
    fill(engine, ((number, 0, number) for number in range(1000, 2000)))
    assert [0, 1] == [bounded.share_of(rows) for rows in (LOOK_AFTER - 1, 1)]


def test_one_looks_at_a_time(engine: Engine) -> None:
    """Who comes while another one looks adds without looking."""
    bounded = Eviction(engine, 10)
    asked: list[str] = []

    def come_too(*_facts: object) -> None:
        asked.append("one")
        assert len(asked) < 3
        bounded.share_of(4)

    event.listen(engine, "before_cursor_execute", come_too)
    try:
        bounded.share_of(4)
        assert ["one"] == asked
        bounded.share_of(LOOK_AFTER - 4)
        assert ["one"] * 2 == asked
    finally:
        event.remove(engine, "before_cursor_execute", come_too)


def test_a_failed_look_is_repeated(sqlite_engine: Engine) -> None:
    """While there can't be looked nothing is added, and the next one looks."""
    bounded = Eviction(sqlite_engine, 10)
    with sqlite_engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE clicks RENAME TO away")
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            bounded.share_of(1)


def test_clicks_stay_bounded(engine: Engine, sealer: Sealer, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many clicks come, there are never more rows than the bound, and the newest are found."""
    monkeypatch.setattr(eviction, "LOOK_AFTER", 10)
    clicks = Clicks(engine, sealer, most_rows=100)
    most = 0
    for number in range(150):
        keys = [("checkout_token", f"t{number}"), ("cart_token", f"c{number}")]
        clicks.remember("acme", keys, {"aleid": f"a{number}"}, NOON + timedelta(seconds=number))
        most = max(most, count(engine))
    assert 90 <= most <= 100
    assert count(engine) <= 100
    assert {"aleid": "a149"} == clicks.find("acme", [("checkout_token", "t149")])
    assert {} == clicks.find("acme", [("checkout_token", "t0")])


def test_a_process_counts_rarely(sqlite_engine: Engine, sealer: Sealer) -> None:
    """Counting two hundred thousand rows takes ten milliseconds: it is done once in a thousand rows."""
    asked: list[str] = []
    event.listen(sqlite_engine, "before_cursor_execute", _noting(asked))
    clicks = Clicks(sqlite_engine, sealer)
    for number in range(50):
        clicks.remember("acme", [("order_key", f"o{number}")], {"aleid": "a"}, NOON)
    assert 1 == sum("count(" in statement.lower() for statement in asked)


def _noting(asked: list[str]) -> Callable[..., None]:
    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    return note


def test_the_bound() -> None:
    """Twenty processes that add a thousand rows each before they look stay within the bound."""
    assert 20 * LOOK_AFTER == MOST_ROWS // 10
