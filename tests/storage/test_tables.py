"""The types of the tables, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import StatementError

from adapter.storage.tables import State, clicks

HERE = timezone(timedelta(hours=-7))


def keep(engine: Engine, time: datetime) -> datetime | None:
    """Store a time and return what comes back."""
    with engine.begin() as connection:
        row = {"key": b"k", "shop": "acme", "identifiers": b"", "first_at": time, "last_at": time}
        connection.execute(insert(clicks), row)
        return connection.execute(select(clicks.c.first_at)).scalar_one()


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (datetime(2026, 5, 1, 12, tzinfo=UTC), datetime(2026, 5, 1, 12, tzinfo=UTC)),
        (datetime(2026, 5, 1, 12, 0, 0, 1, tzinfo=UTC), datetime(2026, 5, 1, 12, 0, 0, 1, tzinfo=UTC)),
        (datetime(2026, 5, 1, 5, tzinfo=HERE), datetime(2026, 5, 1, 12, tzinfo=UTC)),
        (datetime(2026, 12, 31, 23, tzinfo=HERE), datetime(2027, 1, 1, 6, tzinfo=UTC)),
        (datetime(1969, 7, 20, 20, 17, tzinfo=UTC), datetime(1969, 7, 20, 20, 17, tzinfo=UTC)),
        (datetime(9999, 12, 31, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)),
    ],
)
def test_a_time_comes_back_in_utc(engine: Engine, time: datetime, expected: datetime) -> None:
    """The moment is the same to the microsecond, and its zone is UTC on both databases."""
    kept = keep(engine, time)
    assert kept is not None
    assert (expected, timedelta(0)) == (kept, kept.utcoffset())


def test_a_postgresql_session_in_another_zone(postgres_engine: Engine) -> None:
    """Times come back in UTC also where the server's zone is another."""
    with postgres_engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL TIME ZONE 'America/Los_Angeles'")
        row = {"key": b"k", "shop": "acme", "identifiers": b"", "first_at": datetime(2026, 5, 1, 12, tzinfo=UTC)}
        connection.execute(insert(clicks), row | {"last_at": datetime(2026, 5, 1, 12, tzinfo=UTC)})
        kept = connection.execute(select(clicks.c.first_at)).scalar_one()
    assert (datetime(2026, 5, 1, 12, tzinfo=UTC), timedelta(0)) == (kept, kept.utcoffset())


def test_a_time_without_a_zone_is_refused(engine: Engine) -> None:
    """A naive time could be any zone's, so it is never stored."""
    with pytest.raises(StatementError, match="a time without a zone can't be stored"):
        keep(engine, datetime(2026, 5, 1, 12))  # noqa: DTZ001  # That it has no zone is the point.


def test_the_states() -> None:
    """The words that stand in the database, in the index and in what operators read."""
    words = {"pending", "delivering", "delivered", "quarantined", "skipped", "expired"}
    assert words == {state.value for state in State}
