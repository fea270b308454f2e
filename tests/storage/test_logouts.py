"""Sessions of the console that were ended before their time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, select

from adapter.storage.logouts import Logouts
from adapter.storage.tables import logouts

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_an_ended_session(engine: Engine) -> None:
    """It is known as ended from then on; others aren't. Ending it twice changes nothing."""
    sessions = Logouts(engine)
    sessions.add("a", NOON + HOUR, NOON)
    sessions.add("a", NOON + HOUR, NOON)
    assert (True, False) == (sessions.has("a"), sessions.has("b"))


def test_what_would_have_ended_anyway_is_forgotten(engine: Engine) -> None:
    """The table holds no more than the logouts of half a day."""
    sessions = Logouts(engine)
    sessions.add("old", NOON + HOUR, NOON)
    sessions.add("new", NOON + 3 * HOUR, NOON + HOUR)
    with engine.connect() as connection:
        assert ["new"] == connection.execute(select(logouts.c.session)).scalars().all()
        assert 1 == connection.execute(select(func.count()).select_from(logouts)).scalar()
