"""Building on PostgreSQL what a migration indexes while orders come in, before the migration itself finds it there.

Within a migration's transaction an index keeps every other process from writing until it is built, for as long as the
table is large. PostgreSQL builds one beside the load (postgresql.org/docs/current/sql-createindex.html, "Building
Indexes Concurrently"), but in no transaction: a build that was cut leaves an index that isn't used, and is begun anew.
"""

from __future__ import annotations

from collections.abc import Mapping

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

_IS_BROKEN = text("SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid")


def build_beside(connection: Connection, script: ScriptDirectory, current: str | None) -> None:
    """Build the `indexes` of every revision after the current one; the connection is PostgreSQL's, in no transaction.

    An empty database has nothing to build from, and one of a newer version is none of ours.
    """
    known = {revision.revision for revision in script.walk_revisions()}
    if current not in known:
        return
    for revision in script.iterate_revisions("head", current):
        for name, definition in _indexes_of(revision.module).items():
            _build(connection, name, definition)


def _indexes_of(module: object) -> Mapping[str, str]:
    """Return what a revision wants, by the index's name: they use columns that the first revision made."""
    indexes = getattr(module, "indexes", None)
    found: Mapping[str, str] = indexes("postgresql") if indexes is not None else {}
    return found


def _build(connection: Connection, name: str, definition: str) -> None:
    if connection.execute(_IS_BROKEN, {"name": name}).scalar():
        connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    connection.exec_driver_sql(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} {definition}")
