"""Statements that run for every order or click: SQLAlchemy writes each once, then the driver gets it as it is.

SQLAlchemy looks at every parameter of every execution, which takes longer than the database itself: 50 µs a statement
on SQLite, 200 of one with many parameters on PostgreSQL. So it is asked for the text alone, and the values are made
here into what the drivers take.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import ClauseElement, Connection, CursorResult, Dialect
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.sql.compiler import SQLCompiler

from adapter.storage.tables import in_utc

_DIALECTS: dict[str, Dialect] = {"sqlite": sqlite.dialect(), "postgresql": psycopg.dialect()}  # type: ignore[no-untyped-call]  # SQLAlchemy doesn't type it.


@dataclass(frozen=True, slots=True)
class Written:
    """A statement as text in a dialect; `names` are its parameters, one for each of SQLite's question marks."""

    dialect: str
    text: str
    names: Sequence[str]
    constants: Mapping[str, Any]

    def values(self, row: Mapping[str, Any]) -> Any:  # noqa: ANN401  # Each driver has its own kind.
        """Return the row's values as the driver takes them, in their order or by name."""
        prepared = _for_sqlite if self.dialect == "sqlite" else for_psycopg
        found = [prepared(row[name] if name in row else self.constants[name]) for name in self.names]
        return tuple(found) if self.dialect == "sqlite" else dict(zip(self.names, found, strict=True))


@cache
def written(statement: ClauseElement, dialect: str) -> Written:
    """Return the statement as this dialect writes it; what it says itself, such as a limit, is a constant.

    It is remembered for good, so statements are made once, and not anew for each use.
    """
    compiled = cast("SQLCompiler", statement.compile(dialect=_DIALECTS[dialect]))
    values = compiled.params
    constants = {name: value for name, value in values.items() if value is not None}
    return Written(dialect, compiled.string, compiled.positiontup or tuple(values), constants)


@dataclass(frozen=True, slots=True)
class Driver:
    """A connection past SQLAlchemy: sqlite3's own or psycopg's, which are alike as far as this."""

    dialect: str
    connection: Any

    def fetch(self, statement: ClauseElement, row: Mapping[str, Any]) -> Sequence[Any]:
        """Execute the statement once; return the tuples that it finds."""
        direct = written(statement, self.dialect)
        found: Sequence[Any] = self.connection.execute(direct.text, direct.values(row)).fetchall()
        return found


def run(connection: Connection, statement: ClauseElement, rows: Sequence[Mapping[str, Any]]) -> int:
    """Execute the statement once for each row, which brings its parameters; return how many rows it has changed."""
    return _execute(connection, statement, rows).rowcount if rows else 0


def fetch(connection: Connection, statement: ClauseElement, row: Mapping[str, Any]) -> Sequence[Any]:
    """Execute the statement once; return what it finds, as the driver gives it: bytes, numbers, text, and no times."""
    return _execute(connection, statement, [row]).all()


def _execute(connection: Connection, statement: ClauseElement, rows: Sequence[Mapping[str, Any]]) -> CursorResult[Any]:
    direct = written(statement, connection.dialect.name)
    as_taken = [direct.values(row) for row in rows]
    return connection.exec_driver_sql(direct.text, as_taken if len(as_taken) > 1 else as_taken[0])


def _for_sqlite(value: Any) -> Any:  # noqa: ANN401  # Whatever a column takes.
    """Return what sqlite3 takes: a time as SQLAlchemy writes it, for times are compared as texts."""
    return in_utc(value).isoformat(" ", "microseconds") if isinstance(value, datetime) else value


def for_psycopg(value: Any) -> Any:  # noqa: ANN401  # As above.
    """Return what psycopg takes; raise `ValueError` for a time without a zone, which it would take for local time."""
    return in_utc(value).replace(tzinfo=UTC) if isinstance(value, datetime) else value
