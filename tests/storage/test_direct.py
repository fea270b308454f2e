"""Statements past SQLAlchemy: the same values in and out, on both databases, and nothing forgotten in silence."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, bindparam, insert, select, text, update

from adapter.storage.direct import fetch, run, written
from adapter.storage.engine import reading, writing
from adapter.storage.tables import clicks

NOON = datetime.fromisoformat("2026-05-01T12:00:00+00:00")
INSERT = insert(clicks).values(
    {name: bindparam(name) for name in ("key", "shop", "identifiers", "first_at", "last_at", "changed_uptime")}
)
MOVE = update(clicks).where(clicks.c.shop == bindparam("of")).values(last_at=bindparam("at"))
KEYS_OF = select(clicks.c.key).where(clicks.c.shop == bindparam("of")).order_by(clicks.c.key).limit(2)


def rows(*keys: bytes, **others: Any) -> list[dict[str, Any]]:
    """Return a row for each key."""
    common = {"shop": "acme", "identifiers": b"%s\x00", "first_at": NOON, "last_at": NOON, "changed_uptime": None}
    return [{**common, "key": key, **others} for key in keys]


def stored(connection: Connection) -> list[Any]:
    """Return what SQLAlchemy reads of all rows."""
    return list(connection.execute(select(clicks).order_by(clicks.c.key)).all())


def test_what_is_written_is_read(engine: Engine) -> None:
    """SQLAlchemy reads the same bytes, times and nothings that were handed to the driver."""
    with writing(engine) as connection:
        assert 2 == run(connection, INSERT, rows(b"1", b"2"))
        run(connection, INSERT, rows(b"3", changed_uptime=7))
    with reading(engine) as connection:
        found = stored(connection)
    assert [(b"1", None), (b"2", None), (b"3", 7)] == [(row.key, row.changed_uptime) for row in found]
    assert {("acme", b"%s\x00", NOON, NOON)} == {row[1:5] for row in found}


def test_times_compare_as_sqlalchemy_writes_them(engine: Engine) -> None:
    """A time is stored in UTC, whatever its zone, and in the form that SQLAlchemy's own statements compare."""
    noon_in_tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    with writing(engine) as connection:
        run(connection, INSERT, rows(b"1", last_at=noon_in_tokyo))
        connection.execute(insert(clicks), rows(b"2"))
        raw = connection.execute(text("SELECT last_at FROM clicks")).scalars().all()
        assert raw[0] == raw[1]
        same = select(clicks.c.key).where(clicks.c.last_at == NOON)
        assert {b"1", b"2"} == set(connection.execute(same).scalars())


def test_how_many_were_changed(engine: Engine) -> None:
    """All rows of all executions count; of none there is none."""
    with writing(engine) as connection:
        run(connection, INSERT, [*rows(b"1", b"2"), *rows(b"3", shop="other")])
        moves = [{"of": shop, "at": NOON + timedelta(1)} for shop in ("acme", "other", "nobody")]
        assert (3, 0, 0) == (run(connection, MOVE, moves), run(connection, MOVE, moves[2:]), run(connection, MOVE, []))


def test_fetching(engine: Engine) -> None:
    """Rows come as the driver gives them; what the statement itself says, such as a limit, is kept."""
    with writing(engine) as connection:
        run(connection, INSERT, rows(b"1", b"2", b"3"))
        assert [b"1", b"2"] == [row.key for row in fetch(connection, KEYS_OF, {"of": "acme"})]
        assert [] == fetch(connection, KEYS_OF, {"of": "nobody"})


def test_a_parameter_that_is_missing(engine: Engine) -> None:
    """It is an error, and never a NULL."""
    with writing(engine) as connection, pytest.raises(KeyError, match="at"):
        run(connection, MOVE, [{"of": "acme"}])


def test_a_time_without_a_zone(engine: Engine) -> None:
    """It is refused: psycopg would take it for local time."""
    with writing(engine) as connection, pytest.raises(ValueError, match="without a zone"):
        run(connection, MOVE, [{"of": "acme", "at": NOON.replace(tzinfo=None)}])


def test_written_once() -> None:
    """The text is made once for each dialect."""
    assert written(MOVE, "sqlite") is written(MOVE, "sqlite")
    assert "UPDATE clicks SET last_at=? WHERE clicks.shop = ?" == written(MOVE, "sqlite").text
    assert "UPDATE clicks SET last_at=%(at)s WHERE clicks.shop = %(of)s" == written(MOVE, "postgresql").text.replace(
        "::TIMESTAMP WITH TIME ZONE", ""
    ).replace("::VARCHAR", "")
